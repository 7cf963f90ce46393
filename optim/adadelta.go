package optim

import "github.com/hadal-ml/hadal/internal/kernel/vec"

var adadeltaRule = &rule{
	name:    "Adadelta",
	accepts: []string{"Rho", "Eps"},
	state:   func(*settings) []string { return []string{"square_avg", "acc_delta"} },
	single:  newAdadelta[float32],
	double:  newAdadelta[float64],
}

// Adadelta scales the gradient by the root mean square of past updates over
// that of past gradients, so that the step has the unit of the parameter
// (Zeiler, arXiv 1212.5701). The paper's rate is 1. Rho 0.9, eps 1e-6.
func Adadelta(lr float64) Algorithm {
	return Algorithm{rule: adadeltaRule, settings: settings{lr: lr, rho: 0.9, eps: 1e-6}}
}

type adadelta[T vec.Float] struct {
	*bound[T]
	scalars vec.AdadeltaSettings
}

func newAdadelta[T vec.Float](b *bound[T]) updater { return &adadelta[T]{bound: b} }

func (u *adadelta[T]) begin() {
	s := u.settings
	u.scalars = vec.AdadeltaSettings{LR: s.lr, Rho: s.rho, Eps: s.eps, WeightDecay: s.weightDecay}
}

func (u *adadelta[T]) update(lo, hi int) {
	vec.Adadelta(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.scalars)
}
