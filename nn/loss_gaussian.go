package nn

import "github.com/hadal-ml/hadal/tensor"

// GaussianKL is the Kullback-Leibler divergence of the standard normal
// distribution from normal distributions with the given means and logarithms
// of variances, which have one shape: the mean over all elements of
// (mean² + variance - 1 - log(variance))/2, in nats (Kingma and Welling, arXiv
// 1312.6114, appendix B). The divergence of a diagonal distribution of several
// variables is the sum over them: GaussianKLWith(Reduce(ReduceSum)).
func GaussianKL(mean, logVariance *tensor.Tensor) *tensor.Tensor {
	return gaussianKL(mean, logVariance, lossOptions{})
}

// GaussianKLWith is [GaussianKL] with settings: Reduce.
func GaussianKLWith(list ...LossOption) Loss {
	o := buildLoss("GaussianKL", lossOptions{}, list)
	return func(mean, logVariance *tensor.Tensor) *tensor.Tensor { return gaussianKL(mean, logVariance, o) }
}

func gaussianKL(mean, logVariance *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("gaussian_kl", mean, logVariance)
	// exp(v) - 1 - v loses no digits to the subtraction when the variance is near 1.
	return o.reduce(mean.Square().Add(logVariance.Expm1().Sub(logVariance)).MulScalar(0.5))
}
