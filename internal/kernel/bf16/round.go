package bf16

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Round returns the bfloat16 nearest to x, ties to even, as a float32. Numbers
// below the smallest normal one become zero with their sign, as they do in the
// instructions that convert.
func Round(x float32) float32 {
	bits := math.Float32bits(x)
	switch exponent := bits >> 23 & 0xff; {
	case exponent == 0:
		bits &= 1 << 31
	case exponent == 0xff && bits<<9 != 0:
		bits |= 1 << 22 // a quiet NaN stays one when its low bits go
	default:
		bits += 0x7fff + bits>>16&1
	}
	return math.Float32frombits(bits &^ 0xffff)
}

// roundChunk is how many numbers to round are worth a task of their own.
const roundChunk = 32 << 10

// roundAll sets dst to src, rounded.
func roundAll(dst, src []float32) {
	par.For(len(src), roundChunk, func(lo, hi int) {
		for i, v := range src[lo:hi] {
			dst[lo+i] = Round(v)
		}
	})
}

// roundedCopy returns src rounded, in a buffer that the caller gives back to mem.
func roundedCopy(src []float32) []float32 {
	dst := mem.Float32s(len(src))
	roundAll(dst, src)
	return dst
}

// rounded is Mul on float32 that were rounded to bfloat16: the way of processors
// that multiply nothing smaller, and the oracle of the kernels.
func rounded(m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, e gemm.Epilogue) {
	ra, rb := roundedCopy(a[:min(len(a), extent(m, k, rsa, csa))]), roundedCopy(b[:min(len(b), extent(k, n, rsb, csb))])
	gemm.Mul(m, n, k, ra, rsa, csa, rb, rsb, csb, c, rsc, e)
	mem.PutFloat32s(ra)
	mem.PutFloat32s(rb)
}

// extent is how many elements a matrix reaches over.
func extent(rows, columns, rs, cs int) int {
	if rows <= 0 || columns <= 0 {
		return 0
	}
	return max(0, (rows-1)*rs+(columns-1)*cs+1)
}
