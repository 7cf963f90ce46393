package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// LeNet is LeNet-5 for 28x28 digits (LeCun, Bottou, Bengio and Haffner,
// Gradient-based learning applied to document recognition, 1998) as it is taught
// today, with ReLU and maximum pooling, a second convolution that sees all maps of
// the first, and a linear layer at the end: 61,706 parameters with 10 classes.
type LeNet struct {
	Conv1, Conv2  *nn.Conv2d
	FC1, FC2, FC3 *nn.Linear
}

// NewLeNet returns the network.
func NewLeNet(init *nn.Init, classes int) *LeNet {
	return &LeNet{
		Conv1: nn.NewConv2d(init, 1, 6, 5, nn.Padding(2)),
		Conv2: nn.NewConv2d(init, 6, 16, 5),
		FC1:   nn.NewLinear(init, 16*5*5, 120),
		FC2:   nn.NewLinear(init, 120, 84),
		FC3:   nn.NewLinear(init, 84, classes),
	}
}

// Forward maps digits (B, 1, 28, 28) to logits (B, classes).
func (m *LeNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.FC3.Forward(c, m.Features(c, x))
}

// Features maps digits (B, 1, 28, 28) to the 84 values (B, 84) that the last
// layer reads.
func (m *LeNet) Features(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Conv1.ForwardReLU(c, x).MaxPool2d(2) // (B, 6, 14, 14)
	x = m.Conv2.ForwardReLU(c, x).MaxPool2d(2) // (B, 16, 5, 5)
	x = m.FC1.ForwardReLU(c, x.Flatten(1))     // (B, 120)
	return m.FC2.ForwardReLU(c, x)             // (B, 84)
}
