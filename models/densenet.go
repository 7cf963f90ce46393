package models

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// DenseNet is a network in which every layer of a block sees the outputs of all
// layers before it (Huang, Liu, van der Maaten and Weinberger, Densely connected
// convolutional networks, arXiv 1608.06993).
type DenseNet struct {
	Features   *denseFeatures
	Classifier *nn.Linear
}

type denseFeatures struct {
	Conv0       *nn.Conv2d
	Norm0       *nn.BatchNorm2d // nil in networks for small images
	Blocks      []*DenseBlock   `nn:"denseblock%d"`
	Transitions []*Transition   `nn:"transition%d"`
	Norm        *nn.BatchNorm2d `nn:"norm5"`
}

// NewDenseNet121 returns DenseNet-121 for images of 224 x 224 pixels: 7,978,856
// parameters with 1000 classes.
func NewDenseNet121(init *nn.Init, classes int) *DenseNet {
	f := &denseFeatures{Conv0: conv(init, 3, 64, 7, 2), Norm0: nn.NewBatchNorm2d(64)}
	return newDenseNet(init, f, 64, 32, []int{6, 12, 24, 16}, classes)
}

// NewDenseNetBC returns a DenseNet with bottlenecks and compression for images
// of 32 x 32 pixels: three blocks of equally many layers, each adding growth
// channels; depth counts all convolutions and the linear layer, and is 4 more than
// a multiple of 6. Depth 100 and growth 12 have 769,162 parameters with 10 classes.
func NewDenseNetBC(init *nn.Init, depth, growth, classes int) *DenseNet {
	layers := (depth - 4) / 6 // of two convolutions, in each of three blocks
	if layers < 1 || depth != 6*layers+4 {
		panic(fmt.Sprintf("models: a DenseNet-BC cannot have a depth of %d; give 4 more than a multiple of 6, such as 40 or 100", depth))
	}
	f := &denseFeatures{Conv0: conv(init, 3, 2*growth, 3, 1)}
	return newDenseNet(init, f, 2*growth, growth, []int{layers, layers, layers}, classes)
}

// NewDenseNetSmall returns the same network with growth 16 and most of its layers
// where they cost least, at the smaller images: blocks of 2, 5 and 8 layers, 34
// layers with weights in all; 237,450 parameters with 10 classes.
func NewDenseNetSmall(init *nn.Init, classes int) *DenseNet {
	const growth = 16
	f := &denseFeatures{Conv0: conv(init, 3, 2*growth, 3, 1)}
	return newDenseNet(init, f, 2*growth, growth, []int{2, 5, 8}, classes)
}

func newDenseNet(init *nn.Init, f *denseFeatures, channels, growth int, blocks []int, classes int) *DenseNet {
	for i, layers := range blocks {
		block := &DenseBlock{}
		for range layers {
			block.Layers = append(block.Layers, newDenseLayer(init, channels, growth))
			channels += growth
		}
		f.Blocks = append(f.Blocks, block)
		if i < len(blocks)-1 {
			f.Transitions = append(f.Transitions, &Transition{nn.NewBatchNorm2d(channels), conv(init, channels, channels/2, 1, 1)})
			channels /= 2
		}
	}
	f.Norm = nn.NewBatchNorm2d(channels)
	return &DenseNet{f, nn.NewLinear(init, channels, classes)}
}

// Forward maps images (B, 3, H, W) to logits (B, classes).
func (m *DenseNet) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	f := m.Features
	x = f.Conv0.Forward(c, x)
	if f.Norm0 != nil {
		x = pool(f.Norm0.ForwardReLU(c, x), tensor.PoolOptions{Padding: [2]int{1, 1}})
	}
	for i, block := range f.Blocks {
		x = block.Forward(c, x)
		if i < len(f.Transitions) {
			x = f.Transitions[i].Forward(c, x)
		}
	}
	x = f.Norm.ForwardReLU(c, x)
	return m.Classifier.Forward(c, x.Mean(2, 3))
}

// DenseBlock is a row of layers, each of which adds its channels to what all
// before it have made.
type DenseBlock struct {
	Layers []*DenseLayer `nn:"denselayer%d"`
}

// Forward maps (B, in, H, W) to (B, in + layers*growth, H, W).
func (m *DenseBlock) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	for _, layer := range m.Layers {
		x = tensor.Concat(1, x, layer.Forward(c, x))
	}
	return x
}

// DenseLayer is a 1x1 convolution to four times growth channels and a 3x3
// convolution to growth channels, each after batch normalisation and ReLU.
type DenseLayer struct {
	Norm1 *nn.BatchNorm2d
	Conv1 *nn.Conv2d
	Norm2 *nn.BatchNorm2d
	Conv2 *nn.Conv2d
}

func newDenseLayer(init *nn.Init, in, growth int) *DenseLayer {
	return &DenseLayer{
		nn.NewBatchNorm2d(in), conv(init, in, 4*growth, 1, 1),
		nn.NewBatchNorm2d(4 * growth), conv(init, 4*growth, growth, 3, 1),
	}
}

// Forward maps (B, in, H, W) to the new channels (B, growth, H, W).
func (m *DenseLayer) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = nn.ConvNormReLU(c, m.Conv1, m.Norm2, m.Norm1.ForwardReLU(c, x))
	return m.Conv2.Forward(c, x)
}

// Transition halves the channels and the image between two blocks.
type Transition struct {
	Norm *nn.BatchNorm2d
	Conv *nn.Conv2d
}

// Forward maps (B, in, H, W) to (B, in/2, H/2, W/2).
func (m *Transition) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Conv.Forward(c, m.Norm.ForwardReLU(c, x)).AvgPool2d(2)
}
