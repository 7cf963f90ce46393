package nn

import "github.com/hadal-ml/hadal/tensor"

// LayerNorm normalises each row of the last axis, then scales and shifts it
// (Ba, Kiros and Hinton, arXiv 1607.06450).
type LayerNorm struct {
	Weight, Bias *tensor.Tensor // (size), or nil
	Eps          float64        // added to the variance
}

// NewLayerNorm returns a layer for rows of a size. Options: Eps (1e-5), NoBias.
func NewLayerNorm(size int, list ...Option) *LayerNorm {
	o := build("LayerNorm", list, "Eps", "NoBias")
	l := &LayerNorm{Eps: o.eps}
	l.Weight, l.Bias = o.scaleAndShift(size)
	return l
}

// Forward keeps the shape (..., size).
func (l *LayerNorm) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.LayerNorm(x, c.param(l.Weight), c.param(l.Bias), l.Eps))
}

// GroupNorm normalises each group of channels of each sample, then scales and
// shifts each channel (Wu and He, arXiv 1803.08494).
type GroupNorm struct {
	Weight, Bias *tensor.Tensor // (channels), or nil
	Groups       int
	Eps          float64 // added to the variance
}

// NewGroupNorm returns a layer that cuts the channels into groups. Options: Eps
// (1e-5), NoBias.
func NewGroupNorm(groups, channels int, list ...Option) *GroupNorm {
	o := build("GroupNorm", list, "Eps", "NoBias")
	l := &GroupNorm{Groups: groups, Eps: o.eps}
	l.Weight, l.Bias = o.scaleAndShift(channels)
	return l
}

// Forward keeps the shape (N, channels, ...).
func (l *GroupNorm) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.GroupNorm(x, l.Groups, c.param(l.Weight), c.param(l.Bias), l.Eps))
}

// scaleAndShift returns the parameters of a normalisation: ones and zeros.
func (o options) scaleAndShift(n int) (weight, bias *tensor.Tensor) {
	weight = tensor.Ones(n).RequireGrad()
	if !o.noBias {
		bias = tensor.Zeros(n).RequireGrad()
	}
	return weight, bias
}
