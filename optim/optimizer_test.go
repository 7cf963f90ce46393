package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/tensor"
)

// every lists all algorithms with all their settings in use.
func every() []Algorithm {
	return []Algorithm{
		SGD(0.1),
		SGD(0.1).L1(0.01).WeightDecay(0.02),
		Momentum(0.1, 0.9).Dampening(0.1),
		Nesterov(0.1, 0.9),
		Adagrad(0.1).LRDecay(0.01).InitialAccumulator(0.2),
		Adadelta(1).Rho(0.8),
		RMSprop(0.01).Momentum(0.5).Centered(),
		RMSprop(0.01).Centered(),
		Adam(0.01).L1(0.01),
		AMSGrad(0.01),
		AdamW(0.01),
		Adamax(0.01),
		NAdam(0.01).MomentumDecay(0.01),
		RAdam(0.01).DecoupledWeightDecay(0.1),
		LAMB(0.01).WeightDecay(0.1),
	}
}

// someParameters returns tensors of several sizes, layouts and types, of which
// one is larger than a chunk.
func someParameters() []*tensor.Tensor {
	r := tensor.NewRand(1)
	list := []*tensor.Tensor{
		r.Normal(0, 1, 3, 4).SetName("small"),
		r.Normal(0, 1, chunk+5).SetName("large"),
		r.Normal(0, 1, 4, 3, 2, 2).ChannelsLast().SetName("image"),
		r.Normal(0, 1, 7).To(tensor.Float64).SetName("double"),
		r.Normal(0, 1).SetName("scalar"),
	}
	for _, t := range list {
		t.RequireGrad()
	}
	return list
}

// randomGradients gives every parameter the gradient that belongs to a step.
func randomGradients(params []*tensor.Tensor, step int) {
	for i, p := range params {
		r := tensor.NewRand(uint64(step)).Split(fmt.Sprint(i))
		p.SetGrad(r.Normal(0, 1, p.Shape()...).To(p.DType()))
	}
}

func run(o *Optimizer, from, to int) {
	for step := from; step < to; step++ {
		randomGradients(o.Params(), step)
		o.SetLR(0.01 / float64(1+step))
		o.Step()
	}
}

// bits are the exact contents of tensors.
func bits(list []*tensor.Tensor) (out []uint64) {
	for _, t := range list {
		for _, v := range t.Float64s() {
			out = append(out, math.Float64bits(v))
		}
	}
	return out
}

func TestResumedTrainingHasTheSameBits(t *testing.T) {
	for _, a := range every() {
		whole := New(a, someParameters())
		run(whole, 0, 9)

		first := New(a, someParameters())
		run(first, 0, 4)
		state := first.State()
		second := New(a, copies(first.Params()))
		run(first, 4, 5) // the state must not follow
		if err := second.LoadState(state); err != nil {
			t.Errorf("%v: %v", a, err)
			continue
		}
		if second.Steps() != 4 || second.LR() != 0.01/4 {
			t.Errorf("%v: %d steps at %g after loading", a, second.Steps(), second.LR())
		}
		run(second, 4, 9)
		if !slices.Equal(bits(whole.Params()), bits(second.Params())) {
			t.Errorf("%v: a resumed run differs from an uninterrupted one", a)
		}
	}
}

func copies(params []*tensor.Tensor) (out []*tensor.Tensor) {
	for _, p := range params {
		out = append(out, p.Keep().SetName(p.Name()).RequireGrad())
	}
	return out
}

func TestThreadsDoNotChangeTheBits(t *testing.T) {
	before := par.Threads()
	defer par.SetThreads(before)
	for _, a := range every() {
		var results [][]uint64
		for _, threads := range []int{1, 4} {
			par.SetThreads(threads)
			o := New(a, someParameters())
			run(o, 0, 3)
			results = append(results, bits(o.Params()))
		}
		if !slices.Equal(results[0], results[1]) {
			t.Errorf("%v: 1 and 4 threads give different bits", a)
		}
	}
}

