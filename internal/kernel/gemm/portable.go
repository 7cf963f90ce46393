package gemm

import "github.com/hadal-ml/hadal/internal/par"

// Block sizes of the portable path. A strip of portableK elements down two
// columns of B touches portableK cache lines, which the first-level cache must
// keep until the neighbouring columns have used them too.
const (
	portableTile = 64
	portableK    = 256
)

// Portable is [BatchReduce] with a column stride for B, in plain Go and in
// parallel: the path of float64 and of processors without kernels of their own,
// and the oracle that the assembly is tested against. Every element is summed
// in the order of taps, then of k.
func Portable[T Float](m, n, k int, a []T, aoff []int, rsa, csa int, b []T, boff []int, rsb, csb int, c []T, rsc int, e EpilogueOf[T]) {
	if m <= 0 || n <= 0 {
		return
	}
	check(m, n, k, a, aoff, rsa, csa, b, boff, rsb, csb, c, rsc, &e)
	across := (n + portableTile - 1) / portableTile
	down := (m + portableTile - 1) / portableTile
	par.For(across*down, 1, func(tile, _ int) {
		i0, j0 := tile/across*portableTile, tile%across*portableTile
		portable(i0, min(i0+portableTile, m), j0, min(j0+portableTile, n), k, a, aoff, rsa, csa, b, boff, rsb, csb, c, rsc, &e)
	})
}

// portable computes rows [i0, i1) and columns [j0, j1) of C. Between blocks of
// k the sums wait in C itself.
func portable[T Float](i0, i1, j0, j1, k int, a []T, aoff []int, rsa, csa int, b []T, boff []int, rsb, csb int, c []T, rsc int, e *EpilogueOf[T]) {
	for i := i0; i < i1; i++ {
		row := c[i*rsc+j0 : i*rsc+j1]
		if plus := e.plus(row, i*rsc+j0); plus != nil {
			copy(row, plus)
		} else {
			clear(row)
		}
	}
	for t, ao := range aoff {
		for p0 := 0; p0 < k; p0 += portableK {
			kb := min(portableK, k-p0)
			for j := j0; j < j1; j += 2 {
				for i := i0; i < i1; i += 4 {
					ai, bi := ao+i*rsa+p0*csa, boff[t]+p0*rsb+j*csb
					if i+4 <= i1 && j+2 <= j1 {
						portable4x2(kb, a, ai, rsa, csa, b, bi, rsb, csb, c, i*rsc+j, rsc)
						continue
					}
					for ii := i; ii < min(i+4, i1); ii++ {
						for jj := j; jj < min(j+2, j1); jj++ {
							c[ii*rsc+jj] += portableDot(kb, a, ai+(ii-i)*rsa, csa, b, bi+(jj-j)*csb, rsb)
						}
					}
				}
			}
		}
	}
	if e.Bias == nil && !e.ReLU {
		return
	}
	for i := i0; i < i1; i++ {
		row := c[i*rsc+j0 : i*rsc+j1]
		if e.Bias != nil {
			for j, v := range e.Bias[j0:j1] {
				row[j] += v
			}
		}
		if e.ReLU {
			for j, v := range row {
				if v < 0 {
					row[j] = 0
				}
			}
		}
	}
}

// portable4x2 adds a product of four rows and two columns to C. Eight sums and
// their factors fit the sixteen registers of amd64.
func portable4x2[T Float](k int, a []T, ai, rsa, csa int, b []T, bi, rsb, csb int, c []T, ci, rsc int) {
	var c00, c01, c10, c11, c20, c21, c30, c31 T
	for range k {
		b0, b1 := b[bi], b[bi+csb]
		a0 := a[ai]
		c00 += a0 * b0
		c01 += a0 * b1
		a1 := a[ai+rsa]
		c10 += a1 * b0
		c11 += a1 * b1
		a2 := a[ai+2*rsa]
		c20 += a2 * b0
		c21 += a2 * b1
		a3 := a[ai+3*rsa]
		c30 += a3 * b0
		c31 += a3 * b1
		ai += csa
		bi += rsb
	}
	c[ci] += c00
	c[ci+1] += c01
	c[ci+rsc] += c10
	c[ci+rsc+1] += c11
	c[ci+2*rsc] += c20
	c[ci+2*rsc+1] += c21
	c[ci+3*rsc] += c30
	c[ci+3*rsc+1] += c31
}

// portableDot is the scalar product of a row of A and a column of B.
func portableDot[T Float](k int, a []T, ai, csa int, b []T, bi, rsb int) T {
	var sum T
	for range k {
		sum += a[ai] * b[bi]
		ai += csa
		bi += rsb
	}
	return sum
}
