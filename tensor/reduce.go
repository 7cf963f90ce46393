package tensor

import (
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// reduceAttr names the axes that are reduced, sorted, and whether they stay
// with size 1.
type reduceAttr struct {
	axes []int
	keep bool
}

// outShape is the shape of the reduction of a shape.
func (r reduceAttr) outShape(shape []int) []int {
	out := make([]int, 0, len(shape))
	for i, d := range shape {
		switch {
		case !slices.Contains(r.axes, i):
			out = append(out, d)
		case r.keep:
			out = append(out, 1)
		}
	}
	return out
}

// restore gives a reduced tensor its axes of size 1 back, so that it
// broadcasts against the operand.
func (r reduceAttr) restore(t *Tensor, shape []int) *Tensor {
	if r.keep {
		return t
	}
	full := slices.Clone(shape)
	for _, a := range r.axes {
		full[a] = 1
	}
	return t.restrideTo(full)
}

// restrideTo is restride, or t itself when nothing changes.
func (t *Tensor) restrideTo(shape []int) *Tensor {
	if slices.Equal(t.shape, shape) {
		return t
	}
	return t.restride(shape)
}

// reducer is an associative function and the ways to apply it quickly.
type reducer[T number] struct {
	start T
	run   func(x []T) T    // over one stretch
	join  func(a, b T) T   // of two partial results
	rows  func(dst, x []T) // dst[i] = join(dst[i], x[i])
	// block is rows for a block of evenly spaced rows at once; nil: one by one
	block func(dst, x []T, rows, cols, stride int)
}

// reduceRows is how many rows or stretches one partial result covers. It fixes
// the order of the additions, whatever the number of threads.
const reduceRows = 512

// reduce computes y from x, whose axes are reduced as r says.
func reduce[T number](y, x *Tensor, r reduceAttr, f reducer[T]) {
	ys := dense[T](y)
	if x.Len() == 0 {
		for i := range ys {
			ys[i] = f.start
		}
		return
	}
	var keptShape, reducedShape, keptIn, keptOut, reducedIn []int
	outStride := contiguousStride(r.outShape(x.shape))
	next := 0
	for i, d := range x.shape {
		reduced := slices.Contains(r.axes, i)
		if reduced {
			reducedShape, reducedIn = append(reducedShape, d), append(reducedIn, x.stride[i])
		} else {
			keptShape, keptIn, keptOut = append(keptShape, d), append(keptIn, x.stride[i]), append(keptOut, outStride[next])
		}
		if !reduced || r.keep {
			next++
		}
	}
	kept, reduced := newLoop(keptShape, keptIn, keptOut), newLoop(reducedShape, reducedIn)
	xs := elements[T](x)
	keptLen, keptStep := kept.inner()
	if _, reducedStep := reduced.inner(); keptLen > 1 && keptStep[0] == 1 && keptStep[1] == 1 && reducedStep[0] != 1 {
		reduceColumns(ys, xs, kept, reduced, f)
		return
	}
	reduceStretches(ys, xs, kept, reduced, f)
}

// reduceStretches handles reduced axes that lie innermost in memory: every
// output is computed from stretches of the input.
func reduceStretches[T number](ys, xs []T, kept, reduced loop, f reducer[T]) {
	n, step := reduced.inner()
	one := func(base int) T {
		if step[0] == 1 && len(reduced.shape) == 1 {
			return f.run(xs[base : base+n])
		}
		acc := f.start
		row := reduced
		row.shape, row.stride = row.shape[:len(row.shape)-1], [][]int{row.stride[0][:len(row.shape)-1]}
		row.serial(func(off [4]int) {
			at := base + off[0]
			if step[0] == 1 {
				acc = f.join(acc, f.run(xs[at:at+n]))
				return
			}
			part := f.start
			for i := range n {
				part = f.join(part, xs[at+i*step[0]])
			}
			acc = f.join(acc, part)
		})
		return acc
	}
	outputs := NumElements(kept.shape)
	if outputs == 1 && len(reduced.shape) == 1 && step[0] == 1 && n > 2*chunkElements {
		parts := make([]T, (n+chunkElements-1)/chunkElements)
		par.For(n, chunkElements, func(lo, hi int) { parts[lo/chunkElements] = f.run(xs[lo:hi]) })
		ys[0] = f.run(parts)
		return
	}
	work := NumElements(reduced.shape)
	grain := loop{shape: append(slices.Clone(kept.shape), 1), stride: [][]int{append(slices.Clone(kept.stride[0]), 1), append(slices.Clone(kept.stride[1]), 1)}}
	if work*outputs < chunkElements {
		kept.serial(func(off [4]int) { ys[off[1]] = one(off[0]) })
		return
	}
	grain.eachOf(max(1, chunkElements/work), func(off [4]int, _ int) { ys[off[1]] = one(off[0]) })
}

// reduceColumns handles a kept axis that lies innermost in memory: whole rows
// are joined, a block of rows to a partial result.
func reduceColumns[T number](ys, xs []T, kept, reduced loop, f reducer[T]) {
	n, _ := kept.inner()
	outer := kept
	outer.shape = outer.shape[:len(outer.shape)-1]
	outer.stride = [][]int{kept.stride[0][:len(outer.shape)], kept.stride[1][:len(outer.shape)]}
	total := NumElements(reduced.shape)
	blocks := (total + reduceRows - 1) / reduceRows
	outer.serial(func(off [4]int) {
		if blocks == 1 {
			dst := ys[off[1] : off[1]+n]
			for i := range dst {
				dst[i] = f.start
			}
			f.joinRows(dst, xs[off[0]:], reduced, 0, total)
			return
		}
		parts := make([]T, blocks*n)
		par.For(total, reduceRows, func(lo, hi int) {
			dst := parts[lo/reduceRows*n:][:n]
			for i := range dst {
				dst[i] = f.start
			}
			f.joinRows(dst, xs[off[0]:], reduced, lo, hi)
		})
		copy(ys[off[1]:off[1]+n], parts[:n])
		for b := 1; b < blocks; b++ {
			f.rows(ys[off[1]:off[1]+n], parts[b*n:(b+1)*n])
		}
	})
}

// joinRows joins the rows lo to hi-1 of a reduced loop into dst.
func (f reducer[T]) joinRows(dst, xs []T, reduced loop, lo, hi int) {
	n := len(dst)
	if stride := reduced.stride[0][0]; f.block != nil && len(reduced.shape) == 1 && stride >= n {
		f.block(dst, xs[lo*stride:], hi-lo, n, stride)
		return
	}
	reduced.from(lo, hi, func(off [4]int) { f.rows(dst, xs[off[0]:off[0]+n]) })
}

func addRows[T number](dst, x []T) {
	for i, v := range x {
		dst[i] += v
	}
}

// pairwise sums a stretch by halves, so that the error grows with the
// logarithm of its length.
func pairwise[T number](x []T) T {
	if len(x) <= 64 {
		var s T
		for _, v := range x {
			s += v
		}
		return s
	}
	h := len(x) / 2
	return pairwise(x[:h]) + pairwise(x[h:])
}

func sumOf[T number]() reducer[T] {
	return reducer[T]{start: 0, run: pairwise[T], join: func(a, b T) T { return a + b }, rows: addRows[T]}
}

// sum32 adds stretches with the vector kernels, whose partial sums are float64.
func sum32() reducer[float32] {
	r := sumOf[float32]()
	r.run = func(x []float32) float32 { return float32(vec.Sum(x)) }
	r.rows = func(dst, x []float32) { vec.Add(dst, dst, x) }
	r.block = vec.SumRows[float32]
	return r
}

// vectorised is a fold with the kernels of vec.
func vectorised[T real](f reducer[T], run func(x []T) T, rows func(dst, a, b []T)) reducer[T] {
	f.run = run
	f.rows = func(dst, x []T) { rows(dst, dst, x) }
	return f
}

func fold[T number](start T, join func(a, b T) T) reducer[T] {
	return reducer[T]{start: start, join: join,
		run: func(x []T) T {
			acc := start
			for _, v := range x {
				acc = join(acc, v)
			}
			return acc
		},
		rows: func(dst, x []T) {
			for i, v := range x {
				dst[i] = join(dst[i], v)
			}
		}}
}

// larger and smaller let NaN through, as NumPy does.
func larger[T number](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func smaller[T number](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

// reduceOp registers a reduction; the kernels are given for each type.
func reduceOp(op Op, f32 reducer[float32], f64 reducer[float64], i64 reducer[int64], i32 reducer[int32], u8 reducer[uint8]) *Op {
	op.Infer = func(c *Call) []Spec {
		x := c.In[0]
		if x.dtype == Bool {
			misfit(c.Op.Name, c.In, "not defined for bool; convert first")
		}
		return []Spec{{c.Attr.(reduceAttr).outShape(x.shape), x.dtype, nil}}
	}
	op.Run = func(c *Call) {
		r := c.Attr.(reduceAttr)
		y, x := c.Out[0], c.In[0]
		switch x.dtype {
		case Float32:
			reduce(y, x, r, f32)
		case Float64:
			reduce(y, x, r, f64)
		case Int64:
			reduce(y, x, r, i64)
		case Int32:
			reduce(y, x, r, i32)
		case UInt8:
			reduce(y, x, r, u8)
		default:
			widened(y, c.In, func(y *Tensor, in []*Tensor) { reduce(y, in[0], r, f32) })
		}
	}
	return register(&op)
}

var opSum, opMax, opMin *Op

func init() {
	opSum = reduceOp(Op{Name: "sum", Doc: "Sum adds the elements along axes; the sum of nothing is 0.", ONNX: "ReduceSum", Saved: savesNothing,
		Grad: func(g *GradCall) {
			g.Set(0, g.Attr.(reduceAttr).restore(g.Gy(0), g.In[0].shape).Expand(g.In[0].shape...))
		},
		Samples: reduceSamples(anyReal)},
		sum32(), sumOf[float64](), sumOf[int64](), sumOf[int32](), sumOf[uint8]())
	opMax = reduceOp(Op{Name: "max", Doc: "Max returns the largest element along axes, NaN if there is one; equal ones share the gradient.", ONNX: "ReduceMax",
		Saved: &Saved{In: []int{0}, Out: []int{0}}, Grad: extremeGrad, Samples: reduceSamples((*Sampler).Distinct)},
		vectorised(fold(float32(math.Inf(-1)), larger[float32]), vec.MaxValue[float32], vec.Max[float32]),
		vectorised(fold(math.Inf(-1), larger[float64]), vec.MaxValue[float64], vec.Max[float64]), fold(math.MinInt64, larger[int64]),
		fold(math.MinInt32, larger[int32]), fold(0, larger[uint8]))
	opMin = reduceOp(Op{Name: "min", Doc: "Min returns the smallest element along axes, NaN if there is one; equal ones share the gradient.", ONNX: "ReduceMin",
		Saved: &Saved{In: []int{0}, Out: []int{0}}, Grad: extremeGrad, Samples: reduceSamples((*Sampler).Distinct)},
		vectorised(fold(float32(math.Inf(1)), smaller[float32]), vec.MinValue[float32], vec.Min[float32]),
		vectorised(fold(math.Inf(1), smaller[float64]), vec.MinValue[float64], vec.Min[float64]), fold(math.MaxInt64, smaller[int64]),
		fold(math.MaxInt32, smaller[int32]), fold(255, smaller[uint8]))
}

func extremeGrad(g *GradCall) {
	r, x := g.Attr.(reduceAttr), g.In[0]
	hit := x.Detach().Equal(r.restore(g.Out[0].Detach(), x.shape)).To(x.dtype)
	share := hit.Div(apply(opSum, reduceAttr{r.axes, true}, hit))
	g.Set(0, share.Mul(r.restore(g.Gy(0), x.shape)))
}

func reduceSamples(d domain) func(*Sampler) []Sample {
	return func(s *Sampler) []Sample {
		return []Sample{
			{Name: "all", In: []*Tensor{d(s, 3, 4)}, Attr: reduceAttr{[]int{0, 1}, false}},
			{Name: "rows kept", In: []*Tensor{d(s, 3, 4)}, Attr: reduceAttr{[]int{1}, true}},
			{Name: "columns", In: []*Tensor{d(s, 3, 4)}, Attr: reduceAttr{[]int{0}, false}},
			{Name: "outer and inner", In: []*Tensor{d(s, 2, 3, 4)}, Attr: reduceAttr{[]int{0, 2}, false}},
			{Name: "channels of channels last", In: []*Tensor{d(s, 2, 3, 2, 2).ChannelsLast()}, Attr: reduceAttr{[]int{0, 2, 3}, false}},
			{Name: "transposed", In: []*Tensor{d(s, 3, 4).T()}, Attr: reduceAttr{[]int{0}, false}},
		}
	}
}

// Sum adds the elements along the named axes, or all. Axes disappear. Integers
// and bools are added up as int64.
func (t *Tensor) Sum(axes ...int) *Tensor {
	return apply(opSum, reduceAttr{axesOf("sum", t, axes), false}, t.widest())
}

// SumKeep is Sum with the reduced axes kept at size 1.
func (t *Tensor) SumKeep(axes ...int) *Tensor {
	return apply(opSum, reduceAttr{axesOf("sum", t, axes), true}, t.widest())
}

// widest converts integers to int64, so that a sum or product of many does not
// overflow.
func (t *Tensor) widest() *Tensor {
	if t.dtype.IsFloat() {
		return t
	}
	return t.To(Int64)
}

// Mean averages the elements along the named axes, or all; of nothing it is NaN.
func (t *Tensor) Mean(axes ...int) *Tensor { return t.mean(reduceAttr{axesOf("mean", t, axes), false}) }

// MeanKeep is Mean with the reduced axes kept at size 1.
func (t *Tensor) MeanKeep(axes ...int) *Tensor {
	return t.mean(reduceAttr{axesOf("mean", t, axes), true})
}

func (t *Tensor) mean(r reduceAttr) *Tensor {
	if !t.dtype.IsFloat() {
		misfit("mean", []*Tensor{t}, "the elements must be floating-point; convert first")
	}
	n := 1
	for _, a := range r.axes {
		n *= t.shape[a]
	}
	s := apply(opSum, r, t)
	if n == 0 {
		return s.MulScalar(math.NaN())
	}
	return s.MulScalar(1 / float64(n))
}

// Max returns the largest element along the named axes, or all. Equal elements
// share the gradient. It panics when there is nothing to compare.
func (t *Tensor) Max(axes ...int) *Tensor {
	return apply(opMax, t.extremeAttr("max", axes, false), t)
}

// MaxKeep is Max with the reduced axes kept at size 1.
func (t *Tensor) MaxKeep(axes ...int) *Tensor {
	return apply(opMax, t.extremeAttr("max", axes, true), t)
}

// Min returns the smallest element along the named axes, or all. Equal
// elements share the gradient. It panics when there is nothing to compare.
func (t *Tensor) Min(axes ...int) *Tensor {
	return apply(opMin, t.extremeAttr("min", axes, false), t)
}

// MinKeep is Min with the reduced axes kept at size 1.
func (t *Tensor) MinKeep(axes ...int) *Tensor {
	return apply(opMin, t.extremeAttr("min", axes, true), t)
}

func (t *Tensor) extremeAttr(op string, axes []int, keep bool) reduceAttr {
	r := reduceAttr{axesOf(op, t, axes), keep}
	for _, a := range r.axes {
		if t.shape[a] == 0 {
			misfit(op, []*Tensor{t}, "there is no %s of nothing", op)
		}
	}
	return r
}

// SumTo sums a tensor back to a shape that broadcasts to its own: the gradient
// of broadcasting.
func (t *Tensor) SumTo(shape ...int) *Tensor {
	if slices.Equal(t.shape, shape) {
		return t
	}
	if got, ok := broadcastShapes(shape, t.shape); !ok || !slices.Equal(got, t.shape) {
		misfit("sum to", []*Tensor{t}, "is not what %s broadcasts to", ShapeString(shape))
	}
	lead := len(t.shape) - len(shape)
	var axes []int
	for i := range t.shape {
		if i < lead || shape[i-lead] == 1 && t.shape[i] != 1 {
			axes = append(axes, i)
		}
	}
	out := t
	if len(axes) > 0 {
		out = apply(opSum, reduceAttr{axes, true}, t)
	}
	return out.restrideTo(slices.Clone(shape))
}
