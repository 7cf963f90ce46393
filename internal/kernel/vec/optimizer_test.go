package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

// updates lists a step of every optimizer and variant. state has four slices.
func updates[T Float]() map[string]func(step int, p, g []T, state [][]T) {
	adam := func(step int) AdamSettings {
		return AdamSettings{
			LR: 0.01, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.02,
			Correction1: 1 - math.Pow(0.9, float64(step)), Correction2: 1 - math.Pow(0.99, float64(step)),
		}
	}
	decoupled := func(step int) AdamSettings {
		s := adam(step)
		s.Decoupled = true
		return s
	}
	rms := RMSpropSettings{LR: 0.01, Alpha: 0.98, Eps: 1e-3, WeightDecay: 0.01, Momentum: 0.8}
	return map[string]func(int, []T, []T, [][]T){
		"SGD": func(step int, p, g []T, _ [][]T) {
			SGD(p, g, nil, SGDSettings{LR: 0.01, WeightDecay: 0.1, L1: 0.01})
		},
		"SGD with momentum": func(step int, p, g []T, s [][]T) {
			SGD(p, g, s[0], SGDSettings{LR: 0.01, Momentum: 0.9, Dampening: 0.2, First: step == 1})
		},
		"SGD with Nesterov momentum": func(step int, p, g []T, s [][]T) {
			SGD(p, g, s[0], SGDSettings{LR: 0.01, Momentum: 0.9, WeightDecay: 0.01, L1: 1e-3, Nesterov: true, First: step == 1})
		},
		"Adam":    func(step int, p, g []T, s [][]T) { Adam(p, g, s[0], s[1], nil, adam(step)) },
		"AdamW":   func(step int, p, g []T, s [][]T) { Adam(p, g, s[0], s[1], nil, decoupled(step)) },
		"AMSGrad": func(step int, p, g []T, s [][]T) { Adam(p, g, s[0], s[1], s[2], adam(step)) },
		"RMSprop": func(step int, p, g []T, s [][]T) { RMSprop(p, g, s[0], nil, nil, rms) },
		"RMSprop with momentum": func(step int, p, g []T, s [][]T) {
			RMSprop(p, g, s[0], nil, s[1], rms)
		},
		"centered RMSprop": func(step int, p, g []T, s [][]T) { RMSprop(p, g, s[0], s[1], nil, rms) },
		"centered RMSprop with momentum": func(step int, p, g []T, s [][]T) {
			RMSprop(p, g, s[0], s[1], s[2], rms)
		},
		"Adagrad": func(step int, p, g []T, s [][]T) {
			Adagrad(p, g, s[0], AdagradSettings{LR: 0.05 / (1 + float64(step-1)*0.01), Eps: 1e-10, WeightDecay: 0.01})
		},
		"Adadelta": func(step int, p, g []T, s [][]T) {
			Adadelta(p, g, s[0], s[1], AdadeltaSettings{LR: 1, Rho: 0.9, Eps: 1e-4, WeightDecay: 0.01})
		},
		"Adamax": func(step int, p, g []T, s [][]T) { Adamax(p, g, s[0], s[1], adam(step)) },
		"NAdam": func(step int, p, g []T, s [][]T) {
			NAdam(p, g, s[0], s[1], NAdamSettings{Adam: adam(step), GradientStep: 0.004, MomentStep: 0.007})
		},
		"RAdam": func(step int, p, g []T, s [][]T) {
			var rectify float64
			if step > 5 {
				rectify = 0.5
			}
			RAdam(p, g, s[0], s[1], RAdamSettings{Adam: decoupled(step), Rectify: rectify})
		},
		"LAMB": func(step int, p, g []T, s [][]T) {
			LambDirection(s[2], p, g, s[0], s[1], adam(step))
			Axpy(p, -0.01, s[2])
		},
	}
}

func TestOptimizersEqualFloat64OverManySteps(t *testing.T) {
	wide := updates[float64]()
	eachISA(t, func(t *testing.T) {
		for name, update := range updates[float32]() {
			for _, n := range []int{1, 7, 16, 61} {
				r := rand.New(rand.NewPCG(10, uint64(n)))
				p, alive := guarded(n, 1)
				copy(p, randomSlice(r, n))
				p64 := widen(p)
				state, state64 := make([][]float32, 4), make([][]float64, 4)
				for i := range state {
					state[i], state64[i] = make([]float32, n), make([]float64, n)
				}
				for step := 1; step <= 100; step++ {
					g := randomSlice(r, n)
					g64 := widen(g)
					update(step, p, g, state)
					wide[name](step, p64, g64, state64)
				}
				if !alive() {
					t.Fatalf("%s of %d elements wrote outside", name, n)
				}
				for i, v := range p {
					if d := math.Abs(float64(v) - p64[i]); !(d <= 4e-6*(1+math.Abs(p64[i]))) {
						t.Fatalf("%s of %d elements: after 100 steps element %d is %v, want %v", name, n, i, v, p64[i])
					}
				}
			}
		}
	})
}

// TestAdamFollowsItsPaper repeats two steps of algorithm 1 of arXiv 1412.6980
// by hand.
func TestAdamFollowsItsPaper(t *testing.T) {
	p, m, v := []float64{1}, []float64{0}, []float64{0}
	theta, m1, v1 := 1.0, 0.0, 0.0
	for step, g := range []float64{0.5, -0.25} {
		k := float64(step + 1)
		c1, c2 := 1-math.Pow(0.9, k), 1-math.Pow(0.999, k)
		Adam(p, []float64{g}, m, v, nil, AdamSettings{LR: 0.001, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Correction1: c1, Correction2: c2})
		m1 = 0.9*m1 + 0.1*g
		v1 = 0.999*v1 + 0.001*g*g
		theta -= 0.001 * (m1 / c1) / (math.Sqrt(v1/c2) + 1e-8)
	}
	if math.Abs(p[0]-theta) > 1e-15 {
		t.Errorf("after two steps %v, want %v", p[0], theta)
	}
}
