//go:build !noasm

package conv

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
)

//go:noescape
func winogradInputAVX512(dst, src unsafe.Pointer, component, tile, row, pixel, tiles int)

//go:noescape
func winogradOutputAVX512(dst, src, bias, plus unsafe.Pointer, component, tile, row, pixel, tiles int, least float32)

//go:noescape
func winogradFilterAVX512(dst, src unsafe.Pointer, component, weight, vectors int)

// winogradInput is winogradInputGeneric.
func winogradInput(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	if cpu.Active() != cpu.AVX512 || tiles == 0 {
		winogradInputGeneric(dst, component, tile, src, row, pixel, tiles)
		return
	}
	_, _ = dst[15*component+(tiles-1)*tile+15], src[3*row+(2*tiles+1)*pixel+15]
	winogradInputAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 4*component, 4*tile, 4*row, 4*pixel, tiles)
}

// winogradOutput is winogradOutputGeneric.
func winogradOutput(dst []float32, row, pixel int, src []float32, component, tile int, bias, plus []float32, least float32, tiles int) {
	if cpu.Active() != cpu.AVX512 || tiles == 0 {
		winogradOutputGeneric(dst, row, pixel, src, component, tile, bias, plus, least, tiles)
		return
	}
	_, _ = dst[row+(2*tiles-1)*pixel+15], src[15*component+(tiles-1)*tile+15]
	var b, p unsafe.Pointer
	if bias != nil {
		b = unsafe.Pointer(&bias[:16][0])
	}
	if plus != nil {
		p = unsafe.Pointer(&plus[:row+(2*tiles-1)*pixel+16][0])
	}
	winogradOutputAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), b, p, 4*component, 4*tile, 4*row, 4*pixel, tiles, least)
}

// winogradFilter is winogradFilterGeneric.
func winogradFilter(dst []float32, component int, src []float32, weight, n int) {
	if cpu.Active() != cpu.AVX512 || n == 0 || n%16 != 0 {
		winogradFilterGeneric(dst, component, src, weight, n)
		return
	}
	_, _ = dst[15*component+n-1], src[8*weight+n-1]
	winogradFilterAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 4*component, 4*weight, n/16)
}

//go:noescape
func winogradGradAVX512(dst, src unsafe.Pointer, component, tile, row, pixel, tiles int)

//go:noescape
func winogradFilterGradAVX512(dst, src unsafe.Pointer, weight, component, vectors int)

// winogradGradInput is winogradGradInputGeneric.
func winogradGradInput(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	if cpu.Active() != cpu.AVX512 || tiles == 0 {
		winogradGradInputGeneric(dst, component, tile, src, row, pixel, tiles)
		return
	}
	_, _ = dst[15*component+(tiles-1)*tile+15], src[row+(2*tiles-1)*pixel+15]
	winogradGradAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 4*component, 4*tile, 4*row, 4*pixel, tiles)
}

// winogradFilterGrad is winogradFilterGradGeneric.
func winogradFilterGrad(dst []float32, weight int, src []float32, component, n int) {
	if cpu.Active() != cpu.AVX512 || n == 0 || n%16 != 0 {
		winogradFilterGradGeneric(dst, weight, src, component, n)
		return
	}
	_, _ = dst[8*weight+n-1], src[15*component+n-1]
	winogradFilterGradAVX512(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 4*weight, 4*component, n/16)
}
