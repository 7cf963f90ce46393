package recipes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/recipes/logistic"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// untouchable is a test set that fails whoever reads a sample.
type untouchable struct{ data.Dataset }

func (untouchable) Read(int, []float32, *data.Target) error {
	return errors.New("the test set was read")
}

// guarded is the logistic recipe with a test set that must not be read.
func guarded() recipe.Recipe {
	r := logistic.Recipe
	load := r.Load
	r.Load = func() (learn, test data.Dataset, err error) {
		learn, test, err = load()
		return learn, untouchable{test}, err
	}
	return r
}

func TestAHoldOutLeavesTheTestSetAlone(t *testing.T) {
	if _, _, err := Train(context.Background(), guarded(), Options{Epochs: 1, NoPictures: true, Out: t.TempDir()}); err == nil {
		t.Fatal("the guard does not work: a run with the test set read it and nothing happened")
	}
	dir := t.TempDir()
	trained := 0
	run, result, err := Train(context.Background(), guarded(), Options{Epochs: 2, BatchSize: 100, HoldOut: 79, Out: dir, Callbacks: func(int, int) []train.Callback {
		return []train.Callback{train.Hooks{OnStart: func(s *train.State) error {
			trained = s.Config.Train.Len()
			return nil
		}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if trained != 300 {
		t.Errorf("%d samples were trained on, want the other 300 of 379", trained)
	}
	if result.TestScore != nil || result.HeldOutScore.Samples != 79 || result.On != "held-out part of the training set" || result.Name() != "Held-out" {
		t.Errorf("the result is %+v", result.Measured)
	}
	var written map[string]any
	if err := json.Unmarshal(readFile(t, dir, ResultFile), &written); err != nil {
		t.Fatal(err)
	}
	for key := range written {
		if strings.HasPrefix(key, "test_") {
			t.Errorf("%s says %s = %v", ResultFile, key, written[key])
		}
	}
	if written["held_out_samples"] != 79. || written["measured_on"] != "held-out part of the training set" {
		t.Errorf("%s has %v", ResultFile, written)
	}
	read, err := ReadResult(dir)
	if err != nil || read.Score() != result.Score() {
		t.Errorf("%s is read as %+v, %v", ResultFile, read, err)
	}

	// Who opens the run measures it on the same samples.
	judge, err := run.Judge()
	if err != nil || judge.Len() != 79 {
		t.Fatal(judge, err)
	}
	reopened, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := reopened.Judge()
	if err != nil || fmt.Sprint(samples(t, again)) != fmt.Sprint(samples(t, judge)) {
		t.Errorf("the opened run is measured on other samples: %v", err)
	}
}

// samples reads every input.
func samples(t *testing.T, ds data.Dataset) (all [][]float32) {
	t.Helper()
	for s, err := range data.Samples(ds) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, append([]float32(nil), s.X...))
	}
	return all
}

// TestMembersHoldOutTheSame samples, or the ensemble would be measured on what
// some of its members learned.
func TestMembersHoldOutTheSame(t *testing.T) {
	r := guarded()
	r.Members = 3
	var held []string
	_, _, err := Train(context.Background(), r, Options{Epochs: 1, HoldOut: 50, BatchSize: 100, NoPictures: true, Out: t.TempDir(), Callbacks: func(int, int) []train.Callback {
		return []train.Callback{train.Hooks{OnStart: func(s *train.State) error {
			held = append(held, fmt.Sprint(samples(t, s.Config.Val)))
			return nil
		}}}
	}})
	if err != nil || len(held) != 3 || held[0] != held[1] || held[1] != held[2] {
		t.Errorf("three members held out %d different sets: %v", len(held), err)
	}
}

func TestAResumedRunHoldsOutTheSame(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Epochs: 1, HoldOut: 50, BatchSize: 100, NoPictures: true, Out: dir}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Train(context.Background(), logistic.Recipe, Options{Resume: dir, HoldOut: 60}); err == nil || !strings.Contains(err.Error(), "--holdout") {
		t.Errorf("another number held out gave %v", err)
	}
	_, result, err := Train(context.Background(), logistic.Recipe, Options{Resume: dir, Epochs: 1, NoPictures: true})
	if err != nil || result.HeldOutScore == nil || result.HeldOutScore.Samples != 50 {
		t.Errorf("the resumed run has %+v, %v", result, err)
	}
}

func TestMoreThanThereIsCannotBeHeldOut(t *testing.T) {
	for _, n := range []int{379, 380, 1 << 40} {
		if _, _, err := Train(context.Background(), logistic.Recipe, Options{HoldOut: n, Out: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "--holdout 378") {
			t.Errorf("%d of 379 held out: %v", n, err)
		}
	}
}
