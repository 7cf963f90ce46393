package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// TestALastBatchOfOneIsFoundByTheDryRun trains a network with batch
// normalisation, which cannot learn from one sample, on 16*n+1 samples.
func TestALastBatchOfOneIsFoundByTheDryRun(t *testing.T) {
	cfg := config(t, 1)
	cfg.Train = spirals(t, 33, 1)
	steps := 0
	cfg.Callbacks = []Callback{Hooks{OnStep: func(*State) error { steps++; return nil }}}
	_, err := Fit(context.Background(), newNet(1), cfg)
	if err == nil || steps > 0 || !strings.Contains(err.Error(), "batch_norm in norm") || !strings.Contains(err.Error(), "DropLast") {
		t.Errorf("after %d steps: %v; want an error about the last batch before the first", steps, err)
	}
	cfg.DropLast = true
	fit(t, newNet(1), cfg)
}

// TestEveryCallbackHearsTheEnd ends training by an error of each kind.
func TestEveryCallbackHearsTheEnd(t *testing.T) {
	mine := errors.New("mine")
	fail := func(*State) error { return mine }
	shape := func(s *State) error {
		if s.Step == 2 {
			tensor.Ones(2).Add(tensor.Ones(3))
		}
		return nil
	}
	for name, hooks := range map[string]Hooks{"step": {OnStep: fail}, "epoch": {OnEpoch: fail}, "end": {OnEnd: fail}, "panic": {OnStep: shape}} {
		ends := 0
		count := Hooks{OnEnd: func(*State) error { ends++; return nil }}
		cfg := config(t, 1)
		cfg.Callbacks = []Callback{hooks, count, LogJSONL(filepath.Join(t.TempDir(), "log.jsonl"), 1)}
		r, err := Fit(context.Background(), newNet(1), cfg)
		if name != "panic" && !errors.Is(err, mine) || err == nil {
			t.Errorf("%s: the error is %v", name, err)
		}
		if ends != 1 || r == nil {
			t.Errorf("%s: another callback heard of the end %d times; the result is %v", name, ends, r)
		}
	}
}

// TestAStartThatFails ends what began before it, and nothing else.
func TestAStartThatFails(t *testing.T) {
	mine := errors.New("mine")
	var heard []string
	callback := func(name string, err error) Callback {
		return Hooks{OnStart: func(*State) error { return err }, OnEnd: func(*State) error { heard = append(heard, name); return nil }}
	}
	cfg := config(t, 1)
	cfg.Callbacks = []Callback{callback("first", nil), callback("second", mine), callback("third", nil)}
	if _, err := Fit(context.Background(), newNet(1), cfg); !errors.Is(err, mine) || !slices.Equal(heard, []string{"first"}) {
		t.Errorf("%v; %v heard of the end, want the first alone", err, heard)
	}
}

// TestUpdatesOverSeveralBatchesAreLoggedOnce has 13 batches an epoch and an
// update after every third, and after the last.
func TestUpdatesOverSeveralBatchesAreLoggedOnce(t *testing.T) {
	dir := t.TempDir()
	steps := func(every, epochs int, callbacks ...Callback) (out []int) {
		path := filepath.Join(dir, "log.jsonl")
		cfg := config(t, epochs)
		cfg.Accumulate = 3
		cfg.Callbacks = append(callbacks, LogJSONL(path, every))
		if epochs > 1 {
			cfg.Resume = filepath.Join(dir, "c.safetensors")
		}
		fit(t, newNet(1), cfg)
		lines, _, err := jsonl.ReadFile[StepRecord](path)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.Kind == "step" {
				out = append(out, l.Step)
			}
		}
		return out
	}
	if got := steps(1, 1, Checkpoint(filepath.Join(dir, "c.safetensors"))); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
		t.Errorf("the log has the updates %v", got)
	}
	if got := steps(5, 2); !slices.Equal(got, []int{1, 2, 3, 4, 5, 10}) {
		t.Errorf("resumed, with every fifth, it has %v", got)
	}
}

func TestALogThatIsDamagedIsNamed(t *testing.T) {
	for damage, want := range map[string]string{"x\n": "line 1", `{"kind":"step","step":"x"}` + "\n": "record 1"} {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		if err := os.WriteFile(path, []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg := config(t, 1)
		cfg.Callbacks = []Callback{LogJSONL(path, 1)}
		if _, err := Fit(context.Background(), newNet(1), cfg); err == nil || !strings.Contains(err.Error(), path+": "+want) || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%q: %v", damage, err)
		}
	}
}

