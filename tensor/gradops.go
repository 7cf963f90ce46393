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
