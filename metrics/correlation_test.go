package metrics

import (
	"math"
	"strings"
	"testing"
)

func TestCorrelations(t *testing.T) {
	for _, c := range []struct {
		x, y              []float64
		pearson, spearman float64 // as scipy.stats says, but for the last two, where it says NaN
	}{
		{[]float64{1, 2, 3, 4}, []float64{5, 7, 9, 11}, 1, 1},
		{[]float64{1, 2, 3, 4}, []float64{4, 3, 2, 1}, -1, -1},
		{[]float64{1, 2, 3, 4}, []float64{2, 1, 4, 3}, 0.6, 0.6},
		{[]float64{1, 2, 3, 4}, []float64{10, 20, 25, 400}, 0.7944676988461974, 1},
		{[]float64{1, 2, 2, 4}, []float64{1, 3, 2, 4}, 0.9233805168766388, 0.9486832980505138},
		{[]float64{1, 1, 1}, []float64{1, 2, 3}, 0, 0},
		{[]float64{3}, []float64{4}, 0, 0},
	} {
		for name, got := range map[string]func() (float64, error){
			"Pearson": func() (float64, error) { return Pearson(c.x, c.y) }, "Spearman": func() (float64, error) { return Spearman(c.x, c.y) },
		} {
			want := map[string]float64{"Pearson": c.pearson, "Spearman": c.spearman}[name]
			if r, err := got(); err != nil || math.Abs(r-want) > 1e-12 {
				t.Errorf("%s of %v and %v: %v, %v, want %v", name, c.x, c.y, r, err, want)
			}
		}
	}
	for text, f := range map[string]func() (float64, error){
		"no examples":               func() (float64, error) { return Pearson[float32](nil, nil) },
		"2 predictions":             func() (float64, error) { return Spearman([]float32{1, 2}, []float32{1}) },
		"Pearson: value of y 1 is":  func() (float64, error) { return Pearson([]float32{1, 2}, []float32{1, float32(math.NaN())}) },
		"Spearman: value of x 0 is": func() (float64, error) { return Spearman([]float64{math.Inf(1), 2}, []float64{1, 2}) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
}
