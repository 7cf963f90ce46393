package tensor

import (
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/rng"
)

// FromSlice returns a tensor with a copy of data, in row-major order. Without
// a shape it is a vector. It panics when the shape does not hold len(data)
// elements.
func FromSlice[T Element](data []T, shape ...int) *Tensor {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	checkShape("from slice", shape)
	if NumElements(shape) != len(data) {
		panic(&ShapeError{Op: "from slice", Want: fmt.Sprintf("%d elements do not make the shape %s", len(data), ShapeString(shape))})
	}
	t := newTensor(nil, DTypeOf[T](), slices.Clone(shape), nil)
	copy(dense[T](t), data)
	return t
}

// Scalar returns a tensor without axes.
func Scalar(v float64, d DType) *Tensor { return Full(v, d) }

// Full returns a tensor with every element v.
func Full(v float64, d DType, shape ...int) *Tensor {
	checkShape("full", shape)
	t := newTensor(nil, d, slices.Clone(shape), nil)
	t.fill(v)
	return t
}

// Zeros returns a float32 tensor of zeros; Full makes other types.
func Zeros(shape ...int) *Tensor { return Full(0, Float32, shape...) }

// Ones returns a float32 tensor of ones.
func Ones(shape ...int) *Tensor { return Full(1, Float32, shape...) }

// maxElements is how many elements Arange and Linspace make at most. A slip in
// an argument easily asks for more, which Go would answer by ending the program.
const maxElements = 1 << 36

// Arange returns start, start+step, ... up to but without stop, as d. It panics
// with a [*ShapeError] when the step is zero, a number is NaN, or there would
// be absurdly many elements.
func Arange(start, stop, step float64, d DType) *Tensor {
	steps := math.Ceil((stop - start) / step)
	if step == 0 || math.IsNaN(steps) {
		panic(&ShapeError{Op: "arange", Want: fmt.Sprintf("the step must not be zero, nor anything NaN, got %g to %g by %g", start, stop, step)})
	}
	if steps > maxElements { // also infinite, when an end is
		panic(&ShapeError{Op: "arange", Want: fmt.Sprintf("%g to %g by %g are too many elements", start, stop, step)})
	}
	n := int(max(0, steps))
	v := make([]float64, n)
	for i := range v {
		v[i] = start + float64(i)*step
	}
	return FromSlice(v).To(d)
}

// Linspace returns n evenly spaced float32 values from start to stop, both
// included. It panics with a [*ShapeError] when n is negative or absurd.
func Linspace(start, stop float64, n int) *Tensor {
	checkShape("linspace", []int{n})
	if float64(n) > maxElements {
		panic(&ShapeError{Op: "linspace", Want: fmt.Sprintf("%d are too many elements", n)})
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(start)
		if n > 1 {
			v[i] = float32(start + (stop-start)*float64(i)/float64(n-1))
		}
	}
	return FromSlice(v)
}

// Eye returns the float32 identity matrix (n, n).
func Eye(n int) *Tensor {
	t := Zeros(n, n)
	d := dense[float32](t)
	for i := range n {
		d[i*n+i] = 1
	}
	return t
}

// Rand draws random tensors. A generator is a value: the same one draws the
// same numbers, and Split makes independent ones. The numbers do not depend
// on the number of threads.
type Rand struct {
	key  rng.Key
	next uint64
}

// NewRand returns the generator of a seed.
func NewRand(seed uint64) *Rand { return &Rand{key: rng.New(seed)} }

// Split returns an independent generator for a name, such as that of a layer.
func (r *Rand) Split(name string) *Rand { return &Rand{key: r.key.SplitString(name)} }

// draw returns the key of the next tensor.
func (r *Rand) draw() rng.Key {
	r.next++
	return r.key.Split(r.next - 1)
}

// Uniform returns float32 values uniform in [low, high).
func (r *Rand) Uniform(low, high float64, shape ...int) *Tensor {
	checkShape("uniform", shape)
	t := newTensor(nil, Float32, slices.Clone(shape), nil)
	rng.FillUniform(r.draw(), dense[float32](t), float32(low), float32(high))
	return t
}

// Normal returns float32 values from a normal distribution.
func (r *Rand) Normal(mean, std float64, shape ...int) *Tensor {
	checkShape("normal", shape)
	t := newTensor(nil, Float32, slices.Clone(shape), nil)
	rng.FillNormal(r.draw(), dense[float32](t), float32(mean), float32(std))
	return t
}

