package nn

import "github.com/hadal-ml/hadal/tensor"

// Conv2d is the cross-correlation of images with learned filters:
// (N, in, H, W) to (N, out, OH, OW).
type Conv2d struct {
	Weight  *tensor.Tensor // (out, in/groups, KH, KW)
	Bias    *tensor.Tensor // (out), or nil
	Options tensor.ConvOptions
}

// NewConv2d returns a layer of square filters. Options: Stride, Padding,
// Dilation, Groups, WithInit, WithBiasInit, NoBias.
func NewConv2d(init *Init, in, out, kernel int, list ...Option) *Conv2d {
	o := build("Conv2d", list, "Stride", "Padding", "Dilation", "Groups", "WithInit", "WithBiasInit", "NoBias")
	fanIn, fanOut := in/o.groups*kernel*kernel, out/o.groups*kernel*kernel
	l := &Conv2d{
		Weight:  o.weight(init.next(), fanIn, fanOut, out, in/o.groups, kernel, kernel).RequireGrad(),
		Options: tensor.ConvOptions{Stride: o.stride, Padding: o.padding, Dilation: o.dilation, Groups: o.groups},
	}
	if !o.noBias {
		l.Bias = o.bias(init.next(), fanIn, fanOut, out).RequireGrad()
	}
	return l
}

// Forward maps (N, in, H, W) to (N, out, OH, OW).
func (l *Conv2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return tensor.Conv2d(x, c.param(l.Weight), c.param(l.Bias), l.Options)
}

// ForwardReLU is Forward followed by ReLU, in one pass.
func (l *Conv2d) ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return tensor.Conv2dReLU(x, c.param(l.Weight), c.param(l.Bias), l.Options)
}
