package bf16

import "unsafe"

// source is a matrix of factors that are summed along k, A or the transpose of B:
// element (i, p) is data[i*row + p*step].
type source struct {
	data      []float32
	row, step int
}

// tiles is where rounded factors go: tile (i, p) of them begins at data[i*row +
// p*step]. In a tile of A a row holds 32 steps of a row of the source. In one of B
// a row holds the steps 2i and 2i+1 of sixteen rows.
type tiles struct {
	data      []byte
	row, step int
	forB      bool
}

// pack rounds rows [i0, i1) and steps [p0, p1) of the source to tiles, of which the
// first is (0, 0). What the source has not is zero.
func (s source) pack(dst tiles, i0, i1, p0, p1 int) {
	down, deep := ceil(i1-i0, tileRows), ceil(p1-p0, tileDepth)
	_ = dst.data[(down-1)*dst.row+(deep-1)*dst.step+tileBytes-1]
	// Whole tiles go to the kernels, along what is contiguous.
	wholeDown, wholeDeep := (i1-i0)/tileRows, (p1-p0)/tileDepth
	switch {
	case wholeDown == 0 || wholeDeep == 0:
		wholeDown, wholeDeep = 0, 0
	case s.step == 1:
		for i := range wholeDown {
			convertRows(dst.tile(i, 0), s.at(i0+i*tileRows, p0), 2*tileDepth, 4*s.row, dst.step, 4*tileDepth, wholeDeep, dst.forB)
		}
	case s.row == 1:
		for p := range wholeDeep {
			convertPairs(dst.tile(0, p), s.at(i0, p0+p*tileDepth), 2*tileDepth, 4*s.step, dst.row, 4*tileRows, wholeDown, !dst.forB)
		}
	default:
		wholeDown, wholeDeep = 0, 0
	}
	for i := range down {
		from := 0
		if i < wholeDown {
			from = wholeDeep
		}
		for p := from; p < deep; p++ {
			s.packEdge(dst.tile(i, p), i0+i*tileRows, i1, p0+p*tileDepth, p1, dst.forB)
		}
	}
}

// packEdge packs one tile that begins at (i0, p0) and may have less than its rows
// or steps, or lie with gaps both ways.
func (s source) packEdge(dst unsafe.Pointer, i0, i1, p0, p1 int, forB bool) {
	var block [tileRows * tileDepth]float32
	steps := min(tileDepth, p1-p0)
	for i := i0; i < min(i0+tileRows, i1); i++ {
		to := block[(i-i0)*tileDepth:][:steps]
		from := s.data[i*s.row+p0*s.step:]
		if s.step == 1 {
			copy(to, from)
			continue
		}
		for p := range to {
			to[p] = from[p*s.step]
		}
	}
	convertRows(dst, unsafe.Pointer(&block), 2*tileDepth, 4*tileDepth, 0, 0, 1, forB)
}

func (s source) at(i, p int) unsafe.Pointer { return unsafe.Pointer(&s.data[i*s.row+p*s.step]) }

func (t tiles) tile(i, p int) unsafe.Pointer { return unsafe.Pointer(&t.data[i*t.row+p*t.step]) }
