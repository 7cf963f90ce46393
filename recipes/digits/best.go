package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Best is one member of the ensemble that goes past 99.70%: four 3x3
// convolutions with batch normalisation, wider than those of DeepConvNet, and
// dropout before the last layer.
type Best struct {
	Conv1, Conv2, Conv3, Conv4 *nn.Conv2d
	Norm1, Norm2, Norm3, Norm4 *nn.BatchNorm2d
	Out                        *nn.Linear
}

// NewBest returns the network.
func NewBest(init *nn.Init) *Best {
	conv := func(in, out int) *nn.Conv2d {
		return nn.NewConv2d(init, in, out, 3, nn.Padding(1), nn.NoBias(), nn.WithInit(nn.HeNormal))
	}
	return &Best{
		Conv1: conv(1, 32), Norm1: nn.NewBatchNorm2d(32),
		Conv2: conv(32, 64), Norm2: nn.NewBatchNorm2d(64),
		Conv3: conv(64, 64), Norm3: nn.NewBatchNorm2d(64),
		Conv4: conv(64, 128), Norm4: nn.NewBatchNorm2d(128),
		Out: nn.NewLinear(init, 128*3*3, 10),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *Best) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Norm1.ForwardReLU(c, m.Conv1.Forward(c, x)).MaxPool2d(2) // (B, 32, 14, 14)
	x = m.Norm2.ForwardReLU(c, m.Conv2.Forward(c, x))              // (B, 64, 14, 14)
	x = m.Norm3.ForwardReLU(c, m.Conv3.Forward(c, x)).MaxPool2d(2) // (B, 64, 7, 7)
	x = m.Norm4.ForwardReLU(c, m.Conv4.Forward(c, x)).MaxPool2d(2) // (B, 128, 3, 3)
	x = nn.Dropout{P: 0.3}.Forward(c, x.Flatten(1))                // (B, 1152)
	return m.Out.Forward(c, x)                                     // (B, 10)
}

// BestRecipe trains what the book names for going past 99.38%: augmentation,
// learning-rate decay, and an ensemble.
var BestRecipe = recipe.Recipe{
	Name: "mnist-best", Summary: "An ensemble with augmentation and learning-rate decay reads digits at 99.70% and more",
	Source: "Saitoh, Deep Learning from Scratch, ch. 8.1.2; Simard et al. 2003",
	Data:   "mnist", Expect: "at least 99.70% of the test digits", Minutes: 20,
	Epochs: 10, BatchSize: 125, Rate: 5e-3, Members: 5,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewBest(init) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.AdamW(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
		cfg.Transform = data.Warp{Rotate: 12, Shear: 8, Zoom: 0.1, Translate: 2, Elastic: 1, Smoothness: 4}
	},
}
