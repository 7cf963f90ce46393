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
		shortcut := r.Normal(0, 1, shape...)
		near(t, "ForwardAddReLU", plain.(addsReLU).ForwardAddReLU(Inference(), x, shortcut), want.Add(shortcut).ReLU(), 1e-5)
	}
}

// reluOf is the fused form of a layer as a module.
type reluOf struct{ layer fusesReLU }

func (r reluOf) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return r.layer.ForwardReLU(c, x)
}

// addsReLU is a normalisation that ends a residual block.
type addsReLU interface {
	ForwardAddReLU(c *Context, x, shortcut *tensor.Tensor) *tensor.Tensor
}

func TestForwardAddReLUEqualsItsParts(t *testing.T) {
	r := tensor.NewRand(2)
	x, shortcut := r.Normal(1, 2, 3, 4, 5, 6).RequireGrad(), r.Normal(0, 1, 3, 4, 5, 6).RequireGrad()
	gy := r.Normal(0, 1, 3, 4, 5, 6)
	fused, parts := NewBatchNorm2d(4), NewBatchNorm2d(4)
	y := fused.ForwardAddReLU(Training(1), x, shortcut)
	z := parts.Forward(Training(1), x).Add(shortcut).ReLU()
	near(t, "output", y, z, 1e-5)
	near(t, "running mean", fused.RunningMean, parts.RunningMean, 0)
	near(t, "running variance", fused.RunningVar, parts.RunningVar, 0)
	got := tensor.GradWith(y, gy, []*tensor.Tensor{x, shortcut, fused.Weight, fused.Bias})
	want := tensor.GradWith(z, gy, []*tensor.Tensor{x, shortcut, parts.Weight, parts.Bias})
	for i, what := range []string{"input", "shortcut", "weight", "bias"} {
		near(t, "gradient of the "+what, got[i], want[i], 1e-4)
	}
}

func TestBatchNormWithoutAffineHasNoParameters(t *testing.T) {
	l := NewBatchNorm2d(3, NoAffine())
	if n := len(Parameters(l)); n != 0 {
		t.Errorf("%d parameters, want none", n)
	}
	x := tensor.NewRand(3).Normal(5, 2, 4, 3, 2, 2)
	affine := NewBatchNorm2d(3) // starts with a scale of 1 and a shift of 0
	near(t, "training", l.Forward(Training(1), x), affine.Forward(Training(1), x), 0)
	near(t, "evaluation", l.Forward(Inference(), x), affine.Forward(Inference(), x), 1e-6)
}

func TestBatchNormOfOneValueAChannelPanics(t *testing.T) {
	defer func() {
		if e, ok := recover().(*tensor.ShapeError); !ok || e.Op != "batch_norm" {
			t.Errorf("got %v, want a ShapeError of batch_norm", e)
		}
	}()
	NewBatchNorm1d(3).Forward(Training(1), tensor.Ones(1, 3))
}
