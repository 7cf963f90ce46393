package nn

import "github.com/hadal-ml/hadal/tensor"

// MaxPool2d takes the largest element of each window. Without options the
// windows lie side by side.
type MaxPool2d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, H, W) to (N, C, OH, OW).
func (p MaxPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.MaxPool2d(p.Kernel, p.Options))
}

// MaxPool1d takes the largest element of each stretch. Of the options the
// second number of each pair counts.
type MaxPool1d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, L) to (N, C, OL).
func (p MaxPool1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.MaxPool1d(p.Kernel, p.Options))
}

// AvgPool2d averages each window. Without options the windows lie side by side.
type AvgPool2d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, H, W) to (N, C, OH, OW).
func (p AvgPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AvgPool2d(p.Kernel, p.Options))
}

// AvgPool1d averages each stretch. Of the options the second number of each
// pair counts.
type AvgPool1d struct {
	Kernel  int
	Options tensor.PoolOptions
}

// Forward maps (N, C, L) to (N, C, OL).
func (p AvgPool1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AvgPool1d(p.Kernel, p.Options))
}

// AdaptiveAvgPool2d averages images over H times W bins, whatever their size.
type AdaptiveAvgPool2d struct{ H, W int }

// Forward maps (N, C, any, any) to (N, C, H, W).
func (p AdaptiveAvgPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AdaptiveAvgPool2d(p.H, p.W))
}

// AdaptiveMaxPool2d takes the largest element of each of H times W bins.
type AdaptiveMaxPool2d struct{ H, W int }

// Forward maps (N, C, any, any) to (N, C, H, W).
func (p AdaptiveMaxPool2d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AdaptiveMaxPool2d(p.H, p.W))
}

// AdaptiveAvgPool1d averages sequences over L bins, whatever their length.
type AdaptiveAvgPool1d struct{ L int }

// Forward maps (N, C, any) to (N, C, L).
func (p AdaptiveAvgPool1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AdaptiveAvgPool1d(p.L))
}

// AdaptiveMaxPool1d takes the largest element of each of L bins.
type AdaptiveMaxPool1d struct{ L int }

// Forward maps (N, C, any) to (N, C, L).
func (p AdaptiveMaxPool1d) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(p, x, x.AdaptiveMaxPool1d(p.L))
}

// GlobalAvgPool averages each channel over all positions (Lin et al., arXiv
// 1312.4400).
type GlobalAvgPool struct{}

// Forward maps (N, C, ...) to (N, C).
func (p GlobalAvgPool) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if x.NDim() < 3 {
		misfit("global_avg_pool", "needs (N, C, ...) with positions", x)
	}
	return c.did(p, x, x.Mean(axesFrom(2, x.NDim())...))
}

// Upsample makes images Scale times as high and wide, by repeating pixels or,
// if Bilinear, by linear interpolation.
type Upsample struct {
	Scale        int
	Bilinear     bool
	AlignCorners bool // bilinear: the centres of the corner pixels stay in place
}

// Forward maps (N, C, H, W) to (N, C, Scale*H, Scale*W).
func (u Upsample) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if x.NDim() != 4 {
		misfit("upsample", "needs images (N, C, H, W)", x)
	}
	h, w := u.Scale*x.Dim(2), u.Scale*x.Dim(3)
	if u.Bilinear {
		return c.did(u, x, x.UpsampleBilinear(h, w, u.AlignCorners))
	}
	return c.did(u, x, x.UpsampleNearest(h, w))
}
