package tensor

import (
	"fmt"
	"slices"
)

// Tensor is an n-dimensional array. Its shape and element type are fixed; its
// elements may be shared with views. Tensors are made by the functions and
// operations of this package only.
type Tensor struct {
	store  *storage
	dtype  DType
	shape  []int
	stride []int // in elements
	offset int   // in elements
	name   string

	tracked bool    // gradients flow to or through this tensor
	noGrad  bool    // what is computed from this tensor is not recorded
	dropped bool    // dropout had a part in it, on the tape or not
	node    *node   // how it was made; nil for a leaf
	place   int     // among the results of that call
	grad    *Tensor // of a leaf, after Backward
	stale   bool    // grad was cleared and only its memory is kept
}

// newTensor returns a tensor with unspecified elements; a nil stride means
// row-major.
func newTensor(s *Scope, d DType, shape, stride []int) *Tensor {
	if stride == nil {
		stride = contiguousStride(shape)
	}
	return &Tensor{store: newStorage(s, NumElements(shape)*d.Size()), dtype: d, shape: shape, stride: stride,
		noGrad: s != nil && s.noGrad}
}

// DType returns the element type.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns a copy of the shape.
func (t *Tensor) Shape() []int { return slices.Clone(t.shape) }

// Dim returns the size of one axis; negative axes count from the end.
func (t *Tensor) Dim(a int) int { return t.shape[axis("dim", t, a)] }

// NDim returns the number of axes; zero for a scalar.
func (t *Tensor) NDim() int { return len(t.shape) }

// Len returns the number of elements.
func (t *Tensor) Len() int { return NumElements(t.shape) }

// Strides returns a copy of the strides, in elements.
func (t *Tensor) Strides() []int { return slices.Clone(t.stride) }

// Name returns the name that SetName gave, such as "Conv1.Weight".
func (t *Tensor) Name() string { return t.name }

// SetName names the tensor in error messages and returns it.
func (t *Tensor) SetName(name string) *Tensor {
	t.name = name
	return t
}

// IsContiguous reports whether the elements lie in row-major order without gaps.
func (t *Tensor) IsContiguous() bool { return sameStride(t.shape, t.stride, contiguousStride(t.shape)) }

// isChannelsLast reports whether an (N, C, ...) tensor lies in memory as
// (N, ..., C). Tensors with one channel or one pixel are both.
func (t *Tensor) isChannelsLast() bool {
	return len(t.shape) >= 3 && sameStride(t.shape, t.stride, channelsLastStride(t.shape))
}

func (t *Tensor) isDense() bool { return isDense(t.shape, t.stride) }

// elements returns the storage from the tensor's first element on. The kernels
// index it with strides.
func elements[T Element](t *Tensor) []T { return view[T](t.store.data)[t.offset:] }

// dense returns the elements of a dense tensor in memory order.
func dense[T Element](t *Tensor) []T {
	n := t.Len()
	return view[T](t.store.data)[t.offset : t.offset+n : t.offset+n]
}

// Data returns the live elements of a dense tensor in memory order, for
// reading. It panics when T is not the element type or the tensor has gaps.
func Data[T Element](t *Tensor) []T {
	if DTypeOf[T]() != t.dtype {
		misfit("data", []*Tensor{t}, "the elements are %v, not %v", t.dtype, DTypeOf[T]())
	}
	if !t.isDense() {
		misfit("data", []*Tensor{t}, "the elements have gaps; call Contiguous first")
	}
	t.checkUsable("data")
	return dense[T](t)
}

// MutableData is Data for writing. It marks the elements as overwritten, so
// that a tape that still needs the old ones panics instead of using the new.
func MutableData[T Element](t *Tensor) []T {
	d := Data[T](t)
	t.store.root().version++
	return d
}

// SameLayout reports whether a and b are dense and their Data line up element
// by element.
func SameLayout(a, b *Tensor) bool {
	return slices.Equal(a.shape, b.shape) && sameStride(a.shape, a.stride, b.stride) && a.isDense()
}

// checkUsable panics when the tensor's memory has been given back.
func (t *Tensor) checkUsable(op string) {
	if st := t.store.root(); st.data == nil && t.Len() > 0 {
		if st.end == consumed {
			panic(&UseError{op, fmt.Sprintf("the backward pass has given the tensor %s back; name it in BackwardOnce, copy it with Keep before, or call Backward", ShapeString(t.shape))})
		}
		panic(&UseError{op, fmt.Sprintf("the tensor %s belonged to a step that is over; copy what must outlive a step with Keep", ShapeString(t.shape))})
	}
}

// alias returns a tensor that shares t's elements and nothing of its history.
func (t *Tensor) alias() *Tensor {
	return &Tensor{store: t.store, dtype: t.dtype, shape: t.shape, stride: t.stride, offset: t.offset, name: t.name}
}

// Detach returns a tensor with the same elements that is not on the tape.
func (t *Tensor) Detach() *Tensor { return t.alias() }

// NoGrad returns a tensor with the same elements; nothing that is computed
// from it is recorded, whatever it meets.
func (t *Tensor) NoGrad() *Tensor {
	a := t.alias()
	a.noGrad = true
	return a
}

// Keep returns a copy that is not on the tape and belongs to no scope.
func (t *Tensor) Keep() *Tensor {
	t.checkUsable("keep")
	out := newTensor(nil, t.dtype, t.shape, denseLike(t.shape, t.stride))
	copyInto(out, t)
	return out
}

// RequireGrad makes t a leaf that Backward computes a gradient for, and
// returns it. It panics when t was computed from others or is not a float.
func (t *Tensor) RequireGrad() *Tensor {
	if t.node != nil {
		panic(&UseError{"require grad", "only a leaf can be marked; call Detach first"})
	}
	if !t.dtype.IsFloat() {
		panic(&UseError{"require grad", "only floating-point tensors have gradients, this one is " + t.dtype.String()})
	}
	t.tracked = true
	return t
}

// SetRequiresGrad turns the gradient of a leaf on or off: a parameter is
// frozen by turning it off.
func (t *Tensor) SetRequiresGrad(on bool) {
	if on {
		t.RequireGrad()
		return
	}
	if t.node != nil {
		panic(&UseError{"set requires grad", "only a leaf can be frozen; call Detach for a tensor that was computed"})
	}
	t.tracked = false
}

// RequiresGrad reports whether gradients flow to or through t.
func (t *Tensor) RequiresGrad() bool { return t.tracked }

// IsLeaf reports whether t was not computed on the tape.
func (t *Tensor) IsLeaf() bool { return t.node == nil }

// Grad returns what Backward accumulated for a leaf, or nil. The next Backward
// may give it other memory: take Data anew after each.
func (t *Tensor) Grad() *Tensor {
	if t.stale {
		return nil
	}
	return t.grad
}

// SetGrad replaces the gradient; nil clears it.
func (t *Tensor) SetGrad(g *Tensor) {
	if g != nil && !slices.Equal(g.shape, t.shape) {
		misfit("set grad", []*Tensor{t, g}, "a gradient has the shape of its tensor")
	}
	t.grad, t.stale = g, false
}
