package tensor

import (
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// normAttr are the settings of a normalisation.
type normAttr struct {
	eps  float64
	relu bool // batch norm: ReLU in the same pass
}

var opBatchNorm, opBatchNormGrad, opLayerNorm, opLayerNormGrad *Op

// channelRows splits (N, C, ...) that lies channels-last, or (N, C), into rows
// of channels.
func channelRows(t *Tensor) (rows, channels int) {
	channels = t.shape[1]
	if channels == 0 {
		return 0, 0
	}
	return t.Len() / channels, channels
}

func init() {
	opBatchNorm = register(&Op{Name: "batch_norm", Doc: "BatchNorm normalises each channel over the batch, and returns its mean and variance.", ONNX: "BatchNormalization",
		Saved: &Saved{In: []int{0, 1}, Out: []int{0, 1, 3}}, Auxiliary: 3,
		Infer: func(c *Call) []Spec {
			x := c.In[0]
			wantWide(c)
			if len(x.shape) < 2 || len(c.In[1].shape) != 1 || c.In[1].shape[0] != x.shape[1] || !slices.Equal(c.In[1].shape, c.In[2].shape) {
				misfit(c.Op.Name, c.In, "needs (N, C, ...) with a scale and a shift of C elements")
			}
			if rows, _ := channelRows(x); rows < 2 {
				misfit(c.Op.Name, c.In, "a batch needs more than one value a channel to normalise with")
			}
			one := Spec{[]int{x.shape[1]}, x.dtype, nil}
			return []Spec{sameAs(x), one, one, one}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				batchNorm[float32](c)
			} else {
				batchNorm[float64](c)
			}
		},
		Grad: func(g *GradCall) {
			x, gy := g.In[0], g.Gy(0)
			if g.Attr.(normAttr).relu {
				gy = apply(opReLUGrad, nil, gy, g.Out[0])
			}
			out := applyAll(opBatchNormGrad, nil, channelsInnermost(gy), x, g.In[1], g.Out[1], g.Out[3])
			for i := range out {
				if g.Needs(i) {
					g.Set(i, out[i])
				}
			}
		},
		Define: func(c *Call) []*Tensor {
			x, a := c.In[0], c.Attr.(normAttr)
			axes := append([]int{0}, spatialAxes(x)...)
			mean := x.MeanKeep(axes...)
			centred := x.Sub(mean)
			variance := centred.Square().MeanKeep(axes...)
			wide := mean.shape
			y := centred.Div(variance.AddScalar(a.eps).Sqrt()).Mul(c.In[1].Reshape(wide[1:]...)).Add(c.In[2].Reshape(wide[1:]...))
			if a.relu {
				y = y.ReLU()
			}
			return []*Tensor{y, nil, nil, nil}
		},
		Samples: batchNormSamples})
	opBatchNormGrad = register(&Op{Name: "batch_norm_grad", Doc: "The gradients of BatchNorm for its input, scale and shift.",
		NoGrad: "second derivatives go through the definition of batch_norm",
		Infer: func(c *Call) []Spec {
			one := Spec{c.In[2].shape, c.In[2].dtype, nil}
			return []Spec{sameAs(c.In[1]), one, one}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				batchNormGrad[float32](c)
			} else {
				batchNormGrad[float64](c)
			}
		},
		Samples: func(s *Sampler) []Sample {
			x := s.Normal(2, 3, 2, 2).ChannelsLast()
			return []Sample{{Name: "images", In: []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), x, s.Normal(3), s.Normal(3), s.Positive(3)}}}
		}})
	opLayerNorm = register(&Op{Name: "layer_norm", Doc: "LayerNorm normalises each row of the last axis.", ONNX: "LayerNormalization",
		Saved: &Saved{In: []int{0, 1}, Out: []int{1, 2}}, Auxiliary: 2,
		Infer: func(c *Call) []Spec {
			x := c.In[0]
			wantWide(c)
			for _, t := range c.In[1:] {
				if len(x.shape) == 0 || t != nil && (len(t.shape) != 1 || t.shape[0] != x.shape[len(x.shape)-1]) {
					misfit(c.Op.Name, c.In, "the scale and the shift must have the size of the last axis")
				}
			}
			rows, _ := rowsOf(x)
			one := Spec{[]int{rows}, x.dtype, nil}
			return []Spec{{x.shape, x.dtype, nil}, one, one}
		},
		Run: func(c *Call) {
			rows, n := rowsOf(c.In[0])
			if c.In[0].dtype == Float32 {
				byRows(rows, n, func(lo, hi int) { layerNormRows[float32](c, lo, hi, n) })
			} else {
				byRows(rows, n, func(lo, hi int) { layerNormRows[float64](c, lo, hi, n) })
			}
		},
		Grad: func(g *GradCall) {
			out := applyAll(opLayerNormGrad, nil, g.Gy(0).Contiguous(), g.In[0], g.In[1], g.Out[1], g.Out[2])
			for i := range out {
				if g.Needs(i) {
					g.Set(i, out[i])
				}
			}
		},
		Define: func(c *Call) []*Tensor {
			x := c.In[0]
			centred := x.Sub(x.MeanKeep(-1))
			y := centred.Div(centred.Square().MeanKeep(-1).AddScalar(c.Attr.(normAttr).eps).Sqrt())
			if c.In[1] != nil {
				y = y.Mul(c.In[1])
			}
			if c.In[2] != nil {
				y = y.Add(c.In[2])
			}
			return []*Tensor{y, nil, nil}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{"affine", []*Tensor{s.Normal(3, 5), s.Normal(5), s.Normal(5)}, normAttr{eps: 1e-5}},
				{"plain, three axes", []*Tensor{s.Normal(2, 2, 4), nil, nil}, normAttr{eps: 1e-5}}}
		}})
	opLayerNormGrad = register(&Op{Name: "layer_norm_grad", Doc: "The gradients of LayerNorm for its input, scale and shift.",
		NoGrad: "second derivatives go through the definition of layer_norm",
		Infer: func(c *Call) []Spec {
			x := c.In[1]
			one := Spec{[]int{x.shape[len(x.shape)-1]}, x.dtype, nil}
			return []Spec{{x.shape, x.dtype, nil}, one, one}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				layerNormGrad[float32](c)
			} else {
				layerNormGrad[float64](c)
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "affine", In: []*Tensor{s.Normal(3, 5), s.Normal(3, 5), s.Normal(5), s.Normal(3), s.Positive(3)}}}
		}})
}

