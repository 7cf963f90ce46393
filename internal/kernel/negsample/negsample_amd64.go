//go:build !noasm

package negsample

import "github.com/hadal-ml/hadal/internal/cpu"

// args is what the assembly reads, by field name.
type args struct {
	pairs   *float32 // scores or factors
	in, out *float32
	changes *float32 // (scored, Part), room for Update
	reads   *int32
	scored  *int32
	stride  int // bytes from a row to the next
	nreads  int // at least one
	nscored int // at least one
}

//go:noescape
func scoresAVX2(a *args)

//go:noescape
func scoresAVX512(a *args)

//go:noescape
func updateAVX2(a *args)

//go:noescape
func updateAVX512(a *args)

// scoresKernel computes Scores when the processor allows, and reports whether it did.
func scoresKernel(dst, in, out []float32, stride int, reads, scored []int32) bool {
	isa := cpu.Active()
	if isa < cpu.AVX2 {
		return false
	}
	a := args{pairs: &dst[0], in: &in[0], out: &out[0], reads: &reads[0], scored: &scored[0], stride: 4 * stride, nreads: len(reads), nscored: len(scored)}
	if isa >= cpu.AVX512 {
		scoresAVX512(&a)
	} else {
		scoresAVX2(&a)
	}
	return true
}

// updateKernel computes Update when the processor allows, and reports whether it did.
func updateKernel(factors, in, out []float32, changes *[maxScored * Part]float32, stride int, reads, scored []int32) bool {
	isa := cpu.Active()
	if isa < cpu.AVX2 {
		return false
	}
	a := args{pairs: &factors[0], in: &in[0], out: &out[0], changes: &changes[0], reads: &reads[0], scored: &scored[0], stride: 4 * stride, nreads: len(reads), nscored: len(scored)}
	if isa >= cpu.AVX512 {
		updateAVX512(&a)
	} else {
		updateAVX2(&a)
	}
	return true
}
