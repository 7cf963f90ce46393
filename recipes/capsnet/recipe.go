package capsnet

import (
	"context"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// epochs is also the length of the learning-rate schedule.
const epochs = 12

// Recipe trains a narrow version, with --full that of the paper.
var Recipe = recipe.Recipe{
	Name: "capsnet", Summary: "Capsules with dynamic routing read digits, and draw them again",
	Source: "Sabour, Frosst and Hinton, Dynamic Routing Between Capsules, 2017 (arXiv 1710.09829)",
	Data:   "mnist", Expect: "99.5% of the test digits", Minutes: 9,
	Epochs: epochs, BatchSize: 100, Rate: 1e-3,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true, Full: true},
	Train: run,
}

// widths are the filters of the first layer and the types of primary capsules.
func widths(full bool) (filters, types int) {
	if full {
		return 256, 32 // the paper's
	}
	return 64, 8
}

func run(ctx context.Context, s *recipe.Session) error {
	learn, judge, err := s.Sets(mnist.Train(), mnist.Test())
	if err != nil {
		return err
	}
	filters, types := widths(s.Full)
	m := New(nn.NewInit(s.Seed), filters, types)
	result, err := fit(ctx, s, m, learn, judge)
	if err != nil {
		return err
	}

	e, err := train.Evaluate(m, judge, nil)
	if err != nil {
		return err
	}
	wrong := 0
	for i, p := range e.Predicted {
		if p != e.True[i] {
			wrong++
		}
	}
	s.Metric(s.Judged("accuracy"), e.Accuracy)
	s.Metric(s.Judged("errors"), float64(wrong))
	s.Metric(s.Judged("loss"), result.Last().ValLoss)
	s.Conclude("%.2f%% of the %s digits are read correctly, %d of %d are not", 100*e.Accuracy, s.JudgeName(), wrong, len(e.True))
	if err := draw(s, m, judge, e, result); err != nil {
		return err
	}
	return s.Save("", m)
}

// schedule falls from 1 to a hundredth along a cosine over the recipe's
// epochs.
func schedule(stepsPerEpoch int) optim.Schedule {
	length := epochs * stepsPerEpoch
	return optim.Hold(length, optim.Cosine(length, 0.01))
}

// fit trains on digits that are shifted by up to two pixels.
func fit(ctx context.Context, s *recipe.Session, m *CapsNet, learn, judge data.Dataset) (*train.Result, error) {
	// The loss is about the image and all of its capsules, whose lengths alone
	// are the prediction: it looks at what the pass before it saw.
	var last struct {
		context          *nn.Context
		images, capsules *tensor.Tensor
	}
	stepsPerEpoch := (learn.Len() + s.BatchSize - 1) / s.BatchSize
	return s.Fit(ctx, "", 0, 1, m, train.Config{
		Train: learn, Val: judge, ValName: s.JudgeName(),
		Transform: data.PadCrop(2),
		Optimizer: optim.Adam(s.Rate),
		Schedule:  schedule(stepsPerEpoch),
		Forward: func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
			last.context, last.images, last.capsules = c, x, m.Capsules(c, x)
			return last.capsules.Norm(2, 2)
		},
		Loss: func(_, digits *tensor.Tensor) *tensor.Tensor {
			return m.Loss(last.context, last.images, last.capsules, digits)
		},
	})
}
