package nn

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// BCE is the mean binary cross-entropy of probabilities with targets of the
// same shape: -(t*log(p) + (1-t)*log(1-p)). As in PyTorch a logarithm is never
// below -100; where it is held there, its gradient is 0, where PyTorch's is up to
// 1e12. [BCEWithLogits] has no such limit. What is no probability, such as a
// logit, panics with its position.
func BCE(probabilities, target *tensor.Tensor) *tensor.Tensor {
	return bce(probabilities, target, lossOptions{})
}

// BCEWith is [BCE] with settings: Weight (broadcast to the elements), Reduce.
func BCEWith(list ...LossOption) Loss {
	o := buildLoss("BCE", lossOptions{}, list, "Weight")
	return func(probabilities, target *tensor.Tensor) *tensor.Tensor { return bce(probabilities, target, o) }
}

func bce(p, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("bce", p, target)
	mustBeProbabilities("bce", p.Detach())
	t := target.To(p.DType())
	yes, no := t.Mul(limitedLog(p)), oneMinus(t).Mul(limitedLog(oneMinus(p)))
	return o.reduce(weighted("bce", yes.Add(no).Neg(), o.weight))
}

func mustBeProbabilities(loss string, p *tensor.Tensor) {
	if p.Len() == 0 || p.Min().Item() >= -roundedProbability && p.Max().Item() <= 1+roundedProbability {
		return
	}
	for i, v := range p.Float64s() { // NaN is for whoever watches the loss
		if v < -roundedProbability || v > 1+roundedProbability {
			panic(&tensor.UseError{Op: loss, Reason: fmt.Sprintf("element %d of the probabilities is %v, it must be in [0, 1]; BCEWithLogits takes logits", i, v)})
		}
	}
}

// roundedProbability is how far rounding may take a probability out of [0, 1].
const roundedProbability = 1e-6

// limitedLog is the logarithm, held at -100 for what is too small for it.
func limitedLog(p *tensor.Tensor) *tensor.Tensor {
	small := p.LessScalar(3.8e-44) // exp(-100)
	one, floor := tensor.Scalar(1, p.DType()), tensor.Scalar(-100, p.DType())
	return tensor.Where(small, floor, tensor.Where(small, one, p).Log())
}

func oneMinus(t *tensor.Tensor) *tensor.Tensor { return t.Neg().AddScalar(1) }

// weighted multiplies losses with the weights of their elements, if there are
// any. Weights of more elements would repeat the losses, which is never meant.
func weighted(loss string, losses, weight *tensor.Tensor) *tensor.Tensor {
	if weight == nil {
		return losses
	}
	y := losses.Mul(weight)
	if !slices.Equal(y.Shape(), losses.Shape()) {
		misfit(loss, "the weight must broadcast to the shape of the losses", losses, weight)
	}
	return y
}

// BCEWithLogits is the mean binary cross-entropy of sigmoid(logits) with
// targets of the same shape, without the sigmoid's loss of precision.
func BCEWithLogits(logits, target *tensor.Tensor) *tensor.Tensor {
	return bceWithLogits(logits, target, lossOptions{})
}

// BCEWithLogitsWith is [BCEWithLogits] with settings: PosWeight and Weight
// (both broadcast to the elements), Reduce.
func BCEWithLogitsWith(list ...LossOption) Loss {
	o := buildLoss("BCEWithLogits", lossOptions{}, list, "Weight", "PosWeight")
	return func(logits, target *tensor.Tensor) *tensor.Tensor { return bceWithLogits(logits, target, o) }
}

func bceWithLogits(x, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("bce_with_logits", x, target)
	t := target.To(x.DType())
	// -log(sigmoid(x)) = softplus(-x), -log(1-sigmoid(x)) = softplus(x).
	yes, no := t.Mul(x.Neg().Softplus()), oneMinus(t).Mul(x.Softplus())
	yes = weighted("bce_with_logits", yes, o.posWeight)
	return o.reduce(weighted("bce_with_logits", yes.Add(no), o.weight))
}

// SoftMargin is the mean of log(1+exp(-t*x)) for targets t of 1 or -1.
func SoftMargin(x, target *tensor.Tensor) *tensor.Tensor {
	return softMargin(x, target, lossOptions{})
}

// SoftMarginWith is [SoftMargin] with settings: Reduce.
func SoftMarginWith(list ...LossOption) Loss {
	o := buildLoss("SoftMargin", lossOptions{}, list)
	return func(x, target *tensor.Tensor) *tensor.Tensor { return softMargin(x, target, o) }
}

func softMargin(x, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("soft_margin", x, target)
	return o.reduce(x.Mul(signs("soft_margin", target, x)).Neg().Softplus())
}

// HingeEmbedding is the mean of x where the target is 1 and of max(0, margin-x)
// where it is -1, with margin 1. x measures how far apart two things are.
func HingeEmbedding(x, target *tensor.Tensor) *tensor.Tensor {
	return hingeEmbedding(x, target, lossOptions{margin: 1})
}

// HingeEmbeddingWith is [HingeEmbedding] with settings: Margin, Reduce.
func HingeEmbeddingWith(list ...LossOption) Loss {
	o := buildLoss("HingeEmbedding", lossOptions{margin: 1}, list, "Margin")
	return func(x, target *tensor.Tensor) *tensor.Tensor { return hingeEmbedding(x, target, o) }
}

func hingeEmbedding(x, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("hinge_embedding", x, target)
	alike := signs("hinge_embedding", target, x).GreaterScalar(0)
	return o.reduce(tensor.Where(alike, x, hinge(x.Neg().AddScalar(o.margin))))
}