func TestEveryOptimizerGoesDownhill(t *testing.T) {
	for _, a := range every() {
		x := tensor.FromSlice([]float32{3, -2}).RequireGrad()
		o := New(a, []*tensor.Tensor{x})
		loss := func() *tensor.Tensor { return x.Mul(x).Sum() }
		first := loss().Item()
		for range 50 {
			loss().Backward()
			o.Step()
		}
		if last := loss().Item(); !(last < first) {
			t.Errorf("%v: the loss went from %g to %g", a, first, last)
		}
	}
}

func TestStepClearsGradientsAndKeepsTheirMemory(t *testing.T) {
	x := tensor.Ones(3).RequireGrad()
	o := New(SGD(0.5), []*tensor.Tensor{x})
	x.Sum().Backward()
	memory := x.Grad()
	o.Step()
	if x.Grad() != nil {
		t.Error("the gradient is still there")
	}
	x.Sum().Backward()
	if x.Grad() != memory {
		t.Error("the gradient has other memory")
	}
	if got := x.Grad().Float32s(); !slices.Equal(got, []float32{1, 1, 1}) {
		t.Errorf("gradient %v; the old one was not forgotten", got)
	}
	o.ZeroGrad()
	if x.Grad() != nil || o.Steps() != 1 {
		t.Error("ZeroGrad left the gradient or counted a step")
	}
}

func TestOnlyParametersWithAGradientMove(t *testing.T) {
	used, unused, frozen := tensor.Ones(2).RequireGrad(), tensor.Ones(2).RequireGrad(), tensor.Ones(2).RequireGrad()
	o := New(Adam(0.1).WeightDecay(1), []*tensor.Tensor{used, unused, frozen})
	used.Mul(frozen).Sum().Backward()
	frozen.SetRequiresGrad(false)
	o.Step()
	if used.Float32s()[0] == 1 || unused.Float32s()[0] != 1 || frozen.Float32s()[0] != 1 {
		t.Errorf("parameters are %v, %v, %v", used.Float32s(), unused.Float32s(), frozen.Float32s())
	}
	// A parameter that is thawed later starts at its own first step.
	late := tensor.Ones(2).RequireGrad()
	fresh := New(Adam(0.1).WeightDecay(1), []*tensor.Tensor{late})
	late.Sum().Backward()
	fresh.Step()
	unused.Sum().Backward()
	o.Step()
	if !slices.Equal(unused.Float32s(), late.Float32s()) {
		t.Errorf("the late parameter is %v, a fresh one %v", unused.Float32s(), late.Float32s())
	}
}

func TestAStepAllocatesNextToNothing(t *testing.T) {
	for _, a := range every() {
		params := someParameters()
		params[2].SetGrad(nil)
		o := New(a, params)
		randomGradients(params, 1)
		grads := make([]*tensor.Tensor, len(params))
		for i, p := range params {
			grads[i] = ownGradient(p)
		}
		step := func() {
			for i, p := range params {
				p.SetGrad(grads[i])
			}
			o.Step()
		}
		step()
		// Each pass hands one job to the pool of workers, which allocates it.
		if n := testing.AllocsPerRun(5, step); n > 2 {
			t.Errorf("%v: %g allocations a step", a, n)
		}
	}
}

func TestForeignLayoutsAndTypesOfGradients(t *testing.T) {
	r := tensor.NewRand(3)
	values, gradient := r.Normal(0, 1, 2, 3, 4, 4), r.Normal(0, 1, 2, 3, 4, 4)
	update := func(p, g *tensor.Tensor) []float32 {
		p = p.Keep().RequireGrad()
		p.SetGrad(g)
		New(Momentum(0.1, 0.9), []*tensor.Tensor{p}).Step()
		return p.Float32s()
	}
	want := update(values, gradient)
	for name, got := range map[string][]float32{
		"parameter channels last": update(values.ChannelsLast(), gradient),
		"gradient channels last":  update(values, gradient.ChannelsLast()),
		"both":                    update(values.ChannelsLast(), gradient.ChannelsLast()),
		"float64":                 update(values, gradient.To(tensor.Float64)),
		"view":                    update(values, gradient.T().Contiguous().T()),
	} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: another update", name)
		}
	}
}

