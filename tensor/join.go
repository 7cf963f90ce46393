package tensor

import "slices"

// padAttr places a tensor in a larger one.
type padAttr struct {
	shape []int // of the result
	at    []int // where the operand begins
	value float64
}

var opConcat, opPad *Op

func init() {
	opConcat = register(&Op{Name: "concat", Doc: "Concat joins tensors along an axis.", ONNX: "Concat", Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			a, first := c.Attr.(int), c.In[0]
			shape := slices.Clone(first.shape)
			for i, t := range c.In {
				if t.dtype != first.dtype || len(t.shape) != len(shape) {
					misfit("concat", c.In, "the operands must have the same element type and number of axes")
				}
				for b, d := range t.shape {
					if b != a && d != first.shape[b] {
						misfit("concat", c.In, "the operands must have the same sizes but for axis %d", a)
					}
				}
				if i > 0 {
					shape[a] += t.shape[a]
				}
			}
			return []Spec{{shape, first.dtype, orderOf(first, shape)}}
		},
		Run: func(c *Call) {
			a, at := c.Attr.(int), 0
			for _, t := range c.In {
				copyInto(c.Out[0].window(a, at, t.shape[a]), t)
				at += t.shape[a]
			}
		},
		Grad: func(g *GradCall) {
			a, at := g.Attr.(int), 0
			for i, t := range g.In {
				if g.Needs(i) {
					g.Set(i, g.Gy(0).Narrow(a, at, t.shape[a]))
				}
				at += t.shape[a]
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "rows", In: []*Tensor{s.Normal(2, 3), s.Normal(1, 3), s.Normal(3, 3)}, Attr: 0},
				{Name: "columns", In: []*Tensor{s.Normal(3, 2).T(), s.Normal(2, 4)}, Attr: 1},
				{Name: "an empty part", In: []*Tensor{s.Normal(2, 3), s.Normal(2, 0)}, Attr: 1},
				{Name: "channels last", In: []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), s.Normal(2, 2, 2, 2).ChannelsLast()}, Attr: 1},
			}
		}})
	opPad = register(&Op{Name: "pad", Doc: "Pad surrounds a tensor with a constant.", ONNX: "Pad", Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			shape := c.Attr.(padAttr).shape
			return []Spec{{shape, c.In[0].dtype, orderOf(c.In[0], shape)}}
		},
		Run: func(c *Call) {
			a, v := c.Attr.(padAttr), c.Out[0]
			v.fill(a.value)
			for i, at := range a.at {
				v = v.window(i, at, c.In[0].shape[i])
			}
			copyInto(v, c.In[0])
		},
		Grad: func(g *GradCall) {
			gx := g.Gy(0)
			for i, at := range g.Attr.(padAttr).at {
				gx = gx.Narrow(i, at, g.In[0].shape[i])
			}
			g.Set(0, gx)
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "matrix", In: []*Tensor{s.Normal(2, 3)}, Attr: padAttr{[]int{3, 6}, []int{1, 2}, 0.5}},
				{Name: "transposed", In: []*Tensor{s.Normal(2, 3).T()}, Attr: padAttr{[]int{3, 4}, []int{0, 1}, 0}},
			}
		}})
}

// window is Narrow for kernels: the same elements, off the tape.
func (t *Tensor) window(a, start, n int) *Tensor {
	return opSlice.View(&Call{In: []*Tensor{t}, Attr: sliceAttr{a, start, start + n, 1}})
}

// Concat joins tensors along an axis. All other sizes must be equal; element
// types are promoted to a common one.
func Concat(axisNumber int, tensors ...*Tensor) *Tensor {
	in := promoteAll("concat", tensors)
	return apply(opConcat, axis("concat", in[0], axisNumber), in...)
}

