package nn

import (
	"math"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// near fails unless two tensors have one shape and differ by at most limit.
func near(t *testing.T, what string, got, want *tensor.Tensor, limit float64) {
	t.Helper()
	if tensor.ShapeString(got.Shape()) != tensor.ShapeString(want.Shape()) {
		t.Fatalf("%s: shape %v, want %v", what, got.Shape(), want.Shape())
	}
	g, w := got.Float64s(), want.Float64s()
	for i := range g {
		if !(math.Abs(g[i]-w[i]) <= limit) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, g[i], w[i])
		}
	}
}

func TestBatchNormEvaluationEqualsItsFormula(t *testing.T) {
	for _, shape := range [][]int{{4, 3}, {4, 3, 5}, {2, 3, 4, 5}, {2, 1, 3, 3}, {1, 3, 1, 1}} {
		r := tensor.NewRand(1)
		channels := shape[1]
		l := newBatchNorm("BatchNorm2d", channels, []Option{Eps(1e-3)})
		l.Weight.CopyFrom(r.Normal(0, 1, channels))
		l.Bias.CopyFrom(r.Normal(0, 1, channels))
		l.RunningMean.CopyFrom(r.Normal(0, 1, channels))
		l.RunningVar.CopyFrom(r.Uniform(0.5, 2, channels))
		x := r.Normal(0, 1, shape...)
		wide := make([]int, len(shape)-1)
		for i := range wide {
			wide[i] = 1
		}
		wide[0] = channels
		at := func(p *tensor.Tensor) *tensor.Tensor { return p.Detach().Reshape(wide...) }
		want := x.Sub(at(l.RunningMean)).Div(at(l.RunningVar).AddScalar(1e-3).Sqrt()).Mul(at(l.Weight)).Add(at(l.Bias))
		var plain, relu Module = &BatchNorm2d{l}, reluOf{&BatchNorm2d{l}}
		if len(shape) < 4 {
			plain, relu = &BatchNorm1d{l}, reluOf{&BatchNorm1d{l}}
		}
		near(t, "Forward", plain.Forward(Inference(), x), want, 1e-5)
		near(t, "ForwardReLU", relu.Forward(Inference(), x), want.ReLU(), 1e-5)
	}
}

// reluOf is the fused form of a layer as a module.
type reluOf struct{ layer fusesReLU }

func (r reluOf) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return r.layer.ForwardReLU(c, x)
}

func TestBatchNormOfOneValueAChannelPanics(t *testing.T) {
	defer func() {
		if e, ok := recover().(*tensor.ShapeError); !ok || e.Op != "batch_norm" {
			t.Errorf("got %v, want a ShapeError of batch_norm", e)
		}
	}()
	NewBatchNorm1d(3).Forward(Training(1), tensor.Ones(1, 3))
}
