package nn

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/tensor"
)

// MultiheadAttention attends with several heads to projections of its inputs,
// and projects what they give (Vaswani et al., arXiv 1706.03762, section 3.2).
type MultiheadAttention struct {
	InProjWeight *tensor.Tensor // (3*width, width): queries, keys, values
	InProjBias   *tensor.Tensor // (3*width), or nil
	OutProj      *Linear
	Heads        int
	Dropout      float64 // of the weights, in training
}

// AttendOptions change what [MultiheadAttention.Attend] attends to. The zero
// value sees all keys. A query that sees none gets zeros from its heads, where
// PyTorch's layer gives NaN.
type AttendOptions struct {
	// Causal hides from each query the keys of later positions.
	Causal bool
	// Mask broadcasts to (B, heads, T, S): a bool is true where a query sees a
	// key, as in tensor.ScaledDotProductAttention (the attn_mask of PyTorch's
	// layer is the opposite); a number is added to the score.
	Mask *tensor.Tensor
	// KeyPadding is a bool (B, S), true where a key is padding that no query sees.
	// As in Mask, S counts the keys of a cache too.
	KeyPadding *tensor.Tensor
	// Cache keeps the keys and values. Those of this call are added to it, and
	// the queries see all that it holds. It is for inference; other passes panic.
	Cache *KVCache
}

// NewMultiheadAttention returns a layer for rows of a width, which the heads
// divide. The projection of the inputs starts as PyTorch's does: Xavier's uniform
// distribution over all three parts at once, biases zero. Options: WithInit and
// WithBiasInit, which are for this projection only, and NoBias.
func NewMultiheadAttention(init *Init, width, heads int, list ...Option) *MultiheadAttention {
	o := build("MultiheadAttention", append([]Option{WithInit(XavierUniform), WithBiasInit(Zeros)}, list...), "WithInit", "WithBiasInit", "NoBias")
	if heads < 1 || width%heads != 0 {
		panic(&tensor.ShapeError{Op: "nn.NewMultiheadAttention", Want: fmt.Sprintf("a width of %d does not divide into %d heads", width, heads)})
	}
	m := &MultiheadAttention{Heads: heads}
	m.InProjWeight, m.InProjBias = o.weightAndBias(init, width, 3*width, 3*width, 3*width, width)
	out := []Option{WithBiasInit(Zeros)}
	if o.noBias {
		out = append(out, NoBias())
	}
	m.OutProj = NewLinear(init, width, width, out...)
	return m
}

// Forward is self-attention in which each row of x (B, T, width) sees all.
func (m *MultiheadAttention) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Attend(c, x, x, x, AttendOptions{})
}

// Attend lets query (B, T, width) attend to key and value (B, S, width):
// (B, T, width). The three may be one tensor, which is then projected at once.
// With a cache, key and value may be nil: then the queries see what it holds.
func (m *MultiheadAttention) Attend(c *Context, query, key, value *tensor.Tensor, o AttendOptions) *tensor.Tensor {
	if o.Cache != nil && !c.noGrad {
		panic(&tensor.UseError{Op: "multihead_attention", Reason: "a cache is for inference: gradients do not pass it"})
	}
	width := m.InProjWeight.Dim(1)
	for _, x := range []*tensor.Tensor{query, key, value} {
		if x != nil && (x.NDim() != 3 || x.Dim(2) != width) || x == nil && (o.Cache == nil || key != value) {
			misfit("multihead_attention", fmt.Sprintf("needs a query (B, T, %d) with key and value (B, S, %d)", width, width), m.InProjWeight, query)
		}
	}
	a := tensor.AttentionOptions{Causal: o.Causal}
	if c.training && m.Dropout > 0 {
		a.Dropout, a.Rand = m.Dropout, c.rand
	}
	var y *tensor.Tensor
	if query == key && key == value && o.Cache == nil {
		a.Mask = joinMasks(o.Mask, o.KeyPadding)
		y = tensor.SelfAttention(m.project(c, query, 0, 3), m.Heads, a)
	} else {
		q, k, v := m.projections(c, query, key, value)
		if o.Cache != nil {
			a.Past = o.Cache.Len()
			k, v = o.Cache.extend(k, v)
		}
		a.Mask = joinMasks(o.Mask, o.KeyPadding)
		y = tensor.ScaledDotProductAttention(q, k, v, a).Transpose(1, 2).Flatten(2)
	}
	return c.did(m, query, m.OutProj.Forward(c, y))
}

