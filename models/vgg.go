package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// vgg16 lists the filters of VGG-16's convolutions; 0 halves the image.
var vgg16 = []int{64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}

// VGG is a network of 3x3 convolutions (Simonyan and Zisserman, arXiv 1409.1556).
type VGG struct {
	Features   nn.Sequential
	Classifier nn.Sequential
}

// NewVGG16 returns VGG-16, configuration D of the paper, for images of 224 x 224
// pixels: 138,357,544 parameters with 1000 classes.
func NewVGG16(init *nn.Init, classes int) *VGG {
	features, channels := vggFeatures(init, vgg16, false)
	return &VGG{
		Features: features,
		Classifier: nn.Sequential{
			nn.NewLinear(init, channels*7*7, 4096), nn.ReLU{}, nn.Dropout{P: 0.5},
			nn.NewLinear(init, 4096, 4096), nn.ReLU{}, nn.Dropout{P: 0.5},
			nn.NewLinear(init, 4096, classes),
		},
	}
}

// Forward maps images (B, 3, H, W) of at least 32 pixels a side to logits
// (B, classes).
func (m *VGG) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Features.Forward(c, x).AdaptiveAvgPool2d(7, 7)
	return m.Classifier.Forward(c, x.Flatten(1))
}

// vggFeatures returns convolutions with ReLU, with batch normalisation between the
// two if norm, and the number of channels they end with; 0 is max pooling.
func vggFeatures(init *nn.Init, filters []int, norm bool) (s nn.Sequential, channels int) {
	channels = 3
	for _, out := range filters {
		switch {
		case out == 0:
			s = append(s, nn.MaxPool2d{Kernel: 2})
			continue
		case norm:
			s = append(s, nn.NewConv2d(init, channels, out, 3, nn.Padding(1), nn.WithInit(nn.HeNormal)), nn.NewBatchNorm2d(out), nn.ReLU{})
		default:
			s = append(s, nn.NewConv2d(init, channels, out, 3, nn.Padding(1), nn.WithInit(nn.HeNormal)), nn.ReLU{})
		}
		channels = out
	}
	return s, channels
}

// NewVGGSmall returns a VGG for images of 32 x 32 pixels: the convolutions that
// filters lists, with batch normalisation, 0 for halving the image, and one
// linear layer on what is left. The filters must halve the image five times, to
// one pixel.
func NewVGGSmall(init *nn.Init, filters []int, classes int) nn.Sequential {
	s, channels := vggFeatures(init, filters, true)
	return append(s, nn.Flatten{}, nn.NewLinear(init, channels, classes))
}

// NewVGG16Small is NewVGGSmall with the convolutions of VGG-16: 14,728,266
// parameters with 10 classes.
func NewVGG16Small(init *nn.Init, classes int) nn.Sequential {
	return NewVGGSmall(init, vgg16, classes)
}
