package recipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Ensemble is several networks for one task; it averages what they say, of each
// view of the input if there are several.
type Ensemble struct {
	Members []nn.Module
	views   func(x *tensor.Tensor) []*tensor.Tensor // nil: the input alone
}

// Forward maps an input to the logarithm of the mean of the members'
// probabilities (B, classes) for all views, which softmax turns into that mean again.
func (e *Ensemble) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	// In logarithms all the way: where the members are sure, probabilities of
	// the other classes are below what a float32 holds.
	views := []*tensor.Tensor{x}
	if e.views != nil {
		views = e.views(x)
	}
	var said []*tensor.Tensor
	for _, m := range e.Members {
		for _, view := range views {
			said = append(said, m.Forward(c, view).LogSoftmax(-1))
		}
	}
	return tensor.Stack(0, said...).LogSumExp(0).AddScalar(-math.Log(float64(len(said))))
}

// Agree reports, as an error, why runs cannot be averaged: what they say must be
// about the same samples and classes.
func Agree(runs []*Run) error {
	first := runs[0]
	judge, err := first.Judge()
	if err != nil {
		return err
	}
	for i, r := range runs[1:] {
		for _, other := range runs[:i+1] {
			if filepath.Clean(other.Dir) == filepath.Clean(r.Dir) {
				return fmt.Errorf("%s is named twice: its average with itself is itself", r.Dir)
			}
		}
		if r.Recipe.Data != first.Recipe.Data {
			return fmt.Errorf("%s was trained on %s and %s on %s: only runs on the same data can be averaged", first.Dir, first.Recipe.Data, r.Dir, r.Recipe.Data)
		}
		if a, b := first.Config.judgedBy(), r.Config.judgedBy(); a != b {
			return fmt.Errorf("%s is measured on %s and %s on %s: only runs that are measured on the same samples can be averaged", first.Dir, a, r.Dir, b)
		}
		its, err := r.Judge()
		if err != nil {
			return err
		}
		if !slices.Equal(its.Classes(), judge.Classes()) {
			return fmt.Errorf("%s tells %s and %s tells %s: only runs with the same classes can be averaged", first.Dir, strings.Join(judge.Classes(), ", "), r.Dir, strings.Join(its.Classes(), ", "))
		}
		if its.Len() != judge.Len() || !slices.Equal(its.InputShape(), judge.InputShape()) {
			return fmt.Errorf("%s is measured on %d inputs %v and %s on %d inputs %v: only runs that are measured on the same samples can be averaged", first.Dir, judge.Len(), judge.InputShape(), r.Dir, its.Len(), its.InputShape())
		}
	}
	return nil
}

// judgedBy says which part of its data a run is measured on.
func (c Config) judgedBy() string {
	what := "the test set"
	if c.HoldOut > 0 {
		what = fmt.Sprintf("%d samples held out by seed %d", c.HoldOut, c.Seed)
	}
	if c.Limit > 0 {
		what = fmt.Sprintf("%s with --limit %d", what, c.Limit)
	}
	return what
}

// Average returns what several evaluations on the same samples say together:
// the mean of their probabilities.
func Average(all []*train.Evaluation) (*train.Evaluation, error) {
	first := all[0]
	out := &train.Evaluation{True: first.True, Samples: first.Samples, Probabilities: make([]float32, len(first.Probabilities))}
	for _, e := range all {
		if !slices.Equal(e.True, first.True) || len(e.Probabilities) != len(first.Probabilities) {
			return nil, errors.New("the runs were measured on different samples, so their probabilities have no average")
		}
		for i, p := range e.Probabilities {
			out.Probabilities[i] += p / float32(len(all))
		}
	}
	classes, right := len(out.Probabilities)/out.Samples, 0
	for i, class := range out.True {
		p := out.Probabilities[i*classes : (i+1)*classes]
		best := slices.Index(p, slices.Max(p))
		out.Predicted = append(out.Predicted, best)
		if best == class {
			right++
		}
		// A probability that is 0 in float32 counts as the least that is not.
		out.Loss -= math.Log(max(float64(p[class]), math.SmallestNonzeroFloat32)) / float64(out.Samples)
	}
	out.Accuracy = float64(right) / float64(out.Samples)
	return out, nil
}

// memberDir is the folder of one network of an ensemble, counted from 0.
func memberDir(dir string, member int) string {
	return filepath.Join(dir, "members", strconv.Itoa(member+1))
}

// joinMetrics writes the metrics of all members, one after the other, to the
// metrics file of the ensemble. Each line says whose it is.
func joinMetrics(dir string, members int) error {
	var all []map[string]json.RawMessage
	for i := range members {
		lines, _, err := jsonl.ReadFile[map[string]json.RawMessage](filepath.Join(memberDir(dir, i), MetricsFile))
		if err != nil {
			return err
		}
		for _, line := range lines {
			line["member"] = json.RawMessage(strconv.Itoa(i + 1))
		}
		all = append(all, lines...)
	}
	return jsonl.WriteFile(filepath.Join(dir, MetricsFile), all)
}
