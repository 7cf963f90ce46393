package optim

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

var radamRule = &rule{
	name:     "RAdam",
	accepts:  []string{"Betas", "Eps", "DecoupledWeightDecay"},
	state:    firstAndSecondMoment,
	single:   newRAdam[float32],
	double:   newRAdam[float64],
	momentum: firstBeta,
}

// RAdam is [Adam] without its erratic first steps: as long as too few gradients
// are known to judge their spread, it is gradient descent with momentum, and
// after that the step is scaled by how well the spread is known (Liu et al.,
// arXiv 1908.03265). Betas 0.9 and 0.999, eps 1e-8.
func RAdam(lr float64) Algorithm {
	return Algorithm{rule: radamRule, settings: adamDefaults(lr)}
}

type radam[T vec.Float] struct {
	*bound[T]
	scalars vec.RAdamSettings
}

func newRAdam[T vec.Float](b *bound[T]) updater { return &radam[T]{bound: b} }

func (u *radam[T]) begin() {
	u.scalars = vec.RAdamSettings{Adam: u.adamScalars(), Rectify: rectification(u.settings.beta2, u.steps)}
}

// rectification is r_t of the paper, or 0 while the length rho_t of the
// average is at most 5.
func rectification(beta2 float64, steps int) float64 {
	t := float64(steps)
	power := math.Pow(beta2, t)
	longest := 2/(1-beta2) - 1
	length := longest - 2*t*power/(1-power)
	if length <= 5 {
		return 0
	}
	return math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
}

func (u *radam[T]) update(lo, hi int) {
	vec.RAdam(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.scalars)
}
