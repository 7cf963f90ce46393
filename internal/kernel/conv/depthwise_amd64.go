//go:build !noasm

package conv

import (
	"fmt"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// depthwiseRun describes a run of output pixels that see the same taps, as the
// assembly reads it, by field name. Steps count bytes, offsets elements.
//
// The kernels of the forward direction compute depthwisePixels; those of
// the products compute depthwiseProducts, with gy in y and sums in w.
type depthwiseRun struct {
	y, x, w, bias unsafe.Pointer // bias may be nil
	xoff, woff    unsafe.Pointer
	taps          int
	channels      int
	row           int // bytes of all channels of a pixel
	pixels        int
	xstep, ystep  int
	flags         int // depthwiseAccumulate | depthwiseReLU
}

const (
	depthwiseAccumulate = 1 << iota
	depthwiseReLU
)

//go:noescape
func depthwisePixelsAVX2(r *depthwiseRun)

//go:noescape
func depthwisePixelsAVX512(r *depthwiseRun)

//go:noescape
func depthwiseProductsAVX2(r *depthwiseRun)

//go:noescape
func depthwiseProductsAVX512(r *depthwiseRun)

// depthwisePixelsVector does depthwisePixels for as many channels as whole
// vectors allow, and returns their number.
func depthwisePixelsVector(channels, pixels int, x []float32, xoff []int, xstep int, w []float32, woff []int, y []float32, ystep int, e *gemm.Epilogue) int {
	isa := cpu.Active()
	done := vectorChannels(isa, channels)
	if done == 0 || pixels == 0 {
		return done
	}
	checkRun("x", xoff, (pixels-1)*xstep+channels, len(x))
	checkRun("w", woff, channels, len(w))
	checkRun("y", []int{0}, (pixels-1)*ystep+channels, len(y))
	r := depthwiseRun{
		y: unsafe.Pointer(&y[0]), x: unsafe.Pointer(unsafe.SliceData(x)), w: unsafe.Pointer(unsafe.SliceData(w)),
		xoff: unsafe.Pointer(unsafe.SliceData(xoff)), woff: unsafe.Pointer(unsafe.SliceData(woff)), taps: len(xoff),
		channels: done, row: 4 * channels, pixels: pixels, xstep: 4 * xstep, ystep: 4 * ystep,
	}
	if e.Bias != nil {
		r.bias = unsafe.Pointer(&e.Bias[:channels][0])
	}
	if e.Accumulate {
		r.flags |= depthwiseAccumulate
	}
	if e.ReLU {
		r.flags |= depthwiseReLU
	}
	if isa == cpu.AVX512 {
		depthwisePixelsAVX512(&r)
	} else {
		depthwisePixelsAVX2(&r)
	}
	return done
}

// depthwiseProductsVector does depthwiseProducts for as many channels as whole
// vectors allow, and returns their number.
func depthwiseProductsVector(channels, pixels int, x []float32, xoff []int, xstep int, gy, sum []float32) int {
	isa := cpu.Active()
	done := vectorChannels(isa, channels)
	if done == 0 || pixels == 0 || len(xoff) == 0 {
		return done
	}
	checkRun("x", xoff, (pixels-1)*xstep+channels, len(x))
	r := depthwiseRun{
		y: unsafe.Pointer(&gy[:pixels*channels][0]), x: unsafe.Pointer(&x[0]), w: unsafe.Pointer(&sum[:len(xoff)*channels][0]),
		xoff: unsafe.Pointer(&xoff[0]), taps: len(xoff),
		channels: done, row: 4 * channels, pixels: pixels, xstep: 4 * xstep, ystep: 4 * channels,
	}
	if isa == cpu.AVX512 {
		depthwiseProductsAVX512(&r)
	} else {
		depthwiseProductsAVX2(&r)
	}
	return done
}

// vectorChannels is how many channels the kernels of isa do: AVX-512 masks what
// is left of the last vector, AVX2 leaves it to Go.
func vectorChannels(isa cpu.ISA, channels int) int {
	switch isa {
	case cpu.AVX512:
		return channels
	case cpu.AVX2:
		return channels &^ 7
	}
	return 0
}

// checkRun panics unless span elements from each offset on lie within n: the
// assembly checks nothing.
func checkRun(name string, offsets []int, span, n int) {
	for _, at := range offsets {
		if at < 0 || at+span > n {
			panic(fmt.Sprintf("conv: depthwise: %s of %d elements has none at [%d, %d)", name, n, at, at+span))
		}
	}
}
