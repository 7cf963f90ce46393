package vec

// Add sets dst[i] = a[i] + b[i].
func Add[T Float](dst, a, b []T) {
	sameLengths("Add", len(dst), len(a), len(b))
	if isFloat32[T]() && addKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub sets dst[i] = a[i] - b[i].
func Sub[T Float](dst, a, b []T) {
	sameLengths("Sub", len(dst), len(a), len(b))
	if isFloat32[T]() && subKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul sets dst[i] = a[i] * b[i].
func Mul[T Float](dst, a, b []T) {
	sameLengths("Mul", len(dst), len(a), len(b))
	if isFloat32[T]() && mulKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Div sets dst[i] = a[i] / b[i].
func Div[T Float](dst, a, b []T) {
	sameLengths("Div", len(dst), len(a), len(b))
	if isFloat32[T]() && divKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// Max sets dst[i] to the greater of a[i] and b[i], NaN if either is NaN.
func Max[T Float](dst, a, b []T) {
	sameLengths("Max", len(dst), len(a), len(b))
	if isFloat32[T]() && maxKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// Min sets dst[i] to the lesser of a[i] and b[i], NaN if either is NaN.
func Min[T Float](dst, a, b []T) {
	sameLengths("Min", len(dst), len(a), len(b))
	if isFloat32[T]() && minKernel(ptr(dst), ptr(a), ptr(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

// AddScalar sets dst[i] = x[i] + s.
func AddScalar[T Float](dst, x []T, s T) {
	sameLength("AddScalar", len(dst), len(x))
	if isFloat32[T]() && addScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x[i] + s
	}
}

// SubScalar sets dst[i] = x[i] - s.
func SubScalar[T Float](dst, x []T, s T) {
	sameLength("SubScalar", len(dst), len(x))
	if isFloat32[T]() && addScalarKernel(ptr(dst), ptr(x), float32(-s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x[i] - s
	}
}

// RSubScalar sets dst[i] = s - x[i].
func RSubScalar[T Float](dst, x []T, s T) {
	sameLength("RSubScalar", len(dst), len(x))
	if isFloat32[T]() && rsubScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = s - x[i]
	}
}

// MulScalar sets dst[i] = x[i] * s.
func MulScalar[T Float](dst, x []T, s T) {
	sameLength("MulScalar", len(dst), len(x))
	if isFloat32[T]() && mulScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x[i] * s
	}
}

// DivScalar sets dst[i] = x[i] / s.
func DivScalar[T Float](dst, x []T, s T) {
	sameLength("DivScalar", len(dst), len(x))
	if isFloat32[T]() && divScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x[i] / s
	}
}

// RDivScalar sets dst[i] = s / x[i].
func RDivScalar[T Float](dst, x []T, s T) {
	sameLength("RDivScalar", len(dst), len(x))
	if isFloat32[T]() && rdivScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = s / x[i]
	}
}

// MaxScalar sets dst[i] to the greater of x[i] and s, NaN if either is NaN.
func MaxScalar[T Float](dst, x []T, s T) {
	sameLength("MaxScalar", len(dst), len(x))
	if isFloat32[T]() && maxScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = max(x[i], s)
	}
}

// MinScalar sets dst[i] to the lesser of x[i] and s, NaN if either is NaN.
func MinScalar[T Float](dst, x []T, s T) {
	sameLength("MinScalar", len(dst), len(x))
	if isFloat32[T]() && minScalarKernel(ptr(dst), ptr(x), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = min(x[i], s)
	}
}

// Axpy adds alpha*x[i] to dst[i].
func Axpy[T Float](dst []T, alpha T, x []T) {
	sameLength("Axpy", len(dst), len(x))
	if isFloat32[T]() && axpyKernel(ptr(dst), ptr(x), float32(alpha), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] += alpha * x[i]
	}
}

// ScaleAdd sets dst[i] = alpha*a[i] + beta*b[i].
func ScaleAdd[T Float](dst []T, alpha T, a []T, beta T, b []T) {
	sameLengths("ScaleAdd", len(dst), len(a), len(b))
	if isFloat32[T]() && scaleAddKernel(ptr(dst), ptr(a), ptr(b), float32(alpha), float32(beta), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = alpha*a[i] + beta*b[i]
	}
}

// Fill sets every element of dst to s.
func Fill[T Float](dst []T, s T) {
	if isFloat32[T]() && fillKernel(ptr(dst), float32(s), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = s
	}
}

// ScaleShift sets dst[i] = x[i]*scale + shift.
func ScaleShift[T Float](dst, x []T, scale, shift T) {
	sameLength("ScaleShift", len(dst), len(x))
	if isFloat32[T]() && scaleShiftKernel(ptr(dst), ptr(x), float32(scale), float32(shift), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x[i]*scale + shift
	}
}
