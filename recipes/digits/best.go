package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// Best is a member of the ensemble that reads digits best: five 3x3
// convolutions with batch normalisation, two between one pooling and the next
// where the images are small, and one linear layer behind a little dropout.
type Best struct {
	Conv1, Conv2, Conv3, Conv4, Conv5 *nn.Conv2d
	Norm1, Norm2, Norm3, Norm4, Norm5 *nn.BatchNorm2d
	Drop                              nn.Dropout
	Out                               *nn.Linear
}

// NewBest returns the network; width is the number of filters of the first layer.
func NewBest(init *nn.Init, width int) *Best {
	conv := func(in, out int) (*nn.Conv2d, *nn.BatchNorm2d) {
		return nn.NewConv2d(init, in, out, 3, nn.Padding(1), nn.NoBias(), nn.WithInit(nn.HeNormal)), nn.NewBatchNorm2d(out)
	}
	m := &Best{Drop: nn.Dropout{P: 0.2}}
	m.Conv1, m.Norm1 = conv(1, width)
	m.Conv2, m.Norm2 = conv(width, 2*width)
	m.Conv3, m.Norm3 = conv(2*width, 2*width)
	m.Conv4, m.Norm4 = conv(2*width, 4*width)
	m.Conv5, m.Norm5 = conv(4*width, 4*width)
	m.Out = nn.NewLinear(init, 4*width*3*3, 10)
	return m
}

// Forward maps digits (B, 1, 28, 28) to logits (B, 10).
func (m *Best) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Norm1.ForwardReLU(c, m.Conv1.Forward(c, x)).MaxPool2d(2) // (B, w, 14, 14)
	x = m.Norm2.ForwardReLU(c, m.Conv2.Forward(c, x))              // (B, 2w, 14, 14)
	x = m.Norm3.ForwardReLU(c, m.Conv3.Forward(c, x)).MaxPool2d(2) // (B, 2w, 7, 7)
	x = m.Norm4.ForwardReLU(c, m.Conv4.Forward(c, x))              // (B, 4w, 7, 7)
	x = m.Norm5.ForwardReLU(c, m.Conv5.Forward(c, x)).MaxPool2d(2) // (B, 4w, 3, 3)
	return m.Out.Forward(c, m.Drop.Forward(c, x.Flatten(1)))       // (B, 10)
}

// fiveViews are a digit as it stands and moved by a pixel to each side.
func fiveViews(x *tensor.Tensor) []*tensor.Tensor {
	moved := func(down, right int) *tensor.Tensor { return x.Pad(0, [2]int{down, -down}, [2]int{right, -right}) }
	return []*tensor.Tensor{x, moved(1, 0), moved(-1, 0), moved(0, 1), moved(0, -1)}
}

// BestRecipe trains what the book names for going past 99.38%: augmentation,
// learning-rate decay, and an ensemble, whose networks look at each digit five
// times. Its settings were chosen on samples held out of the training set.
var BestRecipe = recipe.Recipe{
	Name: "mnist-best", Summary: "An ensemble with augmentation and learning-rate decay reads digits",
	Source: "Saitoh, Deep Learning from Scratch, ch. 8.1.2; An et al., An ensemble of simple convolutional neural network models for MNIST digit recognition, 2020",
	Data:   "mnist", Expect: "99.7% of the test digits", Minutes: 25,
	Epochs: 12, BatchSize: 125, Rate: 1e-2, Members: 5,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewBest(init, 24) },
	Views: fiveViews,
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.AdamW(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
		cfg.Transform = data.Warp{Rotate: 10, Shear: 6, Zoom: 0.1, Translate: 2}
	},
}
