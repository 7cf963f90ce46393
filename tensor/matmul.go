package tensor

import (
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

var opMatMul, opLinear *Op

func init() {
	opMatMul = register(&Op{Name: "matmul", Doc: "MatMul is the matrix product of the last two axes; the others broadcast.", ONNX: "MatMul",
		Infer: func(c *Call) []Spec {
			a, b := c.In[0], c.In[1]
			wantFloat(c)
			if len(a.shape) < 2 || len(b.shape) < 2 || a.shape[len(a.shape)-1] != b.shape[len(b.shape)-2] {
				misfit("matmul", c.In, "the columns of the first must equal the rows of the second")
			}
			batch, ok := broadcastShapes(a.shape[:len(a.shape)-2], b.shape[:len(b.shape)-2])
			if !ok {
				misfit("matmul", c.In, "the leading axes do not broadcast")
			}
			return []Spec{{append(batch, a.shape[len(a.shape)-2], b.shape[len(b.shape)-1]), a.dtype, nil}}
		},
		Run: func(c *Call) {
			switch c.Out[0].dtype {
			case Float32:
				multiplyStack(c.Out[0], c.In[0], c.In[1], product32(c.Out[0]))
			case Float64:
				multiplyStack(c.Out[0], c.In[0], c.In[1], portableMul[float64])
			default:
				widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) { multiplyStack(y, in[0], in[1], gemm.Mul) })
			}
		},
		Grad: func(g *GradCall) {
			a, b, gy := g.In[0], g.In[1], g.Gy(0)
			if g.Needs(0) {
				g.Set(0, apply(opMatMul, nil, gy, b.T()))
			}
			if g.Needs(1) {
				if len(b.shape) == 2 && len(a.shape) > 2 { // one product instead of a stack that is summed
					a, gy = a.Reshape(-1, a.shape[len(a.shape)-1]), gy.Reshape(-1, gy.shape[len(gy.shape)-1])
				}
				g.Set(1, apply(opMatMul, nil, a.T(), gy))
			}
		},
		Cost: func(c *Call) (int64, int64) {
			k := c.In[0].shape[len(c.In[0].shape)-1]
			n := c.Out[0].Len()
			return 2 * int64(n) * int64(k), int64(n+c.In[0].Len()+c.In[1].Len()) * int64(c.In[0].dtype.Size())
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "matrices", In: []*Tensor{s.Normal(3, 4), s.Normal(4, 2)}},
				{Name: "transposed", In: []*Tensor{s.Normal(4, 3).T(), s.Normal(2, 4).T()}},
				{Name: "stack and matrix", In: []*Tensor{s.Normal(2, 3, 4), s.Normal(4, 2)}},
				{Name: "stacks that broadcast", In: []*Tensor{s.Normal(2, 1, 2, 3), s.Normal(3, 3, 2)}},
			}
		}})
	opLinear = register(&Op{Name: "linear", Doc: "Linear returns x Wᵀ + b, with ReLU where asked for, in one pass.", ONNX: "Gemm",
		Saved: &Saved{In: []int{0, 1}, Out: []int{0}},
		Infer: func(c *Call) []Spec {
			x, w := c.In[0], c.In[1]
			wantFloat(c)
			if len(w.shape) != 2 || len(x.shape) < 1 || x.shape[len(x.shape)-1] != w.shape[1] {
				misfit("linear", c.In[:2], "the last axis of the input must equal the columns of the weight (out, in)")
			}
			if b := c.In[2]; b != nil && (len(b.shape) != 1 || b.shape[0] != w.shape[0]) {
				misfit("linear", c.In, "the bias must have one element an output")
			}
			return []Spec{{append(slices.Clone(x.shape[:len(x.shape)-1]), w.shape[0]), x.dtype, nil}}
		},
		Run: func(c *Call) {
			switch c.Out[0].dtype {
			case Float32:
				multiplyLinear(c.Out[0], c.In, c.Attr.(linearAttr), product32(c.Out[0]))
			case Float64:
				multiplyLinear(c.Out[0], c.In, c.Attr.(linearAttr), portableMul[float64])
			default:
				widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) { multiplyLinear(y, in, c.Attr.(linearAttr), gemm.Mul) })
			}
		},
		Grad: func(g *GradCall) {
			x, w, gy := g.In[0], g.In[1], g.Gy(0)
			if g.Attr.(linearAttr).relu {
				gy = apply(opReLUGrad, nil, gy, g.Out[0])
			}
			if g.Needs(0) {
				g.Set(0, apply(opMatMul, nil, gy.Reshape(-1, w.shape[0]), w).Reshape(x.shape...))
			}
			gy = gy.Reshape(-1, w.shape[0])
			if g.Needs(1) {
				g.Set(1, apply(opMatMul, nil, gy.T(), x.Reshape(-1, w.shape[1])))
			}
			if g.Needs(2) {
				g.Set(2, gy.Sum(0))
			}
		},
		Define: func(c *Call) []*Tensor {
			y := c.In[0].MatMul(c.In[1].T())
			if c.In[2] != nil {
				y = y.Add(c.In[2])
			}
			if c.Attr.(linearAttr).relu {
				y = y.ReLU()
			}
			return []*Tensor{y}
		},
		Cost: func(c *Call) (int64, int64) {
			n, w := c.Out[0].Len(), c.In[1]
			return 2 * int64(n) * int64(w.shape[1]), int64(n+c.In[0].Len()+w.Len()) * int64(w.dtype.Size())
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "with bias", In: []*Tensor{s.Normal(3, 4), s.Normal(2, 4), s.Normal(2)}, Attr: linearAttr{}},
				{Name: "without bias, three axes", In: []*Tensor{s.Normal(2, 3, 4), s.Normal(5, 4), nil}, Attr: linearAttr{}},
				{Name: "with relu", In: []*Tensor{s.Normal(3, 4), s.Normal(2, 4), s.Normal(2)}, Attr: linearAttr{relu: true}},
			}
		}})
}

