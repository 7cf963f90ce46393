package nn

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/tensor"
)

// CosineEmbedding compares rows of a and b (N, D) with targets (N): it is the
// mean of 1-cos where the target is 1 and of max(0, cos-margin) where it is -1,
// with margin 0.
func CosineEmbedding(a, b, target *tensor.Tensor) *tensor.Tensor {
	return cosineEmbedding(a, b, target, lossOptions{})
}

// CosineEmbeddingWith is [CosineEmbedding] with settings: Margin, Reduce.
func CosineEmbeddingWith(list ...LossOption) Loss3 {
	o := buildLoss("CosineEmbedding", lossOptions{}, list, "Margin")
	return func(a, b, target *tensor.Tensor) *tensor.Tensor { return cosineEmbedding(a, b, target, o) }
}

func cosineEmbedding(a, b, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	rowPairs("cosine_embedding", a, b, target)
	const eps = 1e-12 // keeps rows of zeros finite, as in PyTorch
	lengths := a.Square().Sum(1).AddScalar(eps).Mul(b.Square().Sum(1).AddScalar(eps)).Sqrt()
	cos := a.Mul(b).Sum(1).Div(lengths)
	alike := signs("cosine_embedding", target, a).GreaterScalar(0)
	return o.reduce(tensor.Where(alike, oneMinus(cos), hinge(cos.AddScalar(-o.margin))))
}

// Contrastive draws alike rows of a and b (N, D) together and pushes the others
// apart: the mean of d²/2 where the target (N) is 1 and of max(0, margin-d)²/2
// where it is 0, with d their Euclidean distance and margin 1 (Hadsell, Chopra
// and LeCun 2006, who write 0 for alike).
func Contrastive(a, b, target *tensor.Tensor) *tensor.Tensor {
	return contrastive(a, b, target, lossOptions{margin: 1})
}

// ContrastiveWith is [Contrastive] with settings: Margin, Reduce.
func ContrastiveWith(list ...LossOption) Loss3 {
	o := buildLoss("Contrastive", lossOptions{margin: 1}, list, "Margin")
	return func(a, b, target *tensor.Tensor) *tensor.Tensor { return contrastive(a, b, target, o) }
}

func contrastive(a, b, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	rowPairs("contrastive", a, b, target)
	for i, v := range target.Float64s() {
		if v != 0 && v != 1 {
			panic(badTarget("contrastive", i, v, "1 for alike or 0"))
		}
	}
	square := a.Sub(b).Square().Sum(1)
	// The root has no derivative at 0; equal rows are pushed nowhere.
	apart := square.GreaterScalar(0)
	zero, one := tensor.Scalar(0, a.DType()), tensor.Scalar(1, a.DType())
	d := tensor.Where(apart, tensor.Where(apart, square, one).Sqrt(), zero)
	alike := target.To(a.DType()).GreaterScalar(0)
	return o.reduce(tensor.Where(alike, square, hinge(d.Neg().AddScalar(o.margin)).Square()).MulScalar(0.5))
}

// TripletMargin is the mean of max(0, d(anchor, positive) - d(anchor, negative)
// + margin) over rows (N, D), with the Euclidean distance and margin 1.
func TripletMargin(anchor, positive, negative *tensor.Tensor) *tensor.Tensor {
	return tripletMargin(anchor, positive, negative, tripletDefaults)
}

var tripletDefaults = lossOptions{margin: 1, power: 2}

// TripletMarginWith is [TripletMargin] with settings: Margin, Power (of the
// distance, above 0), Swap, Reduce.
func TripletMarginWith(list ...LossOption) Loss3 {
	o := buildLoss("TripletMargin", tripletDefaults, list, "Margin", "Power", "Swap")
	if !(o.power > 0 && o.power <= math.MaxFloat64) {
		panic(&tensor.UseError{Op: "nn.TripletMargin", Reason: fmt.Sprintf("the power is %v; it must be above 0 and finite", o.power)})
	}
	return func(anchor, positive, negative *tensor.Tensor) *tensor.Tensor {
		return tripletMargin(anchor, positive, negative, o)
	}
}

func tripletMargin(anchor, positive, negative *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("triplet_margin", anchor, positive, negative)
	if anchor.NDim() != 2 {
		misfit("triplet_margin", "needs rows (N, D)", anchor, positive, negative)
	}
	far := rowDistance(anchor, negative, o.power)
	if o.swap {
		far = far.Minimum(rowDistance(positive, negative, o.power))
	}
	return o.reduce(hinge(rowDistance(anchor, positive, o.power).Sub(far).AddScalar(o.margin)))
}

// rowDistance is the p-norm of a-b+1e-6, row by row; the small number keeps
// the derivative of equal rows finite, as in PyTorch.
func rowDistance(a, b *tensor.Tensor, p float64) *tensor.Tensor {
	d := a.Sub(b).AddScalar(1e-6)
	switch p {
	case 1:
		return d.Abs().Sum(1)
	case 2:
		return d.Square().Sum(1).Sqrt()
	}
	return d.Abs().PowScalar(p).Sum(1).PowScalar(1 / p)
}

// MarginRanking is the mean of max(0, -t*(a-b) + margin): a should be larger
// than b where the target t is 1 and smaller where it is -1, with margin 0. All
// have one shape.
func MarginRanking(a, b, target *tensor.Tensor) *tensor.Tensor {
	return marginRanking(a, b, target, lossOptions{})
}

// MarginRankingWith is [MarginRanking] with settings: Margin, Reduce.
func MarginRankingWith(list ...LossOption) Loss3 {
	o := buildLoss("MarginRanking", lossOptions{}, list, "Margin")
	return func(a, b, target *tensor.Tensor) *tensor.Tensor { return marginRanking(a, b, target, o) }
}

func marginRanking(a, b, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("margin_ranking", a, b, target)
	return o.reduce(hinge(b.Sub(a).Mul(signs("margin_ranking", target, a)).AddScalar(o.margin)))
}

// rowPairs panics unless a and b are (N, D) and the targets (N).
func rowPairs(op string, a, b, target *tensor.Tensor) {
	sameShape(op, a, b)
	if a.NDim() != 2 || target.NDim() != 1 || target.Len() != a.Dim(0) {
		misfit(op, "needs rows (N, D), (N, D) and targets (N)", a, b, target)
	}
}
