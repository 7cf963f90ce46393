package digits

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// DeepConvNet is the network of chapter 8 of Deep Learning from Scratch: six
// 3x3 convolutions in three pairs, each pair followed by pooling, then two
// affine layers with dropout. The book puts dropout behind the last one too.
type DeepConvNet struct {
	Conv1, Conv2, Conv3, Conv4, Conv5, Conv6 *nn.Conv2d
	Affine1, Affine2                         *nn.Linear
}

// NewDeepConvNet returns the network with He initialisation and biases of zero.
func NewDeepConvNet(init *nn.Init) *DeepConvNet {
	conv := func(in, out, padding int) *nn.Conv2d {
		return nn.NewConv2d(init, in, out, 3, nn.Padding(padding), nn.WithInit(nn.HeNormal), nn.WithBiasInit(nn.Zeros))
	}
	affine := func(in, out int) *nn.Linear {
		return nn.NewLinear(init, in, out, nn.WithInit(nn.HeNormal), nn.WithBiasInit(nn.Zeros))
	}
	return &DeepConvNet{
		Conv1: conv(1, 16, 1), Conv2: conv(16, 16, 1),
		Conv3: conv(16, 32, 1), Conv4: conv(32, 32, 2),
		Conv5: conv(32, 64, 1), Conv6: conv(64, 64, 1),
		Affine1: affine(64*4*4, 50), Affine2: affine(50, 10),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *DeepConvNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Conv2.ForwardReLU(c, m.Conv1.ForwardReLU(c, x)).MaxPool2d(2) // (B, 16, 14, 14)
	x = m.Conv4.ForwardReLU(c, m.Conv3.ForwardReLU(c, x)).MaxPool2d(2) // (B, 32, 8, 8)
	x = m.Conv6.ForwardReLU(c, m.Conv5.ForwardReLU(c, x)).MaxPool2d(2) // (B, 64, 4, 4)
	x = dropHalf(c, m.Affine1.ForwardReLU(c, x.Flatten(1)))            // (B, 50)
	return dropHalf(c, m.Affine2.Forward(c, x))                        // (B, 10)
}

// dropHalf is the dropout of the book (section 6.4.3): it leaves what it keeps
// as it is in training, and halves everything in use. nn.Dropout doubles what it
// keeps in training instead. The two agree but for the scale, which under Adam
// is a matter of the learning rate: here the last two layers learn more finely.
func dropHalf(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return nn.Dropout{P: 0.5}.Forward(c, x).MulScalar(0.5)
}

// DeepConvNetRecipe trains it as the book does.
var DeepConvNetRecipe = recipe.Recipe{
	Name: "deepconvnet", Summary: "The deep CNN of Deep Learning from Scratch, to the letter, reads digits",
	Source: "Saitoh, Deep Learning from Scratch, ch. 8",
	Data:   "mnist", Expect: "99.3 to 99.5% of the test digits", Minutes: 7,
	Epochs: 20, BatchSize: 100, Rate: 1e-3,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewDeepConvNet(init) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.Adam(rate)
	},
}
