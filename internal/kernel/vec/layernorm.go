package vec

import "math"

// LayerNormRows normalises each row to mean 0 and variance 1, then sets
// dst = xhat*gamma + beta (Ba et al., arXiv 1607.06450). A nil gamma counts as
// one, a nil beta as zero. It leaves each row's mean and 1/sqrt(variance+eps)
// in mean and rstd for the gradient.
func LayerNormRows[T Float](dst, x, gamma, beta, mean, rstd []T, rows, cols, stride int, eps T) {
	const op = "LayerNormRows"
	matrix(op, len(x), rows, cols, stride)
	matrix(op, len(dst), rows, cols, stride)
	sameLengths(op, rows, len(mean), len(rstd))
	if gamma != nil {
		sameLength(op, cols, len(gamma))
	}
	if beta != nil {
		sameLength(op, cols, len(beta))
	}
	if cols == 0 {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		m := T(Sum(row) / float64(cols))
		sum, squares := shiftedMoments(row, m)
		// m is a rounded mean; sum is what the rounding left over.
		rest := sum / float64(cols)
		variance := max(squares/float64(cols)-rest*rest, 0)
		r := T(1 / math.Sqrt(variance+float64(eps)))
		mean[i], rstd[i] = m, r
		layerNormApply(d, row, gamma, beta, m, r)
	}
}

// shiftedMoments returns the sums of x[i]-shift and of its square.
func shiftedMoments[T Float](x []T, shift T) (sum, squares float64) {
	for lo := 0; lo < len(x); lo += block {
		s, q := shiftedMomentsBlock(x[lo:min(lo+block, len(x))], shift)
		sum += s
		squares += q
	}
	return sum, squares
}

func shiftedMomentsBlock[T Float](x []T, shift T) (sum, squares float64) {
	if isFloat32[T]() {
		if sum, squares, ok := shiftedMomentsKernel(ptr(x), float32(shift), len(x)); ok {
			return float64(sum), float64(squares)
		}
	}
	for _, v := range x {
		d := float64(v) - float64(shift)
		sum += d
		squares += d * d
	}
	return sum, squares
}

// layerNormApply sets dst = (x-mean)*rstd*gamma + beta.
func layerNormApply[T Float](dst, x, gamma, beta []T, mean, rstd T) {
	if isFloat32[T]() && gamma != nil && beta != nil &&
		layerNormKernel(ptr(dst), ptr(x), ptr(gamma), ptr(beta), float32(mean), float32(rstd), len(dst)) {
		return
	}
	standardize(dst, x, mean, rstd)
	if gamma != nil {
		Mul(dst, dst, gamma)
	}
	if beta != nil {
		Add(dst, dst, beta)
	}
}

// standardize sets dst = (x-mean)*rstd.
func standardize[T Float](dst, x []T, mean, rstd T) {
	if isFloat32[T]() && standardizeKernel(ptr(dst), ptr(x), float32(mean), float32(rstd), len(dst)) {
		return
	}
	for j, v := range x {
		dst[j] = (v - mean) * rstd
	}
}

// LayerNormGradRows sets dst to the gradient of LayerNormRows with respect to
// its input x and adds the gradients of gamma and beta to dgamma and dbeta.
// mean and rstd are those that LayerNormRows left. A nil gamma counts as one;
// a nil dgamma or dbeta is not computed.
func LayerNormGradRows[T Float](dst, dgamma, dbeta, gy, x, gamma, mean, rstd []T, rows, cols, stride int) {
	const op = "LayerNormGradRows"
	matrix(op, len(dst), rows, cols, stride)
	matrix(op, len(gy), rows, cols, stride)
	matrix(op, len(x), rows, cols, stride)
	sameLengths(op, rows, len(mean), len(rstd))
	for _, v := range [][]T{gamma, dgamma, dbeta} {
		if v != nil {
			sameLength(op, cols, len(v))
		}
	}
	if cols == 0 {
		return
	}
	for i := range rows {
		d, g, row := dst[i*stride:][:cols], gy[i*stride:][:cols], x[i*stride:][:cols]
		sum, sumXhat := layerNormGradRow(dgamma, dbeta, g, row, gamma, mean[i], rstd[i])
		layerNormGradApply(d, g, row, gamma, mean[i], rstd[i], T(sum/float64(cols)), T(sumXhat/float64(cols)))
	}
}

// layerNormGradRow is the first of the two passes over a row: it adds gy*xhat to
// dgamma and gy to dbeta, and returns the sums of g = gy*gamma and of g*xhat.
func layerNormGradRow[T Float](dgamma, dbeta, gy, x, gamma []T, mean, rstd T) (sum, sumXhat float64) {
	if isFloat32[T]() && dgamma != nil && dbeta != nil && gamma != nil && len(x) <= block {
		s, h, ok := layerNormGradRowKernel(ptr(dgamma), ptr(dbeta), ptr(gy), ptr(x), ptr(gamma), float32(mean), float32(rstd), len(x))
		if ok {
			return float64(s), float64(h)
		}
	}
	if dgamma != nil {
		addLayerNormGradGamma(dgamma, gy, x, mean, rstd)
	}
	if dbeta != nil {
		Add(dbeta, dbeta, gy)
	}
	return layerNormGradSums(gy, x, gamma, mean, rstd)
}

