package word2vec

import (
	"fmt"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/recipes/recipe"
)

// shown are words whose places in the map say whether the vectors make sense:
// groups that a person would make.
var shown = []struct {
	name  string
	words []string
}{
	{"people", []string{"man", "woman", "boy", "girl", "mother", "father", "son", "daughter", "wife", "husband", "brother", "sister"}},
	{"time", []string{"monday", "friday", "sunday", "january", "april", "june", "week", "month"}},
	{"numbers", []string{"two", "three", "four", "five", "six", "seven", "eight", "ten", "twenty", "hundred"}},
	{"places", []string{"london", "paris", "washington", "chicago", "england", "france", "germany", "russia", "china", "texas"}},
	{"body", []string{"head", "hand", "arm", "eyes", "face", "hair", "mouth", "shoulder", "leg"}},
	{"state", []string{"president", "congress", "senate", "government", "police", "army"}},
}

// drawMap draws the plane in which the shown words vary most. A text that has
// none of them has no map.
func drawMap(s *recipe.Session, v *Vectors) error {
	var x []float64
	var series []plot.Words
	for _, group := range shown {
		g := plot.Words{Name: group.name}
		for _, word := range group.words {
			if id, known := v.words.ID(word); known {
				g.Words = append(g.Words, word)
				for _, value := range v.row(id) {
					x = append(x, float64(value))
				}
			}
		}
		series = append(series, g)
	}
	if len(x) == 0 {
		return nil
	}
	places, err := plane(x, len(x)/v.width, v.width)
	if err != nil {
		return fmt.Errorf("the map of the words: %w", err)
	}
	for i := range series {
		n := len(series[i].Words)
		series[i].At, places = places[:n], places[n:]
	}
	f, err := plot.WordMap(series, "word2vec: words that keep the same company", "the two principal components of the vectors of chosen words")
	return s.Picture("map.png", f, err)
}
