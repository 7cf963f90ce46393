package tensor

import (
	"slices"

	"github.com/hadal-ml/hadal/internal/par"
)

var opArgSort, opTopK, opArgMax *Op

// What compares elements here counts NaN as larger than every number, as
// NumPy and PyTorch do.

func init() {
	opArgSort = register(&Op{Name: "argsort", Doc: "ArgSort returns the order that sorts the last axis, equal elements as they stood; the attribute says descending.",
		NoGrad: "an order is flat wherever it is defined",
		Infer: func(c *Call) []Spec {
			return []Spec{{c.In[0].shape, Int64, nil}}
		},
		Run: func(c *Call) {
			down := c.Attr.(bool)
			comparable(c.In[0], func(x *Tensor) { sortRows[float32](c.Out[0], x, down) }, func(x *Tensor) { sortRows[float64](c.Out[0], x, down) },
				func(x *Tensor) { sortRows[int64](c.Out[0], x, down) })
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "ascending", In: []*Tensor{s.Distinct(3, 5)}, Attr: false}, {Name: "descending", In: []*Tensor{s.Distinct(2, 4)}, Attr: true}}
		}})
	opTopK = register(&Op{Name: "topk", Doc: "TopK returns where along the last axis the k largest (or smallest) elements stand, the most extreme first, the first of equal ones before the others.", ONNX: "TopK",
		NoGrad: "a position is flat wherever it is defined",
		Infer: func(c *Call) []Spec {
			x, k := c.In[0], c.Attr.(topKAttr).k
			if len(x.shape) == 0 || k < 0 || k > x.shape[len(x.shape)-1] {
				misfit("topk", c.In, "the last axis has no %d elements", k)
			}
			return []Spec{{append(slices.Clone(x.shape[:len(x.shape)-1]), k), Int64, nil}}
		},
		Run: func(c *Call) {
			a := c.Attr.(topKAttr)
			comparable(c.In[0], func(x *Tensor) { selectRows[float32](c.Out[0], x, a) }, func(x *Tensor) { selectRows[float64](c.Out[0], x, a) },
				func(x *Tensor) { selectRows[int64](c.Out[0], x, a) })
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "largest", In: []*Tensor{s.Distinct(3, 7)}, Attr: topKAttr{3, true}}, {Name: "smallest", In: []*Tensor{s.Distinct(2, 5)}, Attr: topKAttr{2, false}}}
		}})
	opArgMax = register(&Op{Name: "argmax", Doc: "ArgMax returns where along the last axis the first largest element stands, or smallest if the attribute says so.", ONNX: "ArgMax",
		NoGrad: "a position is flat wherever it is defined",
		Infer: func(c *Call) []Spec {
			x := c.In[0]
			if len(x.shape) == 0 || x.shape[len(x.shape)-1] == 0 {
				misfit("argmax", c.In, "there is no largest or smallest of nothing")
			}
			return []Spec{{x.shape[:len(x.shape)-1], Int64, nil}}
		},
		Run: func(c *Call) {
			smallest := c.Attr.(bool)
			comparable(c.In[0], func(x *Tensor) { extremePlaces[float32](c.Out[0], x, smallest) }, func(x *Tensor) { extremePlaces[float64](c.Out[0], x, smallest) },
				func(x *Tensor) { extremePlaces[int64](c.Out[0], x, smallest) })
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{{Name: "largest", In: []*Tensor{s.Distinct(3, 5)}, Attr: false}, {Name: "smallest", In: []*Tensor{s.Distinct(2, 4)}, Attr: true}}
		}})
}

// comparable calls the function for the type that x is compared in.
func comparable(x *Tensor, f32, f64, i64 func(x *Tensor)) {
	x = x.alias()
	switch x.dtype {
	case Float32, BFloat16, Float16:
		f32(x.To(Float32))
	case Float64:
		f64(x)
	default:
		i64(x.To(Int64))
	}
}

// order compares with NaN as the largest.
func order[T number](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a == a: // b is NaN
		return -1
	case b == b:
		return 1
	}
	return 0
}

func sortRows[T number](y, x *Tensor, descending bool) {
	eachRow(y, x, func(places []int64, row []T) {
		for i := range places {
			places[i] = int64(i)
		}
		slices.SortStableFunc(places, func(a, b int64) int {
			if descending {
				a, b = b, a
			}
			return order(row[a], row[b])
		})
	})
}

// topKAttr is how many elements TopK selects, and of which end.
type topKAttr struct {
	k       int
	largest bool
}

// selectRows finds the k most extreme elements of each row of n, in time
// proportional to n·log k at most: the best so far form a heap whose root is the
// worst of them, and few elements of a row in random order ever get past it.
func selectRows[T number](y, x *Tensor, a topKAttr) {
	x = x.Contiguous()
	rows, n := rowsOf(x)
	if a.k == 0 {
		return
	}
	xs, ys := dense[T](x), dense[int64](y)
	byRows(rows, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			h := extremes[T]{xs[r*n : (r+1)*n], ys[r*a.k : (r+1)*a.k], a.largest}
			h.selectFrom(n)
		}
	})
}

