package recipes

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/format/jsonl"
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// maxMistakes is how many misread images a sheet shows.
const maxMistakes = 100

// drawCurves draws the metrics file of a run folder as curves.png. judge is
// what the data are called that the run was measured on.
func drawCurves(dir, title, judge string) error {
	lines, _, err := jsonl.ReadFile[json.RawMessage](filepath.Join(dir, MetricsFile))
	if err != nil {
		return err
	}
	run := plot.Run{Name: title, StepEvery: recipe.LogEvery, ValName: judge}
	for _, line := range lines {
		var kind struct{ Kind string }
		if err := json.Unmarshal(line, &kind); err != nil {
			return err
		}
		switch kind.Kind {
		case "step":
			var s train.StepRecord
			if err := json.Unmarshal(line, &s); err != nil {
				return err
			}
			run.StepLoss, run.LearningRate = append(run.StepLoss, s.Loss), append(run.LearningRate, s.LearningRate)
		case "epoch":
			var e train.EpochRecord
			if err := json.Unmarshal(line, &e); err != nil {
				return err
			}
			run.TrainLoss, run.ValLoss = append(run.TrainLoss, e.Loss), append(run.ValLoss, e.ValLoss)
			run.TrainAccuracy, run.ValAccuracy = append(run.TrainAccuracy, e.Accuracy), append(run.ValAccuracy, e.ValAccuracy)
		}
	}
	figure, err := plot.Curves(run)
	if err != nil {
		return err
	}
	return figure.Save(filepath.Join(dir, "curves.png"))
}

// draw makes the pictures of a finished run.
func (r *Run) draw(judge data.Dataset, e *train.Evaluation) error {
	title := r.Recipe.Name
	if n := r.Config.Members; n > 1 {
		for i := range n {
			if err := drawCurves(memberDir(r.Dir, i), title, r.Config.share().JudgeName()); err != nil {
				return err
			}
		}
		title = fmt.Sprintf("%s: %d networks, one after the other", title, n)
	}
	if err := drawCurves(r.Dir, title, r.Config.share().JudgeName()); err != nil {
		return err
	}
	names := judge.Classes()
	confusion, err := metrics.Confusion(e.Predicted, e.True, len(names))
	if err != nil {
		return err
	}
	figure, err := plot.Confusion(confusion.Counts(), names, r.Recipe.Name)
	if err != nil {
		return err
	}
	if err := figure.Save(filepath.Join(r.Dir, "confusion.png")); err != nil {
		return err
	}
	if r.Recipe.Input == nil {
		return nil
	}
	if err := r.drawMistakes(judge, e, names); err != nil {
		return err
	}
	return r.drawFilters()
}

func (r *Run) drawMistakes(judge data.Dataset, e *train.Evaluation, names []string) error {
	in := r.Recipe.Input
	var mistakes []plot.Mistake
	for i, guess := range e.Predicted {
		if guess == e.True[i] {
			continue
		}
		pixels := make([]float32, in.Channels*in.Height*in.Width)
		var target data.Target
		if err := judge.Read(i, pixels, &target); err != nil {
			return err
		}
		mistakes = append(mistakes, plot.Mistake{
			Image: plot.Image{Channels: in.Channels, Height: in.Height, Width: in.Width, Pixels: pixels},
			Truth: names[e.True[i]], Guess: names[guess], Confidence: float64(e.Probabilities[i*len(names)+guess]),
		})
	}
	figure, err := plot.Mistakes(mistakes, len(e.Predicted), maxMistakes)
	if err != nil {
		return err
	}
	return figure.Save(filepath.Join(r.Dir, "mistakes.png"))
}

// drawFilters draws the weights of the first layer.
func (r *Run) drawFilters() error {
	in := r.Recipe.Input
	for _, p := range nn.Parameters(r.Model) {
		w := plot.Weights{Values: p.Float32s(), Units: p.Dim(0)}
		switch p.NDim() {
		case 4:
			w.Channels, w.Height, w.Width = p.Dim(1), p.Dim(2), p.Dim(3)
		case 2:
			w.Channels, w.Height, w.Width = in.Channels, in.Height, in.Width
		default:
			continue
		}
		figure, err := plot.Filters(w, nil, fmt.Sprintf("%s: %s", r.Recipe.Name, p.Name()))
		if err != nil {
			return err
		}
		return figure.Save(filepath.Join(r.Dir, "filters.png"))
	}
	return nil
}
