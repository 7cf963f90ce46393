package recipes

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strconv"

	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
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
