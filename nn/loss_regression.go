package nn

import "github.com/hadal-ml/hadal/tensor"

// MSE is the mean squared error of predictions and targets of one shape.
func MSE(prediction, target *tensor.Tensor) *tensor.Tensor {
	return mse(prediction, target, lossOptions{})
}

// MSEWith is [MSE] with settings: Reduce.
func MSEWith(list ...LossOption) Loss {
	o := buildLoss("MSE", lossOptions{}, list)
	return func(prediction, target *tensor.Tensor) *tensor.Tensor { return mse(prediction, target, o) }
}

func mse(prediction, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	return o.reduce(difference("mse", prediction, target).Square())
}

// MAE is the mean absolute error, PyTorch's L1Loss, of predictions and targets
// of one shape.
func MAE(prediction, target *tensor.Tensor) *tensor.Tensor {
	return mae(prediction, target, lossOptions{})
}

// MAEWith is [MAE] with settings: Reduce.
func MAEWith(list ...LossOption) Loss {
	o := buildLoss("MAE", lossOptions{}, list)
	return func(prediction, target *tensor.Tensor) *tensor.Tensor { return mae(prediction, target, o) }
}

func mae(prediction, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	return o.reduce(difference("mae", prediction, target).Abs())
}

// Huber is the mean of d²/2 for differences d up to a threshold of 1, and of
// threshold*(|d| - threshold/2) beyond it (Huber 1964).
func Huber(prediction, target *tensor.Tensor) *tensor.Tensor {
	return huber(prediction, target, lossOptions{threshold: 1})
}

// HuberWith is [Huber] with settings: Threshold, Reduce.
func HuberWith(list ...LossOption) Loss {
	o := buildLoss("Huber", lossOptions{threshold: 1}, list, "Threshold")
	mustBePositive("Huber", o.threshold)
	return func(prediction, target *tensor.Tensor) *tensor.Tensor { return huber(prediction, target, o) }
}

func huber(prediction, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	return o.reduce(huberTerms(difference("huber", prediction, target), o.threshold))
}

// huberTerms adds the part of |d| under the threshold, squared, to the rest.
func huberTerms(d *tensor.Tensor, threshold float64) *tensor.Tensor {
	size := d.Abs()
	inside := size.Clamp(0, threshold)
	return inside.Square().MulScalar(0.5).Add(size.Sub(inside).MulScalar(threshold))
}

// SmoothL1 is [Huber] over its threshold: the slope of the line is 1.
func SmoothL1(prediction, target *tensor.Tensor) *tensor.Tensor {
	return smoothL1(prediction, target, lossOptions{threshold: 1})
}

// SmoothL1With is [SmoothL1] with settings: Threshold, Reduce.
func SmoothL1With(list ...LossOption) Loss {
	o := buildLoss("SmoothL1", lossOptions{threshold: 1}, list, "Threshold")
	mustBePositive("SmoothL1", o.threshold)
	return func(prediction, target *tensor.Tensor) *tensor.Tensor { return smoothL1(prediction, target, o) }
}

func smoothL1(prediction, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	return o.reduce(huberTerms(difference("smooth_l1", prediction, target), o.threshold).MulScalar(1 / o.threshold))
}

func mustBePositive(loss string, threshold float64) {
	if !(threshold > 0) {
		panic(&tensor.UseError{Op: "nn." + loss, Reason: "the threshold must be positive"})
	}
}

func difference(op string, prediction, target *tensor.Tensor) *tensor.Tensor {
	sameShape(op, prediction, target)
	return prediction.Sub(target.To(prediction.DType()))
}

// KLDiv is the Kullback-Leibler divergence of log-probabilities from target
// probabilities of the same shape: the mean of t*(log(t) - x) over all
// elements, NaN where a target is negative. That mean is PyTorch's default; the
// divergence proper is the one of KLDivWith(Reduce(ReduceBatchMean)).
func KLDiv(logProbabilities, target *tensor.Tensor) *tensor.Tensor {
	return klDiv(logProbabilities, target, lossOptions{})
}

// KLDivWith is [KLDiv] with settings: LogTarget, Reduce.
func KLDivWith(list ...LossOption) Loss {
	o := buildLoss("KLDiv", lossOptions{}, list, "LogTarget")
	return func(logProbabilities, target *tensor.Tensor) *tensor.Tensor {
		return klDiv(logProbabilities, target, o)
	}
}

func klDiv(x, t *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("kl_div", x, t)
	if o.logTarget {
		return o.reduce(t.Exp().Mul(t.Sub(x)))
	}
	// t*log(t) is 0 at t = 0, where the product would be NaN. Below 0, where there
	// are no probabilities, it is NaN.
	none, one := t.Equal(tensor.Scalar(0, t.DType())), tensor.Scalar(1, t.DType())
	logT := tensor.Where(none, one, t).Log()
	return o.reduce(t.Mul(logT).Sub(t.Mul(x)))
}
