package lab

import (
	"context"
	"fmt"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
)

// overfitting shows a network that is much too large for what it learns from: it
// knows 300 digits by heart and other digits far less well. Weight decay and
// dropout help a little, too much of them hinders all learning, and more digits
// help most.
var overfitting = Experiment{
	Name: "overfitting", Summary: "A seven-layer network learns 300 digits by heart, with and without weight decay and dropout",
	Source:  "Saitoh, Deep Learning from Scratch, ch. 6.4; Srivastava et al., JMLR 15, 2014 (dropout)",
	Seconds: 15, Run: runOverfitting,
}

// overfittingNet has six hidden layers of 100 ReLU units, with dropout behind each
// unless the share is 0.
func overfittingNet(init *nn.Init, dropout float64) nn.Module {
	behind := justReLU
	if dropout > 0 {
		behind = func() []nn.Module { return []nn.Module{nn.ReLU{}, nn.Dropout{P: dropout}} }
	}
	return perceptron(init, 6, nn.HeNormal, behind)
}

func runOverfitting(ctx context.Context, s Settings) (*Report, error) {
	const batchSize, few, many = 100, 300, 3000
	r := &Report{}
	steps := s.amount(900, 120)
	every := steps / 40 // from one measurement to the next
	others := some(many, s.amount(10000, 1000))
	cases := []struct {
		name, title    string
		samples        int
		decay, dropout float64
	}{
		{"nothing", "Nothing against it", few, 0, 0},
		{"weight decay", "Weight decay 0.01", few, 0.01, 0},
		{"dropout", "Dropout 0.2", few, 0, 0.2},
		{"both", "Both", few, 0.01, 0.2},
		{"strong decay", "Weight decay 0.1", few, 0.1, 0},
		{"more digits", "Ten times as many digits", many, 0, 0},
	}
	var parts []plot.Part
	for i, c := range cases {
		if err := s.progress(ctx, i, len(cases), c.title); err != nil {
			return nil, err
		}
		known := some(0, c.samples)
		model := overfittingNet(nn.NewInit(s.Seed), c.dropout)
		opt := optim.New(optim.SGD(0.03).WeightDecay(c.decay), nn.Parameters(model))
		var at, onKnown, onOthers []float64
		err := descend(ctx, model, opt, known, steps, batchSize, s.key("overfitting"), func(done int, _ float64) bool {
			if done%every == 0 || done == steps {
				_, a := measure(model, known)
				_, b := measure(model, others)
				at, onKnown, onOthers = append(at, float64(done)), append(onKnown, a), append(onOthers, b)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		r.add(last(onKnown), "known_%s", c.name)
		r.add(last(onOthers), "others_%s", c.name)
		r.add(last(onKnown)-last(onOthers), "gap_%s", c.name)
		parts = append(parts, plot.Chart{Title: c.title, XLabel: "step", YRange: [2]float64{0, 1.02}, Series: []plot.Series{
			{Name: fmt.Sprintf("its own digits %.1f%%", 100*last(onKnown)), X: at, Y: onKnown},
			{Name: fmt.Sprintf("other digits %.1f%%", 100*last(onOthers)), X: at, Y: onOthers},
		}})
	}
	r.Caption = fmt.Sprintf("Accuracy on the %d digits that are learned and on %d others of the training set; seven layers, SGD with rate 0.03, %d steps of %d. With nothing against it the network knows %.1f%% of its own digits and reads %.1f%% of the others. "+
		"With weight decay 0.01 it reads %.1f%% of them, with dropout 0.2 %.1f%%, with both %.1f%%. Ten times as much weight decay narrows the gap from %.1f to %.1f points, but what it reads is %.1f%%: a small gap is not good reading. Ten times as many digits bring %.1f%%.",
		few, others.y.Len(), steps, batchSize, 100*r.Get("known_nothing"), 100*r.Get("others_nothing"),
		100*r.Get("others_weight decay"), 100*r.Get("others_dropout"), 100*r.Get("others_both"),
		100*r.Get("gap_nothing"), 100*r.Get("gap_strong decay"), 100*r.Get("others_strong decay"), 100*r.Get("others_more digits"))
	return r.draw(plot.Board{Title: "overfitting: 300 digits, seven layers", Rows: [][]plot.Part{parts[:3], parts[3:]}})
}
