package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// shapes says which tiles the kernels of an instruction set can do.
type shapes struct {
	width    int // float32 in a vector
	logWidth int
	maxRows  [5]int // greatest number of rows, by vectors in a row of the tile
	// across is how many vectors wide tiles should be, by the rows of C; its last
	// entry holds for all greater numbers. With few rows only width gives enough
	// independent sums to hide the latency of a multiplication; with more, height
	// makes more of a vector of B that was loaded.
	across [8]int
}

// panel is the width of packed B: that of the widest tile of full height.
func (s *shapes) panel() int { return s.across[len(s.across)-1] * s.width }

// lineBytes is the size of a line of the caches.
const lineBytes = 64

// Lines that are a page apart compete for the same few places of the first-level
// cache, twelve in many processors: a tile with more rows so far apart would read
// each line anew for each of the elements on it.
const (
	pageBytes   = 4096
	pagedHeight = 12
)

// reduce cuts C into tiles and calls the kernel of each. There is at least one
// tap and one step of k, all indices have been checked.
//
// Every element of C is the sum of its products in the order of taps, then of
// k, by fused multiply-add, whatever the tile it falls into: how C is cut cannot
// be seen in the result.
//
// With strip, the row stride of B, tiles fetch the rows of B for their neighbours
// on the right while they compute; zero: they do not. Instead, unless next is nil,
// they may fetch rows of B for themselves, and next from its beginning, a line in
// each step of k, until all of it has been fetched.
func reduce(isa cpu.ISA, m, n, k int, a []float32, aoff []int, rsa, csa int, b []float32, boff []int, rsb int, c []float32, rsc int, e *Epilogue, flags, strip int, next []float32) {
	s := &shapesOf[isa]
	// Field by field: a literal is built aside and copied in wider pieces than it
	// was written, which costs more than a small tile.
	var t tile
	t.aoff = unsafe.Pointer(unsafe.SliceData(aoff))
	t.boff = unsafe.Pointer(unsafe.SliceData(boff))
	t.rsa = rsa * sizeofFloat
	t.csa = csa * sizeofFloat
	t.rsb = rsb * sizeofFloat
	t.rsc = rsc * sizeofFloat
	t.k = k
	t.taps = len(aoff)
	t.flags = flags
	if e.ReLU {
		t.flags |= relu
	}
	a0 := unsafe.Pointer(unsafe.SliceData(a))
	b0 := unsafe.Pointer(unsafe.SliceData(b))
	c0 := unsafe.Pointer(unsafe.SliceData(c))
	var plus0 unsafe.Pointer
	switch {
	case e.Accumulate:
		plus0 = c0
	case e.Add != nil:
		plus0 = unsafe.Pointer(unsafe.SliceData(e.Add))
	}
	highest := s.maxRows[1]
	if csa == 1 && t.rsa%pageBytes == 0 && k >= lineFloats {
		highest = pagedHeight
	}
	across := s.across[min(m, len(s.across)-1)]
	if strip > 0 && (7 <= m && m <= 9 || 15 <= m && m <= 18) {
		across = 3 // one or two full heights
	}
	var fetched uintptr // where next ends
	if next != nil {
		t.ahead = uintptr(unsafe.Pointer(unsafe.SliceData(next)))
		fetched = t.ahead + uintptr(len(next)*sizeofFloat)
		if len(next) > 0 {
			t.stride = lineBytes
		}
	}
	for j := 0; j < n; {
		vectors := (n - j + s.width - 1) >> s.logWidth
		switch {
		case vectors >= 2*across:
			vectors = across
		case vectors > across:
			vectors = (vectors + 1) / 2 // two even tiles, not a wide and a thin one
		}
		columns := min(vectors<<s.logWidth, n-j)
		t.tail = columns & (s.width - 1)
		t.b = at(b0, j)
		if strip > 0 && j+columns < n {
			t.ahead, t.stride = uintptr(at(b0, j+columns)), strip*sizeofFloat
		}
		if e.Bias != nil {
			t.bias = unsafe.Pointer(&e.Bias[j])
		}
		// Tiles of even height, not full ones and a remainder: 28 rows by at
		// most 14 are 14+14, but 16 are 8+8 and not 14+2, for a low tile
		// cannot keep the multipliers busy.
		height, higher := m, 0
		if most := min(s.maxRows[vectors], highest); m > most {
			blocks := (m + most - 1) / most
			height, higher = m/blocks, m%blocks
		}
		for i, block := 0, 0; i < m; block++ {
			rows := height
			if block < higher {
				rows++
			}
			t.a = at(a0, i*rsa)
			t.c = at(c0, i*rsc+j)
			if plus0 != nil {
				t.plus = at(plus0, i*rsc+j)
			}
			t.kernel = kernelIndex(isa, rows, vectors, t.tail)
			t.tap = 0
			run(isa, &t)
			if len(next) > 0 && t.ahead >= fetched {
				t.ahead = 0 // both are near by now
			}
			i += rows
		}
		j += columns
	}
}
