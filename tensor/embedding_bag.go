package tensor

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// BagMode is what [EmbeddingBag] makes of the rows of a bag.
type BagMode string

// The modes, under PyTorch's names.
const (
	BagSum  BagMode = "sum"
	BagMean BagMode = "mean"
	BagMax  BagMode = "max"
)

type bagAttr struct {
	mode    BagMode
	padding int // row that does not count, or -1
}

var opEmbeddingBag *Op

func init() {
	opEmbeddingBag = register(&Op{Name: "embedding_bag", Doc: "EmbeddingBag reduces the rows of a table that each bag of ids names.",
		Saved: &Saved{In: []int{1, 2}, Out: []int{1}}, Auxiliary: 1,
		Infer: func(c *Call) []Spec {
			w, ids, offsets := c.In[0], c.In[1], c.In[2]
			wantWide(&Call{Op: c.Op, In: c.In[:1]})
			if len(w.shape) != 2 || len(ids.shape) != 1 || len(offsets.shape) != 1 || ids.dtype != Int64 || offsets.dtype != Int64 {
				misfit(c.Op.Name, c.In, "needs a table (rows, width), int64 ids (n) and int64 offsets (bags)")
			}
			for i, id := range rowMajor[int64](ids) {
				if id < 0 || id >= int64(w.shape[0]) {
					misfit(c.Op.Name, c.In, "id %d at position %d is outside the %d rows", id, i, w.shape[0])
				}
			}
			before := int64(0)
			for i, at := range rowMajor[int64](offsets) {
				if at < before || at > int64(ids.shape[0]) || i == 0 && at != 0 {
					misfit(c.Op.Name, c.In, "offset %d of bag %d must not be less than the one before nor more than the %d ids, and the first must be 0", at, i, ids.shape[0])
				}
				before = at
			}
			picks := []int{0, 0} // of each element of a maximum, the row it came from; -1 for none
			if c.Attr.(bagAttr).mode == BagMax {
				picks = []int{offsets.shape[0], w.shape[1]}
			}
			return []Spec{{[]int{offsets.shape[0], w.shape[1]}, w.dtype, nil}, {picks, Int64, nil}}
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				reduceBags[float32](c)
			} else {
				reduceBags[float64](c)
			}
		},
		Grad: func(g *GradCall) {
			a, w, ids, gy := g.Attr.(bagAttr), g.In[0], g.In[1], g.Gy(0)
			if a.mode == BagMax {
				none := g.Out[1].LessScalar(0)
				gy = Where(none, Scalar(0, gy.dtype), gy)
				g.Set(0, Full(0, gy.dtype, w.shape...).ScatterAdd(0, Where(none, Scalar(0, Int64), g.Out[1]), gy))
				return
			}
			bag, share := make([]int64, ids.Len()), make([]float64, g.In[2].Len())
			eachBag(g.Call, func(b int, list []int64, at int) {
				for i := range list {
					bag[at+i] = int64(b)
				}
				share[b] = 1 / float64(max(1, counted(list, a.padding)))
			})
			if a.mode == BagMean {
				gy = gy.Mul(FromSlice(share).To(gy.dtype).Unsqueeze(1))
			}
			rows := Embedding(gy, FromSlice(bag), -1)
			g.Set(0, apply(opEmbeddingGrad, embeddingAttr{w.shape[0], a.padding}, rows.Contiguous(), ids.Contiguous()))
		},
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for _, mode := range []BagMode{BagSum, BagMean, BagMax} {
				for _, padding := range []int{-1, 2} {
					ids, offsets := FromSlice([]int64{2, 0, 2, 3, 1, 2}), FromSlice([]int64{0, 3, 3, 5})
					out = append(out, Sample{fmt.Sprintf("%s, padding %d", mode, padding), []*Tensor{s.Distinct(4, 3), ids, offsets}, bagAttr{mode, padding}})
				}
			}
			return out
		}})
}

// eachBag calls f with the ids of each bag and where they begin.
func eachBag(c *Call, f func(bag int, ids []int64, at int)) {
	ids, offsets := rowMajor[int64](c.In[1]), rowMajor[int64](c.In[2])
	for b, at := range offsets {
		end := int64(len(ids))
		if b+1 < len(offsets) {
			end = offsets[b+1]
		}
		f(b, ids[at:end], int(at))
	}
}

// counted is the number of ids that are not padding.
func counted(ids []int64, padding int) (n int) {
	for _, id := range ids {
		if int(id) != padding {
			n++
		}
	}
	return n
}

func reduceBags[T real](c *Call) {
	a, w, y, picks := c.Attr.(bagAttr), rowMajor[T](c.In[0]), dense[T](c.Out[0]), dense[int64](c.Out[1])
	d := c.In[0].shape[1]
	lists := make([][]int64, 0, c.In[2].Len())
	eachBag(c, func(_ int, ids []int64, _ int) { lists = append(lists, ids) })
	par.For(len(lists), max(1, chunkElements/max(1, d*8)), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			row := y[b*d : (b+1)*d]
			clear(row)
			if a.mode == BagMax {
				maxOfRows(row, picks[b*d:(b+1)*d], w, lists[b], a.padding)
				continue
			}
			for _, id := range lists[b] {
				if int(id) != a.padding {
					vec.Add(row, row, w[int(id)*d:][:d])
				}
			}
			if n := counted(lists[b], a.padding); a.mode == BagMean && n > 1 {
				vec.DivScalar(row, row, T(n))
			}
		}
	})
}

// maxOfRows takes the maximum of each column, the first of equal ones.
func maxOfRows[T real](row []T, picks []int64, w []T, ids []int64, padding int) {
	for j := range picks {
		picks[j] = -1
	}
	for _, id := range ids {
		if int(id) == padding {
			continue
		}
		for j, v := range w[int(id)*len(row):][:len(row)] {
			if picks[j] < 0 || v > row[j] || v != v {
				row[j], picks[j] = v, id
			}
		}
	}
}

// EmbeddingBag looks up and reduces in one pass: weight (rows, width), ids (n)
// and offsets (bags), where each bag's ids begin, give (bags, width). Bag b
// holds the ids from offsets[b] up to the next offset. The row padding, unless
// it is -1, is left out of every bag; an empty bag gives zeros.
func EmbeddingBag(weight, ids, offsets *Tensor, mode BagMode, padding int) *Tensor {
	if mode != BagSum && mode != BagMean && mode != BagMax {
		panic(&UseError{"embedding_bag", fmt.Sprintf("there is no mode %q; the modes are sum, mean and max", mode)})
	}
	return applyAll(opEmbeddingBag, bagAttr{mode, padding}, weight, ids.To(Int64), offsets.To(Int64))[0]
}
