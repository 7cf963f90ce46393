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
	var learn, test data.Dataset = mnist.Train(), mnist.Test()
	if s.Limit > 0 {
		learn, test = data.Limit(learn, s.Limit), data.Limit(test, s.Limit)
	}
	filters, types := widths(s.Full)
	m := New(nn.NewInit(s.Seed), filters, types)
	result, err := fit(ctx, s, m, learn, test)
	if err != nil {
		return err
	}

	e, err := train.Evaluate(m, test, nil)
	if err != nil {
		return err
	}
	wrong := 0
	for i, p := range e.Predicted {
		if p != e.True[i] {
			wrong++
		}
	}
	s.Metric("test_accuracy", e.Accuracy)
	s.Metric("test_errors", float64(wrong))
	s.Metric("test_loss", result.Last().ValLoss)
	s.Conclude("%.2f%% of the test digits are read correctly, %d of %d are not", 100*e.Accuracy, wrong, len(e.True))
	if err := draw(s, m, test, e, result); err != nil {
		return err
	}
	return s.Save("", m)
}

// fit trains on digits that are shifted by up to two pixels.
func fit(ctx context.Context, s *recipe.Session, m *CapsNet, learn, test data.Dataset) (*train.Result, error) {
	// The loss is about the image and all of its capsules, whose lengths alone
	// are the prediction: it looks at what the pass before it saw.
	var last struct {
		context          *nn.Context
		images, capsules *tensor.Tensor
	}
	stepsPerEpoch := (learn.Len() + s.BatchSize - 1) / s.BatchSize
	return s.Fit(ctx, "", 0, 1, m, train.Config{
		Train: learn, Val: test, ValName: "test",
		Transform: data.PadCrop(2),
		Optimizer: optim.Adam(s.Rate),
		Schedule:  optim.Cosine(epochs*stepsPerEpoch, 0.01),
		Forward: func(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
			last.context, last.images, last.capsules = c, x, m.Capsules(c, x)
			return last.capsules.Norm(2, 2)
		},
		Loss: func(_, digits *tensor.Tensor) *tensor.Tensor {
			return m.Loss(last.context, last.images, last.capsules, digits)
		},
	})
}
