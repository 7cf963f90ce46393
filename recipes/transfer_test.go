package recipes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/basics"
	"github.com/hadal-ml/hadal/recipes/digits"
	"github.com/hadal-ml/hadal/recipes/logistic"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// tumours is a network with a normalisation, whose last layer has a name of its
// own, on the data of logistic. It bears that recipe's name, so that its folder
// can be resumed from.
func tumours(classes int) recipe.Recipe {
	r := logistic.Recipe
	r.New = func(init *nn.Init) nn.Module {
		return &layers{nn.NewLinear(init, 30, 8), nn.NewBatchNorm1d(8), nn.NewLinear(init, 8, classes)}
	}
	r.Configure = func(cfg *train.Config, rate float64, _ int) {
		cfg.Optimizer = optim.AdamW(0.01).WeightDecay(0.1) // which would shrink what is frozen
	}
	return r
}

type layers struct {
	First *nn.Linear
	Norm  *nn.BatchNorm1d
	Out   *nn.Linear
}

func (m *layers) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Out.Forward(c, m.Norm.ForwardReLU(c, m.First.Forward(c, x)))
}

// withRecipe puts a recipe in place of that of the same name.
func withRecipe(t *testing.T, r recipe.Recipe) {
	t.Helper()
	i := slices.IndexFunc(all, func(other recipe.Recipe) bool { return other.Name == r.Name })
	before := all[i]
	all[i] = r
	t.Cleanup(func() { all[i] = before })
}

