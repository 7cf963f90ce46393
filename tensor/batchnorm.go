package tensor

import (
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

var opBatchNorm, opBatchNormGrad *Op

func init() {
	opBatchNorm = register(&Op{Name: "batch_norm", Doc: "BatchNorm normalises each channel over the batch, adds another tensor and takes ReLU where asked for, and returns its mean and variance.", ONNX: "BatchNormalization",
		Saved: &Saved{In: []int{0, 1, 2}, Out: []int{0, 1, 3}}, Auxiliary: 3,
		Infer: func(c *Call) []Spec {
			x := c.In[0]
			checkChannelwise(c)
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
			relu, gy := g.Attr.(normAttr).relu, channelsInnermost(g.Gy(0))
			var y *Tensor
			if relu && g.In[3] != nil {
				y = g.Out[0]
			}
			out := applyAll(opBatchNormGrad, g.Attr, gy, g.In[0], g.In[1], g.In[2], g.Out[1], g.Out[3], y)
			for i := range 3 {
				if g.Needs(i) {
					g.Set(i, out[i])
				}
			}
			switch {
			case !g.Needs(3):
			case relu:
				g.Set(3, out[3])
			default:
				g.Set(3, gy)
			}
		},
		Define: func(c *Call) []*Tensor {
			x, a := c.In[0], c.Attr.(normAttr)
			axes := append([]int{0}, spatialAxes(x)...)
			mean := x.MeanKeep(axes...)
			centred := x.Sub(mean)
			variance := centred.Square().MeanKeep(axes...)
			y := affine(centred.Div(variance.AddScalar(a.eps).Sqrt()), c.In[1], c.In[2], c.In[3], a.relu)
			return []*Tensor{y, nil, nil, nil}
		},
		Cost: func(c *Call) (flops, bytes int64) {
			passes := 3 // x twice, and the result
			if c.In[3] != nil {
				passes++
			}
			n := int64(c.In[0].Len())
			return 6 * n, int64(passes*c.In[0].dtype.Size()) * n
		},
		Samples: batchNormSamples})
	opBatchNormGrad = register(&Op{Name: "batch_norm_grad", Doc: "The gradients of BatchNorm for its input, scale and shift, and with its result for the tensor that was added before ReLU.",
		NoGrad: "second derivatives go through the definition of batch_norm",
		Infer: func(c *Call) []Spec {
			x := c.In[1]
			one := Spec{[]int{x.shape[1]}, x.dtype, nil}
			specs := []Spec{sameAs(x), one, one}
			if c.In[6] != nil {
				specs = append(specs, sameAs(x))
			}
			return specs
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				batchNormGrad[float32](c)
			} else {
				batchNormGrad[float64](c)
			}
		},
		Cost: func(c *Call) (flops, bytes int64) {
			passes := 5 // gy and x twice, and the result
			if c.In[6] != nil {
				passes += 2
			}
			n := int64(c.In[1].Len())
			return 9 * n, int64(passes*c.In[1].dtype.Size()) * n
		},
		Samples: func(s *Sampler) []Sample {
			img := func() *Tensor { return s.Normal(2, 3, 2, 2).ChannelsLast() }
			v := func() *Tensor { return s.Normal(3) }
			return []Sample{
				{"plain", []*Tensor{img(), img(), v(), v(), v(), s.Positive(3), nil}, normAttr{}},
				{"relu", []*Tensor{img(), img(), v(), v(), v(), s.Positive(3), nil}, normAttr{relu: true}},
				{"added", []*Tensor{img(), img(), v(), v(), v(), s.Positive(3), img()}, normAttr{relu: true}},
				{"no scale, no shift", []*Tensor{img(), img(), nil, nil, v(), s.Positive(3), nil}, normAttr{relu: true}},
			}
		}})
}