type linearAttr struct{ relu bool }

// mul is the signature that gemm.Mul and its float64 twin share.
type mul[T gemm.Float] func(m, n, k int, a []T, rsa, csa int, b []T, rsb, csb int, c []T, rsc int, e gemm.EpilogueOf[T])

func portableMul[T gemm.Float](m, n, k int, a []T, rsa, csa int, b []T, rsb, csb int, c []T, rsc int, e gemm.EpilogueOf[T]) {
	zero := []int{0}
	gemm.Portable(m, n, k, a, zero, rsa, csa, b, zero, rsb, csb, c, rsc, e)
}

// multiplyStack computes y = a b for stacks of matrices with any strides.
func multiplyStack[T gemm.Float](y, a, b *Tensor, product mul[T]) {
	if y.Len() == 0 {
		return
	}
	na, nb, ny := len(a.shape)-2, len(b.shape)-2, len(y.shape)-2
	m, n, k := y.shape[ny], y.shape[ny+1], a.shape[na+1]
	ys, as, bs := elements[T](y), elements[T](a), elements[T](b)
	l := newLoop(y.shape[:ny], y.stride[:ny],
		broadcastStride(a.shape[:na], a.stride[:na], y.shape[:ny]), broadcastStride(b.shape[:nb], b.stride[:nb], y.shape[:ny]))
	one := func(off [4]int) {
		product(m, n, k, as[off[1]:], a.stride[na], a.stride[na+1], bs[off[2]:], b.stride[nb], b.stride[nb+1], ys[off[0]:], y.stride[ny], gemm.EpilogueOf[T]{})
	}
	stack := NumElements(y.shape[:ny])
	if stack == 1 {
		one([4]int{})
		return
	}
	// A stack of an unbatched right side is one tall product.
	if nb == 0 && len(l.shape) == 1 && m > 0 && l.stride[1][0] == m*a.stride[na] && l.stride[0][0] == m*n {
		product(stack*m, n, k, as, a.stride[na], a.stride[na+1], bs, b.stride[nb], b.stride[nb+1], ys, n, gemm.EpilogueOf[T]{})
		return
	}
	const large = 1 << 22 // multiplications from which one product can occupy every worker
	if m*n*k >= large {
		l.serial(one)
		return
	}
	l.shape = append(l.shape, 1)
	for i := range l.stride {
		l.stride[i] = append(l.stride[i], 1)
	}
	l.eachOf(max(1, chunkElements/(m*n*max(k, 1))), func(off [4]int, _ int) { one(off) })
}

func multiplyLinear[T gemm.Float](y *Tensor, in []*Tensor, attr linearAttr, product mul[T]) {
	if y.Len() == 0 {
		return
	}
	x, w := in[0], in[1]
	out, width := w.shape[0], w.shape[1]
	e := gemm.EpilogueOf[T]{ReLU: attr.relu}
	if in[2] != nil {
		e.Bias = dense[T](in[2])
	}
	product(y.Len()/out, out, width, elements[T](x), width, 1, elements[T](w), w.stride[1], w.stride[0], elements[T](y), out, e)
}

// MatMul is the matrix product. Stacks of matrices (..., m, k) and (..., k, n)
// broadcast over the leading axes; a vector is a row on the left and a column
// on the right, as in NumPy. Operands of different float types are promoted.
func (t *Tensor) MatMul(b *Tensor) *Tensor {
	if len(t.shape) == 0 || len(b.shape) == 0 {
		misfit("matmul", []*Tensor{t, b}, "needs at least one axis; Mul multiplies by a scalar")
	}
	a := t
	if a.dtype != b.dtype {
		d := promote(a.dtype, b.dtype)
		a, b = a.To(d), b.To(d)
	}
	row, column := len(a.shape) == 1, len(b.shape) == 1
	if row {
		a = a.Unsqueeze(0)
	}
	if column {
		b = b.Unsqueeze(1)
	}
	y := apply(opMatMul, nil, a, b)
	if column {
		y = y.Squeeze(-1)
	}
	if row {
		at := -2
		if column {
			at = -1
		}
		y = y.Squeeze(at)
	}
	return y
}

// Linear returns x Wᵀ + b for x (..., in), weight (out, in) and bias (out), which
// may be nil: (..., out).
func Linear(x, weight, bias *Tensor) *Tensor {
	return apply(opLinear, linearAttr{}, x.Contiguous(), weight, contiguousOrNil(bias))
}

// LinearReLU is Linear followed by ReLU in the same pass over memory.
func LinearReLU(x, weight, bias *Tensor) *Tensor {
	return apply(opLinear, linearAttr{relu: true}, x.Contiguous(), weight, contiguousOrNil(bias))
}

func contiguousOrNil(t *Tensor) *Tensor {
	if t == nil {
		return nil
	}
	return t.Contiguous()
}
