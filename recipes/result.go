package recipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/internal/atomicfile"
	"github.com/hadal-ml/hadal/train"
)

// Result is what a finished run says of itself.
type Result struct {
	Recipe     string `json:"recipe"`
	Seed       uint64 `json:"seed"`
	Epochs     int    `json:"epochs"`
	Parameters int    `json:"parameters"`
	Measured
	MemberAccuracy  []float64          `json:"member_accuracy,omitempty"`
	Metrics         map[string]float64 `json:"metrics,omitempty"`  // of a recipe that trains in its own way
	Sentence        string             `json:"sentence,omitempty"` // what such a recipe says at the end
	TrainSeconds    float64            `json:"train_seconds"`
	ImagesPerSecond float64            `json:"images_per_second,omitempty"`
	Threads         int                `json:"threads"`
	ISA             string             `json:"isa"`
	Precision       string             `json:"precision"`
	Version         string             `json:"version"`
}

// ReadResult reads the result of the run in a folder; nil when it has none yet.
func ReadResult(dir string) (*Result, error) {
	path := filepath.Join(dir, ResultFile)
	text, err := readBounded(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := parseResult(text)
	if err != nil {
		return nil, fmt.Errorf("%s %w; delete it and run hadal eval again", path, err)
	}
	return r, nil
}

func parseResult(text []byte) (*Result, error) {
	r := &Result{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return r, nil
}

// maxFileBytes bounds what is read as a configuration or a result: a thousand
// times what either needs.
const maxFileBytes = 1 << 20

// readBounded reads a small file, and of a large one no more than it takes to
// see that it is not what it should be.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than any that hadal writes: it is something else; train again into a new folder", path)
	}
	return text, nil
}

// writeJSON replaces a file as a whole.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// Measured is how well a run did, and on what. One of its scores is nil: a run
// that held samples out says nothing of the test set, which it never read.
type Measured struct {
	On string `json:"measured_on,omitempty"` // "test set", or "held-out part of the training set"
	*TestScore
	*HeldOutScore
}

// TestScore is how well a model does on the test set.
type TestScore struct {
	Accuracy float64 `json:"test_accuracy"`
	Errors   int     `json:"test_errors"`
	Samples  int     `json:"test_samples"`
	Loss     float64 `json:"test_loss"`
}

// HeldOutScore is how well a model does on samples held out of the training set.
type HeldOutScore struct {
	Accuracy float64 `json:"held_out_accuracy"`
	Errors   int     `json:"held_out_errors"`
	Samples  int     `json:"held_out_samples"`
	Loss     float64 `json:"held_out_loss"`
}

// Score is the one score there is, the zero score when there is none.
func (m Measured) Score() TestScore {
	switch {
	case m.TestScore != nil:
		return *m.TestScore
	case m.HeldOutScore != nil:
		return TestScore(*m.HeldOutScore)
	}
	return TestScore{}
}

// Name is the first word of a sentence about the score: "Test" or "Held-out".
func (m Measured) Name() string {
	if m.HeldOutScore != nil {
		return "Held-out"
	}
	return "Test"
}

// Measure returns what an evaluation on the data that the run is judged by says.
func (r *Run) Measure(e *train.Evaluation) Measured {
	s := TestScore{Accuracy: e.Accuracy, Samples: e.Samples, Loss: e.Loss}
	for i, p := range e.Predicted {
		if p != e.True[i] {
			s.Errors++
		}
	}
	if r.Config.HoldOut > 0 {
		h := HeldOutScore(s)
		return Measured{On: "held-out part of the training set", HeldOutScore: &h}
	}
	return Measured{On: "test set", TestScore: &s}
}
