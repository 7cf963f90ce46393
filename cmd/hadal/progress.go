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
func (quietReporter) Set(int64, int64, string)            {}
func (quietReporter) initialised(*recipes.Transfer)       {}
func (quietReporter) close()                              {}

func (q quietReporter) result(dir string, r *recipes.Result) error {
	if r.Sentence != "" {
		_, err := fmt.Fprintf(q.out, "%s, after %s of training; everything is in %s.\n", r.Sentence, words.Seconds(r.TrainSeconds), dir)
		return err
	}
	s := r.Score()
	_, err := fmt.Fprintf(q.out, "%s accuracy %s: %s of %s wrong, after %s of training; everything is in %s.\n",
		r.Measured.Name(), words.Percent(s.Accuracy), words.Thousands(s.Errors), words.Thousands(s.Samples), words.Seconds(r.TrainSeconds), dir)
	return err
}

// progressReporter shows the training as it goes.
type progressReporter struct {
	quietReporter
	progress *train.Progress
	bar      *livebar.Bar // of a training that progress does not know
}

func (p *progressReporter) Set(done, total int64, text string) {
	if p.bar == nil {
		out := underlying(p.out)
		if !livebar.IsTerminal(out) {
			return
		}
		p.bar = livebar.New(out)
	}
	p.bar.Set(done, total, text)
}

func (p *progressReporter) initialised(t *recipes.Transfer) { fmt.Fprintln(p.out, t) }

func (p *progressReporter) close() {
	if p.bar != nil {
		p.bar.Close()
		p.bar = nil
	}
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

func (jsonReporter) Set(int64, int64, string) {}
func (jsonReporter) close()                   {}

func (j jsonReporter) initialised(t *recipes.Transfer) {
	j.e.Encode(struct {
		Kind string `json:"kind"`
		*recipes.Transfer
	}{"init", t})
}

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
