//go:build noasm || !(amd64 || arm64)

package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// Without assembly the only instruction set is Generic, which has nothing here is called.
var shapesOf [1]shapes

func kernelIndex(isa cpu.ISA, rows, vectors, tail int) int { panic("gemm: no kernels in this build") }

func run(isa cpu.ISA, t *tile) { panic("gemm: no kernels in this build") }

func runDots(isa cpu.ISA, d *dots) { panic("gemm: no kernels in this build") }

const transposeBlock = 1

func transposeBlocks(dst, src unsafe.Pointer, dstStride, srcStride, blocks int) {
	panic("gemm: no kernels in this build")
}

func copyRows(dst []float32, ldd int, src []float32, lds, width, rows int) {
	panic("gemm: no kernels in this build")
}

func peak(isa cpu.ISA, n int) { peakGeneric(n) }
