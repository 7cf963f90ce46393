package tensor

import (
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/attention"
	"github.com/hadal-ml/hadal/internal/rng"
)

// AttentionOptions change what [ScaledDotProductAttention] computes. The zero
// value attends to all keys.
type AttentionOptions struct {
	// Causal hides from query t the keys after t+Past.
	Causal bool
	// Past is how many keys come before the first query: those of a cache.
	Past int
	// Mask broadcasts to (B, H, T, S): a bool is true where a query sees a key, a
	// number is added to the score.
	Mask *Tensor
	// Scale multiplies the scores; 0 means 1/sqrt(D).
	Scale float64
	// Dropout is the probability that a weight becomes zero; the others are
	// scaled by 1/(1-Dropout). The random numbers come from Rand.
	Dropout float64
	Rand    *Rand
}

// attentionAttr are the settings of an attention.
type attentionAttr struct {
	heads   int // of a joint projection
	causal  bool
	past    int
	scale   float64
	dropout dropoutAttr
}

// attr checks the options and draws what dropout needs.
func (o AttentionOptions) attr(op string, width int) attentionAttr {
	if o.Past < 0 {
		panic(&UseError{op, fmt.Sprintf("the number of past keys is %d; it must not be negative", o.Past)})
	}
	if !(o.Dropout >= 0 && o.Dropout < 1) {
		panic(&UseError{op, fmt.Sprintf("the probability %v of dropout is outside [0, 1)", o.Dropout)})
	}
	a := attentionAttr{causal: o.Causal, past: o.Past, scale: o.Scale}
	if a.scale == 0 {
		a.scale = 1 / math.Sqrt(float64(max(width, 1)))
	}
	if o.Dropout > 0 {
		if o.Rand == nil {
			panic(&UseError{op, "dropout needs a source of random numbers in Rand"})
		}
		a.dropout = dropoutAttr{o.Rand.draw(), o.Dropout}
	}
	return a
}

// ScaledDotProductAttention averages values v (B, H, S, E) for each of the
// queries q (B, H, T, D): with weights softmax(q kᵀ/sqrt(D)) for keys k
// (B, H, S, D), in each of H heads (Vaswani et al., arXiv 1706.03762). The
// result (B, H, T, E) lies in memory as (B, T, H, E), so that to join the heads
// again, Transpose(1, 2) and Flatten(2), copies nothing; nor are the operands
// copied when they are views of a joint projection.
//
// Only a block of the weights exists at a time (FlashAttention: Dao et al.,
// arXiv 2205.14135), except where the gradient of a numeric mask is asked for,
// or a second derivative. A query that sees no key gives zeros, where a softmax
// of nothing would be NaN.
func ScaledDotProductAttention(q, k, v *Tensor, o AttentionOptions) *Tensor {
	width := 1
	if len(q.shape) > 0 {
		width = q.shape[len(q.shape)-1]
	}
	return applyAll(opAttention, o.attr("scaled_dot_product_attention", width), q, k, v, o.Mask)[0]
}

// SelfAttention is [ScaledDotProductAttention] of a joint projection (B, T, 3C)
// of queries, keys and values, side by side, each of which has the given number
// of heads side by side: (B, T, C). Its gradient is one array too, where
// those of three views would be put together from three.
func SelfAttention(qkv *Tensor, heads int, o AttentionOptions) *Tensor {
	if len(qkv.shape) != 3 || heads < 1 || qkv.shape[2]%(3*heads) != 0 {
		misfit("self_attention", []*Tensor{qkv, o.Mask}, "needs queries, keys and values (B, T, 3C) with C a multiple of the %d heads", heads)
	}
	a := o.attr("self_attention", qkv.shape[2]/(3*heads))
	a.heads = heads
	return applyAll(opSelfAttention, a, qkv, o.Mask)[0]
}

// SplitHeads returns the parts of each row of (B, T, C), a head each, as
// (B, heads, T, C/heads). It shares memory, whatever the layout.
func (t *Tensor) SplitHeads(heads int) *Tensor {
	if len(t.shape) != 3 || heads < 1 || t.shape[2]%heads != 0 {
		misfit("split_heads", []*Tensor{t}, "needs (B, T, C) with C a multiple of the %d heads", heads)
	}
	return apply(opSplitHeads, heads, t)
}

var opAttention, opAttentionGrad, opSelfAttention, opSelfAttentionGrad, opSplitHeads *Op

