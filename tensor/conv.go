package tensor

import (
	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// ConvOptions are the settings of a convolution, (height, width). Zero values
// mean stride 1, no padding, dilation 1, one group.
type ConvOptions struct {
	Stride, Padding, Dilation [2]int
	Groups                    int
	// OutputPadding makes the output of a transposed convolution larger on one
	// side, to tell apart the input sizes that give one output size.
	OutputPadding [2]int
}

// convAttr is what the three convolution operations share.
type convAttr struct {
	ConvOptions
	relu   bool
	size   [2]int // of the input, for the input gradient
	kernel [2]int // of the weight, for the weight gradient
}

func (o ConvOptions) filled() ConvOptions {
	for i := range 2 {
		o.Stride[i] = max(o.Stride[i], 1)
		o.Dilation[i] = max(o.Dilation[i], 1)
	}
	o.Groups = max(o.Groups, 1)
	return o
}

// shape describes the forward convolution to the kernels.
func (a convAttr) shape(n, h, w, c, k, kh, kw int) conv.Shape {
	return conv.Shape{N: n, H: h, W: w, C: c, K: k, KH: kh, KW: kw,
		StrideH: a.Stride[0], StrideW: a.Stride[1], PadH: a.Padding[0], PadW: a.Padding[1],
		DilationH: a.Dilation[0], DilationW: a.Dilation[1], Groups: a.Groups}
}

var opConv2d, opConv2dInputGrad, opConv2dWeightGrad *Op

// convForward returns the kernel shape for x (N, C, H, W) and w (K, C/G, KH, KW).
func convForward(c *Call) conv.Shape {
	x, w := c.In[0], c.In[1]
	wantWide(c)
	if len(x.shape) != 4 || len(w.shape) != 4 {
		misfit(c.Op.Name, c.In[:2], "needs an input (N, C, H, W) and a weight (K, C/groups, KH, KW)")
	}
	a := c.Attr.(convAttr)
	if x.shape[1] != w.shape[1]*a.Groups {
		misfit(c.Op.Name, c.In[:2], "the input has %d channels, the weight takes %d", x.shape[1], w.shape[1]*a.Groups)
	}
	s := a.shape(x.shape[0], x.shape[2], x.shape[3], x.shape[1], w.shape[0], w.shape[2], w.shape[3])
	s.Planar = !x.isChannelsLast()
	if err := s.Validate(); err != nil {
		misfit(c.Op.Name, c.In[:2], "%v", err)
	}
	return s
}

// convInputGrad returns the kernel shape for gy (N, K, OH, OW) and w (K, C/G, KH, KW).
func convInputGrad(c *Call) conv.Shape {
	gy, w := c.In[0], c.In[1]
	wantWide(c)
	if len(gy.shape) != 4 || len(w.shape) != 4 || gy.shape[1] != w.shape[0] {
		misfit(c.Op.Name, c.In[:2], "needs (N, K, H, W) and a weight (K, C/groups, KH, KW) with the same K")
	}
	a := c.Attr.(convAttr)
	s := a.shape(gy.shape[0], a.size[0], a.size[1], w.shape[1]*a.Groups, w.shape[0], w.shape[2], w.shape[3])
	if err := s.Validate(); err != nil {
		misfit(c.Op.Name, c.In[:2], "%v", err)
	}
	return s
}

// convWeightGrad returns the kernel shape for x (N, C, H, W) and gy (N, K, OH, OW).
func convWeightGrad(c *Call) conv.Shape {
	x, gy := c.In[0], c.In[1]
	a := c.Attr.(convAttr)
	s := a.shape(x.shape[0], x.shape[2], x.shape[3], x.shape[1], gy.shape[1], a.kernel[0], a.kernel[1])
	s.Planar = !x.isChannelsLast()
	return s
}

func init() {
	cost := func(shape func(c *Call) conv.Shape) func(c *Call) (int64, int64) {
		return func(c *Call) (int64, int64) {
			bytes := int64(c.Out[0].Len() + c.In[0].Len() + c.In[1].Len())
			return int64(shape(c).FLOPs()), bytes * int64(c.Out[0].dtype.Size())
		}
	}
	opConv2d = register(&Op{Name: "conv2d", Doc: "Conv2d is the cross-correlation of images with a bank of filters, with bias and ReLU where asked for.", ONNX: "Conv",
		Saved: &Saved{In: []int{0, 1}, Out: []int{0}},
		Infer: func(c *Call) []Spec {
			s := convForward(c)
			if b := c.In[2]; b != nil && (len(b.shape) != 1 || b.shape[0] != s.K) {
				misfit("conv2d", c.In, "the bias must have one element an output channel")
			}
			shape := []int{s.N, s.K, s.OutH(), s.OutW()}
			return []Spec{{shape, c.In[0].dtype, channelsLastStride(shape)}}
		},
		Run: func(c *Call) {
			s, x, w, b, y := convForward(c), c.In[0], c.In[1], c.In[2], c.Out[0]
			relu := c.Attr.(convAttr).relu
			if y.dtype == Float32 {
				e := gemm.Epilogue{ReLU: relu}
				if b != nil {
					e.Bias = dense[float32](b)
				}
				convForward32(s, x, w, y, e)
				return
			}
			conv.ForwardPortable(s, dense[float64](x), dense[float64](w), dense[float64](y))
			if b != nil {
				addInto(y, b.alias().restride([]int{1, s.K, 1, 1}))
			}
			if relu {
				opReLU.Run(&Call{Op: opReLU, In: []*Tensor{y}, Out: []*Tensor{y}})
			}
		},
		Grad: func(g *GradCall) {
			x, w, gy, a := g.In[0], g.In[1], g.Gy(0), g.Attr.(convAttr)
			if a.relu {
				gy = apply(opReLUGrad, nil, gy, g.Out[0])
				a.relu = false
			}
			gy = gy.ChannelsLast()
			a.size, a.kernel = [2]int{x.shape[2], x.shape[3]}, [2]int{w.shape[2], w.shape[3]}
			if g.Needs(0) {
				g.Set(0, apply(opConv2dInputGrad, a, gy, w))
			}
			if g.Needs(1) {
				g.Set(1, apply(opConv2dWeightGrad, a, x, gy))
			}
			if g.Needs(2) {
				g.Set(2, gy.Sum(0, 2, 3))
			}
		},
		Cost:    cost(convForward),
		Samples: convSamples})
	opConv2dInputGrad = register(&Op{Name: "conv2d_input_grad", Doc: "The gradient of Conv2d for its input: the transposed convolution.", ONNX: "ConvTranspose",
		Infer: func(c *Call) []Spec {
			s := convInputGrad(c)
			if c.In[0].shape[0] != s.N || c.In[0].shape[2] != s.OutH() || c.In[0].shape[3] != s.OutW() {
				misfit(c.Op.Name, c.In, "an output of %d x %d cannot come from an input of %d x %d", c.In[0].shape[2], c.In[0].shape[3], s.H, s.W)
			}
			shape := []int{s.N, s.C, s.H, s.W}
			return []Spec{{shape, c.In[0].dtype, channelsLastStride(shape)}}
		},
		Run: func(c *Call) {
			s, gy, w, gx := convInputGrad(c), c.In[0], c.In[1], c.Out[0]
			if gx.dtype == Float32 {
				convInputGrad32(s, gy, w, gx)
			} else {
				conv.InputGradPortable(s, dense[float64](gy), dense[float64](w), dense[float64](gx))
			}
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(convAttr)
			gg := g.Gy(0).ChannelsLast()
			if g.Needs(0) {
				g.Set(0, apply(opConv2d, a, gg, g.In[1], nil))
			}
			if g.Needs(1) {
				a.kernel = [2]int{g.In[1].shape[2], g.In[1].shape[3]}
				g.Set(1, apply(opConv2dWeightGrad, a, gg, g.In[0]))
			}
		},
		Cost: cost(convInputGrad),
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for _, f := range convSamples(s) {
				x, w, a := f.In[0], f.In[1], f.Attr.(convAttr)
				y := apply(opConv2d, a, x, w, nil)
				a.relu, a.size = false, [2]int{x.shape[2], x.shape[3]}
				out = append(out, Sample{f.Name, []*Tensor{s.Normal(y.shape...).ChannelsLast(), w}, a})
			}
			return out
		}})
	opConv2dWeightGrad = register(&Op{Name: "conv2d_weight_grad", Doc: "The gradient of Conv2d for its weight.",
		Infer: func(c *Call) []Spec {
			s := convWeightGrad(c)
			return []Spec{{[]int{s.K, s.C / s.Groups, s.KH, s.KW}, c.In[0].dtype, nil}}
		},
		Run: func(c *Call) {
			s, x, gy, gw := convWeightGrad(c), c.In[0], c.In[1], c.Out[0]
			if gw.dtype == Float32 {
				convWeightGrad32(s, x, gy, gw)
			} else {
				conv.WeightGradPortable(s, dense[float64](x), dense[float64](gy), dense[float64](gw))
			}
		},
		Grad: func(g *GradCall) {
			a, x, gy := g.Attr.(convAttr), g.In[0], g.In[1]
			gw := g.Gy(0).Contiguous()
			if g.Needs(0) {
				a.size = [2]int{x.shape[2], x.shape[3]}
				g.Set(0, apply(opConv2dInputGrad, a, gy, gw))
			}
			if g.Needs(1) {
				g.Set(1, apply(opConv2d, a, x, gw, nil))
			}
		},
		Cost: cost(convWeightGrad),
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for _, f := range convSamples(s) {
				x, w, a := f.In[0], f.In[1], f.Attr.(convAttr)
				y := apply(opConv2d, a, x, w, nil)
				a.relu, a.kernel = false, [2]int{w.shape[2], w.shape[3]}
				out = append(out, Sample{f.Name, []*Tensor{x, s.Normal(y.shape...).ChannelsLast()}, a})
			}
			return out
		}})
}