func TestL1PullsTowardZero(t *testing.T) {
	for _, a := range []Algorithm{SGD(0.1), Adam(0.1), RMSprop(0.1)} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
			x := tensor.FromSlice([]float64{2, -2, 0}).To(d).RequireGrad()
			o := New(a.L1(0.5), []*tensor.Tensor{x})
			x.SetGrad(tensor.Full(0, d, 3))
			o.Step()
			if got := x.Float64s(); !(got[0] < 2) || !(got[1] > -2) || got[2] != 0 {
				t.Errorf("%v: %v", a, got)
			}
		}
	}
	x := tensor.FromSlice([]float64{2, -2, 0}).RequireGrad()
	o := New(SGD(0.1).L1(0.5), []*tensor.Tensor{x})
	x.SetGrad(tensor.Full(1, tensor.Float64, 3))
	o.Step()
	if got, want := x.Float64s(), []float64{2 - 0.15, -2 - 0.05, -0.1}; !near(got, want, 1e-15) {
		t.Errorf("%v, want %v", got, want)
	}
}

func near(got, want []float64, limit float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= limit })
}

func TestGroupsKeepTheProportionsOfTheirRates(t *testing.T) {
	a, b := tensor.Ones(1).RequireGrad(), tensor.Ones(1).RequireGrad()
	o := NewGroups(Group{[]*tensor.Tensor{a}, SGD(0.1)}, Group{[]*tensor.Tensor{b}, SGD(0.025)})
	if o.LR() != 0.1 {
		t.Errorf("rate %g", o.LR())
	}
	o.SetLR(0.4)
	a.Add(b).Sum().Backward()
	o.Step()
	if got := []float64{a.Item(), b.Item()}; !near(got, []float64{0.6, 0.9}, 1e-7) {
		t.Errorf("parameters %v", got)
	}
}

func TestGroupsMayHaveDifferentRules(t *testing.T) {
	build := func() *Optimizer {
		p := someParameters()
		return NewGroups(Group{p[:2], Adam(0.1).Betas(0.8, 0.9)}, Group{p[2:4], Nesterov(0.1, 0.7)}, Group{p[4:], Adagrad(0.1)})
	}
	whole := build()
	run(whole, 0, 6)
	half := build()
	run(half, 0, 3)
	rest := build()
	if err := rest.LoadState(half.State()); err != nil {
		t.Fatal(err)
	}
	for i, p := range rest.Params() {
		p.CopyFrom(half.Params()[i])
	}
	run(rest, 3, 6)
	if !slices.Equal(bits(whole.Params()), bits(rest.Params())) {
		t.Error("a resumed run with groups differs from an uninterrupted one")
	}
}

func TestMomentumCanBeScheduledAndIsResumed(t *testing.T) {
	for _, a := range []Algorithm{Momentum(0.1, 0.9), RMSprop(0.1).Momentum(0.9), Adam(0.1), NAdam(0.1)} {
		o := New(a, someParameters())
		if mu, ok := o.Momentum(); mu != 0.9 || !ok {
			t.Errorf("%v: momentum %g, %t", a, mu, ok)
		}
		o.SetMomentum(0.85)
		run(o, 0, 2)
		other := New(a, someParameters())
		other.SetMomentum(0.1)
		if err := other.LoadState(o.State()); err != nil {
			t.Fatal(err)
		}
		if mu, _ := other.Momentum(); mu != 0.85 {
			t.Errorf("%v: momentum %g after loading", a, mu)
		}
		if err := other.LoadState(New(a, someParameters()).State()); err != nil {
			t.Fatal(err)
		}
		if mu, _ := other.Momentum(); mu != 0.9 || other.Steps() != 0 {
			t.Errorf("%v: momentum %g and %d steps after loading the state of a fresh one", a, mu, other.Steps())
		}
	}
	for _, a := range []Algorithm{SGD(0.1), Adagrad(0.1), RMSprop(0.1)} {
		o := New(a, someParameters())
		if _, ok := o.Momentum(); ok {
			t.Errorf("%v has a momentum", a)
		}
		mustPanic(t, "has no momentum", func() { o.SetMomentum(0.5) })
	}
	mustPanic(t, "momentum is 1", func() { New(Adam(0.1), someParameters()).SetMomentum(1) })
}

