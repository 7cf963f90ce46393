package vec

import "math"

// ExpScaleShift sets dst[i] = exp(x[i]*scale + shift) and returns the sum,
// added up as in [Sum]: the scores of attention become weights, their scale and
// the greatest of them taken care of in the same pass.
func ExpScaleShift[T Float](dst, x []T, scale, shift T) float64 {
	sameLength("ExpScaleShift", len(dst), len(x))
	var sum float64
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		sum += expScaleShiftBlock(dst[lo:hi], x[lo:hi], scale, shift)
	}
	return sum
}

func expScaleShiftBlock[T Float](dst, x []T, scale, shift T) (sum float64) {
	if isFloat32[T]() {
		if sum, ok := expScaleShiftKernel(ptr(dst), ptr(x), float32(scale), float32(shift), len(x)); ok {
			return float64(sum)
		}
	}
	for i, v := range x {
		e := math.Exp(float64(v)*float64(scale) + float64(shift))
		dst[i] = T(e)
		sum += e
	}
	return sum
}

// SoftmaxGradScaled sets dst = scale*y*(gy-dot): the gradient of a softmax of
// scaled scores with respect to the scores, given its output y, the gradient gy
// of that and dot, the sum of gy*y.
func SoftmaxGradScaled[T Float](dst, gy, y []T, dot, scale T) {
	sameLengths("SoftmaxGradScaled", len(dst), len(gy), len(y))
	if isFloat32[T]() && softmaxGradScaledKernel(ptr(dst), ptr(gy), ptr(y), float32(dot), float32(scale), len(dst)) {
		return
	}
	for j, v := range y {
		dst[j] = v * scale * (gy[j] - dot)
	}
}
