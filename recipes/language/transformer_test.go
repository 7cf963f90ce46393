package language

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

var smallGPT = GPTSizes{Layers: 2, Width: 16, Heads: 2, Context: 12}

func TestTransformerSizesCountParameters(t *testing.T) {
	const characters = 7
	n, err := smallGPT.Parameters(characters)
	m := NewGPT(nn.NewInit(1), smallGPT, characters, 0)
	if got := nn.CountParameters(m); err != nil || got != n {
		t.Errorf("%d parameters, %d by the sizes (%v)", got, n, err)
	}
	if y := m.Forward(nn.Inference(), tensor.Zeros(3, 5).To(tensor.Int64)); !slices.Equal(y.Shape(), []int{15, characters}) {
		t.Errorf("the logits are %v", y.Shape())
	}
	for _, bad := range []GPTSizes{{}, {2, 16, 3, 12}, {2, 16, 2, 0}, {-1, 16, 2, 12}, {2, 1 << 40, 2, 12}, {1 << 40, 16, 2, 12}, {2, 16, 2, 1 << 40}} {
		if _, err := bad.Parameters(characters); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestGradientsOfTheTransformer(t *testing.T) {
	m := NewGPT(nn.NewInit(2), GPTSizes{Layers: 1, Width: 4, Heads: 2, Context: 3}, 4, 0.5)
	m.Token.Weight.CopyFrom(tensor.NewRand(1).Normal(0, 1, 4, 4)) // small ones make differences inexact
	nn.To(m, tensor.Float64)
	ids := tensor.FromSlice([]int64{0, 3, 1, 2, 2, 0}, 2, 3)
	next := tensor.FromSlice([]int64{3, 1, 2, 2, 0, 1})
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
		return nn.CrossEntropy(m.Forward(nn.Evaluation(), ids), next)
	}, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

// Windows lie anywhere in a text, and next is what comes one character later.
func TestWindows(t *testing.T) {
	ids := make([]int64, 12)
	for i := range ids {
		ids[i] = int64(i)
	}
	starts := map[int64]bool{}
	for step := range 20 {
		x, next := windows(ids, 3, 8, 1, step)
		if !slices.Equal(x.Shape(), []int{3, 8}) || !slices.Equal(next.Shape(), []int{24}) {
			t.Fatalf("shapes %v and %v", x.Shape(), next.Shape())
		}
		for j, v := range x.Int64s() {
			if next.Int64s()[j] != v+1 || j%8 > 0 && v != x.Int64s()[j-1]+1 {
				t.Fatalf("characters %v, next %v", x.Int64s(), next.Int64s())
			}
			if j%8 == 0 {
				starts[v] = true
			}
		}
	}
	if len(starts) != 4 || !starts[0] || !starts[3] {
		t.Errorf("windows begin at %v, and could at 0 to 3", starts)
	}
	if x, _ := windows(ids[:9], 1, 8, 1, 0); !slices.Equal(x.Int64s(), ids[:8]) {
		t.Errorf("the only window is %v", x.Int64s())
	}
}

// The rate grows, falls, and then stays low, however long the training is.
func TestScheduleOfTheTransformer(t *testing.T) {
	const steps = 1000
	schedule := gptSchedule(steps)
	for step, want := range map[int]float64{0: 0, gptWarmup / 2: 0.5, gptWarmup: 1, (gptWarmup + steps) / 2: 0.51, steps: 0.02, steps + 1: 0.02, 3 * steps: 0.02} {
		if got := schedule.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: factor %g, want %g", step, got, want)
		}
	}
	if got := gptSchedule(1).At(5 * gptWarmup); math.Abs(got-0.02) > 1e-12 {
		t.Errorf("a schedule that is shorter than its warm-up ends at %g", got)
	}
}

// What comes later changes no logits.
func TestTheTransformerDoesNotSeeWhatComes(t *testing.T) {
	m := NewGPT(nn.NewInit(1), smallGPT, 5, 0)
	a, b := []int64{0, 1, 2, 3, 4, 0}, []int64{0, 1, 2, 3, 1, 2}
	x := m.Forward(nn.Inference(), tensor.FromSlice(a, 1, 6)).Float32s()
	y := m.Forward(nn.Inference(), tensor.FromSlice(b, 1, 6)).Float32s()
	if !slices.Equal(x[:4*5], y[:4*5]) {
		t.Error("the first four places differ")
	}
	if slices.Equal(x[4*5:], y[4*5:]) {
		t.Error("the last two are the same")
	}
}

// Reading one by one, with caches, gives what one pass gives, and goes on when
// the positions are used up.
func TestTheTransformerReadsOn(t *testing.T) {
	m := NewGPT(nn.NewInit(1), smallGPT, 5, 0)
	var text []int64
	r := &gptReader{model: m}
	seen := 0 // characters that the reader sees
	for i := range int64(40) {
		text = append(text, i*i%5)
		if seen++; seen > 12 {
			seen = 6
		}
		got := r.read(text[len(text)-1:])
		want := m.Forward(nn.Inference(), tensor.FromSlice(text[len(text)-seen:], 1, seen)).Select(0, seen-1).Float32s()
		for j := range want {
			if !(math.Abs(float64(got[j]-want[j])) < 1e-4) {
				t.Fatalf("after %d characters the logits are %v, want %v", len(text), got, want)
			}
		}
	}
	// A prompt that is longer than the context.
	long := (&gptReader{model: m}).read(text)
	want := m.Forward(nn.Inference(), tensor.FromSlice(text[34:], 1, 6)).Select(0, 5).Float32s()
	for j := range want {
		if !(math.Abs(float64(long[j]-want[j])) < 1e-4) {
			t.Fatalf("after a long prompt the logits are %v, want %v", long, want)
		}
	}
}

// Each character of a text but the first is counted once, seen from at least
// half a context.
func TestTransformerLoss(t *testing.T) {
	m := NewGPT(nn.NewInit(1), smallGPT, 5, 0)
	for _, n := range []int{2, 7, 12, 13, 14, 18, 19, 40} {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i * i % 5)
		}
		total := 0.0
		for at := range n - 1 {
			start := 0
			if at >= 12 {
				start = (at - 6) / 6 * 6
			}
			logits := m.Forward(nn.Inference(), tensor.FromSlice(ids[start:at+1], 1, at+1-start)).Narrow(0, at-start, 1)
			total += nn.CrossEntropy(logits, tensor.FromSlice(ids[at+1:at+2])).Item()
		}
		if got, want := m.loss(ids, 1), total/float64(n-1); math.Abs(got-want) > 1e-5 {
			t.Errorf("%d characters: loss %g, want %g", n, got, want)
		}
	}
}

