package tensor

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// NumElements returns the number of elements of a shape: 1 for a scalar.
func NumElements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// ShapeString writes a shape as in "(100, 1, 28, 28)".
func ShapeString(shape []int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, d := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(d))
	}
	if len(shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
	return b.String()
}

// checkShape panics when a shape has a negative or absurd size.
func checkShape(op string, shape []int) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panic(&ShapeError{Op: op, Want: "sizes must not be negative, got " + ShapeString(shape)})
		}
		if d > 0 && n > math.MaxInt/16/d {
			panic(&ShapeError{Op: op, Want: "too many elements in " + ShapeString(shape)})
		}
		n *= max(d, 1)
	}
}

// contiguousStride is the row-major stride of a shape, in elements.
func contiguousStride(shape []int) []int {
	stride := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = n
		n *= max(shape[i], 1)
	}
	return stride
}

// channelsLastStride is the stride of an (N, C, H, W) shape that lies in
// memory as (N, H, W, C); it holds for any number of spatial axes.
func channelsLastStride(shape []int) []int {
	stride := make([]int, len(shape))
	n := max(shape[1], 1)
	stride[1] = 1
	for i := len(shape) - 1; i >= 2; i-- {
		stride[i] = n
		n *= max(shape[i], 1)
	}
	stride[0] = n
	return stride
}

// sameStride reports whether two strides reach the same elements of shape:
// axes of size one do not matter.
func sameStride(shape, a, b []int) bool {
	for i, d := range shape {
		if d > 1 && a[i] != b[i] {
			return false
		}
	}
	return true
}

// isDense reports whether the elements fill a stretch of memory without gaps
// or repeats, in any order of the axes.
func isDense(shape, stride []int) bool {
	if sameStride(shape, stride, contiguousStride(shape)) {
		return true
	}
	var buf [8]int
	axes := buf[:0]
	for i, d := range shape {
		if d == 0 {
			return true
		}
		if d > 1 {
			axes = append(axes, i)
		}
	}
	slices.SortFunc(axes, func(a, b int) int { return stride[a] - stride[b] })
	n := 1
	for _, a := range axes {
		if stride[a] != n {
			return false
		}
		n *= shape[a]
	}
	return true
}

// denseLike returns the stride of shape whose axes lie in memory in the same
// order as those of stride.
func denseLike(shape, stride []int) []int {
	axes := make([]int, len(shape))
	for i := range axes {
		axes[i] = i
	}
	slices.SortStableFunc(axes, func(a, b int) int { return stride[b] - stride[a] })
	out := make([]int, len(shape))
	n := 1
	for i := len(axes) - 1; i >= 0; i-- {
		out[axes[i]] = n
		n *= max(shape[axes[i]], 1)
	}
	return out
}

// orderOf returns the stride of shape whose axes lie in memory in the order of
// those of t, which has as many: channels-last stays so, with other sizes.
func orderOf(t *Tensor, shape []int) []int {
	for i, d := range t.shape {
		if d > 1 && t.stride[i] == 0 {
			return contiguousStride(shape) // repeated elements have no order
		}
	}
	return denseLike(shape, t.stride)
}

// axis resolves a negative axis and panics when there is none such.
func axis(op string, t *Tensor, a int) int {
	if a < 0 {
		a += len(t.shape)
	}
	if a < 0 || a >= len(t.shape) {
		misfit(op, []*Tensor{t}, "there is no axis %d in %d axes", a, len(t.shape))
	}
	return a
}

// axesOf resolves the axes of a reduction: none means all. The result is
// sorted and free of repeats.
func axesOf(op string, t *Tensor, axes []int) []int {
	out := make([]int, 0, len(t.shape))
	if len(axes) == 0 {
		for i := range t.shape {
			out = append(out, i)
		}
		return out
	}
	for _, a := range axes {
		out = append(out, axis(op, t, a))
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		misfit(op, []*Tensor{t}, "an axis is named twice in %v", axes)
	}
	return out
}

// broadcastShapes returns the shape that the operands stretch to under NumPy's
// rule, and whether there is one.
func broadcastShapes(a, b []int) ([]int, bool) {
	n := max(len(a), len(b))
	out := make([]int, n)
	for i := 1; i <= n; i++ {
		da, db := 1, 1
		if i <= len(a) {
			da = a[len(a)-i]
		}
		if i <= len(b) {
			db = b[len(b)-i]
		}
		switch {
		case da == db || db == 1:
			out[n-i] = da
		case da == 1:
			out[n-i] = db
		default:
			return nil, false
		}
	}
	return out, true
}

// broadcastStride is the stride with which a tensor is read as if it had the
// larger shape: zero along stretched axes.
func broadcastStride(shape, stride, to []int) []int {
	out := make([]int, len(to))
	lead := len(to) - len(shape)
	for i := range shape {
		if shape[i] != 1 || to[lead+i] == 1 {
			out[lead+i] = stride[i]
		}
	}
	return out
}
