package recipe

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// lineLoop fits y = 2x + 1, each step on numbers drawn from the step's own key.
func lineLoop(s *Session, steps int) (Loop, *nn.Linear) {
	model := nn.NewLinear(nn.NewInit(s.Seed), 1, 1)
	opt := optim.New(optim.Adam(s.Rate), nn.Parameters(model))
	return Loop{
		Steps: steps, State: map[string]any{"model": model, "adam": opt},
		Step: func(i int) ([]Value, error) {
			x := tensor.NewRand(s.Seed+uint64(i)).Normal(0, 1, 16, 1)
			loss := nn.MSE(model.Forward(nn.Training(0), x), x.MulScalar(2).AddScalar(1))
			loss.Backward()
			opt.Step()
			return []Value{{"loss", loss.Item()}}, nil
		},
	}, model
}

func TestALoopThatIsResumedIsOneThatRanThrough(t *testing.T) {
	const steps = 45
	through := &Session{Dir: t.TempDir(), Rate: 0.05, Seed: 3}
	l, model := lineLoop(through, steps)
	said := "" // last
	through.Bar = BarFunc(func(_, _ int64, text string) { said = text })
	if err := through.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(said, "step 45 of 45  loss ") {
		t.Errorf("the bar ends with %q", said)
	}
	if err := through.Save("", model); err != nil {
		t.Fatal(err)
	}
	if through.Outcome.Parameters != 2 {
		t.Errorf("%d parameters", through.Outcome.Parameters)
	}

	halves := &Session{Dir: t.TempDir(), Rate: 0.05, Seed: 3}
	ctx, cancel := context.WithCancel(t.Context())
	l, _ = lineLoop(halves, steps)
	step := l.Step
	l.Step = func(i int) ([]Value, error) {
		if i == 22 {
			cancel()
		}
		return step(i)
	}
	if err := halves.Run(ctx, l); !errors.Is(err, train.ErrInterrupted) || !strings.Contains(err.Error(), "step 23 of 45") {
		t.Fatalf("interrupted: %v", err)
	}
	// A killed run may have logged ahead of its checkpoint.
	f, err := os.OpenFile(halves.Path(MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"kind":"step","step":30,"loss":1}` + "\n" + `{"kind":"st`)
	f.Close()
	l, again := lineLoop(halves, steps)
	if err := halves.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := halves.Save("", again); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ModelFile, MetricsFile} {
		a, errA := os.ReadFile(through.Path(name))
		b, errB := os.ReadFile(halves.Path(name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
	at, loss, err := through.Curve("loss")
	if err != nil || len(at) != 5 || at[4] != 45 || !(loss[4] < loss[0]) {
		t.Errorf("the curve is %v at %v (%v)", loss, at, err)
	}
}

func TestABadCheckpointOfALoopIsAnError(t *testing.T) {
	s := &Session{Dir: t.TempDir(), Rate: 0.05}
	l, _ := lineLoop(s, 20)
	os.WriteFile(s.Path(CheckpointFile), []byte("nothing"), 0o644)
	if err := s.Run(t.Context(), l); err == nil {
		t.Error("a file that is no checkpoint gave no error")
	}
	os.Remove(s.Path(CheckpointFile))
	if err := s.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(l *Loop){
		"more steps than there are": func(l *Loop) { l.Steps = 10 },
		"another model":             func(l *Loop) { l.State["model"] = nn.NewLinear(nn.NewInit(0), 2, 1) },
		"another name":              func(l *Loop) { l.State["other"] = l.State["model"] },
	} {
		l, _ := lineLoop(s, 20)
		change(&l)
		if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), CheckpointFile) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// walk is a state that is no tensor.
type walk struct {
	At   float64
	Path []int
}

func (w *walk) Check() error {
	if w.At > 100 {
		return errors.New("too far")
	}
	return nil
}

func TestPlainValuesAreAmongTheState(t *testing.T) {
	dir := t.TempDir()
	run := func(steps int, w *walk) error {
		s := &Session{Dir: dir}
		return s.Run(t.Context(), Loop{Steps: steps, State: map[string]any{"walk": Plain{w}}, Step: func(i int) ([]Value, error) {
			w.At += 0.1
			w.Path = append(w.Path, i)
			return nil, nil
		}})
	}
	if err := run(3, &walk{}); err != nil {
		t.Fatal(err)
	}
	w := walk{At: 7, Path: []int{9, 9, 9, 9, 9}} // which the checkpoint replaces
	if err := run(5, &w); err != nil {
		t.Fatal(err)
	}
	if want := 0.1 + 0.1 + 0.1 + 0.1 + 0.1; w.At != want || len(w.Path) != 5 || w.Path[2] != 2 || w.Path[4] != 4 {
		t.Errorf("after three steps and two more: %+v, not %v", w, want)
	}
	if err := run(9, &walk{At: math.NaN()}); err != nil { // the value comes from the checkpoint
		t.Fatal(err)
	}

	for what, state := range map[string]map[string]any{
		"another type":       {"walk": Plain{&struct{ Elsewhere int }{}}},
		"another name":       {"run": Plain{&walk{}}},
		"numbers for a text": {"walk": Plain{new(string)}},
	} {
		s := &Session{Dir: dir}
		err := s.Run(t.Context(), Loop{Steps: 20, State: state, Step: func(int) ([]Value, error) { return nil, nil }})
		if err == nil || !strings.Contains(err.Error(), CheckpointFile) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s := &Session{Dir: t.TempDir()}
	far := func() error {
		w := &walk{}
		return s.Run(t.Context(), Loop{Steps: 1, State: map[string]any{"walk": Plain{w}}, Step: func(int) ([]Value, error) { w.At = 101; return nil, nil }})
	}
	if err := far(); err != nil {
		t.Fatal(err)
	}
	if err := far(); err == nil || !strings.Contains(err.Error(), "too far") {
		t.Errorf("a value that its own check refuses: %v", err)
	}
	s = &Session{Dir: t.TempDir()}
	w = walk{At: math.Inf(1)}
	if err := s.Run(t.Context(), Loop{Steps: 1, State: map[string]any{"walk": Plain{&w}}, Step: func(int) ([]Value, error) { return nil, nil }}); err == nil {
		t.Error("an infinite number was saved")
	}
}

func TestNamesThatACheckpointCannotTellApart(t *testing.T) {
	s := &Session{Dir: t.TempDir(), Rate: 0.05, Seed: 3}
	l, _ := lineLoop(s, 2)
	l.State["model.adam"] = l.State["adam"]
	if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), `"model.adam"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestAFigureThatIsNotFiniteEndsTheRun(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		s := &Session{Dir: t.TempDir(), Rate: 0.05}
		l, _ := lineLoop(s, 30)
		step := l.Step
		l.Step = func(i int) ([]Value, error) {
			values, err := step(i)
			if i == 6 {
				values[0].Value = bad
			}
			return values, err
		}
		if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "loss became") || !strings.Contains(err.Error(), "step 7 of 30") {
			t.Errorf("%v: the run says %v", bad, err)
		}
	}
}
