package optim

import "github.com/hadal-ml/hadal/internal/kernel/vec"

var rmspropRule = &rule{
	name:    "RMSprop",
	accepts: []string{"Rho", "Eps", "Momentum", "Centered"},
	state: func(s *settings) []string {
		names := []string{"square_avg"}
		if s.centered {
			names = append(names, "grad_avg")
		}
		if s.keepsVelocity {
			names = append(names, "momentum_buffer")
		}
		return names
	},
	single:   newRMSprop[float32],
	double:   newRMSprop[float64],
	momentum: momentumOfVelocity,
}

// RMSprop divides the gradient by the root of the running mean of its square
// (Tieleman and Hinton, lecture 6.5 of Neural Networks for Machine Learning,
// 2012). Rho 0.99, eps 1e-8.
func RMSprop(lr float64) Algorithm {
	return Algorithm{rule: rmspropRule, settings: settings{lr: lr, rho: 0.99, eps: 1e-8}}
}

type rmsprop[T vec.Float] struct {
	*bound[T]
	scalars vec.RMSpropSettings
}

func newRMSprop[T vec.Float](b *bound[T]) updater { return &rmsprop[T]{bound: b} }

func (u *rmsprop[T]) begin() {
	s := u.settings
	u.scalars = vec.RMSpropSettings{LR: s.lr, Alpha: s.rho, Eps: s.eps, WeightDecay: s.weightDecay, Momentum: s.momentum}
}

func (u *rmsprop[T]) update(lo, hi int) {
	var mean, velocity []T
	next := 1
	if u.settings.centered {
		mean = u.keptAt(next, lo, hi)
		next++
	}
	if u.settings.keepsVelocity {
		velocity = u.keptAt(next, lo, hi)
	}
	vec.RMSprop(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), mean, velocity, u.scalars)
}
