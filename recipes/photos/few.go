package photos

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/fashionmnist"
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/digits"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

const (
	few     = 100 // labelled pictures
	fewSeed = 1   // which ones; not the seed of the training, so that all runs have the same
)

// loadFew returns ten pictures of each kind to learn from, and the whole
// test set.
func loadFew() (learn, test data.Dataset, err error) {
	all, judge, err := fashionmnist.Load()
	if err != nil {
		return nil, nil, err
	}
	_, learn, err = data.HoldOut(all, fewSeed, few)
	return learn, judge, err
}

// FewRecipe is what transfer learning is for: hardly any labels. Its network is
// that of the recipe mnist, so that it may start from what that has learned of
// digits, as well as from nothing.
var FewRecipe = recipe.Recipe{
	Name: "fashion-few", Summary: "A hundred labelled pictures of clothes must do: for --init, from the weights of mnist",
	Source: "Yosinski, Clune, Bengio and Lipson, How transferable are features in deep neural networks?, 2014",
	Data:   "fashion-mnist", Expect: "72.2% of the test pictures from nothing, 73.2% from mnist", Minutes: 0.5,
	Epochs: 30, BatchSize: 10, Rate: 3e-3,
	Load:      loadFew,
	New:       func(init *nn.Init) nn.Module { return digits.NewQuick(init, 24) },
	Input:     grey,
	Configure: configureFew,
}

// FewPhotosRecipe asks the same of the network of cifar-resnet20, which looks at
// the grey pictures through its three colours, so that it may start from what
// that has learned of photographs.
var FewPhotosRecipe = recipe.Recipe{
	Name: "fashion-few-resnet", Summary: "The same hundred pictures for ResNet-20: for --init, from the weights of cifar-resnet20",
	Source: FewRecipe.Source,
	Data:   "fashion-mnist", Expect: "69% of the test pictures from nothing, 76% from cifar-resnet20", Minutes: 2,
	Epochs: 30, BatchSize: 10, Rate: 1e-3,
	Load:      loadFew,
	New:       func(init *nn.Init) nn.Module { return ofFashion(&inColour{models.NewResNet20(init, 3, classes)}) },
	Input:     grey,
	Configure: configureFew,
}

func configureFew(cfg *train.Config, rate float64, steps int) {
	cfg.Optimizer = optim.AdamW(rate)
	cfg.Schedule = optim.NewOneCycle(steps)
	cfg.Transform = data.Compose(data.PadCrop(2), data.Mirror())
}

// inColour shows grey pictures to a network for colours. Names of parameters are
// those of the network alone.
type inColour struct{ nn.Module }

// Forward maps grey pixels (B, 1, H, W) to what the network says of them, three
// times over as (B, 3, H, W).
func (m *inColour) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Module.Forward(c, tensor.Concat(1, x, x, x))
}
