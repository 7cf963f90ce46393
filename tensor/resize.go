package tensor

import "github.com/hadal-ml/hadal/internal/kernel/pool"

// resizeAttr is the size that images get, or for a gradient had, and how
// bilinear interpolation places them.
type resizeAttr struct {
	size         [2]int
	alignCorners bool
}

// resizeForward describes the change of the size of x (N, C, H, W), the first
// operand, to the kernels.
func resizeForward(c *Call) pool.Resize {
	x, a := c.In[0], c.Attr.(resizeAttr)
	if len(x.shape) != 4 || !x.dtype.IsFloat() {
		misfit(c.Op.Name, c.In, "needs floating-point images (N, C, H, W)")
	}
	s := pool.Resize{N: x.shape[0], C: x.shape[1], H: x.shape[2], W: x.shape[3], OutH: a.size[0], OutW: a.size[1]}
	if err := s.Validate(); err != nil {
		misfit(c.Op.Name, c.In, "%v", err)
	}
	return s
}

// resizeBackward is resizeForward for a call whose first operand is the
// gradient of the resized images.
func resizeBackward(c *Call) pool.Resize {
	gy, a := c.In[0], c.Attr.(resizeAttr)
	return pool.Resize{N: gy.shape[0], C: gy.shape[1], H: a.size[0], W: a.size[1], OutH: gy.shape[2], OutW: gy.shape[3]}
}

var opAdaptiveAvgPool2d, opAdaptiveMaxPool2d, opAdaptiveMaxPool2dGrad, opAdaptiveMaxPool2dPick, opUpsampleNearest, opUpsampleBilinear *Op

// resizer is a linear change of the size of images and its transpose.
type resizer[T real] struct {
	forward func(s pool.Resize, x, y []T, alignCorners bool)
	grad    func(s pool.Resize, gy, gx []T, alignCorners bool)
}

// linearResize registers a change of size that is linear, and its gradient.
// Each is the gradient of the other.
func linearResize(name, doc, onnx string, k32 resizer[float32], k64 resizer[float64]) *Op {
	var forward, grad *Op
	attr := func(h, w int) resizeAttr { return resizeAttr{[2]int{h, w}, false} }
	forward = register(&Op{Name: name, Doc: doc, ONNX: onnx, Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			s := resizeForward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.OutH, s.OutW)}
		},
		Run: func(c *Call) {
			s, align := resizeForward(c), c.Attr.(resizeAttr).alignCorners
			imageKernel(c, func(x, y []float32) { k32.forward(s, x, y, align) }, func(x, y []float64) { k64.forward(s, x, y, align) })
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(resizeAttr)
			a.size = [2]int{g.In[0].shape[2], g.In[0].shape[3]}
			g.Set(0, apply(grad, a, g.Gy(0).ChannelsLast()))
		},
		Samples: func(s *Sampler) []Sample {
			img := func(n, c, h, w int) []*Tensor { return []*Tensor{s.Normal(n, c, h, w).ChannelsLast()} }
			return []Sample{
				{"larger", img(1, 2, 2, 3), attr(4, 5)}, {"smaller", img(1, 2, 5, 4), attr(3, 2)},
				{"one pixel", img(2, 2, 3, 3), attr(1, 1)}, {"corners aligned", img(1, 1, 3, 2), resizeAttr{[2]int{5, 4}, true}},
			}
		}})
	grad = register(&Op{Name: name + "_grad", Doc: "The gradient of the operation of the same name.", Saved: savesNothing,
		Infer: func(c *Call) []Spec {
			s := resizeBackward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.H, s.W)}
		},
		Run: func(c *Call) {
			s, align := resizeBackward(c), c.Attr.(resizeAttr).alignCorners
			imageKernel(c, func(gy, gx []float32) { k32.grad(s, gy, gx, align) }, func(gy, gx []float64) { k64.grad(s, gy, gx, align) })
		},
		Grad: func(g *GradCall) {
			a := g.Attr.(resizeAttr)
			a.size = [2]int{g.In[0].shape[2], g.In[0].shape[3]}
			g.Set(0, apply(forward, a, g.Gy(0).ChannelsLast()))
		},
		Samples: func(s *Sampler) []Sample {
			img := func(n, c, h, w int) []*Tensor { return []*Tensor{s.Normal(n, c, h, w).ChannelsLast()} }
			return []Sample{{"larger", img(1, 2, 4, 5), attr(2, 3)}, {"corners aligned", img(1, 1, 5, 4), resizeAttr{[2]int{3, 2}, true}}}
		}})
	return forward
}