// Perm returns the numbers 0 to n-1 in random order, as int64.
func (r *Rand) Perm(n int) *Tensor {
	checkShape("perm", []int{n})
	p := r.draw().Stream().Perm(n)
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(p[i])
	}
	return FromSlice(v)
}

// fill writes v, converted, to every element.
func (t *Tensor) fill(v float64) {
	switch t.dtype {
	case Float32:
		fillWith(t, float32(v))
	case Float64:
		fillWith(t, v)
	case BFloat16:
		fillWith(t, ToBF16(float32(v)))
	case Float16:
		fillWith(t, ToF16(float32(v)))
	case Int64:
		fillWith(t, int64(v))
	case Int32:
		fillWith(t, int32(v))
	case UInt8:
		fillWith(t, uint8(v))
	case Bool:
		fillWith(t, v != 0)
	}
}

// fullLike returns a tensor of t's shape, layout and scope filled with v.
func fullLike(t *Tensor, v float64) *Tensor {
	out := newTensor(t.store.scope, t.dtype, t.shape, sameAs(t).Stride)
	out.fill(v)
	return out
}

func zerosLike(t *Tensor) *Tensor { return fullLike(t, 0) }
func onesLike(t *Tensor) *Tensor  { return fullLike(t, 1) }

// Fill overwrites every element with v.
func (t *Tensor) Fill(v float64) {
	t.overwrite("fill")
	t.fill(v)
}

// CopyFrom overwrites the elements with those of src, broadcast and converted.
func (t *Tensor) CopyFrom(src *Tensor) {
	t.overwrite("copy from")
	if !slices.Equal(src.shape, t.shape) {
		src = src.Detach().Expand(t.shape...)
	}
	copyInto(t, src.apartFrom(t))
}

// apartFrom returns t, or a copy where it may share elements with dst, which
// is about to be written.
func (t *Tensor) apartFrom(dst *Tensor) *Tensor {
	if t.store.root() == dst.store.root() {
		return t.Keep()
	}
	return t
}

// overwrite notes that the elements change. What is on the tape itself cannot.
func (t *Tensor) overwrite(op string) {
	t.checkUsable(op)
	if t.node != nil {
		panic(&UseError{op, "a tensor on the tape cannot be changed in place; call Detach or Clone first"})
	}
	t.store.root().version++
}

// Item returns the only element of t.
func (t *Tensor) Item() float64 {
	if t.Len() != 1 {
		misfit("item", []*Tensor{t}, "only a tensor with one element is a number")
	}
	return t.Float64s()[0]
}

// Float32s returns a copy of the elements in row-major order, converted.
func (t *Tensor) Float32s() []float32 { return slices.Clone(dense[float32](rowMajorAs(t, Float32))) }

// Float64s returns a copy of the elements in row-major order, converted.
func (t *Tensor) Float64s() []float64 { return slices.Clone(dense[float64](rowMajorAs(t, Float64))) }

// Int64s returns a copy of the elements in row-major order, converted.
func (t *Tensor) Int64s() []int64 { return slices.Clone(dense[int64](rowMajorAs(t, Int64))) }

// Bools returns a copy of the elements in row-major order, converted.
func (t *Tensor) Bools() []bool { return slices.Clone(dense[bool](rowMajorAs(t, Bool))) }

func rowMajorAs(t *Tensor, d DType) *Tensor {
	t.checkUsable("read")
	out := newTensor(nil, d, t.shape, nil)
	copyInto(out, t)
	return out
}

// Bytes returns a copy of the elements in row-major order, little-endian.
func (t *Tensor) Bytes() []byte {
	row := rowMajorAs(t, t.dtype)
	return slices.Clone(row.store.data[:t.Len()*t.dtype.Size()])
}

// FromBytes returns a tensor with a copy of little-endian elements in row-major
// order. It panics when their number does not fit the shape.
func FromBytes(b []byte, d DType, shape ...int) *Tensor {
	checkShape("from bytes", shape)
	if len(b) != NumElements(shape)*d.Size() {
		panic(&ShapeError{Op: "from bytes", Want: fmt.Sprintf("%d bytes do not make %s of %v", len(b), ShapeString(shape), d)})
	}
	t := newTensor(nil, d, slices.Clone(shape), nil)
	copy(t.store.data, b)
	return t
}
