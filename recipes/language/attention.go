package language

import (
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// picture shows where the heads of the transformer look from the last character
// of a stretch of the validation text.
func (m *GPT) picture(s *recipe.Session, text *corpus) error {
	ids := text.validation[speech([]rune(text.Decode(text.validation...)), 0):]
	ids = ids[:min(len(ids), m.context(), 90)]
	var pictured []plot.Letters
	for layer, heads := range m.attention(ids) {
		for head, weights := range heads {
			most := slices.Max(weights)
			shares := make([]float64, len(weights))
			for i, w := range weights {
				shares[i] = w / most
			}
			pictured = append(pictured, plot.Letters{Caption: fmt.Sprintf("Layer %d, head %d (%.0f%% at most)", layer+1, head+1, 100*most), Text: text.Decode(ids...), Values: shares})
		}
	}
	f, err := plot.Text(pictured, "Where the heads look",
		"attention of the last place, from which the next character is guessed, to each character before it: the redder, the more", len(pictured)/len(m.Blocks), 40)
	return s.Picture("attention.png", f, err)
}

// attention returns the weights with which each head of each layer looks from
// the last character at all of them: softmax(q k / sqrt(size)), the first factor
// of what tensor.SelfAttention computes without ever holding it.
func (m *GPT) attention(ids []int64) [][][]float64 {
	c, last := nn.Inference(), len(ids)-1
	x := m.Position.Forward(c, m.Token.Forward(c, tensor.FromSlice(ids, 1, len(ids))))
	var layers [][][]float64
	for _, b := range m.Blocks {
		a := b.SelfAttn
		p := tensor.Linear(b.Norm1.Forward(c, x), a.InProjWeight.Detach(), a.InProjBias.Detach()).Chunk(2, 3)
		q, k := p[0].SplitHeads(a.Heads), p[1].SplitHeads(a.Heads)                                           // (1, heads, T, size)
		scores := q.Narrow(2, last, 1).MatMul(k.Transpose(2, 3)).MulScalar(1 / math.Sqrt(float64(q.Dim(3)))) // (1, heads, 1, T)
		weights := scores.Softmax(3)
		var heads [][]float64
		for h := range a.Heads {
			heads = append(heads, weights.Select(0, 0).Select(0, h).Float64s())
		}
		layers = append(layers, heads)
		x = b.Attend(c, x, nn.AttendOptions{Causal: true})
	}
	return layers
}
