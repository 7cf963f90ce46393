// Package models has the named image networks of the textbooks, layer for layer
// as their papers and torchvision have them, down to the names of the weights:
// a torchvision state dict saved as safetensors loads with [nn.Load]. Those that
// are called Small are our own, in the manner of the others, for images of 32 x 32
// pixels. It is not a store of weights; every network starts untrained.
package models

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// conv is a convolution without bias, as it stands before batch normalisation,
// drawn as He et al. propose (arXiv 1502.01852).
func conv(init *nn.Init, in, out, kernel, stride int) *nn.Conv2d {
	return nn.NewConv2d(init, in, out, kernel, nn.Stride(stride), nn.Padding(kernel/2), nn.NoBias(), nn.WithInit(nn.HeNormal))
}

// pool is max pooling with windows of 3 x 3 pixels, two apart.
func pool(x *tensor.Tensor, o tensor.PoolOptions) *tensor.Tensor {
	o.Stride = [2]int{2, 2}
	return x.MaxPool2d(3, o)
}
