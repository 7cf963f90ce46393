package vec

import "math"

// The scalar functions compute in float64 whatever T is: they are the oracle
// that the float32 assembly is measured against.

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// normalCDF is the standard normal distribution function. Erfc keeps the lower
// tail accurate, where 1+erf would cancel.
func normalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func normalPDF(x float64) float64 {
	return math.Exp(-0.5*x*x) / math.Sqrt(2*math.Pi)
}

// The tanh form of GELU is x*sigmoid(2u) with u = geluInner*(x + geluCubic*x³).
const (
	geluInner = 0.79788456080286535588 // sqrt(2/pi)
	geluCubic = 0.044715
)

// Sigmoid sets dst[i] = 1/(1+exp(-x[i])).
func Sigmoid[T Float](dst, x []T) {
	sameLength("Sigmoid", len(dst), len(x))
	if isFloat32[T]() && sigmoidKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(sigmoid(float64(v)))
	}
}

// ReLU sets dst[i] = max(x[i], 0); NaN stays NaN.
func ReLU[T Float](dst, x []T) {
	sameLength("ReLU", len(dst), len(x))
	if isFloat32[T]() && reluKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = max(v, 0)
	}
}

// LeakyReLU sets dst[i] = x[i] where x[i] > 0, else slope*x[i].
func LeakyReLU[T Float](dst, x []T, slope T) {
	sameLength("LeakyReLU", len(dst), len(x))
	if isFloat32[T]() && leakyReLUKernel(ptr(dst), ptr(x), float32(slope), len(dst)) {
		return
	}
	for i, v := range x {
		if v > 0 {
			dst[i] = v
		} else {
			dst[i] = slope * v
		}
	}
}

// GELU sets dst[i] = x[i]*Phi(x[i]), Phi the standard normal distribution
// function (Hendrycks and Gimpel, arXiv 1606.08415), in its exact form.
func GELU[T Float](dst, x []T) {
	sameLength("GELU", len(dst), len(x))
	if isFloat32[T]() && geluKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(gelu(float64(v)))
	}
}

func gelu(x float64) float64 {
	return x * normalCDF(x)
}

// GELUTanh sets dst[i] to the tanh approximation of GELU (arXiv 1606.08415).
func GELUTanh[T Float](dst, x []T) {
	sameLength("GELUTanh", len(dst), len(x))
	if isFloat32[T]() && geluTanhKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(geluTanh(float64(v)))
	}
}

func geluTanh(x float64) float64 {
	return x * sigmoid(2*geluInner*(x+geluCubic*x*x*x))
}

// SiLU sets dst[i] = x[i]*sigmoid(x[i]), also called swish.
func SiLU[T Float](dst, x []T) {
	sameLength("SiLU", len(dst), len(x))
	if isFloat32[T]() && siluKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(silu(float64(v)))
	}
}

func silu(x float64) float64 {
	return x * sigmoid(x)
}

// Softplus sets dst[i] = log(1+exp(x[i])).
func Softplus[T Float](dst, x []T) {
	sameLength("Softplus", len(dst), len(x))
	if isFloat32[T]() && softplusKernel(ptr(dst), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		f := float64(v)
		dst[i] = T(max(f, 0) + math.Log1p(math.Exp(-math.Abs(f))))
	}
}

// ELU sets dst[i] = x[i] where x[i] > 0, else alpha*(exp(x[i])-1).
func ELU[T Float](dst, x []T, alpha T) {
	sameLength("ELU", len(dst), len(x))
	if isFloat32[T]() && eluKernel(ptr(dst), ptr(x), float32(alpha), len(dst)) {
		return
	}
	for i, v := range x {
		if v > 0 {
			dst[i] = v
		} else {
			dst[i] = alpha * T(math.Expm1(float64(v)))
		}
	}
}

// ReLUGrad sets dst[i] = gy[i] where y[i] > 0, else 0. The output and the
// input of ReLU serve equally as y.
func ReLUGrad[T Float](dst, gy, y []T) {
	sameLengths("ReLUGrad", len(dst), len(gy), len(y))
	if isFloat32[T]() && reluGradKernel(ptr(dst), ptr(gy), ptr(y), len(dst)) {
		return
	}
	for i, v := range y {
		if v > 0 {
			dst[i] = gy[i]
		} else {
			dst[i] = 0
		}
	}
}