func TestAttentionIsThatOfTheModel(t *testing.T) {
	m := NewGPT(nn.NewInit(1), smallGPT, 5, 0)
	layers := m.attention([]int64{0, 1, 2, 3})
	if len(layers) != 2 || len(layers[0]) != 2 || len(layers[0][0]) != 4 {
		t.Fatalf("the weights are %v", layers)
	}
	for _, heads := range layers {
		for _, weights := range heads {
			sum := 0.0
			for _, w := range weights {
				sum += w
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Errorf("%v add up to %g", weights, sum)
			}
		}
	}
	// With these weights the first block gives what it gives.
	b, c := m.Blocks[0], nn.Inference()
	x := m.Position.Forward(c, m.Token.Forward(c, tensor.FromSlice([]int64{0, 1, 2, 3}, 1, 4)))
	p := tensor.Linear(b.Norm1.Forward(c, x), b.SelfAttn.InProjWeight, b.SelfAttn.InProjBias)
	want := tensor.SelfAttention(p, 2, tensor.AttentionOptions{Causal: true}).Select(0, 0).Select(0, 3).Float64s()
	values := p.Chunk(2, 3)[2].SplitHeads(2) // (1, heads, T, size)
	for h, weights := range layers[0] {
		for i := range 8 {
			got := 0.0
			for at, w := range weights {
				got += w * values.At(0, h, at, i)
			}
			if math.Abs(got-want[h*8+i]) > 1e-5 {
				t.Fatalf("head %d gives %g in column %d, the model %g", h, got, i, want[h*8+i])
			}
		}
	}
}

func fitsGPT(t *testing.T, ctx context.Context, s *recipe.Session) error {
	t.Helper()
	return fitTransformer(ctx, s, play(t), smallGPT, 0.1, s.Epochs)
}

func TestTransformerLearnsAndItsRunGenerates(t *testing.T) {
	s := session(t, 8, 1e-2)
	s.Epochs = 25
	if err := fitsGPT(t, t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if loss := s.Outcome.Metrics["validation_nats_per_character"]; !(loss < 1.2) {
		t.Errorf("validation loss %g", loss)
	}
	for _, name := range []string{"curves.png", "attention.png"} {
		if _, err := os.Stat(s.Path(name)); err != nil {
			t.Error(err)
		}
	}
	opened, err := openTransformer(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	checkGenerator(t, opened)
	// A run of the other recipe.
	if _, err := openRNN(s.Dir); err == nil || !strings.Contains(err.Error(), "cannot be") {
		t.Errorf("a transformer opened as a recurrent network: %v", err)
	}
}

func TestInterruptedTrainingOfTheTransformer(t *testing.T) {
	interrupted(t, func(ctx context.Context, s *recipe.Session) error { return fitsGPT(t, ctx, s) })
}

func TestThreadsDoNotChangeTheTransformer(t *testing.T) {
	threads(t, func(s *recipe.Session) error {
		s.Epochs = 1
		return fitTransformer(t.Context(), s, play(t), GPTSizes{Layers: 1, Width: 64, Heads: 2, Context: 40}, 0.1, 1)
	})
}
