//go:build noasm || !amd64

package conv

// gather sets dst[i] = src[i*stride].
func gather(dst, src []float32, stride int) { gatherGeneric(dst, src, stride) }
