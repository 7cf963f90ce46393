//go:build noasm || !amd64

package bf16

import "unsafe"

// Without assembly no processor has these instructions, and nothing here is called.

func runAMX(j *job) { panic("bf16: no kernels in this build") }

func dots(j *job, a, from, c unsafe.Pointer, height int) { panic("bf16: no kernels in this build") }

func peakDots(data unsafe.Pointer, n int) { panic("bf16: no kernels in this build") }

func peakAMX(config, data unsafe.Pointer, n int) { panic("bf16: no kernels in this build") }

func roundRows(dst, src unsafe.Pointer, dstRow, srcRow, rows, n int) {
	panic("bf16: no kernels in this build")
}

func convertRows(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	panic("bf16: no kernels in this build")
}

func convertPairs(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	panic("bf16: no kernels in this build")
}

func pairUp(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	panic("bf16: no kernels in this build")
}
