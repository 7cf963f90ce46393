package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// spirals are two classes of points that no line separates.
func spirals(t testing.TB, n int, seed uint64) data.Dataset {
	t.Helper()
	r := rng.New(seed).Stream()
	x, y := make([]float32, 0, 2*n), make([]int64, 0, n)
	for i := range n {
		class, along := int64(i%2), 0.3+2.5*r.Float64()
		angle := along*2 + math.Pi*float64(class)
		x = append(x, float32(along*math.Cos(angle)+0.05*r.Normal()), float32(along*math.Sin(angle)+0.05*r.Normal()))
		y = append(y, class)
	}
	ds, err := data.FromClasses(x, []int{2}, y, []string{"inner", "outer"})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// net is a small network with everything that has a state: batch
// normalisation, dropout.
type net struct {
	Hidden *nn.Linear
	Norm   *nn.BatchNorm1d
	Out    *nn.Linear
}

func newNet(seed uint64) *net {
	init := nn.NewInit(seed)
	return &net{nn.NewLinear(init, 2, 32), nn.NewBatchNorm1d(32), nn.NewLinear(init, 32, 2)}
}

func (m *net) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Norm.Forward(c, m.Hidden.Forward(c, x)).ReLU()
	return m.Out.Forward(c, nn.Dropout{P: 0.1}.Forward(c, x))
}

func config(t testing.TB, epochs int) Config {
	return Config{Train: spirals(t, 200, 1), Val: spirals(t, 100, 2), Loss: nn.CrossEntropy, Optimizer: optim.Adam(1e-2),
		Epochs: epochs, BatchSize: 16, Seed: 7}
}

func weights(m any) []float64 {
	var out []float64
	for _, t := range nn.State(m) {
		out = append(out, t.Float64s()...)
	}
	return out
}