// project applies parts [from, to) of the three projections to x.
func (m *MultiheadAttention) project(c *Context, x *tensor.Tensor, from, to int) *tensor.Tensor {
	w, b := c.param(m.InProjWeight), c.param(m.InProjBias)
	if width := w.Dim(1); to-from < 3 {
		w = w.Narrow(0, from*width, (to-from)*width)
		if b != nil {
			b = b.Narrow(0, from*width, (to-from)*width)
		}
	}
	return tensor.Linear(x, w, b)
}

// projections returns queries, keys and values as heads (B, heads, T, size);
// inputs that are one tensor are projected together.
func (m *MultiheadAttention) projections(c *Context, query, key, value *tensor.Tensor) (q, k, v *tensor.Tensor) {
	switch {
	case key == nil:
		return m.heads(m.project(c, query, 0, 1), 0), nil, nil
	case query == key && key == value:
		p := m.project(c, query, 0, 3)
		return m.heads(p, 0), m.heads(p, 1), m.heads(p, 2)
	case key == value:
		p := m.project(c, key, 1, 3)
		return m.heads(m.project(c, query, 0, 1), 0), m.heads(p, 0), m.heads(p, 1)
	}
	return m.heads(m.project(c, query, 0, 1), 0), m.heads(m.project(c, key, 1, 2), 0), m.heads(m.project(c, value, 2, 3), 0)
}

// heads returns one part of a projection as (B, heads, T, size), a view.
func (m *MultiheadAttention) heads(p *tensor.Tensor, part int) *tensor.Tensor {
	width := m.InProjWeight.Dim(1)
	if p.Dim(2) > width {
		p = p.Narrow(2, part*width, width)
	}
	return p.SplitHeads(m.Heads)
}

// joinMasks returns one mask for the two ways to hide keys.
func joinMasks(mask, padding *tensor.Tensor) *tensor.Tensor {
	if padding == nil {
		return mask
	}
	real := padding.Not().Unsqueeze(1).Unsqueeze(1) // (B, 1, 1, S)
	switch {
	case mask == nil:
		return real
	case mask.DType() == tensor.Bool:
		return real.And(mask)
	}
	return tensor.Where(real, mask, tensor.Scalar(math.Inf(-1), mask.DType()))
}

// KVCache keeps the keys and values of what a sequence had so far, so that each
// step of a generation computes those of its new rows only. The zero value is
// empty. It is for [Inference]: gradients do not pass it.
type KVCache struct {
	keys, values *tensor.Tensor // (B, heads, room, size)
	n            int
}

// Len returns the number of positions that the cache holds.
func (k *KVCache) Len() int { return k.n }

// Reset empties the cache and keeps its memory.
func (k *KVCache) Reset() { k.n = 0 }

// Truncate forgets all positions but the first n.
func (k *KVCache) Truncate(n int) {
	if n < 0 || n > k.n {
		panic(&tensor.UseError{Op: "truncate", Reason: fmt.Sprintf("a cache of %d positions cannot be cut to %d", k.n, n)})
	}
	k.n = n
}

// extend adds new positions, unless they are nil, and returns views of all.
func (k *KVCache) extend(keys, values *tensor.Tensor) (allKeys, allValues *tensor.Tensor) {
	if keys != nil {
		if k.keys != nil && (k.keys.Dim(0) != keys.Dim(0) || k.keys.Dim(1) != keys.Dim(1) || k.keys.Dim(3) != keys.Dim(3)) {
			if k.n > 0 {
				misfit("kv_cache", "the cache holds the keys of other sizes (B, heads, T, size); Reset it first", k.keys, keys)
			}
			k.keys, k.values = nil, nil
		}
		to := k.n + keys.Dim(2)
		k.keys, k.values = k.grown(k.keys, keys, to), k.grown(k.values, values, to)
		k.n = to
	}
	if k.n == 0 {
		panic(&tensor.UseError{Op: "kv_cache", Reason: "the cache is empty and no keys were given"})
	}
	return k.keys.Narrow(2, 0, k.n), k.values.Narrow(2, 0, k.n)
}

// grown returns a buffer whose rows up to n are the old ones and, after them,
// those of x. Its room doubles, so that adding a row takes constant time on
// average.
func (k *KVCache) grown(buffer, x *tensor.Tensor, n int) *tensor.Tensor {
	if buffer == nil || buffer.Dim(2) < n {
		shape := x.Shape()
		shape[2] = max(n, 2*k.n, 16)
		larger := tensor.Full(0, x.DType(), shape...)
		if k.n > 0 {
			larger.Narrow(2, 0, k.n).CopyFrom(buffer.Narrow(2, 0, k.n))
		}
		buffer = larger
	}
	buffer.Narrow(2, k.n, n-k.n).CopyFrom(x)
	return buffer
}
