package word2vec

import (
	"github.com/hadal-ml/hadal/internal/kernel/negsample"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Model has two vectors for every word: one for when it is read, which is what
// one wants in the end, and one for when it is predicted.
type Model struct {
	Input  *tensor.Tensor // (words, width)
	Output *tensor.Tensor // (words, width)
}

// NewModel returns a model whose outputs are zero and whose inputs are uniform
// in ±0.5/width, as the authors' program begins.
func NewModel(init *nn.Init, words, width int) *Model {
	half := 0.5 / float64(width)
	input := nn.NewEmbedding(init, words, width, nn.WithInit(nn.Uniform(-half, half)))
	return &Model{input.Weight, tensor.Zeros(words, width).RequireGrad()}
}

// part is how many elements of the vectors a thread works on.
const part = negsample.Part

// split returns the same model as it is trained, cut into parts (parts, words,
// part): what one thread writes lies nowhere near what another reads, which the
// processor might fetch too.
func (m *Model) split() *Model {
	cut := func(x *tensor.Tensor) *tensor.Tensor { // (words, width)
		parts := x.Detach().Reshape(x.Dim(0), x.Dim(1)/part, part).Transpose(0, 1)
		return parts.Contiguous().Clone().RequireGrad()
	}
	return &Model{cut(m.Input), cut(m.Output)}
}

// joined undoes split.
func (m *Model) joined() *Model {
	join := func(x *tensor.Tensor) *tensor.Tensor { // (parts, words, part)
		return x.Detach().Transpose(0, 1).Contiguous().Reshape(x.Dim(1), x.Dim(0)*part).RequireGrad()
	}
	return &Model{join(m.Input), join(m.Output)}
}
