package language

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// GPT is a transformer that reads a text and says after each character what
// comes next (Radford et al., 2018 and 2019). It has no memory: each character
// looks back at all those before it, as far as its context goes. Layers of
// attention, which bring together what lies apart, and of small networks, which
// work on each place alone, add what they find to what went in. The last layer
// has weights of its own; that of the papers has those of the embedding.
type GPT struct {
	Token    *nn.Embedding
	Position *nn.PositionalEncoding
	Blocks   []*nn.TransformerEncoderLayer
	Norm     *nn.LayerNorm
	Out      *nn.Linear
}

// GPTSizes are the sizes of a [GPT].
type GPTSizes struct {
	Layers  int `json:"layers"`
	Width   int `json:"width"`
	Heads   int `json:"heads"`   // of each layer; they divide the width
	Context int `json:"context"` // characters that it sees
}

// Parameters returns the number of parameters of a network for so many
// characters, or an error when there can be none.
func (z GPTSizes) Parameters(characters int) (int, error) {
	const most = 1 << 14
	if min(z.Layers, z.Width, z.Heads, z.Context) < 1 || max(z.Width, z.Context) > most || z.Layers > 100 || z.Width%z.Heads != 0 {
		return 0, fmt.Errorf("a transformer of %d layers of width %d with %d heads and a context of %d cannot be", z.Layers, z.Width, z.Heads, z.Context)
	}
	w := z.Width
	attention, network, norm := 4*w*(w+1), 2*w*4*w+5*w, 2*w
	return (characters+z.Context)*w + z.Layers*(attention+network+2*norm) + norm + (w+1)*characters, nil
}

// NewGPT returns an untrained transformer for so many characters. Embeddings
// begin small, and what the branches of many layers add up to begins no larger
// than what one would (Radford et al., 2019, section 2.3).
func NewGPT(init *nn.Init, z GPTSizes, characters int, dropout float64) *GPT {
	small := nn.WithInit(nn.Normal(0, 0.02))
	m := &GPT{Token: nn.NewEmbedding(init, characters, z.Width, small), Position: nn.NewPositionalEncoding(init, z.Context, z.Width, small)}
	config := nn.TransformerConfig{Width: z.Width, Heads: z.Heads, Dropout: dropout, NormFirst: true, GELU: true}
	for range z.Layers {
		b := nn.NewTransformerEncoderLayer(init, config)
		for _, branch := range []*nn.Linear{b.SelfAttn.OutProj, b.Linear2} {
			branch.Weight.CopyFrom(branch.Weight.Detach().MulScalar(1 / math.Sqrt(2*float64(z.Layers))))
		}
		m.Blocks = append(m.Blocks, b)
	}
	m.Norm, m.Out = nn.NewLayerNorm(z.Width), nn.NewLinear(init, z.Width, characters)
	return m
}

// Forward maps characters (B, T) to logits of those that come next, (B*T,
// characters).
func (m *GPT) Forward(c *nn.Context, ids *tensor.Tensor) *tensor.Tensor {
	return m.Run(c, ids, nil)
}

// Run is Forward behind the characters that the caches hold, one for each
// block; they then hold these ones too. nil is for a text from its beginning.
func (m *GPT) Run(c *nn.Context, ids *tensor.Tensor, caches []nn.KVCache) *tensor.Tensor {
	x := m.Token.Forward(c, ids) // (B, T, width)
	if caches == nil {
		x = m.Position.Forward(c, x)
	} else {
		x = m.Position.From(c, x, caches[0].Len())
	}
	for i, b := range m.Blocks {
		see := nn.AttendOptions{Causal: true}
		if caches != nil {
			see.Cache = &caches[i]
		}
		x = b.Attend(c, x, see)
	}
	return m.Out.Forward(c, m.Norm.Forward(c, x)).Reshape(ids.Len(), -1)
}

// context is how many characters the network sees.
func (m *GPT) context() int { return m.Position.Weight.Dim(0) }

// gptReader reads with a trained transformer. What it made of earlier
// characters it keeps.
type gptReader struct {
	model  *GPT
	caches []nn.KVCache
	text   []int64 // as much of it as can be seen
}

func (r *gptReader) read(ids []int64) []float32 {
	if r.caches == nil {
		r.caches = make([]nn.KVCache, len(r.model.Blocks))
	}
	context := r.model.context()
	r.text = append(r.text, ids...)
	r.text = r.text[max(0, len(r.text)-context):]
	if r.caches[0].Len()+len(ids) > context {
		// There are no positions left. It reads the latter half of what it sees
		// again from position 0, so that this is rare.
		for i := range r.caches {
			r.caches[i].Reset()
		}
		ids = r.text[len(r.text)-(context+1)/2:]
	}
	logits := r.model.Run(nn.Inference(), tensor.FromSlice(ids, 1, len(ids)), r.caches)
	return logits.Select(0, len(ids)-1).Float32s()
}

// loss returns the mean cross-entropy in nats a character over a text. It is
// read in windows as long as the context, of which each begins in the middle of
// the one before: a character is counted once, where it has at least half a
// context before it (or all there is). Of the windows one in every so many is
// read; 1 reads the whole text.
func (m *GPT) loss(ids []int64, every int) float64 {
	const batch = 16
	context := m.context()
	stride := (context + 1) / 2
	scope := tensor.NewInferenceScope()
	x, y := make([]int64, 0, batch*context), make([]int64, 0, batch*context)
	total, counted := 0.0, 0
	read := func() {
		if len(x) == 0 {
			return
		}
		n := 0
		for _, id := range y {
			if id >= 0 {
				n++
			}
		}
		logits := m.Forward(nn.Inference(), scope.View(tensor.FromSlice(x, len(x)/context, context)))
		total += float64(n) * nn.CrossEntropy(logits, tensor.FromSlice(y)).Item()
		counted += n
		x, y = x[:0], y[:0]
		scope.Release()
	}
	for start := 0; start == 0 || start+context-stride < len(ids)-1; start += stride * every {
		for at := start; at < start+context; at++ {
			seen, next := int64(0), int64(-100) // left out of the mean
			if at+1 < len(ids) {
				seen = ids[at]
				if start == 0 || at >= start+context-stride {
					next = ids[at+1]
				}
			}
			x, y = append(x, seen), append(y, next)
		}
		if len(x) == batch*context {
			read()
		}
	}
	read()
	return total / float64(counted)
}
