package word2vec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/datasets/wordsim"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
)

// Vectors are words with their vectors, scaled to length 1: the products of
// vectors are then cosines.
type Vectors struct {
	words *vocabulary.Vocabulary
	width int
	unit  []float32 // (words, width)
}

func newVectors(words *vocabulary.Vocabulary, table []float32, width int) *Vectors {
	v := &Vectors{words, width, slices.Clone(table)}
	for id := range words.Len() {
		toUnit(v.row(id))
	}
	return v
}

func toUnit(x []float32) {
	if norm := math.Sqrt(vec.SumSquares(x)); norm > 0 {
		vec.MulScalar(x, x, float32(1/norm))
	}
}

func (v *Vectors) row(id int) []float32 { return v.unit[id*v.width:][:v.width] }

// Nearest implements [recipe.Vocabulary]: the words with the greatest cosine with
// the sum of unit vectors, as Mikolov et al. solve analogies (2013a, section 4).
func (v *Vectors) Nearest(plus, minus []string, k int) ([]recipe.Neighbour, error) {
	if len(plus)+len(minus) == 0 {
		return nil, errors.New("there is no word to find the neighbours of")
	}
	sum := make([]float32, v.width)
	given := map[int]bool{}
	for i, list := range [][]string{plus, minus} {
		sign := float32(1 - 2*i)
		for _, word := range list {
			spelled, _ := normal(word)
			id, known := v.words.ID(spelled)
			if !known {
				return nil, fmt.Errorf("%q is not among the %d words that have a vector: the text has it not at all, or too rarely", word, v.words.Len())
			}
			given[id] = true
			vec.Axpy(sum, sign, v.row(id))
		}
	}
	if vec.SumSquares(sum) == 0 {
		return nil, errors.New("the words cancel out: what is left of their sum has no neighbours")
	}
	toUnit(sum)
	var found []recipe.Neighbour
	for id := range v.words.Len() {
		if !given[id] {
			found = append(found, recipe.Neighbour{Word: v.words.Word(id), Similarity: vec.Dot(sum, v.row(id))})
		}
	}
	slices.SortFunc(found, func(a, b recipe.Neighbour) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.Word, b.Word))
	})
	return found[:min(k, len(found))], nil
}

// agreement compares cosines with what people said of pairs of words: the rank
// correlation, over the pairs whose words are both in the vocabulary, and how
// many these are.
func (v *Vectors) agreement(pairs []wordsim.Pair) (spearman float64, known int, err error) {
	var cosines, scores []float64
	for _, p := range pairs {
		a, _ := normal(p.A)
		b, _ := normal(p.B)
		i, knowsA := v.words.ID(a)
		j, knowsB := v.words.ID(b)
		if knowsA && knowsB {
			cosines = append(cosines, vec.Dot(v.row(i), v.row(j)))
			scores = append(scores, p.Score)
		}
	}
	if len(scores) == 0 { // of a few sentences
		return 0, 0, nil
	}
	spearman, err = metrics.Spearman(cosines, scores)
	return spearman, len(scores), err
}

// plane projects vectors (n, width) onto the two directions in which they vary
// most, the first two principal components: eigenvectors of their covariance.
func plane(x []float64, n, width int) ([][2]float64, error) {
	centred := slices.Clone(x)
	for j := range width {
		mean := 0.0
		for i := range n {
			mean += centred[i*width+j] / float64(n)
		}
		for i := range n {
			centred[i*width+j] -= mean
		}
	}
	covariance := make([]float64, width*width) // n times it; the lower half
	for i := range n {
		row := centred[i*width:][:width]
		for a := range row {
			for b := range a + 1 {
				covariance[a*width+b] += row[a] * row[b]
			}
		}
	}
	_, axes, err := metrics.SymmetricEigen(covariance, width)
	if err != nil {
		return nil, err
	}
	out := make([][2]float64, n)
	for i := range n {
		for axis := range 2 {
			out[i][axis] = dot(centred[i*width:][:width], axes[axis*width:][:width])
		}
	}
	return out, nil
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
