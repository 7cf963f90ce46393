package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// GoogLeNet is the first Inception network (Szegedy et al., Going deeper with
// convolutions, arXiv 1409.4842) with batch normalisation and without the
// auxiliary heads: 6,624,904 parameters with 1000 classes. As in torchvision the
// third branch of a block has 3x3 convolutions where the paper has 5x5.
type GoogLeNet struct {
	Conv1, Conv2, Conv3 *convNormReLU
	Inception3a         *Inception
	Inception3b         *Inception
	Inception4a         *Inception
	Inception4b         *Inception
	Inception4c         *Inception
	Inception4d         *Inception
	Inception4e         *Inception
	Inception5a         *Inception
	Inception5b         *Inception
	Dropout             nn.Dropout
	FC                  *nn.Linear
}

// NewGoogLeNet returns the network.
func NewGoogLeNet(init *nn.Init, classes int) *GoogLeNet {
	return &GoogLeNet{
		Conv1:       newConvNormReLU(init, 3, 64, 7, 2),
		Conv2:       newConvNormReLU(init, 64, 64, 1, 1),
		Conv3:       newConvNormReLU(init, 64, 192, 3, 1),
		Inception3a: NewInception(init, 192, 64, 96, 128, 16, 32, 32),
		Inception3b: NewInception(init, 256, 128, 128, 192, 32, 96, 64),
		Inception4a: NewInception(init, 480, 192, 96, 208, 16, 48, 64),
		Inception4b: NewInception(init, 512, 160, 112, 224, 24, 64, 64),
		Inception4c: NewInception(init, 512, 128, 128, 256, 24, 64, 64),
		Inception4d: NewInception(init, 512, 112, 144, 288, 32, 64, 64),
		Inception4e: NewInception(init, 528, 256, 160, 320, 32, 128, 128),
		Inception5a: NewInception(init, 832, 256, 160, 320, 32, 128, 128),
		Inception5b: NewInception(init, 832, 384, 192, 384, 48, 128, 128),
		Dropout:     nn.Dropout{P: 0.2},
		FC:          nn.NewLinear(init, 1024, classes),
	}
}

// Forward maps images (B, 3, 224, 224) to logits (B, classes).
func (m *GoogLeNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	up := tensor.PoolOptions{Ceil: true}
	x = pool(m.Conv1.Forward(c, x), up)                        // (B, 64, 56, 56)
	x = pool(m.Conv3.Forward(c, m.Conv2.Forward(c, x)), up)    // (B, 192, 28, 28)
	x = m.Inception3b.Forward(c, m.Inception3a.Forward(c, x))  // (B, 480, 28, 28)
	x = m.Inception4a.Forward(c, pool(x, up))                  // (B, 512, 14, 14)
	x = m.Inception4c.Forward(c, m.Inception4b.Forward(c, x))  // (B, 512, 14, 14)
	x = m.Inception4e.Forward(c, m.Inception4d.Forward(c, x))  // (B, 832, 14, 14)
	x = m.Inception5a.Forward(c, x.MaxPool2d(2, up))           // (B, 832, 7, 7)
	x = m.Inception5b.Forward(c, x)                            // (B, 1024, 7, 7)
	return m.FC.Forward(c, m.Dropout.Forward(c, x.Mean(2, 3))) // (B, classes)
}

// GoogLeNetSmall is the same idea for images of 32 x 32 pixels: one convolution
// and five blocks, one for the whole image and two at each of two smaller sizes.
type GoogLeNetSmall struct {
	Conv1       *convNormReLU
	Inception3  *Inception
	Inception4a *Inception
	Inception4b *Inception
	Inception5a *Inception
	Inception5b *Inception
	FC          *nn.Linear
}

// NewGoogLeNetSmall returns the network: 377,818 parameters with 10 classes.
func NewGoogLeNetSmall(init *nn.Init, classes int) *GoogLeNetSmall {
	return &GoogLeNetSmall{
		Conv1:       newConvNormReLU(init, 3, 32, 3, 1),
		Inception3:  NewInception(init, 32, 16, 16, 24, 8, 8, 16),
		Inception4a: NewInception(init, 64, 48, 32, 64, 16, 24, 24),
		Inception4b: NewInception(init, 160, 48, 48, 80, 16, 32, 32),
		Inception5a: NewInception(init, 192, 64, 64, 128, 24, 48, 48),
		Inception5b: NewInception(init, 288, 96, 64, 128, 24, 48, 48),
		FC:          nn.NewLinear(init, 320, classes),
	}
}

// Forward maps images (B, 3, H, W) to logits (B, classes).
func (m *GoogLeNetSmall) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Conv1.Forward(c, x)                                              // (B, 32, H, W)
	x = m.Inception3.Forward(c, x)                                         // (B, 64, H, W)
	x = m.Inception4b.Forward(c, m.Inception4a.Forward(c, x.MaxPool2d(2))) // (B, 192, H/2, W/2)
	x = m.Inception5b.Forward(c, m.Inception5a.Forward(c, x.MaxPool2d(2))) // (B, 320, H/4, W/4)
	return m.FC.Forward(c, x.Mean(2, 3))                                   // (B, classes)
}

// Inception looks at an image through windows of several sizes at once and
// joins what they see along the channels. The 1x1 convolutions before the large
// windows make few channels of many.
type Inception struct {
	Branch1 *convNormReLU
	Branch2 []*convNormReLU
	Branch3 []*convNormReLU
	Branch4 poolBranch
}

// poolBranch is the branch that pools first; its only weights are numbered 1,
// because the pooling is number 0.
type poolBranch struct {
	Project *convNormReLU `nn:"1"`
}

// NewInception returns a block for in channels that gives one + three + five +
// pooled channels; reduce3 and reduce5 is what the 1x1 convolutions leave.
func NewInception(init *nn.Init, in, one, reduce3, three, reduce5, five, pooled int) *Inception {
	return &Inception{
		Branch1: newConvNormReLU(init, in, one, 1, 1),
		Branch2: []*convNormReLU{newConvNormReLU(init, in, reduce3, 1, 1), newConvNormReLU(init, reduce3, three, 3, 1)},
		Branch3: []*convNormReLU{newConvNormReLU(init, in, reduce5, 1, 1), newConvNormReLU(init, reduce5, five, 3, 1)},
		Branch4: poolBranch{newConvNormReLU(init, in, pooled, 1, 1)},
	}
}

// Forward maps (B, in, H, W) to (B, one+three+five+pooled, H, W).
func (m *Inception) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	around := tensor.PoolOptions{Stride: [2]int{1, 1}, Padding: [2]int{1, 1}}
	return tensor.Concat(1,
		m.Branch1.Forward(c, x),
		m.Branch2[1].Forward(c, m.Branch2[0].Forward(c, x)),
		m.Branch3[1].Forward(c, m.Branch3[0].Forward(c, x)),
		m.Branch4.Project.Forward(c, x.MaxPool2d(3, around)))
}

// convNormReLU is a convolution, batch normalisation and ReLU.
type convNormReLU struct {
	Conv *nn.Conv2d
	BN   *nn.BatchNorm2d
}

func newConvNormReLU(init *nn.Init, in, out, kernel, stride int) *convNormReLU {
	return &convNormReLU{conv(init, in, out, kernel, stride), nn.NewBatchNorm2d(out, nn.Eps(1e-3))}
}

func (m *convNormReLU) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return nn.ConvNormReLU(c, m.Conv, m.BN, x)
}
