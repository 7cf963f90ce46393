package tensor

import "github.com/hadal-ml/hadal/internal/kernel/pool"

var opAvgPool2d, opAvgPool2dGrad *Op

func init() {
	opAvgPool2d = register(&Op{Name: "avg_pool2d", Doc: "AvgPool2d is the mean of each window of an image.", ONNX: "AveragePool", Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			s := poolForward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.OutH(), s.OutW())}
		},
		Run: func(c *Call) {
			s, padding := poolForward(c), !c.Attr.(poolAttr).ExcludePadding
			imageKernel(c, func(x, y []float32) { pool.Average(s, x, y, padding) }, func(x, y []float64) { pool.Average(s, x, y, padding) })
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(poolAttr)
			a.size = [2]int{g.In[0].shape[2], g.In[0].shape[3]}
			g.Set(0, apply(opAvgPool2dGrad, a, g.Gy(0).ChannelsLast()))
		},
		Samples: avgPoolSamples})
	opAvgPool2dGrad = register(&Op{Name: "avg_pool2d_grad", Doc: "The gradient of AvgPool2d: each element is shared out over its window.", Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			s := poolBackward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.H, s.W)}
		},
		Run: func(c *Call) {
			s, padding := poolBackward(c), !c.Attr.(poolAttr).ExcludePadding
			imageKernel(c, func(gy, gx []float32) { pool.AverageGrad(s, gy, gx, padding) }, func(gy, gx []float64) { pool.AverageGrad(s, gy, gx, padding) })
		},
		Grad: func(g *GradCall) { g.Set(0, apply(opAvgPool2d, g.Attr, g.Gy(0).ChannelsLast())) },
		Samples: func(s *Sampler) []Sample {
			out := avgPoolSamples(s)
			for i, f := range out {
				x, a := f.In[0], f.Attr.(poolAttr)
				a.size = [2]int{x.shape[2], x.shape[3]}
				out[i] = Sample{f.Name, []*Tensor{s.Normal(apply(opAvgPool2d, a, x).shape...).ChannelsLast()}, a}
			}
			return out
		}})
}

func avgPoolSamples(s *Sampler) []Sample {
	img := func(n, c, h, w int) []*Tensor { return []*Tensor{s.Normal(n, c, h, w).ChannelsLast()} }
	padded := PoolOptions{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}
	image := padded
	image.ExcludePadding = true
	return []Sample{
		{"2x2", img(2, 3, 4, 4), newPoolAttr([2]int{2, 2}, nil)},
		{"3x3 stride 2 padded", img(1, 2, 5, 6), newPoolAttr([2]int{3, 3}, []PoolOptions{padded})},
		{"padding not counted", img(1, 2, 5, 6), newPoolAttr([2]int{3, 3}, []PoolOptions{image})},
		{"overlapping, ceil", img(1, 1, 4, 5), newPoolAttr([2]int{3, 2}, []PoolOptions{{Stride: [2]int{2, 2}, Ceil: true}})},
	}
}

// imageKernel runs a kernel from one image to another for the element type of
// the first operand.
func imageKernel(c *Call, f32 func(x, y []float32), f64 func(x, y []float64)) {
	x, y := c.In[0], c.Out[0]
	switch x.dtype {
	case Float32:
		f32(dense[float32](x), dense[float32](y))
	case Float64:
		f64(dense[float64](x), dense[float64](y))
	default:
		widened(y, c.In[:1], func(y *Tensor, in []*Tensor) { f32(dense[float32](in[0]), dense[float32](y)) })
	}
}

// AvgPool2d averages each square window of images (N, C, H, W). Without
// options the windows lie side by side.
func (t *Tensor) AvgPool2d(kernel int, options ...PoolOptions) *Tensor {
	return AvgPool2d(t, [2]int{kernel, kernel}, options...)
}

// AvgPool2d is the method of the same name for windows that are not square,
// (height, width).
func AvgPool2d(x *Tensor, kernel [2]int, options ...PoolOptions) *Tensor {
	return apply(opAvgPool2d, newPoolAttr(kernel, options), imagesOf("avg_pool2d", x).ChannelsLast())
}

// imagesOf panics unless x is (N, C, H, W).
func imagesOf(op string, x *Tensor) *Tensor {
	if len(x.shape) != 4 {
		misfit(op, []*Tensor{x}, "needs images (N, C, H, W)")
	}
	return x
}

// MaxPool1d is MaxPool2d for sequences (N, C, L). Of the options only the
// second number counts.
func (t *Tensor) MaxPool1d(kernel int, options ...PoolOptions) *Tensor {
	return MaxPool2d(asImages("max_pool1d", t), [2]int{1, kernel}, alongWidth(options)...).Squeeze(2)
}

// AvgPool1d is AvgPool2d for sequences (N, C, L). Of the options only the
// second number counts.
func (t *Tensor) AvgPool1d(kernel int, options ...PoolOptions) *Tensor {
	return AvgPool2d(asImages("avg_pool1d", t), [2]int{1, kernel}, alongWidth(options)...).Squeeze(2)
}

// asImages views sequences (N, C, L) as images of height 1.
func asImages(op string, t *Tensor) *Tensor {
	if len(t.shape) != 3 {
		misfit(op, []*Tensor{t}, "needs sequences (N, C, L)")
	}
	return t.Unsqueeze(2)
}

// alongWidth takes out of the options what concerns the height.
func alongWidth(options []PoolOptions) []PoolOptions {
	var o PoolOptions
	if len(options) > 0 {
		o = options[0]
	}
	o.Stride[0], o.Padding[0], o.Dilation[0] = 1, 0, 1
	return []PoolOptions{o}
}
