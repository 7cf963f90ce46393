package tensor

import (
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// embeddingAttr is the number of rows and the one that stays as it is.
type embeddingAttr struct {
	rows    int
	padding int // row without a gradient, or -1
}

var opEmbedding, opEmbeddingGrad *Op

func init() {
	opEmbedding = register(&Op{Name: "embedding", Doc: "Embedding looks up the rows of a table.", ONNX: "Gather",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			w, ids := c.In[0], c.In[1]
			wantFloat(&Call{Op: c.Op, In: c.In[:1]})
			if len(w.shape) != 2 || ids.dtype != Int64 {
				misfit("embedding", c.In, "needs a table (rows, width) and int64 ids")
			}
			for i, id := range dense[int64](ids) {
				if id < 0 || id >= int64(w.shape[0]) {
					misfit("embedding", c.In, "id %d at position %d is outside the %d rows", id, i, w.shape[0])
				}
			}
			return []Spec{{append(slices.Clone(ids.shape), w.shape[1]), w.dtype, nil}}
		},
		Run: func(c *Call) {
			switch c.In[0].dtype.Size() {
			case 2:
				lookUp[BF16](c)
			case 4:
				lookUp[float32](c)
			case 8:
				lookUp[float64](c)
			}
		},
		Grad: func(g *GradCall) {
			g.Set(0, apply(opEmbeddingGrad, g.Attr, g.Gy(0).Contiguous(), g.In[1]))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "repeated ids", In: []*Tensor{s.Normal(4, 3), FromSlice([]int64{2, 0, 2, 3, 2, 1}, 2, 3)}, Attr: embeddingAttr{4, -1}}}
		}})
	opEmbeddingGrad = register(&Op{Name: "embedding_grad", Doc: "The gradient of Embedding: each row of gy is added to the row it came from.",
		Saved: &Saved{In: []int{1}},
		Infer: func(c *Call) []Spec {
			gy := c.In[0]
			return []Spec{{[]int{c.Attr.(embeddingAttr).rows, gy.shape[len(gy.shape)-1]}, gy.dtype, nil}}
		},
		Run: func(c *Call) {
			switch a := c.Attr.(embeddingAttr); c.In[0].dtype {
			case Float32:
				scatterRows[float32](c.Out[0], c.In, a)
			case Float64:
				scatterRows[float64](c.Out[0], c.In, a)
			default:
				widened(c.Out[0], c.In, func(gw *Tensor, in []*Tensor) { scatterRows[float32](gw, in, a) })
			}
		},
		Grad: func(g *GradCall) {
			if !g.Needs(0) {
				return
			}
			a, gg := g.Attr.(embeddingAttr), g.Gy(0)
			out := apply(opEmbedding, a, gg.Contiguous(), g.In[1])
			if a.padding >= 0 {
				keep := g.In[1].NotEqual(Scalar(float64(a.padding), Int64)).To(gg.dtype)
				out = out.Mul(keep.Unsqueeze(-1))
			}
			g.Set(0, out)
		},
		Samples: func(s *Sampler) []Sample {
			ids := FromSlice([]int64{2, 0, 2, 3, 2, 1}, 2, 3)
			return []Sample{{Name: "repeated ids", In: []*Tensor{s.Normal(2, 3, 2), ids}, Attr: embeddingAttr{4, -1}},
				{Name: "with padding", In: []*Tensor{s.Normal(2, 3, 2), ids}, Attr: embeddingAttr{4, 2}}}
		}})
}

func lookUp[T Element](c *Call) {
	w, ids, y := dense[T](c.In[0]), dense[int64](c.In[1]), dense[T](c.Out[0])
	d := c.In[0].shape[1]
	par.For(len(ids), max(1, chunkElements/max(d, 1)), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			copy(y[i*d:(i+1)*d], w[int(ids[i])*d:])
		}
	})
}

// scatterRows adds in the order of the ids. Columns, not ids, are shared out,
// so that the order does not depend on the number of threads.
func scatterRows[T real](out *Tensor, in []*Tensor, a embeddingAttr) {
	gy, ids, gw := dense[T](in[0]), dense[int64](in[1]), dense[T](out)
	d := out.shape[1]
	clear(gw)
	par.For(d, 64, func(lo, hi int) {
		for i, id := range ids {
			if int(id) == a.padding {
				continue
			}
			row := gw[int(id)*d+lo : int(id)*d+hi]
			vec.Add(row, row, gy[i*d+lo:i*d+hi])
		}
	})
}

// Embedding looks up rows of a table: weight (rows, width) and int64 ids (...)
// give (..., width). The row padding, unless it is -1, gets no gradient. An id
// outside the table panics.
func Embedding(weight, ids *Tensor, padding int) *Tensor {
	a := embeddingAttr{padding: padding}
	if len(weight.shape) > 0 {
		a.rows = weight.shape[0]
	}
	return apply(opEmbedding, a, weight.Contiguous(), ids.To(Int64).Contiguous())
}
