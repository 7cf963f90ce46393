package tensor

import (
	"github.com/hadal-ml/hadal/internal/kernel/pool"
)

// PoolOptions are the settings of pooling, (height, width). Zero values mean a
// stride of the window's size, no padding, dilation 1.
type PoolOptions struct {
	Stride, Padding, Dilation [2]int
	Ceil                      bool // round the output size up
	// ExcludePadding makes an average count only the pixels of the image.
	ExcludePadding bool
}

// poolAttr is what the pooling operations share.
type poolAttr struct {
	kernel [2]int
	PoolOptions
	size [2]int // of the input, for gradients
}

func newPoolAttr(kernel [2]int, o []PoolOptions) poolAttr {
	a := poolAttr{kernel: kernel}
	if len(o) > 0 {
		a.PoolOptions = o[0]
	}
	for i := range 2 {
		if a.Stride[i] == 0 {
			a.Stride[i] = kernel[i]
		}
		a.Dilation[i] = max(a.Dilation[i], 1)
	}
	return a
}

// window describes a pooling of x (N, C, H, W) to the kernels.
func (a poolAttr) window(c *Call, n, channels, h, w int) pool.Shape {
	s := pool.Shape{N: n, H: h, W: w, C: channels, KH: a.kernel[0], KW: a.kernel[1],
		StrideH: a.Stride[0], StrideW: a.Stride[1], PadH: a.Padding[0], PadW: a.Padding[1],
		DilationH: a.Dilation[0], DilationW: a.Dilation[1], Ceil: a.Ceil}
	if err := s.Validate(); err != nil {
		misfit(c.Op.Name, c.In, "%v", err)
	}
	return s
}

// poolForward returns the window of x (N, C, H, W), the first operand.
func poolForward(c *Call) pool.Shape {
	x := c.In[0]
	if len(x.shape) != 4 || !x.dtype.IsFloat() {
		misfit(c.Op.Name, c.In, "needs floating-point images (N, C, H, W)")
	}
	return c.Attr.(poolAttr).window(c, x.shape[0], x.shape[1], x.shape[2], x.shape[3])
}

// poolBackward returns the window for gy (N, C, OH, OW), the first operand.
func poolBackward(c *Call) pool.Shape {
	gy, a := c.In[0], c.Attr.(poolAttr)
	return a.window(c, gy.shape[0], gy.shape[1], a.size[0], a.size[1])
}

// images describes an output (n, c, h, w) that lies channels-last.
func images(d DType, n, c, h, w int) Spec {
	shape := []int{n, c, h, w}
	return Spec{shape, d, channelsLastStride(shape)}
}

// maxPoolKernels runs one of the three max-pooling kernels for the element type
// of x and the index type of arg.
func maxPoolKernels(c *Call, arg *Tensor, f32u func(arg []uint8), f32i func(arg []int32), f64u func(arg []uint8), f64i func(arg []int32)) {
	var small []uint8
	var wide []int32
	useSmall := arg == nil || arg.dtype == UInt8
	if arg != nil && useSmall {
		small = dense[uint8](arg)
	} else if arg != nil {
		wide = dense[int32](arg)
	}
	switch d := c.In[0].dtype; {
	case d == Float32 && useSmall:
		f32u(small)
	case d == Float32:
		f32i(wide)
	case d == Float64 && useSmall:
		f64u(small)
	case d == Float64:
		f64i(wide)
	default:
		misfit(c.Op.Name, c.In[:1], "not defined for %v; convert to float32", d)
	}
}

var opMaxPool2d, opMaxPool2dGrad, opMaxPool2dPick *Op