// TestACheckpointThatContradictsItself has the right form, and numbers that no
// training could have come to.
func TestACheckpointThatContradictsItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.safetensors")
	cfg := config(t, 2)
	cfg.Callbacks = []Callback{Checkpoint(path)}
	fit(t, newNet(1), cfg)
	whole, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resume := config(t, 3)
	resume.Resume = path
	for old, replacement := range map[string]string{
		`"epoch":2`:   `"epoch":1`,
		`"step":0`:    `"step":3`,
		`"seen":0`:    `"seen":-16`,
		`"correct":0`: `"correct":7`,
	} {
		text := whole.Metadata["progress"]
		changed := strings.Replace(text, old, replacement, 1)
		if changed == text {
			t.Fatalf("%s has no %s", text, old)
		}
		if err := safetensors.WriteFile(path, safetensors.File{Metadata: map[string]string{"progress": changed}, Tensors: whole.Tensors}); err != nil {
			t.Fatal(err)
		}
		if _, err := Fit(context.Background(), newNet(1), resume); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s for %s: %v", replacement, old, err)
		}
	}
}

// TestThePictureOfAResumedRun has all steps on its axis.
func TestThePictureOfAResumedRun(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	draw := func(epochs int, resume, picture string) string {
		cfg := config(t, epochs)
		cfg.Resume = resume
		cfg.Callbacks = []Callback{Checkpoint(at("c.safetensors")), PlotCurves(at(picture), "spirals")}
		fit(t, newNet(1), cfg)
		text, err := os.ReadFile(at(picture))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	draw(3, "", "first.svg")
	resumed := draw(4, at("c.safetensors"), "resumed.svg")
	straight := draw(4, "", "straight.svg")
	const last = ">50</text>" // of 52 steps; the resumed part has 13
	if !strings.Contains(straight, last) || !strings.Contains(resumed, last) {
		t.Errorf("the axes of steps end with 50: %v, resumed %v", strings.Contains(straight, last), strings.Contains(resumed, last))
	}
}

// TestValidationThatIsNotFinite has a network that goes wrong outside of training.
func TestValidationThatIsNotFinite(t *testing.T) {
	dir, m := t.TempDir(), newNet(1)
	cfg := config(t, 3)
	cfg.Forward = func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
		y := m.Forward(c, x)
		if !c.IsTraining() {
			y = y.MulScalar(math.NaN())
		}
		return y
	}
	cfg.Callbacks = []Callback{LogJSONL(filepath.Join(dir, "log.jsonl"), 1), Checkpoint(filepath.Join(dir, "c.safetensors"))}
	_, err := Fit(context.Background(), m, cfg)
	if err == nil || !strings.Contains(err.Error(), "the validation loss became NaN in epoch 1") {
		t.Errorf("a validation loss of NaN gave %v", err)
	}
}

// TestAccumulationOverALastGroupThatIsShort gives the last update one batch
// where the others have three: it is the mean of that one.
func TestAccumulationOverALastGroupThatIsShort(t *testing.T) {
	m := nn.NewLinear(nn.NewInit(3), 2, 2)
	cfg := Config{Train: spirals(t, 64, 1), Optimizer: optim.SGD(0.1), Epochs: 1, BatchSize: 16, Accumulate: 3}
	cfg.Loss = func(y, _ *tensor.Tensor) *tensor.Tensor { return y.Sum(1).Mean() } // its gradient is 1 for each bias
	var before []float64
	cfg.Callbacks = []Callback{Hooks{OnStep: func(s *State) error {
		if s.Step == 3 {
			before = m.Bias.Float64s()
		}
		return nil
	}}}
	fit(t, m, cfg)
	if moved := before[0] - m.Bias.Float64s()[0]; math.Abs(moved-0.1) > 1e-6 {
		t.Errorf("the last update moved the bias by %g, want 0.1", moved)
	}
}

