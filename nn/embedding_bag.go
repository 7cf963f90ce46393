package nn

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// EmbeddingBag is a learned table of vectors of which each sample takes any
// number, reduced to one: the bag of words of a text.
type EmbeddingBag struct {
	Weight  *tensor.Tensor // (rows, width)
	Padding int            // the row that is left out, or -1
	Mode    tensor.BagMode // sum, mean or max
}

// NewEmbeddingBag returns a table that reduces by mode (PyTorch's default is the
// mean). It starts with normal values of variance 1. Options: PaddingIndex,
// WithInit (which is told a fan-in of 1).
func NewEmbeddingBag(init *Init, rows, width int, mode tensor.BagMode, list ...Option) *EmbeddingBag {
	if mode != tensor.BagSum && mode != tensor.BagMean && mode != tensor.BagMax {
		panic(&tensor.UseError{Op: "nn.NewEmbeddingBag", Reason: fmt.Sprintf("there is no mode %q; the modes are sum, mean and max", mode)})
	}
	e := newEmbedding(init, "EmbeddingBag", rows, width, list)
	return &EmbeddingBag{e.Weight, e.Padding, mode}
}

// Run reduces the rows of each bag: ids (n) and offsets (bags), both int64,
// give (bags, width); see [tensor.EmbeddingBag].
func (l *EmbeddingBag) Run(c *Context, ids, offsets *tensor.Tensor) *tensor.Tensor {
	return c.did(l, ids, tensor.EmbeddingBag(c.param(l.Weight), ids, offsets, l.Mode, l.Padding))
}

// RunWeighted is Run with a factor (n) for each id, such as how often a word
// occurs or how rare it is; gradients reach the factors too. As in PyTorch, which
// calls them per_sample_weights, only a sum takes them.
func (l *EmbeddingBag) RunWeighted(c *Context, ids, offsets, factors *tensor.Tensor) *tensor.Tensor {
	if l.Mode != tensor.BagSum {
		panic(&tensor.UseError{Op: "embedding_bag", Reason: fmt.Sprintf("a %s takes no factors; only a sum does", l.Mode)})
	}
	if ids.NDim() != 1 || factors.NDim() != 1 || factors.Len() != ids.Len() {
		misfit("embedding_bag", "needs ids (n) and a factor for each (n)", l.Weight, ids, factors)
	}
	weight := c.param(l.Weight)
	if l.Padding >= 0 {
		padding := ids.Equal(tensor.Scalar(float64(l.Padding), ids.DType()))
		factors = tensor.Where(padding, tensor.Scalar(0, factors.DType()), factors)
	}
	// What was looked up and scaled is a table of its own, of which every row is
	// used once.
	rows := tensor.Embedding(weight, ids, l.Padding).Mul(factors.Unsqueeze(1)) // (n, width)
	return c.did(l, ids, tensor.EmbeddingBag(rows, tensor.Arange(0, float64(ids.Len()), 1, tensor.Int64), offsets, tensor.BagSum, -1))
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
