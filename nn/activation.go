package nn

import "github.com/hadal-ml/hadal/tensor"

// Activations keep the shape of their input unless they say otherwise. Each is
// also a method of a tensor; as modules they go into a [Sequential].

// ReLU is max(x, 0).
type ReLU struct{}

// Forward applies the function to every element.
func (f ReLU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return c.did(f, x, x.ReLU()) }

// Sigmoid is 1/(1+exp(-x)).
type Sigmoid struct{}

// Forward applies the function to every element.
func (f Sigmoid) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.Sigmoid())
}

// Tanh is the hyperbolic tangent.
type Tanh struct{}

// Forward applies the function to every element.
func (f Tanh) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return c.did(f, x, x.Tanh()) }

// LeakyReLU is x above 0 and Slope*x below (Maas et al. 2013). The zero Slope
// stands for 0.01.
type LeakyReLU struct{ Slope float64 }

// Forward applies the function to every element.
func (f LeakyReLU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.LeakyReLU(orDefault(f.Slope, 0.01)))
}

// PReLU is LeakyReLU with learned slopes (He et al., arXiv 1502.01852).
type PReLU struct {
	Weight *tensor.Tensor // (1) or (C)
}

// NewPReLU returns a layer with one slope for each of C channels, or one for
// all if channels is 1. They start at 0.25.
func NewPReLU(channels int) *PReLU {
	return &PReLU{tensor.Full(0.25, tensor.Float32, channels).RequireGrad()}
}

// Forward takes (N, C, ...).
func (f *PReLU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.PReLU(c.param(f.Weight)))
}

// ELU is x above 0 and Alpha*(exp(x)-1) below (Clevert et al., arXiv
// 1511.07289). The zero Alpha stands for 1.
type ELU struct{ Alpha float64 }

// Forward applies the function to every element.
func (f ELU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.ELU(orDefault(f.Alpha, 1)))
}

// SELU is ELU scaled so that activations stay near mean 0 and variance 1
// (Klambauer et al., arXiv 1706.02515).
type SELU struct{}

// Forward applies the function to every element.
func (f SELU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return c.did(f, x, x.SELU()) }

// GELU is x times the normal distribution function of x (Hendrycks and Gimpel,
// arXiv 1606.08415).
type GELU struct {
	Tanh bool // approximate it with tanh, as GPT-2 does
}

// Forward applies the function to every element.
func (f GELU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if f.Tanh {
		return c.did(f, x, x.GELUTanh())
	}
	return c.did(f, x, x.GELU())
}

// SiLU is x*sigmoid(x), also called swish (Elfwing et al., arXiv 1702.03118).
type SiLU struct{}

// Forward applies the function to every element.
func (f SiLU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return c.did(f, x, x.SiLU()) }

// Softplus is log(1+exp(x)).
type Softplus struct{}

// Forward applies the function to every element.
func (f Softplus) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.Softplus())
}

// HardSigmoid is x/6 + 1/2 limited to [0, 1].
type HardSigmoid struct{}

// Forward applies the function to every element.
func (f HardSigmoid) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.HardSigmoid())
}

// HardSwish is x*HardSigmoid(x) (Howard et al., arXiv 1905.02244).
type HardSwish struct{}

// Forward applies the function to every element.
func (f HardSwish) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.HardSwish())
}

// HardTanh limits x to [Low, High]; if both are zero, to [-1, 1].
type HardTanh struct{ Low, High float64 }

// Forward applies the function to every element.
func (f HardTanh) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	low, high := f.Low, f.High
	if low == 0 && high == 0 {
		low, high = -1, 1
	}
	return c.did(f, x, x.HardTanh(low, high))
}

// Softmax turns scores along an axis into probabilities. The zero Axis stands
// for the last one; the batch, axis 0, is never meant.
type Softmax struct{ Axis int }

// Forward makes the elements along the axis positive with sum 1.
func (f Softmax) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.Softmax(orDefault(f.Axis, -1)))
}

// LogSoftmax is the logarithm of [Softmax].
type LogSoftmax struct{ Axis int }

// Forward makes the exponentials of the elements along the axis sum to 1.
func (f LogSoftmax) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.LogSoftmax(orDefault(f.Axis, -1)))
}

// Maxout is the largest of every Pieces neighbouring channels (Goodfellow et
// al., arXiv 1302.4389).
type Maxout struct{ Pieces int }

// Forward maps (N, C, ...) to (N, C/Pieces, ...).
func (f Maxout) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.Maxout(f.Pieces))
}

// orDefault is v, or otherwise where v is zero.
func orDefault[T int | float64](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
