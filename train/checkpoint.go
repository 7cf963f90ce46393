package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// checkpointVersion is raised when older programs could not read the file.
const checkpointVersion = 1

// progress is the part of a State that a checkpoint carries beside tensors.
type progress struct {
	Version    int     `json:"version"`
	Epoch      int     `json:"epoch"` // in progress, counted from 0
	Step       int     `json:"step"`  // batches done in it
	TotalSteps int     `json:"total_steps"`
	Sums       sums    `json:"sums"`
	Seconds    float64 `json:"seconds"`
	History    []Epoch `json:"history"`
	Seed       uint64  `json:"seed"`
	BatchSize  int     `json:"batch_size"`
	Samples    int     `json:"samples"`

	Plateau *optim.PlateauState `json:"plateau,omitempty"`
}

// Prefixes of the tensors in a checkpoint.
const (
	modelPrefix     = "model."
	gradPrefix      = "gradient."
	optimizerPrefix = "optimizer."
	averagePrefix   = "average."
)

// Checkpoint saves everything that is needed to go on, after each epoch and
// when training is interrupted, to one safetensors file that is replaced as a
// whole: a crash at any moment leaves the last good one.
func Checkpoint(path string) Callback {
	save := func(s *State, epoch, step int, totals sums) error { return s.saveCheckpoint(path, epoch, step, totals) }
	return Hooks{
		OnEpoch: func(s *State) error { return save(s, s.Epoch+1, 0, sums{}) },
		OnEnd: func(s *State) error {
			if !s.Interrupted || s.Step == 0 {
				return nil
			}
			return save(s, s.Epoch, s.Step, s.sums)
		},
	}
}

func (s *State) saveCheckpoint(path string, epoch, step int, totals sums) error {
	p := progress{Version: checkpointVersion, Epoch: epoch, Step: step, TotalSteps: s.TotalSteps, Sums: totals, Seconds: s.spent(),
		History: s.History, Seed: s.Config.Seed, BatchSize: s.Config.BatchSize, Samples: s.Config.Train.Len()}
	if plateau, ok := s.Config.Schedule.(*optim.Plateau); ok {
		state := plateau.State()
		p.Plateau = &state
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	named := map[string]*tensor.Tensor{}
	for _, t := range nn.State(s.Model) {
		named[modelPrefix+t.Name()] = t
		if g := t.Grad(); g != nil { // of updates that accumulate over batches
			named[gradPrefix+t.Name()] = g
		}
	}
	for name, t := range s.Optimizer.State() {
		named[optimizerPrefix+name] = t
	}
	if s.EMA != nil {
		for name, t := range s.EMA.State() {
			named[averagePrefix+name] = t
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return nn.SaveTensors(path, named, map[string]string{"progress": string(text)})
}

// restore goes back to where a checkpoint was written.
func (s *State) restore(path string) error {
	named, metadata, err := nn.LoadTensors(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no checkpoint %s to go on from: the run may not have finished an epoch", path)
	}
	if access := new(fs.PathError); errors.As(err, &access) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w; if there is no other copy, delete it and begin anew", err)
	}
	var p progress
	if err := json.Unmarshal([]byte(metadata["progress"]), &p); err != nil {
		return fmt.Errorf("%s is not a checkpoint of a training run: %v", path, err)
	}
	switch {
	case p.Version != checkpointVersion:
		return fmt.Errorf("%s was written by another version (checkpoint format %d, this program reads %d)", path, p.Version, checkpointVersion)
	case p.Epoch < 0 || p.Step < 0 || p.TotalSteps < 0 || p.Step >= max(s.StepsPerEpoch, 1):
		return fmt.Errorf("%s is damaged: it is at epoch %d, step %d of %d", path, p.Epoch, p.Step, s.StepsPerEpoch)
	case len(p.History) != p.Epoch || p.Sums.Seen != p.Step*p.BatchSize || p.Sums.Correct < 0 || p.Sums.Correct > p.Sums.Seen:
		return fmt.Errorf("%s is damaged: in epoch %d, after %d batches of %d, it knows of %d epochs and %d samples", path, p.Epoch+1, p.Step, p.BatchSize, len(p.History), p.Sums.Seen)
	case p.BatchSize != s.Config.BatchSize || p.Samples != s.Config.Train.Len() || p.Seed != s.Config.Seed:
		return fmt.Errorf("%s belongs to a run with batch size %d, %d samples and seed %d; going on with %d, %d and %d would not be the same run",
			path, p.BatchSize, p.Samples, p.Seed, s.Config.BatchSize, s.Config.Train.Len(), s.Config.Seed)
	}
	if err := nn.LoadState(s.Model, nn.WithPrefix(named, modelPrefix)); err != nil {
		return fmt.Errorf("%s does not fit the model: %w", path, err)
	}
	if err := s.Optimizer.LoadState(nn.WithPrefix(named, optimizerPrefix)); err != nil {
		return fmt.Errorf("%s does not fit the optimizer: %w", path, err)
	}
	grads := nn.WithPrefix(named, gradPrefix)
	for _, t := range nn.Parameters(s.Model) {
		if g := grads[t.Name()]; g != nil {
			t.SetGrad(g)
		}
	}
	if s.EMA != nil {
		if err := s.EMA.LoadState(nn.WithPrefix(named, averagePrefix)); err != nil {
			return fmt.Errorf("%s does not fit the averaged weights: %w", path, err)
		}
	}
	if plateau, ok := s.Config.Schedule.(*optim.Plateau); ok && p.Plateau != nil {
		if err := plateau.LoadState(*p.Plateau); err != nil {
			return fmt.Errorf("%s does not fit the schedule: %w", path, err)
		}
	}
	s.Epoch, s.Step, s.TotalSteps, s.sums, s.seconds, s.History = p.Epoch, p.Step, p.TotalSteps, p.Sums, p.Seconds, p.History
	return nil
}

// SaveModel writes the model's weights after each epoch, with metadata. With
// an average of the weights, that is what it writes.
func SaveModel(path string, metadata map[string]string) Callback {
	return Hooks{OnEpoch: func(s *State) error { return s.saveModel(path, metadata) }}
}

// SaveBest is SaveModel for the epoch with the smallest validation loss so far
// (training loss without validation data).
func SaveBest(path string, metadata map[string]string) Callback {
	best := math.Inf(1)
	return Hooks{
		OnStart: func(s *State) error {
			best = math.Inf(1)
			for _, e := range s.History {
				best = min(best, e.monitored())
			}
			return nil
		},
		OnEpoch: func(s *State) error {
			now := s.History[len(s.History)-1].monitored()
			if now >= best {
				return nil
			}
			best = now
			return s.saveModel(path, metadata)
		}}
}

// monitored is the loss by which epochs are compared.
func (e Epoch) monitored() float64 {
	if e.HasValidation {
		return e.ValLoss
	}
	return e.Loss
}

func (s *State) saveModel(path string, metadata map[string]string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return s.averaged(func() error { return nn.Save(path, s.Model, metadata) })
}
