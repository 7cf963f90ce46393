package tensor

import (
	"slices"

	"github.com/hadal-ml/hadal/internal/par"
)

// chunkElements is how many elements one piece of parallel element-wise work
// has: large enough to hide the hand-over, small enough to stay in the cache.
const chunkElements = 16 << 10

// loop is a nest of loops over up to four operands that share a shape, with
// the axes in the memory order of the first and merged where possible.
type loop struct {
	shape  []int
	stride [][]int // one for each operand, in elements
}

// newLoop plans the walk over a shape. Axes of size one are dropped; axes that
// every operand steps through alike become one.
func newLoop(shape []int, strides ...[]int) loop {
	axes := make([]int, 0, len(shape))
	for i, d := range shape {
		if d != 1 {
			axes = append(axes, i)
		}
	}
	slices.SortStableFunc(axes, func(a, b int) int { return strides[0][b] - strides[0][a] })
	l := loop{stride: make([][]int, len(strides))}
	for _, a := range axes {
		last := len(l.shape) - 1
		merge := last >= 0
		for k, s := range strides {
			merge = merge && l.stride[k][last] == s[a]*shape[a]
		}
		if merge {
			l.shape[last] *= shape[a]
			for k, s := range strides {
				l.stride[k][last] = s[a]
			}
			continue
		}
		l.shape = append(l.shape, shape[a])
		for k, s := range strides {
			l.stride[k] = append(l.stride[k], s[a])
		}
	}
	if len(l.shape) == 0 {
		l.shape = []int{1}
		for k := range l.stride {
			l.stride[k] = []int{1}
		}
	}
	return l
}

// inner returns the length of the innermost loop and each operand's step in it.
func (l loop) inner() (n int, step [4]int) {
	last := len(l.shape) - 1
	for k := range l.stride {
		step[k] = l.stride[k][last]
	}
	return l.shape[last], step
}

// each calls body once for every run of the innermost loop, with the offset at
// which each operand starts and the length of the run. Long runs are cut. The
// calls may happen at the same time.
func (l loop) each(body func(off [4]int, n int)) {
	n, step := l.inner()
	outer := 1
	for _, d := range l.shape[:len(l.shape)-1] {
		outer *= d
	}
	if n == 0 || outer == 0 {
		return
	}
	if outer == 1 {
		par.For(n, chunkElements, func(lo, hi int) {
			var off [4]int
			for k := range l.stride {
				off[k] = lo * step[k]
			}
			body(off, hi-lo)
		})
		return
	}
	l.eachOf(max(1, chunkElements/n), body)
}

// eachOf is each with a given number of innermost runs to a piece of work.
func (l loop) eachOf(grain int, body func(off [4]int, n int)) {
	n, _ := l.inner()
	axes := len(l.shape) - 1
	par.For(NumElements(l.shape[:axes]), grain, func(lo, hi int) {
		c := l.at(axes, lo)
		for range hi - lo {
			body(c.off, n)
			c.next()
		}
	})
}

// serial calls body for every element, in order.
func (l loop) serial(body func(off [4]int)) { l.from(0, NumElements(l.shape), body) }

// from calls body for the elements lo to hi-1, counted in order.
func (l loop) from(lo, hi int, body func(off [4]int)) {
	if lo >= hi {
		return // at divides by the lengths of the axes, of which one may be 0
	}
	c := l.at(len(l.shape), lo)
	for range hi - lo {
		body(c.off)
		c.next()
	}
}

// counter is a place in the outer axes of a nest of loops.
type counter struct {
	loop
	index []int  // one for each of those axes
	off   [4]int // of each operand, in elements
}

// at returns the place with that number, counted in order, in the first axes.
func (l loop) at(axes, place int) counter {
	c := counter{loop: l, index: make([]int, axes)}
	for a := axes - 1; a >= 0; a-- {
		c.index[a] = place % l.shape[a]
		place /= l.shape[a]
		for k := range l.stride {
			c.off[k] += c.index[a] * l.stride[k][a]
		}
	}
	return c
}

// next goes on by one place; behind the last comes the first.
func (c *counter) next() {
	for a := len(c.index) - 1; a >= 0; a-- {
		c.index[a]++
		for k := range c.stride {
			c.off[k] += c.stride[k][a]
		}
		if c.index[a] < c.shape[a] {
			return
		}
		for k := range c.stride {
			c.off[k] -= c.shape[a] * c.stride[k][a]
		}
		c.index[a] = 0
	}
}

// copyInto writes the elements of src, converted, to dst of the same shape.
func copyInto(dst, src *Tensor) {
	if dst.dtype != src.dtype {
		convertInto(dst, src)
		return
	}
	switch dst.dtype.Size() {
	case 1:
		copyElements[uint8](dst, src)
	case 2:
		copyElements[BF16](dst, src)
	case 4:
		if dst.Len() > 0 && copyImages(dst, src) {
			return
		}
		copyElements[int32](dst, src)
	case 8:
		copyElements[int64](dst, src)
	}
}

func copyElements[T Element](dst, src *Tensor) {
	if dst.Len() == 0 {
		return
	}
	d, s := elements[T](dst), elements[T](src)
	l := newLoop(dst.shape, dst.stride, src.stride)
	if copyRows(l, d, s) {
		return
	}
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		if step[0] == 1 && step[1] == 1 {
			copy(d[off[0]:off[0]+n], s[off[1]:off[1]+n])
			return
		}
		for i := range n {
			d[off[0]+i*step[0]] = s[off[1]+i*step[1]]
		}
	})
}

// fillWith writes one value to every element.
func fillWith[T Element](t *Tensor, v T) {
	if t.Len() == 0 {
		return
	}
	d := elements[T](t)
	l := newLoop(t.shape, t.stride)
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		if step[0] == 1 {
			fillRun(d[off[0]:][:n], v)
			return
		}
		for i := range n {
			d[off[0]+i*step[0]] = v
		}
	})
}
