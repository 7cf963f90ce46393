package language

import (
	"fmt"
	"math/rand/v2"

	"github.com/hadal-ml/hadal/datasets/shakespeare"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// corpus is a text as numbers.
type corpus struct {
	*Vocabulary
	train, validation []int64
}

// load reads the text: its first nine tenths to train with, the rest to measure
// on. A limit takes the beginning of each.
func load(s *recipe.Session) (*corpus, error) {
	train, validation, err := shakespeare.Load()
	if err != nil {
		return nil, err
	}
	// Of both, or else a character that only the rest has could not be measured
	// on. That such characters exist is all that the training learns of it.
	v, err := NewVocabulary(train + validation)
	if err != nil {
		return nil, fmt.Errorf("tiny-shakespeare: %w", err)
	}
	encode := func(text string) []int64 {
		ids, _ := v.Encode(text) // the vocabulary is that of the text
		if s.Limit > 0 {
			ids = ids[:min(s.Limit, len(ids))]
		}
		return ids
	}
	c := &corpus{v, encode(train), encode(validation)}
	if least := 2 * s.BatchSize; len(c.train) < least || len(c.validation) < 2 {
		return nil, fmt.Errorf("a batch of %d stretches needs %d characters of text, not %d; use a smaller --batch or a larger --limit", s.BatchSize, least, min(len(c.train), len(c.validation)))
	}
	return c, nil
}

// lanes cuts a text into a number of lanes that are read side by side, a window
// at a time: window i of a lane follows on its window i-1, so that a recurrent
// network can go on with the state it had there.
type lanes struct {
	ids    []int64
	seed   uint64
	batch  int // lanes
	window int // characters of a lane that are read at once
	steps  int // windows of a lane
}

func newLanes(ids []int64, batch, window int, seed uint64) *lanes {
	window = min(window, (len(ids)-1)/batch)
	return &lanes{ids, seed, batch, window, (len(ids) - 1) / (batch * window)}
}

// at returns window number i, counted over all passes: characters (window,
// batch) and those that come next, (window*batch). Each pass cuts the text at
// other places, as far as it is longer than its lanes.
func (l *lanes) at(i int) (ids, next *tensor.Tensor) {
	pass, step := i/l.steps, i%l.steps
	spare := len(l.ids) - l.batch*l.steps*l.window // at least 1, for the last one's next
	start := random(l.seed, "lanes", pass).IntN(spare) + step*l.window
	x, y := make([]int64, l.window*l.batch), make([]int64, l.window*l.batch)
	for lane := range l.batch {
		from := start + lane*l.steps*l.window
		for t := range l.window {
			x[t*l.batch+lane], y[t*l.batch+lane] = l.ids[from+t], l.ids[from+t+1]
		}
	}
	return tensor.FromSlice(x, l.window, l.batch), tensor.FromSlice(y)
}

// random returns the source of numbers of a step: the same for the same seed,
// purpose and step.
func random(seed uint64, purpose string, step int) *rand.Rand {
	return rand.New(rand.NewPCG(rng.New(seed).SplitString(purpose).Split(uint64(step)).Words()))
}

// trainingContext is the context of a step: what dropout drops depends on seed
// and step alone.
func trainingContext(seed uint64, step int) *nn.Context {
	key, _ := rng.New(seed).SplitString("dropout").Split(uint64(step)).Words()
	return nn.Training(key)
}
