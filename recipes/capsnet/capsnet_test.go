package capsnet

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

func TestTheFullNetworkIsThatOfThePaper(t *testing.T) {
	m := New(nn.NewInit(1), 256, 32)
	if n := nn.CountParameters(m); n != 8_215_568 {
		t.Errorf("%d parameters, the paper's 8.2 million are 8,215,568", n)
	}
	m.Decoder = nil
	if n := nn.CountParameters(m); n != 6_804_224 {
		t.Errorf("%d parameters without the decoder, the paper's 6.8 million are 6,804,224", n)
	}
	if filters, types := widths(true); filters != 256 || types != 32 {
		t.Errorf("--full has %d filters and %d types", filters, types)
	}
}

func TestShapes(t *testing.T) {
	m, c := New(nn.NewInit(1), 6, 2), nn.Inference()
	x := tensor.NewRand(1).Uniform(0, 1, 3, 1, 28, 28)
	v := m.Capsules(c, x)
	drawn := m.Reconstruct(c, v, tensor.FromSlice([]int64{1, 0, 9}))
	lengths := m.Forward(c, x)
	if !slices.Equal(v.Shape(), []int{3, 10, 16}) || !slices.Equal(lengths.Shape(), []int{3, 10}) || !slices.Equal(drawn.Shape(), x.Shape()) {
		t.Errorf("capsules %v, lengths %v, images %v", v.Shape(), lengths.Shape(), drawn.Shape())
	}
	for _, l := range lengths.Float64s() {
		if !(l >= 0 && l < 1) {
			t.Errorf("a length is %v", l)
		}
	}
}

// The decoder sees nothing of the capsules of other digits.
func TestOtherCapsulesAreMasked(t *testing.T) {
	m, c := New(nn.NewInit(1), 6, 2), nn.Inference()
	v := tensor.NewRand(1).Normal(0, 0.3, 1, 10, 16)
	before := m.Reconstruct(c, v, digit(3)).Float64s()
	v.SetIndex(tensor.Scalar(0.9, tensor.Float32), tensor.All, tensor.Int(4))
	if !slices.Equal(m.Reconstruct(c, v, digit(3)).Float64s(), before) {
		t.Error("the image of a 3 depends on the capsule of the 4")
	}
	v.SetIndex(tensor.Scalar(0.9, tensor.Float32), tensor.All, tensor.Int(3))
	if slices.Equal(m.Reconstruct(c, v, digit(3)).Float64s(), before) {
		t.Error("the image of a 3 does not depend on the capsule of the 3")
	}
}

// The loss is that of section 3 and 4.1 of the paper, term by term.
func TestTheLossIsThatOfThePaper(t *testing.T) {
	m, c := New(nn.NewInit(1), 6, 2), nn.Inference()
	r := tensor.NewRand(1)
	x, capsules, digits := r.Uniform(0, 1, 2, 1, side, side), r.Normal(0, 0.2, 2, classes, digitSize), []int64{3, 0}
	drawn := m.Reconstruct(c, capsules, tensor.FromSlice(digits))
	want := 0.0
	for i, digit := range digits {
		for k := range classes {
			square := 0.0
			for d := range digitSize {
				square += capsules.At(i, k, d) * capsules.At(i, k, d)
			}
			if length := math.Sqrt(square); k == int(digit) {
				want += math.Pow(max(0, 0.9-length), 2) / 2 // of two images
			} else {
				want += 0.5 * math.Pow(max(0, length-0.1), 2) / 2
			}
		}
		for row := range side {
			for col := range side {
				want += 0.0005 * math.Pow(drawn.At(i, 0, row, col)-x.At(i, 0, row, col), 2) / 2
			}
		}
	}
	if got := m.Loss(c, x, capsules, tensor.FromSlice(digits)).Item(); math.Abs(got-want) > 1e-5*want {
		t.Errorf("the loss is %v, want %v", got, want)
	}
}

func TestTheRateFallsAndStaysLow(t *testing.T) {
	s := schedule(10)
	for step, want := range map[int]float64{0: 1, 5 * epochs: 0.505, 10 * epochs: 0.01, 15 * epochs: 0.01, 20 * epochs: 0.01} {
		if got := s.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("after %d steps the rate is %v of the first, want %v", step, got, want)
		}
	}
}

func TestGradientOfTheLoss(t *testing.T) {
	m := New(nn.NewInit(1), 3, 1)
	m.Decoder = nn.Sequential{nn.NewLinear(nn.NewInit(2), classes*digitSize, side*side), nn.Sigmoid{}}
	nn.To(m, tensor.Float64)
	s := tensor.NewSampler(3)
	x, y := s.Normal(2, 1, side, side), tensor.FromSlice([]int64{7, 2})
	// These reach the loss through everything there is.
	below := []*tensor.Tensor{m.Conv.Bias, m.Primary.Conv.Bias}
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
		c := nn.Training(1)
		return m.Loss(c, x, m.Capsules(c, x), y)
	}, below); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