// promoteAll converts tensors, at least one, to their common element type.
func promoteAll(op string, tensors []*Tensor) []*Tensor {
	if len(tensors) == 0 {
		misfit(op, nil, "needs at least one tensor")
	}
	d := tensors[0].dtype
	for _, t := range tensors[1:] {
		d = promote(d, t.dtype)
	}
	out := make([]*Tensor, len(tensors))
	for i, t := range tensors {
		out[i] = t.To(d)
	}
	return out
}

// Stack joins tensors of one shape along a new axis.
func Stack(axisNumber int, tensors ...*Tensor) *Tensor {
	in := promoteAll("stack", tensors)
	for i, t := range in {
		if !slices.Equal(t.shape, tensors[0].shape) {
			misfit("stack", tensors, "the operands must have the same shape")
		}
		in[i] = t.Unsqueeze(axisNumber)
	}
	if axisNumber < 0 {
		axisNumber += len(in[0].shape)
	}
	return apply(opConcat, axisNumber, in...)
}

// Split cuts an axis into parts of the given sizes, which must add up to its
// size. The parts share memory with t.
func (t *Tensor) Split(a int, sizes ...int) []*Tensor {
	a = axis("split", t, a)
	at, parts := 0, make([]*Tensor, len(sizes))
	for i, n := range sizes {
		if n < 0 || at+n > t.shape[a] {
			misfit("split", []*Tensor{t}, "the sizes %v do not add up to the size of axis %d", sizes, a)
		}
		parts[i] = t.Narrow(a, at, n)
		at += n
	}
	if at != t.shape[a] {
		misfit("split", []*Tensor{t}, "the sizes %v do not add up to the size of axis %d", sizes, a)
	}
	return parts
}

// Chunk cuts an axis into n parts of equal size; the last may be smaller, and
// as in PyTorch there may be fewer than n. The parts share memory with t.
func (t *Tensor) Chunk(a, n int) []*Tensor {
	a = axis("chunk", t, a)
	if n < 1 {
		misfit("chunk", []*Tensor{t}, "needs at least one part, got %d", n)
	}
	size := max(1, (t.shape[a]+n-1)/n)
	sizes := []int{min(size, t.shape[a])}
	for rest := t.shape[a] - sizes[0]; rest > 0; rest -= size {
		sizes = append(sizes, min(size, rest))
	}
	return t.Split(a, sizes...)
}

// Pad surrounds t with a constant. The pairs {before, after} are for the last
// axes, in their order; negative ones crop. For images (N, C, H, W) one writes
// Pad(0, [2]int{top, bottom}, [2]int{left, right}).
func (t *Tensor) Pad(value float64, pairs ...[2]int) *Tensor {
	first := t.checkPads("pad", pairs)
	a := padAttr{slices.Clone(t.shape), make([]int, len(t.shape)), value}
	for i, p := range pairs {
		n := first + i
		a.shape[n] = max(0, t.shape[n]+p[0]+p[1])
		a.at[n] = max(0, p[0])
		from, to := max(0, -p[0]), t.shape[n]+min(0, p[1])
		if from > to {
			misfit("pad", []*Tensor{t}, "axis %d is cropped by more than its size", n)
		}
		if to-from < t.shape[n] {
			t = t.Narrow(n, from, to-from)
		}
	}
	return apply(opPad, a, t)
}

// PadReflect surrounds t with its mirror image; the edge itself is not
// repeated, and a pad must be smaller than its axis. Pairs are as in Pad.
func (t *Tensor) PadReflect(pairs ...[2]int) *Tensor {
	return t.padFrom("pad reflect", pairs, func(i, n int) int {
		if i < 0 {
			return -i
		}
		if i >= n {
			return 2*(n-1) - i
		}
		return i
	})
}

// PadReplicate surrounds t with copies of its edge. Pairs are as in Pad.
func (t *Tensor) PadReplicate(pairs ...[2]int) *Tensor {
	return t.padFrom("pad replicate", pairs, func(i, n int) int { return min(max(i, 0), n-1) })
}

