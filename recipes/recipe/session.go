package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Files of a run folder.
const (
	ModelFile      = "model.safetensors"
	MetricsFile    = "metrics.jsonl"
	CheckpointFile = "checkpoint.safetensors"
)

// LogEvery is how many updates there are to a line of a metrics file.
const LogEvery = 10

// Session is one run of a recipe that trains in its own way: its settings, its
// folder, and what such a recipe needs so that it can be watched, interrupted
// and resumed like every other.
type Session struct {
	Dir       string
	Epochs    int // what a pass means is the recipe's to say
	BatchSize int
	Rate      float64
	Seed      uint64
	Limit     int  // samples to use of each set, for a quick look; 0: all
	HoldOut   int  // samples of the training set to measure on, see [Share]
	Full      bool // the setting of the paper, however long it takes
	// Precision is the arithmetic of training steps. What is measured with the
	// trained network is measured in float32.
	Precision train.Precision
	Metadata  map[string]string

	// Callbacks shows one of several trainings, as a program would; nil: nobody looks.
	Callbacks func(part, parts int) []train.Callback
	// Bar shows how a [Session.Loop] goes; nil: nobody looks.
	Bar Bar

	Outcome Outcome
}

// Bar is a line that tells how far something is.
type Bar interface {
	Set(done, total int64, text string)
}

// BarFunc is a function that is a [Bar].
type BarFunc func(done, total int64, text string)

// Set calls the function.
func (f BarFunc) Set(done, total int64, text string) { f(done, total, text) }

// Outcome is what a session found out.
type Outcome struct {
	Parameters   int
	TrainSeconds float64
	Metrics      map[string]float64 // such as "perplexity", each with its unit in its name where it has one
	Sentence     string             // what a person wants to know at the end
}

// Metric notes a figure for result.json.
func (s *Session) Metric(name string, value float64) {
	if s.Outcome.Metrics == nil {
		s.Outcome.Metrics = map[string]float64{}
	}
	s.Outcome.Metrics[name] = value
}

// Conclude sets the sentence that the run ends with.
func (s *Session) Conclude(format string, args ...any) {
	s.Outcome.Sentence = fmt.Sprintf(format, args...)
}

// Path returns a path in the folder of the run.
func (s *Session) Path(name string) string { return filepath.Join(s.Dir, name) }

// Scope returns a scope for the steps of a [Loop], which computes in the
// session's precision.
func (s *Session) Scope() *tensor.Scope { return s.Precision.In(tensor.NewScope()) }

// Save writes a model to the folder, as model.safetensors when name is empty,
// and counts its parameters.
func (s *Session) Save(name string, model any) error {
	if name == "" {
		name = ModelFile
	}
	s.Outcome.Parameters += nn.CountParameters(model)
	return nn.Save(s.Path(name), model, s.Metadata)
}

// Picture writes a figure to the folder. It takes what functions of package plot
// return.
func (s *Session) Picture(name string, f *plot.Figure, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Save(s.Path(name))
}

// Fit trains a model with train.Fit. What cfg leaves open is filled with the
// session's settings; checkpoints, metrics and progress are the session's. part
// is a folder in that of the run for one of several trainings (number of parts),
// empty for the only one. A run that is resumed goes on where this training
// stopped; one that was finished is only loaded.
func (s *Session) Fit(ctx context.Context, part string, number, parts int, model any, cfg train.Config) (*train.Result, error) {
	dir := s.Path(part)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if cfg.Epochs == 0 {
		cfg.Epochs = s.Epochs
	}
	if cfg.BatchSize == 0 {
		cfg.BatchSize = s.BatchSize
	}
	if cfg.Seed == 0 {
		cfg.Seed = s.Seed
	}
	if cfg.Precision == "" {
		cfg.Precision = s.Precision
	}
	checkpoint := filepath.Join(dir, CheckpointFile)
	if _, err := os.Stat(checkpoint); err == nil {
		cfg.Resume = checkpoint
	}
	cfg.Callbacks = append(cfg.Callbacks, train.LogJSONL(filepath.Join(dir, MetricsFile), LogEvery), train.Checkpoint(checkpoint))
	if s.Callbacks != nil {
		cfg.Callbacks = append(cfg.Callbacks, s.Callbacks(number, parts)...)
	}
	result, err := train.Fit(ctx, model, cfg)
	if result != nil {
		s.Outcome.TrainSeconds += result.TrainSeconds
	}
	return result, err
}

// Loop is a training that package train does not know: a fixed number of steps,
// each of which follows from its number and the state alone.
type Loop struct {
	Steps int
	// State is everything that a step changes: models (any struct of layers),
	// optimizers (*optim.Optimizer) and [Plain] values, by names of their own.
	State map[string]any
	// Step does step i, counted from 0, and returns figures worth watching.
	Step func(i int) ([]Value, error)
	// After, unless nil, is called after every Every steps with their number so
	// far, such as for drawing samples. It must not change the state.
	After func(done int) error
	Every int
}

// Value is a named figure.
type Value struct {
	Name  string
	Value float64
}

// checkpointEvery is how often a loop saves.
const checkpointEvery = time.Minute

// Run runs a loop with progress, metrics and checkpoints. When the context ends
// it saves and returns an error that wraps train.ErrInterrupted; a session that
// is resumed goes on from there, bit for bit.
func (s *Session) Run(ctx context.Context, l Loop) error {
	if err := l.check(); err != nil {
		return err
	}
	checkpoint := s.Path(CheckpointFile)
	start, spent, err := restoreLoop(checkpoint, l)
	if errors.Is(err, fs.ErrNotExist) {
		start, err = 0, nil
	}
	if err != nil {
		return err
	}
	if err := dropLater(s.Path(MetricsFile), start); err != nil {
		return err
	}
	log, err := jsonl.Append(s.Path(MetricsFile))
	if err != nil {
		return err
	}
	defer log.Close()
	begun, saved := time.Now(), time.Now()
	seconds := func() float64 { return spent + time.Since(begun).Seconds() }
	defer func() { s.Outcome.TrainSeconds += seconds() }()
	for i := start; i < l.Steps; i++ {
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("%w after step %d of %d", train.ErrInterrupted, i, l.Steps), saveLoop(checkpoint, l, i, seconds()))
		}
		values, err := l.Step(i)
		if err != nil {
			return err
		}
		done := i + 1
		for _, v := range values {
			if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
				return fmt.Errorf("%s became %v in step %d of %d; a smaller learning rate (--lr) or clean data may help", v.Name, v.Value, done, l.Steps)
			}
		}
		if done%LogEvery == 0 || done == l.Steps {
			if err := log.Write(stepRecord(done, values)); err != nil {
				return err
			}
		}
		if s.Bar != nil {
			s.Bar.Set(int64(done), int64(l.Steps), progressText(done-start, l.Steps-done, done, l.Steps, time.Since(begun), values))
		}
		if l.After != nil && done%l.Every == 0 {
			if err := l.After(done); err != nil {
				return err
			}
		}
		if time.Since(saved) > checkpointEvery || done == l.Steps {
			if err := saveLoop(checkpoint, l, done, seconds()); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return nil
}
