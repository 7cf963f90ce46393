package tensor

import (
	"fmt"
	"slices"
)

var opReshape, opRestride, opPermute, opExpand, opSlice, opSliceScatter *Op

// sliceAttr selects start, start+step, ... below stop along one axis.
type sliceAttr struct{ axis, start, stop, step int }

func (s sliceAttr) len() int {
	if s.start >= s.stop {
		return 0
	}
	return (s.stop-s.start-1)/s.step + 1
}

// scatterAttr places a tensor at a slice of a larger one.
type scatterAttr struct {
	shape []int
	slice sliceAttr
}

func init() {
	opReshape = register(&Op{Name: "reshape", Doc: "Reshape returns the same elements, in row-major order, under another shape.", ONNX: "Reshape",
		Saved: savesNothing,
		View: func(c *Call) *Tensor {
			v := c.In[0].alias()
			v.shape = c.Attr.([]int)
			v.stride = contiguousStride(v.shape)
			return v
		},
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).Reshape(g.In[0].shape...)) },
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "split and merge", In: []*Tensor{s.Normal(4, 6)}, Attr: []int{2, 3, 4}},
				{Name: "scalar", In: []*Tensor{s.Normal(1, 1)}, Attr: []int{}}}
		}})
	opRestride = register(&Op{Name: "restride", Doc: "Squeeze and Unsqueeze: drops and inserts axes of size 1.", ONNX: "Reshape",
		Saved: savesNothing,
		View: func(c *Call) *Tensor {
			x, v := c.In[0], c.In[0].alias()
			v.shape = c.Attr.([]int)
			v.stride = make([]int, len(v.shape))
			from := 0
			for i, d := range v.shape {
				if d == 1 {
					continue
				}
				for x.shape[from] == 1 {
					from++
				}
				v.stride[i] = x.stride[from]
				from++
			}
			return v
		},
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).restride(g.In[0].shape)) },
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "drop and insert", In: []*Tensor{s.Normal(4, 1, 3).Transpose(0, 2)}, Attr: []int{1, 3, 4, 1}}}
		}})
	opPermute = register(&Op{Name: "permute", Doc: "Permute reorders the axes.", ONNX: "Transpose",
		Saved: savesNothing,
		View: func(c *Call) *Tensor {
			x, v := c.In[0], c.In[0].alias()
			v.shape, v.stride = make([]int, len(x.shape)), make([]int, len(x.shape))
			for i, a := range c.Attr.([]int) {
				v.shape[i], v.stride[i] = x.shape[a], x.stride[a]
			}
			return v
		},
		Grad: func(g *GradCall) {
			axes := g.Attr.([]int)
			back := make([]int, len(axes))
			for i, a := range axes {
				back[a] = i
			}
			g.Set(0, g.Gy(0).Permute(back...))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "three axes", In: []*Tensor{s.Normal(2, 3, 4)}, Attr: []int{2, 0, 1}}}
		}})
	opExpand = register(&Op{Name: "expand", Doc: "Expand repeats axes of size 1, and new leading axes, without copying.", ONNX: "Expand",
		Saved: savesNothing,
		View: func(c *Call) *Tensor {
			v := c.In[0].alias()
			v.shape = c.Attr.([]int)
			v.stride = broadcastStride(c.In[0].shape, c.In[0].stride, v.shape)
			return v
		},
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).SumTo(g.In[0].shape...)) },
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "new axis and stretched axis", In: []*Tensor{s.Normal(3, 1)}, Attr: []int{2, 3, 4}}}
		}})
	opSlice = register(&Op{Name: "slice", Doc: "Slice takes every step-th element from start to stop along an axis.", ONNX: "Slice",
		Saved: savesNothing,
		View: func(c *Call) *Tensor {
			s := c.Attr.(sliceAttr)
			v := c.In[0].alias()
			v.shape, v.stride = slices.Clone(v.shape), slices.Clone(v.stride)
			v.shape[s.axis] = s.len()
			if NumElements(v.shape) > 0 {
				v.offset += s.start * v.stride[s.axis]
			}
			v.stride[s.axis] *= s.step
			return v
		},
		Grad: func(g *GradCall) {
			g.Set(0, apply(opSliceScatter, scatterAttr{g.In[0].shape, g.Attr.(sliceAttr)}, g.Gy(0)))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "every second", In: []*Tensor{s.Normal(3, 7)}, Attr: sliceAttr{1, 1, 6, 2}},
				{Name: "rows", In: []*Tensor{s.Normal(5, 2)}, Attr: sliceAttr{0, 2, 4, 1}}}
		}})
	opSliceScatter = register(&Op{Name: "slice_scatter", Doc: "The gradient of Slice: zeros, with the operand at the slice.",
		Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			shape := c.Attr.(scatterAttr).shape
			return []Spec{{shape, c.In[0].dtype, orderOf(c.In[0], shape)}}
		},
		Run: func(c *Call) {
			c.Out[0].fill(0)
			a := c.Attr.(scatterAttr).slice
			copyInto(opSlice.View(&Call{In: []*Tensor{c.Out[0]}, Attr: a}), c.In[0])
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(scatterAttr).slice
			g.Set(0, g.Gy(0).Slice(a.axis, a.start, a.stop, a.step))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "every second", In: []*Tensor{s.Normal(3, 3)}, Attr: scatterAttr{[]int{3, 7}, sliceAttr{1, 1, 6, 2}}}}
		}})
}

