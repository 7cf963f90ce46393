package train

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/internal/atomicfile"
	"github.com/hadal-ml/hadal/metrics/plot"
)

// StepRecord is one line of a metrics file about one update.
type StepRecord struct {
	Kind         string  `json:"kind"` // "step"
	Step         int     `json:"step"` // updates so far
	Epoch        int     `json:"epoch"`
	Loss         float64 `json:"loss"`
	LearningRate float64 `json:"learning_rate"`
}

// EpochRecord is one line of a metrics file about one epoch.
type EpochRecord struct {
	Kind string `json:"kind"` // "epoch"
	Epoch
}

// LogJSONL writes one JSON object a line to a file: one for every n-th update
// and one for each epoch. A resumed run goes on in the same file, from where its
// checkpoint was written: lines about later steps, which a killed run took in
// vain, are dropped.
func LogJSONL(path string, everySteps int) Callback {
	var w *jsonl.Writer
	var seen int // updates; those that gather the gradients of several batches are logged once
	return Hooks{
		OnStart: func(s *State) (err error) {
			seen = s.TotalSteps
			if err := s.dropLater(path); err != nil {
				return err
			}
			w, err = jsonl.Append(path)
			return err
		},
		OnStep: func(s *State) error {
			if everySteps < 1 || s.TotalSteps == seen || s.TotalSteps%everySteps != 0 {
				return nil
			}
			seen = s.TotalSteps
			return w.Write(StepRecord{"step", s.TotalSteps, s.Epoch + 1, s.BatchLoss, s.LearningRate})
		},
		OnEpoch: func(s *State) error { return w.Write(EpochRecord{"epoch", s.History[len(s.History)-1]}) },
		OnEnd:   func(s *State) error { return w.Close() },
	}
}

// withoutLog ends the errors of a metrics file that is none.
const withoutLog = "move it away to go on without it"

// dropLater removes from a metrics file what lies ahead of the state.
func (s *State) dropLater(path string) error {
	lines, torn, err := jsonl.ReadFile[json.RawMessage](path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; %s", err, withoutLog)
	}
	kept := lines[:0]
	for i, line := range lines {
		var record struct {
			Kind        string
			Step, Epoch int
		}
		if err := json.Unmarshal(line, &record); err != nil {
			return fmt.Errorf("%s: record %d: %w; %s", path, i+1, err, withoutLog)
		}
		if record.Kind == "step" && record.Step > s.TotalSteps || record.Kind == "epoch" && record.Epoch > len(s.History) {
			continue
		}
		kept = append(kept, line)
	}
	if len(kept) == len(lines) && !torn {
		return nil
	}
	return jsonl.WriteFile(path, kept)
}

// LogCSV writes the epochs to a CSV file with a header line.
func LogCSV(path string) Callback {
	return Hooks{OnEpoch: func(s *State) error {
		rows := [][]string{{"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}}
		for _, e := range s.History {
			row := []string{strconv.Itoa(e.Epoch)}
			for _, v := range []float64{e.Loss, e.Accuracy, e.ValLoss, e.ValAccuracy, e.LearningRate, e.Seconds} {
				row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
			}
			rows = append(rows, row)
		}
		return atomicfile.WriteFile(path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(rows) })
	}}
}

// PlotCurves draws loss, accuracy and learning rate to a PNG or SVG file after
// each epoch. Of a resumed run the epochs are all there; where the steps before
// it would stand is a gap, for no checkpoint carries their losses.
func PlotCurves(path, title string) Callback {
	var run plot.Run
	return Hooks{
		OnStart: func(s *State) error {
			before := min(s.Epoch, s.Config.Epochs)*s.StepsPerEpoch + s.Step
			run = plot.Run{StepLoss: slices.Repeat([]float64{math.NaN()}, before), LearningRate: slices.Repeat([]float64{math.NaN()}, before)}
			return nil
		},
		OnStep: func(s *State) error {
			run.StepLoss = append(run.StepLoss, s.BatchLoss)
			run.LearningRate = append(run.LearningRate, s.LearningRate)
			return nil
		},
		OnEpoch: func(s *State) error {
			run.Name, run.ValName = title, s.Config.ValName
			run.TrainLoss, run.ValLoss, run.TrainAccuracy, run.ValAccuracy = nil, nil, nil, nil
			for _, e := range s.History {
				run.TrainLoss = append(run.TrainLoss, e.Loss)
				if s.IsClassification {
					run.TrainAccuracy = append(run.TrainAccuracy, e.Accuracy)
				}
				if e.HasValidation {
					run.ValLoss = append(run.ValLoss, e.ValLoss)
					if s.IsClassification {
						run.ValAccuracy = append(run.ValAccuracy, e.ValAccuracy)
					}
				}
			}
			figure, err := plot.Curves(run)
			if err != nil {
				return err
			}
			return figure.Save(path)
		}}
}