func init() {
	opAttention = register(&Op{Name: "scaled_dot_product_attention", Doc: "ScaledDotProductAttention averages values with the softmax of scaled products of queries and keys.",
		Saved: &Saved{In: []int{0, 1, 2, 3}, Out: []int{0, 1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			q, k, v := c.In[0], c.In[1], c.In[2]
			wantAttention(c, q, k, v)
			shape := []int{q.shape[0], q.shape[1], q.shape[2], v.shape[3]}
			checkAttentionMask(c, c.In[3], []int{q.shape[0], q.shape[1], q.shape[2], k.shape[2]})
			return []Spec{{shape, q.dtype, headsInside(shape)}, {shape[:3], q.dtype, nil}}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				attend[float32](c, c.In[0], c.In[1], c.In[2], c.In[3], c.Out[0], c.Out[1])
			} else {
				attend[float64](c, c.In[0], c.In[1], c.In[2], c.In[3], c.Out[0], c.Out[1])
			}
		},
		Grad: func(g *GradCall) {
			if g.Needs(3) { // its gradient is as large as the matrix of weights
				GradByDefinition(g)
				return
			}
			out := applyAll(opAttentionGrad, g.Attr, g.Gy(0), g.In[0], g.In[1], g.In[2], g.In[3], g.Out[0], g.Out[1])
			for i := range out {
				if g.Needs(i) {
					g.Set(i, out[i])
				}
			}
		},
		Define: func(c *Call) []*Tensor {
			return []*Tensor{attentionDefinition(c.In[0], c.In[1], c.In[2], c.In[3], c.Attr.(attentionAttr)), nil}
		},
		Cost:    func(c *Call) (int64, int64) { return attentionCost(c, c.In[0], c.In[1], c.In[2], 1) },
		Samples: attentionSamples})
	opAttentionGrad = register(&Op{Name: "scaled_dot_product_attention_grad", Doc: "The gradients of ScaledDotProductAttention for queries, keys and values.",
		NoGrad: "second derivatives go through the definition of scaled_dot_product_attention",
		Infer: func(c *Call) []Spec {
			wantWide(&Call{Op: c.Op, In: c.In[:1]})
			specs := make([]Spec, 3)
			for i, t := range c.In[1:4] {
				specs[i] = Spec{t.shape, t.dtype, orderOf(t, t.shape)}
			}
			return specs
		},
		Run: func(c *Call) {
			in := c.In
			if in[0].dtype == Float32 {
				attendBack[float32](c, in[0], in[1], in[2], in[3], in[4], in[5], in[6], c.Out[0], c.Out[1], c.Out[2])
			} else {
				attendBack[float64](c, in[0], in[1], in[2], in[3], in[4], in[5], in[6], c.Out[0], c.Out[1], c.Out[2])
			}
		},
		Cost: func(c *Call) (int64, int64) { return attentionCost(c, c.In[1], c.In[2], c.In[3], 2.5) },
		Samples: func(s *Sampler) []Sample {
			return withGradients(s, attentionSamples(s), opAttention)
		}})
	opSelfAttention = register(&Op{Name: "self_attention", Doc: "SelfAttention is ScaledDotProductAttention of a joint projection of queries, keys and values.",
		Saved: &Saved{In: []int{0, 1}, Out: []int{0, 1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			x, heads := c.In[0], c.Attr.(attentionAttr).heads
			wantWide(&Call{Op: c.Op, In: c.In[:1]})
			b, t, width := x.shape[0], x.shape[1], x.shape[2]/3
			checkAttentionMask(c, c.In[1], []int{b, heads, t, t})
			return []Spec{{[]int{b, t, width}, x.dtype, nil}, {[]int{b, heads, t}, x.dtype, nil}}
		},
		Run: func(c *Call) {
			q, k, v := projections(c.In[0], c.Attr.(attentionAttr).heads)
			y := headsOf(c.Out[0], c.Attr.(attentionAttr).heads)
			if q.dtype == Float32 {
				attend[float32](c, q, k, v, c.In[1], y, c.Out[1])
			} else {
				attend[float64](c, q, k, v, c.In[1], y, c.Out[1])
			}
		},
		Grad: func(g *GradCall) {
			if g.Needs(1) {
				GradByDefinition(g)
				return
			}
			g.Set(0, apply(opSelfAttentionGrad, g.Attr, g.Gy(0).Contiguous(), g.In[0], g.In[1], g.Out[0], g.Out[1]))
		},
		Define: func(c *Call) []*Tensor {
			x, a := c.In[0], c.Attr.(attentionAttr)
			part := func(i int) *Tensor {
				return x.Narrow(2, i*x.shape[2]/3, x.shape[2]/3).SplitHeads(a.heads)
			}
			y := attentionDefinition(part(0), part(1), part(2), c.In[1], a)
			return []*Tensor{y.Transpose(1, 2).Flatten(2), nil}
		},
		Cost: func(c *Call) (int64, int64) {
			q, k, v := projections(c.In[0], c.Attr.(attentionAttr).heads)
			return attentionCost(c, q, k, v, 1)
		},
		Samples: selfAttentionSamples})
	opSplitHeads = register(&Op{Name: "split_heads", Doc: "SplitHeads returns the parts of each row, a head each, as a stack of matrices.",
		Saved: savesNothing,
		View:  func(c *Call) *Tensor { return headsOf(c.In[0], c.Attr.(int)) },
		Grad:  func(g *GradCall) { g.Set(0, g.Gy(0).Transpose(1, 2).Reshape(g.In[0].shape...)) },
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "two heads", In: []*Tensor{s.Normal(2, 3, 4)}, Attr: 2},
				{Name: "of a part", In: []*Tensor{s.Normal(2, 3, 12).Narrow(2, 4, 6)}, Attr: 3}}
		}})
	opSelfAttentionGrad = register(&Op{Name: "self_attention_grad", Doc: "The gradient of SelfAttention.",
		NoGrad: "second derivatives go through the definition of self_attention",
		Infer: func(c *Call) []Spec {
			wantWide(&Call{Op: c.Op, In: c.In[:1]})
			return []Spec{{c.In[1].shape, c.In[1].dtype, nil}}
		},
		Run: func(c *Call) {
			heads := c.Attr.(attentionAttr).heads
			q, k, v := projections(c.In[1], heads)
			gq, gk, gv := projections(c.Out[0], heads)
			gy, y := headsOf(c.In[0], heads), headsOf(c.In[3], heads)
			if q.dtype == Float32 {
				attendBack[float32](c, gy, q, k, v, c.In[2], y, c.In[4], gq, gk, gv)
			} else {
				attendBack[float64](c, gy, q, k, v, c.In[2], y, c.In[4], gq, gk, gv)
			}
		},
		Cost: func(c *Call) (int64, int64) {
			q, k, v := projections(c.In[1], c.Attr.(attentionAttr).heads)
			return attentionCost(c, q, k, v, 2.5)
		},
		Samples: func(s *Sampler) []Sample { return withGradients(s, selfAttentionSamples(s), opSelfAttention) }})
}

