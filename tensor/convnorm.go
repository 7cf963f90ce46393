package tensor

import (
	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// FixedNorm is batch normalisation with fixed statistics, as a trained network
// uses it: (x - Mean)/sqrt(Var + Eps)*Gamma + Beta for each channel.
type FixedNorm struct {
	Mean, Var   *Tensor // (C)
	Gamma, Beta *Tensor // (C); either may be nil
	Eps         float64
}

// ScaleShift returns the scale and the shift (C) that the normalisation comes to,
// for the function [ScaleShift].
func (n FixedNorm) ScaleShift() (scale, shift *Tensor) {
	scale = n.Var.AddScalar(n.Eps).Rsqrt()
	if n.Gamma != nil {
		scale = scale.Mul(n.Gamma)
	}
	shift = n.Mean.Mul(scale).Neg()
	if n.Beta != nil {
		shift = shift.Add(n.Beta)
	}
	return scale, shift
}

// convNormAttr is a convolution, with ReLU at the very end, and a normalisation.
type convNormAttr struct {
	convAttr
	eps float64
}

// fixedNormOf returns the normalisation of a call, whose operands are x, weight,
// bias, mean, variance, gamma, beta and what is added.
func fixedNormOf(c *Call) *FixedNorm {
	return &FixedNorm{Mean: c.In[3], Var: c.In[4], Gamma: c.In[5], Beta: c.In[6], Eps: c.Attr.(convNormAttr).eps}
}

var opConv2dNorm *Op

func init() {
	opConv2dNorm = register(&Op{Name: "conv2d_norm", Doc: "Conv2dNorm is Conv2d followed by batch normalisation with fixed statistics; it adds another tensor and takes ReLU where asked for.",
		NoGrad: "where gradients are recorded, its functions call conv2d and scale_shift",
		Infer: func(c *Call) []Spec {
			a := c.Attr.(convNormAttr)
			out := opConv2d.Infer(&Call{Op: c.Op, In: c.In[:3], Attr: a.convAttr})
			y := &Tensor{shape: out[0].Shape, dtype: out[0].DType}
			checkChannelwise(&Call{Op: c.Op, In: []*Tensor{y, c.In[3], c.In[4], c.In[7]}})
			checkChannelwise(&Call{Op: c.Op, In: []*Tensor{y, c.In[5], c.In[6], nil}})
			return out
		},
		Run: func(c *Call) {
			if c.Out[0].dtype == Float32 {
				convNorm32(c)
			} else {
				convNorm[float64](c)
			}
		},
		Define: func(c *Call) []*Tensor {
			a := c.Attr.(convNormAttr)
			relu := a.relu
			a.relu = false
			scale, shift := fixedNormOf(c).ScaleShift()
			return []*Tensor{affine(apply(opConv2d, a.convAttr, c.In[:3]...), scale, shift, c.In[7], relu)}
		},
		Cost: func(c *Call) (flops, bytes int64) {
			flops, bytes = opConv2d.Cost(&Call{Op: opConv2d, In: c.In[:3], Out: c.Out, Attr: c.Attr.(convNormAttr).convAttr})
			if c.In[7] != nil {
				bytes += int64(c.In[7].Len() * c.In[7].dtype.Size())
			}
			return flops, bytes
		},
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for i, f := range convSamples(s) {
				a := convNormAttr{f.Attr.(convAttr), 1e-3}
				y := apply(opConv2d, a.convAttr, f.In...)
				k := y.shape[1]
				in := append(f.In, s.Normal(k), s.Positive(k), nil, nil, nil)
				if i%2 == 0 {
					in[5], in[6], in[7] = s.Normal(k), s.Normal(k), s.Normal(y.shape...).ChannelsLast()
				}
				out = append(out, Sample{f.Name, in, a})
			}
			return out
		}})
}

// convNorm32 computes a call for float32. Where nothing is recorded and all
// operands last, the normalisation is folded into weights that are kept.
func convNorm32(c *Call) {
	y := c.Out[0]
	if casts(y) || !y.noGrad || !areLasting(c.In[1:7]...) {
		convNorm[float32](c)
		return
	}
	a := c.Attr.(convNormAttr)
	s := convForward(&Call{Op: c.Op, In: c.In[:2], Attr: a.convAttr})
	weights, bias := packedFor(s, c.In[1], c.In[2], fixedNormOf(c))
	conv.ForwardPacked(s, dense[float32](c.In[0]), weights, dense[float32](y), gemm.Epilogue{Bias: bias, Add: denseOrNil[float32](c.In[7]), ReLU: a.relu})
}

// convNorm computes a call as a convolution and a pass over its result.
func convNorm[T real](c *Call) {
	y, a := c.Out[0], c.Attr.(convNormAttr)
	relu := a.relu
	a.relu = false
	opConv2d.Run(&Call{Op: opConv2d, In: c.In[:3], Out: c.Out, Attr: a.convAttr})
	scale, shift := fixedAffine[T](fixedNormOf(c))
	scaleShift(walkChannels(y), dense[T](y), dense[T](y), scale, shift, denseOrNil[T](c.In[7]), relu)
}

// Conv2dNorm is [Conv2d] followed by a normalisation of its channels. In an
// inference scope the two are one pass over memory, with weights that are scaled
// once and kept until any of the tensors changes.
func Conv2dNorm(x, weight, bias *Tensor, o ConvOptions, norm FixedNorm) *Tensor {
	return conv2dNorm(x, weight, bias, nil, convAttr{ConvOptions: o.filled()}, norm)
}

// Conv2dNormReLU is Conv2dNorm followed by ReLU.
func Conv2dNormReLU(x, weight, bias *Tensor, o ConvOptions, norm FixedNorm) *Tensor {
	return conv2dNorm(x, weight, bias, nil, convAttr{ConvOptions: o.filled(), relu: true}, norm)
}

// Conv2dNormAddReLU is ReLU(Conv2dNorm(x) + shortcut) with a shortcut of the shape
// of the result.
func Conv2dNormAddReLU(x, shortcut, weight, bias *Tensor, o ConvOptions, norm FixedNorm) *Tensor {
	return conv2dNorm(x, weight, bias, shortcut, convAttr{ConvOptions: o.filled(), relu: true}, norm)
}

func conv2dNorm(x, weight, bias, shortcut *Tensor, a convAttr, norm FixedNorm) *Tensor {
	in := []*Tensor{x, weight, bias, norm.Mean, norm.Var, norm.Gamma, norm.Beta, shortcut}
	if recorded(in) {
		relu := a.relu
		a.relu = false
		scale, shift := norm.ScaleShift()
		return apply(opScaleShift, relu, channelwise(conv2d(x, weight, bias, a), scale, shift, shortcut)...)
	}
	in[0] = convLayout(x, weight)
	for i := 1; i < 7; i++ {
		in[i] = contiguousOrNil(in[i])
	}
	if shortcut != nil && len(shortcut.shape) == 4 {
		in[7] = shortcut.ChannelsLast()
	}
	return apply(opConv2dNorm, convNormAttr{a, norm.Eps}, in...)
}

// recorded reports whether what is computed from operands is put on the tape.
func recorded(operands []*Tensor) bool {
	tracked := false
	for _, t := range operands {
		if t != nil && t.noGrad {
			return false
		}
		tracked = tracked || t != nil && t.tracked
	}
	return tracked
}
