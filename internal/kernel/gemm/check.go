package gemm

import "fmt"

// check panics unless every element that a product of these sizes touches lies
// inside its slice. It is all that stands between a wrong stride and assembly
// that writes anywhere, so everybody calls it first. m and n are positive.
func check[T Float](m, n, k int, a []T, aoff []int, rsa, csa int, b []T, boff []int, rsb, csb int, c []T, rsc int, e *EpilogueOf[T]) {
	if k < 0 || rsa|csa|rsb|csb|rsc < 0 {
		panic(fmt.Sprintf("gemm: negative size or stride: m=%d n=%d k=%d, A strides %d,%d, B strides %d,%d, C stride %d", m, n, k, rsa, csa, rsb, csb, rsc))
	}
	if len(aoff) != len(boff) {
		panic(fmt.Sprintf("gemm: %d taps of A but %d of B", len(aoff), len(boff)))
	}
	if (m-1)*rsc+n > len(c) || m > 1 && rsc < n {
		panic(fmt.Sprintf("gemm: C of %dx%d with row stride %d does not fit %d elements", m, n, rsc, len(c)))
	}
	if e.Bias != nil && len(e.Bias) < n {
		panic(fmt.Sprintf("gemm: bias of %d elements for %d columns", len(e.Bias), n))
	}
	if e.Add != nil && (e.Accumulate || len(e.Add) < (m-1)*rsc+n) {
		panic(fmt.Sprintf("gemm: an addend of %d elements for C of %dx%d with row stride %d, accumulate %t", len(e.Add), m, n, rsc, e.Accumulate))
	}
	if k == 0 {
		return
	}
	// One unsigned comparison finds both a negative offset and one too far.
	alim := len(a) - (m-1)*rsa - (k-1)*csa
	blim := len(b) - (k-1)*rsb - (n-1)*csb
	for t, ao := range aoff {
		if ao < 0 || ao >= alim {
			panic(fmt.Sprintf("gemm: A of %dx%d with strides %d,%d at offset %d does not fit %d elements", m, k, rsa, csa, ao, len(a)))
		}
		if bo := boff[t]; bo < 0 || bo >= blim {
			panic(fmt.Sprintf("gemm: B of %dx%d with strides %d,%d at offset %d does not fit %d elements", k, n, rsb, csb, bo, len(b)))
		}
	}
}
