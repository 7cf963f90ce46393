package gemm

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// When both factors run along k in memory, products of few rows are scalar
// products: to rearrange B would cost more than to multiply it.
const (
	dotRows  = 16 // greatest number of rows of A
	dotDepth = 64 // least k, so that adding up the lanes does not dominate
)

// dotWork is how many elements of B are worth a task of their own.
const dotWork = 64 << 10

// dots is one call of a kernel of scalar products, of one, two or four rows of A
// with some columns of B. The kernels read it by field name (go_asm.h).
type dots struct {
	a      unsafe.Pointer
	rsa    int // bytes
	b      unsafe.Pointer
	csb    int            // bytes
	k      int            // at least one
	out    unsafe.Pointer // the sums, row by row, without gaps
	kernel int            // index in the table of kernels
}

// Kernels of scalar products, in the order of their table.
const (
	dots1x8 = iota
	dots1x4
	dots2x4
	dots1x1
	dots2x1
	dots4x4 // from here on with AVX-512 only
	dots4x1
)

// transposedDots computes the product of a matrix of few rows and one with
// contiguous columns.
func transposedDots(isa cpu.ISA, m, n, k int, a []float32, rsa, csa int, b []float32, csb int, c []float32, rsc int, e Epilogue) {
	if csa != 1 {
		rows := mem.Float32s(m * k)
		defer mem.PutFloat32s(rows)
		if rsa == 1 {
			transpose(rows, k, a, csa, k, m)
		} else {
			for i := range m {
				for p := range k {
					rows[i*k+p] = a[i*rsa+p*csa]
				}
			}
		}
		a, rsa = rows, k
	}
	out := mem.Float32s(m * n)
	defer mem.PutFloat32s(out)
	par.For(n, dotChunk(k), func(lo, hi int) {
		dotProducts(isa, m, lo, hi, k, a, rsa, b, csb, out, n)
		for i := range m {
			finish(out[i*n+lo:i*n+hi], c, i*rsc+lo, &e, lo)
		}
	})
}

// fewColumns is up to how many columns C may be computed by way of its transpose.
const fewColumns = 16

// flipPays reports whether it is faster to compute the transpose of C. Vectors
// along the rows of a tall C of few columns are mostly empty. Where rows of A are
// contiguous the transpose is one of scalar products, and it depends on their
// kernels, on the size of A and on whether B lies as they want it how many columns
// are few.
func flipPays(isa cpu.ISA, m, n, k, rsa, csb int) bool {
	const leastWork = 64 << 10 // multiply-adds that make up for turning the result
	few := fewColumns
	switch {
	case rsa == 1:
	case isa != cpu.AVX512:
		few /= 4
	case m*k < 2<<20:
		few /= 2
	case csb == 1: // has to be turned for scalar products
		few = 10
	}
	return n <= few && m > 2*n && k >= dotDepth && m*n*k >= leastWork
}

// flipped computes C by way of its transpose.
func flipped(isa cpu.ISA, m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, e Epilogue) {
	out := mem.Float32s(m * n)
	defer mem.PutFloat32s(out)
	multiply(isa, n, m, k, b, csb, rsb, a, csa, rsa, out, m, Epilogue{})
	if e.Bias == nil && !e.ReLU && !e.Accumulate && e.Add == nil {
		transpose(c, rsc, out, m, n, m)
		return
	}
	var row [fewColumns]float32
	for i := range m {
		for j := range n {
			row[j] = out[j*m+i]
		}
		finish(row[:n], c, i*rsc, &e, 0)
	}
}

// dotChunk is the number of columns of B in a task.
func dotChunk(k int) int {
	const widest = 8
	return ceil(dotWork, k*widest) * widest
}

// dotProducts computes out[i*ldo+j], i<m, lo<=j<hi. Columns are the outer loop:
// A is small and B may come from afar.
func dotProducts(isa cpu.ISA, m, lo, hi, k int, a []float32, rsa int, b []float32, csb int, out []float32, ldo int) {
	d := dots{rsa: rsa * sizeofFloat, csb: csb * sizeofFloat, k: k}
	var sums [16]float32
	d.out = unsafe.Pointer(&sums)
	wide := 4
	if m == 1 {
		wide = 8
	}
	for j := lo; j < hi; {
		columns := wide
		if hi-j < wide {
			columns = 1
		}
		d.b = floats(b, j*csb)
		for i := 0; i < m; {
			var rows int
			rows, d.kernel = dotKernel(isa, m-i, columns)
			d.a = floats(a, i*rsa)
			runDots(isa, &d)
			for s := range rows {
				copy(out[(i+s)*ldo+j:(i+s)*ldo+j+columns], sums[s*columns:])
			}
			i += rows
		}
		j += columns
	}
}

// dotKernel chooses the highest kernel for at most so many rows and just as many
// columns.
func dotKernel(isa cpu.ISA, rows, columns int) (height, kernel int) {
	wide := columns > 1
	switch {
	case rows >= 4 && isa == cpu.AVX512 && wide:
		return 4, dots4x4
	case rows >= 4 && isa == cpu.AVX512:
		return 4, dots4x1
	case rows >= 2 && wide:
		return 2, dots2x4
	case rows >= 2:
		return 2, dots2x1
	case columns == 8:
		return 1, dots1x8
	case wide:
		return 1, dots1x4
	}
	return 1, dots1x1
}

// finish applies the epilogue to sums of one row on their way to C, from element
// at on. j is the column of the first.
func finish(sums, c []float32, at int, e *Epilogue, j int) {
	c = c[at:][:len(sums)]
	plus := e.plus(c, at)
	for x, v := range sums {
		if plus != nil {
			v += plus[x]
		}
		if e.Bias != nil {
			v += e.Bias[j+x]
		}
		if e.ReLU && v < 0 {
			v = 0
		}
		c[x] = v
	}
}
