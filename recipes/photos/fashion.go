package photos

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// FashionRecipe trains a residual network in the manner of cifar-resnet20, with
// fewer layers and twice the filters. A mirror image shows the same kind of
// clothes; shifts are smaller than on CIFAR-10, because the clothes fill their
// pictures.
var FashionRecipe = recipe.Recipe{
	Name: "fashion", Summary: "A residual network of 14 layers tells ten kinds of clothes",
	Source: "Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017; He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015",
	Data:   "fashion-mnist", Expect: "94.1% of the test pictures", Minutes: 26,
	Epochs: 15, BatchSize: 128, Rate: 0.1,
	Load:  loadFashion,
	New:   func(init *nn.Init) nn.Module { return ofFashion(models.NewResNetCIFAR(init, 1, 32, 2, classes)) },
	Input: grey,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		oneCycle(cfg, rate, steps)
		cfg.Transform = data.Compose(data.PadCrop(2), data.Mirror())
	},
}
