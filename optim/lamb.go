package optim

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

var lambRule = &rule{
	name:     "LAMB",
	accepts:  []string{"Betas", "Eps"},
	state:    firstAndSecondMoment,
	single:   newLAMB[float32],
	double:   newLAMB[float64],
	momentum: firstBeta,
}

// LAMB gives every parameter tensor a step as long as the tensor itself times
// the rate, in [Adam]'s direction, so that large batches can have large rates
// (You et al., arXiv 1904.00962, algorithm 2 with phi(z) = z). Where the norm
// of the tensor or of the direction is zero, their ratio counts as one. Weight
// decay is part of the direction. Betas 0.9 and 0.999, eps 1e-6.
func LAMB(lr float64) Algorithm {
	s := adamDefaults(lr)
	s.eps, s.decoupled, s.decoupledByName = 1e-6, true, true
	return Algorithm{rule: lambRule, settings: s}
}

// lamb needs the norms of whole tensors. They are summed chunk by chunk in a
// fixed order, so that the result does not depend on the number of threads.
type lamb[T vec.Float] struct {
	adam[T]
	direction []T
	squares   [][2]float64 // of the parameter and of the direction, by chunk
	step      T            // rate times trust ratio
}

func newLAMB[T vec.Float](b *bound[T]) updater { return &lamb[T]{adam: adam[T]{bound: b}} }

func (u *lamb[T]) begin() {
	u.adam.begin()
	if u.direction == nil {
		u.direction = make([]T, len(u.p))
		u.squares = make([][2]float64, (len(u.p)+chunk-1)/chunk)
	}
}

func (u *lamb[T]) update(lo, hi int) {
	p, direction := u.values(lo, hi), u.direction[lo:hi]
	vec.LambDirection(direction, p, u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.scalars)
	u.squares[lo/chunk] = [2]float64{vec.SumSquares(p), vec.SumSquares(direction)}
}

func (u *lamb[T]) between() {
	var parameter, direction float64
	for _, s := range u.squares {
		parameter += s[0]
		direction += s[1]
	}
	trust := 1.0
	if parameter > 0 && direction > 0 {
		trust = math.Sqrt(parameter / direction)
	}
	u.step = T(u.settings.lr * trust)
}

func (u *lamb[T]) finish(lo, hi int) { vec.Axpy(u.values(lo, hi), -u.step, u.direction[lo:hi]) }
