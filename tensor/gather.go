package tensor

import (
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// Index tensors are int64. An index must lie in [0, size): negative ones are
// refused, as PyTorch refuses them, and do not count from the end as in NumPy.

var opGather, opScatterAdd, opScatter *Op

func init() {
	opGather = register(&Op{Name: "gather", Doc: "Gather picks one element along an axis for each index.", ONNX: "GatherElements",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			checkIndices(c)
			return []Spec{{c.In[1].shape, c.In[0].dtype, nil}}
		},
		Run: func(c *Call) {
			switch c.In[0].dtype.Size() {
			case 1:
				gather[uint8](c)
			case 2:
				gather[BF16](c)
			case 4:
				gather[int32](c)
			case 8:
				gather[int64](c)
			}
		},
		Grad: func(g *GradCall) {
			zeros := Full(0, g.Gy(0).dtype, 1).Expand(g.In[0].shape...)
			g.Set(0, apply(opScatterAdd, g.Attr, zeros, g.In[1], g.Gy(0)))
		},
		Samples: func(s *Sampler) []Sample {
			row := s.Ints(3, 4, 1).Expand(4, 5)
			return []Sample{
				{Name: "columns", In: []*Tensor{s.Normal(3, 4), s.Ints(4, 3, 6)}, Attr: 1},
				{Name: "fewer rows", In: []*Tensor{s.Normal(3, 4), s.Ints(3, 2, 3)}, Attr: 0},
				{Name: "whole rows", In: []*Tensor{s.Normal(3, 5), row}, Attr: 0},
			}
		}})
	scatterSamples := func(s *Sampler) []Sample {
		row := s.Ints(3, 4, 1).Expand(4, 5)
		return []Sample{
			{Name: "columns", In: []*Tensor{s.Normal(3, 4), s.Ints(4, 3, 6), s.Normal(3, 6)}, Attr: 1},
			{Name: "fewer rows", In: []*Tensor{s.Normal(3, 4), s.Ints(3, 2, 3), s.Normal(2, 3)}, Attr: 0},
			{Name: "whole rows", In: []*Tensor{s.Normal(3, 5), row, s.Normal(4, 5)}, Attr: 0},
		}
	}
	scatterInfer := func(c *Call) []Spec {
		checkIndices(c)
		if !slices.Equal(c.In[1].shape, c.In[2].shape) || c.In[0].dtype != c.In[2].dtype {
			misfit(c.Op.Name, c.In, "the source must have the shape of the index and the element type of the target")
		}
		return []Spec{sameAs(c.In[0])}
	}
	opScatterAdd = register(&Op{Name: "scatter_add", Doc: "ScatterAdd adds each source element to the element that its index names.", ONNX: "ScatterElements",
		Saved: &Saved{In: []int{1}},
		Infer: scatterInfer,
		Run: func(c *Call) {
			copyInto(c.Out[0], c.In[0])
			switch c.In[0].dtype {
			case Float32:
				scatterAdd(c, vec.Add[float32])
			case Float64:
				scatterAdd(c, vec.Add[float64])
			case Int64:
				scatterAdd[int64](c, nil)
			case Int32:
				scatterAdd[int32](c, nil)
			case UInt8:
				scatterAdd[uint8](c, nil)
			case Bool:
				misfit("scatter_add", c.In, "not defined for bool; convert first")
			default:
				widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) {
					copyInto(y, in[0])
					scatterAdd(&Call{Op: c.Op, In: in, Out: []*Tensor{y}, Attr: c.Attr}, vec.Add[float32])
				})
			}
		},
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				g.Set(0, g.Gy(0))
			}
			if g.Needs(2) {
				g.Set(2, apply(opGather, g.Attr, g.Gy(0), g.In[1]))
			}
		},
		Samples: scatterSamples})
	opScatter = register(&Op{Name: "scatter", Doc: "Scatter overwrites the elements that the indices name; of equal indices the last wins.", ONNX: "ScatterElements",
		Saved: &Saved{In: []int{1}},
		Infer: scatterInfer,
		Run: func(c *Call) {
			copyInto(c.Out[0], c.In[0])
			switch c.In[0].dtype.Size() {
			case 1:
				scatter[uint8](c)
			case 2:
				scatter[BF16](c)
			case 4:
				scatter[int32](c)
			case 8:
				scatter[int64](c)
			}
		},
		Grad: func(g *GradCall) {
			index, gy := g.In[1], g.Gy(0)
			if g.Needs(0) {
				g.Set(0, apply(opScatter, g.Attr, gy, index, Full(0, gy.dtype, 1).Expand(index.shape...)))
			}
			if g.Needs(2) {
				// Only the source element that was written last has a gradient:
				// the one that finds its own number where it wrote.
				number := Arange(0, float64(index.Len()), 1, Int64).Reshape(index.shape...)
				last := apply(opScatter, g.Attr, Full(-1, Int64, g.In[0].shape...), index, number)
				won := apply(opGather, g.Attr, last, index).Equal(number)
				g.Set(2, Where(won, apply(opGather, g.Attr, gy, index), Scalar(0, gy.dtype)))
			}
		},
		Samples: scatterSamples})
}