// addLayerNormGradGamma adds gy*xhat to dgamma.
func addLayerNormGradGamma[T Float](dgamma, gy, x []T, mean, rstd T) {
	if isFloat32[T]() && layerNormGradGammaKernel(ptr(dgamma), ptr(gy), ptr(x), float32(mean), float32(rstd), len(x)) {
		return
	}
	for j, v := range x {
		dgamma[j] += gy[j] * ((v - mean) * rstd)
	}
}

// layerNormGradSums returns the sums of g = gy*gamma and of g*xhat over a row.
func layerNormGradSums[T Float](gy, x, gamma []T, mean, rstd T) (sum, sumXhat float64) {
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		part := gamma
		if gamma != nil {
			part = gamma[lo:hi]
		}
		s, h := layerNormGradSumsBlock(gy[lo:hi], x[lo:hi], part, mean, rstd)
		sum += s
		sumXhat += h
	}
	return sum, sumXhat
}

func layerNormGradSumsBlock[T Float](gy, x, gamma []T, mean, rstd T) (sum, sumXhat float64) {
	if isFloat32[T]() {
		var s, h float32
		var ok bool
		if gamma != nil {
			s, h, ok = layerNormGradSumsKernel(ptr(gy), ptr(x), ptr(gamma), float32(mean), float32(rstd), len(x))
		} else {
			s, h, ok = standardizeGradSumsKernel(ptr(gy), ptr(x), float32(mean), float32(rstd), len(x))
		}
		if ok {
			return float64(s), float64(h)
		}
	}
	for j, v := range x {
		g := float64(gy[j])
		if gamma != nil {
			g *= float64(gamma[j])
		}
		sum += g
		sumXhat += g * (float64(v) - float64(mean)) * float64(rstd)
	}
	return sum, sumXhat
}

// layerNormGradApply sets dst = rstd*(gy*gamma - meanG - xhat*meanGXhat).
func layerNormGradApply[T Float](dst, gy, x, gamma []T, mean, rstd, meanG, meanGXhat T) {
	if isFloat32[T]() {
		m, r, g, h := float32(mean), float32(rstd), float32(meanG), float32(meanGXhat)
		if gamma == nil && standardizeGradKernel(ptr(dst), ptr(gy), ptr(x), m, r, g, h, len(x)) {
			return
		}
		if gamma != nil && layerNormGradKernel(ptr(dst), ptr(gy), ptr(x), ptr(gamma), m, r, g, h, len(x)) {
			return
		}
	}
	for j, v := range x {
		g := gy[j]
		if gamma != nil {
			g *= gamma[j]
		}
		dst[j] = rstd * (g - meanG - (v-mean)*rstd*meanGXhat)
	}
}

// RMSNormRows divides each row by the root of its mean square, then sets
// dst = xhat*gamma (Zhang and Sennrich, arXiv 1910.07467). A nil gamma counts
// as one. It leaves each row's 1/sqrt(mean square + eps) in rstd for the gradient.
func RMSNormRows[T Float](dst, x, gamma, rstd []T, rows, cols, stride int, eps T) {
	const op = "RMSNormRows"
	matrix(op, len(x), rows, cols, stride)
	matrix(op, len(dst), rows, cols, stride)
	sameLength(op, rows, len(rstd))
	if gamma != nil {
		sameLength(op, cols, len(gamma))
	}
	if cols == 0 {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		rstd[i] = T(1 / math.Sqrt(SumSquares(row)/float64(cols)+float64(eps)))
		layerNormApply(d, row, gamma, nil, 0, rstd[i])
	}
}

// RMSNormGradRows sets dst to the gradient of RMSNormRows with respect to its
// input x and adds that of gamma to dgamma. rstd is what RMSNormRows left. A
// nil gamma counts as one; a nil dgamma is not computed.
func RMSNormGradRows[T Float](dst, dgamma, gy, x, gamma, rstd []T, rows, cols, stride int) {
	const op = "RMSNormGradRows"
	matrix(op, len(dst), rows, cols, stride)
	matrix(op, len(gy), rows, cols, stride)
	matrix(op, len(x), rows, cols, stride)
	sameLength(op, rows, len(rstd))
	for _, v := range [][]T{gamma, dgamma} {
		if v != nil {
			sameLength(op, cols, len(v))
		}
	}
	if cols == 0 {
		return
	}
	for i := range rows {
		d, g, row := dst[i*stride:][:cols], gy[i*stride:][:cols], x[i*stride:][:cols]
		_, sumXhat := layerNormGradRow(dgamma, nil, g, row, gamma, 0, rstd[i])
		layerNormGradApply(d, g, row, gamma, 0, rstd[i], 0, T(sumXhat/float64(cols)))
	}
}
