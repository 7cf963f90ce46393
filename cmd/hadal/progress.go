package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/hadal-ml/hadal/internal/livebar"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/train"
)

// underlying returns the terminal that w ends at, which a live bar asks for its
// width, or w itself when it ends elsewhere.
func underlying(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok && livebar.IsTerminal(o.Writer) {
		return o.Writer
	}
	return w
}

// quietReporter prints the last sentence only.
type quietReporter struct{ out io.Writer }

func (quietReporter) callbacks(int, int) []train.Callback { return nil }
func (quietReporter) close()                              {}

func (q quietReporter) result(dir string, r *recipes.Result) error {
	_, err := fmt.Fprintf(q.out, "Test accuracy %s: %s of %s wrong, after %s of training; everything is in %s.\n",
		words.Percent(r.TestAccuracy), words.Thousands(r.TestErrors), words.Thousands(r.TestSamples), words.Seconds(r.TrainSeconds), dir)
	return err
}

// progressReporter shows the training as it goes.
type progressReporter struct {
	quietReporter
	progress *train.Progress
}

func (p *progressReporter) close() {
	if p.progress != nil {
		p.progress.Close()
	}
}

func (p *progressReporter) callbacks(member, members int) []train.Callback {
	if p.progress == nil {
		p.progress = train.NewProgress(underlying(p.out), members)
	}
	return []train.Callback{p.progress.Callback(member)}
}

// jsonReporter prints JSON lines.
type jsonReporter struct{ e *json.Encoder }

func (jsonReporter) close() {}

func (j jsonReporter) callbacks(member, _ int) []train.Callback {
	return []train.Callback{train.Hooks{OnEpoch: func(s *train.State) error {
		return j.e.Encode(struct {
			Kind   string `json:"kind"`
			Member int    `json:"member"` // of an ensemble, counted from 1
			train.Epoch
		}{"epoch", member + 1, s.History[len(s.History)-1]})
	}}}
}

func (j jsonReporter) result(dir string, r *recipes.Result) error {
	return j.e.Encode(struct {
		Kind string `json:"kind"`
		Dir  string `json:"dir"`
		*recipes.Result
	}{"result", dir, r})
}
