package nn

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/tensor"
)

// TransformerConfig has the sizes and settings of the layers of a transformer.
type TransformerConfig struct {
	Width     int     // of a row
	Heads     int     // of each attention; they divide the width
	Hidden    int     // of the two-layer network; 0 means 4*Width
	Dropout   float64 // of attention weights, hidden values and branches
	NormFirst bool    // normalise what a branch reads rather than what it leaves (Xiong et al., arXiv 2002.04745)
	GELU      bool    // in place of ReLU
}

// feedForward is the network of two layers that is applied to each row.
func (f TransformerConfig) feedForward(init *Init) (up, down *Linear) {
	hidden := f.Hidden
	if hidden == 0 {
		hidden = 4 * f.Width
	}
	return NewLinear(init, f.Width, hidden), NewLinear(init, hidden, f.Width)
}

func (f TransformerConfig) attention(init *Init) *MultiheadAttention {
	m := NewMultiheadAttention(init, f.Width, f.Heads)
	m.Dropout = f.Dropout
	return m
}

func (f TransformerConfig) drop(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return Dropout{f.Dropout}.Forward(c, x)
}

// feed applies the network of two layers.
func (f TransformerConfig) feed(c *Context, up, down *Linear, x *tensor.Tensor) *tensor.Tensor {
	if f.GELU {
		x = up.Forward(c, x).GELU()
	} else {
		x = up.ForwardReLU(c, x)
	}
	return f.drop(c, down.Forward(c, f.drop(c, x)))
}

// TransformerEncoderLayer is self-attention and a network of two layers, each
// on a branch of its own (Vaswani et al., arXiv 1706.03762). With a causal mask
// it is the layer of a language model.
type TransformerEncoderLayer struct {
	SelfAttn         *MultiheadAttention
	Linear1, Linear2 *Linear
	Norm1, Norm2     *LayerNorm
	Config           TransformerConfig
}

// NewTransformerEncoderLayer returns a layer.
func NewTransformerEncoderLayer(init *Init, f TransformerConfig) *TransformerEncoderLayer {
	l := &TransformerEncoderLayer{SelfAttn: f.attention(init), Norm1: NewLayerNorm(f.Width), Norm2: NewLayerNorm(f.Width), Config: f}
	l.Linear1, l.Linear2 = f.feedForward(init)
	return l
}

// Forward keeps the shape (B, T, width); each row sees all.
func (l *TransformerEncoderLayer) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return l.Attend(c, x, AttendOptions{})
}

// Attend is Forward with a mask, padding or a cache.
func (l *TransformerEncoderLayer) Attend(c *Context, x *tensor.Tensor, o AttendOptions) *tensor.Tensor {
	f := l.Config
	attend := func(x *tensor.Tensor) *tensor.Tensor { return f.drop(c, l.SelfAttn.Attend(c, x, x, x, o)) }
	feed := func(x *tensor.Tensor) *tensor.Tensor { return f.feed(c, l.Linear1, l.Linear2, x) }
	if f.NormFirst {
		sum, y := l.Norm2.AddForward(c, x, attend(l.Norm1.Forward(c, x)))
		return c.did(l, x, sum.Add(feed(y)))
	}
	_, y := l.Norm1.AddForward(c, x, attend(x))
	_, y = l.Norm2.AddForward(c, y, feed(y))
	return c.did(l, x, y)
}

// TransformerDecoderLayer is self-attention, attention to what an encoder made
// of another sequence, and a network of two layers.
type TransformerDecoderLayer struct {
	SelfAttn, MultiheadAttn *MultiheadAttention
	Linear1, Linear2        *Linear
	Norm1, Norm2, Norm3     *LayerNorm
	Config                  TransformerConfig
}

// NewTransformerDecoderLayer returns a layer.
func NewTransformerDecoderLayer(init *Init, f TransformerConfig) *TransformerDecoderLayer {
	l := &TransformerDecoderLayer{SelfAttn: f.attention(init), MultiheadAttn: f.attention(init),
		Norm1: NewLayerNorm(f.Width), Norm2: NewLayerNorm(f.Width), Norm3: NewLayerNorm(f.Width), Config: f}
	l.Linear1, l.Linear2 = f.feedForward(init)
	return l
}

