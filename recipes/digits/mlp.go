package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// MLP is a perceptron with one hidden layer of 100 units.
type MLP struct {
	Hidden, Out *nn.Linear
}

// NewMLP returns the network with He initialisation.
func NewMLP(init *nn.Init) *MLP {
	return &MLP{
		Hidden: nn.NewLinear(init, 784, 100, nn.WithInit(nn.HeNormal), nn.WithBiasInit(nn.Zeros)),
		Out:    nn.NewLinear(init, 100, 10),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *MLP) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Hidden.ForwardReLU(c, x.Flatten(1)) // (B, 100)
	return m.Out.Forward(c, x)                // (B, 10)
}

// MLPRecipe trains it with Adam and a one-cycle learning rate.
var MLPRecipe = recipe.Recipe{
	Name: "mlp", Summary: "A perceptron with one hidden layer reads digits",
	Source: "Nielsen, Neural Networks and Deep Learning, ch. 1; Saitoh, Deep Learning from Scratch, ch. 5",
	Data:   "mnist", Expect: "at least 98.0% of the test digits", Minutes: 0.15,
	Epochs: 12, BatchSize: 100, Rate: 3e-3,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewMLP(init) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.Adam(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
		cfg.Transform = data.Warp{Rotate: 5, Zoom: 0.05, Translate: 0.7} // so little that 100 units can bear it
	},
}
