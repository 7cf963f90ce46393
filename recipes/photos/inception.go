package photos

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// InceptionRecipe trains a network of five Inception blocks, each of which looks
// through windows of several sizes at once.
var InceptionRecipe = recipe.Recipe{
	Name: "cifar-inception", Summary: "A small GoogLeNet of five Inception blocks on the photographs of CIFAR-10",
	Source: "Szegedy et al., Going deeper with convolutions, 2014",
	Data:   "cifar-10", Expect: "89.1% of the test photographs", Minutes: 25,
	Epochs: 12, BatchSize: 128, Rate: 0.1,
	Load:  loadCIFAR,
	New:   func(init *nn.Init) nn.Module { return ofCIFAR(models.NewGoogLeNetSmall(init, classes)) },
	Input: colour,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		oneCycle(cfg, rate, steps)
		cfg.Transform = shifted
	},
}