// Reshape returns the elements, in row-major order, under another shape. One
// size may be -1: it is what is left over. It shares memory when t is
// row-major and copies otherwise.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	shape = slices.Clone(shape)
	known, hole := 1, -1
	for i, d := range shape {
		switch {
		case d == -1 && hole < 0:
			hole = i
		case d < 0:
			misfit("reshape", []*Tensor{t}, "sizes must not be negative and only one may be -1, got %v", shape)
		default:
			known *= d
		}
	}
	if hole >= 0 && known > 0 {
		shape[hole] = t.Len() / known
		known *= shape[hole]
	}
	if known != t.Len() || hole >= 0 && shape[hole] < 0 {
		misfit("reshape", []*Tensor{t}, "%d elements do not make the shape %s", t.Len(), ShapeString(shape))
	}
	checkShape("reshape", shape) // sizes that overflow may seem to fit
	if slices.Equal(shape, t.shape) {
		return t
	}
	return apply(opReshape, shape, t.Contiguous())
}

// Flatten merges all axes from the given one on: (N, C, H, W).Flatten(1) is (N, C*H*W).
func (t *Tensor) Flatten(from int) *Tensor {
	if from == len(t.shape) {
		return t.Reshape(append(slices.Clone(t.shape), 1)...)
	}
	from = axis("flatten", t, from)
	return t.Reshape(append(slices.Clone(t.shape[:from]), NumElements(t.shape[from:]))...)
}

// Permute reorders the axes: axis i of the result is axis axes[i] of t.
func (t *Tensor) Permute(axes ...int) *Tensor {
	order := make([]int, len(axes))
	seen := make([]bool, len(t.shape))
	if len(axes) != len(t.shape) {
		misfit("permute", []*Tensor{t}, "%d axes were named, there are %d", len(axes), len(t.shape))
	}
	for i, a := range axes {
		order[i] = axis("permute", t, a)
		if seen[order[i]] {
			misfit("permute", []*Tensor{t}, "an axis is named twice in %v", axes)
		}
		seen[order[i]] = true
	}
	return apply(opPermute, order, t)
}

// Transpose swaps two axes.
func (t *Tensor) Transpose(a, b int) *Tensor {
	a, b = axis("transpose", t, a), axis("transpose", t, b)
	order := make([]int, len(t.shape))
	for i := range order {
		order[i] = i
	}
	order[a], order[b] = b, a
	return apply(opPermute, order, t)
}

// T returns the transpose of a matrix; of a stack of matrices, each is transposed.
func (t *Tensor) T() *Tensor {
	if len(t.shape) < 2 {
		misfit("transpose", []*Tensor{t}, "needs at least two axes")
	}
	return t.Transpose(-2, -1)
}