func batchNormSamples(s *Sampler) []Sample {
	return []Sample{
		{"images", []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), s.Normal(3), s.Normal(3)}, normAttr{eps: 1e-5}},
		{"vectors", []*Tensor{s.Normal(5, 3), s.Normal(3), s.Normal(3)}, normAttr{eps: 1e-3}},
		{"relu", []*Tensor{s.Normal(3, 2, 2, 1).ChannelsLast(), s.Nonzero(2), s.Normal(2)}, normAttr{eps: 1e-5, relu: true}},
	}
}

func spatialAxes(t *Tensor) []int {
	var axes []int
	for i := 2; i < len(t.shape); i++ {
		axes = append(axes, i)
	}
	return axes
}

// channelsInnermost lays (N, C, ...) out with the channels innermost.
func channelsInnermost(t *Tensor) *Tensor {
	if len(t.shape) == 2 {
		return t.Contiguous()
	}
	return t.ChannelsLast()
}

// sumBlocks adds up rows in blocks, each into sums of its own, and then the
// blocks in order: the result does not depend on the number of threads.
func sumBlocks(rows, width int, add func(sums []float64, lo, hi int)) []float64 {
	blocks := max(1, (rows+reduceRows-1)/reduceRows)
	parts := make([]float64, blocks*width)
	par.For(rows, reduceRows, func(lo, hi int) { add(parts[lo/reduceRows*width:][:width], lo, hi) })
	for b := 1; b < blocks; b++ {
		for j, v := range parts[b*width : (b+1)*width] {
			parts[j] += v
		}
	}
	return parts[:width]
}

func batchNorm[T real](c *Call) {
	x, y, eps := dense[T](c.In[0]), dense[T](c.Out[0]), c.Attr.(normAttr).eps
	gamma, beta := dense[T](c.In[1]), dense[T](c.In[2])
	mean, variance, rstd := dense[T](c.Out[1]), dense[T](c.Out[2]), dense[T](c.Out[3])
	rows, n := channelRows(c.In[0])
	first := x[:n] // any row is near enough to the mean for the sum of squares not to cancel
	sums := sumBlocks(rows, 2*n, func(s []float64, lo, hi int) {
		vec.ColumnMoments(s[:n], s[n:], x[lo*n:hi*n], first, hi-lo, n, n)
	})
	scale, shift := make([]T, n), make([]T, n)
	for j := range n {
		d := sums[j] / float64(rows)
		m, v := float64(first[j])+d, max(sums[n+j]/float64(rows)-d*d, 0)
		r := 1 / math.Sqrt(v+eps)
		mean[j], variance[j], rstd[j] = T(m), T(v), T(r)
		scale[j] = T(r * float64(gamma[j]))
		shift[j] = T(float64(beta[j]) - m*r*float64(gamma[j]))
	}
	byRows(rows, n, func(lo, hi int) {
		vec.MulAddRow(y[lo*n:hi*n], x[lo*n:hi*n], scale, shift, nil, hi-lo, n, n, c.Attr.(normAttr).relu)
	})
}

