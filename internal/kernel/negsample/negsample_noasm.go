//go:build noasm || !amd64

package negsample

// scoresKernel reports that it did nothing.
func scoresKernel(dst, in, out []float32, stride int, reads, scored []int32) bool { return false }

// updateKernel reports that it did nothing.
func updateKernel(factors, in, out []float32, changes *[maxScored * Part]float32, stride int, reads, scored []int32) bool {
	return false
}
