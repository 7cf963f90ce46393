package lab

import (
	"context"
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/train"
)

// learningRateRange finds a good learning rate in a hundred steps instead of in
// many trainings: the rate grows from one step to the next, and one looks where
// the loss begins to fall, falls fastest, and explodes. Then it trains with rates
// around, to see whether the test was right.
var learningRateRange = Experiment{
	Name: "lr-range", Summary: "A learning-rate range test for SGD and Adam, and trainings with rates around what it says",
	Source:  "Smith, Cyclical learning rates for training neural networks, arXiv 1506.01186, section 3.3",
	Seconds: 6, Run: runLearningRateRange,
}

func runLearningRateRange(ctx context.Context, s Settings) (*Report, error) {
	r := &Report{}
	steps := s.amount(600, 60)
	d := some(0, s.amount(60000, 2000))
	var rows [][]plot.Part
	var said []string
	kinds := []struct {
		name     string
		at       func(rate float64) optim.Algorithm
		from, to float64
	}{
		{"SGD", optim.SGD, 1e-4, 100},
		{"Adam", optim.Adam, 1e-6, 1},
	}
	for i, k := range kinds {
		if err := s.progress(ctx, i, len(kinds), k.name); err != nil {
			return nil, err
		}
		test, err := train.RangeTest(append(nn.Sequential{nn.Flatten{}}, fiveLayers(nn.NewInit(s.Seed), nn.HeNormal)), train.Config{
			Train: data.Limit(mnist.Train(), s.amount(60000, 2000)), Loss: nn.CrossEntropy, Optimizer: k.at(1e-3), BatchSize: 128, Seed: s.Seed,
		}, optim.RangeConfig{From: k.from, To: k.to, Steps: 120})
		if err != nil {
			return nil, err
		}
		r.add(test.Suggested, "suggested_%s", k.name)
		r.add(test.Least, "least_%s", k.name)
		rows = append(rows, []plot.Part{plot.Chart{
			Title: k.name + ": loss of each step, while the rate grows", XLabel: "learning rate", LogX: true, LogY: true,
			Series: []plot.Series{{Name: "each step", X: test.Rates, Y: test.Losses, Pale: true}, {Name: "smoothed", X: test.Rates, Y: test.Smoothed}},
			Marks:  []plot.Mark{{X: test.Suggested, Label: fmt.Sprintf("falls fastest %.2g", test.Suggested)}, {X: test.Least, Label: fmt.Sprintf("least %.2g", test.Least)}},
		}})
		chart := plot.Chart{Title: fmt.Sprintf("%s: training with rates around it", k.name), XLabel: "step", LogY: true, YRange: [2]float64{0.03, 10}}
		for _, factor := range []float64{0.01, 0.1, 1, 10, 100} {
			rate := test.Suggested * factor
			found, err := losses(ctx, fiveLayers(nn.NewInit(s.Seed), nn.HeNormal), k.at(rate), d, steps, 128, s.key("lr-range"))
			if err != nil {
				return nil, err
			}
			curve := smooth(found, steps/30)
			r.add(last(curve), "loss_%s_%g", k.name, factor)
			chart.Series = append(chart.Series, plot.Series{Name: fmt.Sprintf("%.2g", rate), X: countFrom1(steps), Y: curve})
		}
		rows[i] = append(rows[i], chart)
		said = append(said, fmt.Sprintf("%s: the loss falls fastest at %.2g and is least at %.2g; after %d steps with a hundredth, a tenth, one, ten and a hundred times %.2g it is %s, %s, %s, %s and %s.", k.name, test.Suggested, test.Least, steps, test.Suggested,
			inWords(r.Get("loss_"+k.name+"_0.01")), inWords(r.Get("loss_"+k.name+"_0.1")), inWords(r.Get("loss_"+k.name+"_1")), inWords(r.Get("loss_"+k.name+"_10")), inWords(r.Get("loss_"+k.name+"_100"))))
	}
	r.Caption = "Left: 120 steps with a rate that grows from one to the next (five layers, MNIST, batches of 128), until the loss explodes. Right: a training with each of five rates, from the same weights.\n" + strings.Join(said, "\n")
	return r.draw(plot.Board{Title: "lr-range: a hundred steps tell the learning rate", Rows: rows})
}
