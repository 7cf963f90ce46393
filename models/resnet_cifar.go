package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// ResNetCIFAR is a residual network for images of 32 x 32 pixels (section 4.2 of
// He et al., arXiv 1512.03385): a convolution, three stages of blocks with 16,
// 32 and 64 filters, or another width, and an average. Its shortcuts have no
// weights (option A).
type ResNetCIFAR struct {
	Conv1                  *nn.Conv2d
	BN1                    *nn.BatchNorm2d
	Layer1, Layer2, Layer3 nn.Sequential
	FC                     *nn.Linear
}

// NewResNet20 returns the network with 20 layers for images of a number of
// channels: 269,722 parameters with 3 channels and 10 classes.
func NewResNet20(init *nn.Init, channels, classes int) *ResNetCIFAR {
	return NewResNetCIFAR(init, channels, 16, 3, classes)
}

// NewResNet56 returns the network with 56 layers: 853,018 parameters.
func NewResNet56(init *nn.Init, channels, classes int) *ResNetCIFAR {
	return NewResNetCIFAR(init, channels, 16, 9, classes)
}

// NewResNetCIFAR returns a network of 6*blocks+2 layers, with blocks blocks in
// each stage and width filters in the first; every stage has twice the filters
// of the one before.
func NewResNetCIFAR(init *nn.Init, channels, width, blocks, classes int) *ResNetCIFAR {
	m := &ResNetCIFAR{Conv1: conv(init, channels, width, 3, 1), BN1: nn.NewBatchNorm2d(width)}
	in := width
	for i, stage := range []*nn.Sequential{&m.Layer1, &m.Layer2, &m.Layer3} {
		filters, stride := width<<i, min(i, 1)+1
		for range blocks {
			*stage = append(*stage, newPaddedBlock(init, in, filters, stride))
			in, stride = filters, 1
		}
	}
	m.FC = nn.NewLinear(init, in, classes)
	return m
}

// Forward maps images (B, channels, H, W) to logits (B, classes).
func (m *ResNetCIFAR) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.FC.Forward(c, m.Features(c, x))
}

// Features maps images (B, channels, H, W) to what the last layer reads: one
// average a filter (B, 4*width).
func (m *ResNetCIFAR) Features(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = nn.ConvNormReLU(c, m.Conv1, m.BN1, x) // (B, width, H, W)
	x = m.Layer1.Forward(c, x)                // (B, width, H, W)
	x = m.Layer2.Forward(c, x)                // (B, 2*width, H/2, W/2)
	x = m.Layer3.Forward(c, x)                // (B, 4*width, H/4, W/4)
	return x.Mean(2, 3)
}

// PaddedBlock is a [BasicBlock] whose shortcut, where the shapes differ, leaves
// out every other pixel and adds channels of zeros.
type PaddedBlock struct {
	Conv1, Conv2 *nn.Conv2d
	BN1          *nn.BatchNorm2d
	BN2          *nn.BatchNorm2d
	stride, grow int
}

func newPaddedBlock(init *nn.Init, in, filters, stride int) *PaddedBlock {
	return &PaddedBlock{
		Conv1: conv(init, in, filters, 3, stride), BN1: nn.NewBatchNorm2d(filters),
		Conv2: conv(init, filters, filters, 3, 1), BN2: nn.NewBatchNorm2d(filters),
		stride: stride, grow: filters - in,
	}
}

// Forward maps (B, in, H, W) to (B, filters, H/stride, W/stride).
func (m *PaddedBlock) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := nn.ConvNormReLU(c, m.Conv1, m.BN1, x)
	if m.stride != 1 {
		x = x.Slice(2, 0, x.Dim(2), m.stride).Slice(3, 0, x.Dim(3), m.stride)
	}
	if m.grow > 0 {
		x = x.Pad(0, [2]int{0, m.grow}, [2]int{}, [2]int{})
	}
	return nn.ConvNormAddReLU(c, m.Conv2, m.BN2, y, x)
}
