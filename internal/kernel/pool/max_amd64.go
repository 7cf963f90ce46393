//go:build !noasm

package pool

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// maxTaps is how many window positions the vector kernels take: those of an 8x8
// window, for larger ones are rare.
const maxTaps = 64

// maxArgs describes a run of output pixels whose windows meet the image with the
// same positions, as the assembly reads it, by field name. In the gradient x
// stands for gx and y for gy.
type maxArgs struct {
	x, y, arg unsafe.Pointer // at the first pixel of the run; arg may be nil
	taps      int            // at least one
	channels  int            // to do, with AVX2 whole vectors
	pixels    int            // at least one
	xstep     int            // bytes from one window to the next
	pixel     int            // elements from one output pixel to the next
	fresh     int            // gradient: 1 to overwrite gx, 0 to add to it
	offsets   [maxTaps]int32 // of window positions, in bytes from x
	codes     [maxTaps]int32 // of window positions, as arg has them
}

//go:noescape
func maxAVX2(a *maxArgs)

//go:noescape
func maxAVX512(a *maxArgs)

//go:noescape
func maxGradAVX2(a *maxArgs)

//go:noescape
func maxGradAVX512(a *maxArgs)

// vectors reports whether there are kernels for s: AVX-512 masks what is left
// of the last vector of channels, AVX2 does not; offsets must fit an int32.
func (s Shape) vectors(taps int) bool {
	if taps < 1 || taps > maxTaps || s.DilationH*s.KH*s.W*s.C > 1<<28 {
		return false
	}
	return cpu.Active() == cpu.AVX512 || cpu.Active() == cpu.AVX2 && s.C%8 == 0
}

// maxRun computes output columns [j0, j1) of output row (of all images) row,
// which meet the image with the same window positions, and reports whether it did.
func (s Shape) maxRun(row, j0, j1 int, x, y []float32, arg []uint8) bool {
	n, i := row/s.OutH(), row%s.OutH()
	h0, w0 := i*s.StrideH-s.PadH, j0*s.StrideW-s.PadW
	hlo, hhi := taps(h0, s.KH, s.DilationH, s.H)
	wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
	if !s.vectors((hhi - hlo) * (whi - wlo)) {
		return false
	}
	var a maxArgs
	first := ((n*s.H+h0+hlo*s.DilationH)*s.W + w0 + wlo*s.DilationW) * s.C
	last := ((n*s.H+h0+(hhi-1)*s.DilationH)*s.W + w0 + (whi-1)*s.DilationW + (j1-1-j0)*s.StrideW) * s.C
	source := x[first : last+s.C]
	for kh := hlo; kh < hhi; kh++ {
		for kw := wlo; kw < whi; kw++ {
			a.offsets[a.taps] = int32(4 * ((kh-hlo)*s.DilationH*s.W + (kw-wlo)*s.DilationW) * s.C)
			a.codes[a.taps] = int32(kh*s.KW + kw)
			a.taps++
		}
	}
	at := (row*s.OutW() + j0) * s.C
	a.x, a.y = unsafe.Pointer(&source[0]), unsafe.Pointer(&y[at:][:(j1-j0)*s.C][0])
	if arg != nil {
		a.arg = unsafe.Pointer(&arg[at:][:(j1-j0)*s.C][0])
	}
	a.channels, a.pixels, a.xstep, a.pixel = s.C, j1-j0, 4*s.StrideW*s.C, s.C
	if cpu.Active() == cpu.AVX512 {
		maxAVX512(&a)
	} else {
		maxAVX2(&a)
	}
	return true
}

// maxGradRun adds to input row (of all images) row what it won as kernel row kh
// of output columns [j0, j1) of outRow, which meet the image with the same window
// positions, and reports whether it did. If fresh is set it overwrites the pixels
// of those windows instead.
func (s Shape) maxGradRun(row, outRow, kh, j0, j1 int, gx, gy []float32, arg []uint8, fresh bool) bool {
	w0 := j0*s.StrideW - s.PadW
	wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
	if !s.vectors(whi - wlo) {
		return false
	}
	var a maxArgs
	first := (row*s.W + w0 + wlo*s.DilationW) * s.C
	last := (row*s.W + w0 + (whi-1)*s.DilationW + (j1-1-j0)*s.StrideW) * s.C
	target := gx[first : last+s.C]
	for kw := wlo; kw < whi; kw++ {
		a.offsets[a.taps] = int32(4 * (kw - wlo) * s.DilationW * s.C)
		a.codes[a.taps] = int32(kh*s.KW + kw)
		a.taps++
	}
	if fresh {
		a.fresh = 1
	}
	at := (outRow*s.OutW() + j0) * s.C
	a.x, a.y = unsafe.Pointer(&target[0]), unsafe.Pointer(&gy[at:][:(j1-j0)*s.C][0])
	a.arg = unsafe.Pointer(&arg[at:][:(j1-j0)*s.C][0])
	a.channels, a.pixels, a.xstep, a.pixel = s.C, j1-j0, 4*s.StrideW*s.C, s.C
	if cpu.Active() == cpu.AVX512 {
		maxGradAVX512(&a)
	} else {
		maxGradAVX2(&a)
	}
	return true
}
