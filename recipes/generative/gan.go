package generative

import (
	"context"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// NewGAN returns two networks of linear layers. As in the paper, the
// discriminator has dropout, which keeps it from knowing the real images by
// heart; its maxout units are leaky ReLU here.
func NewGAN(init *nn.Init) *Adversaries {
	linear := func(in, out int) nn.Module { return nn.NewLinear(init, in, out) }
	leaky, drop := nn.LeakyReLU{Slope: 0.2}, nn.Dropout{P: 0.3}
	return &Adversaries{
		Generator: nn.Sequential{ // (B, 100)
			linear(noise, 256), leaky,
			linear(256, 512), leaky,
			linear(512, 28*28), nn.Tanh{},
			nn.Func(func(_ *nn.Context, x *tensor.Tensor) *tensor.Tensor { return x.Reshape(x.Dim(0), 1, 28, 28) }),
		},
		Discriminator: nn.Sequential{ // (B, 1, 28, 28)
			nn.Flatten{},
			linear(28*28, 512), leaky, drop,
			linear(512, 256), leaky, drop,
			linear(256, 1),
		},
	}
}

// GANRecipe trains them on digits.
var GANRecipe = recipe.Recipe{
	Name: "gan", Summary: "Two networks of linear layers play forger and expert, until the forger can write digits",
	Source: "Goodfellow et al., Generative Adversarial Nets, 2014 (arXiv 1406.2661)",
	Data:   "mnist", Expect: "a falling Fréchet distance, and all ten digits among the samples", Minutes: 5,
	Epochs: 50, BatchSize: 128, Rate: 2e-4,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error {
		return digits(ctx, s, match{name: "gan", new: NewGAN, samples: 10000, every: 500}.train)
	},
}
