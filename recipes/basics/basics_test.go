package basics

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
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

// The output of a network that has learned nothing is zero, and each of its units
// bends in a place of its own.
func TestTheBendsOfACurveAreSpread(t *testing.T) {
	m := NewCurve(4)
	if n := nn.CountParameters(m); n != 4+4+4+1 {
		t.Errorf("four units have %d parameters", n)
	}
	x := tensor.FromSlice([]float32{-1, -0.6, 0.1, 1}, 4, 1)
	for i, y := range m.Forward(nn.Inference(), x).Float64s() {
		if y != 0 {
			t.Errorf("the new network says %g of place %d", y, i)
		}
	}
	hidden := m.Hidden.Forward(nn.Inference(), tensor.FromSlice([]float32{-0.75, -0.25, 0.25, 0.75}, 4, 1))
	for i := range 4 {
		if z := hidden.At(i, i); z != 0 {
			t.Errorf("unit %d has %g where it should bend", i, z)
		}
	}
}

func TestInterruptedRunsEndAsOthersOnAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	for _, r := range []recipe.Recipe{LineRecipe, UniversalRecipe} {
		var models [2][]byte
		for i := range models {
			par.SetThreads(i + 1)
			s := session(t, r)
			s.Epochs = 30
			if i == 1 {
				recipetest.Interrupt(t, s, 17, r.Train)
			}
			if err := r.Train(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			var err error
			if models[i], err = os.ReadFile(s.Path(recipe.ModelFile)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(models[0], models[1]) {
			t.Errorf("%s: an interrupted run on two threads gives another model than one that was not, on one", r.Name)
		}
	}
}

func TestTooFewAndTooManyPointsAreAnError(t *testing.T) {
	for _, r := range []recipe.Recipe{LineRecipe, UniversalRecipe} {
		for _, n := range []int{1, math.MaxInt} {
			s := session(t, r)
			s.BatchSize = n
			if err := r.Train(t.Context(), s); err == nil || !strings.Contains(err.Error(), "--batch") {
				t.Errorf("%s with %d points: %v", r.Name, n, err)
			}
		}
	}
}

func TestGradientsOfTheCurve(t *testing.T) {
	m := NewCurve(5)
	nn.To(m, tensor.Float64)
	x := tensor.FromSlice([]float64{-0.93, -0.41, 0.13, 0.77}, 4, 1)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return m.Forward(nn.Training(0), x).Square().Sum() }, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}
