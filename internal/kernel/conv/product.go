package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// isProduct reports whether the kernel covers the whole image, so that there is
// one output pixel and the gradients are matrix products with images as rows. A
// transposed convolution that makes images of vectors is the input gradient of
// one. Weights lie as planes of channels, and so do these rows.
func (s Shape) isProduct() bool {
	return s.Groups == 1 && s.KH*s.KW > 1 && s.KH == s.H && s.KW == s.W && s.PadH == 0 && s.PadW == 0 && s.DilationH == 1 && s.DilationW == 1 && s.N > 0
}

// productInputGrad is InputGrad where isProduct.
func (s Shape) productInputGrad(gy, w, gx []float32) {
	plane := s.H * s.W
	image := s.C * plane
	planes := mem.Float32s(s.N * image)
	gemm.Mul(s.N, image, s.K, gy, s.K, 1, w, image, 1, planes, image, gemm.Epilogue{})
	TransposeImages(s.N, s.C, plane, planes, gx)
	mem.PutFloat32s(planes)
}

// productWeightGrad is WeightGrad where isProduct.
func (s Shape) productWeightGrad(x, gy, gw []float32) {
	plane := s.H * s.W
	image := s.C * plane
	if !s.Planar {
		planes := mem.Float32s(len(x))
		defer mem.PutFloat32s(planes)
		TransposeImages(s.N, plane, s.C, x, planes)
		x = planes
	}
	gemm.Mul(s.K, image, s.N, gy, 1, s.K, x, image, 1, gw, image, gemm.Epilogue{})
}
