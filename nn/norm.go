package nn

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// LayerNorm normalises each row to mean 0 and variance 1, then scales and
// shifts it (Ba, Kiros and Hinton, arXiv 1607.06450). A row is the last axes of
// the input, as many as Shape has.
type LayerNorm struct {
	Weight, Bias *tensor.Tensor // of that shape, or nil
	Shape        []int
	Eps          float64 // added to the variance
}

// NewLayerNorm returns a layer for rows of a size. Options: Eps (1e-5), NoBias,
// NoAffine.
func NewLayerNorm(size int, list ...Option) *LayerNorm {
	return NewLayerNormOver([]int{size}, list...)
}

// NewLayerNormOver is [NewLayerNorm] for rows of several axes, PyTorch's
// normalized_shape.
func NewLayerNormOver(shape []int, list ...Option) *LayerNorm {
	o := build("LayerNorm", list, "Eps", "NoBias", "NoAffine")
	l := &LayerNorm{Shape: slices.Clone(shape), Eps: o.eps}
	l.Weight, l.Bias = o.scaleAndShift(shape...)
	return l
}

// Forward keeps the shape (..., Shape).
func (l *LayerNorm) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	rows := normalisedRows("layer_norm", x, l.Shape, l.Weight)
	return c.did(l, x, tensor.LayerNorm(rows, c.param(l.Weight), c.param(l.Bias), l.Eps).Reshape(x.Shape()...))
}

// AddForward returns x + residual and the norm of that, in one pass: where a
// branch of a network joins the main road. The residual has the shape of x.
func (l *LayerNorm) AddForward(c *Context, x, residual *tensor.Tensor) (sum, y *tensor.Tensor) {
	if !slices.Equal(x.Shape(), residual.Shape()) {
		misfit("add_layer_norm", "the two that are added must have the same shape", x, residual)
	}
	rows := normalisedRows("layer_norm", x, l.Shape, l.Weight)
	sum, y = tensor.AddLayerNorm(rows, residual.Reshape(rows.Shape()...), c.param(l.Weight), c.param(l.Bias), l.Eps)
	sum, y = sum.Reshape(x.Shape()...), y.Reshape(x.Shape()...)
	return sum, c.did(l, x, y)
}

// normalisedRows checks that x ends with a shape. Without a weight, whose axes
// would tell, those that make a row are merged.
func normalisedRows(op string, x *tensor.Tensor, shape []int, weight *tensor.Tensor) *tensor.Tensor {
	n := x.NDim() - len(shape)
	if len(shape) == 0 || n < 0 || !slices.Equal(x.Shape()[n:], shape) {
		misfit(op, "the last axes must be "+tensor.ShapeString(shape), x)
	}
	if weight == nil && len(shape) > 1 {
		return x.Flatten(n)
	}
	return x
}

// RMSNorm divides each row by the root of its mean square, then scales it
// (Zhang and Sennrich, arXiv 1910.07467). A row is the last axes of the input,
// as many as Shape has.
type RMSNorm struct {
	Weight *tensor.Tensor // of that shape, or nil
	Shape  []int
	Eps    float64 // added to the mean square
}

// NewRMSNorm returns a layer for rows of a shape, mostly of one axis. Options:
// Eps (1e-5, as in the models that use it; PyTorch's default is the rounding unit
// of float32, 1.2e-7), NoAffine.
func NewRMSNorm(shape []int, list ...Option) *RMSNorm {
	o := build("RMSNorm", list, "Eps", "NoAffine")
	o.noBias = true
	l := &RMSNorm{Shape: slices.Clone(shape), Eps: o.eps}
	l.Weight, _ = o.scaleAndShift(shape...)
	return l
}

// Forward keeps the shape (..., Shape).
func (l *RMSNorm) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	rows := normalisedRows("rms_norm", x, l.Shape, l.Weight)
	return c.did(l, x, tensor.RMSNorm(rows, c.param(l.Weight), l.Eps).Reshape(x.Shape()...))
}

// GroupNorm normalises each group of channels of each sample, then scales and
// shifts each channel (Wu and He, arXiv 1803.08494).
type GroupNorm struct {
	Weight, Bias *tensor.Tensor // (channels), or nil
	Groups       int
	Eps          float64 // added to the variance
}

// NewGroupNorm returns a layer that cuts the channels into groups, which divide
// them. Options: Eps (1e-5), NoBias, NoAffine.
func NewGroupNorm(groups, channels int, list ...Option) *GroupNorm {
	o := build("GroupNorm", list, "Eps", "NoBias", "NoAffine")
	if groups < 1 || channels < 1 || channels%groups != 0 {
		panic(&tensor.ShapeError{Op: "nn.NewGroupNorm", Want: fmt.Sprintf("%d channels do not divide into %d groups", channels, groups)})
	}
	l := &GroupNorm{Groups: groups, Eps: o.eps}
	l.Weight, l.Bias = o.scaleAndShift(channels)
	return l
}

// Forward keeps the shape (N, channels, ...).
func (l *GroupNorm) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if l.Weight != nil && (x.NDim() < 2 || x.Dim(1) != l.Weight.Len()) {
		misfit("group_norm", fmt.Sprintf("needs (N, %d, ...)", l.Weight.Len()), x, l.Weight)
	}
	return c.did(l, x, tensor.GroupNorm(x, l.Groups, c.param(l.Weight), c.param(l.Bias), l.Eps))
}

// scaleAndShift returns the parameters of a normalisation, ones and zeros, or
// nil for those that the options leave out.
func (o options) scaleAndShift(shape ...int) (weight, bias *tensor.Tensor) {
	if o.noAffine {
		return nil, nil
	}
	weight = tensor.Ones(shape...).RequireGrad()
	if !o.noBias {
		bias = tensor.Zeros(shape...).RequireGrad()
	}
	return weight, bias
}