// checkIndices panics unless the second operand is an index into the first
// along the axis of the call.
func checkIndices(c *Call) {
	a, x, index := c.Attr.(int), c.In[0], c.In[1]
	fits := index.dtype == Int64 && len(index.shape) == len(x.shape)
	for i := 0; fits && i < len(x.shape); i++ {
		fits = i == a || index.shape[i] <= x.shape[i]
	}
	if !fits {
		misfit(c.Op.Name, c.In, "the index must be int64 and no larger than the operand but along axis %d", a)
	}
	if index.Len() == 0 {
		return
	}
	distinct := slices.Clone(index.shape) // an axis that repeats the indices is seen once
	for i, step := range index.stride {
		if step == 0 {
			distinct[i] = 1
		}
	}
	data := elements[int64](index)
	newLoop(distinct, index.stride).serial(func(off [4]int) {
		if i := data[off[0]]; i < 0 || i >= int64(x.shape[a]) {
			misfit(c.Op.Name, c.In, "index %d is out of range for axis %d with size %d", i, a, x.shape[a])
		}
	})
}

// without returns a copy of a list without element i.
func without(list []int, i int) []int { return slices.Delete(slices.Clone(list), i, i+1) }

func gather[T Element](c *Call) {
	a, x, index, y := c.Attr.(int), c.In[0], c.In[1], c.Out[0]
	if y.Len() == 0 {
		return
	}
	xs, is, ys := elements[T](x), elements[int64](index), elements[T](y)
	still := slices.Clone(x.stride) // the index moves along the axis
	step := still[a]
	still[a] = 0
	l := newLoop(y.shape, y.stride, index.stride, still)
	_, s := l.inner()
	l.each(func(off [4]int, n int) {
		if s == [4]int{1, 0, 1} {
			copy(ys[off[0]:off[0]+n], xs[off[2]+int(is[off[1]])*step:])
			return
		}
		for i := range n {
			ys[off[0]+i*s[0]] = xs[off[2]+i*s[2]+int(is[off[1]+i*s[1]])*step]
		}
	})
}

// alongAxis calls body for every run of elements across the axis and every
// place along it, in order: with the offsets of the target (at place 0), the
// index and the source, the length of the run and the steps in it. Runs, not
// places, are shared among the workers, so that the order in which one element
// is written does not depend on them.
func alongAxis(c *Call, body func(target, index, source, n int, s [4]int)) {
	a, y, index, source := c.Attr.(int), c.Out[0], c.In[1], c.In[2]
	if index.Len() == 0 {
		return
	}
	l := newLoop(without(index.shape, a), without(y.stride, a), without(index.stride, a), without(source.stride, a))
	_, s := l.inner()
	l.each(func(off [4]int, n int) {
		for k := range index.shape[a] {
			body(off[0], off[1]+k*index.stride[a], off[2]+k*source.stride[a], n, s)
		}
	})
}

func scatterAdd[T number](c *Call, add func(dst, a, b []T)) {
	step := c.Out[0].stride[c.Attr.(int)]
	ys, is, xs := elementsOrNil[T](c.Out[0]), elementsOrNil[int64](c.In[1]), elementsOrNil[T](c.In[2])
	alongAxis(c, func(target, index, source, n int, s [4]int) {
		if add != nil && s == [4]int{1, 0, 1} {
			dst := ys[target+int(is[index])*step:][:n]
			add(dst, dst, xs[source:source+n])
			return
		}
		for i := range n {
			ys[target+i*s[0]+int(is[index+i*s[1]])*step] += xs[source+i*s[2]]
		}
	})
}

func scatter[T Element](c *Call) {
	step := c.Out[0].stride[c.Attr.(int)]
	ys, is, xs := elementsOrNil[T](c.Out[0]), elementsOrNil[int64](c.In[1]), elementsOrNil[T](c.In[2])
	alongAxis(c, func(target, index, source, n int, s [4]int) {
		for i := range n {
			ys[target+i*s[0]+int(is[index+i*s[1]])*step] = xs[source+i*s[2]]
		}
	})
}