// DecodeOptions say what the two attentions of a decoder see.
type DecodeOptions struct {
	Self   AttendOptions // among the rows of the target
	Memory AttendOptions // from the target to the memory
}

// Attend maps the target (B, T, width) to the same shape, given the memory
// (B, S, width) that an encoder left. With a cache for the memory, whose keys
// are the same at every step, only the first call is given one; later ones
// pass nil.
func (l *TransformerDecoderLayer) Attend(c *Context, target, memory *tensor.Tensor, o DecodeOptions) *tensor.Tensor {
	f := l.Config
	attend := func(x *tensor.Tensor) *tensor.Tensor { return f.drop(c, l.SelfAttn.Attend(c, x, x, x, o.Self)) }
	remember := func(x *tensor.Tensor) *tensor.Tensor {
		return f.drop(c, l.MultiheadAttn.Attend(c, x, memory, memory, o.Memory))
	}
	feed := func(x *tensor.Tensor) *tensor.Tensor { return f.feed(c, l.Linear1, l.Linear2, x) }
	if f.NormFirst {
		sum, y := l.Norm2.AddForward(c, target, attend(l.Norm1.Forward(c, target)))
		sum, y = l.Norm3.AddForward(c, sum, remember(y))
		return c.did(l, target, sum.Add(feed(y)))
	}
	_, y := l.Norm1.AddForward(c, target, attend(target))
	_, y = l.Norm2.AddForward(c, y, remember(y))
	_, y = l.Norm3.AddForward(c, y, feed(y))
	return c.did(l, target, y)
}

// SinusoidalPositions returns the table (length, width) of sines and cosines of
// falling frequency by which a transformer tells positions apart (Vaswani et
// al., arXiv 1706.03762, section 3.5): sines in the even columns, cosines in
// the odd ones.
func SinusoidalPositions(length, width int) *tensor.Tensor {
	v := make([]float32, length*width)
	for t := range length {
		for i := range width {
			angle := float64(t) / math.Pow(10000, float64(i/2*2)/float64(width))
			if i%2 == 0 {
				v[t*width+i] = float32(math.Sin(angle))
			} else {
				v[t*width+i] = float32(math.Cos(angle))
			}
		}
	}
	return tensor.FromSlice(v, length, width)
}

// PositionalEncoding adds a vector of its position to each row. The table is
// learned, or [SinusoidalPositions].
type PositionalEncoding struct {
	Weight *tensor.Tensor // (length, width)
}

// NewPositionalEncoding returns a table to be learned, for sequences up to a
// length. It starts with normal values of variance 1. Options: WithInit.
func NewPositionalEncoding(init *Init, length, width int, list ...Option) *PositionalEncoding {
	o := build("PositionalEncoding", append([]Option{WithInit(Normal(0, 1))}, list...), "WithInit")
	return &PositionalEncoding{o.weight(init.next(), 1, width, length, width).RequireGrad()}
}

// Forward keeps the shape (B, T, width); the first row is at position 0.
func (l *PositionalEncoding) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return l.From(c, x, 0)
}

// From is Forward with the first row at a position, that of the cache in a
// generation step by step.
func (l *PositionalEncoding) From(c *Context, x *tensor.Tensor, position int) *tensor.Tensor {
	if x.NDim() != 3 || x.Dim(2) != l.Weight.Dim(1) || position < 0 || position > l.Weight.Dim(0)-x.Dim(1) {
		misfit("positional_encoding", fmt.Sprintf("needs (B, T, %d) with positions from %d below %d", l.Weight.Dim(1), position, l.Weight.Dim(0)), l.Weight, x)
	}
	return c.did(l, x, x.Add(c.param(l.Weight).Narrow(0, position, x.Dim(1))))
}