func convSamples(s *Sampler) []Sample {
	sample := func(name string, a convAttr, n, c, h, w, k, kh, kw int, bias bool) Sample {
		a.ConvOptions = a.filled()
		in := []*Tensor{s.Normal(n, c, h, w).ChannelsLast(), s.Normal(k, c/a.Groups, kh, kw), nil}
		if bias {
			in[2] = s.Normal(k)
		}
		return Sample{name, in, a}
	}
	opt := func(o ConvOptions) convAttr { return convAttr{ConvOptions: o} }
	return []Sample{
		sample("3x3", opt(ConvOptions{}), 2, 2, 5, 4, 3, 3, 3, true),
		sample("padded", opt(ConvOptions{Padding: [2]int{1, 2}}), 1, 2, 3, 4, 2, 3, 3, true),
		sample("stride", opt(ConvOptions{Stride: [2]int{2, 1}, Padding: [2]int{1, 0}}), 1, 1, 5, 4, 2, 3, 2, false),
		sample("dilation", opt(ConvOptions{Dilation: [2]int{2, 1}}), 1, 1, 5, 3, 1, 2, 2, true),
		sample("groups", opt(ConvOptions{Groups: 2, Padding: [2]int{1, 1}}), 1, 4, 3, 3, 2, 3, 3, true),
		sample("depthwise", opt(ConvOptions{Groups: 3}), 1, 3, 3, 4, 3, 2, 2, false),
		sample("relu", convAttr{relu: true}, 1, 2, 4, 4, 2, 3, 3, true),
	}
}

