package attention

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// A head's gradient is one task when there are at least enoughHeads; else its
// keys are cut into at most mostGroups tasks, each with a gradient of the
// queries of its own, which are added up in order.
const (
	enoughHeads = 16
	mostGroups  = 8
)

// backward is one call of [Backward].
type backward[T gemm.Float] struct {
	*Problem
	q, k, v, y, gy Heads[T]
	gq, gk, gv     Heads[T]
	mask           Mask[T]
	lse            []T
	product        product[T]
}

// Backward sets gq, gk and gv to the gradients of the queries, keys and values,
// given the operands and results of [Forward] and the gradient gy of y. The
// weights are computed again, a block at a time.
func Backward[T gemm.Float](p *Problem, q, k, v Heads[T], mask Mask[T], y Heads[T], lse []T, gy, gq, gk, gv Heads[T]) {
	for _, x := range []struct {
		name        string
		heads       Heads[T]
		rows, width int
	}{{"query", q, p.Queries, p.Width}, {"query gradient", gq, p.Queries, p.Width},
		{"key", k, p.Keys, p.Width}, {"key gradient", gk, p.Keys, p.Width},
		{"value", v, p.Keys, p.ValueWidth}, {"value gradient", gv, p.Keys, p.ValueWidth},
		{"output", y, p.Queries, p.ValueWidth}, {"output gradient", gy, p.Queries, p.ValueWidth}} {
		check(p, x.name, x.heads, x.rows, x.width)
	}
	f := &backward[T]{p, q, k, v, y, gy, gq, gk, gv, mask, lse, productOf[T]()}
	heads := p.Batch * p.Heads
	groups := 1
	if heads < enoughHeads {
		groups = max(1, min(mostGroups, p.Keys/gradKeyBlock))
	}
	if groups == 1 {
		work := p.Queries * p.Keys * (3*p.Width + 2*p.ValueWidth)
		par.For(heads, max(1, taskWork/max(work, 1)), func(lo, hi int) {
			s := f.scratch()
			defer s.free()
			for head := lo; head < hi; head++ {
				b, h := head/p.Heads, head%p.Heads
				f.keys(b, h, 0, p.Keys, gq.at(b, h, 0), gq.Row, s)
			}
		})
		return
	}
	each := ceil(ceil(p.Keys, gradKeyBlock), groups) * gradKeyBlock
	size := p.Queries * p.Width
	parts := newScratch[T](heads * groups * size)
	defer parts.free()
	par.For(heads*groups, 1, func(task, _ int) {
		s := f.scratch()
		defer s.free()
		head, k0 := task/groups, task%groups*each
		f.keys(head/p.Heads, head%p.Heads, min(k0, p.Keys), min(k0+each, p.Keys), parts.rest[task*size:][:size], p.Width, s)
	})
	par.For(heads*p.Queries, max(1, taskWork/(groups*p.Width)), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			head, t := row/p.Queries, row%p.Queries
			sum := gq.at(head/p.Heads, head%p.Heads, t)[:p.Width]
			for g := range groups {
				part := parts.rest[(head*groups+g)*size+t*p.Width:][:p.Width]
				if g == 0 {
					copy(sum, part)
				} else {
					vec.Add(sum, sum, part)
				}
			}
		}
	})
}

// scratch is the memory of one task: two blocks of scores, a third with
// dropout, a mask's row, transposed keys and values, and a number a query.
func (f *backward[T]) scratch() scratch[T] {
	return newScratch[T](3*rowBlock*gradKeyBlock + gradKeyBlock + (f.Width+f.ValueWidth)*gradKeyBlock + f.Queries)
}

// keys computes the gradients of keys and values [g0, g1) of one head, and what
// those contribute to the gradient of the queries.
func (f *backward[T]) keys(b, h, g0, g1 int, gq []T, gqRow int, s scratch[T]) {
	weights, dropped, grads := s.take(rowBlock*gradKeyBlock), s.take(rowBlock*gradKeyBlock), s.take(rowBlock*gradKeyBlock)
	m := masker[T]{f.Problem, f.mask, s.take(gradKeyBlock)}
	keys, values, dots := s.take(f.Width*gradKeyBlock), s.take(f.ValueWidth*gradKeyBlock), s.take(f.Queries)
	lse := f.lse[(b*f.Heads+h)*f.Queries:][:f.Queries]
	for t := range f.Queries {
		if f.seen(t, g0, g1-g0) == 0 {
			clear(gq[t*gqRow:][:f.Width]) // unless its block has a row that sees a key
		}
		// The sum over all keys of weight times its gradient is this too.
		dots[t] = T(vec.Dot(f.gy.at(b, h, t)[:f.ValueWidth], f.y.at(b, h, t)[:f.ValueWidth]))
	}
	for k0 := g0; k0 < g1; k0 += gradKeyBlock {
		n := min(gradKeyBlock, g1-k0)
		// The last query sees the most keys: with its block first, every product
		// but the first of a gradient adds to what is there.
		seen := 0
		if f.Queries > 0 {
			seen = f.seen(f.Queries-1, k0, n)
		}
		for j := seen; j < n; j++ {
			clear(f.gk.at(b, h, k0+j)[:f.Width])
			clear(f.gv.at(b, h, k0+j)[:f.ValueWidth])
		}
		if n = seen; n == 0 {
			continue
		}
		first := 0
		if f.Causal {
			first = max(0, k0-f.Past) / rowBlock * rowBlock
		}
		last := (f.Queries - 1) / rowBlock * rowBlock
		k, v := f.k.at(b, h, k0), f.v.at(b, h, k0)
		kt := transposed(keys, k, f.k.Row, n, f.Width, f.Queries-first)
		vt := transposed(values, v, f.v.Row, n, f.ValueWidth, f.Queries-first)
		for i0 := last; i0 >= first; i0 -= rowBlock {
			rows := min(rowBlock, f.Queries-i0)
			cols := f.seen(i0+rows-1, k0, n)
			q, gy := f.q.at(b, h, i0), f.gy.at(b, h, i0)
			f.product(rows, cols, f.Width, q, f.q.Row, 1, kt.data, kt.rsb, kt.csb, weights, cols, false)
			f.product(rows, cols, f.ValueWidth, gy, f.gy.Row, 1, vt.data, vt.rsb, vt.csb, grads, cols, false)
			used := weights
			for r := range rows {
				row := weights[r*cols:][:cols]
				x := row[:f.seen(i0+r, k0, cols)]
				clear(row[len(x):])
				scale := m.masked(x, b, h, i0+r, k0)
				vec.ExpScaleShift(x, x, scale, -lse[i0+r])
				if f.Dropout > 0 {
					used = dropped
					dropout(f.Problem, dropped[r*cols:][:cols], row, b, h, i0+r, k0)
					g := grads[r*cols:][:cols]
					dropout(f.Problem, g, g, b, h, i0+r, k0)
				}
			}
			f.product(cols, f.ValueWidth, rows, used, 1, cols, gy, f.gy.Row, 1, f.gv.at(b, h, k0), f.gv.Row, i0 < last)
			for r := range rows {
				g := grads[r*cols:][:cols]
				vec.SoftmaxGradScaled(g, g, weights[r*cols:][:cols], dots[i0+r], T(f.Scale))
			}
			f.product(cols, f.Width, rows, grads, 1, cols, q, f.q.Row, 1, f.gk.at(b, h, k0), f.gk.Row, i0 < last)
			f.product(rows, f.Width, cols, grads, cols, 1, k, f.k.Row, 1, gq[i0*gqRow:], gqRow, k0 > g0)
		}
	}
}
