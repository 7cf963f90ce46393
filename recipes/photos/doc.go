// Package photos has the recipes that name what is on small photographs: the
// colour ones of CIFAR-10 and the grey ones of clothes in Fashion-MNIST. Their
// networks are those of package models, made for images of this size.
package photos

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/cifar10"
	"github.com/hadal-ml/hadal/datasets/fashionmnist"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

const classes = 10 // of either data set

func loadCIFAR() (train, test data.Dataset, err error) {
	learn, judge, err := cifar10.Load()
	if err != nil {
		return nil, nil, err
	}
	return learn, judge, nil
}

func loadFashion() (train, test data.Dataset, err error) {
	learn, judge, err := fashionmnist.Load()
	if err != nil {
		return nil, nil, err
	}
	return learn, judge, nil
}

var (
	colour = &recipe.ImageInput{Height: cifar10.Side, Width: cifar10.Side, Channels: 3}
	grey   = &recipe.ImageInput{Height: fashionmnist.Side, Width: fashionmnist.Side, Channels: 1}
)

// Normalized is a network behind a step that brings each channel of pixels in
// 0..1 to mean 0 and standard deviation 1. It stands in the model and not in the
// data, so that whoever shows a picture to the trained model need not know of it.
// Names of parameters are those of the network alone.
type Normalized struct {
	nn.Module
	scale, shift *tensor.Tensor // (C)
}

// NewNormalized puts the step before a network. mean and std are those of the
// channels over the training images.
func NewNormalized(mean, std []float32, network nn.Module) *Normalized {
	scale, shift := make([]float32, len(mean)), make([]float32, len(mean))
	for c := range mean {
		scale[c], shift[c] = 1/std[c], -mean[c]/std[c]
	}
	return &Normalized{network, tensor.FromSlice(scale), tensor.FromSlice(shift)}
}

// Forward maps pixels (B, C, H, W) to what the network says of them.
func (m *Normalized) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Module.Forward(c, tensor.ScaleShift(x, m.scale.To(x.DType()), m.shift.To(x.DType())))
}

// ofCIFAR and ofFashion are networks for the pixels of either set.
func ofCIFAR(network nn.Module) nn.Module {
	return NewNormalized(cifar10.Mean, cifar10.Std, network)
}

func ofFashion(network nn.Module) nn.Module {
	return NewNormalized([]float32{fashionMean}, []float32{fashionStd}, network)
}

// Mean and standard deviation of the training pictures of Fashion-MNIST.
const fashionMean, fashionStd = 0.2860, 0.3530

// shifted is the augmentation of the residual and the dense networks' papers: a
// shift by up to four pixels and a coin toss for the mirror image.
var shifted = data.Compose(data.PadCrop(4), data.Mirror())
