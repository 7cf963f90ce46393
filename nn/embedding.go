package nn

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// Embedding is a learned table of vectors, looked up by number: int64 (...) to
// (..., width).
type Embedding struct {
	Weight  *tensor.Tensor // (rows, width)
	Padding int            // the row that is not learned, or -1
}

// NewEmbedding returns a table. It starts with normal values of variance 1.
// Options: PaddingIndex, WithInit (which is told a fan-in of 1).
func NewEmbedding(init *Init, rows, width int, list ...Option) *Embedding {
	return newEmbedding(init, "Embedding", rows, width, list)
}

// newEmbedding returns the table of a layer.
func newEmbedding(init *Init, layer string, rows, width int, list []Option) *Embedding {
	o := build(layer, append([]Option{WithInit(Normal(0, 1))}, list...), "PaddingIndex", "WithInit")
	if o.paddingIndex >= rows {
		panic(&tensor.UseError{Op: "nn.New" + layer, Reason: fmt.Sprintf("the padding index %d is not one of the %d rows of the table", o.paddingIndex, rows)})
	}
	weight := o.weight(init.next(), 1, width, rows, width)
	if o.paddingIndex >= 0 {
		clear(tensor.MutableData[float32](weight)[o.paddingIndex*width:][:width])
	}
	return &Embedding{weight.RequireGrad(), o.paddingIndex}
}

// Forward looks up int64 rows (...). A number outside the table panics.
func (l *Embedding) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return c.did(l, x, tensor.Embedding(c.param(l.Weight), x, l.Padding))
}
