package tensor

// The operations of this file run along the last axis of their operands, each
// result from the one before it.

var opCumSum, opCumProd, opRecurrence *Op

func init() {
	opCumSum = register(&Op{Name: "cumsum", Doc: "CumSum adds up the elements along the last axis.", ONNX: "CumSum", Saved: savesNothing,
		Infer: scanInfer,
		Run: func(c *Call) {
			runScan(c, func(y, x []float32) { accumulateRow(y, x) }, func(y, x []float64) { accumulateRow(y, x) }, func(y, x []int64) { accumulateRow(y, x) })
		},
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).Flip(-1).CumSum(-1).Flip(-1)) },
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "matrix", In: []*Tensor{s.Normal(3, 4)}}, {Name: "one element", In: []*Tensor{s.Normal(2, 1)}}}
		}})
	opCumProd = register(&Op{Name: "cumprod", Doc: "CumProd multiplies up the elements along the last axis.", Saved: savesIn,
		Infer: scanInfer,
		Run: func(c *Call) {
			runScan(c, func(y, x []float32) { multiplyRow(y, x) }, func(y, x []float64) { multiplyRow(y, x) }, func(y, x []int64) { multiplyRow(y, x) })
		},
		Grad: func(g *GradCall) {
			// Element k is a factor of every product from k on. The products are
			// those before k, times s[k] = gy[k] + x[k+1]*s[k+1], so that nothing
			// is divided and zeros do no harm.
			x := g.In[0]
			after := backward(g.Gy(0), x)
			g.Set(0, x.othersBefore().Mul(after))
		},
		Samples: func(s *Sampler) []Sample {
			zero := s.Normal(2, 4)
			zero.SetIndex(Scalar(0, Float64), All, Int(1))
			return []Sample{{Name: "matrix", In: []*Tensor{s.Normal(3, 4)}}, {Name: "with a zero", In: []*Tensor{zero}}}
		}})
	opRecurrence = register(&Op{Name: "recurrence", Doc: "The linear recurrence y[k] = a[k] + b[k]*y[k-1] along the last axis, from y[-1] = 0.",
		Saved: &Saved{In: []int{1}, Out: []int{0}},
		Infer: func(c *Call) []Spec {
			wantFloat(c)
			return []Spec{{c.In[0].shape, c.In[0].dtype, nil}}
		},
		Run: func(c *Call) {
			switch c.Out[0].dtype {
			case Float32:
				recur[float32](c)
			case Float64:
				recur[float64](c)
			default:
				widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) { recur[float32](&Call{In: in, Out: []*Tensor{y}}) })
			}
		},
		Grad: func(g *GradCall) {
			ga := backward(g.Gy(0), g.In[1])
			if g.Needs(0) {
				g.Set(0, ga)
			}
			if g.Needs(1) {
				g.Set(1, ga.Mul(shifted(g.Out[0], 0)))
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "matrix", In: []*Tensor{s.Normal(3, 4), s.Normal(3, 4)}}}
		}})
}

func scanInfer(c *Call) []Spec {
	x := c.In[0]
	if len(x.shape) == 0 || !x.dtype.IsFloat() && x.dtype != Int64 {
		misfit(c.Op.Name, c.In, "needs floats or int64 along at least one axis")
	}
	return []Spec{{x.shape, x.dtype, nil}}
}

// backward is the recurrence from the end: s[k] = gy[k] + b[k+1]*s[k+1].
func backward(gy, b *Tensor) *Tensor {
	return apply(opRecurrence, nil, gy.Flip(-1), shifted(b.Flip(-1), 0)).Flip(-1)
}

// shifted moves the elements one place up the last axis and puts v first.
func shifted(t *Tensor, v float64) *Tensor {
	n := t.shape[len(t.shape)-1]
	if n == 0 {
		return t
	}
	return t.Narrow(-1, 0, n-1).Pad(v, [2]int{1, 0})
}

// othersBefore is the product of the elements before each one along the last axis.
func (t *Tensor) othersBefore() *Tensor {
	if t.Len() == 0 {
		return t
	}
	return shifted(t, 1).CumProd(-1)
}

// runScan runs a kernel on every row. Half precision is scanned in float32.
func runScan(c *Call, f32 func(y, x []float32), f64 func(y, x []float64), i64 func(y, x []int64)) {
	switch c.In[0].dtype {
	case Float32:
		eachRow(c.Out[0], c.In[0], f32)
	case Float64:
		eachRow(c.Out[0], c.In[0], f64)
	case Int64:
		eachRow(c.Out[0], c.In[0], i64)
	default:
		widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) { eachRow(y, in[0], f32) })
	}
}

// eachRow calls f for every stretch along the last axis of two tensors of one
// shape. Rows are shared among the workers, never cut.
func eachRow[Y, X Element](y, x *Tensor, f func(y []Y, x []X)) {
	x = x.alias().Contiguous()
	rows, n := rowsOf(x)
	ys, xs := dense[Y](y), dense[X](x)
	byRows(rows, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			f(ys[r*n:(r+1)*n], xs[r*n:(r+1)*n])
		}
	})
}

func accumulateRow[T number](y, x []T) {
	var sum T
	for i, v := range x {
		sum += v
		y[i] = sum
	}
}

func multiplyRow[T number](y, x []T) {
	product := T(1)
	for i, v := range x {
		product *= v
		y[i] = product
	}
}

func recur[T real](c *Call) {
	a, b := c.In[0].alias().Contiguous(), c.In[1].alias().Contiguous()
	rows, n := rowsOf(a)
	as, bs, ys := dense[T](a), dense[T](b), dense[T](c.Out[0])
	byRows(rows, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			var y T
			for i := r * n; i < (r+1)*n; i++ {
				y = as[i] + bs[i]*y
				ys[i] = y
			}
		}
	})
}

// CumSum adds up the elements along an axis: y[k] = x[0] + ... + x[k].
// Integers and bools are added up as int64.
func (t *Tensor) CumSum(a int) *Tensor { return alongLast(opCumSum, t.widest(), a) }

// CumProd multiplies up the elements along an axis: y[k] = x[0] * ... * x[k].
// Integers and bools are multiplied as int64.
func (t *Tensor) CumProd(a int) *Tensor { return alongLast(opCumProd, t.widest(), a) }