// wantAttention panics unless queries, keys and values fit.
func wantAttention(c *Call, q, k, v *Tensor) {
	wantWide(&Call{Op: c.Op, In: []*Tensor{q, k, v}})
	if len(q.shape) != 4 || len(k.shape) != 4 || len(v.shape) != 4 || !slices.Equal(q.shape[:2], k.shape[:2]) ||
		q.shape[3] != k.shape[3] || !slices.Equal(k.shape[:3], v.shape[:3]) {
		misfit(c.Op.Name, c.In, "needs queries (B, H, T, D), keys (B, H, S, D) and values (B, H, S, E)")
	}
}

// checkAttentionMask panics unless a mask broadcasts to the weights.
func checkAttentionMask(c *Call, mask *Tensor, weights []int) {
	if mask == nil {
		return
	}
	if mask.dtype != Bool && mask.dtype != c.In[0].dtype {
		misfit(c.Op.Name, c.In, "the mask must be bool, true where a query sees a key, or numbers of the type of the operands, to be added to the scores")
	}
	if got, ok := broadcastShapes(mask.shape, weights); !ok || !slices.Equal(got, weights) {
		misfit(c.Op.Name, c.In, "the mask does not broadcast to %s", ShapeString(weights))
	}
}

// headsInside is the stride of (B, H, T, D) that lies in memory as (B, T, H, D).
func headsInside(shape []int) []int {
	h, t, d := max(shape[1], 1), max(shape[2], 1), max(shape[3], 1)
	return []int{t * h * d, d, h * d, 1}
}