// mustPanic checks that f panics with an *Error that says text.
func mustPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		e, ok := recover().(*Error)
		if !ok || !strings.Contains(e.Error(), text) {
			t.Errorf("panic %v, want an *Error with %q", e, text)
		}
	}()
	f()
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for text, a := range map[string]Algorithm{
		"rate is NaN":                     Adam(math.NaN()),
		"rate is -0.1":                    SGD(-0.1),
		"rate is +Inf":                    SGD(math.Inf(1)),
		"first beta of Adam is 1":         Adam(0.1).Betas(1, 0.9),
		"second beta of AdamW is -0.1":    AdamW(0.1).Betas(0.9, -0.1),
		"second beta of RAdam is NaN":     RAdam(0.1).Betas(0.9, math.NaN()),
		"momentum of SGD is 1":            Momentum(0.1, 1),
		"eps of Adam is -1":               Adam(0.1).Eps(-1),
		"weight decay of LAMB is -1":      LAMB(0.1).WeightDecay(-1),
		"L1 factor of SGD is NaN":         SGD(0.1).L1(math.NaN()),
		"rho of Adadelta is 1":            Adadelta(1).Rho(1),
		"needs a momentum":                SGD(0.1).Nesterov(),
		"no dampening":                    Nesterov(0.1, 0.9).Dampening(0.1),
		"SGD has no setting Betas":        SGD(0.1).Betas(0.9, 0.9).Centered(),
		"Adam has no setting Momentum":    Adam(0.1).Momentum(0.9),
		"SGD has no setting Decoupled":    SGD(0.1).DecoupledWeightDecay(0.1),
		"AdamW has no setting LRDecay":    AdamW(0.1).LRDecay(0.1),
		"Adamax has no setting Initial":   Adamax(0.1).InitialAccumulator(1),
		"SGD has no setting Eps":          SGD(0.1).Eps(1),
		"RAdam has no setting MomentumDe": RAdam(0.1).MomentumDecay(1),
		"no algorithm":                    {},
	} {
		var e *Error
		if err := a.Check(); !errors.As(err, &e) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: error %v does not say %q", a, err, text)
		}
		mustPanic(t, text, func() { New(a, someParameters()) })
	}
	for _, a := range every() {
		if err := a.Check(); err != nil {
			t.Errorf("%v: %v", a, err)
		}
	}
	mustPanic(t, "rate is NaN", func() { New(SGD(1), someParameters()).SetLR(math.NaN()) })
}

func TestParametersThatMakeNoSense(t *testing.T) {
	x := tensor.Ones(2, 2).RequireGrad()
	for text, params := range map[string][]*tensor.Tensor{
		"no parameters":            nil,
		"parameter 0 is nil":       {nil},
		"listed twice":             {x, x},
		"two parameters have":      {tensor.Ones(1).SetName("w"), tensor.Ones(1).SetName("w")},
		"was computed from others": {x.Mul(x)},
		"parameter 1 is int64":     {x, tensor.Full(1, tensor.Int64, 2)},
		"have gaps":                {tensor.Ones(4, 4).Narrow(1, 0, 2)},
	} {
		mustPanic(t, text, func() { New(SGD(0.1), params) })
	}
	mustPanic(t, "in no proportion", func() {
		NewGroups(Group{[]*tensor.Tensor{x}, SGD(0)}, Group{[]*tensor.Tensor{tensor.Ones(1)}, SGD(1)})
	})
}

