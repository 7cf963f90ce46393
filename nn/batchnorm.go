package nn

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// BatchNorm normalises each channel of (N, C, ...) over the batch and all
// positions, then scales and shifts it (Ioffe and Szegedy, arXiv 1502.03167).
// In training it uses the statistics of the batch and moves the running ones
// towards them; otherwise it uses the running ones. It is what [BatchNorm1d]
// and [BatchNorm2d] share.
type BatchNorm struct {
	Weight, Bias      *tensor.Tensor // (C), scale and shift; nil with NoAffine
	RunningMean       *tensor.Tensor `nn:",buffer"` // (C)
	RunningVar        *tensor.Tensor `nn:",buffer"` // (C), with divisor n-1
	NumBatchesTracked *tensor.Tensor `nn:",buffer"` // int64 scalar

	Eps      float64 // added to the variance
	Momentum float64 // share of the batch in the running statistics

	// Frozen makes training use the running statistics as inference does, and
	// leave them alone. [Freeze] sets it.
	Frozen bool
}

// BatchNorm1d is [BatchNorm] for vectors (N, C) and sequences (N, C, L).
type BatchNorm1d struct{ BatchNorm }

// BatchNorm2d is [BatchNorm] for images (N, C, H, W).
type BatchNorm2d struct{ BatchNorm }

// NewBatchNorm1d returns a layer for a number of channels. Options: Eps (1e-5),
// Momentum (0.1), NoAffine.
func NewBatchNorm1d(channels int, list ...Option) *BatchNorm1d {
	return &BatchNorm1d{newBatchNorm("BatchNorm1d", channels, list)}
}

// NewBatchNorm2d returns a layer for a number of channels. Options: Eps (1e-5),
// Momentum (0.1), NoAffine.
func NewBatchNorm2d(channels int, list ...Option) *BatchNorm2d {
	return &BatchNorm2d{newBatchNorm("BatchNorm2d", channels, list)}
}

func newBatchNorm(layer string, channels int, list []Option) BatchNorm {
	o := build(layer, list, "Eps", "Momentum", "NoAffine")
	l := BatchNorm{
		RunningMean: tensor.Zeros(channels), RunningVar: tensor.Ones(channels), NumBatchesTracked: tensor.Scalar(0, tensor.Int64),
		Eps: o.eps, Momentum: o.momentum,
	}
	l.Weight, l.Bias = o.scaleAndShift(channels)
	return l
}

// Forward keeps the shape (N, C) or (N, C, L).
func (l *BatchNorm1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, nil, false, 2, 3))
}

// ForwardReLU is Forward followed by ReLU, in one pass.
func (l *BatchNorm1d) ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, nil, true, 2, 3))
}

// ForwardAddReLU is ReLU(Forward(x) + shortcut), in one pass. The shortcut has
// the shape of x.
func (l *BatchNorm1d) ForwardAddReLU(c *Context, x, shortcut *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, shortcut, true, 2, 3))
}

// Forward keeps the shape (N, C, H, W).
func (l *BatchNorm2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, nil, false, 4, 4))
}

// ForwardReLU is Forward followed by ReLU, in one pass.
func (l *BatchNorm2d) ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, nil, true, 4, 4))
}

// ForwardAddReLU is ReLU(Forward(x) + shortcut), the end of a residual block, in
// one pass. The shortcut has the shape of x.
func (l *BatchNorm2d) ForwardAddReLU(c *Context, x, shortcut *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, l.forward(c, x, shortcut, true, 4, 4))
}

// forward takes inputs of minDims to maxDims axes. A shortcut, if any, is added
// before the ReLU.
func (l *BatchNorm) forward(c *Context, x, shortcut *tensor.Tensor, relu bool, minDims, maxDims int) *tensor.Tensor {
	channels := l.RunningMean.Len()
	if x.NDim() < minDims || x.NDim() > maxDims || x.Dim(1) != channels {
		want := fmt.Sprintf("needs (N, %d, H, W)", channels)
		if maxDims == 3 {
			want = fmt.Sprintf("needs (N, %d) or (N, %d, L)", channels, channels)
		}
		misfit("batch_norm", want, x, l.RunningMean)
	}
	if !c.training || l.Frozen {
		scale, shift := l.fixed(c).ScaleShift()
		switch {
		case shortcut != nil:
			return tensor.ScaleShiftAddReLU(x, shortcut, scale, shift)
		case relu:
			return tensor.ScaleShiftReLU(x, scale, shift)
		}
		return tensor.ScaleShift(x, scale, shift)
	}
	weight, bias := c.param(l.Weight), c.param(l.Bias)
	var y, mean, variance *tensor.Tensor
	switch {
	case shortcut != nil:
		y, mean, variance = tensor.BatchNormAddReLU(x, shortcut, weight, bias, l.Eps)
	case relu:
		y, mean, variance = tensor.BatchNormReLU(x, weight, bias, l.Eps)
	default:
		y, mean, variance = tensor.BatchNorm(x, weight, bias, l.Eps)
	}
	n := float64(x.Len() / channels)
	follow(l.RunningMean, mean, l.Momentum, 1)
	follow(l.RunningVar, variance, l.Momentum, n/(n-1))
	tensor.MutableData[int64](l.NumBatchesTracked)[0]++
	return y
}

// fixed is the layer as it is when it uses the running statistics.
func (l *BatchNorm) fixed(c *Context) tensor.FixedNorm {
	return tensor.FixedNorm{Mean: l.RunningMean, Var: l.RunningVar, Gamma: c.param(l.Weight), Beta: c.param(l.Bias), Eps: l.Eps}
}

// follow moves running statistics towards those of a batch, times a correction.
func follow(running, batch *tensor.Tensor, momentum, correction float64) {
	if running.DType() == tensor.Float64 {
		followAs[float64](running, batch, momentum, correction)
	} else {
		followAs[float32](running, batch, momentum, correction)
	}
}

func followAs[T float32 | float64](running, batch *tensor.Tensor, momentum, correction float64) {
	r := tensor.MutableData[T](running)
	for i, v := range tensor.Data[T](batch) {
		r[i] = T((1-momentum)*float64(r[i]) + momentum*correction*float64(v))
	}
}
