package conv

import (
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// interleave turns planes of channels into pixels:
//
//	dst[p*ldd + c] = src[c*lds + p]   c<channels, p<pixels
//
// Where src lies in planes, as images from outside do, a convolution copies the
// piece that a task reads into pixels that stay in the second-level cache. To
// rearrange the whole image first would send it through memory three times more.
func interleave(dst []float32, ldd int, src []float32, lds, channels, pixels int) {
	if pixels == 0 || channels == 0 {
		return
	}
	_, _ = dst[(pixels-1)*ldd+channels-1], src[(channels-1)*lds+pixels-1]
	done := interleaveVector(dst, ldd, src, lds, channels, pixels)
	// Two cache lines' worth of pixels at a time: the lines of dst that one
	// channel begins are still near when the next one goes on.
	const at = 32
	for p := 0; p < pixels && done < channels; p += at {
		for c := done; c < channels; c++ {
			d := dst[p*ldd+c:]
			for i, v := range src[c*lds+p : c*lds+min(p+at, pixels)] {
				d[i*ldd] = v
			}
		}
	}
}

// TransposeImages turns each of so many matrices, one after the other in src, over:
//
//	dst[(i*columns + c)*rows + r] = src[(i*rows + r)*columns + c]
//
// Rows are channels and columns pixels, or the other way round.
func TransposeImages(images, rows, columns int, src, dst []float32) {
	size := rows * columns
	_, _ = src[:images*size], dst[:images*size]
	if size == 0 {
		return
	}
	piece := evenly(columns, max(1, sourceFloats/rows))
	across := ceilDiv(columns, piece)
	par.For(images*across, max(1, sourceFloats/2/(rows*piece)), func(lo, hi int) {
		for task := lo; task < hi; task++ {
			n, c := task/across, task%across*piece
			interleave(dst[n*size+c*rows:], rows, src[n*size+c:], columns, rows, min(piece, columns-c))
		}
	})
}

// channelsLast returns a copy of x (N, C, H, W) as (N, H, W, C). The caller gives
// it back to mem.
func (s Shape) channelsLast(x []float32) []float32 {
	out := mem.Float32s(len(x))
	TransposeImages(s.N, s.C, s.H*s.W, x, out)
	return out
}

// channelsLastPortable is channelsLast for any float.
func channelsLastPortable[T Float](s Shape, x []T) []T {
	out, plane := make([]T, len(x)), s.H*s.W
	for i, v := range x {
		n, c, p := i/(s.C*plane), i/plane%s.C, i%plane
		out[(n*plane+p)*s.C+c] = v
	}
	return out
}

// addGeneric adds src to dst, which has the same length.
func addGeneric(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}
