package recipes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/logistic"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

func readFile(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAnEnsembleGoesOnWhereItWasInterrupted stops in the third of four members.
func TestAnEnsembleGoesOnWhereItWasInterrupted(t *testing.T) {
	r := logistic.Recipe
	r.Members = 4
	straight, cut := t.TempDir(), t.TempDir()
	_, want, err := Train(context.Background(), r, Options{Epochs: 3, BatchSize: 100, NoPictures: true, Out: straight})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, _, err = Train(ctx, r, Options{Epochs: 3, BatchSize: 100, NoPictures: true, Out: cut, Callbacks: func(member, _ int) []train.Callback {
		return []train.Callback{train.Hooks{OnStep: func(s *train.State) error {
			if member == 2 && s.Epoch == 1 && s.Step == 2 {
				cancel()
			}
			return nil
		}}}
	}})
	if !errors.Is(err, train.ErrInterrupted) {
		t.Fatalf("the interrupted run returned %v", err)
	}
	if _, err := os.Stat(filepath.Join(cut, ResultFile)); err == nil {
		t.Error("an unfinished run has a result")
	}
	_, got, err := Train(context.Background(), r, Options{Resume: cut, NoPictures: true})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, cut, ModelFile), readFile(t, straight, ModelFile)) {
		t.Error("the model differs from that of a run without interruption")
	}
	if got.Score() != want.Score() || len(got.MemberAccuracy) != 4 || got.MemberAccuracy[0] != want.MemberAccuracy[0] || got.Epochs != 3 || !(got.TrainSeconds > 0) || !(got.ImagesPerSecond > 0) {
		t.Errorf("the result is %+v, without interruption %+v", got, want)
	}
	for _, member := range []string{"1", "3"} {
		text := string(readFile(t, cut, "members", member, MetricsFile))
		if n := strings.Count(text, `"kind":"epoch"`); n != 3 {
			t.Errorf("the log of member %s has %d epochs, want 3", member, n)
		}
	}
}

// TestAFinishedRunWithoutItsModel is what a kill between the last checkpoint and
// the model leaves: going on with it writes the model.
func TestAFinishedRunWithoutItsModel(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Epochs: 2, NoPictures: true, Out: dir}); err != nil {
		t.Fatal(err)
	}
	want := readFile(t, dir, ModelFile)
	if err := os.Remove(filepath.Join(dir, ModelFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Resume: dir, NoPictures: true}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, dir, ModelFile), want) {
		t.Error("the model is not the one that was lost")
	}
}

// TestAResultSpeaksOfItsModel interrupts a finished run that was to go on.
func TestAResultSpeaksOfItsModel(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Epochs: 1, NoPictures: true, Out: dir}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Train(ctx, logistic.Recipe, Options{Epochs: 2, Resume: dir}); !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ResultFile)); err == nil {
		t.Error("the result of the shorter run stands beside the model of the longer one")
	}
}

func TestAQuickLookIsShorterThanABatch(t *testing.T) {
	dir := t.TempDir()
	_, result, err := Train(context.Background(), logistic.Recipe, Options{Epochs: 1, Limit: 3, NoPictures: true, Out: dir})
	if err != nil || result.Score().Samples != 3 {
		t.Errorf("the result is %+v, %v", result, err)
	}
	out := filepath.Join(t.TempDir(), "run")
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{BatchSize: 100, Limit: 3, Out: out}); err == nil || !strings.Contains(err.Error(), "--batch 3") {
		t.Errorf("a batch larger than the data gave %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a mistake left a folder behind")
	}
}

func TestARunWithoutItsDataLeavesNoFolder(t *testing.T) {
	t.Setenv("HADAL_DATA", t.TempDir())
	r, err := Find("char-rnn")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if _, _, err := Train(t.Context(), r, Options{Out: dir}); err == nil {
		t.Fatal("a training without data succeeds")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left behind: %v", err)
	}
}

