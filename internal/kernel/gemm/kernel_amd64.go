//go:build !noasm

package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

//go:generate go run ../asmgen/gemm -dir .

//go:noescape
func runAVX2(t *tile)

//go:noescape
func runAVX512(t *tile)

//go:noescape
func runDotsAVX2(d *dots)

//go:noescape
func runDotsAVX512(d *dots)

//go:noescape
func transposeAVX2(dst, src unsafe.Pointer, dstStride, srcStride, blocks int)

//go:noescape
func copyRowsAVX2(dst, src unsafe.Pointer, dstStride, srcStride, rows, lines int)

func peakAVX2(n int)

func peakAVX512(n int)

// shapesOf repeats what the generator was told.
var shapesOf = [...]shapes{
	cpu.Generic: {},
	cpu.AVX2:    {width: 8, logWidth: 3, maxRows: [5]int{0, 12, 6, 3, 2}, across: [8]int{0, 4, 4, 3, 2, 2, 2, 2}},
	cpu.AVX512:  {width: 16, logWidth: 4, maxRows: [5]int{0, 28, 14, 9, 6}, across: [8]int{0, 4, 4, 4, 4, 4, 4, 2}},
}

// kernelIndex is the place of a kernel in the table of its instruction set.
func kernelIndex(isa cpu.ISA, rows, vectors, tail int) int {
	masked := 0
	if tail != 0 {
		masked = 1
	}
	return ((vectors-1)*2+masked)*shapesOf[isa].maxRows[1] + rows - 1
}

func run(isa cpu.ISA, t *tile) {
	if isa == cpu.AVX512 {
		runAVX512(t)
	} else {
		runAVX2(t)
	}
}

func runDots(isa cpu.ISA, d *dots) {
	if isa == cpu.AVX512 {
		runDotsAVX512(d)
	} else {
		runDotsAVX2(d)
	}
}

// transposeBlock is the edge of the squares that the kernel moves.
const transposeBlock = 8

func transposeBlocks(dst, src unsafe.Pointer, dstStride, srcStride, blocks int) {
	transposeAVX2(dst, src, dstStride, srcStride, blocks)
}

// copyRows copies rows of width elements, all those of a panel.
func copyRows(dst []float32, ldd int, src []float32, lds, width, rows int) {
	copyRowsAVX2(floats(dst, 0), floats(src, 0), ldd*sizeofFloat, lds*sizeofFloat, rows, width/16)
}

// peak runs the measuring loop n times.
func peak(isa cpu.ISA, n int) {
	switch isa {
	case cpu.AVX512:
		peakAVX512(n)
	case cpu.AVX2:
		peakAVX2(n)
	default:
		peakGeneric(n)
	}
}
