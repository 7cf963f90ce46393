package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// loopProgress is what a checkpoint of a loop carries beside tensors.
type loopProgress struct {
	Step    int     `json:"step"` // steps done
	Seconds float64 `json:"seconds"`

	Plain map[string]json.RawMessage `json:"plain,omitempty"` // values of the Plain parts of the state
}

// check refuses names of parts from which a checkpoint could not tell whose a
// tensor is.
func (l Loop) check() error {
	for name := range l.State {
		for other := range l.State {
			if strings.HasPrefix(other, name+".") {
				return fmt.Errorf("the parts %q and %q of a loop's state cannot be told apart in a checkpoint; rename one of them", name, other)
			}
		}
	}
	return nil
}

// saveLoop writes the state of a loop after a number of steps. The file appears
// whole or not at all.
func saveLoop(path string, l Loop, done int, seconds float64) error {
	named := map[string]*tensor.Tensor{}
	progress := loopProgress{Step: done, Seconds: seconds, Plain: map[string]json.RawMessage{}}
	for name, part := range l.State {
		switch p := part.(type) {
		case Plain:
			value, err := json.Marshal(p.Value)
			if err != nil {
				return fmt.Errorf("the state %q cannot be saved: %w", name, err)
			}
			progress.Plain[name] = value
		case *optim.Optimizer:
			for key, t := range p.State() {
				named[name+"."+key] = t
			}
		default:
			for _, t := range nn.State(p) {
				named[name+"."+t.Name()] = t
			}
		}
	}
	text, err := json.Marshal(progress)
	if err != nil {
		return err
	}
	return nn.SaveTensors(path, named, map[string]string{"loop": string(text)})
}

// restoreLoop goes back to where saveLoop was.
func restoreLoop(path string, l Loop) (done int, seconds float64, err error) {
	named, metadata, err := nn.LoadTensors(path)
	if err != nil {
		return 0, 0, err
	}
	var p loopProgress
	if err := json.Unmarshal([]byte(metadata["loop"]), &p); err != nil || p.Step < 0 || p.Step > l.Steps || p.Seconds < 0 {
		return 0, 0, fmt.Errorf("%s is not a checkpoint of this training; train again into a new folder", path)
	}
	for _, name := range slices.Sorted(maps.Keys(l.State)) {
		state := nn.WithPrefix(named, name+".")
		switch part := l.State[name].(type) {
		case Plain:
			err = part.load(p.Plain[name])
		case *optim.Optimizer:
			err = part.LoadState(state)
		default:
			err = nn.LoadState(part, state)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("%s does not fit: %s: %w", path, name, err)
		}
	}
	return p.Step, p.Seconds, nil
}

// stepRecord is a line of a metrics file about one step: its kind, its number
// and its figures.
func stepRecord(step int, values []Value) map[string]any {
	record := map[string]any{"kind": "step", "step": step}
	for _, v := range values {
		record[v.Name] = v.Value
	}
	return record
}

// dropLater removes the lines of a metrics file that lie ahead of a checkpoint.
func dropLater(path string, step int) error {
	lines, torn, err := jsonl.ReadFile[map[string]any](path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(lines), func(line map[string]any) bool {
		at, _ := line["step"].(float64)
		return int(at) > step
	})
	if len(kept) == len(lines) && !torn {
		return nil
	}
	return jsonl.WriteFile(path, kept)
}

// Curve reads a figure of a [Loop] back from the metrics file, with the steps
// it was taken at.
func (s *Session) Curve(name string) (steps, values []float64, err error) {
	lines, _, err := jsonl.ReadFile[map[string]any](s.Path(MetricsFile))
	if err != nil {
		return nil, nil, err
	}
	for _, line := range lines {
		step, isStep := line["step"].(float64)
		v, ok := line[name].(float64)
		if isStep && ok {
			steps, values = append(steps, step), append(values, v)
		}
	}
	return steps, values, nil
}

// progressText is what stands beside the bar of a loop: recent steps took the
// time elapsed, left are to come.
func progressText(recent, left, done, total int, elapsed time.Duration, values []Value) string {
	var b strings.Builder
	fmt.Fprintf(&b, "step %s of %s", words.Thousands(done), words.Thousands(total))
	for _, v := range values {
		fmt.Fprintf(&b, "  %s %.4g", v.Name, v.Value)
	}
	if recent > 0 {
		fmt.Fprintf(&b, "  %s left", words.Seconds(elapsed.Seconds()/float64(recent)*float64(left)))
	}
	return b.String()
}
