package rnn

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// A matrix that many products share is packed into panels: each holds all rows
// of a few columns, one row after the other, so that a kernel reads it from
// front to back. A panel is as wide as the widest tile of full height; with few
// rows only wider tiles keep the multipliers busy.
const (
	panelWidth    = 32
	panelWidthLow = 64
	lowRows       = 6
)

// packRows is the number of rows in all that make packing worth its while: it
// costs about as much as the products of so many rows.
const packRows = 8

var noOffset = []int{0}

// factor is a matrix (depth, units of each part * parts) that is the right side
// of a product at every step.
type factor[T gemm.Float] struct {
	depth, units, parts int
	b                   []T // panels, or the matrix itself
	rsb, csb            int // of the matrix itself
	chunk               int // units to a task
	panel, panels       int // width of a panel, panels of a part of a task; 0: not packed
	reduce, mul         product[T]
}

// newFactor packs the matrix b[p*rsb+j*csb] with parts*units columns for
// products of a schedule, total rows in all.
func newFactor[T gemm.Float](b []T, depth, units, parts, rsb, csb int, s schedule, total int) *factor[T] {
	f := &factor[T]{depth: depth, units: units, parts: parts, b: b, rsb: rsb, csb: csb, chunk: s.chunk}
	f.reduce, f.mul = products[T]()
	if total < packRows {
		return f
	}
	f.panel = panelWidth
	if s.rows <= lowRows {
		f.panel = panelWidthLow
	}
	f.panels = ceil(f.chunk, f.panel)
	tasks := ceil(units, f.chunk)
	f.b = take[T](parts * tasks * f.panels * f.panel * depth)
	par.For(tasks*parts*f.panels, 1, func(at, _ int) {
		lo := at / (parts * f.panels) * f.chunk
		j := lo + at%f.panels*f.panel
		if width := min(f.panel, lo+f.chunk-j, units-j); width > 0 {
			column := at/f.panels%parts*units + j
			f.pack(f.b[at*f.panel*depth:][:f.panel*depth], b[column*csb:], width, rsb, csb)
		}
	})
	return f
}

// at is the panel of units [j, j+panel) of a part.
func (f *factor[T]) at(part, j int) []T {
	task := j / f.chunk
	i := (task*f.parts+part)*f.panels + (j-task*f.chunk)/f.panel
	return f.b[i*f.panel*f.depth:][:f.panel*f.depth]
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }

// release gives the panels back.
func (f *factor[T]) release() {
	if f.panel > 0 {
		give(f.b)
	}
}

// pack writes one panel. Where the columns run along memory, squares of a few
// cache lines are turned at a time.
func (f *factor[T]) pack(dst, b []T, width, rsb, csb int) {
	const square = 16
	for p0 := 0; p0 < f.depth; p0 += square {
		p1 := min(p0+square, f.depth)
		if csb == 1 {
			for p := p0; p < p1; p++ {
				copy(dst[p*f.panel:p*f.panel+width], b[p*rsb:])
			}
			continue
		}
		for j := range width {
			for p := p0; p < p1; p++ {
				dst[p*f.panel+j] = b[p*rsb+j*csb]
			}
		}
	}
}

// multiply computes units [lo, hi), those of some tasks, of each part of a
// product with rows rows of a, rsa apart. c and e.Bias begin at unit 0 of the
// first part. A nil a stands for zeros.
func (f *factor[T]) multiply(rows int, a []T, rsa, lo, hi int, c []T, rsc int, e gemm.EpilogueOf[T]) {
	f.multiplyDepth(0, f.depth, rows, a, rsa, lo, hi, c, rsc, e)
}

// multiplyDepth is multiply by rows [from, to) of the matrix only.
func (f *factor[T]) multiplyDepth(from, to, rows int, a []T, rsa, lo, hi int, c []T, rsc int, e gemm.EpilogueOf[T]) {
	depth := to - from
	if a == nil {
		depth = 0
	}
	if f.panel == 0 { // in one task, all units
		f.mul(rows, f.parts*f.units, depth, a, rsa, f.b[from*f.rsb:], f.rsb, f.csb, c, rsc, e)
		return
	}
	bias := e.Bias
	for part := range f.parts {
		for j, width := lo, 0; j < hi; j += width {
			width = min(f.panel, hi-j, f.chunk-j%f.chunk)
			column := part*f.units + j
			if bias != nil {
				e.Bias = bias[column:]
			}
			f.reduce(rows, width, depth, a, rsa, f.at(part, j)[from*f.panel:], f.panel, 1, c[column:], rsc, e)
		}
	}
}

// product is c = a b for an a with contiguous rows.
type product[T gemm.Float] func(m, n, k int, a []T, rsa int, b []T, rsb, csb int, c []T, rsc int, e gemm.EpilogueOf[T])

// products are the ways to multiply on one worker, with contiguous rows of b,
// and on all.
func products[T gemm.Float]() (reduce, mul product[T]) {
	one := func(m, n, k int, a []float32, rsa int, b []float32, rsb, csb int, c []float32, rsc int, e gemm.Epilogue) {
		gemm.BatchReduceAhead(m, n, k, a, noOffset, rsa, 1, b, noOffset, rsb, c, rsc, e, nil)
	}
	all := func(m, n, k int, a []float32, rsa int, b []float32, rsb, csb int, c []float32, rsc int, e gemm.Epilogue) {
		gemm.Mul(m, n, k, a, rsa, 1, b, rsb, csb, c, rsc, e)
	}
	if reduce, ok := any(product[float32](one)).(product[T]); ok {
		return reduce, any(product[float32](all)).(product[T])
	}
	portable := func(m, n, k int, a []T, rsa int, b []T, rsb, csb int, c []T, rsc int, e gemm.EpilogueOf[T]) {
		gemm.Portable(m, n, k, a, noOffset, rsa, 1, b, noOffset, rsb, csb, c, rsc, e)
	}
	return portable, portable
}

// take returns n elements with unspecified contents, from the pool where the
// element type has one.
func take[T gemm.Float](n int) []T {
	if _, ok := any([]T(nil)).([]float32); ok {
		return any(mem.Float32s(n)).([]T)
	}
	return make([]T, n)
}

// give returns what take gave.
func give[T gemm.Float](x []T) {
	if x, ok := any(x).([]float32); ok {
		mem.PutFloat32s(x)
	}
}

// transposedMul computes the product (m, n) of the transpose of a (k, m), whose
// rows are rsa apart, and of b (k, n), on all workers, or adds it to c.
func transposedMul[T gemm.Float](m, n, k int, a []T, rsa int, b []T, rsb int, c []T, accumulate bool) {
	if a, ok := any(a).([]float32); ok {
		gemm.Mul(m, n, k, a, 1, rsa, any(b).([]float32), rsb, 1, any(c).([]float32), n, gemm.Epilogue{Accumulate: accumulate})
		return
	}
	gemm.Portable(m, n, k, a, noOffset, 1, rsa, b, noOffset, rsb, 1, c, n, gemm.EpilogueOf[T]{Accumulate: accumulate})
}
