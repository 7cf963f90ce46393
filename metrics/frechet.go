package metrics

import (
	"fmt"
	"math"
)

// Gaussian is the normal distribution with the mean and the covariance of a
// sample of feature vectors.
type Gaussian struct {
	Mean       []float64 // (features)
	Covariance []float64 // (features, features), row-major, over n-1
}

// FitGaussian returns the normal distribution of rows of so many features. It
// needs two rows; with fewer rows than features the covariance is singular, as
// it may be.
func FitGaussian[F Float](rows []F, features int) (*Gaussian, error) {
	const metric = "Fréchet distance"
	if features < 1 || len(rows)%features != 0 {
		return nil, fmt.Errorf("metrics: %s: %d values are no whole number of rows of %d features", metric, len(rows), features)
	}
	n := len(rows) / features
	if n < 2 {
		return nil, fmt.Errorf("metrics: %s: %d rows have no covariance; give two or more", metric, n)
	}
	if err := checkFinite(metric, "feature", rows); err != nil {
		return nil, err
	}
	g := &Gaussian{Mean: make([]float64, features), Covariance: make([]float64, features*features)}
	for i, v := range rows {
		g.Mean[i%features] += float64(v) / float64(n)
	}
	away := make([]float64, features)
	for lo := 0; lo < len(rows); lo += features {
		for i, v := range rows[lo : lo+features] {
			away[i] = float64(v) - g.Mean[i]
		}
		for i, v := range away {
			row := g.Covariance[i*features:][:i+1]
			for j := range row {
				row[j] += v * away[j]
			}
		}
	}
	for i := range features {
		for j := range i + 1 {
			v := g.Covariance[i*features+j] / float64(n-1)
			g.Covariance[i*features+j], g.Covariance[j*features+i] = v, v
		}
	}
	return g, nil
}

// Frechet is the Fréchet distance of two normal distributions, squared as usual:
//
//	‖m-m'‖² + tr(C + C' - 2(CC')^½)
//
// (Dowson and Landau 1982; for the samples of generative networks Heusel et
// al., arXiv 1706.08500, who take the features of an Inception network.) It is 0
// for equal distributions, and its unit is the square of the features'.
func (g *Gaussian) Frechet(other *Gaussian) (float64, error) {
	n := len(g.Mean)
	if len(other.Mean) != n {
		return 0, fmt.Errorf("metrics: Fréchet distance: %d features on one side, %d on the other", n, len(other.Mean))
	}
	if len(other.Covariance) != n*n {
		return 0, fmt.Errorf("metrics: Fréchet distance: a covariance has %d values; with %d features it needs %d", len(other.Covariance), n, n*n)
	}
	// (CC')^½ has the trace of (RC'R)^½ with R the root of C, and that matrix is
	// symmetric.
	values, vectors, err := SymmetricEigen(g.Covariance, n)
	if err != nil {
		return 0, err
	}
	scaled := make([]float64, n*n) // rows are eigenvectors times the root of their value
	for i := range n {
		root := math.Sqrt(max(0, values[i])) // below 0 by rounding only
		for j := range n {
			scaled[i*n+j] = root * vectors[i*n+j]
		}
	}
	// In the basis of the eigenvectors, R C' R is scaled C' scaledᵀ.
	inner := make([]float64, n*n)
	image := make([]float64, n)
	for i := range n {
		for j := range n {
			image[j] = dot(scaled[i*n:(i+1)*n], other.Covariance[j*n:(j+1)*n])
		}
		for j := range n {
			inner[i*n+j] = dot(image, scaled[j*n:(j+1)*n])
		}
	}
	values, _, err = SymmetricEigen(inner, n)
	if err != nil {
		return 0, err
	}
	distance := 0.0
	for i := range n {
		d := g.Mean[i] - other.Mean[i]
		distance += d*d + g.Covariance[i*n+i] + other.Covariance[i*n+i] - 2*math.Sqrt(max(0, values[i]))
	}
	return max(0, distance), nil
}
