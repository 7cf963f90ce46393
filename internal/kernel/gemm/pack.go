package gemm

import "unsafe"

// packPays reports whether to copy B, of size elements with contiguous rows,
// costs less than to multiply m rows of A by it where it is: found by measuring.
// Below the first size it mostly fits the second-level cache.
func packPays(m, size int) bool {
	return size >= 160<<10 && m >= 256 || size >= 320<<10 && m >= packedRows
}

// packedRows is the number of rows from which on a large B is packed.
const packedRows = 24

// A is packed when its columns are at least a page apart and a copy serves at
// least packCols columns of C.
const (
	pageFloats = 4096 / sizeofFloat
	packCols   = 128
)

// packWork is how many elements to pack are worth a task of their own.
const packWork = 32 << 10

// pack copies panels [lo, hi) of the slab of B, each to depth rows of x.panel
// elements. What lies right of the last column of B is not written.
func (x *blocked) pack(lo, hi int) {
	depth := x.p1 - x.p0
	for panel := lo; panel < hi; panel++ {
		j := panel * x.panel
		width := min(x.panel, x.n-j)
		dst := x.panels[j*depth : (j+x.panel)*depth]
		src := x.b[x.p0*x.rsb+j*x.csb:]
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
}

// transpose turns rows of src into columns of dst:
//
//	dst[p*ldd + j] = src[j*lds + p]   j<rows, p<cols
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
