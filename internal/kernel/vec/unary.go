package vec

import "math"

// Neg sets dst[i] = -x[i].
func Neg[T Float](dst, x []T) {
	sameLength("Neg", len(dst), len(x))
	if isFloat32[T]() && negKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = -v
	}
}

// Abs sets dst[i] = |x[i]|.
func Abs[T Float](dst, x []T) {
	sameLength("Abs", len(dst), len(x))
	if isFloat32[T]() && absKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Abs(float64(v)))
	}
}

// Sqrt sets dst[i] to the square root of x[i], NaN below zero.
func Sqrt[T Float](dst, x []T) {
	sameLength("Sqrt", len(dst), len(x))
	if isFloat32[T]() && sqrtKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Sqrt(float64(v)))
	}
}

// Square sets dst[i] = x[i]².
func Square[T Float](dst, x []T) {
	sameLength("Square", len(dst), len(x))
	if isFloat32[T]() && squareKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = v * v
	}
}

// Reciprocal sets dst[i] = 1/x[i].
func Reciprocal[T Float](dst, x []T) {
	sameLength("Reciprocal", len(dst), len(x))
	if isFloat32[T]() && rdivScalarKernel(ptr(dst), ptr(x), 1, len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = 1 / v
	}
}

// Exp sets dst[i] to e to the power of x[i]: +Inf above the range, 0 below it.
func Exp[T Float](dst, x []T) {
	sameLength("Exp", len(dst), len(x))
	if isFloat32[T]() && expKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Exp(float64(v)))
	}
}

// Log sets dst[i] to the natural logarithm of x[i]: -Inf at zero, NaN below.
func Log[T Float](dst, x []T) {
	sameLength("Log", len(dst), len(x))
	if isFloat32[T]() && logKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Log(float64(v)))
	}
}

// Tanh sets dst[i] to the hyperbolic tangent of x[i].
func Tanh[T Float](dst, x []T) {
	sameLength("Tanh", len(dst), len(x))
	if isFloat32[T]() && tanhKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Tanh(float64(v)))
	}
}

// Erf sets dst[i] to the error function of x[i].
func Erf[T Float](dst, x []T) {
	sameLength("Erf", len(dst), len(x))
	if isFloat32[T]() && erfKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Erf(float64(v)))
	}
}
