package optim

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func TestWarmUpHandsOver(t *testing.T) {
	s := LinearWarmup(4, 0, Exponential(0.5))
	var got []float64
	for step := range 7 {
		got = append(got, s.At(step))
	}
	if want := []float64{0, 0.25, 0.5, 0.75, 1, 0.5, 0.25}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestProductAndPerEpoch(t *testing.T) {
	s := PerEpoch(Product(Step(1, 0.5), Step(2, 0.1)), 3)
	for step, want := range map[int]float64{0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.025, 9: 0.0125} {
		if got := s.At(step); math.Abs(got-want) > 1e-15 {
			t.Errorf("step %d: %g, want %g", step, got, want)
		}
	}
}

func TestPolynomialAndLinearStayWhereTheyEnd(t *testing.T) {
	if got := Polynomial(10, 2).At(11); got != 0 {
		t.Errorf("polynomial %g", got)
	}
	if got := Linear(1, 0.25, 10).At(1000); got != 0.25 {
		t.Errorf("linear %g", got)
	}
}

func TestHoldStaysWhereTheScheduleWas(t *testing.T) {
	held, cosine := Hold(10, Cosine(10, 0.1)), Cosine(10, 0.1)
	for step := range 11 {
		if held.At(step) != cosine.At(step) {
			t.Errorf("step %d: %g, want %g", step, held.At(step), cosine.At(step))
		}
	}
	if held.At(15) != 0.1 || !(cosine.At(15) > 0.5) {
		t.Errorf("beyond the end: %g, and the cosine alone %g", held.At(15), cosine.At(15))
	}
}

func TestRestartsOfAnyGrowthEnd(t *testing.T) {
	for _, growth := range []int{1, 2, math.MaxInt} {
		if got := CosineRestarts(2, growth, 0.1).At(1 << 40); !(got >= 0.1 && got <= 1) {
			t.Errorf("growth %d: %g", growth, got)
		}
	}
}

func TestOneCycleStaysWithinItsBounds(t *testing.T) {
	for _, steps := range []int{1, 2, 3, 10} {
		for _, rise := range []float64{0, 0.3, 1} {
			for _, three := range []bool{false, true} {
				s := NewOneCycle(steps)
				s.Rise, s.ThreePhases = rise, three
				for step := range steps + 5 {
					if f, m := s.At(step), s.MomentumAt(step); !(f >= s.End && f <= 1) || !(m >= 0.85 && m <= 0.95) {
						t.Errorf("%d steps, rise %g: step %d has factor %g and momentum %g", steps, rise, step, f, m)
					}
				}
			}
		}
	}
	if s := NewOneCycle(10); s.At(50) != s.End {
		t.Errorf("after its end a cycle is at %g, not %g", s.At(50), s.End)
	}
}

func TestPlateauGoesOnFromItsState(t *testing.T) {
	metrics := []float64{1, 0.9, math.NaN(), 0.95, 0.95, math.Inf(1), 0.95, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6}
	whole := NewPlateau(0.5, 1)
	for _, m := range metrics {
		whole.Observe(m)
	}
	for cut := range metrics {
		first, second := NewPlateau(0.5, 1), NewPlateau(0.5, 1)
		for _, m := range metrics[:cut] {
			first.Observe(m)
		}
		stored, err := json.Marshal(first.State())
		if err != nil {
			t.Fatal(err)
		}
		var state PlateauState
		if err := json.Unmarshal(stored, &state); err != nil {
			t.Fatal(err)
		}
		if err := second.LoadState(state); err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics[cut:] {
			second.Observe(m)
		}
		if second.State() != whole.State() {
			t.Errorf("cut at %d: %+v, want %+v", cut, second.State(), whole.State())
		}
	}
	if !(whole.At(0) < 0.5) {
		t.Errorf("the factor is still %g", whole.At(0))
	}
}

func TestPlateauTellsWhenItReduces(t *testing.T) {
	p := NewPlateau(0.5, 0)
	p.Least = 0.5
	for i, want := range []bool{false, true, false, false} {
		if got := p.Observe(1); got != want {
			t.Errorf("metric %d: reduced is %t", i, got)
		}
	}
}

func TestPlateauStatesThatMakeNoSense(t *testing.T) {
	good := PlateauState{Now: 1}
	for name, change := range map[string]func(*PlateauState){
		"factor 0":   func(s *PlateauState) { s.Now = 0 },
		"factor 2":   func(s *PlateauState) { s.Now = 2 },
		"factor NaN": func(s *PlateauState) { s.Now = math.NaN() },
		"best":       func(s *PlateauState) { s.Best = math.Inf(1) },
		"bad":        func(s *PlateauState) { s.Bad = -1 },
		"cooldown":   func(s *PlateauState) { s.Cooldown = -1 },
	} {
		s, p := good, NewPlateau(0.5, 1)
		change(&s)
		if err := p.LoadState(s); err == nil || p.State() != good {
			t.Errorf("%s: error %v, state %+v", name, err, p.State())
		}
	}
}

func TestSchedulesThatMakeNoSense(t *testing.T) {
	for text, f := range map[string]func(){
		"schedule Step is 0":           func() { Step(0, 0.5) },
		"schedule Polynomial is -1":    func() { Polynomial(-1, 1) },
		"schedule Linear is 0":         func() { LinearWarmup(0, 0, Constant()) },
		"schedule Hold is 0":           func() { Hold(0, Constant()) },
		"schedule Cosine is 0":         func() { Cosine(0, 0) },
		"schedule CosineRestarts is 0": func() { CosineRestarts(1, 0, 0) },
		"schedule OneCycle is 0":       func() { NewOneCycle(0) },
		"schedule PerEpoch is 0":       func() { PerEpoch(Constant(), 0) },
		"ascending milestones":         func() { Sequential([]int{2, 1}, Constant(), Constant(), Constant()) },
		"one fewer":                    func() { Sequential(nil) },
		"factor in (0, 1)":             func() { NewPlateau(1, 1) },
		"patience":                     func() { NewPlateau(0.5, -1) },
	} {
		mustPanic(t, text, f)
	}
}

// onQuadratic descends on x²/2 times a curvature; the loss diverges for rates
// above 2/curvature.
func onQuadratic(curvature float64) func(lr float64) (float64, error) {
	x := 1.0
	return func(lr float64) (float64, error) {
		loss := curvature * x * x / 2
		x -= lr * curvature * x
		return loss, nil
	}
}

func TestRangeTestFindsTheScaleOfAQuadratic(t *testing.T) {
	for _, curvature := range []float64{10, 1000} {
		r, err := RangeTest(RangeConfig{From: 1e-7, To: 100}, onQuadratic(curvature))
		if err != nil {
			t.Fatal(err)
		}
		if !r.Diverged || len(r.Rates) == 100 || len(r.Rates) != len(r.Losses) || len(r.Rates) != len(r.Smoothed) {
			t.Errorf("curvature %g: diverged %t after %d of 100 steps", curvature, r.Diverged, len(r.Rates))
		}
		if bound := 2 / curvature; !(r.Suggested > bound/100 && r.Suggested < bound) || !(r.Suggested <= r.Least) {
			t.Errorf("curvature %g bears rates below %g; suggested %g, least loss at %g", curvature, bound, r.Suggested, r.Least)
		}
		if r.Rates[0] != 1e-7 || !(math.Abs(r.Rates[1]/r.Rates[0]-r.Rates[11]/r.Rates[10]) < 1e-9) {
			t.Errorf("the rates %v do not grow exponentially from the first", r.Rates[:12])
		}
	}
}

// A classifier of ten classes starts at ln 10; its loss falls from rate 1e-3 to
// 1e-1 and then shoots up. Batches add noise.
func TestRangeTestSeesThroughNoise(t *testing.T) {
	for seed := range uint64(20) {
		noise := tensor.NewRand(seed).Normal(0, 0.1, 100).Float64s()
		i := 0
		r, err := RangeTest(RangeConfig{}, func(lr float64) (float64, error) {
			loss := 2.3
			if x := math.Log10(lr); x > -1 {
				loss = 0.8 * math.Exp(3*(x+1))
			} else if x > -3 {
				loss -= 0.75 * (x + 3)
			}
			i++
			return loss + noise[i-1], nil
		})
		if err != nil || !r.Diverged || !(r.Suggested >= 3e-4 && r.Suggested <= 0.1) {
			t.Errorf("seed %d: error %v, diverged %t, suggested %g", seed, err, r.Diverged, r.Suggested)
		}
	}
}

func TestRangeTestEndsAtTheLastRate(t *testing.T) {
	r, err := RangeTest(RangeConfig{From: 1e-4, To: 0.1, Steps: 20, Smoothing: -1}, onQuadratic(1))
	if err != nil || r.Diverged || len(r.Rates) != 20 || math.Abs(r.Rates[19]-0.1) > 1e-12 {
		t.Errorf("error %v, diverged %t, rates %v", err, r.Diverged, r.Rates)
	}
	if !slices.Equal(r.Losses, r.Smoothed) {
		t.Error("the loss was smoothed although that is off")
	}
}

func TestRangeTestStopsAtNaN(t *testing.T) {
	losses := []float64{3, 2, 1, math.NaN(), 0}
	i := 0
	r, err := RangeTest(RangeConfig{}, func(float64) (float64, error) { i++; return losses[i-1], nil })
	if err != nil || !r.Diverged || len(r.Losses) != 3 || i != 4 {
		t.Errorf("error %v, diverged %t, losses %v", err, r.Diverged, r.Losses)
	}
}

func TestRangeTestErrors(t *testing.T) {
	flat := func(float64) (float64, error) { return 1, nil }
	for text, cfg := range map[string]RangeConfig{
		"never fell":        {},
		"rates that grow":   {From: 1, To: 0.1},
		"from above zero":   {From: -1},
		"at least 3":        {Steps: 2},
		"must be below 1":   {Smoothing: 1},
		"must be above 1":   {Divergence: 0.5},
		"go from 1 to +Inf": {From: 1, To: math.Inf(1)},
	} {
		if _, err := RangeTest(cfg, flat); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
	broken := errors.New("broken")
	if _, err := RangeTest(RangeConfig{}, func(float64) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v does not wrap that of the step", err)
	}
}
