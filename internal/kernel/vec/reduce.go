package vec

import "math"

// block is how many elements a reduction adds up in float32 lanes before it
// continues in float64. A lane then sees a few dozen additions at most, which
// keeps the error of a sum of any length near the rounding of one block. It is
// part of the order of additions: changing it changes results.
const block = 2048

// Sum returns the sum of x. Blocks are added in float64 so that a caller who
// cuts a long slice loses nothing by adding the parts.
func Sum[T Float](x []T) float64 {
	var s float64
	for lo := 0; lo < len(x); lo += block {
		s += sumBlock(x[lo:min(lo+block, len(x))])
	}
	return s
}

func sumBlock[T Float](x []T) (s float64) {
	if isFloat32[T]() {
		if s, ok := sumKernel(ptr(x), len(x)); ok {
			return float64(s)
		}
	}
	for _, v := range x {
		s += float64(v)
	}
	return s
}

// SumAbs returns the sum of |x[i]|, added up as in [Sum].
func SumAbs[T Float](x []T) float64 {
	var s float64
	for lo := 0; lo < len(x); lo += block {
		s += sumAbsBlock(x[lo:min(lo+block, len(x))])
	}
	return s
}

func sumAbsBlock[T Float](x []T) (s float64) {
	if isFloat32[T]() {
		if s, ok := sumAbsKernel(ptr(x), len(x)); ok {
			return float64(s)
		}
	}
	for _, v := range x {
		s += math.Abs(float64(v))
	}
	return s
}

// SumSquares returns the sum of x[i]², added up as in [Sum].
func SumSquares[T Float](x []T) float64 {
	var s float64
	for lo := 0; lo < len(x); lo += block {
		s += sumSquaresBlock(x[lo:min(lo+block, len(x))])
	}
	return s
}

func sumSquaresBlock[T Float](x []T) (s float64) {
	if isFloat32[T]() {
		if s, ok := sumSquaresKernel(ptr(x), len(x)); ok {
			return float64(s)
		}
	}
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// Dot returns the sum of a[i]*b[i], added up as in [Sum].
func Dot[T Float](a, b []T) float64 {
	sameLength("Dot", len(a), len(b))
	var s float64
	for lo := 0; lo < len(a); lo += block {
		hi := min(lo+block, len(a))
		s += dotBlock(a[lo:hi], b[lo:hi])
	}
	return s
}

func dotBlock[T Float](a, b []T) (s float64) {
	if isFloat32[T]() {
		if s, ok := dotKernel(ptr(a), ptr(b), len(a)); ok {
			return float64(s)
		}
	}
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// MaxValue returns the greatest element of x, NaN if there is a NaN. It panics
// when x is empty.
func MaxValue[T Float](x []T) T {
	atLeast("MaxValue", "x", len(x), 1)
	if isFloat32[T]() {
		if m, ok := maxValueKernel(ptr(x), len(x)); ok {
			return T(m)
		}
	}
	m := x[0]
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

// MinValue returns the least element of x, NaN if there is a NaN. It panics
// when x is empty.
func MinValue[T Float](x []T) T {
	atLeast("MinValue", "x", len(x), 1)
	if isFloat32[T]() {
		if m, ok := minValueKernel(ptr(x), len(x)); ok {
			return T(m)
		}
	}
	m := x[0]
	for _, v := range x {
		m = min(m, v)
	}
	return m
}
