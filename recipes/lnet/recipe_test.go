package lnet

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
	"github.com/hadal-ml/hadal/tensor"
)

// ring are points of the plane, of which those far from the middle are class 1:
// no line tells them apart.
func ring(seed uint64, n int) Examples {
	points := tensor.NewRand(seed).Normal(0, 1, n, 2)
	return Examples{points, points.Square().Sum(1).GreaterScalar(1.4).To(tensor.Float32)}
}

// session is a run in a folder of its own.
func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: 20, Rate: 0.1, Seed: 1}
}

func TestHiddenLayersTellApartWhatALineCannot(t *testing.T) {
	s := session(t, 12)
	if err := compare(t.Context(), s, ring(1, 400), ring(2, 300)); err != nil {
		t.Fatal(err)
	}
	m := s.Outcome.Metrics
	if !(m["test_accuracy_logistic"] < 0.7 && m["test_accuracy_2-layer"] > 0.85 && m["test_accuracy_5-layer"] > 0.85) {
		t.Errorf("the accuracies are %v", m)
	}
	// (2*1 + 1) + (2*64 + 64 + 64 + 1) + (2*128 + 128 + 128*64 + 64 + 64*32 + 32 + 32*16 + 16 + 16 + 1)
	if want := 3 + 257 + 11265; s.Outcome.Parameters != want {
		t.Errorf("%d parameters, want %d", s.Outcome.Parameters, want)
	}
	for _, name := range []string{"curves.png", recipe.ModelFile} {
		if _, err := os.Stat(s.Path(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheCostsFall(t *testing.T) {
	s := session(t, 5)
	if err := compare(t.Context(), s, ring(1, 400), ring(2, 50)); err != nil {
		t.Fatal(err)
	}
	for _, n := range networks[1:] {
		_, costs, err := s.Curve("cost_" + n.name)
		if err != nil {
			t.Fatal(err)
		}
		if first, last := costs[0], slices.Min(costs[len(costs)-3:]); !(last < 0.8*first) {
			t.Errorf("%s: the cost goes from %v to %v", n.name, first, last)
		}
	}
}

func TestResumedEqualsStraightThroughOnAnyNumberOfThreads(t *testing.T) {
	before := par.Threads()
	defer par.SetThreads(before)
	learned, tested := ring(1, 110), ring(2, 50) // the last batch of an epoch is smaller
	saved := func(s *recipe.Session) []float32 {
		named, _, err := nn.LoadTensors(s.Path(recipe.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		var all []float32
		for _, name := range []string{"0.layers.0.w", "1.layers.1.w", "2.layers.3.w", "2.layers.4.b"} {
			if named[name] == nil {
				t.Fatalf("the file has no %s", name)
			}
			all = append(all, named[name].Float32s()...)
		}
		return all
	}
	par.SetThreads(1)
	straight := session(t, 3)
	if err := compare(t.Context(), straight, learned, tested); err != nil {
		t.Fatal(err)
	}
	par.SetThreads(2)
	s := session(t, 3)
	recipetest.Interrupt(t, s, 7, func(ctx context.Context, s *recipe.Session) error { return compare(ctx, s, learned, tested) })
	if err := compare(t.Context(), s, learned, tested); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(saved(straight), saved(s)) {
		t.Error("an interrupted run on two threads gives other weights than one that was not, on one thread")
	}
}

func TestTwoClassesAreFlattenedInOrder(t *testing.T) {
	ds, err := data.NewImages([]byte{0, 255, 51, 102, 1, 2, 153, 204}, 1, 1, 2, []uint8{6, 2, 0, 6}, slices.Repeat([]string{"x"}, 7))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ofTwoClasses(ds, pullover, shirt, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Labels.Float32s(), []float32{1, 0, 1}) || !slices.Equal(e.Rows.Float32s(), []float32{0, 1, 0.2, 0.4, 0.6, 0.8}) {
		t.Errorf("labels %v, rows %v", e.Labels.Float32s(), e.Rows.Float32s())
	}
	x, y := e.Columns(tensor.FromSlice([]int64{1, 2}))
	if !slices.Equal(x.Float32s(), []float32{0.2, 0.6, 0.4, 0.8}) || !slices.Equal(y.Float32s(), []float32{0, 1}) || x.Dim(0) != 2 {
		t.Errorf("columns %v %v, labels %v", x.Shape(), x.Float32s(), y.Float32s())
	}
	if e, err = ofTwoClasses(ds, pullover, shirt, 2); err != nil || e.Labels.Len() != 2 {
		t.Errorf("at most two examples are %d, %v", e.Labels.Len(), err)
	}
}

func TestABatchLargerThanTheDataIsAnError(t *testing.T) {
	for _, size := range []int{51, math.MaxInt} {
		s := session(t, 1)
		s.BatchSize = size
		if err := compare(t.Context(), s, ring(1, 50), ring(2, 50)); err == nil || !strings.Contains(err.Error(), "--batch 50 or less") {
			t.Errorf("a batch of %d out of 50 gave %v", size, err)
		}
	}
}

func TestWithoutTheDataTheErrorSaysHowToGetIt(t *testing.T) {
	t.Setenv(datasets.DirEnv, t.TempDir())
	if err := Recipe.Train(t.Context(), session(t, 1)); err == nil || !strings.Contains(err.Error(), "hadal data get fashion-mnist") {
		t.Errorf("the error is %v", err)
	}
}
