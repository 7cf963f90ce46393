package tensor

import "github.com/hadal-ml/hadal/internal/kernel/conv"

// copyImages copies images (N, C, ...) of elements of four bytes that lie as
// planes to pixels, or pixels to planes, and reports whether that is what the
// copy is. It is what stands between a convolution and Flatten.
func copyImages(dst, src *Tensor) bool {
	if len(src.shape) < 3 {
		return false
	}
	images, channels := src.shape[0], src.shape[1]
	plane := src.Len() / (images * channels)
	switch {
	case src.isChannelsLast() && dst.IsContiguous():
		conv.TransposeImages(images, plane, channels, elements[float32](src), elements[float32](dst))
	case src.IsContiguous() && dst.isChannelsLast():
		conv.TransposeImages(images, channels, plane, elements[float32](src), elements[float32](dst))
	default:
		return false
	}
	return true
}
