package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// AlexNet is the one-column form of the network that won ImageNet in 2012
// (Krizhevsky, One weird trick for parallelizing convolutional neural networks,
// arXiv 1404.5997): 61,100,840 parameters with 1000 classes.
type AlexNet struct {
	Features   nn.Sequential
	Classifier nn.Sequential
}

// NewAlexNet returns the network.
func NewAlexNet(init *nn.Init, classes int) *AlexNet {
	small := func(in, out int) nn.Module { return nn.NewConv2d(init, in, out, 3, nn.Padding(1)) }
	halve := nn.MaxPool2d{Kernel: 3, Options: tensor.PoolOptions{Stride: [2]int{2, 2}}}
	return &AlexNet{
		Features: nn.Sequential{
			nn.NewConv2d(init, 3, 64, 11, nn.Stride(4), nn.Padding(2)), nn.ReLU{}, halve, // (B, 64, 27, 27)
			nn.NewConv2d(init, 64, 192, 5, nn.Padding(2)), nn.ReLU{}, halve, // (B, 192, 13, 13)
			small(192, 384), nn.ReLU{}, small(384, 256), nn.ReLU{}, small(256, 256), nn.ReLU{}, halve, // (B, 256, 6, 6)
		},
		Classifier: nn.Sequential{
			nn.Dropout{P: 0.5}, nn.NewLinear(init, 256*6*6, 4096), nn.ReLU{},
			nn.Dropout{P: 0.5}, nn.NewLinear(init, 4096, 4096), nn.ReLU{},
			nn.NewLinear(init, 4096, classes),
		},
	}
}

// Forward maps images (B, 3, H, W) of at least 63 pixels a side, as a rule 224,
// to logits (B, classes).
func (m *AlexNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Features.Forward(c, x).AdaptiveAvgPool2d(6, 6)
	return m.Classifier.Forward(c, x.Flatten(1))
}
