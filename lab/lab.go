// Package lab has experiments that show what the books of the field say about
// training: each draws one picture and finds figures. It is not for training
// models to keep; recipes are.
//
// Every file but this one and digits.go is one experiment, to be read as its
// explanation.
package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/metrics/plot"
)

// Experiment is one of them: `hadal lab NAME`.
type Experiment struct {
	Name    string
	Summary string  // one line for lists
	Source  string  // the book or paper it follows
	Seconds float64 // about how long it takes with one thread
	Run     func(ctx context.Context, s Settings) (*Report, error)
}

// Settings are what may be changed about an experiment. The same ones give the
// same figures and the same picture, for any number of threads.
type Settings struct {
	Seed uint64 // decides everything random
	// Quick takes a small part of the steps: enough to see what comes, and to test
	// what an experiment says.
	Quick bool
	// Progress is told that so many of an experiment's parts are done, and which is
	// next; nil: nobody looks.
	Progress func(done, total int, next string)
}

// Report is what an experiment found.
type Report struct {
	Figure  *plot.Figure
	Caption string // what is seen in the picture; it stands below it, too
	Values  []Value
}

// Value is a named figure.
type Value struct {
	Name  string
	Value Number
}

// Number is a float64 that is null in JSON where it is not finite, as the loss of
// a training that diverged.
type Number float64

// MarshalJSON writes the number or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// add notes a figure.
func (r *Report) add(value float64, format string, args ...any) {
	r.Values = append(r.Values, Value{fmt.Sprintf(format, args...), Number(value)})
}

// Get returns a figure by its name, NaN when there is none.
func (r *Report) Get(name string) float64 {
	for _, v := range r.Values {
		if v.Name == name {
			return float64(v.Value)
		}
	}
	return math.NaN()
}

// draw finishes the report: the board gets the caption.
func (r *Report) draw(b plot.Board) (*Report, error) {
	b.Caption = r.Caption
	f, err := b.Figure()
	r.Figure = f
	return r, err
}

// all stands in the order of the book that most of them follow.
var all = []Experiment{
	optimizers,
	initialization,
	batchNormalization,
	overfitting,
	vanishing,
	learningRateRange,
	search,
}

// All returns every experiment.
func All() []Experiment { return append([]Experiment(nil), all...) }

// Find returns the experiment of a name.
func Find(name string) (Experiment, error) {
	var names []string
	for _, e := range all {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Experiment{}, fmt.Errorf("there is no experiment %q; there are: %s", name, strings.Join(names, ", "))
}

// key is the source of what is random in an experiment.
func (s Settings) key(experiment string) rng.Key { return rng.New(s.Seed).SplitString(experiment) }

// amount is how much of something an experiment takes, such as steps or digits:
// full, or quick where it must be.
func (s Settings) amount(full, quick int) int {
	if s.Quick {
		return quick
	}
	return full
}

// progress tells that a part begins; the error is that of a context that ended.
func (s Settings) progress(ctx context.Context, done, total int, next string) error {
	if s.Progress != nil {
		s.Progress(done, total, next)
	}
	return ctx.Err()
}
