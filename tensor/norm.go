package tensor

import (
	"cmp"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// normAttr are the settings of a normalisation.
type normAttr struct {
	eps  float64
	relu bool // batch norm: ReLU in the same pass
}

var opLayerNorm, opLayerNormGrad, opAddLayerNorm, opAddLayerNormGrad, opRMSNorm, opRMSNormGrad *Op

func init() {
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
				layerNormGrad[float32](c, nil)
			} else {
				layerNormGrad[float64](c, nil)
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "affine", In: []*Tensor{s.Normal(3, 5), s.Normal(3, 5), s.Normal(5), s.Normal(3), s.Positive(3)}}}
		}})
}

func init() {
	opAddLayerNorm = register(&Op{Name: "add_layer_norm", Doc: "AddLayerNorm adds two tensors and normalises each row of the last axis of the sum.",
		Saved: &Saved{In: []int{2}, Out: []int{0, 2, 3}}, Auxiliary: 2,
		Infer: func(c *Call) []Spec {
			specs := opLayerNorm.Infer(&Call{Op: c.Op, In: []*Tensor{c.In[0], c.In[2], c.In[3]}})
			wantWide(c)
			return append(specs[:1:1], specs...)
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				addLayerNorm[float32](c)
			} else {
				addLayerNorm[float64](c)
			}
		},
		Grad: func(g *GradCall) {
			in := []*Tensor{g.Gy(1).Contiguous(), g.Out[0], g.In[2], g.Out[2], g.Out[3]}
			var out []*Tensor
			if g.gradOut[0] == nil { // the sum itself was not used
				out = applyAll(opLayerNormGrad, nil, in...)
			} else {
				out = applyAll(opAddLayerNormGrad, nil, append([]*Tensor{g.Gy(0).Contiguous()}, in...)...)
			}
			for i, from := range []int{0, 0, 1, 2} {
				if g.Needs(i) {
					g.Set(i, out[from])
				}
			}
		},
		Define: func(c *Call) []*Tensor {
			sum := c.In[0].Add(c.In[1])
			y := opLayerNorm.Define(&Call{Op: opLayerNorm, Attr: c.Attr, In: []*Tensor{sum, c.In[2], c.In[3]}})
			return []*Tensor{sum, y[0], nil, nil}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{"affine", []*Tensor{s.Normal(3, 5), s.Normal(3, 5), s.Normal(5), s.Normal(5)}, normAttr{eps: 1e-5}},
				{"plain, three axes", []*Tensor{s.Normal(2, 2, 4), s.Normal(2, 2, 4), nil, nil}, normAttr{eps: 1e-5}}}
		}})
	opAddLayerNormGrad = register(&Op{Name: "add_layer_norm_grad", Doc: "The gradients of AddLayerNorm for either operand, its scale and its shift.",
		NoGrad: "second derivatives go through the definition of add_layer_norm",
		Infer: func(c *Call) []Spec {
			return opLayerNormGrad.Infer(&Call{Op: c.Op, In: c.In[1:]})
		},
		Run: func(c *Call) {
			inner := &Call{Op: c.Op, In: c.In[1:], Out: c.Out}
			if c.In[0].dtype == Float32 {
				layerNormGrad(inner, dense[float32](c.In[0]))
			} else {
				layerNormGrad(inner, dense[float64](c.In[0]))
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "affine", In: []*Tensor{s.Normal(3, 5), s.Normal(3, 5), s.Normal(3, 5), s.Normal(5), s.Normal(3), s.Positive(3)}}}
		}})
	opRMSNorm = register(&Op{Name: "rms_norm", Doc: "RMSNorm divides each row of the last axis by the root of its mean square.", ONNX: "RMSNormalization",
		Saved: &Saved{In: []int{0, 1}, Out: []int{1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			return opLayerNorm.Infer(c)[:2]
		},
		Run: func(c *Call) {
			rows, n := rowsOf(c.In[0])
			if c.In[0].dtype == Float32 {
				byRows(rows, n, func(lo, hi int) { rmsNormRows[float32](c, lo, hi, n) })
			} else {
				byRows(rows, n, func(lo, hi int) { rmsNormRows[float64](c, lo, hi, n) })
			}
		},
		Grad: func(g *GradCall) {
			out := applyAll(opRMSNormGrad, nil, g.Gy(0).Contiguous(), g.In[0], g.In[1], g.Out[1])
			for i := range out {
				if g.Needs(i) {
					g.Set(i, out[i])
				}
			}
		},
		Define: func(c *Call) []*Tensor {
			y := c.In[0].Div(c.In[0].Square().MeanKeep(-1).AddScalar(c.Attr.(normAttr).eps).Sqrt())
			if c.In[1] != nil {
				y = y.Mul(c.In[1])
			}
			return []*Tensor{y, nil}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{"scale", []*Tensor{s.Normal(3, 5), s.Normal(5)}, normAttr{eps: 1e-5}},
				{"plain, three axes", []*Tensor{s.Normal(2, 2, 4), nil}, normAttr{eps: 1e-5}}}
		}})
	opRMSNormGrad = register(&Op{Name: "rms_norm_grad", Doc: "The gradients of RMSNorm for its input and scale.",
		NoGrad: "second derivatives go through the definition of rms_norm",
		Infer: func(c *Call) []Spec {
			return opLayerNormGrad.Infer(c)[:2]
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				rmsNormGrad[float32](c)
			} else {
				rmsNormGrad[float64](c)
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "scale", In: []*Tensor{s.Normal(3, 5), s.Normal(3, 5), s.Normal(5), s.Positive(3)}}}
		}})
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