// TestOneScoreASample trains on classes with a model that returns one number.
func TestOneScoreASample(t *testing.T) {
	for name, shape := range map[string][]int{"(N, 1)": {-1, 1}, "(N)": {-1}} {
		layer := nn.NewLinear(nn.NewInit(1), 2, 1)
		cfg := config(t, 1)
		cfg.Forward = func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor { return layer.Forward(c, x).Reshape(shape...) }
		cfg.Loss = func(y, classes *tensor.Tensor) *tensor.Tensor {
			return nn.BCEWithLogits(y.Flatten(0), classes.To(tensor.Float32))
		}
		r := fit(t, layer, cfg)
		if e := r.Last(); e.Accuracy != 0 || e.ValAccuracy != 0 || e.ValLoss == 0 {
			t.Errorf("%s: one score a sample has no largest, but the epoch says %+v", name, e)
		}
	}
}

// TestEarlyStoppingGoesOnCounting interrupts a run that no longer gets better.
func TestEarlyStoppingGoesOnCounting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.safetensors")
	run := func(epochs int, resume string) *Result {
		cfg := config(t, epochs)
		cfg.Optimizer, cfg.Resume = optim.SGD(1e-12), resume // never gets better by 0.1
		cfg.Callbacks = []Callback{EarlyStopping(4, 0.1), Checkpoint(path)}
		return fit(t, newNet(1), cfg)
	}
	straight := run(20, "")
	run(3, "")
	if r := run(20, path); len(r.History) != len(straight.History) || r.Stopped != straight.Stopped {
		t.Errorf("stopped after %d epochs (%s), without the interruption after %d (%s)", len(r.History), r.Stopped, len(straight.History), straight.Stopped)
	}
}

// TestFitTwiceOnOneModel uses the same callbacks for two trainings.
func TestFitTwiceOnOneModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	cfg := config(t, 2)
	cfg.Callbacks = []Callback{EarlyStopping(50, 0), LogJSONL(path, 1)}
	m := newNet(1)
	fit(t, m, cfg)
	cfg.Loss = func(y, c *tensor.Tensor) *tensor.Tensor { return nn.CrossEntropy(y, c).MulScalar(100) } // worse than all before
	cfg.Epochs = 3
	before := weights(m)
	fit(t, m, cfg)
	if slices.Equal(before, weights(m)) {
		t.Error("early stopping put back the weights of another training")
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), `"kind":"epoch"`) != 3 || strings.Count(string(text), `"kind":"step"`) != 39 {
		t.Errorf("the log of the second training has %d lines, error %v", strings.Count(string(text), "\n"), err)
	}
}

// TestWeightsOfAnyLayout trains a layer whose weight lies in memory by columns,
// and is used twice, and compares it with one that lies by rows.
func TestWeightsOfAnyLayout(t *testing.T) {
	train := func(weight *tensor.Tensor) []float64 {
		m := &struct{ First, Second *nn.Linear }{nn.NewLinear(nn.NewInit(1), 2, 2), nn.NewLinear(nn.NewInit(1), 2, 2)}
		m.First.Weight, m.Second.Weight = weight, weight
		cfg := config(t, 2)
		cfg.ClipNorm, cfg.EMA, cfg.Accumulate = 0.5, 0.9, 2
		cfg.Forward = func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
			return m.Second.Forward(c, m.First.ForwardReLU(c, x))
		}
		path := filepath.Join(t.TempDir(), "c.safetensors")
		cfg.Callbacks = []Callback{Checkpoint(path)}
		fit(t, m, cfg)
		cfg.Epochs, cfg.Resume = 3, path
		fit(t, m, cfg)
		return weights(m)
	}
	rows := tensor.NewRand(5).Normal(0, 1, 2, 2)
	columns := rows.T().Contiguous().T().Detach().RequireGrad()
	a, b := train(rows.Clone().RequireGrad()), train(columns)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-5 {
			t.Fatalf("weight %d is %v by rows and %v by columns", i, a[i], b[i])
		}
	}
}

func TestAContextThatIsOverAlready(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cfg := config(t, 3)
	path := filepath.Join(t.TempDir(), "c.safetensors")
	cfg.Callbacks = []Callback{Checkpoint(path)}
	r, err := Fit(ctx, newNet(1), cfg)
	if !errors.Is(err, ErrInterrupted) || r.Steps > 1 {
		t.Errorf("%d steps, %v", r.Steps, err)
	}
	cfg.Resume = path
	m, straight := newNet(1), newNet(1)
	fit(t, m, cfg)
	fit(t, straight, config(t, 3))
	if !slices.Equal(weights(m), weights(straight)) {
		t.Error("the resumed run differs")
	}
}
