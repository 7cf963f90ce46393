// Package word2vec has the recipes that learn vectors of words from the company
// that they keep: skip-gram and CBOW, with negative sampling (T. Mikolov et al.,
// "Efficient Estimation of Word Representations in Vector Space", 2013, here
// 2013a, and "Distributed Representations of Words and Phrases and their
// Compositionality", 2013, here 2013b). It uses no tape: the gradients of
// [nn.NegativeSampling] are written out, for a word touches a dozen vectors of
// thousands.
package word2vec

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/hadal-ml/hadal/datasets/brown"
	"github.com/hadal-ml/hadal/datasets/wordsim"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
	"github.com/hadal-ml/hadal/tensor"
)

// SkipGramRecipe learns to predict the words around a word.
var SkipGramRecipe = recipe.Recipe{
	Name: "word2vec", Summary: "Skip-gram with negative sampling learns which words are alike",
	Source: "Mikolov et al., Distributed representations of words and phrases, 2013", Data: "brown, wordsim-353",
	Expect: "neighbours that make sense", Minutes: 1,
	Epochs: epochs, BatchSize: block, Rate: 0.025,
	Heeds: recipe.Heeds{Limit: true},
	Train: func(ctx context.Context, s *recipe.Session) error { return run(ctx, s, false) },
	Open:  open,
}

// CBOWRecipe learns to predict a word from the words around it.
var CBOWRecipe = recipe.Recipe{
	Name: "word2vec-cbow", Summary: "A continuous bag of words learns which words are alike",
	Source: "Mikolov et al., Efficient estimation of word representations in vector space, 2013", Data: "brown, wordsim-353",
	Expect: "neighbours that make sense", Minutes: 0.5,
	Epochs: epochs, BatchSize: block, Rate: 0.05,
	Heeds: recipe.Heeds{Limit: true},
	Train: func(ctx context.Context, s *recipe.Session) error { return run(ctx, s, true) },
	Open:  open,
}

const (
	width      = 96   // of a vector: whole cache lines
	leastCount = 5    // rarer words have too little company to learn from
	epochs     = 20   // also the length of the learning-rate schedule
	lastRate   = 1e-4 // where the learning rate ends
	stepWords  = 8000 // of the text in a step, about

	vocabularyFile = "vocabulary.txt"
)

func run(ctx context.Context, s *recipe.Session, cbow bool) error {
	sentences, err := brown.Sentences()
	if err != nil {
		return err
	}
	return trainOn(ctx, s, sentences, cbow)
}

// trainOn learns the vectors of the words in sentences.
func trainOn(ctx context.Context, s *recipe.Session, sentences [][]string, cbow bool) error {
	if s.BatchSize != block {
		return fmt.Errorf("words are worked on in blocks of %d, whatever the batch size: leave --batch out", block)
	}
	if s.Limit > 0 {
		sentences = sentences[:min(s.Limit, len(sentences))]
	}
	c := newCorpus(sentences, leastCount)
	if len(c.sentences) == 0 {
		return fmt.Errorf("no two words of the text stand together that occur %d times; give it more text (a larger --limit)", leastCount)
	}
	if err := c.words.Save(s.Path(vocabularyFile)); err != nil {
		return err
	}
	t := newTrainer(c, NewModel(nn.NewInit(s.Seed), c.words.Len(), width), cbow)
	parts := c.parts(stepWords)
	key := rng.New(s.Seed).SplitString("word2vec")
	rateAt := func(step int) float64 { return rateAfter(float64(step)/float64(epochs*len(parts)), s.Rate) }
	var x text
	err := s.Run(ctx, recipe.Loop{
		Steps: s.Epochs * len(parts), State: map[string]any{"vectors": t.model},
		Step: func(step int) ([]recipe.Value, error) {
			epoch, part := key.Split(uint64(step/len(parts))), parts[step%len(parts)]
			x = c.sampled(x, epoch.SplitString("subsample"), part[0], part[1])
			loss := t.train(epoch.SplitString("window").Split(uint64(part[0])), x, [2]float64{rateAt(step), rateAt(step + 1)})
			return []recipe.Value{{Name: "loss", Value: loss}}, nil
		},
	})
	if err != nil {
		return err
	}
	m := t.model.joined()
	if size := vec.SumSquares(tensor.Data[float32](m.Input)); math.IsNaN(size) || math.IsInf(size, 0) { // which a loss here and there need not show
		return errors.New("the vectors are not finite; a smaller learning rate (--lr) may help")
	}
	if err := s.Save("", m); err != nil {
		return err
	}
	return report(s, c, newVectors(c.words, tensor.Data[float32](m.Input), width))
}

// rateAfter is the learning rate after a share of the recipe's epochs: on a line
// from the first rate to the last, and the last from there on.
func rateAfter(share, first float64) float64 {
	return first + (min(lastRate, first)-first)*min(1, share)
}

// parts cuts the sentences into runs of about n words.
func (c *corpus) parts(n int) [][2]int {
	var out [][2]int
	from, have := 0, 0
	for i, s := range c.sentences {
		if have += len(s); have >= n || i == len(c.sentences)-1 {
			out = append(out, [2]int{from, i + 1})
			from, have = i+1, 0
		}
	}
	return out
}

func report(s *recipe.Session, c *corpus, v *Vectors) error {
	spearman, known, err := v.agreement(wordsim.Pairs())
	if err != nil {
		return err
	}
	perSecond := float64(c.tokens) * float64(s.Epochs) / s.Outcome.TrainSeconds
	for name, value := range map[string]float64{
		"wordsim_spearman": spearman, "wordsim_pairs": float64(known),
		"words": float64(c.words.Len()), "tokens": float64(c.tokens), "words_per_second": perSecond,
	} {
		s.Metric(name, value)
	}
	s.Conclude("%s words have vectors; with people they agree by a rank correlation of %.3f on %d of 353 pairs; %s words a second",
		words.Thousands(c.words.Len()), spearman, known, words.Thousands(int(perSecond)))
	steps, values, err := s.Curve("loss")
	if err != nil {
		return err
	}
	f, err := plot.Lines(plot.Chart{Title: "word2vec: loss of a pair of words", XLabel: "step", YLabel: "loss",
		Series: []plot.Series{{Name: "negative sampling", X: steps, Y: values}}})
	if err := s.Picture("curves.png", f, err); err != nil {
		return err
	}
	return drawMap(s, v)
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
	if err := words.CheckTable(weights["input"], 0, width); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	m := NewModel(nn.NewInit(0), words.Len(), width)
	if err := nn.LoadState(m, weights); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	return newVectors(words, tensor.Data[float32](m.Input), width), nil
}
