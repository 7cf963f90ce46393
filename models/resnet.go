package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// ResNet is a residual network for large images (He, Zhang, Ren and Sun, Deep
// residual learning for image recognition, arXiv 1512.03385).
type ResNet struct {
	Conv1          *nn.Conv2d
	BN1            *nn.BatchNorm2d
	Layer1, Layer2 nn.Sequential
	Layer3, Layer4 nn.Sequential
	FC             *nn.Linear
}

// NewResNet18 returns ResNet-18: 11,689,512 parameters with 1000 classes.
func NewResNet18(init *nn.Init, classes int) *ResNet {
	return newResNet(init, [4]int{2, 2, 2, 2}, newBasicBlock, 1, classes)
}

// NewResNet34 returns ResNet-34: 21,797,672 parameters with 1000 classes.
func NewResNet34(init *nn.Init, classes int) *ResNet {
	return newResNet(init, [4]int{3, 4, 6, 3}, newBasicBlock, 1, classes)
}

// NewResNet50 returns ResNet-50: 25,557,032 parameters with 1000 classes. As in
// torchvision the 3x3 convolution of a block has the stride, not the first 1x1.
func NewResNet50(init *nn.Init, classes int) *ResNet {
	return newResNet(init, [4]int{3, 4, 6, 3}, newBottleneck, 4, classes)
}

// newResNet makes stages of blocks with 64, 128, 256 and 512 filters, which a
// block's output has expansion times.
func newResNet(init *nn.Init, blocks [4]int, block func(init *nn.Init, in, filters, stride int) nn.Module, expansion, classes int) *ResNet {
	m := &ResNet{Conv1: conv(init, 3, 64, 7, 2), BN1: nn.NewBatchNorm2d(64)}
	in := 64
	for i, stage := range []*nn.Sequential{&m.Layer1, &m.Layer2, &m.Layer3, &m.Layer4} {
		filters, stride := 64<<i, min(i, 1)+1
		for range blocks[i] {
			*stage = append(*stage, block(init, in, filters, stride))
			in, stride = filters*expansion, 1
		}
	}
	m.FC = nn.NewLinear(init, in, classes)
	return m
}

// Forward maps images (B, 3, H, W), as a rule of 224 x 224 pixels, to logits
// (B, classes).
func (m *ResNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = pool(nn.ConvNormReLU(c, m.Conv1, m.BN1, x), tensor.PoolOptions{Padding: [2]int{1, 1}}) // (B, 64, H/4, W/4)
	x = m.Layer1.Forward(c, x)                                                                 // the same size
	x = m.Layer2.Forward(c, x)                                                                 // H/8
	x = m.Layer3.Forward(c, x)                                                                 // H/16
	x = m.Layer4.Forward(c, x)                                                                 // H/32
	return m.FC.Forward(c, x.Mean(2, 3))
}

// BasicBlock is two 3x3 convolutions with a shortcut around them.
type BasicBlock struct {
	Conv1, Conv2 *nn.Conv2d
	BN1          *nn.BatchNorm2d
	BN2          *nn.BatchNorm2d
	Downsample   nn.Sequential
}

func newBasicBlock(init *nn.Init, in, filters, stride int) nn.Module {
	return &BasicBlock{
		Conv1: conv(init, in, filters, 3, stride), BN1: nn.NewBatchNorm2d(filters),
		Conv2: conv(init, filters, filters, 3, 1), BN2: nn.NewBatchNorm2d(filters),
		Downsample: downsample(init, in, filters, stride),
	}
}

// downsample is the projection of a shortcut (option B of the paper); empty
// where the shapes agree.
func downsample(init *nn.Init, in, out, stride int) nn.Sequential {
	if in == out && stride == 1 {
		return nil
	}
	return nn.Sequential{conv(init, in, out, 1, stride), nn.NewBatchNorm2d(out)}
}

// Forward maps (B, in, H, W) to (B, filters, H/stride, W/stride).
func (m *BasicBlock) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := nn.ConvNormReLU(c, m.Conv1, m.BN1, x)
	return nn.ConvNormAddReLU(c, m.Conv2, m.BN2, y, m.Downsample.Forward(c, x))
}

// Bottleneck is a 1x1 convolution to few channels, a 3x3 and a 1x1 back to four
// times as many, with a shortcut around them.
type Bottleneck struct {
	Conv1, Conv2, Conv3 *nn.Conv2d
	BN1                 *nn.BatchNorm2d
	BN2                 *nn.BatchNorm2d
	BN3                 *nn.BatchNorm2d
	Downsample          nn.Sequential
}

func newBottleneck(init *nn.Init, in, filters, stride int) nn.Module {
	return &Bottleneck{
		Conv1: conv(init, in, filters, 1, 1), BN1: nn.NewBatchNorm2d(filters),
		Conv2: conv(init, filters, filters, 3, stride), BN2: nn.NewBatchNorm2d(filters),
		Conv3: conv(init, filters, 4*filters, 1, 1), BN3: nn.NewBatchNorm2d(4 * filters),
		Downsample: downsample(init, in, 4*filters, stride),
	}
}

// Forward maps (B, in, H, W) to (B, 4*filters, H/stride, W/stride).
func (m *Bottleneck) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := nn.ConvNormReLU(c, m.Conv1, m.BN1, x)
	y = nn.ConvNormReLU(c, m.Conv2, m.BN2, y)
	return nn.ConvNormAddReLU(c, m.Conv3, m.BN3, y, m.Downsample.Forward(c, x))
}
