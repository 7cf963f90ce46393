package tensor

import (
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// binaryKernel computes one element from two.
type binaryKernel struct {
	f64 func(a, b float64) float64 // defines the function
	i64 func(a, b int64) int64     // on integers; nil: floats only
	s32 stretches[float32]
	s64 stretches[float64]
}

// stretches compute many elements at once: of two runs, of a run and a number,
// of a number and a run. Nil functions mean one element at a time.
type stretches[T real] struct {
	vv func(dst, a, b []T)
	vs func(dst, a []T, b T)
	sv func(dst []T, a T, b []T)
}

// binaryOp registers an element-wise operation of two operands that broadcast
// and promote to a common type (see promote).
func binaryOp(op Op, k binaryKernel) *Op {
	return binaryOpWith(op, func(params) binaryKernel { return k })
}

// binaryOpWith is binaryOp for an operation with settings.
func binaryOpWith(op Op, kernel func(p params) binaryKernel) *Op {
	op.Infer = func(c *Call) []Spec {
		if kernel(params{}).i64 == nil {
			wantFloat(c)
		}
		if c.In[0].dtype == Bool {
			misfit(c.Op.Name, c.In, "arithmetic is not defined for bool; convert first")
		}
		return []Spec{binarySpec(c, c.In[0].dtype)}
	}
	op.Run = func(c *Call) {
		p, _ := c.Attr.(params)
		y, a, b, k := c.Out[0], c.In[0], c.In[1], kernel(p)
		switch y.dtype {
		case Float32:
			runStretches(y, a, b, k.f64, k.s32)
		case Float64:
			runStretches(y, a, b, k.f64, k.s64)
		case BFloat16, Float16:
			widened(y, c.In, func(y *Tensor, in []*Tensor) { runStretches(y, in[0], in[1], k.f64, k.s32) })
		case Int64:
			runBinary(y, a, b, k.i64)
		case Int32:
			runBinary(y, a, b, func(a, b int32) int32 { return int32(k.i64(int64(a), int64(b))) })
		case UInt8:
			runBinary(y, a, b, func(a, b uint8) uint8 { return uint8(k.i64(int64(a), int64(b))) })
		}
	}
	return register(&op)
}

// binarySpec checks that two operands broadcast and gives the result the
// layout of an operand that already has its shape.
func binarySpec(c *Call, d DType) Spec {
	a, b := c.In[0], c.In[1]
	shape, ok := broadcastShapes(a.shape, b.shape)
	if !ok {
		misfit(c.Op.Name, c.In, "the shapes do not broadcast: axes must be equal or 1, counted from the end")
	}
	for _, t := range []*Tensor{a, b} {
		if slices.Equal(t.shape, shape) && t.isDense() {
			return Spec{shape, d, t.stride}
		}
	}
	return Spec{shape, d, nil}
}

// binary promotes the operands and applies op.
func binary(op *Op, a, b *Tensor) *Tensor {
	if a.dtype != b.dtype {
		d := promote(a.dtype, b.dtype)
		a, b = a.To(d), b.To(d)
	}
	return apply(op, nil, a, b)
}

// runBinary walks any layout, one element at a time.
func runBinary[A, R Element](y, a, b *Tensor, f func(a, b A) R) {
	if y.Len() == 0 {
		return
	}
	ys, as, bs := elements[R](y), elements[A](a), elements[A](b)
	l := newLoop(y.shape, y.stride, broadcastStride(a.shape, a.stride, y.shape), broadcastStride(b.shape, b.stride, y.shape))
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		for i := range n {
			ys[off[0]+i*step[0]] = f(as[off[1]+i*step[1]], bs[off[2]+i*step[2]])
		}
	})
}