// bars are images of a bright bar each, whose place is the class.
func bars(n int) data.Dataset {
	pixels, labels := make([]byte, n*side*side), make([]uint8, n)
	names := make([]string, classes)
	for i := range n {
		labels[i] = uint8(i * 7 % classes)
		for k := range 12 {
			row, col := 8+k, 4+2*int(labels[i])+i%2
			pixels[(i*side+row)*side+col] = 255
		}
	}
	for i := range names {
		names[i] = string(rune('0' + i))
	}
	ds, err := data.NewImages(pixels, 1, side, side, labels, names)
	if err != nil {
		panic(err)
	}
	return ds
}

// session is a run in a folder of its own.
func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: 8, Rate: 2e-3, Seed: 1}
}

func TestAFewStepsReduceTheLoss(t *testing.T) {
	s, ds := session(t, 6), bars(64)
	m := New(nn.NewInit(1), 8, 2)
	result, err := fit(t.Context(), s, m, ds, ds)
	if err != nil {
		t.Fatal(err)
	}
	first, last := result.History[0], result.Last()
	if !(last.ValLoss < 0.7*first.ValLoss && last.ValAccuracy >= 0.5) {
		t.Errorf("from a loss of %v to %v, accuracy %v", first.ValLoss, last.ValLoss, last.ValAccuracy)
	}
}

func weights(m *CapsNet) []float32 {
	var all []float32
	for _, p := range nn.Parameters(m) {
		all = append(all, p.Float32s()...)
	}
	return all
}

func TestResumedEqualsStraightThroughOnAnyNumberOfThreads(t *testing.T) {
	before := par.Threads()
	defer par.SetThreads(before)
	ds := bars(40)
	start := func() *CapsNet { return New(nn.NewInit(1), 6, 2) }

	par.SetThreads(1)
	straight := start()
	if _, err := fit(t.Context(), session(t, 2), straight, ds, ds); err != nil {
		t.Fatal(err)
	}

	par.SetThreads(2)
	s, resumed := session(t, 2), start()
	ctx, cancel := context.WithCancel(t.Context())
	s.Callbacks = func(int, int) []train.Callback {
		return []train.Callback{train.Hooks{OnStep: func(state *train.State) error {
			if state.TotalSteps == 7 {
				cancel()
			}
			return nil
		}}}
	}
	if _, err := fit(ctx, s, resumed, ds, ds); !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("the interrupted run says %v", err)
	}
	s.Callbacks, resumed = nil, start()
	if _, err := fit(t.Context(), s, resumed, ds, ds); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weights(straight), weights(resumed)) {
		t.Error("an interrupted run on two threads gives other weights than one that was not, on one thread")
	}
}

func TestTheRecipeRuns(t *testing.T) {
	for figure, holdOut := range map[string]int{"test_accuracy": 0, "held_out_accuracy": 8} {
		s := session(t, 1)
		s.Limit, s.HoldOut = 24, holdOut
		if err := Recipe.Train(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Outcome.Metrics[figure]; !ok || s.Outcome.Sentence == "" || s.Outcome.Parameters != nn.CountParameters(New(nn.NewInit(1), 64, 8)) {
			t.Errorf("%d held out: the outcome is %+v", holdOut, s.Outcome)
		}
		for name := range s.Outcome.Metrics {
			if holdOut > 0 && strings.HasPrefix(name, "test_") {
				t.Errorf("a run that did not read the test set has a figure %s", name)
			}
		}
		for _, name := range []string{"curves.png", "reconstructions.png", "dimensions.png", recipe.ModelFile} {
			if _, err := os.Stat(s.Path(name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestACheckpointOfAnotherNetworkIsAnError(t *testing.T) {
	s, ds := session(t, 1), bars(16)
	if _, err := fit(t.Context(), s, New(nn.NewInit(1), 6, 2), ds, ds); err != nil {
		t.Fatal(err)
	}
	if _, err := fit(t.Context(), s, New(nn.NewInit(1), 8, 2), ds, ds); err == nil {
		t.Error("a checkpoint of a narrower network is accepted")
	}
}

func TestPrecisionIsHeeded(t *testing.T) {
	ds := bars(16)
	var trained [][]float32
	for _, p := range []train.Precision{train.F32, train.BF16} {
		s, m := session(t, 1), New(nn.NewInit(1), 16, 2)
		s.Precision = p
		if _, err := fit(t.Context(), s, m, ds, ds); err != nil {
			t.Fatal(err)
		}
		trained = append(trained, weights(m))
	}
	if slices.Equal(trained[0], trained[1]) {
		t.Error("an epoch in bfloat16 leads to the same weights as one in float32")
	}
}
