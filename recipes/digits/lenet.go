package digits

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// NewLeNet returns the network, which package models has, for ten digits.
func NewLeNet(init *nn.Init) *models.LeNet { return models.NewLeNet(init, 10) }

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
