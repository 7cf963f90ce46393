package nn

import "github.com/hadal-ml/hadal/tensor"

// Context says how a forward pass is meant: for training or for inference. It
// is handed down through every Forward.
type Context struct {
	training bool
	noGrad   bool
	rand     *tensor.Rand

	// observe, when set, is told of every layer that ran.
	observe func(layer any, x, y *tensor.Tensor)
}

// Training returns the context of one training step: dropout drops, batch
// normalisation uses the batch, and operations are recorded. The seed decides
// what dropout drops, so each step needs another one; a [tensor.NewRand] of the
// same seed draws the same random numbers.
func Training(seed uint64) *Context {
	return &Context{training: true, rand: tensor.NewRand(seed)}
}

// Inference returns the context of use and evaluation: nothing is random,
// batch normalisation uses its running statistics, and nothing is recorded.
func Inference() *Context { return &Context{noGrad: true} }

// Evaluation is Inference with recording, for gradients of a trained network:
// saliency maps, gradient checks.
func Evaluation() *Context { return &Context{} }

// IsTraining reports whether the pass is part of training.
func (c *Context) IsTraining() bool { return c.training }

// Rand returns the source of randomness of this pass, nil when nothing may be
// random.
func (c *Context) Rand() *tensor.Rand { return c.rand }

// param returns a parameter as the pass should use it: without a tape in
// inference.
func (c *Context) param(t *tensor.Tensor) *tensor.Tensor {
	if t != nil && c.noGrad && t.RequiresGrad() {
		return t.Detach()
	}
	return t
}

// did returns y, which a layer made from x. Every layer's Forward ends with it,
// so that [Summarize] can tell which operations belong to which layer.
func (c *Context) did(layer any, x, y *tensor.Tensor) *tensor.Tensor {
	if c.observe != nil {
		c.observe(layer, x, y)
	}
	return y
}