// Conv2d is the cross-correlation of x (N, C, H, W) with a weight
// (K, C/groups, KH, KW), plus a bias (K) unless it is nil: (N, K, OH, OW) with
// OH = (H + 2*padding - dilation*(KH-1) - 1)/stride + 1.
func Conv2d(x, weight, bias *Tensor, o ConvOptions) *Tensor {
	return conv2d(x, weight, bias, convAttr{ConvOptions: o.filled()})
}

// Conv2dReLU is Conv2d followed by ReLU in the same pass over memory.
func Conv2dReLU(x, weight, bias *Tensor, o ConvOptions) *Tensor {
	return conv2d(x, weight, bias, convAttr{ConvOptions: o.filled(), relu: true})
}

func conv2d(x, weight, bias *Tensor, a convAttr) *Tensor {
	return apply(opConv2d, a, convLayout(x, weight), weight.Contiguous(), contiguousOrNil(bias))
}

// convLayout lays the input of a convolution out as the kernels want it.
func convLayout(x, weight *Tensor) *Tensor {
	switch {
	case len(x.shape) != 4:
		misfit("conv2d", []*Tensor{x, weight}, "needs an input (N, C, H, W)")
	case !x.IsContiguous(): // planes are as good: the kernels rearrange what they read
		return x.ChannelsLast()
	}
	return x
}

