package tensor

var opScaleShift *Op

func init() {
	opScaleShift = register(&Op{Name: "scale_shift", Doc: "ScaleShift multiplies each channel by a factor and adds to it, adds another tensor and takes ReLU where asked for.",
		Saved: &Saved{In: []int{0, 1}, Out: []int{0}},
		Infer: func(c *Call) []Spec {
			checkChannelwise(c)
			return []Spec{sameAs(c.In[0])}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				scaleShiftImages[float32](c)
			} else {
				scaleShiftImages[float64](c)
			}
		},
		Grad: func(g *GradCall) {
			x, scale, gy := g.In[0], g.In[1], channelsInnermost(g.Gy(0))
			if g.Attr.(bool) {
				gy = apply(opReLUGrad, nil, gy, g.Out[0])
			}
			axes := append([]int{0}, spatialAxes(x)...)
			if g.Needs(0) {
				g.Set(0, apply(opScaleShift, false, gy, scale, zerosLike(scale), nil))
			}
			if g.Needs(1) {
				g.Set(1, gy.Mul(x).Sum(axes...))
			}
			if g.Needs(2) {
				g.Set(2, gy.Sum(axes...))
			}
			if g.Needs(3) {
				g.Set(3, gy)
			}
		},
		Define: func(c *Call) []*Tensor {
			return []*Tensor{affine(c.In[0], c.In[1], c.In[2], c.In[3], c.Attr.(bool))}
		},
		Cost: func(c *Call) (flops, bytes int64) {
			passes := 2
			if c.In[3] != nil {
				passes++
			}
			n := int64(c.In[0].Len())
			return int64(passes) * n, int64(passes*c.In[0].dtype.Size()) * n
		},
		Samples: func(s *Sampler) []Sample {
			img := func() *Tensor { return s.Nonzero(2, 3, 2, 2).ChannelsLast() }
			return []Sample{
				{"images", []*Tensor{img(), s.Normal(3), s.Normal(3), nil}, false},
				{"vectors", []*Tensor{s.Normal(5, 3), s.Normal(3), s.Normal(3), nil}, false},
				{"relu", []*Tensor{img(), s.Nonzero(3), s.Normal(3), nil}, true},
				{"added, relu", []*Tensor{img(), s.Nonzero(3), s.Normal(3), img()}, true},
			}
		}})
}

func scaleShiftImages[T real](c *Call) {
	scaleShift(walkChannels(c.In[0]), dense[T](c.Out[0]), dense[T](c.In[0]), dense[T](c.In[1]), dense[T](c.In[2]), denseOrNil[T](c.In[3]), c.Attr.(bool))
}

// ScaleShift multiplies each channel of x (N, C, ...) by its element of scale (C)
// and adds that of shift (C), in one pass over memory. It is what is left of
// batch normalisation with fixed statistics.
func ScaleShift(x, scale, shift *Tensor) *Tensor {
	return apply(opScaleShift, false, channelwise(x, scale, shift, nil)...)
}

// ScaleShiftReLU is ScaleShift followed by ReLU, in one pass over memory.
func ScaleShiftReLU(x, scale, shift *Tensor) *Tensor {
	return apply(opScaleShift, true, channelwise(x, scale, shift, nil)...)
}

// ScaleShiftAddReLU is ReLU(ScaleShift(x) + shortcut) with a shortcut of the
// shape of x, in one pass over memory.
func ScaleShiftAddReLU(x, shortcut, scale, shift *Tensor) *Tensor {
	return apply(opScaleShift, true, channelwise(x, scale, shift, shortcut)...)
}
