package bench

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// seed of all weights and inputs.
const seed = 1

// convolutions are (N, C, H, W, out channels, kernel, stride, padding, groups).
var convolutions = []struct {
	name                               string
	n, c, h, w, k, kernel, stride, pad int
	groups                             int
}{
	{"mnist-first", 100, 1, 28, 28, 16, 3, 1, 1, 1},
	{"cifar-16", 128, 16, 32, 32, 16, 3, 1, 1, 1},
	{"cifar-32", 128, 32, 16, 16, 32, 3, 1, 1, 1},
	{"cifar-64", 128, 64, 8, 8, 64, 3, 1, 1, 1},
	{"vgg-64", 16, 64, 56, 56, 64, 3, 1, 1, 1},
	{"vgg-128", 16, 128, 28, 28, 128, 3, 1, 1, 1},
	{"vgg-256", 16, 256, 14, 14, 256, 3, 1, 1, 1},
	{"vgg-512", 16, 512, 7, 7, 512, 3, 1, 1, 1},
	{"stem-7x7", 16, 3, 224, 224, 64, 7, 2, 3, 1},
	{"point-256", 16, 256, 56, 56, 64, 1, 1, 0, 1},
	{"depthwise-96", 16, 96, 56, 56, 96, 3, 1, 1, 96},
	{"down-3x3", 16, 64, 56, 56, 128, 3, 2, 1, 1},
}

// workloads lists all, in the order in which they are run.
func workloads() []Workload {
	var out []Workload
	for _, n := range []int{128, 256, 512, 1024, 2048} {
		out = append(out, Workload{fmt.Sprintf("gemm-%d", n), func() (func(), float64) { return matmul(n) }})
	}
	for _, s := range convolutions {
		layer := func() (*nn.Conv2d, *tensor.Tensor, float64) {
			m := nn.NewConv2d(nn.NewInit(seed), s.c, s.k, s.kernel, nn.Stride(s.stride), nn.Padding(s.pad), nn.Groups(s.groups))
			x := tensor.NewRand(seed).Normal(0, 1, s.n, s.c, s.h, s.w)
			oh, ow := (s.h+2*s.pad-s.kernel)/s.stride+1, (s.w+2*s.pad-s.kernel)/s.stride+1
			return m, x, 2 * float64(s.n*oh*ow*s.k*s.c/s.groups*s.kernel*s.kernel)
		}
		out = append(out,
			Workload{"conv-" + s.name + "-forward", func() (func(), float64) {
				m, x, flops := layer()
				return inference(m, x), flops
			}},
			Workload{"conv-" + s.name + "-backward", func() (func(), float64) {
				m, x, flops := layer()
				return convBackward(m, x), 2 * flops
			}})
	}
	for _, t := range imageTraining {
		out = append(out, Workload{"train-" + t.name, func() (func(), float64) {
			r := tensor.NewRand(seed)
			return training(t.network(nn.NewInit(seed)), t.optimizer, r.Normal(0, 1, t.batch, t.channels, t.side, t.side), classes(t.batch, t.classes))
		}})
	}
	for _, t := range mlpTraining {
		out = append(out, Workload{"train-" + t.name, func() (func(), float64) {
			r := tensor.NewRand(seed)
			return training(mlp(nn.NewInit(seed), t.dims...), t.optimizer, r.Normal(0, 1, t.batch, t.dims[0]), classes(t.batch, t.dims[len(t.dims)-1]))
		}})
	}
	for _, t := range transformerTraining {
		out = append(out, Workload{"train-" + t.name, func() (func(), float64) {
			m := newTransformer(nn.NewInit(seed), t.tokens, t.width, t.heads, t.layers, t.context)
			return training(m, adam, tokens(t.tokens, t.batch, t.context), classes(t.batch*t.context, t.tokens))
		}})
	}
	out = append(out, Workload{"train-dcgan-28-b64", func() (func(), float64) { return dcgan(64) }})
	for _, t := range inferences {
		out = append(out, Workload{"infer-" + t.name, func() (func(), float64) {
			return inference(t.network(nn.NewInit(seed)), tensor.NewRand(seed).Normal(0, 1, t.shape...)), 0
		}})
	}
	out = append(out, sequenceWorkloads()...)
	return out
}

func matmul(n int) (func(), float64) {
	r := tensor.NewRand(seed)
	a, b, scope := r.Normal(0, 1, n, n), r.Normal(0, 1, n, n), casting(tensor.NewInferenceScope())
	return func() {
		scope.View(a).MatMul(b)
		scope.Release()
	}, 2 * float64(n) * float64(n) * float64(n)
}

// inference runs a network forward without gradients.
func inference(m nn.Module, x *tensor.Tensor) func() {
	c, scope := nn.Inference(), casting(tensor.NewInferenceScope())
	return func() {
		m.Forward(c, scope.View(x))
		scope.Release()
	}
}

// convBackward computes the gradients of input, weight and bias, given that of
// the output.
func convBackward(m *nn.Conv2d, x *tensor.Tensor) func() {
	step := casting(tensor.NewScope())
	x = x.ChannelsLast().RequireGrad()
	y := m.Forward(nn.Training(seed), x)
	gy := tensor.NewRand(seed).Normal(0, 1, y.Shape()...).ChannelsLast()
	wanted := []*tensor.Tensor{x, m.Weight, m.Bias}
	return func() {
		tensor.GradWith(y, step.View(gy), wanted)
		step.Release()
	}
}

// training is one whole step: forward, loss, backward and update.
func training(m nn.Module, a optim.Algorithm, x, y *tensor.Tensor) (func(), float64) {
	opt, scope := optim.New(a, nn.Parameters(m)), casting(tensor.NewScope())
	n := uint64(0)
	return func() {
		n++
		nn.CrossEntropy(m.Forward(nn.Training(n), scope.View(x)), y).BackwardOnce()
		opt.Step()
		scope.Release()
	}, 0
}

func classes(n, k int) *tensor.Tensor {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(i * 7919 % k)
	}
	return tensor.FromSlice(v)
}
