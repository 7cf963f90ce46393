package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// packPays reports whether to copy B, of size elements with contiguous rows,
// costs less than to multiply m rows of A by it where it is: found by measuring.
// Below the first size it mostly fits the second-level cache.
func packPays(m, size int) bool {
	return size >= 160<<10 && m >= 256 || size >= 320<<10 && m >= packedRows
}

// packedRows is the number of rows from which on a large B is packed.
const packedRows = 24

// A is packed when its columns are at least half a page apart and C has at least
// packCols columns: found by measuring.
const (
	farColumns = 2048 / sizeofFloat
	packCols   = 128
)

const lineFloats = lineBytes / sizeofFloat

// packColumns copies columns of rows elements, csa apart, so that they follow
// each other.
func packColumns(dst, a []float32, csa, rows, columns int) {
	i := 0
	for width := 2 * lineFloats; width >= lineFloats; width /= 2 {
		for ; i+width <= rows; i += width {
			copyRows(dst[i:], rows, a[i:], csa, width, columns)
		}
	}
	if i == rows {
		return
	}
	for p := range columns {
		copy(dst[p*rows+i:(p+1)*rows], a[p*csa+i:])
	}
}

// packWork is how many elements to pack are worth a task of their own.
const packWork = 32 << 10

// pack copies panels [lo, hi) of the slabs of B in work, slab by slab, each to as
// many rows of x.panel elements. What lies right of the last column of B is not
// written.
func (x *blocked) pack(lo, hi int) {
	across := x.width / x.panel
	for i := lo; i < hi; i++ {
		p, j := x.p0+i/across*x.depth, i%across*x.panel
		end := min(p+x.depth, x.p1)
		x.packPanel(x.panels[(p-x.p0)*x.width+j*(end-p):][:(end-p)*x.panel], j, p, end)
	}
}

// packPanel copies rows [p0, p1) of the panel of B that begins at column j.
func (x *blocked) packPanel(dst []float32, j, p0, p1 int) {
	depth, width := p1-p0, min(x.panel, x.n-j)
	src := x.b[p0*x.rsb+j*x.csb:]
	switch {
	case x.csb == 1 && width == x.panel:
		copyRows(dst, x.panel, src, x.rsb, width, depth)
	case x.csb == 1:
		for p := range depth {
			copy(dst[p*x.panel:p*x.panel+width], src[p*x.rsb:])
		}
	case x.rsb == 1:
		transpose(dst, x.panel, src, x.csb, width, depth)
	default:
		for jj := range width {
			for p := range depth {
				dst[p*x.panel+jj] = src[p*x.rsb+jj*x.csb]
			}
		}
	}
}

// Transpose turns rows of src into columns of dst, which must not overlap:
//
//	dst[p*ldd + j] = src[j*lds + p]   j<rows, p<cols
//
// It panics when an index leaves its slice.
func Transpose[T Float](dst []T, ldd int, src []T, lds, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*ldd+rows], src[:(rows-1)*lds+cols]
	if d, ok := any(dst).([]float32); ok && cpu.Active() != cpu.Generic {
		transpose(d, ldd, any(src).([]float32), lds, rows, cols)
		return
	}
	for j := range rows {
		for p, v := range src[j*lds:][:cols] {
			dst[p*ldd+j] = v
		}
	}
}

// transpose is Transpose for float32 and processors with kernels.
func transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	blocks := cols / transposeBlock
	whole := rows / transposeBlock * transposeBlock
	if blocks == 0 {
		whole = 0
	}
	for j := 0; j < whole; j += transposeBlock {
		transposeBlocks(floats(dst, j), floats(src, j*lds), ldd*sizeofFloat, lds*sizeofFloat, blocks)
	}
	for p := range cols {
		from := 0
		if p < blocks*transposeBlock {
			from = whole
		}
		for j := from; j < rows; j++ {
			dst[p*ldd+j] = src[j*lds+p]
		}
	}
}

// floats is the address of s[i].
func floats(s []float32, i int) unsafe.Pointer { return unsafe.Pointer(&s[i]) }