func TestResumeCannotGoBeyondWhatCanBeRead(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Epochs: 1, NoPictures: true, Out: dir}); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, dir, ConfigFile)
	for _, more := range []int{MaxEpochs, math.MaxInt} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _, err := Train(ctx, logistic.Recipe, Options{Epochs: more, Resume: dir})
		if err == nil || !strings.Contains(err.Error(), "epochs") || errors.Is(err, train.ErrInterrupted) {
			t.Errorf("%d more epochs gave %v", more, err)
		}
	}
	if !bytes.Equal(readFile(t, dir, ConfigFile), before) {
		t.Error("the configuration changed")
	}
}

func TestHostileConfigurations(t *testing.T) {
	good := Config{Recipe: "logistic", Epochs: 1, ScheduleEpochs: 1, BatchSize: 1, LearningRate: 0.1, Members: 1, Precision: "f32"}
	for name, change := range map[string]func(c *Config){
		"no members": func(c *Config) { c.Members = 0 }, "many members": func(c *Config) { c.Members = math.MaxInt },
		"no epochs": func(c *Config) { c.Epochs = 0 }, "many epochs": func(c *Config) { c.Epochs = math.MaxInt },
		"schedule": func(c *Config) { c.ScheduleEpochs = math.MaxInt }, "batch": func(c *Config) { c.BatchSize = -1 },
		"rate": func(c *Config) { c.LearningRate = 0 }, "limit": func(c *Config) { c.Limit = -1 }, "held out": func(c *Config) { c.HoldOut = -1 }, "recipe": func(c *Config) { c.Recipe = "" },
		"precision": func(c *Config) { c.Precision = "f8" },
	} {
		c := good
		change(&c)
		dir := t.TempDir()
		if err := c.save(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || strings.Contains(err.Error(), ModelFile) {
			t.Errorf("%s: Open gave %v", name, err)
		}
	}
	large := good
	large.BatchSize, large.Limit, large.LearningRate = math.MaxInt, math.MaxInt, 1e308
	dir := t.TempDir()
	if err := large.save(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Resume: dir, NoPictures: true}); err == nil {
		t.Error("a batch of all there can be was accepted")
	}
}

// TestAnEnsembleThatIsSureAndWrong averages members whose probability for the
// true class is below what a float32 holds.
func TestAnEnsembleThatIsSureAndWrong(t *testing.T) {
	e := &Ensemble{Members: []nn.Module{scores{0, 500}, scores{0, 400}}}
	y := e.Forward(nn.Inference(), tensor.Zeros(1, 2))
	if loss := nn.CrossEntropy(y, tensor.FromSlice([]int64{0})).Item(); math.Abs(loss-400-math.Ln2) > 0.01 {
		t.Errorf("the loss is %g, want 400.69", loss)
	}
	if loss := nn.CrossEntropy(y, tensor.FromSlice([]int64{1})).Item(); math.Abs(loss) > 1e-6 {
		t.Errorf("the loss of the other class is %g, want 0", loss)
	}
	if _, err := json.Marshal(TestScore{Loss: nn.CrossEntropy(y, tensor.FromSlice([]int64{0})).Item()}); err != nil {
		t.Error(err)
	}
}

// TestAnEnsembleAveragesItsViews with two members that look at two numbers.
func TestAnEnsembleAveragesItsViews(t *testing.T) {
	e := &Ensemble{Members: []nn.Module{itself{1}, itself{3}}, views: func(x *tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{x, x.Flip(1)} }}
	y := e.Forward(nn.Inference(), tensor.FromSlice([]float32{0, 1}, 1, 2)).Softmax(-1).Float64s()
	if math.Abs(y[0]-0.5) > 1e-6 || math.Abs(y[1]-0.5) > 1e-6 {
		t.Errorf("what is said of a view and of its mirror image averages to %v, want even chances", y)
	}
	e.views = nil
	y = e.Forward(nn.Inference(), tensor.FromSlice([]float32{0, 1}, 1, 2)).Softmax(-1).Float64s()
	want := (1/(1+math.Exp(-1)) + 1/(1+math.Exp(-3))) / 2
	if math.Abs(y[1]-want) > 1e-6 {
		t.Errorf("without views the second class has %v, want %v", y[1], want)
	}
}