// unaligned makes a resizer of kernels that know no alignment.
func unaligned[T real](forward, grad func(s pool.Resize, x, y []T)) resizer[T] {
	return resizer[T]{func(s pool.Resize, x, y []T, _ bool) { forward(s, x, y) }, func(s pool.Resize, gy, gx []T, _ bool) { grad(s, gy, gx) }}
}

func init() {
	opAdaptiveAvgPool2d = linearResize("adaptive_avg_pool2d", "AdaptiveAvgPool2d is the mean of each of a given number of bins of an image.", "",
		unaligned(pool.AdaptiveAverage[float32], pool.AdaptiveAverageGrad[float32]), unaligned(pool.AdaptiveAverage[float64], pool.AdaptiveAverageGrad[float64]))
	opUpsampleNearest = linearResize("upsample_nearest", "UpsampleNearest changes the size of an image by repeating pixels.", "Resize",
		unaligned(pool.UpsampleNearest[float32], pool.UpsampleNearestGrad[float32]), unaligned(pool.UpsampleNearest[float64], pool.UpsampleNearestGrad[float64]))
	opUpsampleBilinear = linearResize("upsample_bilinear", "UpsampleBilinear changes the size of an image by linear interpolation.", "Resize",
		resizer[float32]{pool.UpsampleBilinear[float32], pool.UpsampleBilinearGrad[float32]}, resizer[float64]{pool.UpsampleBilinear[float64], pool.UpsampleBilinearGrad[float64]})

	maxSamples := func(s *Sampler) []Sample {
		img := func(n, c, h, w int) []*Tensor { return []*Tensor{s.Distinct(n, c, h, w).ChannelsLast()} }
		return []Sample{
			{"even", img(1, 2, 4, 6), resizeAttr{size: [2]int{2, 3}}}, {"bins that overlap", img(2, 1, 5, 4), resizeAttr{size: [2]int{3, 3}}},
			{"one pixel", img(2, 2, 3, 3), resizeAttr{size: [2]int{1, 1}}},
		}
	}
	opAdaptiveMaxPool2d = register(&Op{Name: "adaptive_max_pool2d", Doc: "AdaptiveMaxPool2d is the largest element of each of a given number of bins of an image, and where it stands.",
		Saved: &Saved{Out: []int{1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			s := resizeForward(c)
			y := images(c.In[0].dtype, s.N, s.C, s.OutH, s.OutW)
			where := y
			where.DType = Int32
			return []Spec{y, where}
		},
		Run: func(c *Call) {
			s, where := resizeForward(c), dense[int32](c.Out[1])
			imageKernel(c, func(x, y []float32) { pool.AdaptiveMax(s, x, y, where) }, func(x, y []float64) { pool.AdaptiveMax(s, x, y, where) })
		},
		Grad: func(g *GradCall) {
			a := resizeAttr{size: [2]int{g.In[0].shape[2], g.In[0].shape[3]}}
			g.Set(0, apply(opAdaptiveMaxPool2dGrad, a, g.Gy(0).ChannelsLast(), g.Out[1]))
		},
		Samples: maxSamples})
	opAdaptiveMaxPool2dGrad = register(&Op{Name: "adaptive_max_pool2d_grad", Doc: "The gradient of AdaptiveMaxPool2d: each element goes to where the largest stood.",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			s := resizeBackward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, s.H, s.W)}
		},
		Run: func(c *Call) {
			s, where := resizeBackward(c), dense[int32](c.In[1])
			imageKernel(c, func(gy, gx []float32) { pool.AdaptiveMaxGrad(s, gy, where, gx) }, func(gy, gx []float64) { pool.AdaptiveMaxGrad(s, gy, where, gx) })
		},
		Grad: func(g *GradCall) {
			a := resizeAttr{size: [2]int{g.In[0].shape[2], g.In[0].shape[3]}}
			g.Set(0, apply(opAdaptiveMaxPool2dPick, a, g.Gy(0).ChannelsLast(), g.In[1]))
		},
		Samples: func(s *Sampler) []Sample {
			out := maxSamples(s)
			for i, f := range out {
				x := f.In[0]
				made := applyAll(opAdaptiveMaxPool2d, f.Attr, x)
				out[i] = Sample{f.Name, []*Tensor{s.Normal(made[0].shape...).ChannelsLast(), made[1]}, resizeAttr{size: [2]int{x.shape[2], x.shape[3]}}}
			}
			return out
		}})
	opAdaptiveMaxPool2dPick = register(&Op{Name: "adaptive_max_pool2d_pick", Doc: "The elements of an image that AdaptiveMaxPool2d chose from another: the gradient of its gradient.",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			s := resizeForward(c)
			return []Spec{images(c.In[0].dtype, s.N, s.C, c.In[1].shape[2], c.In[1].shape[3])}
		},
		Run: func(c *Call) {
			s, where := pickShape(c), dense[int32](c.In[1])
			imageKernel(c, func(x, y []float32) { pool.AdaptiveMaxPick(s, x, where, y) }, func(x, y []float64) { pool.AdaptiveMaxPick(s, x, where, y) })
		},
		Grad: func(g *GradCall) {
			a := resizeAttr{size: [2]int{g.In[0].shape[2], g.In[0].shape[3]}}
			g.Set(0, apply(opAdaptiveMaxPool2dGrad, a, g.Gy(0).ChannelsLast(), g.In[1]))
		},
		Samples: func(s *Sampler) []Sample {
			out := maxSamples(s)
			for i, f := range out {
				x := f.In[0]
				made := applyAll(opAdaptiveMaxPool2d, f.Attr, x)
				out[i] = Sample{f.Name, []*Tensor{s.Normal(x.shape...).ChannelsLast(), made[1]}, resizeAttr{size: [2]int{x.shape[2], x.shape[3]}}}
			}
			return out
		}})
}

