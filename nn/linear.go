package nn

import "github.com/hadal-ml/hadal/tensor"

// Linear computes x Wᵀ + b: (..., in) to (..., out).
type Linear struct {
	Weight *tensor.Tensor // (out, in)
	Bias   *tensor.Tensor // (out), or nil
}

// NewLinear returns a layer with the given numbers of inputs and outputs.
// Options: WithInit, WithBiasInit, NoBias.
func NewLinear(init *Init, in, out int, list ...Option) *Linear {
	o := build("Linear", list, "WithInit", "WithBiasInit", "NoBias")
	l := &Linear{}
	l.Weight, l.Bias = o.weightAndBias(init, in, out, out, out, in)
	return l
}

// Forward maps (..., in) to (..., out).
func (l *Linear) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.Linear(x, c.param(l.Weight), c.param(l.Bias)))
}

// ForwardReLU is Forward followed by ReLU, in one pass.
func (l *Linear) ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.LinearReLU(x, c.param(l.Weight), c.param(l.Bias)))
}