func init() {
	opMaxPool2d = register(&Op{Name: "max_pool2d", Doc: "MaxPool2d is the largest element of each window of an image, and where it stands.", ONNX: "MaxPool",
		Saved: &Saved{Out: []int{1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			s := poolForward(c)
			specs := []Spec{images(c.In[0].dtype, s.N, s.C, s.OutH(), s.OutW())}
			arg := specs[0]
			arg.DType = Int32
			if s.IndexFitsUint8() {
				arg.DType = UInt8
			}
			if !wantsGrad(c) {
				arg.Shape, arg.Stride = []int{0}, nil
			}
			return append(specs, arg)
		},
		Run: func(c *Call) {
			s, x, y, arg := poolForward(c), c.In[0], c.Out[0], c.Out[1]
			if arg.Len() == 0 {
				arg = nil
			}
			maxPoolKernels(c, arg,
				func(a []uint8) { pool.Max(s, dense[float32](x), dense[float32](y), a) },
				func(a []int32) { pool.Max(s, dense[float32](x), dense[float32](y), a) },
				func(a []uint8) { pool.Max(s, dense[float64](x), dense[float64](y), a) },
				func(a []int32) { pool.Max(s, dense[float64](x), dense[float64](y), a) })
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(poolAttr)
			a.size = [2]int{g.In[0].shape[2], g.In[0].shape[3]}
			g.Set(0, apply(opMaxPool2dGrad, a, g.Gy(0).ChannelsLast(), g.Out[1]))
		},
		Cost: func(c *Call) (flops, bytes int64) { // a comparison for each position of each window
			a, y := c.Attr.(poolAttr), c.Out[0]
			moved := (c.In[0].Len()+y.Len())*y.dtype.Size() + c.Out[1].Len()*c.Out[1].dtype.Size()
			return int64(y.Len() * a.kernel[0] * a.kernel[1]), int64(moved)
		},
		Samples: maxPoolSamples})
	opMaxPool2dGrad = register(&Op{Name: "max_pool2d_grad", Doc: "The gradient of MaxPool2d: each element goes to where the largest stood.",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			s := poolBackward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.H, s.W)}
		},
		Run: func(c *Call) {
			s, gy, gx := poolBackward(c), c.In[0], c.Out[0]
			maxPoolKernels(c, c.In[1],
				func(a []uint8) { pool.MaxGrad(s, dense[float32](gy), a, dense[float32](gx)) },
				func(a []int32) { pool.MaxGrad(s, dense[float32](gy), a, dense[float32](gx)) },
				func(a []uint8) { pool.MaxGrad(s, dense[float64](gy), a, dense[float64](gx)) },
				func(a []int32) { pool.MaxGrad(s, dense[float64](gy), a, dense[float64](gx)) })
		},
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				g.Set(0, apply(opMaxPool2dPick, g.Attr, g.Gy(0).ChannelsLast(), g.In[1]))
			}
		},
		Samples: func(s *Sampler) []Sample { return maxPoolGradSamples(s, false) }})
	opMaxPool2dPick = register(&Op{Name: "max_pool2d_pick", Doc: "The elements of an image that MaxPool2d chose from another: the gradient of its gradient.",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			s := poolForward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.OutH(), s.OutW())}
		},
		Run: func(c *Call) {
			s, x, y := poolForward(c), c.In[0], c.Out[0]
			maxPoolKernels(c, c.In[1],
				func(a []uint8) { pool.MaxPick(s, dense[float32](x), a, dense[float32](y)) },
				func(a []int32) { pool.MaxPick(s, dense[float32](x), a, dense[float32](y)) },
				func(a []uint8) { pool.MaxPick(s, dense[float64](x), a, dense[float64](y)) },
				func(a []int32) { pool.MaxPick(s, dense[float64](x), a, dense[float64](y)) })
		},
		Grad: func(g *GradCall) {
			if g.Needs(0) {
				a := g.Attr.(poolAttr)
				a.size = [2]int{g.In[0].shape[2], g.In[0].shape[3]}
				g.Set(0, apply(opMaxPool2dGrad, a, g.Gy(0).ChannelsLast(), g.In[1]))
			}
		},
		Samples: func(s *Sampler) []Sample { return maxPoolGradSamples(s, true) }})
}

func maxPoolSamples(s *Sampler) []Sample {
	img := func(n, c, h, w int) []*Tensor { return []*Tensor{s.Distinct(n, c, h, w).ChannelsLast()} }
	return []Sample{
		{"2x2", img(2, 3, 4, 4), newPoolAttr([2]int{2, 2}, nil)},
		{"3x3 stride 2 padded", img(1, 2, 5, 6), newPoolAttr([2]int{3, 3}, []PoolOptions{{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}})},
		{"overlapping, ceil", img(1, 1, 4, 5), newPoolAttr([2]int{3, 2}, []PoolOptions{{Stride: [2]int{2, 2}, Ceil: true}})},
		{"window too large for a byte", img(1, 1, 17, 18), newPoolAttr([2]int{16, 17}, []PoolOptions{{Stride: [2]int{1, 1}}})},
	}
}

func maxPoolGradSamples(s *Sampler, pick bool) []Sample {
	var out []Sample
	for _, f := range maxPoolSamples(s)[:3] {
		x, a := f.In[0], f.Attr.(poolAttr)
		x.tracked = true
		made := applyAll(opMaxPool2d, a, x)
		x.tracked = false
		first := s.Normal(made[0].shape...).ChannelsLast()
		if pick {
			first = s.Normal(x.shape...).ChannelsLast()
		} else {
			a.size = [2]int{x.shape[2], x.shape[3]}
		}
		out = append(out, Sample{f.Name, []*Tensor{first, made[1]}, a})
	}
	return out
}

// MaxPool2d takes the largest element of each square window of images
// (N, C, H, W). Without options the windows lie side by side. NaN wins; of
// equal elements the first gets the gradient.
func (t *Tensor) MaxPool2d(kernel int, options ...PoolOptions) *Tensor {
	return MaxPool2d(t, [2]int{kernel, kernel}, options...)
}

// MaxPool2d is the method of the same name for windows that are not square,
// (height, width).
func MaxPool2d(x *Tensor, kernel [2]int, options ...PoolOptions) *Tensor {
	if len(x.shape) != 4 {
		misfit("max_pool2d", []*Tensor{x}, "needs images (N, C, H, W)")
	}
	return apply(opMaxPool2d, newPoolAttr(kernel, options), x.ChannelsLast())
}
