package sentiment

import (
	"fmt"
	"path/filepath"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
	"github.com/hadal-ml/hadal/tensor"
)

// reader is a trained network with the words that it knows.
type reader struct {
	model *Network
	words *vocabulary.Vocabulary
}

// open reads a finished run.
func open(dir string) (any, error) {
	words, err := vocabulary.Read(filepath.Join(dir, vocabularyFile))
	if err != nil {
		return nil, err
	}
	weights, _, err := nn.LoadTensors(filepath.Join(dir, recipe.ModelFile))
	if err != nil {
		return nil, err
	}
	if err := words.CheckTable(weights["embedding.weight"], firstWord, width); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	model := NewNetwork(nn.NewInit(0), firstWord+words.Len())
	if err := nn.LoadState(model, weights); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	return &reader{model, words}, nil
}

// Classes are the names of the classes.
func (r *reader) Classes() []string { return Classes }

// Classify returns the probability of each class for a mail, with or without
// headers.
func (r *reader) Classify(text []byte) []float64 {
	x := make([]float32, maxTokens)
	encode(x, Tokens(Text(text)), r.words)
	return r.model.Forward(nn.Inference(), tensor.FromSlice(x, 1, maxTokens)).Softmax(-1).Float64s()
}
