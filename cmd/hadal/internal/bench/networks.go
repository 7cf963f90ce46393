package bench

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

type network func(init *nn.Init) nn.Module

var (
	adam     = optim.Adam(1e-3)
	momentum = optim.Momentum(0.1, 0.9).WeightDecay(1e-4)
	plain    = optim.SGD(0.1)
)

var imageTraining = []struct {
	name                           string
	network                        network
	optimizer                      optim.Algorithm
	batch, channels, side, classes int
}{
	{"lenet5-b100", lenet5, adam, 100, 1, 28, 10},
	{"mnist-cnn-b100", mnistCNN, adam, 100, 1, 28, 10},
	{"deepconvnet-b100", deepConvNet, adam, 100, 1, 28, 10},
	{"resnet20-cifar-b128", resnet20, momentum, 128, 3, 32, 10},
	{"vgg16-cifar-b64", vgg16, momentum, 64, 3, 32, 10},
	{"densenet40-cifar-b64", densenet40, momentum, 64, 3, 32, 10},
	{"resnet18-224-b16", resnet18, momentum, 16, 3, 224, 1000},
}

var mlpTraining = []struct {
	name      string
	dims      []int
	batch     int
	optimizer optim.Algorithm
}{
	{"mlp-784-50-10-b100-sgd", []int{784, 50, 10}, 100, plain},
	{"mlp-784-1024-1024-10-b128-adam", []int{784, 1024, 1024, 10}, 128, adam},
	{"mlp-4-128-128-2-b64-adam", []int{4, 128, 128, 2}, 64, adam},
}

var inferences = []struct {
	name    string
	network network
	shape   []int
}{
	{"resnet18-224-b1", resnet18, []int{1, 3, 224, 224}},
	{"resnet18-224-b16", resnet18, []int{16, 3, 224, 224}},
	{"deepconvnet-b1", deepConvNet, []int{1, 1, 28, 28}},
	{"mlp-784-50-10-b1", func(init *nn.Init) nn.Module { return mlp(init, 784, 50, 10) }, []int{1, 784}},
}

func mlp(init *nn.Init, dims ...int) nn.Module {
	var s nn.Sequential
	for i := range len(dims) - 1 {
		if i > 0 {
			s = append(s, nn.ReLU{})
		}
		s = append(s, nn.NewLinear(init, dims[i], dims[i+1]))
	}
	return s
}

func lenet5(init *nn.Init) nn.Module {
	return nn.Sequential{
		nn.NewConv2d(init, 1, 6, 5, nn.Padding(2)), nn.ReLU{}, nn.MaxPool2d{Kernel: 2},
		nn.NewConv2d(init, 6, 16, 5), nn.ReLU{}, nn.MaxPool2d{Kernel: 2},
		nn.Flatten{}, nn.NewLinear(init, 400, 120), nn.ReLU{}, nn.NewLinear(init, 120, 84), nn.ReLU{}, nn.NewLinear(init, 84, 10),
	}
}

func mnistCNN(init *nn.Init) nn.Module {
	return nn.Sequential{
		nn.NewConv2d(init, 1, 32, 3), nn.ReLU{}, nn.NewConv2d(init, 32, 64, 3), nn.ReLU{}, nn.MaxPool2d{Kernel: 2}, nn.Dropout{P: 0.25},
		nn.Flatten{}, nn.NewLinear(init, 9216, 128), nn.ReLU{}, nn.Dropout{P: 0.5}, nn.NewLinear(init, 128, 10),
	}
}

// deepConvNet is the network of chapter 8 of Deep Learning from Scratch.
func deepConvNet(init *nn.Init) nn.Module {
	var s nn.Sequential
	c := 1
	for _, l := range [][2]int{{16, 1}, {16, 1}, {}, {32, 1}, {32, 2}, {}, {64, 1}, {64, 1}, {}} {
		if l[0] == 0 {
			s = append(s, nn.MaxPool2d{Kernel: 2})
			continue
		}
		s = append(s, nn.NewConv2d(init, c, l[0], 3, nn.Padding(l[1])), nn.ReLU{})
		c = l[0]
	}
	return append(s, nn.Flatten{}, nn.NewLinear(init, 1024, 50), nn.ReLU{}, nn.Dropout{P: 0.5}, nn.NewLinear(init, 50, 10), nn.Dropout{P: 0.5})
}

// convNorm is a 3x3 convolution and batch normalisation.
type convNorm struct {
	Conv *nn.Conv2d
	Norm *nn.BatchNorm2d
}

func newConvNorm(init *nn.Init, in, out, kernel, stride int) convNorm {
	return convNorm{nn.NewConv2d(init, in, out, kernel, nn.Stride(stride), nn.Padding(kernel/2), nn.NoBias()), nn.NewBatchNorm2d(out)}
}

func (l convNorm) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return l.Norm.Forward(c, l.Conv.Forward(c, x))
}

func (l convNorm) ForwardReLU(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return l.Norm.ForwardReLU(c, l.Conv.Forward(c, x))
}

