//go:build noasm || !amd64

package conv

import "github.com/hadal-ml/hadal/internal/kernel/gemm"

// depthwisePixelsVector reports that no channel was done.
func depthwisePixelsVector(channels, pixels int, x []float32, xoff []int, xstep int, w []float32, woff []int, y []float32, ystep int, e *gemm.Epilogue) int {
	return 0
}

// depthwiseProductsVector reports that no channel was done.
func depthwiseProductsVector(channels, pixels int, x []float32, xoff []int, xstep int, gy, sum []float32) int {
	return 0
}
