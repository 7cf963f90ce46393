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
	outer := NumElements(l.shape[:len(l.shape)-1])
	par.For(outer, grain, func(lo, hi int) {
		var index [16]int
		var off [4]int
		axes := len(l.shape) - 1
		rest := lo
		for a := axes - 1; a >= 0; a-- {
			index[a] = rest % l.shape[a]
			rest /= l.shape[a]
			for k := range l.stride {
				off[k] += index[a] * l.stride[k][a]
			}
		}
		for i := lo; i < hi; i++ {
			body(off, n)
			for a := axes - 1; a >= 0; a-- {
				index[a]++
				for k := range l.stride {
					off[k] += l.stride[k][a]
				}
				if index[a] < l.shape[a] {
					break
				}
				for k := range l.stride {
					off[k] -= l.shape[a] * l.stride[k][a]
				}
				index[a] = 0
			}
		}
	})
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
		for i := range n {
			d[off[0]+i*step[0]] = v
		}
	})
}

// serial calls body for every element, in order.
func (l loop) serial(body func(off [4]int)) {
	index := make([]int, len(l.shape))
	var off [4]int
	for range NumElements(l.shape) {
		body(off)
		for a := len(l.shape) - 1; a >= 0; a-- {
			index[a]++
			for k := range l.stride {
				off[k] += l.stride[k][a]
			}
			if index[a] < l.shape[a] {
				break
			}
			for k := range l.stride {
				off[k] -= l.shape[a] * l.stride[k][a]
			}
			index[a] = 0
		}
	}
}

// from calls body with the offset of the first operand for the elements lo to
// hi-1, counted in order.
func (l loop) from(lo, hi int, body func(off int)) {
	index := make([]int, len(l.shape))
	off, rest := 0, lo
	for a := len(l.shape) - 1; a >= 0; a-- {
		index[a] = rest % l.shape[a]
		rest /= l.shape[a]
		off += index[a] * l.stride[0][a]
	}
	for range hi - lo {
		body(off)
		for a := len(l.shape) - 1; a >= 0; a-- {
			index[a]++
			off += l.stride[0][a]
			if index[a] < l.shape[a] {
				break
			}
			off -= l.shape[a] * l.stride[0][a]
			index[a] = 0
		}
	}
}
