// Package gemm is the one multiplication engine of the library: matrix products
// and sums of matrix products (batch-reduce GEMM, Georganas et al., "High-
// Performance Deep Learning via a Single Building Block", arXiv 1906.06440). It
// is not a BLAS: it knows strides and what to do with C on its way to memory,
// and nothing of tensors.
package gemm

import "github.com/hadal-ml/hadal/internal/cpu"

// Float is what a matrix can be made of.
type Float interface{ float32 | float64 }

// EpilogueOf is what happens to C on the way to memory:
//
//	C = relu(C·[Accumulate] + Add + ΣAB + bias)
//
// The zero value stores the product.
type EpilogueOf[T Float] struct {
	Bias       []T  // length n, added to every row; nil: none
	ReLU       bool // max(0, x) after everything else; NaN stays NaN
	Accumulate bool // C += rather than C =
	Add        []T  // laid out as C, instead of what C held; nil: none
}

// plus returns what is added to the elements of c, those of C from at on; nil:
// nothing.
func (e *EpilogueOf[T]) plus(c []T, at int) []T {
	switch {
	case e.Accumulate:
		return c
	case e.Add != nil:
		return e.Add[at:][:len(c)]
	}
	return nil
}

// Epilogue is that of the float32 kernels.
type Epilogue = EpilogueOf[float32]

// BatchReduce computes C = Σₜ AₜBₜ, serially, for any m, n and k:
//
//	Aₜ[i,p] = a[aoff[t] + i*rsa + p*csa]   i<m, p<k
//	Bₜ[p,j] = b[boff[t] + p*rsb + j]       j<n
//	C[i,j]  = c[i*rsc + j]
//
// Offsets and strides count elements. With k = 0 or no taps the sum is zero. C
// must not overlap A or B, nor its rows each other. It panics when an index
// leaves its slice.
func BatchReduce(m, n, k int, a []float32, aoff []int, rsa, csa int, b []float32, boff []int, rsb int, c []float32, rsc int, e Epilogue) {
	batchReduce(m, n, k, a, aoff, rsa, csa, b, boff, rsb, c, rsc, &e, nil)
}

// BatchReduceAhead is [BatchReduce] for a B that is not in the nearest cache and
// whose rows follow each other. While it computes it fetches those that it will
// read soon, and the beginning of next, if any, which the caller will read after
// it.
func BatchReduceAhead(m, n, k int, a []float32, aoff []int, rsa, csa int, b []float32, boff []int, rsb int, c []float32, rsc int, e Epilogue, next []float32) {
	if len(next) == 0 {
		next = b[:0]
	}
	batchReduce(m, n, k, a, aoff, rsa, csa, b, boff, rsb, c, rsc, &e, next)
}

func batchReduce(m, n, k int, a []float32, aoff []int, rsa, csa int, b []float32, boff []int, rsb int, c []float32, rsc int, e *Epilogue, next []float32) {
	if m <= 0 || n <= 0 {
		return
	}
	check(m, n, k, a, aoff, rsa, csa, b, boff, rsb, 1, c, rsc, e)
	isa := cpu.Active()
	if isa == cpu.Generic || k == 0 || len(aoff) == 0 {
		portable(0, m, 0, n, k, a, aoff, rsa, csa, b, boff, rsb, 1, c, rsc, e)
		return
	}
	reduce(isa, m, n, k, a, aoff, rsa, csa, b, boff, rsb, c, rsc, e, 0, 0, next)
}
