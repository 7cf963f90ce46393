package recipe

import (
	"errors"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
)

// numbers returns n samples whose input is their number, of two classes.
func numbers(t *testing.T, n int) data.Dataset {
	t.Helper()
	x, y := make([]float32, n), make([]int64, n)
	for i := range n {
		x[i], y[i] = float32(i), int64(i%2)
	}
	ds, err := data.FromClasses(x, []int{1}, y, []string{"even", "odd"})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// secret is a test set that nobody may read.
type secret struct{ data.Dataset }

func (secret) Read(int, []float32, *data.Target) error { return errors.New("the test set was read") }

func TestASessionThatHoldsOutDoesNotReadTheTestSet(t *testing.T) {
	s := &Session{HoldOut: 20, Limit: 60, Seed: 1}
	learn, judge, err := s.Sets(numbers(t, 100), secret{numbers(t, 50)})
	if err != nil {
		t.Fatal(err)
	}
	if learn.Len() != 40 || judge.Len() != 20 {
		t.Fatalf("%d to learn from and %d to measure on, want 40 and 20 of the first 60", learn.Len(), judge.Len())
	}
	seen := map[float32]bool{}
	for _, ds := range []data.Dataset{learn, judge} {
		for sample, err := range data.Samples(ds) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[sample.X[0]] {
				t.Errorf("sample %g is in both parts", sample.X[0])
			}
			seen[sample.X[0]] = true
		}
	}
	if s.JudgeName() != "held-out" || s.Judged("accuracy") != "held_out_accuracy" {
		t.Errorf("the names are %q and %q", s.JudgeName(), s.Judged("accuracy"))
	}

	s.HoldOut = 60
	if _, _, err := s.Sets(numbers(t, 100), numbers(t, 50)); err == nil || !strings.Contains(err.Error(), "--holdout 59") {
		t.Errorf("60 of 60 held out: %v", err)
	}
}

func TestWithoutAHoldOutTheTestSetIsMeasuredOn(t *testing.T) {
	s := &Session{Limit: 30}
	learn, judge, err := s.Sets(numbers(t, 100), numbers(t, 20))
	if err != nil || learn.Len() != 30 || judge.Len() != 20 {
		t.Fatal(learn, judge, err)
	}
	if s.JudgeName() != "test" || s.Judged("accuracy") != "test_accuracy" {
		t.Errorf("the names are %q and %q", s.JudgeName(), s.Judged("accuracy"))
	}
}
