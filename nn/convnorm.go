package nn

import "github.com/hadal-ml/hadal/tensor"

// ConvNorm is a convolution and the normalisation behind it:
// norm.Forward(c, conv.Forward(c, x)). In inference, where the statistics are
// fixed, the two are one operation, with weights that were scaled before.
func ConvNorm(c *Context, conv *Conv2d, norm *BatchNorm2d, x *tensor.Tensor) *tensor.Tensor {
	if !mergeable(c, conv, norm) {
		return norm.Forward(c, conv.Forward(c, x))
	}
	return tensor.Conv2dNorm(x, c.param(conv.Weight), c.param(conv.Bias), conv.Options, norm.fixed(c))
}

// ConvNormReLU is [ConvNorm] followed by ReLU, in one pass.
func ConvNormReLU(c *Context, conv *Conv2d, norm *BatchNorm2d, x *tensor.Tensor) *tensor.Tensor {
	if !mergeable(c, conv, norm) {
		return norm.ForwardReLU(c, conv.Forward(c, x))
	}
	return tensor.Conv2dNormReLU(x, c.param(conv.Weight), c.param(conv.Bias), conv.Options, norm.fixed(c))
}

// ConvNormAddReLU is ReLU(ConvNorm(x) + shortcut), the end of a residual block, in
// one pass. The shortcut has the shape of the convolution's output.
func ConvNormAddReLU(c *Context, conv *Conv2d, norm *BatchNorm2d, x, shortcut *tensor.Tensor) *tensor.Tensor {
	if !mergeable(c, conv, norm) {
		return norm.ForwardAddReLU(c, conv.Forward(c, x), shortcut)
	}
	return tensor.Conv2dNormAddReLU(x, shortcut, c.param(conv.Weight), c.param(conv.Bias), conv.Options, norm.fixed(c))
}

// mergeable reports whether a convolution and a normalisation may be one
// operation: the statistics are fixed, nobody wants to hear of each of the layers,
// and they fit, for it is the layers that say best what does not.
func mergeable(c *Context, conv *Conv2d, norm *BatchNorm2d) bool {
	return (!c.training || norm.Frozen) && c.observe == nil && conv.Weight.Dim(0) == norm.RunningMean.Len()
}