// addLayerNorm adds and normalises a few rows at a time, while they are near.
func addLayerNorm[T real](c *Call) {
	rows, n := rowsOf(c.In[0])
	x, residual, sum := dense[T](c.In[0]), dense[T](c.In[1]), dense[T](c.Out[0])
	norm := &Call{In: []*Tensor{c.Out[0], c.In[2], c.In[3]}, Out: c.Out[1:], Attr: c.Attr}
	byRows(rows, n, func(lo, hi int) {
		for ; lo < hi; lo += nearRows {
			to := min(lo+nearRows, hi)
			vec.Add(sum[lo*n:to*n], x[lo*n:to*n], residual[lo*n:to*n])
			layerNormRows[T](norm, lo, to, n)
		}
	})
}

// nearRows is how many rows of a usual width stay in the first-level cache.
const nearRows = 4

// layerNormGrad computes the gradients of a layer norm. What is to be added to
// that of the input may be nil.
func layerNormGrad[T real](c *Call, add []T) {
	gy, x, gamma := dense[T](c.In[0]), dense[T](c.In[1]), denseOrNil[T](c.In[2])
	mean, rstd, gx := dense[T](c.In[3]), dense[T](c.In[4]), dense[T](c.Out[0])
	rows, n := rowsOf(c.In[1])
	sumParts(rows, [][]T{dense[T](c.Out[1]), dense[T](c.Out[2])}, func(parts [][]T, lo, hi int) {
		for ; lo < hi; lo += nearRows {
			to := min(lo+nearRows, hi)
			vec.LayerNormGradRows(gx[lo*n:to*n], parts[0], parts[1], gy[lo*n:to*n], x[lo*n:to*n], gamma, mean[lo:to], rstd[lo:to], to-lo, n, n)
			if add != nil {
				vec.Add(gx[lo*n:to*n], gx[lo*n:to*n], add[lo*n:to*n])
			}
		}
	})
}

func rmsNormRows[T real](c *Call, lo, hi, n int) {
	vec.RMSNormRows(dense[T](c.Out[0])[lo*n:hi*n], dense[T](c.In[0])[lo*n:hi*n], denseOrNil[T](c.In[1]),
		dense[T](c.Out[1])[lo:hi], hi-lo, n, n, T(c.Attr.(normAttr).eps))
}

