package optim

import "github.com/hadal-ml/hadal/internal/kernel/vec"

var adamaxRule = &rule{
	name:     "Adamax",
	accepts:  []string{"Betas", "Eps"},
	state:    func(*settings) []string { return []string{"exp_avg", "exp_inf"} },
	single:   newAdamax[float32],
	double:   newAdamax[float64],
	momentum: firstBeta,
}

// Adamax is [Adam] with a decaying maximum of the gradient in place of its
// mean square (arXiv 1412.6980, section 7). Betas 0.9 and 0.999, eps 1e-8.
func Adamax(lr float64) Algorithm {
	return Algorithm{rule: adamaxRule, settings: adamDefaults(lr)}
}

type adamax[T vec.Float] struct{ adam[T] }

func newAdamax[T vec.Float](b *bound[T]) updater { return &adamax[T]{adam[T]{bound: b}} }

func (u *adamax[T]) update(lo, hi int) {
	vec.Adamax(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.scalars)
}
