package sentiment

import (
	"slices"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/spamassassin"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
)

// Classes are the names of the classes, in the order of their numbers.
var Classes = []string{"ham", "spam"}

// Document is a text that was cut into words, and its class.
type Document struct {
	Tokens []string
	Class  int
}

// load reads the corpus and cuts its mails into words.
func load() ([]Document, error) {
	mails, err := spamassassin.Load()
	if err != nil {
		return nil, err
	}
	docs := make([]Document, len(mails))
	for i, m := range mails {
		docs[i].Tokens = Tokens(Text(m.Raw))
		if m.Spam() {
			docs[i].Class = 1
		}
	}
	return docs, nil
}

const (
	// shingle is how many words in a row are compared.
	shingle = 5
	// alike is the share of such rows that two mails have in common which are
	// the same mail once more, as spam comes with other names and numbers in it.
	alike = 0.5
	// widespread is how many mails a row may stand in before it is no sign of a
	// repetition but a signature or the foot of a list.
	widespread = 40
)

// rowIndex has the numbers of the documents that a row of words stands in.
type rowIndex map[uint64][]int

func (x rowIndex) add(document int, rows map[uint64]bool) {
	for row := range rows {
		x[row] = append(x[row], document)
	}
}

// repeats reports whether one document of the index has enough of the rows to
// be the same once more.
func (x rowIndex) repeats(rows map[uint64]bool) bool {
	common, counted := map[int]int{}, 0
	for row := range rows {
		if documents := x[row]; len(documents) < widespread {
			counted++
			for _, d := range documents {
				common[d]++
			}
		}
	}
	for _, n := range common {
		if float64(n) >= alike*float64(counted) {
			return true
		}
	}
	return false
}

// distinct leaves out documents that repeat an earlier one, more or less: a
// test with mails that were trained on measures memory. Empty ones go too. It
// looks back only: a longer mail that quotes an earlier one is not left out.
// What that comes to is measured with [quoted].
func distinct(docs []Document) []Document {
	var kept []Document
	seen := rowIndex{}
	for _, d := range docs {
		rows := rowsOf(d.Tokens)
		if len(d.Tokens) == 0 || seen.repeats(rows) {
			continue
		}
		seen.add(len(kept), rows)
		kept = append(kept, d)
	}
	return kept
}

// quoted reports of each document whether it repeats one of others, more or
// less, be it older or newer.
func quoted(docs, others []Document) []bool {
	known := rowIndex{}
	for i, d := range others {
		known.add(i, rowsOf(d.Tokens))
	}
	out := make([]bool, len(docs))
	for i, d := range docs {
		out[i] = known.repeats(rowsOf(d.Tokens))
	}
	return out
}

// rowsOf returns a hash of each row of words in a text.
func rowsOf(tokens []string) map[uint64]bool {
	const prime = 1099511628211 // of FNV-1a
	hashes := make([]uint64, len(tokens))
	for i, token := range tokens {
		h := uint64(14695981039346656037)
		for _, c := range []byte(token) {
			h = (h ^ uint64(c)) * prime
		}
		hashes[i] = h
	}
	rows := make(map[uint64]bool, len(tokens))
	for i := range max(1, len(tokens)-shingle+1) {
		row := uint64(0)
		for _, h := range hashes[i:min(i+shingle, len(hashes))] {
			row = row*prime + h
		}
		rows[row] = true
	}
	return rows
}

// corpus is what a training works with.
type corpus struct {
	train, validation, test []Document
	words                   *vocabulary.Vocabulary // of the training part
}

// The parts of the corpus, and the seed that decides which mail is in which.
// It is not the seed of the run: all runs are measured on the same mails.
const (
	trainShare, validationShare = 0.7, 0.1 // the rest is the test
	splitSeed                   = 1
)

// split shuffles documents and cuts them into three parts with the same mixture
// of classes. It counts the words of the first, and of no other. Of each part
// no more than limit documents are taken; 0: all.
func split(docs []Document, limit int) *corpus {
	c := &corpus{}
	order := rng.New(splitSeed).Stream()
	order.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	for class := range Classes {
		of := slices.DeleteFunc(slices.Clone(docs), func(d Document) bool { return d.Class != class })
		a, b := int(trainShare*float64(len(of))), int((trainShare+validationShare)*float64(len(of)))
		c.train = append(c.train, of[:a]...)
		c.validation = append(c.validation, of[a:b]...)
		c.test = append(c.test, of[b:]...)
	}
	for _, part := range []*[]Document{&c.train, &c.validation, &c.test} {
		order.Shuffle(len(*part), func(i, j int) { (*part)[i], (*part)[j] = (*part)[j], (*part)[i] })
		if limit > 0 && limit < len(*part) {
			*part = (*part)[:limit]
		}
	}
	counts := map[string]int{}
	for _, d := range c.train {
		for _, token := range d.Tokens {
			counts[token]++
		}
	}
	c.words = vocabulary.New(counts, leastCount, maxWords)
	return c
}

// The numbers of what is no word of the vocabulary; its words come after them.
const (
	padding   = iota // behind the end of a text
	unknown          // a word that is not in the vocabulary
	firstWord        // the number of the most frequent word
)

const (
	leastCount = 2     // how often the training part must have a word
	maxWords   = 12000 // how many words are known
	maxTokens  = 200   // how much of a text is read
)

// encode writes the numbers of the first words of a text to x, and padding
// behind them.
func encode(x []float32, tokens []string, words *vocabulary.Vocabulary) {
	clear(x)
	for i, token := range tokens[:min(len(tokens), len(x))] {
		x[i] = unknown
		if id, known := words.ID(token); known {
			x[i] = float32(firstWord + id)
		}
	}
}

// dataset returns documents as inputs (maxTokens) of word numbers.
func (c *corpus) dataset(docs []Document) (data.Dataset, error) {
	inputs := make([]float32, len(docs)*maxTokens)
	classes := make([]int64, len(docs))
	for i, d := range docs {
		encode(inputs[i*maxTokens:][:maxTokens], d.Tokens, c.words)
		classes[i] = int64(d.Class)
	}
	return data.FromClasses(inputs, []int{maxTokens}, classes, Classes)
}