func rmsNormGrad[T real](c *Call) {
	gy, x, gamma := dense[T](c.In[0]), dense[T](c.In[1]), denseOrNil[T](c.In[2])
	rstd, gx := dense[T](c.In[3]), dense[T](c.Out[0])
	rows, n := rowsOf(c.In[1])
	sumParts(rows, [][]T{dense[T](c.Out[1])}, func(parts [][]T, lo, hi int) {
		vec.RMSNormGradRows(gx[lo*n:hi*n], parts[0], gy[lo*n:hi*n], x[lo*n:hi*n], gamma, rstd[lo:hi], hi-lo, n, n)
	})
}

// sumParts adds up vectors over rows in blocks, each into vectors of its own,
// and then the blocks in order: the result does not depend on the number of
// threads.
func sumParts[T real](rows int, sums [][]T, add func(parts [][]T, lo, hi int)) {
	block := max(reduceRows/8, 1)
	blocks := max(1, (rows+block-1)/block)
	n := len(sums[0])
	all := make([]T, len(sums)*n*blocks)
	par.For(rows, block, func(lo, hi int) {
		parts := make([][]T, len(sums))
		for i := range parts {
			parts[i] = all[(lo/block*len(sums)+i)*n:][:n]
		}
		add(parts, lo, hi)
	})
	for i, sum := range sums {
		clear(sum)
		for b := range blocks {
			vec.Add(sum, sum, all[(b*len(sums)+i)*n:][:n])
		}
	}
}

// LayerNorm normalises each row to mean 0 and variance 1, then scales and
// shifts it by gamma and beta, either of which may be nil (Ba, Kiros and Hinton
// 2016). A row is the last axis of x, or the last axes where gamma and beta
// have several.
func LayerNorm(x, gamma, beta *Tensor, eps float64) *Tensor {
	rows, gamma, beta := normRows("layer_norm", x, gamma, beta)
	return applyAll(opLayerNorm, normAttr{eps: eps}, rows, gamma, beta)[0].Reshape(x.shape...)
}

// AddLayerNorm returns x + residual and the [LayerNorm] of that, in one pass
// over memory: a branch of a network joins the main road and the next one
// leaves it. Both operands have the same shape.
func AddLayerNorm(x, residual, gamma, beta *Tensor, eps float64) (sum, y *Tensor) {
	if !slices.Equal(x.shape, residual.shape) {
		misfit("add_layer_norm", []*Tensor{x, residual}, "the two that are added must have the same shape")
	}
	rows, g, b := normRows("add_layer_norm", x, gamma, beta)
	out := applyAll(opAddLayerNorm, normAttr{eps: eps}, rows, residual.Reshape(rows.shape...).Contiguous(), g, b)
	return out[0].Reshape(x.shape...), out[1].Reshape(x.shape...)
}

// RMSNorm divides each row by the root of its mean square, then scales it by
// gamma, which may be nil (Zhang and Sennrich, arXiv 1910.07467). A row is the
// last axis of x, or the last axes where gamma has several.
func RMSNorm(x, gamma *Tensor, eps float64) *Tensor {
	rows, gamma, _ := normRows("rms_norm", x, gamma, nil)
	return applyAll(opRMSNorm, normAttr{eps: eps}, rows, gamma)[0].Reshape(x.shape...)
}

// normRows lays x out so that the axes of the scale and the shift are one.
func normRows(op string, x, gamma, beta *Tensor) (rows, scale, shift *Tensor) {
	flat := func(t *Tensor) *Tensor {
		if t == nil || len(t.shape) < 2 {
			return contiguousOrNil(t)
		}
		n := len(x.shape) - len(t.shape)
		if n < 0 || !slices.Equal(x.shape[n:], t.shape) {
			misfit(op, []*Tensor{x, gamma, beta}, "the scale and the shift must have the sizes of the last axes")
		}
		return t.Reshape(t.Len())
	}
	if gamma != nil && beta != nil && len(gamma.shape) != len(beta.shape) {
		misfit(op, []*Tensor{x, gamma, beta}, "the scale and the shift must have the same shape")
	}
	rows, scale, shift = x, flat(gamma), flat(beta)
	if t := cmp.Or(gamma, beta); t != nil && len(t.shape) > 1 {
		rows = x.Reshape(append(slices.Clone(x.shape[:len(x.shape)-len(t.shape)]), t.Len())...)
	}
	return rows.Contiguous(), scale, shift
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
