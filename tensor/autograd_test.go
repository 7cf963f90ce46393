package tensor

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func floats(t *testing.T, what string, got *Tensor, want ...float64) {
	t.Helper()
	if got == nil || !slices.Equal(got.Float64s(), want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestGradientsAccumulateUntilCleared(t *testing.T) {
	x := FromSlice([]float64{1, 2}).RequireGrad()
	y := x.Square().Sum()
	y.Backward()
	y.Backward()
	floats(t, "after two passes the gradient", x.Grad(), 4, 8)
	x.ClearGrad()
	if x.Grad() != nil {
		t.Error("a cleared gradient is still there")
	}
	y.Backward()
	floats(t, "after clearing the gradient", x.Grad(), 2, 4)
	x.SetGrad(FromSlice([]float64{5, 5}))
	y.Backward()
	floats(t, "after SetGrad the gradient", x.Grad(), 7, 9)
	x.SetGrad(nil)
	if x.Grad() != nil {
		t.Error("SetGrad(nil) left a gradient")
	}
}

// TestSetGradTakesAnyGradient gives gradients that Backward cannot add to in
// place: of repeated elements, of another type, with gaps.
func TestSetGradTakesAnyGradient(t *testing.T) {
	for name, g := range map[string]*Tensor{
		"repeated": Full(1, Float64, 1).Expand(2), "float32": Ones(2), "with gaps": FromSlice([]float64{1, 9, 1}).Slice(0, 0, 3, 2),
	} {
		x := FromSlice([]float64{1, 2}).RequireGrad()
		x.SetGrad(g)
		x.Square().Sum().Backward()
		floats(t, name+": the sum", x.Grad(), 3, 5)
		x.SetGrad(g)
		x.ClearGrad()
		x.Square().Sum().Backward()
		floats(t, name+": after clearing the gradient", x.Grad(), 2, 4)
	}
}

// TestAGradientOnATapeIsNotOverwrittenUnseen computes with a gradient, whose
// memory the next pass uses again.
func TestAGradientOnATapeIsNotOverwrittenUnseen(t *testing.T) {
	w, x := FromSlice([]float64{1, 2}).RequireGrad(), FromSlice([]float64{1, 1}).RequireGrad()
	w.Square().Sum().Backward()
	y := x.Mul(w.Grad()).Sum()
	w.ClearGrad()
	w.Sum().Backward()
	wantMisuse(t, "a gradient that was overwritten", y.Backward)
}

// TestDefinitionsReadEveryOperand overwrites an operand that the gradient of a
// fused operation does not read, but its definition does.
func TestDefinitionsReadEveryOperand(t *testing.T) {
	x, w, b := FromSlice([]float64{1, 2}, 1, 2).RequireGrad(), FromSlice([]float64{1, 2}, 1, 2), FromSlice([]float64{1})
	y := LinearReLU(x, w, b)
	b.Fill(-1000)
	floats(t, "the gradient", Grad(y, []*Tensor{x})[0], 1, 2)
	wantMisuse(t, "a gradient with a graph", func() { Grad(y, []*Tensor{x}, CreateGraph) })
}

// TestOperandsMadeFromEachOther differentiates fused operations twice whose
// operands are computed from one another.
func TestOperandsMadeFromEachOther(t *testing.T) {
	x := FromSlice([]float64{0.3, -0.7, 1.1, 0.2}, 2, 2).RequireGrad()
	for name, f := range map[string]func(x *Tensor) *Tensor{
		"linear": func(x *Tensor) *Tensor { w := x.Square(); return LinearReLU(x, w, w.Sum(0)) },
		"batch norm": func(x *Tensor) *Tensor {
			y, _, _ := BatchNorm(x, x.Square().Sum(0), x.Exp().Sum(1), 1e-3)
			return y
		},
		"layer norm": func(x *Tensor) *Tensor { return LayerNorm(x, x.Sum(0), nil, 1e-3) },
		"cross-entropy": func(x *Tensor) *Tensor {
			return SoftmaxCrossEntropy(x, FromSlice([]int64{1, 0}), CrossEntropyOptions{}).Mul(x.Sum(1))
		},
	} {
		if _, err := GradCheck(func(in []*Tensor) *Tensor {
			return Grad(f(in[0]).Square().Sum().Add(in[0].Square().Sum()), in, CreateGraph)[0].Square().Sum()
		}, []*Tensor{x}, 1e-6); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGradientsOfPowersAtZero compares with PyTorch, which sets the derivatives
// whose formula is 0 times infinity to 0.
func TestGradientsOfPowersAtZero(t *testing.T) {
	a, b := FromSlice([]float64{0, 0, 3, 0}).RequireGrad(), FromSlice([]float64{2, 0, 0, 1}).RequireGrad()
	g := Grad(a.Pow(b), []*Tensor{a, b})
	floats(t, "the gradient of the base", g[0], 0, 0, 0, 1)
	floats(t, "the gradient of the exponent", g[1], 0, 0, math.Log(3), 0)
	floats(t, "the gradient of x to the power of the number 0", Grad(a.PowScalar(0), []*Tensor{a})[0], 0, 0, 0, 0)
}

func TestOneTensorUsedManyTimesGetsTheSum(t *testing.T) {
	x := Scalar(3, Float64).RequireGrad()
	y := x.Mul(x).Add(x).Add(x.Mul(x).Mul(x)) // x² + x + x³
	y.Backward()
	floats(t, "the gradient", x.Grad(), 6+1+27)
}

func TestGradOfResultsAndOfStrangers(t *testing.T) {
	x, stranger := Scalar(2, Float64).RequireGrad(), Scalar(1, Float64).RequireGrad()
	h := x.Square()
	y := h.MulScalar(3)
	g := Grad(y, []*Tensor{h, x, stranger, y})
	floats(t, "the gradient of a result", g[0], 3)
	floats(t, "the gradient of the leaf", g[1], 12)
	floats(t, "the gradient of a stranger", g[2], 0)
	floats(t, "the gradient of y itself", g[3], 1)
	if x.Grad() != nil {
		t.Error("Grad left a gradient in the leaf")
	}
	floats(t, "GradWith", GradWith(y, Scalar(10, Float64), []*Tensor{x})[0], 120)
}

func TestWhatIsOffTheTape(t *testing.T) {
	x := FromSlice([]float64{1, 2}).RequireGrad()
	if x.Detach().Square().RequiresGrad() || x.NoGrad().Mul(x).RequiresGrad() || x.Keep().RequiresGrad() {
		t.Error("a detached tensor is tracked")
	}
	if !x.Clone().RequiresGrad() || x.Clone().IsLeaf() || !x.IsLeaf() {
		t.Error("a clone is on the tape and no leaf")
	}
	scope := NewInferenceScope()
	if scope.Adopt(FromSlice([]float64{1, 2})).Mul(x).RequiresGrad() {
		t.Error("a tensor of an inference scope is tracked")
	}
	x.SetRequiresGrad(false)
	if x.Square().RequiresGrad() {
		t.Error("a frozen leaf is tracked")
	}
	x.SetRequiresGrad(true)
	x.Mul(x.Detach()).Sum().Backward()
	floats(t, "the gradient through one factor", x.Grad(), 1, 2)
}

func TestGradientsThroughHalfPrecisionAndConversions(t *testing.T) {
	x := FromSlice([]float32{1, 2}).RequireGrad()
	x.To(BFloat16).Square().To(Float64).Sum().Backward()
	if x.Grad().DType() != Float32 {
		t.Errorf("the gradient is %v", x.Grad().DType())
	}
	floats(t, "the gradient", x.Grad(), 2, 4)
}

func TestMisuseOfTheTapeIsExplained(t *testing.T) {
	x := FromSlice([]float64{1, 2}).RequireGrad()
	y := x.Square()
	for want, f := range map[string]func(){
		"only a scalar has a gradient of its own":         y.Backward,
		"nothing requires a gradient":                     Scalar(1, Float64).Backward,
		"the given gradient must have the shape":          func() { y.BackwardWith(Scalar(1, Float64)) },
		"grad: the given gradient must have the shape":    func() { GradWith(y, Scalar(1, Float64), nil) },
		"does not require a gradient was asked for one":   func() { Grad(y, []*Tensor{Zeros(1)}) },
		"only a leaf can be marked":                       func() { y.RequireGrad() },
		"only a leaf can be frozen":                       func() { y.SetRequiresGrad(false) },
		"only floating-point tensors have gradients":      func() { Full(0, Int64, 1).RequireGrad() },
		"a gradient has the shape of its tensor":          func() { x.SetGrad(Zeros(3)) },
		"only a tensor with one element is a number":      func() { x.Item() },
		"a tensor on the tape cannot be changed in place": func() { y.Fill(0) },
		"the elements have gaps; call Contiguous first":   func() { Data[float32](Zeros(4).Slice(0, 0, 4, 2)) },
		"the elements are float32, not float64":           func() { Data[float64](Zeros(1)) },
		"at: there is no element [2] in (2,)":             func() { x.At(2) },
		"1 positions were given for 2 axes":               func() { Zeros(1, 1).At(0) },
		"mean: the elements must be floating-point":       func() { Full(0, Int64, 1).Mean() },
		"is not what (3,) broadcasts to":                  func() { x.SumTo(3) },
		"an axis is named twice":                          func() { Zeros(1, 1).Sum(0, -2) },
	} {
		err := panicOf(f)
		var shape *ShapeError
		var use *UseError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &shape) && !errors.As(err, &use) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

func TestGradCheckFindsAWrongGradient(t *testing.T) {
	x := FromSlice([]float64{0.5, 1.5}).RequireGrad()
	// The second factor is off the tape, so that half of the gradient is missing.
	worst, err := GradCheck(func(in []*Tensor) *Tensor { return in[0].Mul(in[0].Detach()).Sum() }, []*Tensor{x})
	if err == nil || math.Abs(worst-1.0/3) > 1e-6 || !strings.Contains(err.Error(), "operand 0 (2,)") {
		t.Errorf("GradCheck of a half gradient gives %g, %v; want a third and an error", worst, err)
	}
	calls := 0.0
	for want, f := range map[string]func() (float64, error){
		"turn dropout and other randomness off": func() (float64, error) {
			return GradCheck(func(in []*Tensor) *Tensor { calls++; return in[0].Sum().MulScalar(calls) }, []*Tensor{x})
		},
		"no operand requires a gradient": func() (float64, error) { return GradCheck(nil, []*Tensor{Zeros(1), nil}) },
		"only exact enough in float64":   func() (float64, error) { return GradCheck(nil, []*Tensor{Zeros(1).RequireGrad()}) },
		"it must return a scalar": func() (float64, error) {
			return GradCheck(func(in []*Tensor) *Tensor { return in[0].Neg() }, []*Tensor{x})
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
	if _, err := GradCheck(func(in []*Tensor) *Tensor { return in[0].Exp().Sum() }, []*Tensor{x}); err != nil {
		t.Error(err)
	}
}

// TestGradCheckRefusesDropout even when it drops the same elements every time.
func TestGradCheckRefusesDropout(t *testing.T) {
	x := Full(1, Float64, 8).RequireGrad()
	_, err := GradCheck(func(in []*Tensor) *Tensor { return in[0].Dropout(0.5, NewRand(1)).Square().Sum() }, []*Tensor{x})
	if err == nil || !strings.Contains(err.Error(), "turn dropout off") {
		t.Errorf("got %v, want an error that says to turn dropout off", err)
	}
}

// TestLargeReductionsAreRight works on enough rows for partial results.
func TestLargeReductionsAreRight(t *testing.T) {
	x := NewSampler(3).Normal(1500, 2, 9)
	v := x.Float64s()
	for name, y := range map[string]*Tensor{
		"as it lies": x, "channels in the middle": x.Transpose(1, 2).Contiguous().Transpose(1, 2), "float32": x.To(Float32),
	} {
		sum, largest := make([]float64, 9), slices.Repeat([]float64{math.Inf(-1)}, 9)
		for i, e := range v {
			sum[i%9] += e
			largest[i%9] = max(largest[i%9], e)
		}
		wantClose(t, name+": sum", y.Sum(0, 1), FromSlice(sum), 1e-6)
		wantClose(t, name+": max", y.Max(0, 1), FromSlice(largest), 1e-6)
		wantClose(t, name+": all", y.Sum(), FromSlice(sum).Sum(), 1e-6)
		wantClose(t, name+": min", y.Min(), x.Neg().Max().Neg(), 1e-6)
	}
}

func TestCreation(t *testing.T) {
	floats(t, "Linspace", Linspace(0, 1, 5), 0, 0.25, 0.5, 0.75, 1)
	floats(t, "Linspace of one", Linspace(3, 4, 1), 3)
	floats(t, "Eye", Eye(2), 1, 0, 0, 1)
	floats(t, "Arange", Arange(1, 0, -0.25, Float64), 1, 0.75, 0.5, 0.25)
	floats(t, "Arange upwards to below", Arange(1, 0, 1, Float64))
	if got := Linspace(0, 1, 3).Float32s(); !slices.Equal(got, []float32{0, 0.5, 1}) {
		t.Errorf("Float32s gives %v", got)
	}
	for want, f := range map[string]func(){
		"the step must not be zero":        func() { Arange(0, 1, 0, Float32) },
		"sizes must not be negative":       func() { Zeros(-1) },
		"too many elements":                func() { Zeros(1<<40, 1<<40) },
		"3 elements do not make the shape": func() { FromSlice([]int32{1, 2, 3}, 2, 2) },
	} {
		if err := panicOf(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

func TestRandomTensorsAreAFunctionOfTheSeed(t *testing.T) {
	draw := func(r *Rand) []float64 {
		return slices.Concat(r.Uniform(-1, 1, 50).Float64s(), r.Normal(3, 0.5, 7).Float64s(), r.Perm(20).Float64s(), r.Split("layer").Uniform(0, 1, 4).Float64s())
	}
	one, again, other := draw(NewRand(1)), draw(NewRand(1)), draw(NewRand(2))
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Error("equal seeds must give equal numbers and different seeds different ones")
	}
	if a, b := NewRand(1).Split("a").Uniform(0, 1, 8), NewRand(1).Split("b").Uniform(0, 1, 8); slices.Equal(a.Float64s(), b.Float64s()) {
		t.Error("the generators of two names draw the same numbers")
	}
	u := NewRand(4).Uniform(2, 3, 20000)
	n := NewRand(4).Normal(1, 2, 20000)
	if low, high := u.Min().Item(), u.Max().Item(); low < 2 || high >= 3 || math.Abs(u.Mean().Item()-2.5) > 0.01 {
		t.Errorf("uniform numbers lie in [%g, %g] around %g", low, high, u.Mean().Item())
	}
	if m, s := n.Mean().Item(), n.Std(1).Item(); math.Abs(m-1) > 0.06 || math.Abs(s-2) > 0.05 {
		t.Errorf("normal numbers have mean %g and deviation %g, want 1 and 2", m, s)
	}
	p := NewRand(5).Perm(100).Int64s()
	slices.Sort(p)
	for i, v := range p {
		if v != int64(i) {
			t.Fatalf("the permutation lacks %d", i)
		}
	}
}

func TestCostsOfOperations(t *testing.T) {
	x, w := Zeros(8, 5), Zeros(3, 5)
	cost := func(op *Op, attr any, in ...*Tensor) [2]int64 {
		flops, bytes := (&Call{Op: op, In: in, Out: applyAll(op, attr, in...), Attr: attr}).FLOPs()
		return [2]int64{flops, bytes}
	}
	for name, c := range map[string]struct{ got, want [2]int64 }{
		"matmul": {cost(opMatMul, nil, x, w.T()), [2]int64{2 * 8 * 3 * 5, 4 * (40 + 15 + 24)}},
		"linear": {cost(opLinear, linearAttr{}, x, w, nil), [2]int64{2 * 8 * 3 * 5, 4 * (40 + 15 + 24)}},
		"add":    {cost(opAdd, nil, x, x), [2]int64{40, 4 * 120}},
		"a view": {cost(opPermute, []int{1, 0}, x), [2]int64{0, 0}},
	} {
		if c.got != c.want {
			t.Errorf("%s costs %v operations and bytes, want %v", name, c.got, c.want)
		}
	}
}
