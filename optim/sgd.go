package optim

import "github.com/hadal-ml/hadal/internal/kernel/vec"

var sgdRule = &rule{
	name:    "SGD",
	accepts: []string{"Momentum", "Dampening", "Nesterov"},
	state: func(s *settings) []string {
		if !s.keepsVelocity {
			return nil
		}
		return []string{"momentum_buffer"}
	},
	single:   newSGD[float32],
	double:   newSGD[float64],
	momentum: momentumOfVelocity,
}

func momentumOfVelocity(s *settings) *float64 {
	if !s.keepsVelocity {
		return nil
	}
	return &s.momentum
}

// SGD is stochastic gradient descent, p -= lr*g. With [Algorithm.Momentum] it
// is [Momentum].
func SGD(lr float64) Algorithm {
	return Algorithm{rule: sgdRule, settings: settings{lr: lr}}
}

// Momentum is gradient descent with the velocity v = mu*v + g, p -= lr*v, the
// heavy ball of Polyak (1964) in PyTorch's form.
func Momentum(lr, mu float64) Algorithm { return SGD(lr).Momentum(mu) }

// Nesterov is [Momentum] with Nesterov's look ahead: p -= lr*(g + mu*v), in the
// form of Sutskever et al. (ICML 2013).
func Nesterov(lr, mu float64) Algorithm { return Momentum(lr, mu).Nesterov() }

type sgd[T vec.Float] struct {
	*bound[T]
	scalars vec.SGDSettings
}

func newSGD[T vec.Float](b *bound[T]) updater { return &sgd[T]{bound: b} }

func (u *sgd[T]) begin() {
	s := u.settings
	u.scalars = vec.SGDSettings{LR: s.lr, Momentum: s.momentum, Dampening: s.dampening, WeightDecay: s.weightDecay,
		Nesterov: s.nesterov, First: u.steps == 1}
}

func (u *sgd[T]) update(lo, hi int) {
	vec.SGD(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.scalars)
}