// checkChannelwise checks the operands x (N, C, ...), scale (C), shift (C) and a
// tensor like x; all but x may be absent.
func checkChannelwise(c *Call) {
	x := c.In[0]
	wantWide(c)
	if len(x.shape) < 2 {
		misfit(c.Op.Name, c.In, "needs (N, C, ...)")
	}
	for _, t := range c.In[1:3] {
		if t != nil && (len(t.shape) != 1 || t.shape[0] != x.shape[1]) {
			misfit(c.Op.Name, c.In, "needs (N, C, ...) with a scale and a shift of C elements")
		}
	}
	if t := c.In[3]; t != nil && !slices.Equal(t.shape, x.shape) {
		misfit(c.Op.Name, []*Tensor{x, t}, "what is added must have the shape of the input")
	}
}

// affine is x*scale + shift + added for channels along axis 1, and ReLU of it if
// relu is set, in simple operations.
func affine(x, scale, shift, added *Tensor, relu bool) *Tensor {
	if scale != nil {
		x = x.Mul(channelColumn(scale, len(x.shape)))
	}
	if shift != nil {
		x = x.Add(channelColumn(shift, len(x.shape)))
	}
	if added != nil {
		x = x.Add(added)
	}
	if relu {
		x = x.ReLU()
	}
	return x
}

func batchNormSamples(s *Sampler) []Sample {
	return []Sample{
		{"images", []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), s.Normal(3), s.Normal(3), nil}, normAttr{eps: 1e-5}},
		{"vectors", []*Tensor{s.Normal(5, 3), s.Normal(3), s.Normal(3), nil}, normAttr{eps: 1e-3}},
		{"relu", []*Tensor{s.Normal(3, 2, 2, 1).ChannelsLast(), s.Nonzero(2), s.Normal(2), nil}, normAttr{eps: 1e-5, relu: true}},
		{"added", []*Tensor{s.Normal(2, 2, 3).ChannelsLast(), s.Nonzero(2), s.Normal(2), s.Normal(2, 2, 3).ChannelsLast()}, normAttr{eps: 1e-5}},
		{"added, relu", []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), s.Nonzero(3), s.Normal(3), s.Normal(2, 3, 2, 2).ChannelsLast()}, normAttr{eps: 1e-5, relu: true}},
		{"no scale, no shift", []*Tensor{s.Normal(2, 3, 2, 2).ChannelsLast(), nil, nil, nil}, normAttr{eps: 1e-5, relu: true}},
	}
}

func batchNorm[T real](c *Call) {
	x, y, added := dense[T](c.In[0]), dense[T](c.Out[0]), denseOrNil[T](c.In[3])
	mean, variance, rstd := dense[T](c.Out[1]), dense[T](c.Out[2]), dense[T](c.Out[3])
	w := walkChannels(c.In[0])
	first := x[:w.channels] // any row is near enough to the mean for the sum of squares not to cancel
	near := tiled(first, w.tile)
	sums := w.sum(func(s, squares []float64, at, rows, cols int) {
		vec.ColumnMoments(s[:cols], squares[:cols], x[at:], near[:cols], rows, cols, cols)
	})
	for j := range w.channels {
		d := sums[j] / float64(w.rows)
		v := max(sums[w.channels+j]/float64(w.rows)-d*d, 0)
		mean[j], variance[j] = T(float64(first[j])+d), T(v)
		rstd[j] = T(1 / math.Sqrt(v+c.Attr.(normAttr).eps))
	}
	scale, shift := affineOf(denseOrNil[T](c.In[1]), denseOrNil[T](c.In[2]), mean, rstd)
	scaleShift(w, y, x, scale, shift, added, c.Attr.(normAttr).relu)
}

// affineOf returns the numbers with which normalisation is x*scale + shift. The
// gradient computes them again, to the same bits.
func affineOf[T real](gamma, beta, mean, rstd []T) (scale, shift []T) {
	scale, shift = slices.Clone(rstd), make([]T, len(rstd))
	for j := range scale {
		if gamma != nil {
			scale[j] *= gamma[j]
		}
		s := -float64(mean[j]) * float64(scale[j])
		if beta != nil {
			s += float64(beta[j])
		}
		shift[j] = T(s)
	}
	return scale, shift
}

