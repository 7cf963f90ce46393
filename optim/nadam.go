package optim

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

var nadamRule = &rule{
	name:     "NAdam",
	accepts:  []string{"Betas", "Eps", "DecoupledWeightDecay", "MomentumDecay"},
	state:    firstAndSecondMoment,
	number:   "mu_product",
	single:   newNAdam[float32],
	double:   newNAdam[float64],
	momentum: firstBeta,
}

// NAdam is [Adam] with Nesterov's look ahead and a momentum that grows to
// beta1 (Dozat, ICLR workshop 2016). Betas 0.9 and 0.999, eps 1e-8, momentum
// decay 0.004.
func NAdam(lr float64) Algorithm {
	s := adamDefaults(lr)
	s.momentumDecay = 0.004
	return Algorithm{rule: nadamRule, settings: s}
}

type nadam[T vec.Float] struct {
	*bound[T]
	scalars vec.NAdamSettings
}

func newNAdam[T vec.Float](b *bound[T]) updater { return &nadam[T]{bound: b} }

// begin takes the momentum of this step and the next. The number that is kept
// is the product of all momenta up to this step.
func (u *nadam[T]) begin() {
	s := u.settings
	momentum := func(t int) float64 { return s.beta1 * (1 - 0.5*math.Pow(0.96, float64(t)*s.momentumDecay)) }
	now, next := momentum(u.steps), momentum(u.steps+1)
	u.number *= now
	u.scalars = vec.NAdamSettings{Adam: u.adamScalars(),
		GradientStep: s.lr * (1 - now) / (1 - u.number), MomentStep: s.lr * next / (1 - u.number*next)}
}

func (u *nadam[T]) update(lo, hi int) {
	vec.NAdam(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.scalars)
}
