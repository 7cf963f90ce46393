//go:build !noasm

package conv

import (
	"math"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

//go:noescape
func gatherAVX512(dst, src unsafe.Pointer, n, stride int)

// gather sets dst[i] = src[i*stride].
func gather(dst, src []float32, stride int) {
	// The offsets of a vector of sixteen are 32-bit numbers of bytes.
	if cpu.Active() != cpu.AVX512 || len(dst) == 0 || stride > math.MaxInt32/64 {
		gatherGeneric(dst, src, stride)
		return
	}
	src = src[: (len(dst)-1)*stride+1 : len(src)]
	gatherAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), len(dst), stride)
}
