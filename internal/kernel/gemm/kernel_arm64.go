//go:build !noasm

package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

//go:generate go run ../asmgen/gemm -dir .

//go:noescape
func runNEON(t *tile)

//go:noescape
func runDotsNEON(d *dots)

//go:noescape
func transposeNEON(dst, src unsafe.Pointer, dstStride, srcStride, blocks int)

func peakNEON(n int)

// shapesOf repeats what the generator was told.
var shapesOf = [...]shapes{
	cpu.Generic: {},
	cpu.NEON:    {width: 4, logWidth: 2, maxRows: [5]int{0, 8, 8, 8, 4}, across: [8]int{0, 4, 4, 4, 4, 3, 3, 3}},
}

// kernelIndex is the place of a kernel in the table.
func kernelIndex(isa cpu.ISA, rows, vectors, tail int) int {
	return ((vectors-1)*4+tail)*shapesOf[isa].maxRows[1] + rows - 1
}

func run(_ cpu.ISA, t *tile) { runNEON(t) }

func runDots(_ cpu.ISA, d *dots) { runDotsNEON(d) }

// transposeBlock is the edge of the squares that the kernel moves.
const transposeBlock = 4

func transposeBlocks(dst, src unsafe.Pointer, dstStride, srcStride, blocks int) {
	transposeNEON(dst, src, dstStride, srcStride, blocks)
}

// copyRows copies rows of width elements, all those of a panel.
func copyRows(dst []float32, ldd int, src []float32, lds, width, rows int) {
	for i := range rows {
		copy(dst[i*ldd:i*ldd+width], src[i*lds:])
	}
}

// peak runs the measuring loop n times.
func peak(isa cpu.ISA, n int) {
	if isa == cpu.NEON {
		peakNEON(n)
	} else {
		peakGeneric(n)
	}
}