// runStretches walks any layout and hands stretches to the vector kernels.
func runStretches[T real](y, a, b *Tensor, f func(a, b float64) float64, s stretches[T]) {
	if y.Len() == 0 {
		return
	}
	ys, as, bs := elements[T](y), elements[T](a), elements[T](b)
	l := newLoop(y.shape, y.stride, broadcastStride(a.shape, a.stride, y.shape), broadcastStride(b.shape, b.stride, y.shape))
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		d := ys[off[0]:]
		switch {
		case s.vv != nil && step == [4]int{1, 1, 1}:
			s.vv(d[:n], as[off[1]:off[1]+n], bs[off[2]:off[2]+n])
		case s.vs != nil && step == [4]int{1, 1, 0}:
			s.vs(d[:n], as[off[1]:off[1]+n], bs[off[2]])
		case s.sv != nil && step == [4]int{1, 0, 1}:
			s.sv(d[:n], as[off[1]], bs[off[2]:off[2]+n])
		default:
			for i := range n {
				d[i*step[0]] = T(f(float64(as[off[1]+i*step[1]]), float64(bs[off[2]+i*step[2]])))
			}
		}
	})
}

var opAdd, opSub, opMul, opDiv, opPow, opMaximum, opMinimum *Op

func init() {
	opAdd = binaryOp(Op{Name: "add", Doc: "Add returns a + b.", ONNX: "Add", Saved: savesNothing,
		Grad: func(g *GradCall) {
			for i := range 2 {
				if g.Needs(i) {
					g.Set(i, g.Gy(0))
				}
			}
		},
		Samples: samplesOf2(anyReal, anyReal)},
		binaryKernel{f64: func(a, b float64) float64 { return a + b }, i64: func(a, b int64) int64 { return a + b },
			s32: stretches[float32]{vec.Add[float32], vec.AddScalar[float32], scalarFirst(vec.AddScalar[float32])},
			s64: stretches[float64]{vec.Add[float64], vec.AddScalar[float64], scalarFirst(vec.AddScalar[float64])}})

	opSub = binaryOp(Op{Name: "sub", Doc: "Sub returns a - b.", ONNX: "Sub", Saved: savesNothing,
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				g.Set(0, g.Gy(0))
			}
			if g.Needs(1) {
				g.Set(1, g.Gy(0).Neg())
			}
		},
		Samples: samplesOf2(anyReal, anyReal)},
		binaryKernel{f64: func(a, b float64) float64 { return a - b }, i64: func(a, b int64) int64 { return a - b },
			s32: stretches[float32]{vec.Sub[float32], vec.SubScalar[float32], scalarFirst(vec.RSubScalar[float32])},
			s64: stretches[float64]{vec.Sub[float64], vec.SubScalar[float64], scalarFirst(vec.RSubScalar[float64])}})

	opMul = binaryOp(Op{Name: "mul", Doc: "Mul returns a * b.", ONNX: "Mul",
		Grad: func(g *GradCall) {
			for i := range 2 {
				if g.Needs(i) {
					g.Set(i, g.Gy(0).Mul(g.In[1-i]))
				}
			}
		},
		Samples: samplesOf2(anyReal, anyReal)},
		binaryKernel{f64: func(a, b float64) float64 { return a * b }, i64: func(a, b int64) int64 { return a * b },
			s32: stretches[float32]{vec.Mul[float32], vec.MulScalar[float32], scalarFirst(vec.MulScalar[float32])},
			s64: stretches[float64]{vec.Mul[float64], vec.MulScalar[float64], scalarFirst(vec.MulScalar[float64])}})

	opDiv = binaryOp(Op{Name: "div", Doc: "Div returns a / b; integers truncate toward zero.", ONNX: "Div",
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				g.Set(0, g.Gy(0).Div(g.In[1]))
			}
			if g.Needs(1) {
				g.Set(1, g.Gy(0).Mul(g.In[0]).Div(g.In[1].Square()).Neg())
			}
		},
		Samples: samplesOf2(anyReal, awayFromZero)},
		binaryKernel{f64: func(a, b float64) float64 { return a / b }, i64: divideIntegers,
			s32: stretches[float32]{vec.Div[float32], vec.DivScalar[float32], scalarFirst(vec.RDivScalar[float32])},
			s64: stretches[float64]{vec.Div[float64], vec.DivScalar[float64], scalarFirst(vec.RDivScalar[float64])}})

	opPow = binaryOp(Op{Name: "pow", Doc: "Pow returns a to the power of b.", ONNX: "Pow",
		Grad: func(g *GradCall) {
			a, b := g.In[0], g.In[1]
			zero := Scalar(0, a.dtype)
			if g.Needs(0) { // a^0 is 1 everywhere, also where a^-1 is not finite
				g.Set(0, Where(b.Detach().Equal(zero), zero, g.Gy(0).Mul(b).Mul(a.Pow(b.AddScalar(-1)))))
			}
			if g.Needs(1) { // 0^b is flat for b >= 0, though log(0) is not finite
				flat := a.Detach().Equal(zero).And(b.Detach().GreaterEqual(zero))
				g.Set(1, Where(flat, zero, g.Gy(0).Mul(a.Pow(b)).Mul(a.Log())))
			}
		},
		Samples: samplesOf2(positive, anyReal)},
		binaryKernel{f64: math.Pow})

	opMaximum = binaryOp(Op{Name: "maximum", Doc: "Maximum returns the larger of a and b, NaN if either is; equal ones share the gradient.", ONNX: "Max",
		Grad:    extremumGrad,
		Samples: samplesOf2(anyReal, anyReal)},
		binaryKernel{f64: math.Max, i64: func(a, b int64) int64 { return max(a, b) },
			s32: stretches[float32]{vec.Max[float32], vec.MaxScalar[float32], scalarFirst(vec.MaxScalar[float32])},
			s64: stretches[float64]{vec.Max[float64], vec.MaxScalar[float64], scalarFirst(vec.MaxScalar[float64])}})

	opMinimum = binaryOp(Op{Name: "minimum", Doc: "Minimum returns the smaller of a and b, NaN if either is; equal ones share the gradient.", ONNX: "Min",
		Grad:    extremumGrad,
		Samples: samplesOf2(anyReal, anyReal)},
		binaryKernel{f64: math.Min, i64: func(a, b int64) int64 { return min(a, b) },
			s32: stretches[float32]{vec.Min[float32], vec.MinScalar[float32], scalarFirst(vec.MinScalar[float32])},
			s64: stretches[float64]{vec.Min[float64], vec.MinScalar[float64], scalarFirst(vec.MinScalar[float64])}})
}