// padFrom pads axis by axis; from says where in an axis of n elements the
// element at a place beyond it comes from.
func (t *Tensor) padFrom(op string, pairs [][2]int, from func(i, n int) int) *Tensor {
	first := t.checkPads(op, pairs)
	for k, p := range pairs {
		n := t.shape[first+k]
		index := make([]int64, max(0, n+p[0]+p[1]))
		for i := range index {
			j := from(i-p[0], n)
			if j < 0 || j >= n {
				misfit(op, []*Tensor{t}, "axis %d with %d elements cannot be padded by %d and %d", first+k, n, p[0], p[1])
			}
			index[i] = int64(j)
		}
		t = t.IndexSelect(first+k, FromSlice(index))
	}
	return t
}

// checkPads returns the axis that the first pair is for.
func (t *Tensor) checkPads(op string, pairs [][2]int) int {
	if len(pairs) > len(t.shape) {
		misfit(op, []*Tensor{t}, "%d pairs were given for %d axes", len(pairs), len(t.shape))
	}
	return len(t.shape) - len(pairs)
}

// Repeat lays copies of t side by side, repeats[i] of them along axis i. More
// repeats than axes add leading axes. NumPy calls it tile.
func (t *Tensor) Repeat(repeats ...int) *Tensor {
	lead := len(repeats) - len(t.shape)
	if lead < 0 {
		misfit("repeat", []*Tensor{t}, "needs a count for each of the %d axes, got %v", len(t.shape), repeats)
	}
	checkShape("repeat", repeats)
	var single, stretched, merged []int
	for i, r := range repeats {
		d := 1
		if i >= lead {
			d = t.shape[i-lead]
		}
		single, stretched, merged = append(single, 1, d), append(stretched, r, d), append(merged, r*d)
	}
	return t.restrideTo(single).Expand(stretched...).Reshape(merged...)
}

// RepeatInterleave repeats each element n times along an axis: 1, 2 becomes
// 1, 1, 2, 2. NumPy calls it repeat.
func (t *Tensor) RepeatInterleave(n, a int) *Tensor {
	a = axis("repeat interleave", t, a)
	checkShape("repeat interleave", []int{n})
	stretched := slices.Insert(slices.Clone(t.shape), a+1, n)
	merged := slices.Clone(t.shape)
	merged[a] *= n
	return t.Unsqueeze(a + 1).Expand(stretched...).Reshape(merged...)
}

// Flip reverses the order of the elements along the named axes, or all.
func (t *Tensor) Flip(axes ...int) *Tensor {
	out := t
	for _, a := range axesOf("flip", t, axes) {
		n := t.shape[a]
		out = out.IndexSelect(a, Arange(float64(n-1), -1, -1, Int64))
	}
	return out
}

// Roll moves the elements by shift places along an axis; those that leave at
// one end come back at the other.
func (t *Tensor) Roll(shift, a int) *Tensor {
	a = axis("roll", t, a)
	n := t.shape[a]
	if n == 0 {
		return t
	}
	shift = ((shift % n) + n) % n
	return Concat(a, t.Narrow(a, n-shift, shift), t.Narrow(a, 0, n-shift))
}

// MeshGrid returns, for vectors of n1, n2, ... elements, tensors of the shape
// (n1, n2, ...) that hold the coordinates of each place (PyTorch's and NumPy's
// indexing "ij").
func MeshGrid(vectors ...*Tensor) []*Tensor {
	var shape []int
	for _, v := range vectors {
		if len(v.shape) != 1 {
			misfit("meshgrid", vectors, "the operands must be vectors")
		}
		shape = append(shape, v.shape[0])
	}
	out := make([]*Tensor, len(vectors))
	for i, v := range vectors {
		column := make([]int, len(shape))
		for k := range column {
			column[k] = 1
		}
		column[i] = shape[i]
		out[i] = v.Reshape(column...).Expand(shape...)
	}
	return out
}
