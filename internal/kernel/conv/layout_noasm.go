//go:build !amd64 || noasm

package conv

// interleaveVector leaves all channels to plain Go.
func interleaveVector(dst []float32, ldd int, src []float32, lds, channels, pixels int) int { return 0 }

// add adds src to dst, element by element.
func add(dst, src []float32) { addGeneric(dst, src[:len(dst)]) }
