package optim

import "github.com/hadal-ml/hadal/internal/kernel/vec"

var adagradRule = &rule{
	name:    "Adagrad",
	accepts: []string{"Eps", "LRDecay", "InitialAccumulator"},
	state:   func(*settings) []string { return []string{"sum"} },
	single:  newAdagrad[float32],
	double:  newAdagrad[float64],
}

// Adagrad divides the gradient by the root of the sum of its squares so far
// (Duchi et al., JMLR 12, 2011). Eps 1e-10.
func Adagrad(lr float64) Algorithm {
	return Algorithm{rule: adagradRule, settings: settings{lr: lr, eps: 1e-10}}
}

type adagrad[T vec.Float] struct {
	*bound[T]
	scalars vec.AdagradSettings
}

func newAdagrad[T vec.Float](b *bound[T]) updater { return &adagrad[T]{bound: b} }

func (u *adagrad[T]) begin() {
	s := u.settings
	u.scalars = vec.AdagradSettings{LR: s.lr / (1 + float64(u.steps-1)*s.lrDecay), Eps: s.eps, WeightDecay: s.weightDecay}
}

func (u *adagrad[T]) update(lo, hi int) {
	vec.Adagrad(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.scalars)
}