// scaleShift writes x*scale + shift + added, and ReLU of it if relu is set, to y.
func scaleShift[T real](w channelWalk, y, x, scale, shift, added []T, relu bool) {
	scale, shift = tiled(scale, w.tile), tiled(shift, w.tile)
	w.each(func(at, rows, cols int) {
		n := rows * cols
		var plus []T
		if added != nil {
			plus = added[at:][:n]
		}
		vec.MulAddRow(y[at:][:n], x[at:][:n], scale[:cols], shift[:cols], plus, rows, cols, cols, relu)
	})
}

func batchNormGrad[T real](c *Call) {
	gy, x, mean, rstd := dense[T](c.In[0]), dense[T](c.In[1]), dense[T](c.In[4]), dense[T](c.In[5])
	gx, ggamma, gbeta := dense[T](c.Out[0]), dense[T](c.Out[1]), dense[T](c.Out[2])
	relu, w := c.Attr.(normAttr).relu, walkChannels(c.In[1])
	scale, shift := affineOf(denseOrNil[T](c.In[2]), denseOrNil[T](c.In[3]), mean, rstd)
	means, scales, shifts := tiled(mean, w.tile), tiled(scale, w.tile), tiled(shift, w.tile)
	var masked, y []T
	if c.In[6] != nil {
		masked, y, relu = dense[T](c.Out[3]), dense[T](c.In[6]), false
	}
	sums := w.sum(func(s, centred []float64, at, rows, cols int) {
		s, centred = s[:cols], centred[:cols]
		switch {
		case masked != nil:
			vec.BatchNormAddReLUGradSums(masked[at:], s, centred, gy[at:], y[at:], x[at:], means[:cols], rows, cols, cols)
		case relu:
			vec.BatchNormReLUGradSums(s, centred, gy[at:], x[at:], means[:cols], scales[:cols], shifts[:cols], rows, cols, cols)
		default:
			vec.BatchNormGradSums(s, centred, gy[at:], x[at:], means[:cols], rows, cols, cols)
		}
	})
	if masked != nil {
		gy = masked
	}
	slope, offset := make([]T, w.channels), make([]T, w.channels)
	for j := range w.channels {
		r, n := float64(rstd[j]), float64(w.rows)
		gbeta[j], ggamma[j] = T(sums[j]), T(sums[w.channels+j]*r)
		slope[j] = T(-float64(scale[j]) * r * r * sums[w.channels+j] / n)
		offset[j] = T(-float64(scale[j]) * sums[j] / n)
	}
	slope, offset = tiled(slope, w.tile), tiled(offset, w.tile)
	w.each(func(at, rows, cols int) {
		n := rows * cols
		if relu {
			vec.BatchNormReLUGrad(gx[at:][:n], gy[at:], x[at:], means[:cols], scales[:cols], shifts[:cols], slope[:cols], offset[:cols], rows, cols, cols)
		} else {
			vec.BatchNormGrad(gx[at:][:n], gy[at:], x[at:], means[:cols], scales[:cols], slope[:cols], offset[:cols], rows, cols, cols)
		}
	})
}

// channelRows splits (N, C, ...) that lies channels-last, or (N, C), into rows
// of channels.
func channelRows(t *Tensor) (rows, channels int) {
	channels = t.shape[1]
	if channels == 0 {
		return 0, 0
	}
	return t.Len() / channels, channels
}

// channelWalk cuts rows of channels into blocks for passes over memory. Rows of
// few channels are taken several at a time, as one long row whose factors
// repeat, so that no part of a vector register idles.
type channelWalk struct {
	rows, channels int
	tile           int // rows taken as one
	block          int // rows in a block, a multiple of tile
}

// A block is what one thread takes at a time: small enough for its second-level
// cache, large enough for its partial sums to cost nothing. Both numbers fix
// the order of additions.
const (
	blockElements = 64 << 10
	tileElements  = 128 // of a long row, at least
)

func walkChannels(t *Tensor) channelWalk {
	w := channelWalk{tile: 1}
	w.rows, w.channels = channelRows(t)
	if w.channels == 0 {
		return w
	}
	for w.tile*w.channels < tileElements || w.tile*w.channels%16 != 0 && w.tile < 16 {
		w.tile *= 2
	}
	w.block = max(1, blockElements/(w.tile*w.channels)) * w.tile
	return w
}

