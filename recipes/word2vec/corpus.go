package word2vec

import (
	"iter"
	"strings"
	"unicode"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
)

// normal returns the lower-case spelling of a token, and whether it is a word:
// whether it has a letter in it.
func normal(token string) (word string, ok bool) {
	return strings.ToLower(token), strings.ContainsFunc(token, unicode.IsLetter)
}

// corpus is a text as word numbers.
type corpus struct {
	words     *vocabulary.Vocabulary
	sentences [][]int32 // of the words that the vocabulary has
	tokens    int       // all words of the text, those that are too rare for the vocabulary too
	keep      []float64 // of each word, the probability that an occurrence is kept
	noise     *alias    // what negative samples are drawn from
}

// newCorpus numbers the words of sentences that occur at least least times.
func newCorpus(sentences [][]string, least int) *corpus {
	c := &corpus{}
	counts := map[string]int{}
	for word := range wordsOf(sentences) {
		counts[word]++
		c.tokens++
	}
	c.words = vocabulary.New(counts, least, 0)
	known := 0
	for _, s := range sentences {
		var ids []int32
		for word := range wordsOf([][]string{s}) {
			if id, ok := c.words.ID(word); ok {
				ids = append(ids, int32(id))
			}
		}
		if len(ids) > 1 {
			c.sentences = append(c.sentences, ids)
		}
		known += len(ids)
	}
	weights := make([]float64, c.words.Len())
	c.keep = make([]float64, c.words.Len())
	for id := range weights {
		c.keep[id] = keepProbability(float64(c.words.Count(id)) / float64(known))
		weights[id] = noiseWeight(float64(c.words.Count(id)))
	}
	c.noise = newAlias(weights)
	return c
}

func wordsOf(sentences [][]string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range sentences {
			for _, token := range s {
				if word, ok := normal(token); ok && !yield(word) {
					return
				}
			}
		}
	}
}

// sampled returns sentences from to to without the occurrences that subsampling
// leaves out. Which ones these are depends on the key and the sentence's number
// alone. The text is written over x.
func (c *corpus) sampled(x text, key rng.Key, from, to int) text {
	x.ids, x.bounds = x.ids[:0], x.bounds[:0]
	for s := from; s < to; s++ {
		chance := key.Split(uint64(s)).Stream()
		begin := len(x.ids)
		for _, id := range c.sentences[s] {
			if keep := c.keep[id]; keep >= 1 || chance.Float64() < keep {
				x.ids = append(x.ids, id)
			}
		}
		for range len(x.ids) - begin {
			x.bounds = append(x.bounds, [2]int32{int32(begin), int32(len(x.ids))})
		}
	}
	return x
}
