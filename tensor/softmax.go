package tensor

import (
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// rowsOf splits a tensor whose last axis is contiguous into rows.
func rowsOf(t *Tensor) (rows, cols int) {
	cols = t.shape[len(t.shape)-1]
	if cols == 0 {
		return 0, 0
	}
	return t.Len() / cols, cols
}

// byRows runs a kernel on blocks of rows at once.
func byRows(rows, cols int, body func(lo, hi int)) {
	par.For(rows, max(1, chunkElements/max(cols, 1)), body)
}

var opSoftmax, opSoftmaxGrad, opLogSoftmax, opLogSoftmaxGrad *Op

func init() {
	// rowOp registers an operation along the last axis of row-major operands.
	rowOp := func(op Op, f32 func(c *Call, lo, hi, cols int), f64 func(c *Call, lo, hi, cols int)) *Op {
		op.Infer = func(c *Call) []Spec {
			wantFloat(c)
			if len(c.In[0].shape) == 0 {
				misfit(c.Op.Name, c.In, "needs at least one axis")
			}
			return []Spec{{c.In[0].shape, c.In[0].dtype, nil}}
		}
		op.Run = func(c *Call) {
			rows, cols := rowsOf(c.In[0])
			switch c.In[0].dtype {
			case Float32:
				byRows(rows, cols, func(lo, hi int) { f32(c, lo, hi, cols) })
			case Float64:
				byRows(rows, cols, func(lo, hi int) { f64(c, lo, hi, cols) })
			default:
				widened(c.Out[0], c.In, func(y *Tensor, in []*Tensor) {
					op.Run(&Call{Op: c.Op, In: in, Out: []*Tensor{y}, Attr: c.Attr})
				})
			}
		}
		return register(&op)
	}
	samples := func(s *Sampler) []Sample {
		return []Sample{{Name: "matrix", In: []*Tensor{s.Normal(3, 5)}}, {Name: "three axes", In: []*Tensor{s.Normal(2, 2, 3)}}, {Name: "one class", In: []*Tensor{s.Normal(2, 1)}}}
	}
	gradSamples := func(s *Sampler) []Sample {
		return []Sample{{Name: "matrix", In: []*Tensor{s.Normal(3, 5), s.Normal(3, 5)}}}
	}
	opSoftmax = rowOp(Op{Name: "softmax", Doc: "Softmax turns scores along the last axis into probabilities.", ONNX: "Softmax", Saved: savesOut,
		Grad: func(g *GradCall) { g.Set(0, apply(opSoftmaxGrad, nil, g.Gy(0).Contiguous(), g.Out[0])) },
		Define: func(c *Call) []*Tensor {
			e := c.In[0].Sub(c.In[0].Detach().MaxKeep(-1)).Exp()
			return []*Tensor{e.Div(e.SumKeep(-1))}
		},
		Samples: samples},
		func(c *Call, lo, hi, n int) {
			vec.SoftmaxRows(dense[float32](c.Out[0])[lo*n:hi*n], dense[float32](c.In[0])[lo*n:hi*n], hi-lo, n, n)
		},
		func(c *Call, lo, hi, n int) {
			vec.SoftmaxRows(dense[float64](c.Out[0])[lo*n:hi*n], dense[float64](c.In[0])[lo*n:hi*n], hi-lo, n, n)
		})
	opSoftmaxGrad = rowOp(Op{Name: "softmax_grad", Doc: "The gradient of Softmax: y * (gy - sum(gy*y)).",
		Grad: GradByDefinition,
		Define: func(c *Call) []*Tensor {
			gy, y := c.In[0], c.In[1]
			return []*Tensor{y.Mul(gy.Sub(gy.Mul(y).SumKeep(-1)))}
		},
		Samples: gradSamples},
		func(c *Call, lo, hi, n int) {
			vec.SoftmaxGradRows(dense[float32](c.Out[0])[lo*n:hi*n], dense[float32](c.In[0])[lo*n:hi*n], dense[float32](c.In[1])[lo*n:hi*n], hi-lo, n, n)
		},
		func(c *Call, lo, hi, n int) {
			vec.SoftmaxGradRows(dense[float64](c.Out[0])[lo*n:hi*n], dense[float64](c.In[0])[lo*n:hi*n], dense[float64](c.In[1])[lo*n:hi*n], hi-lo, n, n)
		})
	opLogSoftmax = rowOp(Op{Name: "log_softmax", Doc: "LogSoftmax is the logarithm of Softmax, without its loss of precision.", ONNX: "LogSoftmax", Saved: savesOut,
		Grad: func(g *GradCall) { g.Set(0, apply(opLogSoftmaxGrad, nil, g.Gy(0).Contiguous(), g.Out[0])) },
		Define: func(c *Call) []*Tensor {
			shifted := c.In[0].Sub(c.In[0].Detach().MaxKeep(-1))
			return []*Tensor{shifted.Sub(shifted.Exp().SumKeep(-1).Log())}
		},
		Samples: samples},
		func(c *Call, lo, hi, n int) {
			vec.LogSoftmaxRows(dense[float32](c.Out[0])[lo*n:hi*n], dense[float32](c.In[0])[lo*n:hi*n], hi-lo, n, n)
		},
		func(c *Call, lo, hi, n int) {
			vec.LogSoftmaxRows(dense[float64](c.Out[0])[lo*n:hi*n], dense[float64](c.In[0])[lo*n:hi*n], hi-lo, n, n)
		})
	opLogSoftmaxGrad = rowOp(Op{Name: "log_softmax_grad", Doc: "The gradient of LogSoftmax: gy - exp(y)*sum(gy).",
		Grad: GradByDefinition,
		Define: func(c *Call) []*Tensor {
			gy, y := c.In[0], c.In[1]
			return []*Tensor{gy.Sub(y.Exp().Mul(gy.SumKeep(-1)))}
		},
		Samples: gradSamples},
		func(c *Call, lo, hi, n int) {
			vec.LogSoftmaxGradRows(dense[float32](c.Out[0])[lo*n:hi*n], dense[float32](c.In[0])[lo*n:hi*n], dense[float32](c.In[1])[lo*n:hi*n], hi-lo, n, n)
		},
		func(c *Call, lo, hi, n int) {
			vec.LogSoftmaxGradRows(dense[float64](c.Out[0])[lo*n:hi*n], dense[float64](c.In[0])[lo*n:hi*n], dense[float64](c.In[1])[lo*n:hi*n], hi-lo, n, n)
		})
}

// alongLast applies a last-axis operation along any axis. The result is row-major
// like that of other operations; what reads it next would be slow otherwise.
func alongLast(op *Op, t *Tensor, a int) *Tensor {
	a = axis(op.Name, t, a)
	if a == len(t.shape)-1 {
		return apply(op, nil, t.Contiguous())
	}
	return apply(op, nil, t.Transpose(a, -1).Contiguous()).Transpose(a, -1).Contiguous()
}

// Softmax turns scores along an axis into probabilities: exp(x)/sum(exp(x)).
func (t *Tensor) Softmax(a int) *Tensor { return alongLast(opSoftmax, t, a) }

// LogSoftmax is the logarithm of Softmax, computed without its loss of precision.
func (t *Tensor) LogSoftmax(a int) *Tensor { return alongLast(opLogSoftmax, t, a) }
