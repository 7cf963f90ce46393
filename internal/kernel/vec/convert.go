package vec

import (
	"math"
	"unsafe"
)

// The 16-bit formats are handled as uint16 holding their bits.

// Float32ToBFloat16 rounds x to bfloat16, to nearest even. NaN stays NaN.
func Float32ToBFloat16(dst []uint16, x []float32) {
	sameLength("Float32ToBFloat16", len(dst), len(x))
	if toBFloat16Kernel(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = bfloat16Bits(v)
	}
}

func bfloat16Bits(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40 // quiet, and never rounded to infinity
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// BFloat16ToFloat32 widens x, which is exact.
func BFloat16ToFloat32(dst []float32, x []uint16) {
	sameLength("BFloat16ToFloat32", len(dst), len(x))
	if fromBFloat16Kernel(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = math.Float32frombits(uint32(v) << 16)
	}
}

// Float32ToFloat16 rounds x to IEEE 754 binary16, to nearest even. What is too
// great becomes infinite, what is small subnormal or zero; NaN stays NaN.
func Float32ToFloat16(dst []uint16, x []float32) {
	sameLength("Float32ToFloat16", len(dst), len(x))
	if toFloat16Kernel(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = float16Bits(v)
	}
}

func float16Bits(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN: keep the top of the payload, quiet
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x47800000: // 2^16 and more
		return sign | 0x7c00
	case b < 0x38800000: // below the least normal, 2^-14
		// Adding 0.5 puts the bits of a subnormal, whose unit is 2^-24, at the
		// bottom of the significand, rounded to nearest even by the addition.
		f := math.Float32frombits(b) + 0.5
		return sign | uint16(math.Float32bits(f)-0x3f000000)
	}
	b += 0xfff + b>>13&1 // a carry may reach infinity, as it should
	return sign | uint16((b-0x38000000)>>13)
}

// Float16ToFloat32 widens x, which is exact.
func Float16ToFloat32(dst []float32, x []uint16) {
	sameLength("Float16ToFloat32", len(dst), len(x))
	if fromFloat16Kernel(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = float16Value(v)
	}
}

func float16Value(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	rest := uint32(h & 0x7fff)
	switch {
	case rest > 0x7c00: // NaN, made quiet as hardware does
		return math.Float32frombits(sign | 0x7fc00000 | rest<<13)
	case rest == 0x7c00:
		return math.Float32frombits(sign | 0x7f800000)
	case rest < 0x400:
		v := float32(rest) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | (rest<<13 + 0x38000000))
}

// Uint8ToFloat sets dst[i] = float(x[i])*scale + shift: pixels to numbers.
func Uint8ToFloat[T Float](dst []T, x []uint8, scale, shift T) {
	sameLength("Uint8ToFloat", len(dst), len(x))
	if isFloat32[T]() && fromUint8Kernel(ptr(dst), unsafe.SliceData(x), float32(scale), float32(shift), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(v)*scale + shift
	}
}
