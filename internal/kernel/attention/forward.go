package attention

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// forward is one call of [Forward].
type forward[T gemm.Float] struct {
	*Problem
	q, k, v, y Heads[T]
	mask       Mask[T]
	lse        []T
	product    product[T]
}

// Forward sets each row of y to the average of the values, weighted by the
// softmax of the scores: exp(score)/sum(exp(scores)), where the score of a query
// and a key is Scale times their scalar product, as the mask changes it.
//
// lse (Batch, Heads, Queries) gets the logarithm of each sum, which is all that
// the gradient needs to compute the weights again. A query that sees no key
// gives zeros, and an infinite lse, so that its weights are zero again.
func Forward[T gemm.Float](p *Problem, q, k, v Heads[T], mask Mask[T], y Heads[T], lse []T) {
	check(p, "query", q, p.Queries, p.Width)
	check(p, "key", k, p.Keys, p.Width)
	check(p, "value", v, p.Keys, p.ValueWidth)
	check(p, "output", y, p.Queries, p.ValueWidth)
	f := &forward[T]{p, q, k, v, y, mask, lse, productOf[T]()}
	groups := ceil(p.Queries, groupRows)
	work := min(groupRows, p.Queries) * p.Keys * (p.Width + p.ValueWidth)
	par.For(p.Batch*p.Heads*groups, max(1, taskWork/max(work, 1)), func(lo, hi int) {
		// The running maximum and sum, a mask's row, scores, transposed keys.
		s := newScratch[T](2*groupRows + keyBlock + rowBlock*keyBlock + p.Width*keyBlock)
		defer s.free()
		best, total := s.take(groupRows), s.take(groupRows)
		m := masker[T]{p, mask, s.take(keyBlock)}
		scores := s.take(rowBlock * keyBlock)
		for task := lo; task < hi; task++ {
			head, r0 := task/groups, task%groups*groupRows
			f.group(head/p.Heads, head%p.Heads, r0, min(r0+groupRows, p.Queries), best, total, scores, s.rest, &m)
		}
	})
}

// group computes rows [r0, r1) of one head. The weights of a stretch of keys are
// relative to the greatest score so far; when a later stretch has a greater
// one, what was summed is scaled down (Milakov and Gimelshein, arXiv 1805.02867).
func (f *forward[T]) group(b, h, r0, r1 int, best, total, scores, keys []T, m *masker[T]) {
	for r := r0; r < r1; r++ {
		best[r-r0], total[r-r0] = T(math.Inf(-1)), 0
		if f.Keys == 0 {
			clear(f.y.at(b, h, r)[:f.ValueWidth])
		}
	}
	for k0 := 0; k0 < f.Keys; k0 += keyBlock {
		n := f.seen(r1-1, k0, min(keyBlock, f.Keys-k0))
		if n == 0 {
			break
		}
		kt := transposed(keys, f.k.at(b, h, k0), f.k.Row, n, f.Width, r1-r0)
		for i0 := r0; i0 < r1; i0 += rowBlock {
			rows := min(rowBlock, r1-i0)
			cols := f.seen(i0+rows-1, k0, n)
			if cols == 0 {
				continue
			}
			f.product(rows, cols, f.Width, f.q.at(b, h, i0), f.q.Row, 1, kt.data, kt.rsb, kt.csb, scores, cols, false)
			for r := range rows {
				f.weigh(scores[r*cols:][:cols], b, h, i0+r, k0, &best[i0-r0+r], &total[i0-r0+r], m)
			}
			f.product(rows, f.ValueWidth, cols, scores, cols, 1, f.v.at(b, h, k0), f.v.Row, 1, f.y.at(b, h, i0), f.y.Row, k0 > 0)
		}
	}
	for r := r0; r < r1; r++ {
		at := (b*f.Heads+h)*f.Queries + r
		sum := float64(total[r-r0])
		if sum == 0 {
			f.lse[at] = T(math.Inf(1))
			continue
		}
		f.lse[at] = best[r-r0] + T(math.Log(sum))
		row := f.y.at(b, h, r)[:f.ValueWidth]
		vec.MulScalar(row, row, T(1/sum))
	}
}

// weigh turns the scores of query t against the keys from k0 on into weights.
func (f *forward[T]) weigh(row []T, b, h, t, k0 int, best, total *T, m *masker[T]) {
	n := f.seen(t, k0, len(row))
	clear(row[n:])
	x := row[:n]
	if n == 0 {
		return
	}
	scale := m.masked(x, b, h, t, k0)
	greatest := vec.MaxValue(x) * scale
	if math.IsInf(float64(greatest), -1) {
		clear(x)
		return
	}
	if !(greatest <= *best) { // NaN too
		if *total != 0 {
			shrink := T(math.Exp(float64(*best) - float64(greatest)))
			*total *= shrink
			y := f.y.at(b, h, t)[:f.ValueWidth]
			vec.MulScalar(y, y, shrink)
		}
		*best = greatest
	}
	*total += T(vec.ExpScaleShift(x, x, scale, -*best))
	if f.Dropout > 0 {
		dropout(f.Problem, x, x, b, h, t, k0)
	}
}
