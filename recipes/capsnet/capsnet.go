// Package capsnet has the recipe of the network of capsules: digits are read by
// parts that agree on a whole (Sabour, Frosst and Hinton, Dynamic Routing Between
// Capsules, 2017, arXiv 1710.09829). The layers are those of package nn.
package capsnet

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Sizes that all variants share.
const (
	classes     = 10
	side        = 28 // of an image, in pixels
	primarySize = 8  // numbers in a capsule of the lower layer
	digitSize   = 16 // numbers in the capsule of a digit
)

// CapsNet reads digits. Two convolutions find parts, whose poses are the primary
// capsules; these are routed to one capsule a digit, whose length says how likely
// it is that the digit is there, and whose 16 numbers how it is written. A decoder
// draws the digit from those numbers alone, so they have to tell all about it.
type CapsNet struct {
	Conv    *nn.Conv2d
	Primary *nn.PrimaryCapsules
	Digits  *nn.Capsules
	Decoder nn.Sequential
}

// New returns the network with a number of filters in the first layer and types
// of primary capsules; the paper has 256 and 32.
func New(init *nn.Init, filters, types int) *CapsNet {
	return &CapsNet{
		Conv:    nn.NewConv2d(init, 1, filters, 9),
		Primary: nn.NewPrimaryCapsules(init, filters, types, primarySize, 9, nn.Stride(2)),
		Digits:  nn.NewCapsules(init, types*6*6, primarySize, classes, digitSize),
		Decoder: nn.Sequential{
			nn.NewLinear(init, classes*digitSize, 512), nn.ReLU{},
			nn.NewLinear(init, 512, 1024), nn.ReLU{},
			nn.NewLinear(init, 1024, side*side), nn.Sigmoid{},
		},
	}
}

// Capsules maps images (B, 1, 28, 28) to the capsules of the digits (B, 10, 16).
func (m *CapsNet) Capsules(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Conv.ForwardReLU(c, x)  // (B, filters, 20, 20)
	x = m.Primary.Forward(c, x)   // (B, types*6*6, 8)
	return m.Digits.Forward(c, x) // (B, 10, 16)
}

// Forward maps images (B, 1, 28, 28) to the lengths of the capsules (B, 10).
func (m *CapsNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Capsules(c, x).Norm(2, 2)
}

// Reconstruct draws images (B, 1, 28, 28) from the capsules (B, 10, 16) of the
// digits that they show (B): the other capsules are set to zero.
func (m *CapsNet) Reconstruct(c *nn.Context, capsules, digits *tensor.Tensor) *tensor.Tensor {
	mask := digits.OneHot(classes, capsules.DType()).Unsqueeze(2) // (B, 10, 1)
	return m.Decoder.Forward(c, capsules.Mul(mask).Flatten(1)).Reshape(-1, 1, side, side)
}

// reconstructionWeight scales the squared error, summed over the pixels of an
// image, down to what does not outweigh the margin loss.
const reconstructionWeight = 0.0005

// Loss is the margin loss of the capsules (B, 10, 16) of images (B, 1, 28, 28)
// that show digits (B), plus the error of the images drawn from them.
func (m *CapsNet) Loss(c *nn.Context, images, capsules, digits *tensor.Tensor) *tensor.Tensor {
	drawn := m.Reconstruct(c, capsules, digits)
	return nn.CapsuleMargin(capsules.Norm(2, 2), digits).Add(nn.MSE(drawn, images).MulScalar(reconstructionWeight * side * side))
}