// headsOf is (B, T, C) as a view of its heads (B, H, T, C/H).
func headsOf(t *Tensor, heads int) *Tensor {
	v := t.alias()
	d := t.shape[2] / heads
	v.shape = []int{t.shape[0], heads, t.shape[1], d}
	v.stride = []int{t.stride[0], d * t.stride[2], t.stride[1], t.stride[2]}
	return v
}

// projections are the three parts of a joint projection (B, T, 3C), as heads.
func projections(x *Tensor, heads int) (q, k, v *Tensor) {
	parts := [3]*Tensor{}
	for i := range parts {
		part := x.alias()
		part.shape = []int{x.shape[0], x.shape[1], x.shape[2] / 3}
		if x.Len() > 0 {
			part.offset += i * x.shape[2] / 3 * x.stride[2]
		}
		parts[i] = headsOf(part, heads)
	}
	return parts[0], parts[1], parts[2]
}

// attentionProblem describes a call to the kernels.
func attentionProblem(q, k, v *Tensor, a attentionAttr) *attention.Problem {
	p := &attention.Problem{Batch: q.shape[0], Heads: q.shape[1], Queries: q.shape[2], Keys: k.shape[2], Width: q.shape[3], ValueWidth: v.shape[3],
		Scale: a.scale, Causal: a.causal, Past: a.past, Dropout: a.dropout.p}
	p.Key, p.Nonce = a.dropout.key.Words()
	return p
}

// attentionRows is an operand as the kernels read it: the elements of a row are
// contiguous, everything else may lie anywhere.
func attentionRows[T real](t *Tensor) attention.Heads[T] {
	if t.stride[3] != 1 && t.shape[3] > 1 {
		dense := newTensor(nil, t.dtype, t.shape, nil)
		copyInto(dense, t)
		t = dense
	}
	if t.Len() == 0 {
		return attention.Heads[T]{}
	}
	return attention.Heads[T]{Data: elements[T](t), Batch: t.stride[0], Head: t.stride[1], Row: t.stride[2]}
}

func attentionMask[T real](mask *Tensor, p *attention.Problem) attention.Mask[T] {
	if mask == nil {
		return attention.Mask[T]{}
	}
	s := broadcastStride(mask.shape, mask.stride, []int{p.Batch, p.Heads, p.Queries, p.Keys})
	m := attention.Mask[T]{Batch: s[0], Head: s[1], Row: s[2], Key: s[3]}
	switch {
	case mask.Len() == 0:
		return attention.Mask[T]{}
	case mask.dtype == Bool:
		m.Visible = elements[bool](mask)
	default:
		m.Add = elements[T](mask)
	}
	return m
}

func attend[T real](c *Call, q, k, v, mask, y, lse *Tensor) {
	p := attentionProblem(q, k, v, c.Attr.(attentionAttr))
	attention.Forward(p, attentionRows[T](q), attentionRows[T](k), attentionRows[T](v), attentionMask[T](mask, p), attentionRows[T](y), dense[T](lse))
}

func attendBack[T real](c *Call, gy, q, k, v, mask, y, lse, gq, gk, gv *Tensor) {
	p := attentionProblem(q, k, v, c.Attr.(attentionAttr))
	// A gradient whose rows would have gaps is computed aside.
	aside := func(t *Tensor) (*Tensor, func()) {
		if t.stride[3] == 1 || t.shape[3] <= 1 {
			return t, func() {}
		}
		rows := newTensor(nil, t.dtype, t.shape, nil)
		return rows, func() { copyInto(t, rows) }
	}
	tq, doneQ := aside(gq)
	tk, doneK := aside(gk)
	tv, doneV := aside(gv)
	attention.Backward(p, attentionRows[T](q), attentionRows[T](k), attentionRows[T](v), attentionMask[T](mask, p),
		attentionRows[T](y), dense[T](lse.Contiguous()), attentionRows[T](gy), attentionRows[T](tq), attentionRows[T](tk), attentionRows[T](tv))
	doneQ()
	doneK()
	doneV()
}

