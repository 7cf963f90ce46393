package gemm

import (
	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// One row times a matrix that is far away takes as long as it takes to read the
// matrix, and memory is read fastest along its rows: a part of k is a task, not a
// part of the columns, and sums of its own for all columns go along. How many
// parts there are follows from the size of the matrix.
const (
	rowColumns  = 512       // least columns: shorter rows gain nothing
	rowDepth    = 32        // rows of the matrix that are read side by side
	rowSize     = 256 << 10 // least elements of the matrix
	rowPart     = 128 << 10 // elements of the matrix in a part
	mostRowPart = 16
)

// rowTimesMatrix computes one row of C. Elements of a are csa apart.
func rowTimesMatrix(isa cpu.ISA, n, k int, a []float32, csa int, b []float32, rsb int, c []float32, e Epilogue) {
	parts := min(ceil(n*k, rowPart), mostRowPart, ceil(k, rowDepth))
	depth := ceil(ceil(k, parts), rowDepth) * rowDepth
	parts = ceil(k, depth)
	sums := mem.Float32s(parts * n)
	defer mem.PutFloat32s(sums)
	par.For(parts, 1, func(part, _ int) {
		sum := sums[part*n:][:n]
		for p0, end := part*depth, min((part+1)*depth, k); p0 < end; p0 += rowDepth {
			more := Epilogue{Accumulate: p0 > part*depth}
			reduce(isa, 1, n, min(rowDepth, end-p0), a[p0*csa:], zero, 0, csa, b[p0*rsb:], zero, rsb, sum, n, &more, 0, 0, nil)
		}
	})
	for part := 1; part < parts; part++ {
		for j, v := range sums[part*n:][:n] {
			sums[j] += v
		}
	}
	finish(sums[:n], c, 0, &e, 0)
}