// basicBlock is that of He et al. 2015; where the shape changes, the short cut
// is a projection or, with none, option A: subsampled, new channels zero.
type basicBlock struct {
	First, Second convNorm
	Project       *convNorm
	Stride, Grow  int
}

func newBasicBlock(init *nn.Init, in, out, stride int, project bool) *basicBlock {
	b := &basicBlock{First: newConvNorm(init, in, out, 3, stride), Second: newConvNorm(init, out, out, 3, 1), Stride: stride, Grow: out - in}
	if project && (stride != 1 || in != out) {
		p := newConvNorm(init, in, out, 1, stride)
		b.Project = &p
	}
	return b
}

func (b *basicBlock) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := b.Second.Conv.Forward(c, b.First.ForwardReLU(c, x))
	switch {
	case b.Project != nil:
		x = b.Project.Forward(c, x)
	case b.Stride != 1:
		x = x.Slice(2, 0, x.Dim(2), b.Stride).Slice(3, 0, x.Dim(3), b.Stride)
		x = x.Pad(0, [2]int{0, b.Grow}, [2]int{}, [2]int{})
	}
	return b.Second.Norm.ForwardAddReLU(c, y, x)
}

// head averages each channel and maps to classes.
type head struct{ Linear *nn.Linear }

func (h head) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return h.Linear.Forward(c, x.Mean(2, 3))
}

func resnet20(init *nn.Init) nn.Module {
	s := nn.Sequential{newConvNorm(init, 3, 16, 3, 1), nn.ReLU{}}
	in := 16
	for i, out := range []int{16, 32, 64} {
		for j := range 3 {
			stride := 1
			if i > 0 && j == 0 {
				stride = 2
			}
			s = append(s, newBasicBlock(init, in, out, stride, false))
			in = out
		}
	}
	return append(s, head{nn.NewLinear(init, 64, 10)})
}

func resnet18(init *nn.Init) nn.Module {
	s := nn.Sequential{newConvNorm(init, 3, 64, 7, 2), nn.ReLU{},
		nn.MaxPool2d{Kernel: 3, Options: tensor.PoolOptions{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}}}
	in := 64
	for i, out := range []int{64, 128, 256, 512} {
		for j := range 2 {
			stride := 1
			if i > 0 && j == 0 {
				stride = 2
			}
			s = append(s, newBasicBlock(init, in, out, stride, true))
			in = out
		}
	}
	return append(s, head{nn.NewLinear(init, 512, 1000)})
}

func vgg16(init *nn.Init) nn.Module {
	var s nn.Sequential
	c := 3
	for _, k := range []int{64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0} {
		if k == 0 {
			s = append(s, nn.MaxPool2d{Kernel: 2})
			continue
		}
		s = append(s, nn.NewConv2d(init, c, k, 3, nn.Padding(1)), nn.NewBatchNorm2d(k), nn.ReLU{})
		c = k
	}
	return append(s, nn.Flatten{}, nn.NewLinear(init, 512, 10))
}

// denseLayer is the bottleneck layer of Huang et al. (arXiv 1608.06993): what it
// computes is joined to what it was given.
type denseLayer struct {
	Norm1 *nn.BatchNorm2d
	Conv1 *nn.Conv2d // 1x1, to four times the growth
	Norm2 *nn.BatchNorm2d
	Conv2 *nn.Conv2d // 3x3, to the growth
}

func newDenseLayer(init *nn.Init, in, growth int) *denseLayer {
	return &denseLayer{
		nn.NewBatchNorm2d(in), nn.NewConv2d(init, in, 4*growth, 1, nn.NoBias()),
		nn.NewBatchNorm2d(4 * growth), nn.NewConv2d(init, 4*growth, growth, 3, nn.Padding(1), nn.NoBias()),
	}
}

func (l *denseLayer) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := l.Conv1.Forward(c, l.Norm1.ForwardReLU(c, x))
	y = l.Conv2.Forward(c, l.Norm2.ForwardReLU(c, y))
	return tensor.Concat(1, x, y)
}

// densenet40 is DenseNet-BC with 40 layers, a growth of 12 and a compression of
// one half: three blocks of six bottleneck layers.
func densenet40(init *nn.Init) nn.Module {
	const growth, layers = 12, 6
	channels := 2 * growth
	s := nn.Sequential{nn.NewConv2d(init, 3, channels, 3, nn.Padding(1), nn.NoBias())}
	for block := range 3 {
		for range layers {
			s = append(s, newDenseLayer(init, channels, growth))
			channels += growth
		}
		s = append(s, nn.NewBatchNorm2d(channels), nn.ReLU{})
		if block < 2 {
			s = append(s, nn.NewConv2d(init, channels, channels/2, 1, nn.NoBias()), nn.AvgPool2d{Kernel: 2})
			channels /= 2
		}
	}
	return append(s, head{nn.NewLinear(init, channels, 10)})
}