// LeakyReLUGrad sets dst[i] = gy[i] where x[i] > 0, else slope*gy[i]. With a
// positive slope the output serves as well as the input x.
func LeakyReLUGrad[T Float](dst, gy, x []T, slope T) {
	sameLengths("LeakyReLUGrad", len(dst), len(gy), len(x))
	if isFloat32[T]() && leakyReLUGradKernel(ptr(dst), ptr(gy), ptr(x), float32(slope), len(dst)) {
		return
	}
	for i, v := range x {
		if v > 0 {
			dst[i] = gy[i]
		} else {
			dst[i] = slope * gy[i]
		}
	}
}

// SigmoidGrad sets dst[i] = gy[i]*y[i]*(1-y[i]), y the output of Sigmoid.
func SigmoidGrad[T Float](dst, gy, y []T) {
	sameLengths("SigmoidGrad", len(dst), len(gy), len(y))
	if isFloat32[T]() && sigmoidGradKernel(ptr(dst), ptr(gy), ptr(y), len(dst)) {
		return
	}
	for i, v := range y {
		dst[i] = gy[i] * (v * (1 - v))
	}
}

// TanhGrad sets dst[i] = gy[i]*(1-y[i]²), y the output of Tanh.
func TanhGrad[T Float](dst, gy, y []T) {
	sameLengths("TanhGrad", len(dst), len(gy), len(y))
	if isFloat32[T]() && tanhGradKernel(ptr(dst), ptr(gy), ptr(y), len(dst)) {
		return
	}
	for i, v := range y {
		dst[i] = gy[i] * (1 - v*v)
	}
}

// GELUGrad sets dst[i] = gy[i]*(Phi(x)+x*phi(x)) at x = x[i], the input of GELU.
func GELUGrad[T Float](dst, gy, x []T) {
	sameLengths("GELUGrad", len(dst), len(gy), len(x))
	if isFloat32[T]() && geluGradKernel(ptr(dst), ptr(gy), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		f := float64(v)
		slope := normalCDF(f)
		if !math.IsInf(f, 0) {
			slope += f * normalPDF(f)
		}
		dst[i] = gy[i] * T(slope)
	}
}

// GELUTanhGrad is the gradient of GELUTanh at its input x.
func GELUTanhGrad[T Float](dst, gy, x []T) {
	sameLengths("GELUTanhGrad", len(dst), len(gy), len(x))
	if isFloat32[T]() && geluTanhGradKernel(ptr(dst), ptr(gy), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		f := float64(v)
		s := sigmoid(2 * geluInner * (f + geluCubic*f*f*f))
		slope := s
		if rest := s * sigmoid(-2*geluInner*(f+geluCubic*f*f*f)); rest != 0 {
			slope += 2 * geluInner * f * (1 + 3*geluCubic*f*f) * rest
		}
		dst[i] = gy[i] * T(slope)
	}
}

// SiLUGrad is the gradient of SiLU at its input x.
func SiLUGrad[T Float](dst, gy, x []T) {
	sameLengths("SiLUGrad", len(dst), len(gy), len(x))
	if isFloat32[T]() && siluGradKernel(ptr(dst), ptr(gy), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		f := float64(v)
		s := sigmoid(f)
		slope := s
		if rest := s * sigmoid(-f); rest != 0 {
			slope += f * rest
		}
		dst[i] = gy[i] * T(slope)
	}
}

// SoftplusGrad sets dst[i] = gy[i]*sigmoid(x[i]), x the input of Softplus.
func SoftplusGrad[T Float](dst, gy, x []T) {
	sameLengths("SoftplusGrad", len(dst), len(gy), len(x))
	if isFloat32[T]() && softplusGradKernel(ptr(dst), ptr(gy), ptr(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = gy[i] * T(sigmoid(float64(v)))
	}
}

// ELUGrad sets dst[i] = gy[i] where y[i] > 0, else gy[i]*(y[i]+alpha), y the
// output of ELU.
func ELUGrad[T Float](dst, gy, y []T, alpha T) {
	sameLengths("ELUGrad", len(dst), len(gy), len(y))
	if isFloat32[T]() && eluGradKernel(ptr(dst), ptr(gy), ptr(y), float32(alpha), len(dst)) {
		return
	}
	for i, v := range y {
		if v > 0 {
			dst[i] = gy[i]
		} else {
			dst[i] = gy[i] * (v + alpha)
		}
	}
}
