package digits

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// LeNet is LeNet-5 for 28x28 digits, with ReLU and maximum pooling.
type LeNet struct {
	Conv1, Conv2  *nn.Conv2d
	FC1, FC2, FC3 *nn.Linear
}

// NewLeNet returns the network.
func NewLeNet(init *nn.Init) *LeNet {
	return &LeNet{
		Conv1: nn.NewConv2d(init, 1, 6, 5, nn.Padding(2)),
		Conv2: nn.NewConv2d(init, 6, 16, 5),
		FC1:   nn.NewLinear(init, 16*5*5, 120),
		FC2:   nn.NewLinear(init, 120, 84),
		FC3:   nn.NewLinear(init, 84, 10),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *LeNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Conv1.ForwardReLU(c, x).MaxPool2d(2) // (B, 6, 14, 14)
	x = m.Conv2.ForwardReLU(c, x).MaxPool2d(2) // (B, 16, 5, 5)
	x = m.FC1.ForwardReLU(c, x.Flatten(1))     // (B, 120)
	x = m.FC2.ForwardReLU(c, x)                // (B, 84)
	return m.FC3.Forward(c, x)                 // (B, 10)
}

// LeNetRecipe trains it with Adam and a one-cycle learning rate.
var LeNetRecipe = recipe.Recipe{
	Name: "lenet", Summary: "LeNet-5, the convolutional network of 1998, reads digits",
	Source: "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998",
	Data:   "mnist", Expect: "at least 99.05% of the test digits", Minutes: 1,
	Epochs: 12, BatchSize: 100, Rate: 3e-3,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewLeNet(init) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.Adam(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
	},
}
