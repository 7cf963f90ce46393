package recipe

import (
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/data"
)

// Share says which samples of its data a run uses.
type Share struct {
	Limit int // samples of each set, for a quick look; 0: all
	// HoldOut is how many samples of the training set stand in for the test set,
	// and are not learned from; the test set is then not read. 0: none.
	HoldOut int
	Seed    uint64 // decides which
}

// Of returns what is learned from and what is measured on.
func (s Share) Of(train, test data.Dataset) (learn, judge data.Dataset, err error) {
	if s.Limit > 0 {
		train, test = data.Limit(train, s.Limit), data.Limit(test, s.Limit)
	}
	if s.HoldOut == 0 {
		return train, test, nil
	}
	if s.HoldOut >= train.Len() {
		return nil, nil, fmt.Errorf("%d samples cannot be held out of the %d to train on; use --holdout %d or less", s.HoldOut, train.Len(), train.Len()-1)
	}
	return data.HoldOut(train, s.Seed, s.HoldOut)
}

// JudgeName is what the data that a run is measured on are called in logs and
// pictures: "test" or "held-out".
func (s Share) JudgeName() string {
	if s.HoldOut > 0 {
		return "held-out"
	}
	return "test"
}

func (s *Session) share() Share { return Share{s.Limit, s.HoldOut, s.Seed} }

// Sets returns what the session learns from and what it measures on.
func (s *Session) Sets(train, test data.Dataset) (learn, judge data.Dataset, err error) {
	return s.share().Of(train, test)
}

// JudgeName is what the data that the session measures on are called: "test" or
// "held-out".
func (s *Session) JudgeName() string { return s.share().JudgeName() }

// Judged is the name of a figure taken on them: "test_accuracy" or
// "held_out_accuracy".
func (s *Session) Judged(figure string) string {
	return strings.ReplaceAll(s.JudgeName(), "-", "_") + "_" + figure
}