// itself is a model that takes its input, times a factor, for logits.
type itself struct{ factor float64 }

func (m itself) Forward(_ *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return x.MulScalar(m.factor)
}

// scores is a model that says the same of every sample.
type scores []float32

func (s scores) Forward(*nn.Context, *tensor.Tensor) *tensor.Tensor {
	return tensor.FromSlice(s, 1, len(s))
}

// TestSettingsThatARecipeDoesNotHeedAreErrors, and those that it heeds are not.
func TestSettingsThatARecipeDoesNotHeedAreErrors(t *testing.T) {
	for _, r := range All() {
		for _, c := range []struct {
			flag   string
			set    Options
			heeded bool
		}{
			{"--precision", Options{Precision: train.BF16}, r.Train == nil || r.Heeds.Precision},
			{"--holdout", Options{HoldOut: 1}, r.Train == nil || r.Heeds.HoldOut},
			{"--limit", Options{Limit: 1000}, r.Train == nil || r.Heeds.Limit},
			{"--full", Options{Full: true}, r.Full != nil || r.Heeds.Full},
			{"--init", Options{Init: "run"}, r.Train == nil},
		} {
			c.set.Out = t.TempDir()
			asked := r // start changes it
			_, _, err := start(&asked, c.set)
			if c.heeded && err != nil || !c.heeded && (err == nil || !strings.Contains(err.Error(), c.flag)) {
				t.Errorf("%s with %s: %v", r.Name, c.flag, err)
			}
		}
	}
}

func TestABatchBeyondCountingIsAnError(t *testing.T) {
	for _, r := range All() {
		if _, _, err := start(&r, Options{BatchSize: MaxBatch + 1, Out: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}

// TestADamagedCheckpointChangesNothing in the folder of its run: neither the
// configuration, which would ask for ever more epochs, nor the result.
func TestADamagedCheckpointChangesNothing(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Train(t.Context(), logistic.Recipe, Options{Epochs: 1, NoPictures: true, Out: dir}); err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, dir, CheckpointFile)
	if err := os.WriteFile(filepath.Join(dir, CheckpointFile), whole[:len(whole)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	config, result := readFile(t, dir, ConfigFile), readFile(t, dir, ResultFile)
	if _, _, err := Train(t.Context(), logistic.Recipe, Options{Epochs: 1, Resume: dir}); err == nil || !strings.Contains(err.Error(), CheckpointFile) || !strings.Contains(err.Error(), "train again") {
		t.Errorf("the error is %v", err)
	}
	if !bytes.Equal(readFile(t, dir, ConfigFile), config) || !bytes.Equal(readFile(t, dir, ResultFile), result) {
		t.Error("the folder changed")
	}
}

// TestAFullBatchIsWhatThereIs when a part of the data is held out, unless somebody
// asked for more.
func TestAFullBatchIsWhatThereIs(t *testing.T) {
	run, _, err := Train(t.Context(), logistic.Recipe, Options{Epochs: 1, HoldOut: 79, NoPictures: true, Out: t.TempDir()})
	if err != nil || run.Config.BatchSize != 300 {
		t.Fatal(run, err)
	}
	if _, _, err := Train(t.Context(), logistic.Recipe, Options{Epochs: 1, HoldOut: 79, BatchSize: 379, Out: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "--batch 300") {
		t.Errorf("a batch that was asked for: %v", err)
	}
}

func TestAFileIsNoRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "g.png")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "is a file, and not the folder of a run") {
		t.Errorf("the error is %v", err)
	}
}
