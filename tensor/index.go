package tensor

import (
	"math"
	"slices"
)

// Indexer says what Index takes along an axis: a position ([Int]), a range
// ([Range], [RangeBy]), everything ([All]), or it inserts an axis ([NewAxis])
// or stands for as many All as are missing ([Ellipsis]).
type Indexer struct {
	kind              indexKind
	start, stop, step int
}

type indexKind uint8

const (
	takesRange indexKind = iota
	takesOne
	addsAxis
	fillsUp
)

// End as the end of a range means up to the last element.
const End = math.MaxInt

// The indexers without settings.
var (
	All      = Range(0, End)           // every element of an axis, NumPy's :
	NewAxis  = Indexer{kind: addsAxis} // a new axis of size 1, NumPy's newaxis
	Ellipsis = Indexer{kind: fillsUp}  // as many All as are missing, NumPy's ...
)

// Int takes one position along an axis, which disappears. Negative positions
// count from the end.
func Int(i int) Indexer { return Indexer{kind: takesOne, start: i} }

// Range takes the positions from start up to but without stop. Negative ones
// count from the end, those beyond it are clipped.
func Range(start, stop int) Indexer { return RangeBy(start, stop, 1) }

// RangeBy takes every step-th position from start up to but without stop. The
// step must be positive.
func RangeBy(start, stop, step int) Indexer {
	return Indexer{kind: takesRange, start: start, stop: stop, step: step}
}

// Index returns the part of t that the indexers name, one for each axis from
// the first on; axes without one are taken whole. The result shares memory. In
// NumPy's words t[1, :, ::2] is t.Index(Int(1), All, RangeBy(0, End, 2)).
func (t *Tensor) Index(indexers ...Indexer) *Tensor {
	used := 0
	filled := false
	for _, x := range indexers {
		if x.kind == takesRange || x.kind == takesOne {
			used++
		}
		if x.kind == fillsUp && filled {
			misfit("index", []*Tensor{t}, "only one Ellipsis is possible")
		}
		filled = filled || x.kind == fillsUp
	}
	if used > len(t.shape) {
		misfit("index", []*Tensor{t}, "%d positions or ranges were given for %d axes", used, len(t.shape))
	}
	out, a, from := t, 0, 0 // a counts the axes of the result, from those of t
	for _, x := range indexers {
		switch x.kind {
		case takesRange:
			if x != All {
				out = out.Slice(a, x.start, x.stop, x.step)
			}
			a, from = a+1, from+1
		case takesOne:
			i, n := x.start, out.shape[a]
			if i < 0 {
				i += n
			}
			if i < 0 || i >= n {
				misfit("index", []*Tensor{t}, "index %d is out of range for axis %d with size %d", x.start, from, n)
			}
			out, from = out.Select(a, i), from+1
		case addsAxis:
			out = out.Unsqueeze(a)
			a++
		case fillsUp:
			a, from = a+len(t.shape)-used, from+len(t.shape)-used
		}
	}
	return out
}

// SetIndex overwrites the part of t that the indexers name with src, broadcast
// and converted. It panics for a tensor that was computed on the tape.
func (t *Tensor) SetIndex(src *Tensor, indexers ...Indexer) {
	t.overwrite("set index")
	part := t.Detach().Index(indexers...)
	if !slices.Equal(src.shape, part.shape) {
		src = src.Detach().Expand(part.shape...)
	}
	copyInto(part, src.apartFrom(part))
}
