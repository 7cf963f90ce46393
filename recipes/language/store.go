package language

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Metadata of a model's file, beside what every run writes.
const (
	charactersKey = "characters" // the vocabulary
	sizesKey      = "sizes"      // the network's, as JSON
)

// sized is a network's sizes, from which its parameters can be counted before
// it is built.
type sized interface {
	Parameters(characters int) (int, error)
}

// save writes a trained network with all that is needed to build it again.
func save(s *recipe.Session, model any, v *Vocabulary, sizes sized) error {
	text, err := json.Marshal(sizes)
	if err != nil {
		return err
	}
	if s.Metadata = maps.Clone(s.Metadata); s.Metadata == nil {
		s.Metadata = map[string]string{}
	}
	s.Metadata[charactersKey], s.Metadata[sizesKey] = v.String(), string(text)
	return s.Save("", model)
}

// stored reads what save wrote: the weights, the vocabulary and, into sizes,
// those of the network. A network of these sizes has as many parameters as the
// file, so that it may be built.
func stored(dir string, sizes sized) (weights map[string]*tensor.Tensor, v *Vocabulary, err error) {
	path := filepath.Join(dir, recipe.ModelFile)
	weights, metadata, err := nn.LoadTensors(path)
	if err != nil {
		return nil, nil, err
	}
	there := 0
	for _, w := range weights {
		there += w.Len()
	}
	if v, err = describe(metadata, sizes, there); err != nil {
		return nil, nil, fmt.Errorf("%s is no model of this recipe: %w; train again into a new folder", path, err)
	}
	return weights, v, nil
}

// describe believes nothing of what metadata say.
func describe(metadata map[string]string, sizes sized, parameters int) (*Vocabulary, error) {
	v, err := ParseVocabulary(metadata[charactersKey])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(metadata[sizesKey]), sizes); err != nil {
		return nil, fmt.Errorf("its sizes cannot be read: %w", err)
	}
	n, err := sizes.Parameters(v.Len())
	if err != nil {
		return nil, err
	}
	if n != parameters {
		return nil, fmt.Errorf("its sizes ask for %d parameters, and it has %d", n, parameters)
	}
	return v, nil
}