// pickShape is the resize from the images to the size of the positions.
func pickShape(c *Call) pool.Resize {
	s := resizeForward(c)
	s.OutH, s.OutW = c.In[1].shape[2], c.In[1].shape[3]
	return s
}

// AdaptiveAvgPool2d averages images (N, C, H, W) over h times w bins of nearly
// equal size: (N, C, h, w). Where the sizes do not divide, bins overlap.
func (t *Tensor) AdaptiveAvgPool2d(h, w int) *Tensor {
	return apply(opAdaptiveAvgPool2d, resizeAttr{size: [2]int{h, w}}, imagesOf("adaptive_avg_pool2d", t).ChannelsLast())
}

// AdaptiveMaxPool2d takes the largest element of each bin; the bins are those
// of AdaptiveAvgPool2d.
func (t *Tensor) AdaptiveMaxPool2d(h, w int) *Tensor {
	return applyAll(opAdaptiveMaxPool2d, resizeAttr{size: [2]int{h, w}}, imagesOf("adaptive_max_pool2d", t).ChannelsLast())[0]
}

// AdaptiveAvgPool1d is AdaptiveAvgPool2d for sequences (N, C, L): (N, C, n).
func (t *Tensor) AdaptiveAvgPool1d(n int) *Tensor {
	return asImages("adaptive_avg_pool1d", t).AdaptiveAvgPool2d(1, n).Squeeze(2)
}

// AdaptiveMaxPool1d is AdaptiveMaxPool2d for sequences (N, C, L): (N, C, n).
func (t *Tensor) AdaptiveMaxPool1d(n int) *Tensor {
	return asImages("adaptive_max_pool1d", t).AdaptiveMaxPool2d(1, n).Squeeze(2)
}

// UpsampleNearest changes the size of images (N, C, H, W) to (N, C, h, w): each
// pixel is the one at floor(i*H/h), floor(j*W/w).
func (t *Tensor) UpsampleNearest(h, w int) *Tensor {
	return apply(opUpsampleNearest, resizeAttr{size: [2]int{h, w}}, imagesOf("upsample_nearest", t).ChannelsLast())
}

// UpsampleBilinear changes the size of images (N, C, H, W) to (N, C, h, w) by
// linear interpolation. With alignCorners the centres of the corner pixels
// keep their places, without it the outer edges do; PyTorch's default is
// without.
func (t *Tensor) UpsampleBilinear(h, w int, alignCorners bool) *Tensor {
	return apply(opUpsampleBilinear, resizeAttr{[2]int{h, w}, alignCorners}, imagesOf("upsample_bilinear", t).ChannelsLast())
}

// PixelShuffle turns channels into pixels: (N, C*r*r, H, W) becomes
// (N, C, H*r, W*r) (Shi et al., arXiv 1609.05158).
func (t *Tensor) PixelShuffle(r int) *Tensor {
	imagesOf("pixel_shuffle", t)
	n, c, h, w := t.shape[0], t.shape[1], t.shape[2], t.shape[3]
	if r < 1 || c%(r*r) != 0 {
		misfit("pixel_shuffle", []*Tensor{t}, "the channels must be a multiple of %d", r*r)
	}
	c /= r * r
	return t.Reshape(n, c, r, r, h, w).Permute(0, 1, 4, 2, 5, 3).Reshape(n, c, h*r, w*r)
}