// each calls body for parts that cover the matrix, each a matrix of rows rows of
// cols elements that begins at element at. The calls may happen at the same time.
func (w channelWalk) each(body func(at, rows, cols int)) {
	par.For(w.rows, max(w.block, 1), func(lo, hi int) { w.within(lo, hi, body) })
}

// within covers rows lo to hi-1: the long rows, then what is left.
func (w channelWalk) within(lo, hi int, body func(at, rows, cols int)) {
	long := (hi - lo) / w.tile
	if long > 0 {
		body(lo*w.channels, long, w.tile*w.channels)
	}
	if rest := (hi - lo) % w.tile; rest > 0 {
		body((hi-rest)*w.channels, rest, w.channels)
	}
}

// sum adds up two quantities a channel and returns those of one, then those of
// the other. body adds to a and b, one number a column; they are those of its
// block alone, and blocks are added in order whatever the number of threads.
// Blocks are visited from the last: it is what the pass before left in the
// cache, and the first is what the next pass begins with.
func (w channelWalk) sum(body func(a, b []float64, at, rows, cols int)) []float64 {
	if w.rows == 0 || w.channels == 0 {
		return make([]float64, 2*w.channels)
	}
	width := w.tile * w.channels
	blocks := (w.rows + w.block - 1) / w.block
	parts := make([]float64, 2*width*blocks)
	par.For(blocks, 1, func(lo, _ int) {
		b := blocks - 1 - lo
		p := parts[2*width*b:][:2*width]
		w.within(b*w.block, min((b+1)*w.block, w.rows), func(at, rows, cols int) {
			body(p[:width], p[width:], at, rows, cols)
		})
	})
	sums := make([]float64, 2*w.channels)
	for at := 0; at < len(parts); at += width {
		half := sums[at/width%2*w.channels:][:w.channels]
		for row := at; row < at+width; row += w.channels {
			for j, v := range parts[row:][:w.channels] {
				half[j] += v
			}
		}
	}
	return sums
}

// tiled returns n copies of v, one after the other.
func tiled[T real](v []T, n int) []T {
	if n == 1 {
		return v
	}
	return slices.Repeat(v, n)
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

// BatchNorm normalises each channel of x (N, C, ...) by its mean and variance
// over the batch and all positions, then scales and shifts it by gamma and
// beta (C), either of which may be nil. It also returns that mean and (biased)
// variance, for running statistics (Ioffe and Szegedy, arXiv 1502.03167).
func BatchNorm(x, gamma, beta *Tensor, eps float64) (y, mean, variance *Tensor) {
	return batchNormWith(x, gamma, beta, nil, normAttr{eps: eps})
}

// BatchNormReLU is BatchNorm followed by ReLU in the same pass over memory.
func BatchNormReLU(x, gamma, beta *Tensor, eps float64) (y, mean, variance *Tensor) {
	return batchNormWith(x, gamma, beta, nil, normAttr{eps: eps, relu: true})
}

// BatchNormAddReLU is the end of a residual block, ReLU(BatchNorm(x) + shortcut)
// with a shortcut of the shape of x, in the same pass over memory.
func BatchNormAddReLU(x, shortcut, gamma, beta *Tensor, eps float64) (y, mean, variance *Tensor) {
	return batchNormWith(x, gamma, beta, shortcut, normAttr{eps: eps, relu: true})
}

func batchNormWith(x, gamma, beta, added *Tensor, a normAttr) (y, mean, variance *Tensor) {
	out := applyAll(opBatchNorm, a, channelwise(x, gamma, beta, added)...)
	return out[0], out[1], out[2]
}

// channelwise lays operands out as the kernels want them.
func channelwise(x, scale, shift, added *Tensor) []*Tensor {
	in := []*Tensor{x, contiguousOrNil(scale), contiguousOrNil(shift), added}
	if len(x.shape) >= 2 {
		in[0] = channelsInnermost(x)
		if added != nil && len(added.shape) == len(x.shape) {
			in[3] = channelsInnermost(added)
		}
	}
	return in
}
