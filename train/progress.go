package train

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hadal-ml/hadal/internal/livebar"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
)

// Progress shows how one training or several in a row are going: a line for
// each finished epoch and, on a terminal, a live bar below them with the time
// left for everything.
type Progress struct {
	out       io.Writer
	trainings int
	bar       *livebar.Bar // nil where out is no terminal

	training    int       // the one in progress, counted from 0
	done, total int       // steps, of all trainings
	startDone   int       // steps that were done when this program began
	start       time.Time // of the first training
	epochStart  time.Time
	epochSeen   int // samples since epochStart
}

// ShowProgress is a [Callback] that shows one training on out.
func ShowProgress(out io.Writer) Callback {
	p := NewProgress(out, 1)
	c := p.Callback(0).(Hooks)
	end := c.OnEnd
	c.OnEnd = func(s *State) error {
		defer p.Close()
		return end(s)
	}
	return c
}

// NewProgress shows a number of trainings on out, one after the other. Call
// Close when all are over.
func NewProgress(out io.Writer, trainings int) *Progress {
	return &Progress{out: out, trainings: trainings}
}

// Close takes the bar away; the lines above it stay.
func (p *Progress) Close() {
	if p.bar != nil {
		p.bar.Close()
		p.bar = nil
	}
}

// Callback shows the training of the given number, counted from 0.
func (p *Progress) Callback(training int) Callback {
	return Hooks{
		OnStart: func(s *State) error {
			steps := s.Config.Epochs * s.StepsPerEpoch
			p.training, p.total = training, p.trainings*steps
			before := p.done
			p.done = training*steps + s.Epoch*s.StepsPerEpoch + s.Step
			if p.start.IsZero() {
				p.start, p.startDone = time.Now(), p.done
				if livebar.IsTerminal(p.out) {
					p.bar = livebar.New(p.out)
				}
			} else {
				p.startDone += max(0, p.done-before) // what a resumed training had done took no time now
			}
			p.epochStart, p.epochSeen = time.Now(), 0
			return p.print(p.startLine(s), s)
		},
		OnStep: func(s *State) error {
			if p.epochSeen == 0 && s.Step > 1 {
				p.epochStart = time.Now() // resumed in the middle
			}
			p.done++
			p.epochSeen += s.BatchSize
			if p.bar != nil {
				p.bar.Set(int64(p.done), int64(p.total), p.beside(s))
			}
			return nil
		},
		OnEpoch: func(s *State) error {
			p.epochStart, p.epochSeen = time.Now(), 0
			return p.print(epochLine(s), s)
		},
		OnEnd: func(s *State) error {
			if p.bar != nil && training+1 == p.trainings && !s.Interrupted {
				p.bar.Set(int64(p.total), int64(p.total), "testing and drawing pictures")
			}
			return nil
		},
	}
}

// print writes a line, above the bar if there is one.
func (p *Progress) print(line string, s *State) error {
	if p.bar == nil {
		_, err := fmt.Fprintln(p.out, line)
		return err
	}
	p.bar.Print(line)
	p.bar.Set(int64(p.done), int64(p.total), p.beside(s))
	return nil
}

// startLine says what is about to be trained.
func (p *Progress) startLine(s *State) string {
	var b strings.Builder
	if p.trainings > 1 {
		fmt.Fprintf(&b, "network %d of %d: ", p.training+1, p.trainings)
	}
	fmt.Fprintf(&b, "%s parameters, %s training samples", words.Thousands(nn.CountParameters(s.Model)), words.Thousands(s.Config.Train.Len()))
	if s.Config.Val != nil {
		fmt.Fprintf(&b, ", %s %s samples", words.Thousands(s.Config.Val.Len()), s.Config.ValName)
	}
	if s.Epoch > 0 || s.Step > 0 {
		fmt.Fprintf(&b, ", going on in epoch %d", s.Epoch+1)
	}
	return b.String()
}

// epochLine says how the epoch that just ended went.
func epochLine(s *State) string {
	e := s.History[len(s.History)-1]
	parts := []string{fmt.Sprintf("epoch %*d/%d", len(fmt.Sprint(s.Config.Epochs)), e.Epoch, s.Config.Epochs), fmt.Sprintf("loss %.4f", e.Loss)}
	if s.IsClassification {
		parts = append(parts, "accuracy "+words.Percent(e.Accuracy))
		if e.HasValidation {
			parts = append(parts, s.Config.ValName+" "+words.Percent(e.ValAccuracy))
		}
	} else if e.HasValidation {
		parts = append(parts, fmt.Sprintf("%s loss %.4f", s.Config.ValName, e.ValLoss))
	}
	return strings.Join(append(parts, words.Seconds(e.Seconds), words.Thousands(int(e.ImagesPerSec+0.5))+" images/s", fmt.Sprintf("lr %.4g", e.LearningRate)), "  ")
}

// beside is what stands beside the bar.
func (p *Progress) beside(s *State) string {
	var parts []string
	if p.trainings > 1 {
		parts = append(parts, fmt.Sprintf("network %d/%d", p.training+1, p.trainings))
	}
	parts = append(parts, fmt.Sprintf("epoch %d/%d", min(s.Epoch+1, s.Config.Epochs), s.Config.Epochs), fmt.Sprintf("step %d/%d", s.Step, s.StepsPerEpoch))
	if s.Step > 0 {
		parts = append(parts, fmt.Sprintf("loss %.4f", s.RunningLoss))
		if s.IsClassification {
			parts = append(parts, words.Percent(s.Accuracy))
		}
	}
	if spent := time.Since(p.epochStart).Seconds(); p.epochSeen > 0 && spent > 0 {
		parts = append(parts, words.Thousands(int(float64(p.epochSeen)/spent))+" images/s")
	}
	if n := p.done - p.startDone; n > 0 {
		left := time.Since(p.start).Seconds() / float64(n) * float64(p.total-p.done)
		parts = append(parts, words.Seconds(left)+" left")
	}
	return strings.Join(parts, "  ")
}
