package photos

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// vggFilters are the convolutions of the small VGG: pairs of 3x3, and an image
// half as large (0) with twice as many filters behind each pair, down to one
// pixel of 256 values.
var vggFilters = []int{32, 32, 0, 64, 64, 0, 128, 128, 0, 256, 256, 0, 256, 0}

// VGGRecipe trains a network in the manner of VGG, with batch normalisation,
// which the paper did not know yet; with it, deep networks of this kind learn
// without the paper's pretraining.
var VGGRecipe = recipe.Recipe{
	Name: "cifar-vgg", Summary: "A small VGG, nothing but 3x3 convolutions, on the photographs of CIFAR-10",
	Source: "Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014",
	Data:   "cifar-10", Expect: "90.1% of the test photographs", Minutes: 16,
	Epochs: 16, BatchSize: 128, Rate: 0.1,
	Load:  loadCIFAR,
	New:   func(init *nn.Init) nn.Module { return ofCIFAR(models.NewVGGSmall(init, vggFilters, classes)) },
	Input: colour,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		oneCycle(cfg, rate, steps)
		cfg.Transform = shifted
	},
}
