package basics

import (
	"math"
	"os"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

func TestLeastSquares(t *testing.T) {
	if a, b := LeastSquares([]float64{1, 2}, []float64{3, 5}); math.Abs(a-2) > 1e-12 || math.Abs(b-1) > 1e-12 {
		t.Errorf("through (1, 3) and (2, 5): y = %g x + %g", a, b)
	}
}

// session is a run of a recipe in a folder of its own.
func session(t *testing.T, r recipe.Recipe) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: r.Epochs, BatchSize: r.BatchSize, Rate: r.Rate, Seed: 1}
}

func TestLineReachesTheClosedForm(t *testing.T) {
	s := session(t, LineRecipe)
	if err := LineRecipe.Train(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"distance_two", "distance_noisy"} {
		if d, ok := s.Outcome.Metrics[name]; !ok || d > 1e-6 {
			t.Errorf("%s is %g", name, d)
		}
	}
	for _, name := range []string{"line.png", "curves.png", recipe.ModelFile} {
		if _, err := os.Stat(s.Path(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestMoreUnitsFollowCloser(t *testing.T) {
	s := session(t, UniversalRecipe)
	s.Epochs = 400
	if err := UniversalRecipe.Train(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	m := s.Outcome.Metrics
	if !(m["rmse_2"] > 1.3*m["rmse_8"] && m["rmse_8"] > 1.3*m["rmse_32"] && m["rmse_32"] < 0.2) {
		t.Errorf("errors %v", m)
	}
}

func TestGradientsOfTheCurve(t *testing.T) {
	m := NewCurve(nn.NewInit(1), 5)
	nn.To(m, tensor.Float64)
	x := tensor.FromSlice([]float64{-0.93, -0.41, 0.13, 0.77}, 4, 1)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return m.Forward(nn.Training(0), x).Square().Sum() }, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}
