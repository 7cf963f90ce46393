package rng

import "github.com/hadal-ml/hadal/internal/par"

// fillChunk is how many elements one piece of parallel work fills: some tens
// of microseconds, and a multiple of the words in a block.
const fillChunk = 1 << 13

// FillUniform sets every dst[i] to a sample of the uniform distribution on
// [low, high). Element i depends on k, i and the type alone. (Where high-low is
// not exact, rounding may give high itself.)
func FillUniform[T float32 | float64](k Key, dst []T, low, high T) {
	switch d := any(dst).(type) {
	case []float32:
		lo, width := float32(low), float32(high-low)
		fill32(k, d, func(word uint32) float32 { return lo + float32(uniform32(word)*width) })
	case []float64:
		lo, width := float64(low), float64(high-low)
		fill64(k, d, func(word uint64) float64 { return lo + float64(uniform64(word)*width) })
	}
}

// FillNormal sets every dst[i] to a sample of the normal distribution with
// that mean and standard deviation. Element i depends on k, i and the type alone.
func FillNormal[T float32 | float64](k Key, dst []T, mean, std T) {
	switch d := any(dst).(type) {
	case []float32:
		m, s := float32(mean), float32(std)
		fill32(k, d, func(word uint32) float32 { return m + float32(normal32(word)*s) })
	case []float64:
		m, s := float64(mean), float64(std)
		fill64(k, d, func(word uint64) float64 { return m + float64(normal64(word)*s) })
	}
}

func fill32(k Key, dst []float32, sample func(uint32) float32) {
	par.For(len(dst), fillChunk, func(lo, hi int) {
		for i := lo; i < hi; i += 4 {
			b := k.Block(uint64(i / 4))
			for j := range min(4, hi-i) {
				dst[i+j] = sample(b[j])
			}
		}
	})
}

func fill64(k Key, dst []float64, sample func(uint64) float64) {
	par.For(len(dst), fillChunk, func(lo, hi int) {
		for i := lo; i < hi; i += 2 {
			b := k.Block(uint64(i / 2))
			dst[i] = sample(uint64(b[0]) | uint64(b[1])<<32)
			if i+1 < hi {
				dst[i+1] = sample(uint64(b[2]) | uint64(b[3])<<32)
			}
		}
	})
}
