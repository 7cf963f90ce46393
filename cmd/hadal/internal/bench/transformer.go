package bench

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// transformerTraining are decoders of characters.
var transformerTraining = []struct {
	name                                         string
	layers, width, heads, batch, context, tokens int
}{
	{"transformer-4x256-b16-t128-v65", 4, 256, 4, 16, 128, 65},
}

// transformer is a language model: each position sees those before it.
type transformer struct {
	Token, Position *nn.Embedding
	Blocks          []*transformerBlock
	Norm            *nn.LayerNorm
	Out             *nn.Linear
}

func newTransformer(init *nn.Init, tokens, width, heads, layers, context int) *transformer {
	m := &transformer{Token: nn.NewEmbedding(init, tokens, width), Position: nn.NewEmbedding(init, context, width)}
	for range layers {
		m.Blocks = append(m.Blocks, newTransformerBlock(init, width, heads))
	}
	m.Norm, m.Out = nn.NewLayerNorm(width), nn.NewLinear(init, width, tokens)
	return m
}

// Forward maps tokens (B, T) to logits (B*T, tokens).
func (m *transformer) Forward(c *nn.Context, ids *tensor.Tensor) *tensor.Tensor {
	places := tensor.Arange(0, float64(ids.Dim(1)), 1, tensor.Int64)
	x := m.Token.Forward(c, ids).Add(m.Position.Forward(c, places)) // (B, T, width)
	for _, b := range m.Blocks {
		x = b.Forward(c, x)
	}
	y := m.Out.Forward(c, m.Norm.Forward(c, x)) // (B, T, tokens)
	return y.Reshape(-1, y.Dim(2))
}

// transformerBlock is attention and a network of two layers, each on a branch
// of its own that normalises first.
type transformerBlock struct {
	Norm1, Norm2              *nn.LayerNorm
	Projection, Out, Up, Down *nn.Linear
	Heads                     int
}

func newTransformerBlock(init *nn.Init, width, heads int) *transformerBlock {
	return &transformerBlock{nn.NewLayerNorm(width), nn.NewLayerNorm(width),
		nn.NewLinear(init, width, 3*width), nn.NewLinear(init, width, width),
		nn.NewLinear(init, width, 4*width), nn.NewLinear(init, 4*width, width), heads}
}

// Forward keeps the shape (B, T, width).
func (b *transformerBlock) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := tensor.SelfAttention(b.Projection.Forward(c, b.Norm1.Forward(c, x)), b.Heads, tensor.AttentionOptions{Causal: true})
	x, y = b.Norm2.AddForward(c, x, b.Out.Forward(c, y))
	return x.Add(b.Down.Forward(c, b.Up.Forward(c, y).GELU()))
}

// tokens are (batch, context) numbers below n.
func tokens(n, batch, context int) *tensor.Tensor {
	return classes(batch*context, n).Reshape(batch, context)
}