func fit(t testing.TB, m any, cfg Config) *Result {
	t.Helper()
	r, err := Fit(context.Background(), m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFitLearns(t *testing.T) {
	m := newNet(1)
	r := fit(t, m, config(t, 30))
	first, last := r.History[0], r.Last()
	if len(r.History) != 30 || last.ValAccuracy < 0.97 || last.Loss > first.Loss/2 {
		t.Errorf("30 epochs went from %+v to %+v", first, last)
	}
	e, err := Evaluate(m, spirals(t, 100, 2), nn.CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	if e.Accuracy != last.ValAccuracy || math.Abs(e.Loss-last.ValLoss) > 1e-12 || len(e.Predicted) != 100 || len(e.Probabilities) != 200 {
		t.Errorf("Evaluate gives %v and %v, the last epoch %v and %v", e.Accuracy, e.Loss, last.ValAccuracy, last.ValLoss)
	}
}

func TestFitRegression(t *testing.T) {
	x, y := make([]float32, 64), make([]float32, 64)
	for i := range x {
		x[i] = float32(i)/32 - 1
		y[i] = 3*x[i] - 0.5
	}
	ds, err := data.FromValues(x, []int{1}, y, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	m := nn.NewLinear(nn.NewInit(1), 1, 1)
	fit(t, m, Config{Train: ds, Loss: nn.MSE, Optimizer: optim.SGD(0.3), Epochs: 60, BatchSize: 16})
	if w, b := m.Weight.Item(), m.Bias.Item(); math.Abs(w-3) > 1e-3 || math.Abs(b+0.5) > 1e-3 {
		t.Errorf("the line is %gx%+g, want 3x-0.5", w, b)
	}
}

// variants are the settings that a resume must carry over.
func variants(t *testing.T) map[string]func(cfg *Config) {
	return map[string]func(cfg *Config){
		"plain":      func(cfg *Config) {},
		"schedule":   func(cfg *Config) { cfg.Schedule = optim.NewOneCycle(5 * 13) },
		"plateau":    func(cfg *Config) { cfg.Schedule = optim.NewPlateau(0.5, 0) },
		"average":    func(cfg *Config) { cfg.EMA = 0.9 },
		"accumulate": func(cfg *Config) { cfg.Accumulate = 3 },
		"clipped":    func(cfg *Config) { cfg.ClipNorm, cfg.ClipValue = 0.1, 0.01 },
		"two groups": func(cfg *Config) {
			cfg.Groups = func(p []*tensor.Tensor) []optim.Group {
				return []optim.Group{{Params: p[:2], Algorithm: optim.AdamW(1e-2)}, {Params: p[2:], Algorithm: optim.AdamW(3e-2)}}
			}
		},
	}
}

func TestResumeAfterAnEpochGivesTheSameBits(t *testing.T) {
	for name, change := range variants(t) {
		t.Run(name, func(t *testing.T) {
			straight, cfg := newNet(1), config(t, 5)
			change(&cfg)
			want := fit(t, straight, cfg)

			path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
			cfg = config(t, 2)
			change(&cfg)
			cfg.Callbacks = []Callback{Checkpoint(path)}
			fit(t, newNet(1), cfg)
			resumed := newNet(99) // whose weights the checkpoint replaces
			cfg = config(t, 5)
			change(&cfg)
			cfg.Resume = path
			got := fit(t, resumed, cfg)
			if !slices.Equal(weights(resumed), weights(straight)) {
				t.Error("two epochs and three more differ from five")
			}
			if got.Steps != want.Steps || len(got.History) != 5 || got.Last().ValLoss != want.Last().ValLoss {
				t.Errorf("resumed: %d steps, %+v; straight: %d steps, %+v", got.Steps, got.Last(), want.Steps, want.Last())
			}
		})
	}
}

func TestResumeInTheMiddleOfAnEpochGivesTheSameBits(t *testing.T) {
	for name, change := range variants(t) {
		t.Run(name, func(t *testing.T) {
			straight, cfg := newNet(1), config(t, 3)
			change(&cfg)
			want := fit(t, straight, cfg)

			path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			steps := 0
			cfg = config(t, 3)
			change(&cfg)
			cfg.Callbacks = []Callback{Checkpoint(path), Hooks{OnStep: func(s *State) error {
				if steps++; steps == 17 {
					cancel()
				}
				return nil
			}}}
			r, err := Fit(ctx, newNet(1), cfg)
			if !errors.Is(err, ErrInterrupted) || len(r.History) != 1 {
				t.Fatalf("after step 17 Fit returned %v with %d epochs", err, len(r.History))
			}
			resumed := newNet(99)
			cfg = config(t, 3)
			change(&cfg)
			cfg.Resume = path
			got := fit(t, resumed, cfg)
			if !slices.Equal(weights(resumed), weights(straight)) {
				t.Error("an interrupted and resumed run differs from a straight one")
			}
			if got.Last().Loss != want.Last().Loss || got.History[1].Loss != want.History[1].Loss {
				t.Errorf("the losses are %v and %v, want %v and %v", got.History[1].Loss, got.Last().Loss, want.History[1].Loss, want.Last().Loss)
			}
			seconds := 0.0
			for _, e := range got.History {
				seconds += e.Seconds
				if images := e.ImagesPerSec * e.Seconds; math.Abs(images-200) > 1e-6 {
					t.Errorf("epoch %d of 200 images took %v s at %v images/s", e.Epoch, e.Seconds, e.ImagesPerSec)
				}
			}
			if math.Abs(seconds-got.TrainSeconds) > 1e-9 || got.TrainSeconds <= r.TrainSeconds {
				t.Errorf("the epochs took %v s, all training %v s, %v s of them before the interruption", seconds, got.TrainSeconds, r.TrainSeconds)
			}
		})
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	var all [][]float64
	for _, n := range []int{1, 2, 5} {
		par.SetThreads(n)
		m := newNet(1)
		fit(t, m, config(t, 2))
		all = append(all, weights(m))
	}
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Error("the weights depend on the number of threads")
	}
}

func TestOneCycleServesOptimizersWithAndWithoutMomentum(t *testing.T) {
	for _, a := range []optim.Algorithm{optim.SGD(0.1), optim.Momentum(0.1, 0.9), optim.Adam(0.01)} {
		cfg := config(t, 1)
		cfg.Optimizer, cfg.Schedule = a, optim.NewOneCycle(13)
		fit(t, newNet(1), cfg)
	}
}

func TestAccumulationEqualsALargeBatch(t *testing.T) {
	line := func() *nn.Linear { return nn.NewLinear(nn.NewInit(3), 2, 2) }
	large, small := line(), line()
	cfg := Config{Train: spirals(t, 192, 1), Loss: nn.CrossEntropy, Optimizer: optim.SGD(0.1), Epochs: 2, BatchSize: 48}
	fit(t, large, cfg)
	cfg.BatchSize, cfg.Accumulate = 16, 3
	fit(t, small, cfg)
	a, b := weights(large), weights(small)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-6 {
			t.Fatalf("weight %d is %v with one batch of 48, %v with three of 16", i, a[i], b[i])
		}
	}
}

func TestDryRunLeavesNoTrace(t *testing.T) {
	m := newNet(1)
	before := weights(m)
	stop := errors.New("stop here")
	cfg := config(t, 1)
	cfg.Callbacks = []Callback{Hooks{OnStart: func(s *State) error { return stop }}}
	if _, err := Fit(context.Background(), m, cfg); !errors.Is(err, stop) {
		t.Fatalf("Fit returned %v", err)
	}
	if !slices.Equal(weights(m), before) {
		t.Error("the dry run changed the weights")
	}
	for _, p := range nn.Parameters(m) {
		if p.Grad() != nil {
			t.Errorf("the dry run left a gradient at %s", p.Name())
		}
	}
}

func TestTheDryRunTakesAFullBatchWhereTheModelNeedsOne(t *testing.T) {
	m := newNet(1)
	cfg := config(t, 1)
	cfg.Val, cfg.BatchSize = nil, 20
	cfg.Forward = func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor { return m.Forward(c, x.Reshape(20, 2)) }
	fit(t, m, cfg)
}

func TestMistakesAreErrors(t *testing.T) {
	wrong := &net{nn.NewLinear(nn.NewInit(1), 2, 32), nn.NewBatchNorm1d(32), nn.NewLinear(nn.NewInit(1), 31, 2)}
	frozen := newNet(1)
	if _, err := nn.Freeze(frozen, "*.*"); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		model  any
		change func(cfg *Config)
		want   []string
	}{
		{"shapes", wrong, nil, []string{"linear", "out", "(16, 32)", "(2, 31)"}},
		{"no data", newNet(1), func(c *Config) { c.Train = nil }, []string{"Config.Train"}},
		{"no loss", newNet(1), func(c *Config) { c.Loss = nil }, []string{"Config.Loss"}},
		{"no epochs", newNet(1), func(c *Config) { c.Epochs = 0 }, []string{"0 epochs"}},
		{"batch too large", newNet(1), func(c *Config) { c.BatchSize = 1000 }, []string{"1000", "200"}},
		{"no parameters", &struct{ X int }{}, func(c *Config) { c.Forward = func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor { return x } }, []string{"no parameters"}},
		{"no forward", &struct{ L *nn.Linear }{nn.NewLinear(nn.NewInit(1), 2, 2)}, nil, []string{"Forward"}},
		{"all frozen", frozen, nil, []string{"frozen"}},
		{"loss is no scalar", newNet(1), func(c *Config) { c.Loss = func(y, _ *tensor.Tensor) *tensor.Tensor { return y } }, []string{"(16, 2)", "scalar"}},
		{"negative rate", newNet(1), func(c *Config) { c.Optimizer = optim.Adam(-1) }, []string{"-1"}},
		{"no checkpoint", newNet(1), func(c *Config) { c.Resume = filepath.Join(t.TempDir(), "none") }, []string{"no checkpoint"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			cfg := config(t, 1)
			if tc.change != nil {
				tc.change(&cfg)
			}
			_, err := Fit(context.Background(), tc.model, cfg)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not mention %q", err, w)
				}
			}
		})
	}
}

func TestADamagedCheckpointIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	cfg := config(t, 1)
	cfg.Callbacks = []Callback{Checkpoint(path)}
	fit(t, newNet(1), cfg)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resume := config(t, 2)
	resume.Resume = path
	for _, n := range []int{0, 7, 100, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Fit(context.Background(), newNet(1), resume); err == nil {
			t.Errorf("a checkpoint cut to %d of %d bytes was accepted", n, len(whole))
		}
	}
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	other := resume
	other.Seed = 8
	if _, err := Fit(context.Background(), newNet(1), other); err == nil || !strings.Contains(err.Error(), "seed 7") {
		t.Errorf("another seed was accepted: %v", err)
	}
	if _, err := Fit(context.Background(), nn.NewLinear(nn.NewInit(1), 2, 2), resume); err == nil || !strings.Contains(err.Error(), "model") {
		t.Errorf("another model was accepted: %v", err)
	}
	fit(t, newNet(1), resume)
}

func TestNaNStopsAndNamesTheLayer(t *testing.T) {
	m := newNet(1)
	cfg := config(t, 1)
	cfg.Callbacks = []Callback{Hooks{OnStep: func(s *State) error {
		if s.Step == 3 {
			tensor.MutableData[float32](m.Out.Bias)[0] = float32(math.NaN())
		}
		return nil
	}}}
	_, err := Fit(context.Background(), m, cfg)
	if err == nil || !strings.Contains(err.Error(), "out.bias") || !strings.Contains(err.Error(), "step 4") {
		t.Errorf("a weight that became NaN gave %v", err)
	}
	huge := newNet(1)
	huge.Norm.Weight.Fill(math.MaxFloat32)
	_, err = Fit(context.Background(), huge, config(t, 1))
	if err == nil || !strings.Contains(err.Error(), "norm") {
		t.Errorf("an overflow in norm gave %v", err)
	}
}

