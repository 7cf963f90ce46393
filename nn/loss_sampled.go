package nn

import "github.com/hadal-ml/hadal/tensor"

// NegativeSampling is the loss that learns vectors of words without a softmax
// over all of them: a word shall be told from K words of noise by its product
// with the word it stands beside (Mikolov et al., arXiv 1310.4546, equation 4).
// Words in the centre (N, D), those beside them (N, D) and noise (N, K, D) give
// the mean over rows of
//
//	-log(sigmoid(centre · beside)) - Σ log(sigmoid(-centre · noise_k))
//
// in nats. All three are rows of embeddings; whoever calls draws the noise, in
// the paper with the probabilities of words to the power 3/4.
func NegativeSampling(centre, beside, noise *tensor.Tensor) *tensor.Tensor {
	return negativeSampling(centre, beside, noise, lossOptions{})
}

// NegativeSamplingWith is [NegativeSampling] with settings: Reduce.
func NegativeSamplingWith(list ...LossOption) Loss3 {
	o := buildLoss("NegativeSampling", lossOptions{}, list)
	return func(centre, beside, noise *tensor.Tensor) *tensor.Tensor {
		return negativeSampling(centre, beside, noise, o)
	}
}

func negativeSampling(centre, beside, noise *tensor.Tensor, o lossOptions) *tensor.Tensor {
	sameShape("negative_sampling", centre, beside)
	if centre.NDim() != 2 || noise.NDim() != 3 || noise.Dim(0) != centre.Dim(0) || noise.Dim(2) != centre.Dim(1) {
		misfit("negative_sampling", "needs words (N, D), words beside them (N, D) and noise (N, K, D)", centre, beside, noise)
	}
	near, far := centre.Mul(beside).Sum(1), noise.MatMul(centre.Unsqueeze(2)).Squeeze(2) // (N), (N, K)
	return o.reduce(near.Neg().Softplus().Add(far.Softplus().Sum(1)))                    // -log(sigmoid(x)) = softplus(-x)
}
