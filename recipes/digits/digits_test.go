package digits

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// all are the recipes of this package and the number of their parameters.
var all = []struct {
	recipe     recipe.Recipe
	parameters int
}{
	{QuickRecipe, 61_042}, {DeepConvNetRecipe, 123_552}, {BestRecipe, 165_010}, {MLPRecipe, 79_510}, {LeNetRecipe, 61_706},
}

func TestShapesAndParameters(t *testing.T) {
	for _, c := range all {
		m := c.recipe.New(nn.NewInit(1))
		if n := nn.CountParameters(m); n != c.parameters {
			t.Errorf("%s has %d parameters, want %d", c.recipe.Name, n, c.parameters)
		}
		if y := m.Forward(nn.Inference(), tensor.NewRand(1).Uniform(0, 1, 3, 1, 28, 28)); !slices.Equal(y.Shape(), []int{3, 10}) {
			t.Errorf("%s maps three digits to %v", c.recipe.Name, y.Shape())
		}
	}
}

// learn trains a recipe's network for a few epochs of a hundred digits, without
// augmentation.
func learn(t *testing.T, r recipe.Recipe, epochs int) (nn.Module, *train.Result) {
	t.Helper()
	const samples, batch = 100, 20
	cfg := train.Config{Train: data.Limit(mnist.Train(), samples), Loss: nn.CrossEntropy, Epochs: epochs, BatchSize: batch, Seed: 1}
	r.Configure(&cfg, r.Rate, epochs*samples/batch)
	cfg.Transform = nil
	m := r.New(nn.NewInit(1))
	result, err := train.Fit(t.Context(), m, cfg)
	if err != nil {
		t.Fatal(r.Name, err)
	}
	return m, result
}

func TestAFewStepsReduceTheLoss(t *testing.T) {
	for _, c := range all {
		_, result := learn(t, c.recipe, 4)
		if first, last := result.History[0].Loss, result.Last().Loss; !(last < 0.97*first) {
			t.Errorf("%s: the loss went from %g to %g", c.recipe.Name, first, last)
		}
	}
}

func TestTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	for _, r := range []recipe.Recipe{QuickRecipe, DeepConvNetRecipe} { // normalisation, and dropout
		var files [2][]byte
		for i := range files {
			par.SetThreads(i + 1)
			m, _ := learn(t, r, 1)
			path := filepath.Join(t.TempDir(), "model")
			if err := nn.Save(path, m, nil); err != nil {
				t.Fatal(err)
			}
			var err error
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: two threads give another network", r.Name)
		}
	}
}

// TestDropoutIsTheBooks: what is kept stays as it is in training, and everything
// is halved in use.
func TestDropoutIsTheBooks(t *testing.T) {
	x := tensor.NewRand(1).Uniform(1, 2, 20, 50).RequireGrad()
	y := dropHalf(nn.Training(1), x)
	slopes := tensor.Grad(y.Sum(), []*tensor.Tensor{x})[0].Float64s()
	in, kept := x.Float64s(), 0
	for i, v := range y.Float64s() {
		if slopes[i] != 0 {
			kept++
		}
		if slopes[i] != 0 && slopes[i] != 1 || v != in[i]*slopes[i] {
			t.Fatalf("%g became %g in training, with a slope of %g", in[i], v, slopes[i])
		}
	}
	if kept < 400 || kept > 600 {
		t.Errorf("%d of 1000 were kept", kept)
	}
	for i, v := range dropHalf(nn.Inference(), x).Float64s() {
		if v != in[i]/2 {
			t.Fatalf("%g became %g in use", in[i], v)
		}
	}
}

// TestViewsAreMovedByAPixel with one bright pixel in a corner, which two of the
// views lose.
func TestViewsAreMovedByAPixel(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 0, 0, 0, 0, 0}, 1, 1, 2, 3)
	want := [][]float32{{1, 0, 0, 0, 0, 0}, {0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}}
	views := fiveViews(x)
	if len(views) != len(want) {
		t.Fatalf("there are %d views", len(views))
	}
	for i, v := range views {
		if !slices.Equal(v.Shape(), x.Shape()) || !slices.Equal(v.Float32s(), want[i]) {
			t.Errorf("view %d is %v of shape %v, want %v", i, v.Float32s(), v.Shape(), want[i])
		}
	}
}
