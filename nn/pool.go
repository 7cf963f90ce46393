package nn

import "github.com/hadal-ml/hadal/tensor"

// MaxPool2d takes the largest element of each window.
type MaxPool2d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, H, W) to (N, C, OH, OW).
func (p MaxPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.MaxPool2d(p.Kernel, p.Options))
}