// elementsOrNil is elements for a tensor that may have none.
func elementsOrNil[T Element](t *Tensor) []T {
	if t.Len() == 0 {
		return nil
	}
	return elements[T](t)
}

// Gather picks elements along an axis: for axis 1 the result at (i, j) is
// t[i, index[i, j]]. The index has as many axes as t and is no larger but along
// the axis (PyTorch's gather, NumPy's take_along_axis). Indices out of range,
// negative ones too, panic.
func (t *Tensor) Gather(a int, index *Tensor) *Tensor {
	return apply(opGather, axis("gather", t, a), t, index.To(Int64))
}

// ScatterAdd returns t with source[i, j] added at (i, index[i, j]), for axis 1;
// the reverse of Gather. Elements are added in the order of the source.
func (t *Tensor) ScatterAdd(a int, index, source *Tensor) *Tensor {
	return apply(opScatterAdd, axis("scatter_add", t, a), t, index.To(Int64), source)
}

// Scatter returns t with source[i, j] written at (i, index[i, j]), for axis 1.
// Where indices are equal the last one wins, and it alone has a gradient.
func (t *Tensor) Scatter(a int, index, source *Tensor) *Tensor {
	return apply(opScatter, axis("scatter", t, a), t, index.To(Int64), source)
}

// IndexSelect picks whole slices along an axis: the result has at place i of
// the axis what t has at index[i].
func (t *Tensor) IndexSelect(a int, index *Tensor) *Tensor {
	a = axis("index_select", t, a)
	shape := slices.Clone(t.shape)
	if len(index.shape) != 1 {
		misfit("index_select", []*Tensor{t, index}, "the index must be a vector")
	}
	shape[a] = index.shape[0]
	return apply(opGather, a, t, spread(index, a, shape))
}

// IndexAdd returns t with the slices of source added to those that the vector
// index names, in the order of the index.
func (t *Tensor) IndexAdd(a int, index, source *Tensor) *Tensor {
	a = axis("index_add", t, a)
	if len(index.shape) != 1 || len(source.shape) != len(t.shape) || source.shape[a] != index.shape[0] {
		misfit("index_add", []*Tensor{t, index, source}, "the index must be a vector with one element for each slice of the source")
	}
	return apply(opScatterAdd, a, t, spread(index, a, source.shape), source)
}

// spread lays a vector of indices along an axis of a shape.
func spread(index *Tensor, a int, shape []int) *Tensor {
	column := make([]int, len(shape))
	for i := range column {
		column[i] = 1
	}
	column[a] = index.shape[0]
	return index.To(Int64).restrideTo(column).Expand(shape...)
}

// MaskedFill returns t with v where the mask (bool) is true, broadcast.
func (t *Tensor) MaskedFill(mask *Tensor, v float64) *Tensor {
	return Where(mask, Scalar(v, t.dtype), t)
}

// MaskedSelect returns, as a vector in row-major order, the elements of t where
// the mask (bool) is true. The two broadcast.
func (t *Tensor) MaskedSelect(mask *Tensor) *Tensor {
	shape, ok := broadcastShapes(t.shape, mask.shape)
	if !ok || mask.dtype != Bool {
		misfit("masked_select", []*Tensor{t, mask}, "the mask must be bool and its shape broadcast")
	}
	places := mask.Expand(shape...).Reshape(-1).NonZero().Reshape(-1)
	return t.Expand(shape...).Reshape(NumElements(shape)).IndexSelect(0, places)
}

// NonZero returns the positions (n, axes) of the elements that are not zero, in
// row-major order, as int64.
func (t *Tensor) NonZero() *Tensor {
	var places []int64
	index := make([]int, len(t.shape))
	n := 0
	for _, hit := range t.Bools() {
		if hit {
			for _, i := range index {
				places = append(places, int64(i))
			}
			n++
		}
		for a := len(index) - 1; a >= 0; a-- {
			if index[a]++; index[a] < t.shape[a] {
				break
			}
			index[a] = 0
		}
	}
	return FromSlice(places, n, len(t.shape))
}

// OneHot turns class numbers (...) into vectors (..., classes) of the given
// element type, 1 at the class and 0 elsewhere. A class out of range panics.
func (t *Tensor) OneHot(classes int, d DType) *Tensor {
	checkShape("one_hot", []int{classes})
	index := t.To(Int64).Unsqueeze(-1)
	zeros := Full(0, d, 1).Expand(append(slices.Clone(t.shape), classes)...)
	return apply(opScatter, len(t.shape), zeros, index, Full(1, d, 1).Expand(index.shape...))
}
