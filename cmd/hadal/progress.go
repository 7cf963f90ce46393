package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/train"
)

// isTerminal reports whether w ends at a terminal.
func isTerminal(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// quietReporter prints the last sentence only.
type quietReporter struct{ out io.Writer }

func (quietReporter) callbacks(int, int) []train.Callback { return nil }
func (quietReporter) close()                              {}

func (q quietReporter) result(dir string, r *recipes.Result) error {
	_, err := fmt.Fprintf(q.out, "Test accuracy %s: %s of %s wrong, after %s of training; everything is in %s.\n",
		percent(r.TestAccuracy), thousands(r.TestErrors), thousands(r.TestSamples), seconds(r.TrainSeconds), dir)
	return err
}

// lineReporter prints a line before the training and one after each epoch.
type lineReporter struct{ quietReporter }

func (l lineReporter) callbacks(member, members int) []train.Callback {
	return []train.Callback{train.Hooks{
		OnStart: func(s *train.State) error { return printLine(l.out, startLine(s, member, members)) },
		OnEpoch: func(s *train.State) error { return printLine(l.out, epochLine(s)) },
	}}
}

func printLine(w io.Writer, line string) error {
	_, err := fmt.Fprintln(w, line)
	return err
}

// startLine says what is about to be trained.
func startLine(s *train.State, member, members int) string {
	var b strings.Builder
	if members > 1 {
		fmt.Fprintf(&b, "network %d of %d: ", member+1, members)
	}
	fmt.Fprintf(&b, "%s parameters, %s samples", thousands(nn.CountParameters(s.Model)), thousands(s.Config.Train.Len()))
	if s.Config.Val != nil {
		fmt.Fprintf(&b, " and %s to test with", thousands(s.Config.Val.Len()))
	}
	if s.Epoch > 0 || s.Step > 0 {
		fmt.Fprintf(&b, ", going on in epoch %d", s.Epoch+1)
	}
	return b.String()
}

// epochLine says how the epoch that just ended went.
func epochLine(s *train.State) string {
	e := s.History[len(s.History)-1]
	parts := []string{fmt.Sprintf("epoch %*d/%d", len(fmt.Sprint(s.Config.Epochs)), e.Epoch, s.Config.Epochs), fmt.Sprintf("loss %.4f", e.Loss)}
	if s.IsClassification {
		parts = append(parts, "accuracy "+percent(e.Accuracy))
		if e.HasValidation {
			parts = append(parts, "test "+percent(e.ValAccuracy))
		}
	} else if e.HasValidation {
		parts = append(parts, fmt.Sprintf("test loss %.4f", e.ValLoss))
	}
	return strings.Join(append(parts, seconds(e.Seconds), thousands(int(e.ImagesPerSec+0.5))+" images/s", fmt.Sprintf("lr %.4g", e.LearningRate)), "  ")
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

// barReporter shows a live bar on a terminal, with a line for each finished
// epoch above it.
type barReporter struct {
	quietReporter
	bar  *liveBar
	live liveTraining
}

// liveTraining is what the bar says of the training in progress.
type liveTraining struct {
	member, members int
	done, total     int       // steps, of all members
	startDone       int       // steps that were done when this call began
	start           time.Time // of this call
	epochStart      time.Time
	epochImages     int // since epochStart
}

func (b *barReporter) close() {
	if b.bar != nil {
		b.bar.close()
		b.bar = nil
	}
}

func (b *barReporter) callbacks(member, members int) []train.Callback {
	l := &b.live
	return []train.Callback{train.Hooks{
		OnStart: func(s *train.State) error {
			stepsOfMember := s.Config.Epochs * s.StepsPerEpoch
			l.member, l.members, l.total = member, members, members*stepsOfMember
			before := l.done
			l.done = member*stepsOfMember + s.Epoch*s.StepsPerEpoch + s.Step
			if b.bar == nil {
				l.start, l.startDone = time.Now(), l.done
				b.bar = newLiveBar(b.out)
			} else {
				l.startDone += max(0, l.done-before) // what a resumed member had done took no time now
			}
			l.epochStart, l.epochImages = time.Now(), 0
			b.bar.print(startLine(s, member, members))
			b.bar.set(int64(l.done), int64(l.total), l.text(s))
			return nil
		},
		OnStep: func(s *train.State) error {
			if l.epochImages == 0 && s.Step > 1 {
				l.epochStart = time.Now() // resumed in the middle
			}
			l.done++
			l.epochImages += s.BatchSize
			b.bar.set(int64(l.done), int64(l.total), l.text(s))
			return nil
		},
		OnEpoch: func(s *train.State) error {
			b.bar.print(epochLine(s))
			l.epochStart, l.epochImages = time.Now(), 0
			return nil
		},
		OnEnd: func(s *train.State) error {
			if member+1 == members && !s.Interrupted {
				b.bar.set(int64(l.total), int64(l.total), "testing and drawing pictures")
			}
			return nil
		},
	}}
}

// text is what stands beside the bar.
func (l *liveTraining) text(s *train.State) string {
	var parts []string
	if l.members > 1 {
		parts = append(parts, fmt.Sprintf("network %d/%d", l.member+1, l.members))
	}
	parts = append(parts, fmt.Sprintf("epoch %d/%d", min(s.Epoch+1, s.Config.Epochs), s.Config.Epochs), fmt.Sprintf("step %d/%d", s.Step, s.StepsPerEpoch))
	if s.Step > 0 {
		parts = append(parts, fmt.Sprintf("loss %.4f", s.RunningLoss))
		if s.IsClassification {
			parts = append(parts, percent(s.Accuracy))
		}
	}
	if spent := time.Since(l.epochStart).Seconds(); l.epochImages > 0 && spent > 0 {
		parts = append(parts, thousands(int(float64(l.epochImages)/spent))+" images/s")
	}
	if n := l.done - l.startDone; n > 0 {
		left := time.Since(l.start).Seconds() / float64(n) * float64(l.total-l.done)
		parts = append(parts, seconds(left)+" left")
	}
	return strings.Join(parts, "  ")
}

// liveBar is one bar at the bottom of a terminal.
type liveBar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	mu        sync.Mutex
	text      string
}

func newLiveBar(out io.Writer) *liveBar {
	if o, ok := out.(*output); ok {
		out = o.Writer // the bar asks the terminal itself for its width
	}
	b := &liveBar{container: mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))}
	beside := decor.Any(func(decor.Statistics) string {
		b.mu.Lock()
		defer b.mu.Unlock()
		return "  " + b.text
	})
	b.bar = b.container.New(0, mpb.BarStyle(), mpb.AppendDecorators(beside))
	return b
}

// set moves the bar.
func (b *liveBar) set(done, total int64, text string) {
	b.mu.Lock()
	b.text = text
	b.mu.Unlock()
	b.bar.SetTotal(total, false)
	b.bar.SetCurrent(done)
}

// print writes a line above the bar.
func (b *liveBar) print(line string) { fmt.Fprintln(b.container, line) }

// close takes the bar away; the lines above it stay.
func (b *liveBar) close() {
	b.bar.Abort(true)
	b.container.Wait()
}
