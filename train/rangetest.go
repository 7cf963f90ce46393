package train

import (
	"fmt"
	"iter"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// RangeTest trains the model for a few batches with a learning rate that grows
// from one to the next, and puts it back as it was. The rate at which the loss
// falls fastest is a good peak for a schedule (Smith 2015, arXiv 1506.01186). Of
// cfg it uses what says how one batch becomes one update; it has no validation,
// callbacks, schedule or accumulation.
func RangeTest(model any, cfg Config, r optim.RangeConfig) (result optim.RangeResult, err error) {
	defer recoverTo(&err)
	cfg.Epochs, cfg.Val, cfg.Callbacks, cfg.Resume, cfg.Schedule = 1, nil, nil, "", nil
	s, loader, _, err := prepare(model, &cfg)
	if err != nil {
		return result, err
	}
	state := nn.State(model)
	before := make([]*tensor.Tensor, len(state))
	for i, t := range state {
		before[i] = t.Keep()
	}
	defer func() {
		for i, t := range state {
			t.CopyFrom(before[i])
			t.ClearGrad()
		}
	}()
	next, stop := batches(loader)
	defer stop()
	scope := cfg.Precision.In(tensor.NewScope())
	return optim.RangeTest(r, func(rate float64) (float64, error) {
		batch, ok := next()
		if !ok {
			return 0, loader.Err()
		}
		defer scope.Release()
		s.Optimizer.SetLR(rate)
		loss := cfg.Loss(s.forward(s.stepContext(), scope.View(batch.X)), batch.Y)
		loss.Backward()
		s.update()
		s.Step++
		return loss.Item(), nil
	})
}

// batches draws from one epoch after the other without end.
func batches(l *data.Loader) (next func() (data.Batch, bool), stop func()) {
	return iter.Pull(func(yield func(data.Batch) bool) {
		for epoch := 0; ; epoch++ {
			for b := range l.Epoch(epoch) {
				if !yield(b) {
					return
				}
			}
			if l.Err() != nil {
				return
			}
		}
	})
}

// PlotRange draws the result of a range test: loss over learning rate, with
// the suggested rate marked. The ending of path says whether as PNG or SVG.
func PlotRange(result optim.RangeResult, path string) error {
	figure, err := plot.Lines(plot.Chart{
		Title: "Learning-rate range test", Subtitle: fmt.Sprintf("the loss falls fastest at %.2g", result.Suggested),
		XLabel: "learning rate", YLabel: "loss", LogX: true,
		Series: []plot.Series{{Name: "each batch", X: result.Rates, Y: result.Losses}, {Name: "smoothed", X: result.Rates, Y: result.Smoothed}},
		Marks:  []plot.Mark{{X: result.Suggested, Label: fmt.Sprintf("%.2g", result.Suggested)}},
	})
	if err != nil {
		return err
	}
	return figure.Save(path)
}
