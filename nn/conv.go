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
	l := &Conv2d{Options: o.conv(in, out)}
	l.Weight, l.Bias = o.weightAndBias(init, in/o.groups*kernel*kernel, out/o.groups*kernel*kernel, out,
		out, in/o.groups, kernel, kernel)
	return l
}

// Forward maps (N, in, H, W) to (N, out, OH, OW).
func (l *Conv2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.Conv2d(x, c.param(l.Weight), c.param(l.Bias), l.Options))
}

// ForwardReLU is Forward followed by ReLU, in one pass.
func (l *Conv2d) ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.Conv2dReLU(x, c.param(l.Weight), c.param(l.Bias), l.Options))
}

// Conv1d is the cross-correlation of sequences with learned filters:
// (N, in, L) to (N, out, OL).
type Conv1d struct {
	Weight  *tensor.Tensor     // (out, in/groups, KL)
	Bias    *tensor.Tensor     // (out), or nil
	Options tensor.ConvOptions // of each pair the second number counts
}

// NewConv1d returns a layer. Options: Stride, Padding, Dilation, Groups,
// WithInit, WithBiasInit, NoBias.
func NewConv1d(init *Init, in, out, kernel int, list ...Option) *Conv1d {
	o := build("Conv1d", list, "Stride", "Padding", "Dilation", "Groups", "WithInit", "WithBiasInit", "NoBias")
	l := &Conv1d{Options: o.conv(in, out)}
	l.Weight, l.Bias = o.weightAndBias(init, in/o.groups*kernel, out/o.groups*kernel, out, out, in/o.groups, kernel)
	return l
}

// Forward maps (N, in, L) to (N, out, OL).
func (l *Conv1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.Conv1d(x, c.param(l.Weight), c.param(l.Bias), l.Options))
}

// ConvTranspose2d is the transposed convolution, which enlarges images:
// (N, in, H, W) to (N, out, OH, OW) with
// OH = (H-1)*stride - 2*padding + dilation*(KH-1) + output padding + 1.
type ConvTranspose2d struct {
	Weight  *tensor.Tensor // (in, out/groups, KH, KW)
	Bias    *tensor.Tensor // (out), or nil
	Options tensor.ConvOptions
}

// NewConvTranspose2d returns a layer of square filters. Options: Stride,
// Padding, OutputPadding, Dilation, Groups, WithInit, WithBiasInit, NoBias. As
// in PyTorch, the fan-in that an initialiser is told is that of the
// convolution this is the transpose of: out/groups * kernel².
func NewConvTranspose2d(init *Init, in, out, kernel int, list ...Option) *ConvTranspose2d {
	o := build("ConvTranspose2d", list, "Stride", "Padding", "OutputPadding", "Dilation", "Groups", "WithInit", "WithBiasInit", "NoBias")
	l := &ConvTranspose2d{Options: o.conv(in, out)}
	l.Weight, l.Bias = o.weightAndBias(init, out/o.groups*kernel*kernel, in/o.groups*kernel*kernel, out,
		in, out/o.groups, kernel, kernel)
	return l
}

// Forward maps (N, in, H, W) to (N, out, OH, OW).
func (l *ConvTranspose2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.ConvTranspose2d(x, c.param(l.Weight), c.param(l.Bias), l.Options))
}

// ConvTranspose1d is the transposed convolution of sequences:
// (N, in, L) to (N, out, OL).
type ConvTranspose1d struct {
	Weight  *tensor.Tensor     // (in, out/groups, KL)
	Bias    *tensor.Tensor     // (out), or nil
	Options tensor.ConvOptions // of each pair the second number counts
}

// NewConvTranspose1d returns a layer. The options are those of
// [NewConvTranspose2d].
func NewConvTranspose1d(init *Init, in, out, kernel int, list ...Option) *ConvTranspose1d {
	o := build("ConvTranspose1d", list, "Stride", "Padding", "OutputPadding", "Dilation", "Groups", "WithInit", "WithBiasInit", "NoBias")
	l := &ConvTranspose1d{Options: o.conv(in, out)}
	l.Weight, l.Bias = o.weightAndBias(init, out/o.groups*kernel, in/o.groups*kernel, out, in, out/o.groups, kernel)
	return l
}

// Forward maps (N, in, L) to (N, out, OL).
func (l *ConvTranspose1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.ConvTranspose1d(x, c.param(l.Weight), c.param(l.Bias), l.Options))
}
