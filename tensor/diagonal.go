package tensor

// diagonalAttr names two axes and how far above the main diagonal of the
// matrices that they span the elements lie.
type diagonalAttr struct{ offset, row, column int }

// start returns where the diagonal begins and its length.
func (d diagonalAttr) start(shape []int) (i, j, n int) {
	i, j = max(0, -d.offset), max(0, d.offset)
	return i, j, max(0, min(shape[d.row]-i, shape[d.column]-j))
}

var opDiagonal, opDiagonalScatter *Op

func init() {
	opDiagonal = register(&Op{Name: "diagonal", Doc: "Diagonal takes a diagonal of the matrices that two axes span, as the last axis.", Saved: savesNothing,
		View: func(c *Call) *Tensor {
			d, x, v := c.Attr.(diagonalAttr), c.In[0], c.In[0].alias()
			i, j, n := d.start(x.shape)
			v.shape, v.stride = []int{}, []int{}
			for a := range x.shape {
				if a != d.row && a != d.column {
					v.shape, v.stride = append(v.shape, x.shape[a]), append(v.stride, x.stride[a])
				}
			}
			v.shape, v.stride = append(v.shape, n), append(v.stride, x.stride[d.row]+x.stride[d.column])
			if NumElements(v.shape) > 0 {
				v.offset += i*x.stride[d.row] + j*x.stride[d.column]
			}
			return v
		},
		Grad: func(g *GradCall) {
			g.Set(0, apply(opDiagonalScatter, diagonalScatterAttr{g.In[0].shape, g.Attr.(diagonalAttr)}, g.Gy(0)))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "main", In: []*Tensor{s.Normal(3, 4)}, Attr: diagonalAttr{0, 0, 1}},
				{Name: "above, outer axes", In: []*Tensor{s.Normal(3, 2, 4)}, Attr: diagonalAttr{1, 0, 2}},
				{Name: "below", In: []*Tensor{s.Normal(2, 4, 3)}, Attr: diagonalAttr{-2, 1, 2}},
			}
		}})
	opDiagonalScatter = register(&Op{Name: "diagonal_scatter", Doc: "The gradient of Diagonal: zeros, with the operand on the diagonal.", Saved: savesNothing,
		Infer: func(c *Call) []Spec { return []Spec{{c.Attr.(diagonalScatterAttr).shape, c.In[0].dtype, nil}} },
		Run: func(c *Call) {
			c.Out[0].fill(0)
			copyInto(opDiagonal.View(&Call{In: c.Out, Attr: c.Attr.(diagonalScatterAttr).diagonal}), c.In[0])
		},
		Grad: func(g *GradCall) {
			g.Set(0, apply(opDiagonal, g.Attr.(diagonalScatterAttr).diagonal, g.Gy(0)))
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "above", In: []*Tensor{s.Normal(2, 3)}, Attr: diagonalScatterAttr{[]int{3, 2, 4}, diagonalAttr{1, 0, 2}}}}
		}})
}

// diagonalScatterAttr is the shape of the result and the diagonal in it.
type diagonalScatterAttr struct {
	shape    []int
	diagonal diagonalAttr
}

// Diagonal takes the diagonal of the matrices that two axes span: it becomes
// the last axis of the result, which shares memory. An offset above 0 means
// above the main diagonal.
func (t *Tensor) Diagonal(offset, row, column int) *Tensor {
	row, column = axis("diagonal", t, row), axis("diagonal", t, column)
	if row == column {
		misfit("diagonal", []*Tensor{t}, "the two axes must differ")
	}
	return apply(opDiagonal, diagonalAttr{offset, row, column}, t)
}

// Tril keeps the lower triangle of a matrix, or of each of a stack: what lies
// not more than offset above the main diagonal. The rest becomes 0.
func (t *Tensor) Tril(offset int) *Tensor {
	return t.triangle("tril", func(i, j int) bool { return j-i <= offset })
}

// Triu keeps the upper triangle of a matrix, or of each of a stack: what lies
// not less than offset above the main diagonal. The rest becomes 0.
func (t *Tensor) Triu(offset int) *Tensor {
	return t.triangle("triu", func(i, j int) bool { return j-i >= offset })
}

func (t *Tensor) triangle(op string, keep func(i, j int) bool) *Tensor {
	n := len(t.shape)
	if n < 2 {
		misfit(op, []*Tensor{t}, "needs at least two axes")
	}
	rows, columns := t.shape[n-2], t.shape[n-1]
	mask := make([]bool, rows*columns)
	for i := range rows {
		for j := range columns {
			mask[i*columns+j] = keep(i, j)
		}
	}
	return Where(FromSlice(mask, rows, columns), t, Scalar(0, t.dtype))
}
