package optim

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func TestNormOfLargeGradients(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		n := 2*chunk + 3
		p := tensor.Full(0, d, n).RequireGrad()
		p.SetGrad(tensor.Full(-2, d, n))
		params := []*tensor.Tensor{p}
		for order, want := range map[float64]float64{1: 2 * float64(n), 2: 2 * math.Sqrt(float64(n)), math.Inf(1): 2} {
			if got := GradNorm(params, order); math.Abs(got-want) > 1e-9*want {
				t.Errorf("%v: norm of order %g is %g, want %g", d, order, got, want)
			}
		}
		if before := ClipNorm(params, 1); math.Abs(before-2*math.Sqrt(float64(n))) > 1e-6 {
			t.Errorf("%v: norm before %g", d, before)
		}
		if after := GradNorm(params, 2); math.Abs(after-1) > 1e-5 {
			t.Errorf("%v: norm after %g", d, after)
		}
		ClipValue(params, 1e-3)
		if got := GradNorm(params, math.Inf(1)); math.Abs(got-1e-3) > 1e-9 {
			t.Errorf("%v: largest value after clipping %g", d, got)
		}
	}
}

func TestClippingLeavesBrokenGradientsToBeFound(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		p := tensor.Zeros(3).RequireGrad()
		p.SetGrad(tensor.FromSlice([]float32{1, float32(bad), 10}))
		if norm := ClipNorm([]*tensor.Tensor{p}, 1); norm <= math.MaxFloat64 {
			t.Errorf("norm %g", norm)
		}
		if got := p.Grad().Float32s(); got[0] != 1 || got[2] != 10 {
			t.Errorf("gradient %v", got)
		}
	}
}

func TestClippingOfNothing(t *testing.T) {
	if norm := ClipNorm(nil, 1); norm != 0 {
		t.Errorf("norm %g", norm)
	}
	p := tensor.Zeros(2).RequireGrad()
	p.SetGrad(tensor.Zeros(2))
	if norm := ClipNorm([]*tensor.Tensor{p}, 0); norm != 0 || !slices.Equal(p.Grad().Float32s(), []float32{0, 0}) {
		t.Errorf("norm %g, gradient %v", norm, p.Grad().Float32s())
	}
}

func TestLimitsThatMakeNoSense(t *testing.T) {
	mustPanic(t, "norm of -1", func() { ClipNorm(nil, -1) })
	mustPanic(t, "value of NaN", func() { ClipValue(nil, math.NaN()) })
	mustPanic(t, "order 3", func() { GradNorm(nil, 3) })
}

func TestSwapExchangesBitForBit(t *testing.T) {
	params := someParameters()
	original := bits(params)
	ema := NewEMA(params, 0.9)
	ema.Update()
	for _, p := range params {
		p.Fill(1)
	}
	ema.Swap()
	if !slices.Equal(bits(params), original) {
		t.Error("the first average is not a copy of the parameters")
	}
	mustPanic(t, "call Swap before the next Update", ema.Update)
	mustPanic(t, "call Swap before State", func() { ema.State() })
	if err := ema.LoadState(NewEMA(params, 0.9).State()); err == nil || !strings.Contains(err.Error(), "call Swap before LoadState") {
		t.Errorf("loading while the averages are swapped in gives %v", err)
	}
	ema.Swap()
	for _, p := range params {
		if v := p.Float64s(); slices.ContainsFunc(v, func(x float64) bool { return x != 1 }) {
			t.Errorf("%s did not come back", p.Name())
		}
	}
}

func TestTheAverageOfAConstantIsTheConstant(t *testing.T) {
	p := tensor.NewRand(5).Normal(0, 1, 1000)
	ema := NewEMA([]*tensor.Tensor{p}, 0.999)
	before := p.Float32s()
	for range 200 {
		ema.Update()
	}
	ema.Swap()
	if !slices.Equal(p.Float32s(), before) {
		t.Error("rounding moved the average of parameters that did not move")
	}
}

func TestAveragesGoOnFromTheirState(t *testing.T) {
	drift := func(params []*tensor.Tensor, ema *EMA, from, to int) {
		for step := from; step < to; step++ {
			for _, p := range params {
				p.CopyFrom(tensor.NewRand(uint64(step)).Normal(0, 1, p.Shape()...))
			}
			ema.Update()
		}
	}
	params := someParameters()
	whole := NewEMA(params, 0.9)
	drift(params, whole, 0, 6)
	first := NewEMA(params, 0.9)
	drift(params, first, 0, 3)
	second := NewEMA(params, 0.9)
	if err := second.LoadState(first.State()); err != nil {
		t.Fatal(err)
	}
	drift(params, second, 3, 6)
	if second.Updates() != 6 {
		t.Errorf("%d updates", second.Updates())
	}
	if !slices.Equal(bits(whole.average), bits(second.average)) {
		t.Error("a resumed average differs from an uninterrupted one")
	}
	for text, change := range map[string]func(map[string]*tensor.Tensor){
		"no small.average":                  func(s map[string]*tensor.Tensor) { delete(s, "small.average") },
		"no updates":                        func(s map[string]*tensor.Tensor) { delete(s, "updates") },
		"has other, which":                  func(s map[string]*tensor.Tensor) { s["other"] = tensor.Ones(1) },
		"small.average in the state is flo": func(s map[string]*tensor.Tensor) { s["small.average"] = tensor.Ones(1) },
	} {
		s := first.State()
		change(s)
		before := bits(second.average)
		if err := second.LoadState(s); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
		if !slices.Equal(bits(second.average), before) {
			t.Errorf("%s: the averages have changed", text)
		}
	}
}

func TestAveragesThatMakeNoSense(t *testing.T) {
	x := tensor.Ones(1)
	mustPanic(t, "decay of an average of weights is 1", func() { NewEMA([]*tensor.Tensor{x}, 1) })
	mustPanic(t, "no parameters", func() { NewEMA(nil, 0.9) })
	mustPanic(t, "listed twice", func() { NewEMA([]*tensor.Tensor{x, x}, 0.9) })
}
