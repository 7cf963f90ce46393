package word2vec

import (
	"math"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets/wordsim"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
)

func fewVectors() *Vectors {
	words := vocabulary.New(map[string]int{"king": 9, "queen": 8, "man": 7, "woman": 6, "sea": 5}, 1, 0)
	return newVectors(words, []float32{
		5, 5, 0, // king
		5, -5, 0, // queen
		0, 3, 3, // man
		0, -3, 3, // woman
		0, 0, 1,
	}, 3)
}

func TestNearest(t *testing.T) {
	v := fewVectors()
	found, err := v.Nearest([]string{"King", "woman"}, []string{"man"}, 2)
	if err != nil || len(found) != 2 || found[0].Word != "queen" {
		t.Errorf("%v, %v", found, err)
	}
	found, err = v.Nearest([]string{"man"}, nil, 10)
	if err != nil || len(found) != 4 || found[0].Word != "sea" || math.Abs(found[0].Similarity-math.Sqrt(0.5)) > 1e-6 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := v.Nearest([]string{"kraken"}, nil, 1); err == nil || !strings.Contains(err.Error(), `"kraken"`) {
		t.Errorf("an unknown word: %v", err)
	}
	if _, err := v.Nearest(nil, nil, 1); err == nil {
		t.Error("no word at all has neighbours")
	}
	if _, err := v.Nearest([]string{"king"}, []string{"King"}, 1); err == nil || !strings.Contains(err.Error(), "cancel out") {
		t.Errorf("a word less itself: %v", err)
	}
}

func TestAgreement(t *testing.T) {
	pairs := []wordsim.Pair{{A: "King", B: "queen", Score: 4}, {A: "man", B: "sea", Score: 9}, {A: "king", B: "woman", Score: 1}, {A: "king", B: "kraken", Score: 0}}
	// Cosines 0, 0.71 and -0.5 of the pairs that are known: the order of the scores.
	if r, known, err := fewVectors().agreement(pairs); err != nil || math.Abs(r-1) > 1e-12 || known != 3 {
		t.Errorf("%g of %d pairs, %v", r, known, err)
	}
}

func TestAgreementOfNoPairs(t *testing.T) {
	if r, known, err := fewVectors().agreement(nil); err != nil || r != 0 || known != 0 {
		t.Errorf("%g of %d pairs, %v", r, known, err)
	}
}

func TestPlane(t *testing.T) {
	// Points that vary by 10 along one direction of space, 3 along another, 0.1
	// along the third.
	r := rng.New(1).Stream()
	const n = 200
	x := make([]float64, 0, 3*n)
	a, b := make([]float64, n), make([]float64, n)
	for i := range n {
		a[i], b[i] = 10*r.Normal(), 3*r.Normal()
		c := 0.1 * r.Normal()
		x = append(x, 5+0.6*a[i]-0.8*b[i], 0.8*a[i]+0.6*b[i], c-7)
	}
	at, err := plane(x, n, 3)
	if err != nil {
		t.Fatal(err)
	}
	for axis, want := range [][]float64{a, b} {
		var ww, wg, gg float64
		for i := range n {
			ww += want[i] * want[i]
			gg += at[i][axis] * at[i][axis]
			wg += want[i] * at[i][axis]
		}
		if c := math.Abs(wg) / math.Sqrt(ww*gg); c < 0.97 {
			t.Errorf("axis %d: correlation %g", axis, c)
		}
	}
	if flat, err := plane(make([]float64, 8), 4, 2); err != nil || flat[2] != [2]float64{} {
		t.Errorf("points without variance lie at %v (%v)", flat, err)
	}
	if _, err := plane([]float64{1, math.NaN()}, 1, 2); err == nil {
		t.Error("points without a place have one in the plane")
	}
}