// scalarFirst exchanges the operands of a kernel of a run and a number.
func scalarFirst[T real](f func(dst, x []T, s T)) func(dst []T, s T, x []T) {
	return func(dst []T, s T, x []T) { f(dst, x, s) }
}

// extremumGrad sends the gradient to the operand that was chosen, half to each
// where they are equal, as PyTorch does.
func extremumGrad(g *GradCall) {
	a, b := g.In[0].Detach(), g.In[1].Detach()
	d := g.Gy(0).dtype
	tie := a.Equal(b).To(d).MulScalar(0.5)
	for i := range 2 {
		if !g.Needs(i) {
			continue
		}
		won := a.Greater(b)
		if (i == 1) == (g.Op == opMaximum) {
			won = a.Less(b)
		}
		g.Set(i, g.Gy(0).Mul(won.To(d).Add(tie)))
	}
}

func divideIntegers(a, b int64) int64 {
	if b == 0 {
		panic(&UseError{"div", "an integer was divided by zero; convert to a float type for Inf and NaN"})
	}
	return a / b
}

// Add returns a + b, broadcast.
func (t *Tensor) Add(b *Tensor) *Tensor { return binary(opAdd, t, b) }

// Sub returns a - b, broadcast.
func (t *Tensor) Sub(b *Tensor) *Tensor { return binary(opSub, t, b) }

// Mul returns the element-wise product, broadcast. MatMul is the matrix product.
func (t *Tensor) Mul(b *Tensor) *Tensor { return binary(opMul, t, b) }

// Div returns a / b, broadcast. Integers truncate toward zero; an integer
// divided by zero panics.
func (t *Tensor) Div(b *Tensor) *Tensor { return binary(opDiv, t, b) }

// Pow returns a to the power of b, broadcast.
func (t *Tensor) Pow(b *Tensor) *Tensor { return binary(opPow, t, b) }

// Maximum returns the larger of a and b, NaN if either is, broadcast.
func (t *Tensor) Maximum(b *Tensor) *Tensor { return binary(opMaximum, t, b) }

// Minimum returns the smaller of a and b, NaN if either is, broadcast.
func (t *Tensor) Minimum(b *Tensor) *Tensor { return binary(opMinimum, t, b) }

// addInto adds g to t in place. The caller owns t.
func addInto(t, g *Tensor) {
	opAdd.Run(&Call{Op: opAdd, In: []*Tensor{t, g}, Out: []*Tensor{t}})
}
