package generative

import (
	"context"

	"github.com/hadal-ml/hadal/datasets/fashionmnist"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// NewDCGAN returns two convolutional networks, mirror images of each other, by
// the guidelines of Radford et al.: strides in place of pooling, batch
// normalisation but for the generator's output and the discriminator's input,
// ReLU in one and leaky ReLU in the other, weights that begin with a standard
// deviation of 0.02. Images of 28x28 need two doublings of 7x7, where the
// paper's of 64x64 have four of 4x4.
func NewDCGAN(init *nn.Init) *Adversaries {
	start := nn.WithInit(nn.Normal(0, 0.02))
	up := func(in, out, kernel int, list ...nn.Option) nn.Module {
		return nn.NewConvTranspose2d(init, in, out, kernel, append(list, start)...)
	}
	down := func(in, out int, list ...nn.Option) nn.Module {
		return nn.NewConv2d(init, in, out, 4, append(list, nn.Stride(2), nn.Padding(1), start)...)
	}
	leaky := nn.LeakyReLU{Slope: 0.2}
	return &Adversaries{
		Generator: nn.Sequential{
			nn.Func(func(_ *nn.Context, z *tensor.Tensor) *tensor.Tensor { return z.Reshape(z.Dim(0), noise, 1, 1) }),
			up(noise, 128, 7, nn.NoBias()), nn.NewBatchNorm2d(128), nn.ReLU{}, // (B, 128, 7, 7)
			up(128, 64, 4, nn.Stride(2), nn.Padding(1), nn.NoBias()), nn.NewBatchNorm2d(64), nn.ReLU{}, // (B, 64, 14, 14)
			up(64, 1, 4, nn.Stride(2), nn.Padding(1)), nn.Tanh{}, // (B, 1, 28, 28)
		},
		Discriminator: nn.Sequential{
			down(1, 64), leaky, // (B, 64, 14, 14)
			down(64, 128, nn.NoBias()), nn.NewBatchNorm2d(128), leaky, // (B, 128, 7, 7)
			nn.Flatten{}, nn.NewLinear(init, 128*7*7, 1, start),
		},
	}
}

const dcganSource = "Radford, Metz and Chintala, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks, 2015 (arXiv 1511.06434)"

// DCGANRecipe trains them on digits.
var DCGANRecipe = recipe.Recipe{
	Name: "dcgan", Summary: "A generator of convolutions, taught by a discriminator of convolutions, writes digits",
	Source: dcganSource,
	Data:   "mnist", Expect: "a falling Fréchet distance, and all ten digits among the samples", Minutes: 6,
	Epochs: 5, BatchSize: 64, Rate: 2e-4,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error {
		return digits(ctx, s, match{name: "dcgan", new: NewDCGAN, samples: 10000, every: 500}.train)
	},
}

// DCGANFashionRecipe trains the same networks on clothes.
var DCGANFashionRecipe = recipe.Recipe{
	Name: "dcgan-fashion", Summary: "The networks of dcgan design clothes",
	Source: dcganSource,
	Data:   "fashion-mnist", Expect: "a falling Fréchet distance, and all ten classes among the samples", Minutes: 6,
	Epochs: 5, BatchSize: 64, Rate: 2e-4,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error {
		train, test, err := fashionmnist.Load()
		if err != nil {
			return err
		}
		learn, judged, err := s.Sets(train, test)
		if err != nil {
			return err
		}
		return match{name: "dcgan-fashion", new: NewDCGAN, samples: 10000, every: 500}.train(ctx, s, learn, judged)
	},
}
