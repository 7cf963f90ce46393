package tensor

import (
	"fmt"
	"math"
	"unsafe"
)

// DType is the type of a tensor's elements.
type DType uint8

// The element types. BFloat16 and Float16 are stored and converted; arithmetic
// on them is done in float32 and rounded back.
const (
	Float32 DType = iota + 1
	Float64
	BFloat16
	Float16
	Int64
	Int32
	UInt8
	Bool
)

var dtypes = [...]struct {
	name string
	size int
}{
	Float32: {"float32", 4}, Float64: {"float64", 8}, BFloat16: {"bfloat16", 2}, Float16: {"float16", 2},
	Int64: {"int64", 8}, Int32: {"int32", 4}, UInt8: {"uint8", 1}, Bool: {"bool", 1},
}

// String returns the type's name as NumPy and PyTorch write it.
func (d DType) String() string {
	if d == 0 || int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// IsFloat reports whether d is one of the floating-point types, the ones that
// can have gradients.
func (d DType) IsFloat() bool { return d >= Float32 && d <= Float16 }

// BF16 is a bfloat16 element: the upper half of a float32.
type BF16 uint16

// F16 is an IEEE 754 binary16 element.
type F16 uint16

// Element is any Go type that a tensor can store.
type Element interface {
	float32 | float64 | BF16 | F16 | int64 | int32 | uint8 | bool
}

// number is an element type with arithmetic of its own.
type number interface {
	float32 | float64 | int64 | int32 | uint8
}

// real is an element type that gradients are computed in.
type real interface{ float32 | float64 }

// DTypeOf returns the element type that T is stored as.
func DTypeOf[T Element]() DType {
	var z T
	switch any(z).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case BF16:
		return BFloat16
	case F16:
		return Float16
	case int64:
		return Int64
	case int32:
		return Int32
	case uint8:
		return UInt8
	}
	return Bool
}

// Float32 converts to float32, exactly.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// ToBF16 rounds to the nearest bfloat16, ties to even.
func ToBF16(f float32) BF16 {
	bits := math.Float32bits(f)
	if f != f {
		return BF16(bits>>16 | 0x40) // stay a NaN when the payload is cut off
	}
	return BF16((bits + 0x7fff + bits>>16&1) >> 16)
}

// Float32 converts to float32, exactly.
func (h F16) Float32() float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero and subnormals: frac * 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// ToF16 rounds to the nearest binary16, ties to even; too large becomes Inf.
func ToF16(f float32) F16 {
	bits := math.Float32bits(f)
	sign, abs := F16(bits>>16&0x8000), bits&0x7fffffff
	switch {
	case abs > 0x7f800000: // NaN
		return sign | 0x7e00 | F16(abs>>13&0x1ff)
	case abs >= 0x477ff000: // rounds past 65504
		return sign | 0x7c00
	case abs < 0x38800000: // subnormal: adding 0.5 aligns and rounds the fraction
		return sign | F16(math.Float32bits(math.Float32frombits(abs)+0.5)-0x3f000000)
	}
	return sign | F16((abs-0x38000000+0xfff+abs>>13&1)>>13)
}

// view reinterprets bytes as elements.
func view[T Element](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var z T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(z)))
}

// promote is the common type of two operands: floats win over integers, wide
// over narrow, and the two half types meet in float32, as in PyTorch.
func promote(a, b DType) DType {
	if a == b {
		return a
	}
	if a.IsFloat() != b.IsFloat() {
		if a.IsFloat() {
			return a
		}
		return b
	}
	if a.IsFloat() {
		if a == Float64 || b == Float64 {
			return Float64
		}
		return Float32
	}
	return min(a, b) // the integers are declared from wide to narrow, Bool last
}
