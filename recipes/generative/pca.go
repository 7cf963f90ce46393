package generative

import (
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/tensor"
)

// PCA is principal component analysis: the mean of some images and the
// directions in which they differ most. No linear code of as many values
// reconstructs those images with a smaller squared error (Pearson 1901).
type PCA struct {
	Mean *tensor.Tensor // (pixels)
	Axes *tensor.Tensor // (pixels axes, pixels), orthonormal rows, the widest spread first
}

// FitPCA returns the principal components of images (n, pixels): the
// eigenvectors of their covariance. It is summed in float32 over a batch and in
// float64 over the batches.
func FitPCA(images *tensor.Tensor) (*PCA, error) {
	n, size := images.Dim(0), images.Dim(1)
	sum, products := tensor.Full(0, tensor.Float64, size), tensor.Full(0, tensor.Float64, size, size)
	inBatches(images, func(x *tensor.Tensor, _, _ int) {
		sum.CopyFrom(sum.Add(x.Sum(0).To(tensor.Float64)))
		products.CopyFrom(products.Add(x.T().MatMul(x).To(tensor.Float64)))
	})
	mean := sum.MulScalar(1 / float64(n))
	covariance := products.MulScalar(1 / float64(n)).Sub(mean.Unsqueeze(1).Mul(mean))
	_, axes, err := metrics.SymmetricEigen(covariance.Float64s(), size)
	if err != nil {
		return nil, err
	}
	return &PCA{Mean: mean.To(tensor.Float32), Axes: tensor.FromSlice(axes, size, size).To(tensor.Float32)}, nil
}

// Reconstruct maps images (B, pixels) to what is left of them in the first k
// components.
func (p *PCA) Reconstruct(x *tensor.Tensor, k int) *tensor.Tensor {
	axes := p.Axes.Narrow(0, 0, k)
	code := tensor.Linear(x.Sub(p.Mean), axes, nil) // (B, k)
	return code.MatMul(axes).Add(p.Mean)
}
