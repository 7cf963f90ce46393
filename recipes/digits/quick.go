package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Quick is a small convolutional network with batch normalisation that learns
// in a few passes: three convolutions, each followed by pooling, and one
// linear layer.
type Quick struct {
	Conv1, Conv2, Conv3 *nn.Conv2d
	Norm1, Norm2, Norm3 *nn.BatchNorm2d
	Out                 *nn.Linear
}

// NewQuick returns the network; width is the number of filters of the first layer.
func NewQuick(init *nn.Init, width int) *Quick {
	conv := func(in, out int) *nn.Conv2d {
		return nn.NewConv2d(init, in, out, 3, nn.Padding(1), nn.NoBias(), nn.WithInit(nn.HeNormal))
	}
	return &Quick{
		Conv1: conv(1, width), Norm1: nn.NewBatchNorm2d(width),
		Conv2: conv(width, 2*width), Norm2: nn.NewBatchNorm2d(2 * width),
		Conv3: conv(2*width, 4*width), Norm3: nn.NewBatchNorm2d(4 * width),
		Out: nn.NewLinear(init, 4*width*3*3, 10),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *Quick) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Norm1.ForwardReLU(c, m.Conv1.Forward(c, x)).MaxPool2d(2) // (B, w, 14, 14)
	x = m.Norm2.ForwardReLU(c, m.Conv2.Forward(c, x)).MaxPool2d(2) // (B, 2w, 7, 7)
	x = m.Norm3.ForwardReLU(c, m.Conv3.Forward(c, x)).MaxPool2d(2) // (B, 4w, 3, 3)
	return m.Out.Forward(c, x.Flatten(1))                          // (B, 10)
}

// QuickRecipe is the default: more than 99.3% in about a minute.
var QuickRecipe = recipe.Recipe{
	Name: "mnist", Summary: "A small CNN with augmentation and a one-cycle schedule reads digits within 90 seconds",
	Source: "Smith, Super-convergence, 2018; Ioffe and Szegedy, Batch normalization, 2015",
	Data:   "mnist", Expect: "at least 99.30% of the test digits", Minutes: 1,
	Epochs: 6, BatchSize: 125, Rate: 1e-2,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewQuick(init, 24) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.AdamW(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
		cfg.Transform = data.Warp{Rotate: 8, Shear: 5, Zoom: 0.08, Translate: 1.5} // as handwriting varies
	},
}