// extremes is a heap of places in a row: none is better than its children.
type extremes[T number] struct {
	row     []T
	places  []int64
	largest bool
}

// better reports whether the element at place a goes before that at b.
func (h extremes[T]) better(a, b int64) bool {
	o := order(h.row[a], h.row[b])
	if h.largest {
		o = -o
	}
	return o < 0 || o == 0 && a < b
}

// selectFrom leaves the places of the best of n elements, in order.
func (h extremes[T]) selectFrom(n int) {
	k := len(h.places)
	for i := range h.places {
		h.places[i] = int64(i)
	}
	for i := k/2 - 1; i >= 0; i-- {
		h.sink(i, k)
	}
	for i := int64(k); i < int64(n); i++ {
		if h.better(i, h.places[0]) {
			h.places[0] = i
			h.sink(0, k)
		}
	}
	for last := k - 1; last > 0; last-- { // the worst to the end, again and again
		h.places[0], h.places[last] = h.places[last], h.places[0]
		h.sink(0, last)
	}
}

// sink moves the place at i of a heap of n down to where it belongs.
func (h extremes[T]) sink(i, n int) {
	for {
		worst := 2*i + 1
		if worst >= n {
			return
		}
		if right := worst + 1; right < n && h.better(h.places[worst], h.places[right]) {
			worst = right
		}
		if h.better(h.places[worst], h.places[i]) {
			return
		}
		h.places[i], h.places[worst] = h.places[worst], h.places[i]
		i = worst
	}
}

// extremePlaces finds the first largest or smallest element of each row.
func extremePlaces[T number](y, x *Tensor, smallest bool) {
	x = x.Contiguous()
	rows, n := rowsOf(x)
	xs, ys := dense[T](x), dense[int64](y)
	par.For(rows, max(1, chunkElements/n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := xs[r*n : (r+1)*n]
			best := 0
			for i, v := range row {
				// A NaN is taken either way; then nothing replaces it.
				if smallest && v < row[best] || !smallest && v > row[best] || v != v && row[best] == row[best] {
					best = i
				}
			}
			ys[r] = int64(best)
		}
	})
}

// ArgMax returns the position of the first largest element along an axis,
// which disappears, as int64; without an axis, the position in row-major order
// among all. The first NaN counts as largest. It panics when there is nothing
// to compare.
func (t *Tensor) ArgMax(axes ...int) *Tensor { return t.extremePlace("argmax", false, axes) }

// ArgMin returns the position of the first smallest element; the rest is as in
// ArgMax, even for NaN.
func (t *Tensor) ArgMin(axes ...int) *Tensor { return t.extremePlace("argmin", true, axes) }

func (t *Tensor) extremePlace(op string, smallest bool, axes []int) *Tensor {
	switch len(axes) {
	case 0:
		return apply(opArgMax, smallest, t.Reshape(t.Len()))
	case 1:
		order, _ := reduceAttr{axes: []int{axis(op, t, axes[0])}}.last(len(t.shape))
		return apply(opArgMax, smallest, t.Permute(order...))
	}
	misfit(op, []*Tensor{t}, "takes one axis or none, got %v", axes)
	return nil
}

// ArgSort returns the positions (int64) that sort t along an axis. Equal
// elements keep their order. NaN counts as larger than every number: last in
// ascending, first in descending order, as in PyTorch.
func (t *Tensor) ArgSort(a int, descending bool) *Tensor {
	if len(t.shape) == 0 {
		return Full(0, Int64)
	}
	a = axis("argsort", t, a)
	return apply(opArgSort, descending, t.Transpose(a, -1)).Transpose(a, -1)
}

// Sort returns the elements sorted along an axis and the positions they came
// from; the order is that of ArgSort.
func (t *Tensor) Sort(a int, descending bool) (values, places *Tensor) {
	places = t.ArgSort(a, descending)
	if len(t.shape) == 0 {
		return t, places
	}
	return t.Gather(a, places), places
}

// TopK returns the k largest (or smallest) elements along an axis, the most
// extreme first, and the positions (int64) they came from: the first k that
// Sort would return, without sorting the others. Of equal elements the first is
// taken; NaN counts as larger than every number.
func (t *Tensor) TopK(k, a int, largest bool) (values, places *Tensor) {
	a = axis("topk", t, a)
	if k < 0 || k > t.shape[a] {
		misfit("topk", []*Tensor{t}, "axis %d has no %d elements", a, k)
	}
	places = apply(opTopK, topKAttr{k, largest}, t.Transpose(a, -1)).Transpose(a, -1)
	return t.Gather(a, places), places
}