// ConvTranspose2d is the transposed convolution of x (N, C, H, W) with a weight
// (C, K/groups, KH, KW), plus a bias (K) unless it is nil: (N, K, OH, OW) with
// OH = (H-1)*stride - 2*padding + dilation*(KH-1) + output padding + 1.
func ConvTranspose2d(x, weight, bias *Tensor, o ConvOptions) *Tensor {
	if len(x.shape) != 4 || len(weight.shape) != 4 || x.shape[1] != weight.shape[0] {
		misfit("conv_transpose2d", []*Tensor{x, weight}, "needs an input (N, C, H, W) and a weight (C, K/groups, KH, KW)")
	}
	o = o.filled()
	a := convAttr{ConvOptions: o}
	for i := range 2 {
		if o.OutputPadding[i] >= max(o.Stride[i], o.Dilation[i]) {
			misfit("conv_transpose2d", []*Tensor{x, weight}, "the output padding must be smaller than the stride or the dilation")
		}
		a.size[i] = (x.shape[2+i]-1)*o.Stride[i] - 2*o.Padding[i] + o.Dilation[i]*(weight.shape[2+i]-1) + o.OutputPadding[i] + 1
	}
	y := apply(opConv2dInputGrad, a, x.ChannelsLast(), weight.Contiguous())
	if bias == nil {
		return y
	}
	return y.Add(bias.Reshape(-1, 1, 1))
}

// Conv1d is Conv2d for x (N, C, L) and weight (K, C/groups, KL): (N, K, OL). Of
// the options only the second number counts.
func Conv1d(x, weight, bias *Tensor, o ConvOptions) *Tensor {
	if len(x.shape) != 3 || len(weight.shape) != 3 {
		misfit("conv1d", []*Tensor{x, weight}, "needs an input (N, C, L) and a weight (K, C/groups, KL)")
	}
	return Conv2d(x.Unsqueeze(2), weight.Unsqueeze(2), bias, o.alongWidth()).Squeeze(2)
}

// ConvTranspose1d is ConvTranspose2d for x (N, C, L) and weight (C, K/groups, KL).
func ConvTranspose1d(x, weight, bias *Tensor, o ConvOptions) *Tensor {
	if len(x.shape) != 3 || len(weight.shape) != 3 {
		misfit("conv_transpose1d", []*Tensor{x, weight}, "needs an input (N, C, L) and a weight (C, K/groups, KL)")
	}
	return ConvTranspose2d(x.Unsqueeze(2), weight.Unsqueeze(2), bias, o.alongWidth()).Squeeze(2)
}

func (o ConvOptions) alongWidth() ConvOptions {
	o.Stride[0], o.Padding[0], o.Dilation[0], o.OutputPadding[0] = 1, 0, 1, 0
	return o
}
