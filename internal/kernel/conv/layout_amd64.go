//go:build !noasm

package conv

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

//go:generate go run ../asmgen/conv -dir .

//go:noescape
func transpose16AVX512(dst, src unsafe.Pointer, dstStride, srcStride, n int)

//go:noescape
func addAVX512(dst, src unsafe.Pointer, n int)

// add adds src to dst, element by element.
func add(dst, src []float32) {
	src = src[:len(dst)]
	if cpu.Active() != cpu.AVX512 || len(dst) == 0 {
		addGeneric(dst, src)
		return
	}
	addAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), len(dst))
}

// interleaveVector does interleave for as many channels as whole vectors allow,
// and returns their number.
func interleaveVector(dst []float32, ldd int, src []float32, lds, channels, pixels int) int {
	if cpu.Active() != cpu.AVX512 {
		return 0
	}
	done := channels &^ 15
	for c := 0; c < done; c += 16 {
		transpose16AVX512(unsafe.Pointer(&dst[c]), unsafe.Pointer(&src[c*lds]), 4*ldd, 4*lds, pixels)
	}
	return done
}