func batchNormGrad[T real](c *Call) {
	gy, x, gamma := dense[T](c.In[0]), dense[T](c.In[1]), dense[T](c.In[2])
	mean, rstd := dense[T](c.In[3]), dense[T](c.In[4])
	gx, ggamma, gbeta := dense[T](c.Out[0]), dense[T](c.Out[1]), dense[T](c.Out[2])
	rows, n := channelRows(c.In[1])
	sums := sumBlocks(rows, 2*n, func(s []float64, lo, hi int) {
		vec.BatchNormGradSums(s[:n], s[n:], gy[lo*n:hi*n], x[lo*n:hi*n], mean, rstd, hi-lo, n, n)
	})
	meanGy, meanGyXhat := make([]T, n), make([]T, n)
	for j := range n {
		gbeta[j], ggamma[j] = T(sums[j]), T(sums[n+j])
		meanGy[j], meanGyXhat[j] = T(sums[j]/float64(rows)), T(sums[n+j]/float64(rows))
	}
	byRows(rows, n, func(lo, hi int) {
		vec.BatchNormGrad(gx[lo*n:hi*n], gy[lo*n:hi*n], x[lo*n:hi*n], mean, rstd, gamma, meanGy, meanGyXhat, hi-lo, n, n)
	})
}

// denseOrNil returns the elements of an optional operand.
func denseOrNil[T Element](t *Tensor) []T {
	if t == nil {
		return nil
	}
	return dense[T](t)
}

func layerNormRows[T real](c *Call, lo, hi, n int) {
	vec.LayerNormRows(dense[T](c.Out[0])[lo*n:hi*n], dense[T](c.In[0])[lo*n:hi*n], denseOrNil[T](c.In[1]), denseOrNil[T](c.In[2]),
		dense[T](c.Out[1])[lo:hi], dense[T](c.Out[2])[lo:hi], hi-lo, n, n, T(c.Attr.(normAttr).eps))
}

func layerNormGrad[T real](c *Call) {
	gy, x, gamma := dense[T](c.In[0]), dense[T](c.In[1]), denseOrNil[T](c.In[2])
	mean, rstd, gx := dense[T](c.In[3]), dense[T](c.In[4]), dense[T](c.Out[0])
	rows, n := rowsOf(c.In[1])
	block := max(reduceRows/8, 1)
	blocks := max(1, (rows+block-1)/block)
	parts := make([]T, 2*n*blocks)
	par.For(rows, block, func(lo, hi int) {
		p := parts[lo/block*2*n:][:2*n]
		vec.LayerNormGradRows(gx[lo*n:hi*n], p[:n], p[n:], gy[lo*n:hi*n], x[lo*n:hi*n], gamma, mean[lo:hi], rstd[lo:hi], hi-lo, n, n)
	})
	ggamma, gbeta := dense[T](c.Out[1]), dense[T](c.Out[2])
	clear(ggamma)
	clear(gbeta)
	for b := range blocks {
		vec.Add(ggamma, ggamma, parts[b*2*n:][:n])
		vec.Add(gbeta, gbeta, parts[b*2*n+n:][:n])
	}
}

// BatchNorm normalises each channel of x (N, C, ...) by its mean and variance
// over the batch and all positions, then scales and shifts it by gamma and
// beta (C). It also returns that mean and (biased) variance, for running
// statistics (Ioffe and Szegedy 2015).
func BatchNorm(x, gamma, beta *Tensor, eps float64) (y, mean, variance *Tensor) {
	return batchNormWith(x, gamma, beta, normAttr{eps: eps})
}

// BatchNormReLU is BatchNorm followed by ReLU in the same pass over memory.
func BatchNormReLU(x, gamma, beta *Tensor, eps float64) (y, mean, variance *Tensor) {
	return batchNormWith(x, gamma, beta, normAttr{eps: eps, relu: true})
}

func batchNormWith(x, gamma, beta *Tensor, a normAttr) (y, mean, variance *Tensor) {
	if len(x.shape) >= 2 {
		x = channelsInnermost(x)
	}
	out := applyAll(opBatchNorm, a, x, gamma.Contiguous(), beta.Contiguous())
	return out[0], out[1], out[2]
}

// LayerNorm normalises each row of the last axis, then scales and shifts it by
// gamma and beta, either of which may be nil (Ba, Kiros and Hinton 2016).
func LayerNorm(x, gamma, beta *Tensor, eps float64) *Tensor {
	return applyAll(opLayerNorm, normAttr{eps: eps}, x.Contiguous(), contiguousOrNil(gamma), contiguousOrNil(beta))[0]
}

// GroupNorm normalises each of the groups of channels of each sample of x
// (N, C, ...), then scales and shifts each channel by gamma and beta (C), which
// may be nil (Wu and He 2018).
func GroupNorm(x *Tensor, groups int, gamma, beta *Tensor, eps float64) *Tensor {
	if len(x.shape) < 2 || groups < 1 || x.shape[1]%groups != 0 {
		misfit("group_norm", []*Tensor{x}, "the channels of (N, C, ...) must divide into %d groups", groups)
	}
	size := NumElements(x.shape[1:]) / groups // not -1, which an empty batch leaves open
	y := LayerNorm(x.Reshape(x.shape[0], groups, size), nil, nil, eps).Reshape(x.shape...)
	channel := make([]int, len(x.shape)-1)
	for i := range channel {
		channel[i] = 1
	}
	channel[0] = x.shape[1]
	if gamma != nil {
		y = y.Mul(gamma.Reshape(channel...))
	}
	if beta != nil {
		y = y.Add(beta.Reshape(channel...))
	}
	return y
}