// tensors reads those of a run's model.
func tensors(t *testing.T, dir string) map[string]*tensor.Tensor {
	t.Helper()
	all, _, err := nn.LoadTensors(filepath.Join(dir, ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARunStartsFromAnother(t *testing.T) {
	withRecipe(t, tumours(2))
	first, second, third := t.TempDir(), t.TempDir(), t.TempDir()
	if _, _, err := Train(context.Background(), tumours(2), Options{Epochs: 3, BatchSize: 100, NoPictures: true, Out: first}); err != nil {
		t.Fatal(err)
	}
	var told *Transfer
	seed := uint64(7)
	_, _, err := Train(context.Background(), tumours(2), Options{Epochs: 2, BatchSize: 100, Seed: &seed, NoPictures: true, Out: second,
		Init: first, Fresh: "out", Freeze: "first,norm", Initialised: func(tr *Transfer) { told = tr }})
	if err != nil {
		t.Fatal(err)
	}
	if told == nil || len(told.Loaded) != 7 || len(told.Skipped) != 2 || told.Skipped[1].Name != "out.weight" || !strings.Contains(told.String(), "7 of 9 tensors loaded") {
		t.Fatalf("it was told %v", told)
	}
	a, b := tensors(t, first), tensors(t, second)
	for name, was := range a {
		same := bytes.Equal(was.Bytes(), b[name].Bytes())
		if frozen := !strings.HasPrefix(name, "out."); same != frozen {
			t.Errorf("%s is the same as in the run it came from: %t", name, same)
		}
	}

	// The file does as well as the folder, and without Freeze everything moves.
	if _, _, err := Train(context.Background(), tumours(2), Options{Epochs: 1, BatchSize: 100, NoPictures: true, Out: third, Init: filepath.Join(first, ModelFile)}); err != nil {
		t.Fatal(err)
	}
	for name, is := range tensors(t, third) {
		if bytes.Equal(is.Bytes(), a[name].Bytes()) {
			t.Errorf("%s did not move", name)
		}
	}
}

// TestATransferGoesOnWhereItWasInterrupted, even when the weights it began with
// are gone by then.
func TestATransferGoesOnWhereItWasInterrupted(t *testing.T) {
	withRecipe(t, tumours(2))
	from := filepath.Join(t.TempDir(), "from")
	if _, _, err := Train(context.Background(), tumours(2), Options{Epochs: 2, BatchSize: 100, NoPictures: true, Out: from}); err != nil {
		t.Fatal(err)
	}
	options := func(dir string) Options {
		return Options{Epochs: 4, BatchSize: 100, NoPictures: true, Out: dir, Init: from, Fresh: "out", Freeze: "norm"}
	}
	straight, cut := t.TempDir(), t.TempDir()
	if _, _, err := Train(context.Background(), tumours(2), options(straight)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := options(cut)
	o.Callbacks = func(int, int) []train.Callback {
		return []train.Callback{train.Hooks{OnStep: func(s *train.State) error {
			if s.Epoch == 1 && s.Step == 2 {
				cancel()
			}
			return nil
		}}}
	}
	if _, _, err := Train(ctx, tumours(2), o); !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	if err := os.RemoveAll(from); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Train(context.Background(), tumours(2), Options{Resume: cut, Freeze: "first"}); err == nil || !strings.Contains(err.Error(), "--freeze") {
		t.Errorf("another pattern on resume gave %v", err)
	}
	if _, _, err := Train(context.Background(), tumours(2), Options{Resume: cut, NoPictures: true}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, cut, ModelFile), readFile(t, straight, ModelFile)) {
		t.Error("the model differs from that of a run without interruption")
	}
	var c Config
	if err := json.Unmarshal(readFile(t, cut, ConfigFile), &c); err != nil || c.Init != from || c.Fresh != "out" || c.Freeze != "norm" {
		t.Errorf("the configuration is %+v, %v", c, err)
	}
}

// TestAnotherNumberOfClasses keeps its own last layer.
func TestAnotherNumberOfClasses(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	if _, _, err := Train(context.Background(), tumours(5), Options{Epochs: 1, BatchSize: 100, NoPictures: true, Out: from}); err != nil && !strings.Contains(err.Error(), "classes") {
		t.Fatal(err)
	}
	var told *Transfer
	if _, _, err := Train(context.Background(), tumours(2), Options{Epochs: 1, BatchSize: 100, NoPictures: true, Out: to,
		Init: filepath.Join(from, ModelFile), Initialised: func(tr *Transfer) { told = tr }}); err != nil {
		t.Fatal(err)
	}
	if len(told.Loaded) != 7 || !strings.Contains(told.String(), "not out.weight: the weights' has shape (5, 8), the model's (2, 8)") {
		t.Errorf("it was told %v", told)
	}
}

func TestMistakesOfATransferAreErrors(t *testing.T) {
	withRecipe(t, tumours(2))
	dir := t.TempDir()
	other, damaged, empty := filepath.Join(dir, "other.safetensors"), filepath.Join(dir, "damaged"), filepath.Join(dir, "empty")
	if err := nn.Save(other, digits.NewLeNet(nn.NewInit(1)), nil); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(damaged, []byte("nothing of the kind"), 0o644)
	os.Mkdir(empty, 0o755)
	unfinished := filepath.Join(dir, "unfinished")
	good := Config{Recipe: "logistic", Epochs: 1, ScheduleEpochs: 1, BatchSize: 1, LearningRate: 0.1, Members: 1, Precision: "f32"}
	if err := good.save(unfinished); err != nil {
		t.Fatal(err)
	}
	ensemble := filepath.Join(dir, "ensemble")
	good.Members = 3
	if err := good.save(ensemble); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"nothing there":  {Options{Init: filepath.Join(dir, "nowhere")}, "there is no"},
		"no run":         {Options{Init: empty}, "not the folder of a run"},
		"not finished":   {Options{Init: unfinished}, "hadal train --resume"},
		"an ensemble":    {Options{Init: ensemble}, filepath.Join("members", "1", ModelFile)},
		"another model":  {Options{Init: other}, "nothing in"},
		"damaged":        {Options{Init: damaged}, damaged},
		"fresh alone":    {Options{Fresh: "out"}, "--init"},
		"no such name":   {Options{Freeze: "conv*"}, "first.weight, first.bias, norm.weight"},
		"bad pattern":    {Options{Freeze: "first,a[.b"}, `"a[.b"`},
		"all frozen":     {Options{Freeze: "*"}, "nothing of logistic to learn"},
		"an empty piece": {Options{Freeze: "first,"}, "matches no parameter"},
	} {
		c.o.Out = filepath.Join(dir, "out")
		if _, _, err := Train(context.Background(), tumours(2), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if exists(c.o.Out) {
			t.Fatalf("%s left a folder behind", name)
		}
	}
	if _, _, err := Train(context.Background(), basics.LineRecipe, Options{Freeze: "x", Out: filepath.Join(dir, "line")}); err == nil || !strings.Contains(err.Error(), "--freeze") {
		t.Errorf("a recipe that trains in its own way: %v", err)
	}
}

// TestFullIsKept through an interruption: the configuration says so, and the
// setting of the paper goes on.
func TestFullIsKept(t *testing.T) {
	r := tumours(2)
	configured := 0
	r.Full = &recipe.Setting{Epochs: 3, BatchSize: 50, Rate: 0.5, Configure: func(cfg *train.Config, rate float64, steps int) {
		configured++
		cfg.Optimizer = optim.SGD(rate)
		if rate != 0.5 || steps != 3*8 {
			t.Errorf("configured for a rate of %g and %d steps", rate, steps)
		}
	}}
	withRecipe(t, r)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Train(ctx, r, Options{Full: true, Out: dir}); !errors.Is(err, train.ErrInterrupted) {
		t.Fatal(err)
	}
	_, result, err := Train(context.Background(), recipe.Recipe{}, Options{Resume: dir, NoPictures: true})
	if err != nil || result.Epochs != 3 || configured != 2 {
		t.Errorf("%+v, %v, configured %d times", result, err, configured)
	}
	short := t.TempDir()
	if _, _, err := Train(context.Background(), r, Options{Epochs: 1, BatchSize: 100, NoPictures: true, Out: short}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Train(context.Background(), r, Options{Resume: short, Full: true}); err == nil || !strings.Contains(err.Error(), "--full") {
		t.Errorf("--full on resume gave %v", err)
	}
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Full: true, Out: filepath.Join(dir, "x")}); err == nil || !strings.Contains(err.Error(), "--full") {
		t.Errorf("a recipe without a setting of a paper: %v", err)
	}
}

func TestRunsThatDoNotAgree(t *testing.T) {
	run := func(dir string, change func(r *Run)) *Run {
		r := &Run{Dir: dir, Recipe: logistic.Recipe, Config: Config{Seed: 1}}
		change(r)
		return r
	}
	same := func(*Run) {}
	for name, c := range map[string]struct {
		dir    string
		change func(r *Run)
		want   string
	}{
		"twice":       {"./a/", same, "named twice"},
		"data":        {"b", func(r *Run) { r.Recipe = digits.QuickRecipe }, "a was trained on breast-cancer and b on mnist"},
		"held out":    {"b", func(r *Run) { r.Config.HoldOut = 50 }, "b on 50 samples held out by seed 1"},
		"limited":     {"b", func(r *Run) { r.Config.Limit = 5 }, "b on the test set with --limit 5"},
		"classes":     {"b", func(r *Run) { r.Recipe.Load = twoOfThem([]string{"yes", "no"}, 190) }, "b tells yes, no"},
		"the samples": {"b", func(r *Run) { r.Recipe.Load = twoOfThem(nil, 7) }, "on 7 inputs"},
	} {
		if err := Agree([]*Run{run("a", same), run(c.dir, c.change)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	held := func(dir string, seed uint64) *Run {
		return run(dir, func(r *Run) { r.Config.HoldOut, r.Config.Seed = 50, seed })
	}
	if err := Agree([]*Run{held("a", 1), held("b", 2)}); err == nil {
		t.Error("two seeds hold out different samples, and that was no error")
	}
	if err := Agree([]*Run{held("a", 1), held("b", 1), held("c", 1)}); err != nil {
		t.Error(err)
	}
}

// twoOfThem loads tumours with other names, or other in number.
func twoOfThem(names []string, n int) func() (learn, test data.Dataset, err error) {
	return func() (learn, test data.Dataset, err error) {
		learn, test, err = logistic.Recipe.Load()
		if names == nil {
			names = test.Classes()
		}
		return learn, renamed{data.Limit(test, n), names}, err
	}
}

type renamed struct {
	data.Dataset
	names []string
}

func (r renamed) Classes() []string { return r.names }

func TestTheAverageOfProbabilities(t *testing.T) {
	e := func(p ...float32) *train.Evaluation {
		return &train.Evaluation{True: []int{0, 1}, Samples: 2, Probabilities: p}
	}
	got, err := Average([]*train.Evaluation{e(0.9, 0.1, 0.4, 0.6), e(0.3, 0.7, 1, 0), e(0.6, 0.4, 1, 0)})
	if err != nil || got.Accuracy != 0.5 || !slices.Equal(got.Predicted, []int{0, 0}) {
		t.Errorf("%+v, %v", got, err)
	}
	if want := 0.5108256 + 1.6094379; got.Loss < want/2-1e-6 || got.Loss > want/2+1e-6 { // -log 0.6 and -log 0.2
		t.Errorf("the loss is %g, want %g", got.Loss, want/2)
	}
	if got, err := Average([]*train.Evaluation{e(0, 1, 1, 0), e(0, 1, 1, 0)}); err != nil || got.Accuracy != 0 || !(got.Loss > 80 && got.Loss < 110) {
		t.Errorf("runs that are sure and wrong: %+v, %v", got, err)
	}
	other := e(0.9, 0.1, 0.4, 0.6)
	other.True = []int{1, 1}
	if _, err := Average([]*train.Evaluation{e(0.9, 0.1, 0.4, 0.6), other}); err == nil {
		t.Error("evaluations on different samples have an average")
	}
}