func TestStatesThatDoNotFit(t *testing.T) {
	one := func(name string, shape ...int) []*tensor.Tensor {
		return []*tensor.Tensor{tensor.Full(1, tensor.Float32, shape...).SetName(name).RequireGrad()}
	}
	stepped := func(a Algorithm, params []*tensor.Tensor) map[string]*tensor.Tensor {
		o := New(a, params)
		randomGradients(params, 1)
		o.Step()
		return o.State()
	}
	with := func(key string, v *tensor.Tensor) map[string]*tensor.Tensor {
		s := stepped(NAdam(0.1), one("w", 2))
		s[key] = v
		if v == nil {
			delete(s, key)
		}
		return s
	}
	for text, state := range map[string]map[string]*tensor.Tensor{
		"has v.exp_avg, which":              stepped(Adam(0.1), one("v", 2)),
		"w.exp_avg in the state is float32": stepped(NAdam(0.1), one("w", 3)),
		"no w.mu_product":                   stepped(Adam(0.1), one("w", 2)),
		"no w.mu_product;":                  stepped(Momentum(0.1, 0.9), one("w", 2)),
		"no w.exp_avg_sq":                   with("w.exp_avg_sq", nil),
		"no steps":                          with("steps", nil),
		"no lr":                             with("lr", nil),
		"lr in the state is float32 (2,)":   with("lr", tensor.Ones(2)),
		"steps in the state is float32":     with("steps", tensor.Ones(1)),
		"steps in the state is -1":          with("steps", tensor.Scalar(-1, tensor.Int64)),
		"rate is -1":                        with("lr", tensor.Scalar(-1, tensor.Float64)),
		"momentum of 2":                     with("momentum", tensor.Scalar(2, tensor.Float64)),
		"w.mu_product in the state is NaN":  with("w.mu_product", tensor.Scalar(math.NaN(), tensor.Float64)),
		"w.mu_product in the state is 2":    with("w.mu_product", tensor.Scalar(2, tensor.Float64)),
	} {
		params := one("w", 2)
		o := New(NAdam(0.1), params)
		randomGradients(params, 1)
		o.Step()
		before := o.State()
		err := o.LoadState(state)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
		for key, want := range before {
			if got := o.State()[key]; !slices.Equal(got.Float64s(), want.Float64s()) {
				t.Errorf("%s: %s has changed", text, key)
			}
		}
	}
	if err := New(SGD(0.1), one("w", 2)).LoadState(with("momentum", tensor.Scalar(0.5, tensor.Float64))); err == nil {
		t.Error("SGD without momentum took one")
	}
}

func TestAlgorithmsPrintTheirSettings(t *testing.T) {
	for _, c := range []struct {
		a    Algorithm
		want string
	}{
		{AdamW(1e-3), "AdamW(lr 0.001, betas 0.9 0.999, eps 1e-08, decoupled weight decay 0.01)"},
		{Nesterov(0.1, 0.9).WeightDecay(5e-4), "SGD(lr 0.1, momentum 0.9, weight decay 0.0005, Nesterov)"},
		{RMSprop(0.01).Centered(), "RMSprop(lr 0.01, rho 0.99, eps 1e-08, centered)"},
		{Algorithm{}, "none(lr 0)"},
	} {
		if got := c.a.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestChangingASettingLeavesTheOriginal(t *testing.T) {
	a := Adam(0.1)
	b := a.LR(0.2).Betas(0.5, 0.5).WeightDecay(1)
	if a.String() != Adam(0.1).String() || a.String() == b.String() {
		t.Errorf("%v and %v", a, b)
	}
}

func TestEmptyParametersAreNoTrouble(t *testing.T) {
	for _, a := range every() {
		x := tensor.Zeros(0, 3).RequireGrad()
		x.SetGrad(tensor.Zeros(0, 3))
		o := New(a, []*tensor.Tensor{x})
		o.Step()
		if o.Steps() != 1 {
			t.Errorf("%v: %d steps", a, o.Steps())
		}
	}
}
