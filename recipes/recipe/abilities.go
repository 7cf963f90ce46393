package recipe

import "context"

// Generator is a trained model that goes on with a text: what Recipe.Open
// returns for language models, and what `hadal generate` runs.
type Generator interface {
	// Generate calls emit with pieces of text, one after the other, that follow
	// on prompt, n tokens in all. temperature divides the logits before the
	// softmax; 0 takes the likeliest token. The same seed gives the same text.
	Generate(ctx context.Context, prompt string, n int, temperature float64, seed uint64, emit func(piece string) error) error
}

// Neighbour is a word and how near it is.
type Neighbour struct {
	Word       string  `json:"word"`
	Similarity float64 `json:"similarity"` // cosine
}

// Vocabulary is a trained model that knows which words are alike: what
// Recipe.Open returns for word vectors, and what `hadal nearest` asks.
type Vocabulary interface {
	// Nearest returns the k words nearest to plus[0] + plus[1] + ... - minus[0] -
	// ..., those words left out. The error names a word that is not known.
	Nearest(plus, minus []string, k int) ([]Neighbour, error)
}

// TextClassifier is a trained model that tells texts apart: what Recipe.Open
// returns for such models, and what `hadal predict` asks.
type TextClassifier interface {
	// Classes are the names of the classes.
	Classes() []string
	// Classify returns the probability of each class for a text.
	Classify(text []byte) []float64
}
