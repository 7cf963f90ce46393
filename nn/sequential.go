package nn

import "github.com/hadal-ml/hadal/tensor"

// Sequential applies modules one after the other. Its parameters are named by
// position: 0.weight.
type Sequential []Module

// fusesReLU is a layer that applies ReLU to its output without another pass
// over memory.
type fusesReLU interface {
	ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor
}

// Forward applies the modules in order. A layer and the ReLU behind it are one
// operation.
func (s Sequential) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	for i := 0; i < len(s); i++ {
		if layer, ok := s[i].(fusesReLU); ok && i+1 < len(s) {
			if _, ok := s[i+1].(ReLU); ok {
				x = layer.ForwardReLU(c, x)
				i++
				continue
			}
		}
		x = s[i].Forward(c, x)
	}
	return x
}

// ReLU is max(x, 0).
type ReLU struct{}

// Forward applies the function to every element.
func (ReLU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return x.ReLU() }

// MaxPool2d takes the largest element of each window.
type MaxPool2d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, H, W) to (N, C, OH, OW).
func (p MaxPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return x.MaxPool2d(p.Kernel, p.Options)
}

// Flatten merges all axes but the first.
type Flatten struct{}

// Forward maps (N, ...) to (N, -1).
func (Flatten) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return x.Flatten(1) }

// Dropout zeroes elements with probability P while training and scales up the rest.
type Dropout struct{ P float64 }

// Forward keeps the shape.
func (d Dropout) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if !c.training {
		return x
	}
	return x.Dropout(d.P, c.rand)
}
