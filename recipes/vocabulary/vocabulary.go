// Package vocabulary numbers the words of a text and keeps them in a file. It
// does not cut texts into words; each recipe does that in its own way.
package vocabulary

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hadal-ml/hadal/internal/atomicfile"
	"github.com/hadal-ml/hadal/tensor"
)

// Vocabulary is words in the order of how often they occur, the most frequent
// first, and of equally frequent ones in that of their bytes.
type Vocabulary struct {
	words  []string
	counts []int
	ids    map[string]int
}

// New returns the vocabulary of counted words: those that occur at least least
// times, and of these no more than the limit most frequent ones; 0: all.
func New(counts map[string]int, least, limit int) *Vocabulary {
	v := &Vocabulary{}
	for word, n := range counts {
		if n >= least {
			v.words = append(v.words, word)
		}
	}
	slices.SortFunc(v.words, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	if limit > 0 && len(v.words) > limit {
		v.words = v.words[:limit]
	}
	for _, word := range v.words {
		v.counts = append(v.counts, counts[word])
	}
	v.number()
	return v
}

func (v *Vocabulary) number() {
	v.ids = make(map[string]int, len(v.words))
	for i, word := range v.words {
		v.ids[word] = i
	}
}

// Len is the number of words.
func (v *Vocabulary) Len() int { return len(v.words) }

// Word returns word i, counted from 0.
func (v *Vocabulary) Word(i int) string { return v.words[i] }

// Count is how often word i occurs.
func (v *Vocabulary) Count(i int) int { return v.counts[i] }

// ID returns the number of a word, and whether the vocabulary has it.
func (v *Vocabulary) ID(word string) (id int, known bool) {
	id, known = v.ids[word]
	return id, known
}

// Save writes a line with each word and its count, in order.
func (v *Vocabulary) Save(path string) error {
	return atomicfile.WriteFile(path, v.write)
}

func (v *Vocabulary) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, word := range v.words {
		fmt.Fprintf(b, "%s %d\n", word, v.counts[i])
	}
	return b.Flush() // which tells of any write that failed
}

// maxBytes bounds a vocabulary file: a hundred times what any here needs.
const maxBytes = 16 << 20

// Read reads what Save wrote.
func Read(path string) (*Vocabulary, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(text) > maxBytes {
		err = errors.New("it is larger than any vocabulary")
	}
	var v *Vocabulary
	if err == nil {
		v, err = parse(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); train again into a new folder", path, err)
	}
	return v, nil
}

// CheckTable returns an error unless table, the vectors of words in the file of
// a trained model or nil where it has none, is (words+more, width). Asked before
// a network for these words is built, it keeps a damaged vocabulary from
// deciding how large that is.
func (v *Vocabulary) CheckTable(table *tensor.Tensor, more, width int) error {
	switch {
	case table == nil || table.NDim() != 2 || table.Dim(1) != width:
		return fmt.Errorf("the model has no vectors of %d elements for its words; train again into a new folder", width)
	case table.Dim(0) != v.Len()+more:
		return fmt.Errorf("the vocabulary has %d words, and the model vectors of %d; train again into a new folder", v.Len(), table.Dim(0)-more)
	}
	return nil
}

func parse(text string) (*Vocabulary, error) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, errors.New("its last line is not whole")
	}
	v := &Vocabulary{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		word, count, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || strconv.Itoa(n) != count || word == "" {
			return nil, fmt.Errorf("line %d is not a word and its count", number)
		}
		if last := len(v.counts) - 1; last >= 0 && (n > v.counts[last] || n == v.counts[last] && word <= v.words[last]) {
			return nil, fmt.Errorf("line %d is not in the order of counts and words", number)
		}
		v.words, v.counts = append(v.words, word), append(v.counts, n)
	}
	v.number()
	if len(v.ids) != len(v.words) {
		return nil, errors.New("a word stands there twice")
	}
	return v, nil
}
