package tensor

import "github.com/hadal-ml/hadal/internal/kernel/vec"

// The gradients of common activations are operations of their own, so that a
// backward pass reads and writes each element once.

var opReLUGrad, opSigmoidGrad, opTanhGrad *Op

func init() {
	opReLUGrad = gradientOp(Op{Name: "relu_grad", Doc: "The gradient of ReLU: gy where y > 0, else 0.",
		Define: func(c *Call) []*Tensor {
			return []*Tensor{c.In[0].Mul(c.In[1].Detach().GreaterScalar(0).To(c.In[0].dtype))}
		},
		Samples: samplesOf2Same(anyReal, awayFromZero)},
		binaryKernel{f64: func(gy, y float64) float64 {
			if y > 0 {
				return gy
			}
			return 0
		}, s32: stretches[float32]{vv: vec.ReLUGrad[float32]}, s64: stretches[float64]{vv: vec.ReLUGrad[float64]}})

	opSigmoidGrad = gradientOp(Op{Name: "sigmoid_grad", Doc: "The gradient of Sigmoid: gy * y * (1-y).",
		Define: func(c *Call) []*Tensor {
			gy, y := c.In[0], c.In[1]
			return []*Tensor{gy.Mul(y.Sub(y.Square()))}
		},
		Samples: samplesOf2Same(anyReal, positive)},
		binaryKernel{f64: func(gy, y float64) float64 { return gy * y * (1 - y) },
			s32: stretches[float32]{vv: vec.SigmoidGrad[float32]}, s64: stretches[float64]{vv: vec.SigmoidGrad[float64]}})

	opTanhGrad = gradientOp(Op{Name: "tanh_grad", Doc: "The gradient of Tanh: gy * (1-y*y).",
		Define: func(c *Call) []*Tensor {
			gy, y := c.In[0], c.In[1]
			return []*Tensor{gy.Sub(gy.Mul(y.Square()))}
		},
		Samples: samplesOf2Same(anyReal, anyReal)},
		binaryKernel{f64: func(gy, y float64) float64 { return gy * (1 - y*y) },
			s32: stretches[float32]{vv: vec.TanhGrad[float32]}, s64: stretches[float64]{vv: vec.TanhGrad[float64]}})
}

// gradientOp registers an element-wise operation on (gy, saved value) whose
// own gradient comes from its definition.
func gradientOp(op Op, k binaryKernel) *Op {
	op.Grad = GradByDefinition
	return binaryOp(op, k)
}

// gradientOpWith is gradientOp for an operation with one setting.
func gradientOpWith(op Op, f func(gy, x, s float64) float64, f32 func(dst, gy, x []float32, s float32), f64 func(dst, gy, x []float64, s float64)) *Op {
	op.Grad = GradByDefinition
	return binaryOpWith(op, func(p params) binaryKernel {
		k := binaryKernel{f64: func(gy, x float64) float64 { return f(gy, x, p[0]) }}
		if f32 != nil {
			k.s32.vv = func(dst, gy, x []float32) { f32(dst, gy, x, float32(p[0])) }
			k.s64.vv = func(dst, gy, x []float64) { f64(dst, gy, x, p[0]) }
		}
		return k
	})
}
