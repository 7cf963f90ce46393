package multitask

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
	"github.com/hadal-ml/hadal/tensor"
)

func TestShapesAndParameters(t *testing.T) {
	x, c := tensor.NewRand(1).Uniform(0, 1, 3, 1, 28, 28), nn.Inference()
	const trunk = (25*16 + 16) + (16*25*32 + 32) + (512*128 + 128)
	for tasks, heads := range map[Tasks]int{kinds[0]: 1290 + 129, kinds[1]: 1290, kinds[2]: 129} {
		m := New(nn.NewInit(1), tasks)
		if n := nn.CountParameters(m); n != trunk+heads {
			t.Errorf("%+v: %d parameters, want %d", tasks, n, trunk+heads)
		}
		digits, loops := m.Forward(c, x)
		if (digits != nil) != tasks.Digit || (loops != nil) != tasks.Loop {
			t.Fatalf("%+v: heads %v and %v", tasks, digits, loops)
		}
		if digits != nil && !slices.Equal(digits.Shape(), []int{3, 10}) || loops != nil && !slices.Equal(loops.Shape(), []int{3}) {
			t.Errorf("%+v: digits %v, loops %v", tasks, digits, loops)
		}
	}
}

func TestLoops(t *testing.T) {
	got := haveLoops(tensor.FromSlice([]int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})).Float32s()
	if !slices.Equal(got, []float32{1, 0, 0, 0, 0, 0, 1, 0, 1, 1}) {
		t.Error(got)
	}
}

// The loss of two heads is the sum, so the trunk's gradient is the sum of those
// of the two tasks.
func TestGradientsOfBothTasksMeetInTheTrunk(t *testing.T) {
	m := New(nn.NewInit(1), kinds[0])
	nn.To(m, tensor.Float64)
	s := tensor.NewSampler(1)
	x, shown := s.Normal(2, 1, 28, 28), tensor.FromSlice([]int64{8, 3})
	reached := []*tensor.Tensor{m.Conv1.Bias, m.Conv2.Bias, m.Loop.Bias, m.Digit.Bias}
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return m.Loss(nn.Training(0), x, shown) }, reached); err != nil {
		t.Errorf("%g: %v", d, err)
	}
	digit, loop := *m, *m
	digit.Loop, loop.Digit = nil, nil
	weights := []*tensor.Tensor{m.Conv1.Weight}
	gradient := func(m *Network) *tensor.Tensor { return tensor.Grad(m.Loss(nn.Training(0), x, shown), weights)[0] }
	sum := gradient(&digit).Add(gradient(&loop).MulScalar(loopWeight))
	if d := gradient(m).Sub(sum).Abs().Max().Item(); !(d < 1e-13) {
		t.Errorf("the gradient of two heads differs from the sum by %g", d)
	}
}

// patterns are noisy images of a bright square each, whose place is the digit.
func patterns(seed uint64, n int) examples {
	x := tensor.NewRand(seed).Uniform(0, 0.3, n, 1, 28, 28)
	digits := make([]int64, n)
	for i := range digits {
		digits[i] = int64(i * 7 % classes)
		row, col := 4+10*int(digits[i]/5), 2+5*int(digits[i]%5)
		x.SetIndex(tensor.Scalar(1, tensor.Float32), tensor.Int(i), tensor.All, tensor.Range(row, row+5), tensor.Range(col, col+4))
	}
	return examples{x, tensor.FromSlice(digits)}
}

// session is a run in a folder of its own; an epoch is 20 updates of each network.
func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: 10, Rate: 2e-3, Seed: 1}
}

func TestAllNetworksLearn(t *testing.T) {
	s := session(t, 2)
	if err := compare(t.Context(), s, patterns(1, 250), patterns(2, 60)); err != nil {
		t.Fatal(err)
	}
	m := s.Outcome.Metrics
	for _, name := range []string{"error_digit_alone_250", "error_digit_shared_250", "error_loop_alone_250", "error_loop_shared_250", "error_loop_by_digit_250"} {
		if e, ok := m[name]; !ok || e > 0.2 {
			t.Errorf("%s is %v", name, e)
		}
	}
	if _, ok := m["error_digit_alone_500"]; ok {
		t.Error("there are networks that learned from more images than there are")
	}
	if got, want := m["gain_digit_250"], m["error_digit_alone_250"]-m["error_digit_shared_250"]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the gain is %v, not %v", got, want)
	}
	for _, name := range []string{"errors.png", recipe.ModelFile} {
		if _, err := os.Stat(s.Path(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSpread(t *testing.T) {
	if s := spreadOf([]float64{1, 2, 3, 6}); math.Abs(s.mean-3) > 1e-15 || math.Abs(s.standardError-math.Sqrt(14./3/4)) > 1e-15 {
		t.Error(s)
	}
}

// Two epochs are one that was interrupted and one more, since the schedule has the
// recipe's length.
func TestResumedEqualsStraightThroughOnAnyNumberOfThreads(t *testing.T) {
	before := par.Threads()
	defer par.SetThreads(before)
	learned, tested := patterns(1, 250), patterns(2, 10)
	weights := func(s *recipe.Session) []float32 {
		named, _, err := nn.LoadTensors(s.Path(recipe.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(named["0.conv1.weight"].Float32s(), named["1.hidden.weight"].Float32s(), named["2.loop.weight"].Float32s(), named["12.digit.bias"].Float32s())
	}
	par.SetThreads(1)
	straight := session(t, 2)
	if err := compare(t.Context(), straight, learned, tested); err != nil {
		t.Fatal(err)
	}
	par.SetThreads(2)
	s := session(t, 1)
	recipetest.Interrupt(t, s, 7, func(ctx context.Context, s *recipe.Session) error { return compare(ctx, s, learned, tested) })
	s.Epochs = straight.Epochs
	if err := compare(t.Context(), s, learned, tested); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weights(straight), weights(s)) {
		t.Error("an interrupted run on two threads gives other weights than one that was not, on one thread")
	}
}

func TestTooFewImagesAreAnError(t *testing.T) {
	s := session(t, 1)
	s.Limit = 100
	if err := Recipe.Train(t.Context(), s); err == nil || !strings.Contains(err.Error(), "there are 100: use a larger --limit") {
		t.Errorf("the error is %v", err)
	}
	s = session(t, 1)
	s.Limit, s.HoldOut = 300, 200
	if err := Recipe.Train(t.Context(), s); err == nil || !strings.Contains(err.Error(), "a smaller --holdout") {
		t.Errorf("the error is %v", err)
	}
}

func TestPrecisionIsHeeded(t *testing.T) {
	learned, tested := patterns(1, 250), patterns(2, 10)
	recipetest.HeedsPrecision(t, func() *recipe.Session { return session(t, 1) },
		func(ctx context.Context, s *recipe.Session) error { return compare(ctx, s, learned, tested) })
}