// attentionDefinition is attention in simpler operations.
func attentionDefinition(q, k, v, mask *Tensor, a attentionAttr) *Tensor {
	scores := q.MatMul(k.T()).MulScalar(a.scale)
	queries, keys := q.shape[2], k.shape[2]
	if a.causal {
		scores = scores.MaskedFill(Full(1, q.dtype, queries, keys).Tril(a.past).To(Bool).Not(), math.Inf(-1))
	}
	switch {
	case mask == nil:
	case mask.dtype == Bool:
		scores = scores.MaskedFill(mask.Not(), math.Inf(-1))
	default:
		scores = scores.Add(mask)
	}
	if keys == 0 {
		return scores.MatMul(v)
	}
	// Where all scores of a query are -Inf, all weights are zero.
	greatest := scores.Detach().MaxKeep(-1)
	greatest = greatest.MaskedFill(greatest.IsInf(), 0)
	e := scores.Sub(greatest).Exp()
	sum := e.SumKeep(-1)
	weights := e.Div(sum.Add(sum.Detach().Equal(Scalar(0, q.dtype)).To(q.dtype)))
	if a.dropout.p > 0 {
		stride := (keys + 3) / 4 * 4
		kept := apply(opDropout, a.dropout, Full(1, q.dtype, q.shape[0], q.shape[1], queries, stride))
		weights = weights.Mul(kept.Narrow(3, 0, keys))
	}
	return weights.MatMul(v)
}

func attentionCost(c *Call, q, k, v *Tensor, passes float64) (flops, bytes int64) {
	a := c.Attr.(attentionAttr)
	p := attentionProblem(q, k, v, a)
	for _, list := range [][]*Tensor{c.In, c.Out} {
		for _, t := range list {
			if t != nil {
				bytes += int64(t.Len() * t.dtype.Size())
			}
		}
	}
	n := float64(p.FLOPs())
	if a.causal && p.Past == 0 {
		n /= 2
	}
	return int64(passes * n), bytes
}

func attentionSamples(s *Sampler) []Sample {
	operands := func(b, h, t, keys, d, e int, mask *Tensor) []*Tensor {
		return []*Tensor{s.Normal(b, h, t, d), s.Normal(b, h, keys, d), s.Normal(b, h, keys, e), mask}
	}
	hidden := FromSlice([]bool{true, false, true, false, false, false, true, true, true}, 3, 3)
	views := func(t *Tensor) *Tensor { return t.Transpose(1, 2) }
	return []Sample{
		{"self", operands(2, 2, 3, 3, 4, 4, nil), attentionAttr{scale: 0.5}},
		{"causal", operands(1, 2, 5, 5, 3, 2, nil), attentionAttr{scale: 0.6, causal: true}},
		{"causal after a past", operands(1, 1, 2, 5, 3, 2, nil), attentionAttr{scale: 0.6, causal: true, past: 3}},
		{"one query", operands(2, 2, 1, 7, 4, 4, nil), attentionAttr{scale: 0.5}},
		{"a query that sees nothing", operands(2, 1, 3, 3, 2, 2, hidden), attentionAttr{scale: 1}},
		{"numbers to add", operands(2, 2, 3, 5, 4, 4, s.Normal(2, 1, 5)), attentionAttr{scale: 0.5}},
		{"dropout", operands(2, 2, 3, 6, 4, 4, nil), attentionAttr{scale: 0.5, dropout: dropoutAttr{rng.New(7), 0.3}}},
		{"negative scale", operands(1, 1, 3, 3, 4, 4, nil), attentionAttr{scale: -0.5}},
		{"views of rows", []*Tensor{views(s.Normal(2, 9, 2, 4)), views(s.Normal(2, 9, 2, 4)), views(s.Normal(2, 9, 2, 4)), nil}, attentionAttr{scale: 0.5, causal: true}},
	}
}

func selfAttentionSamples(s *Sampler) []Sample {
	return []Sample{
		{"causal", []*Tensor{s.Normal(2, 5, 12), nil}, attentionAttr{heads: 2, scale: 0.7, causal: true}},
		{"mask", []*Tensor{s.Normal(2, 3, 6), s.Bools(2, 1, 1, 3)}, attentionAttr{heads: 1, scale: 0.7}},
		{"numbers to add, dropout", []*Tensor{s.Normal(1, 4, 12), s.Normal(4, 4)}, attentionAttr{heads: 2, scale: 0.7, dropout: dropoutAttr{rng.New(7), 0.3}}},
	}
}

// withGradients makes samples of a gradient from those of the operation.
func withGradients(s *Sampler, samples []Sample, op *Op) []Sample {
	for i, sample := range samples {
		out := applyAll(op, sample.Attr, sample.In...)
		samples[i].In = append(append([]*Tensor{s.Normal(out[0].shape...)}, sample.In...), out...)
	}
	return samples
}
