package photos

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// DenseNetRecipe trains a DenseNet-BC of 34 layers. Fifteen pairs of them add 16
// channels each to what all before have made. --full trains it as the paper trains
// on this data: 300 epochs, and the rate divided by ten after half and after three
// quarters of them.
var DenseNetRecipe = recipe.Recipe{
	Name: "cifar-densenet", Summary: "A small DenseNet, every layer of which sees all before it, on the photographs of CIFAR-10",
	Source: "Huang, Liu, van der Maaten and Weinberger, Densely connected convolutional networks, 2016",
	Data:   "cifar-10", Expect: "88.4% of the test photographs", Minutes: 30,
	Epochs: 12, BatchSize: 128, Rate: 0.2,
	Load:  loadCIFAR,
	New:   func(init *nn.Init) nn.Module { return ofCIFAR(models.NewDenseNetSmall(init, classes)) },
	Input: colour,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		oneCycle(cfg, rate, steps)
		cfg.Transform = shifted
	},
	Full: &recipe.Setting{
		Epochs: 300, BatchSize: 64, Rate: 0.1,
		Configure: func(cfg *train.Config, rate float64, steps int) {
			cfg.Optimizer = optim.Nesterov(rate, 0.9).WeightDecay(1e-4)
			cfg.Schedule = optim.MultiStep(0.1, steps/2, steps*3/4)
			cfg.Transform = shifted
		},
	},
}
