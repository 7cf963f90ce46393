package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// SymmetricEigen returns the eigenvalues of a symmetric matrix a (n, n),
// row-major, from the largest down, and its eigenvectors (n, n): row i is the
// unit vector of values[i]. Of a only the lower half is read. Householder
// reflections make the matrix tridiagonal, implicit QL steps diagonal (Golub and
// Van Loan, Matrix Computations, 4th ed., 8.3; Wilkinson's shift). The errors
// of the values are about 1e-16 of the largest. It takes about 6n³
// multiplications.
func SymmetricEigen(a []float64, n int) (values, vectors []float64, err error) {
	if n < 1 || len(a)/n != n || len(a)%n != 0 {
		return nil, nil, fmt.Errorf("metrics: eigenvalues: %d values are no square matrix with %d rows", len(a), n)
	}
	if err := checkFinite("eigenvalues", "element", a); err != nil {
		return nil, nil, err
	}
	rows := make([][]float64, n) // of the whole symmetric matrix
	for i := range rows {
		rows[i] = make([]float64, n)
		for j := range i + 1 {
			rows[i][j], rows[j][i] = a[i*n+j], a[i*n+j]
		}
	}
	diagonal, beside, basis := tridiagonal(rows)
	if err := diagonalise(diagonal, beside, basis); err != nil {
		return nil, nil, err
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case diagonal[i] > diagonal[j]:
			return -1
		case diagonal[i] < diagonal[j]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		values, vectors = append(values, diagonal[i]), append(vectors, basis[i]...)
	}
	return values, vectors, nil
}

// tridiagonal reduces a symmetric matrix, which it overwrites, to its diagonal
// and what stands beside it (beside[i] couples i and i+1) by a change of basis.
// The rows of basis are the new basis vectors.
func tridiagonal(a [][]float64) (diagonal, beside []float64, basis [][]float64) {
	n := len(a)
	diagonal, beside = make([]float64, n), make([]float64, n)
	reflectors := make([][]float64, max(0, n-2)) // unit vectors v of I - 2vvᵀ, on the axes behind k
	image := make([]float64, n)
	for k := range reflectors {
		column := make([]float64, n-k-1)
		for i := range column {
			column[i] = a[k+1+i][k]
		}
		diagonal[k], beside[k] = a[k][k], -math.Copysign(length(column), column[0])
		column[0] -= beside[k] // the sign above keeps this from cancelling
		norm := length(column)
		if norm == 0 { // nothing to reflect
			continue
		}
		for i := range column {
			column[i] /= norm
		}
		reflectors[k] = column
		// A becomes A - vwᵀ - wvᵀ with w = 2(Av - v(vᵀAv)).
		w := image[:len(column)]
		for i := range w {
			w[i] = dot(a[k+1+i][k+1:], column)
		}
		along := dot(w, column)
		for i := range w {
			w[i] = 2 * (w[i] - along*column[i])
		}
		for i, v := range column {
			row, u := a[k+1+i][k+1:], w[i]
			for j := range row {
				row[j] -= v*w[j] + u*column[j]
			}
		}
	}
	if n > 1 {
		diagonal[n-2], beside[n-2] = a[n-2][n-2], a[n-1][n-2]
	}
	diagonal[n-1] = a[n-1][n-1]

	basis = make([][]float64, n)
	for i := range basis {
		basis[i] = make([]float64, n)
		basis[i][i] = 1
	}
	for k := len(reflectors) - 1; k >= 0; k-- { // from the last, which moves the fewest axes
		v := reflectors[k]
		if v == nil {
			continue
		}
		for _, row := range basis[k+1:] {
			behind := row[k+1:]
			along := 2 * dot(behind, v)
			for j := range behind {
				behind[j] -= along * v[j]
			}
		}
	}
	return diagonal, beside, basis
}

// diagonalise makes what stands beside the diagonal vanish by rotations of
// neighbouring axes, which it applies to the rows of basis too.
func diagonalise(d, e []float64, basis [][]float64) error {
	const patience = 60 // steps for one value; two or three are usual
	n := len(d)
	// What is this small beside the largest value is as good as nothing: rounding
	// has moved every element by about as much.
	small := 0.0
	for i := range d {
		small = max(small, 0x1p-53*(math.Abs(d[i])+math.Abs(e[i])))
	}
	for at := range d {
		for step := 0; ; step++ {
			end := at // the block from at to end is coupled
			for end < n-1 && math.Abs(e[end]) > small {
				end++
			}
			if end == at {
				break
			}
			if step == patience {
				return errors.New("metrics: eigenvalues: no convergence; are there values of more than 1e150?")
			}
			// The shift is the eigenvalue of the upper 2x2 block nearer to d[at].
			half := (d[at+1] - d[at]) / (2 * e[at])
			shift := d[at] - e[at]/(half+math.Copysign(math.Hypot(half, 1), half))
			g, s, c, moved := d[end]-shift, 1.0, 1.0, 0.0
			i := end - 1
			for ; i >= at; i-- {
				f, b := s*e[i], c*e[i]
				r := math.Hypot(f, g)
				e[i+1] = r
				if r == 0 { // the block has come apart before its end
					d[i+1] -= moved
					break
				}
				s, c = f/r, g/r
				g = d[i+1] - moved
				r = (d[i]-g)*s + 2*c*b
				moved = s * r
				d[i+1] = g + moved
				g = c*r - b
				x, y := basis[i], basis[i+1]
				for k, v := range y {
					y[k] = s*x[k] + c*v
					x[k] = c*x[k] - s*v
				}
			}
			if i < at {
				d[at] -= moved
				e[at] = g
			}
			e[end] = 0
		}
	}
	return nil
}

// length is the Euclidean norm.
func length(v []float64) float64 { return math.Sqrt(dot(v, v)) }

// dot adds in four sums, since one addition would wait for the one before.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