// Expand repeats axes of size 1, and new leading axes, up to the given shape,
// without copying. A size of -1 keeps the axis.
func (t *Tensor) Expand(shape ...int) *Tensor {
	to := slices.Clone(shape)
	lead := len(to) - len(t.shape)
	for i := range to {
		if to[i] == -1 && i >= lead {
			to[i] = t.shape[i-lead]
		}
	}
	if got, ok := broadcastShapes(t.shape, to); !ok || !slices.Equal(got, to) {
		misfit("expand", []*Tensor{t}, "does not stretch to %s", ShapeString(shape))
	}
	checkShape("expand", to)
	if slices.Equal(to, t.shape) {
		return t
	}
	return apply(opExpand, to, t)
}

// Slice takes the elements start, start+step, ... below stop along an axis.
// Negative positions count from the end; positions beyond it are clipped, as
// in NumPy. The step must be positive; Flip reverses. The result shares memory.
func (t *Tensor) Slice(a, start, stop, step int) *Tensor {
	a = axis("slice", t, a)
	if step < 1 {
		misfit("slice", []*Tensor{t}, "the step must be positive, got %d", step)
	}
	n := t.shape[a]
	clip := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	start, stop = clip(start), clip(stop)
	return apply(opSlice, sliceAttr{a, start, max(start, stop), step}, t)
}

// Narrow takes n elements from start on along an axis.
func (t *Tensor) Narrow(a, start, n int) *Tensor {
	a = axis("narrow", t, a)
	if start < 0 || n < 0 || start > t.shape[a]-n {
		misfit("narrow", []*Tensor{t}, "axis %d has no elements %d to %d", a, start, start+n-1)
	}
	return apply(opSlice, sliceAttr{a, start, start + n, 1}, t)
}

// Select takes one position along an axis, which disappears. Negative
// positions count from the end.
func (t *Tensor) Select(a, i int) *Tensor {
	a = axis("select", t, a)
	if i < 0 {
		i += t.shape[a]
	}
	if i < 0 || i >= t.shape[a] {
		misfit("select", []*Tensor{t}, "axis %d has no position %d", a, i)
	}
	return t.Narrow(a, i, 1).Squeeze(a)
}

// Squeeze removes the named axes, which must have size 1; without names, all
// axes of size 1.
func (t *Tensor) Squeeze(axes ...int) *Tensor {
	drop := make([]bool, len(t.shape))
	for i, d := range t.shape {
		drop[i] = len(axes) == 0 && d == 1
	}
	for _, a := range axes {
		a = axis("squeeze", t, a)
		if t.shape[a] != 1 {
			misfit("squeeze", []*Tensor{t}, "axis %d has size %d, not 1", a, t.shape[a])
		}
		drop[a] = true
	}
	var shape []int
	for i, d := range t.shape {
		if !drop[i] {
			shape = append(shape, d)
		}
	}
	return t.restride(shape)
}

// Unsqueeze inserts an axis of size 1 at a position from 0 to NDim, or counted
// from the end.
func (t *Tensor) Unsqueeze(a int) *Tensor {
	if a < 0 {
		a += len(t.shape) + 1
	}
	if a < 0 || a > len(t.shape) {
		misfit("unsqueeze", []*Tensor{t}, "there is no place %d among %d axes", a, len(t.shape))
	}
	return t.restride(slices.Insert(slices.Clone(t.shape), a, 1))
}

// restride changes the axes of size 1 only, which never needs a copy.
func (t *Tensor) restride(shape []int) *Tensor { return apply(opRestride, shape, t) }

// At returns the element at a position, as float64.
func (t *Tensor) At(index ...int) float64 {
	if len(index) != len(t.shape) {
		misfit("at", []*Tensor{t}, "%d positions were given for %d axes", len(index), len(t.shape))
	}
	v := t.Detach()
	for a, i := range index {
		if i < 0 || i >= t.shape[a] {
			panic(&ShapeError{Op: "at", Want: fmt.Sprintf("there is no element %v in %s", index, ShapeString(t.shape))})
		}
		v.offset += i * t.stride[a]
	}
	v.shape, v.stride = nil, nil
	return v.Item()
}
