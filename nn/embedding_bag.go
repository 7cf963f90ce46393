package nn

import "github.com/hadal-ml/hadal/tensor"

// EmbeddingBag is a learned table of vectors of which each sample takes any
// number, reduced to one: the bag of words of a text.
type EmbeddingBag struct {
	Weight  *tensor.Tensor // (rows, width)
	Padding int            // the row that is left out, or -1
	Mode    tensor.BagMode // sum, mean or max
}

// NewEmbeddingBag returns a table that reduces by mode. It starts with normal
// values of variance 1. Options: PaddingIndex, WithInit (which is told a fan-in
// of 1).
func NewEmbeddingBag(init *Init, rows, width int, mode tensor.BagMode, list ...Option) *EmbeddingBag {
	e := NewEmbedding(init, rows, width, list...)
	return &EmbeddingBag{e.Weight, e.Padding, mode}
}

// Run reduces the rows of each bag: ids (n) and offsets (bags), both int64,
// give (bags, width); see [tensor.EmbeddingBag].
func (l *EmbeddingBag) Run(c *Context, ids, offsets *tensor.Tensor) *tensor.Tensor {
	return c.did(l, ids, tensor.EmbeddingBag(c.param(l.Weight), ids, offsets, l.Mode, l.Padding))
}

// Forward reduces each row of ids (B, n), which are bags of one size: (B,
// width).
func (l *EmbeddingBag) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	if x.NDim() != 2 {
		misfit("embedding_bag", "needs ids (B, n); bags of several sizes go through Run", x)
	}
	offsets := make([]int64, x.Dim(0))
	for i := range offsets {
		offsets[i] = int64(i * x.Dim(1))
	}
	return l.Run(c, x.Reshape(-1), tensor.FromSlice(offsets))
}