func TestEarlyStoppingRestoresTheBest(t *testing.T) {
	m := newNet(1)
	cfg := config(t, 60)
	cfg.Optimizer = optim.Adam(0.1)
	best, bestWeights := math.Inf(1), []float64(nil)
	cfg.Callbacks = []Callback{EarlyStopping(3, 0), Hooks{OnEpoch: func(s *State) error {
		if l := s.History[len(s.History)-1].ValLoss; l < best {
			best, bestWeights = l, weights(s.Model)
		}
		return nil
	}}}
	r := fit(t, m, cfg)
	if r.Stopped == "" || len(r.History) == 60 {
		t.Fatalf("60 epochs with a large rate were not stopped: %q", r.Stopped)
	}
	if !slices.Equal(weights(m), bestWeights) {
		t.Error("the weights are not those of the best epoch")
	}
}

func TestLogsAndPictures(t *testing.T) {
	dir := t.TempDir()
	cfg := config(t, 3)
	at := func(name string) string { return filepath.Join(dir, name) }
	cfg.Callbacks = []Callback{LogJSONL(at("m.jsonl"), 5), LogCSV(at("m.csv")), PlotCurves(at("c.png"), "spirals"),
		SaveModel(at("model.safetensors"), map[string]string{"recipe": "spirals"}), SaveBest(at("best.safetensors"), nil)}
	m := newNet(1)
	fit(t, m, cfg)
	lines, torn, err := jsonl.ReadFile[map[string]any](at("m.jsonl"))
	if err != nil || torn || len(lines) != 3*13/5+3 {
		t.Errorf("%d lines, torn %v, error %v", len(lines), torn, err)
	}
	text, err := os.ReadFile(at("m.csv"))
	if err != nil || strings.Count(string(text), "\n") != 4 {
		t.Errorf("the CSV file is %q, %v", text, err)
	}
	if info, err := os.Stat(at("c.png")); err != nil || info.Size() < 1000 {
		t.Errorf("no picture: %v", err)
	}
	loaded := newNet(2)
	if err := nn.Load(at("model.safetensors"), loaded); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(weights(loaded), weights(m)) {
		t.Error("the saved model differs from the trained one")
	}
	if err := nn.Load(at("best.safetensors"), loaded); err != nil {
		t.Error(err)
	}
}

func TestAveragedWeightsAreWhatIsMeasuredAndLeft(t *testing.T) {
	cfg := config(t, 4)
	cfg.EMA = 0.95
	m := newNet(1)
	r := fit(t, m, cfg)
	e, err := Evaluate(m, cfg.Val, nn.CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.Loss-r.Last().ValLoss) > 1e-9 {
		t.Errorf("the model left behind has loss %v, the last epoch measured %v", e.Loss, r.Last().ValLoss)
	}
}

// TestSteadyStepsTakeNoNewTensorMemory watches the pool that tensors come from.
func TestSteadyStepsTakeNoNewTensorMemory(t *testing.T) {
	held := map[int]int{}
	cfg := config(t, 3)
	cfg.DropLast = true
	cfg.Callbacks = []Callback{Hooks{OnEpoch: func(s *State) error {
		held[s.Epoch] = poolHeld()
		return nil
	}}}
	fit(t, newNet(1), cfg)
	if held[1] != held[0] || held[2] != held[0] {
		t.Errorf("the pool grew from %d to %d and %d bytes", held[0], held[1], held[2])
	}
}

func TestRangeTestFindsARateAndLeavesTheModelAlone(t *testing.T) {
	m := newNet(1)
	before := weights(m)
	r, err := RangeTest(m, config(t, 1), optim.RangeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if !(r.Suggested > 1e-4 && r.Suggested < 10) {
		t.Errorf("the suggested rate is %g", r.Suggested)
	}
	if !slices.Equal(weights(m), before) {
		t.Error("the test changed the weights")
	}
	path := filepath.Join(t.TempDir(), "range.png")
	if err := PlotRange(r, path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
		t.Errorf("no picture: %v", err)
	}
	if _, err := RangeTest(m, Config{}, optim.RangeConfig{}); err == nil {
		t.Error("a test without data gave no error")
	}
}

func TestProgressSaysHowEachEpochWent(t *testing.T) {
	var out strings.Builder
	cfg := config(t, 2)
	cfg.ValName = "held-out"
	cfg.Callbacks = []Callback{ShowProgress(&out)}
	r := fit(t, newNet(1), cfg)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "200 training samples, 100 held-out samples") {
		t.Fatalf("progress printed %q", out.String())
	}
	for i, e := range r.History {
		if want := fmt.Sprintf("epoch %d/2  loss %.4f  accuracy %.2f%%  held-out %.2f%%", i+1, e.Loss, 100*e.Accuracy, 100*e.ValAccuracy); !strings.HasPrefix(lines[i+1], want) {
			t.Errorf("line %d is %q, want it to begin with %q", i+2, lines[i+1], want)
		}
	}
}
