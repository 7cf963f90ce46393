package attention

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// masker turns products of queries and keys into the scores that count.
type masker[T gemm.Float] struct {
	p    *Problem
	mask Mask[T]
	add  []T // a stretch of a mask as numbers to add, when it is none
}

// masked applies scale and mask to the scores x of query t against the keys
// from k0 on, and returns the scale that is still to be applied: without a mask
// that is left to the exponential function.
func (m *masker[T]) masked(x []T, b, h, t, k0 int) T {
	scale := T(m.p.Scale)
	if m.mask.none() {
		if scale < 0 { // or the greatest product would not be the greatest score
			vec.MulScalar(x, x, scale)
			scale = 1
		}
		return scale
	}
	at := b*m.mask.Batch + h*m.mask.Head + t*m.mask.Row + k0*m.mask.Key
	add := m.add[:len(x)]
	switch {
	case m.mask.Visible != nil:
		// A number is chosen by a table: a branch would be guessed wrong.
		choice := [2]T{T(math.Inf(-1)), 0}
		for j := range add {
			i := 0
			if m.mask.Visible[at+j*m.mask.Key] {
				i = 1
			}
			add[j] = choice[i]
		}
	case m.mask.Key == 1:
		add = m.mask.Add[at:][:len(x)]
	default:
		for j := range add {
			add[j] = m.mask.Add[at+j*m.mask.Key]
		}
	}
	vec.ScaleAdd(x, scale, x, 1, add)
	return 1
}

// dropout sets dst to what dropout leaves of x: of the weights of query t for
// the keys from k0 on, a multiple of four, or of their gradients.
func dropout[T gemm.Float](p *Problem, dst, x []T, b, h, t, k0 int) {
	row := (b*p.Heads+h)*p.Queries + t
	counter := uint64((row*p.DropoutStride() + k0) / 4)
	vec.Dropout(dst, x, p.Key, p.Nonce, counter, p.Dropout, T(1/(1-p.Dropout)))
}
