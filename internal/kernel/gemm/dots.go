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
	dotRows  = 12 // greatest number of rows of A
	dotDepth = 64 // least k, so that adding up the lanes does not dominate
)

// dotWork is how many elements of B are worth a task of their own.
const dotWork = 32 << 10

// dots is one call of a kernel of scalar products, of one or two rows of A with
// some columns of B. The kernels read it by field name (go_asm.h).
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
)

// dotsWide is how many columns the wide kernels take, by rows-1.
var dotsWide = [2]int{8, 4}

// matrixVector computes the product of a matrix with contiguous rows and a
// vector: its elements are the scalar products of the vector with the rows.
func matrixVector(isa cpu.ISA, m, k int, a []float32, rsa int, b []float32, rsb int, c []float32, rsc int, e Epilogue) {
	if rsb != 1 {
		x := mem.Float32s(k)
		defer mem.PutFloat32s(x)
		for p := range x {
			x[p] = b[p*rsb]
		}
		b = x
	}
	out := mem.Float32s(m)
	defer mem.PutFloat32s(out)
	par.For(m, dotChunk(k), func(lo, hi int) {
		dotProducts(isa, 1, lo, hi, k, b, 0, a, rsa, out, 0)
		for i := lo; i < hi; i++ {
			finish(out[i:i+1], c[i*rsc:i*rsc+1], &e, 0)
		}
	})
}

// transposedDots computes the product of matrices with contiguous rows of A and
// contiguous columns of B.
func transposedDots(isa cpu.ISA, m, n, k int, a []float32, rsa int, b []float32, csb int, c []float32, rsc int, e Epilogue) {
	out := mem.Float32s(m * n)
	defer mem.PutFloat32s(out)
	par.For(n, dotChunk(k), func(lo, hi int) {
		dotProducts(isa, m, lo, hi, k, a, rsa, b, csb, out, n)
		for i := range m {
			finish(out[i*n+lo:i*n+hi], c[i*rsc+lo:i*rsc+hi], &e, lo)
		}
	})
}

// dotChunk is the number of columns of B in a task.
func dotChunk(k int) int {
	widest := dotsWide[0]
	return ceil(dotWork, k*widest) * widest
}

// dotProducts computes out[i*ldo+j], i<m, lo<=j<hi. Columns are the outer loop:
// A is small and B may come from afar.
func dotProducts(isa cpu.ISA, m, lo, hi, k int, a []float32, rsa int, b []float32, csb int, out []float32, ldo int) {
	d := dots{rsa: rsa * sizeofFloat, csb: csb * sizeofFloat, k: k}
	var sums [8]float32
	d.out = unsafe.Pointer(&sums)
	rows := min(m, 2)
	for j := lo; j < hi; {
		columns := dotsWide[rows-1]
		if hi-j < columns {
			columns = 1
		}
		d.b = floats(b, j*csb)
		for i := 0; i < m; i += 2 {
			r := min(2, m-i)
			d.a = floats(a, i*rsa)
			switch columns {
			case 1:
				d.kernel = dots1x1 + r - 1
			case 4:
				d.kernel = dots1x4 + r - 1
			default:
				d.kernel = dots1x8
			}
			runDots(isa, &d)
			for s := range r {
				copy(out[(i+s)*ldo+j:(i+s)*ldo+j+columns], sums[s*columns:])
			}
		}
		j += columns
	}
}

// finish applies the epilogue to sums of one row on their way to C. j is the
// column of the first.
func finish(sums, c []float32, e *Epilogue, j int) {
	for x, v := range sums {
		if e.Accumulate {
			v += c[x]
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
