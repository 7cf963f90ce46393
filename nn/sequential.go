package nn

import (
	"strconv"
	"strings"

	"github.com/hadal-ml/hadal/tensor"
)

// Sequential applies modules one after the other. Its parameters are named by
// position: 0.weight.
type Sequential []Module

// fusesReLU is a layer that applies ReLU to its output without another pass
// over memory.
type fusesReLU interface {
	ForwardReLU(c *Context, x *tensor.Tensor) *tensor.Tensor
}

// Forward applies the modules in order. A layer and the ReLU behind it are one
// operation, and in inference so are a convolution and its normalisation.
func (s Sequential) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	at := 0
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(*tensor.ShapeError); ok && e.Path == "" {
				e.Path = s.pathOf(at)
			}
			panic(r)
		}
	}()
	for ; at < len(s); at++ {
		if y, merged := s.convNorm(c, at, x); merged > 0 {
			x = y
			at += merged - 1
			continue
		}
		if layer, ok := s[at].(fusesReLU); ok && at+1 < len(s) {
			if relu, ok := s[at+1].(ReLU); ok {
				x = layer.ForwardReLU(c, x)
				at++
				c.did(relu, x, x)
				continue
			}
		}
		x = s[at].Forward(c, x)
	}
	return x
}

// convNorm applies a convolution at a position together with the normalisation and
// the ReLU behind it, and returns how many modules these are; zero if they are not
// there or not one operation.
func (s Sequential) convNorm(c *Context, at int, x *tensor.Tensor) (y *tensor.Tensor, modules int) {
	if at+1 >= len(s) {
		return nil, 0
	}
	conv, isConv := s[at].(*Conv2d)
	norm, isNorm := s[at+1].(*BatchNorm2d)
	if !isConv || !isNorm || !mergeable(c, conv, norm) {
		return nil, 0
	}
	if at+2 < len(s) {
		if _, ok := s[at+2].(ReLU); ok {
			return ConvNormReLU(c, conv, norm, x), 3
		}
	}
	return ConvNorm(c, conv, norm, x), 2
}

// pathOf names the module at a position. Where the sequence itself stands in
// the model is told by the full name of any of its parameters.
func (s Sequential) pathOf(at int) string {
	path := strconv.Itoa(at)
	for _, e := range collect(s) {
		if prefix, ok := strings.CutSuffix(e.tensor.Name(), e.name); ok {
			return prefix + path
		}
	}
	return path
}

// Residual adds a shortcut to a module: Body(x) + x (He et al., arXiv
// 1512.03385). Shortcut, if not nil, takes the place of x where the shapes
// differ.
type Residual struct {
	Body, Shortcut Module
}

// Forward adds the outputs of Body and Shortcut, which broadcast.
func (r Residual) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	y := r.Body.Forward(c, x)
	if r.Shortcut != nil {
		x = r.Shortcut.Forward(c, x)
	}
	return y.Add(x)
}

// Func is a function as a module, for a [Sequential].
type Func func(c *Context, x *tensor.Tensor) *tensor.Tensor

// Forward calls the function.
func (f Func) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return f(c, x) }

// Identity returns its input.
type Identity struct{}

// Forward returns x.
func (f Identity) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { return c.did(f, x, x) }

// Flatten merges all axes but the first.
type Flatten struct{}

// Forward maps (N, ...) to (N, -1).
func (f Flatten) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(f, x, x.Flatten(1))
}
