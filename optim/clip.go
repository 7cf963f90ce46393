package optim

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/tensor"
)

// ClipNorm scales the gradients so that their Euclidean norm, taken over all
// parameters together, is at most limit, and returns the norm before (Pascanu
// et al., arXiv 1211.5063). Parameters without a gradient count as zero. When
// the norm is infinite or NaN the gradients stay as they are, so that the one
// to blame can still be found (PyTorch's become 0 and NaN). It panics with an
// [*Error] when limit is negative or NaN.
func ClipNorm(params []*tensor.Tensor, limit float64) float64 {
	return ClipNormOf(params, 2, limit)
}

// ClipNormOf is [ClipNorm] for the norm of another order: 1, 2 or math.Inf(1).
func ClipNormOf(params []*tensor.Tensor, order, limit float64) float64 {
	if !(limit >= 0) {
		panic(errorf("gradients cannot be clipped to a norm of %g", limit))
	}
	norm := GradNorm(params, order)
	// PyTorch's 1e-6 keeps the quotient finite for gradients of zero.
	if scale := limit / (norm + 1e-6); scale < 1 && norm <= math.MaxFloat64 {
		eachGradient(params, func(g *tensor.Tensor) {
			if g.DType() == tensor.Float64 {
				scaleBy(tensor.MutableData[float64](g), scale)
			} else {
				scaleBy(tensor.MutableData[float32](g), scale)
			}
		})
	}
	return norm
}

// GradNorm returns the norm of the gradients, taken over all parameters
// together. The order is 1, 2 or math.Inf(1); it panics with an [*Error] for
// any other.
func GradNorm(params []*tensor.Tensor, order float64) float64 {
	if order != 1 && order != 2 && !math.IsInf(order, 1) {
		panic(errorf("there is no gradient norm of order %g; take 1, 2 or math.Inf(1)", order))
	}
	total := 0.0
	eachGradient(params, func(g *tensor.Tensor) {
		var part float64
		if g.DType() == tensor.Float64 {
			part = powerSum(tensor.Data[float64](g), order)
		} else {
			part = powerSum(tensor.Data[float32](g), order)
		}
		total = addPowers(total, part, order)
	})
	if order == 2 {
		return math.Sqrt(total)
	}
	return total
}

// ClipValue limits every element of the gradients to [-limit, limit]; NaN
// stays NaN. It panics with an [*Error] when limit is negative or NaN.
func ClipValue(params []*tensor.Tensor, limit float64) {
	if !(limit >= 0) {
		panic(errorf("gradients cannot be clipped to a value of %g", limit))
	}
	eachGradient(params, func(g *tensor.Tensor) {
		if g.DType() == tensor.Float64 {
			clampTo(tensor.MutableData[float64](g), limit)
		} else {
			clampTo(tensor.MutableData[float32](g), limit)
		}
	})
}

// eachGradient calls f for the gradients that exist, in the element type and
// layout of their parameters.
func eachGradient(params []*tensor.Tensor, f func(g *tensor.Tensor)) {
	for _, p := range params {
		if p.Grad() != nil {
			f(ownGradient(p))
		}
	}
}

// powerSum is the sum of |x|, of x², or the largest |x|, by order. The parts
// of chunks are added in order, whatever the number of threads.
func powerSum[T vec.Float](x []T, order float64) float64 {
	parts := make([]float64, (len(x)+chunk-1)/chunk)
	par.For(len(x), chunk, func(lo, hi int) {
		switch order {
		case 1:
			parts[lo/chunk] = vec.SumAbs(x[lo:hi])
		case 2:
			parts[lo/chunk] = vec.SumSquares(x[lo:hi])
		default:
			parts[lo/chunk] = max(float64(vec.MaxValue(x[lo:hi])), -float64(vec.MinValue(x[lo:hi])))
		}
	})
	total := 0.0
	for _, part := range parts {
		total = addPowers(total, part, order)
	}
	return total
}

func addPowers(a, b, order float64) float64 {
	if math.IsInf(order, 1) {
		return max(a, b)
	}
	return a + b
}

func scaleBy[T vec.Float](x []T, factor float64) {
	par.For(len(x), chunk, func(lo, hi int) { vec.MulScalar(x[lo:hi], x[lo:hi], T(factor)) })
}

func clampTo[T vec.Float](x []T, limit float64) {
	par.For(len(x), chunk, func(lo, hi int) {
		c := x[lo:hi]
		vec.MinScalar(c, c, T(limit))
		vec.MaxScalar(c, c, T(-limit))
	})
}
