package nn

import "github.com/hadal-ml/hadal/tensor"

// Dropout zeroes elements with probability P while training and scales up the
// rest (Srivastava et al. 2014).
type Dropout struct{ P float64 }

// Forward keeps the shape.
func (d Dropout) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if !c.training {
		return c.did(d, x, x)
	}
	return c.did(d, x, x.Dropout(d.P, c.rand))
}

// Dropout2d zeroes whole channels of each sample with probability P while
// training and scales up the rest: neighbouring pixels say nearly the same, so
// that dropping single ones drops little (Tompson et al., arXiv 1411.4280).
type Dropout2d struct{ P float64 }

// Forward keeps the shape (N, C, ...).
func (d Dropout2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if !c.training {
		return c.did(d, x, x)
	}
	if x.NDim() < 3 {
		misfit("dropout2d", "needs channels of several elements (N, C, ...)", x)
	}
	channels := make([]int, x.NDim())
	for i := range channels {
		channels[i] = 1
	}
	channels[0], channels[1] = x.Dim(0), x.Dim(1)
	mask := tensor.Full(1, x.DType(), channels...).Dropout(d.P, c.rand)
	return c.did(d, x, x.Mul(mask))
}
