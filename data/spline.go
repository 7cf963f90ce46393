package data

import "math"

// splineField makes smooth random displacements: independent normal numbers on
// a coarse grid, blended by cubic B-splines. The cubic B-spline over a spacing
// s is a bell with variance s^2/3, hardly to be told from a Gaussian, so this
// equals smoothing white noise with a Gaussian of sigma s/sqrt(3), at a
// fraction of its cost: four products a pixel and direction. (C. de Boor, "A
// Practical Guide to Splines"; the smoothing of noise by a Gaussian is Simard's.)
type splineField struct {
	rows, cols   axisWeights
	gridX, gridY []float32 // the displacements of the control points
	lineX, lineY []float32 // the same, blended for one row of pixels
}

// axisWeights says how the pixels of one axis blend its control points.
type axisWeights struct {
	n       int // pixels
	spacing float64
	first   []int        // of the four control points of each pixel
	weights [][4]float32 // of these
}

// points is the number of control points of the axis.
func (a *axisWeights) points() int { return a.first[a.n-1] + 4 }

// set computes the weights, unless they are those of the last image.
func (a *axisWeights) set(n int, spacing float64) {
	if a.n == n && a.spacing == spacing {
		return
	}
	a.n, a.spacing = n, spacing
	a.first, a.weights = make([]int, n), make([][4]float32, n)
	for i := range n {
		cell, u := math.Modf(float64(i) / spacing)
		a.first[i] = int(cell)
		v := 1 - u
		a.weights[i] = [4]float32{
			float32(v * v * v / 6),
			float32((3*u*u*u - 6*u*u + 4) / 6),
			float32((3*v*v*v - 6*v*v + 4) / 6),
			float32(u * u * u / 6),
		}
	}
}

// splineGain is the standard deviation of the blend of unit normal numbers,
// over all places: the integral of the square of the cubic B-spline, once for
// each axis under a square root.
const splineGain = 151. / 315

// displace adds random displacements with that standard deviation to the
// places x and y of h x w pixels.
func (f *splineField) displace(x, y []float32, std, smoothness float64, h, w int, r *Random) {
	spacing := smoothness * math.Sqrt(3)
	f.rows.set(h, spacing)
	f.cols.set(w, spacing)
	gh, gw := f.rows.points(), f.cols.points()
	f.gridX, f.gridY = grow(f.gridX, gh*gw), grow(f.gridY, gh*gw)
	f.lineX, f.lineY = grow(f.lineX, gw), grow(f.lineY, gw)
	for i := range f.gridX {
		f.gridX[i] = float32(r.Normal() * std / splineGain)
		f.gridY[i] = float32(r.Normal() * std / splineGain)
	}
	for row := range h {
		at, weights := f.rows.first[row]*gw, &f.rows.weights[row]
		blend(f.lineX, f.gridX[at:at+4*gw], weights)
		blend(f.lineY, f.gridY[at:at+4*gw], weights)
		xs, ys := x[row*w:(row+1)*w], y[row*w:(row+1)*w]
		for col := range xs {
			p, k := f.cols.first[col], &f.cols.weights[col]
			a, b := f.lineX[p:p+4:p+4], f.lineY[p:p+4:p+4]
			xs[col] += k[0]*a[0] + k[1]*a[1] + k[2]*a[2] + k[3]*a[3]
			ys[col] += k[0]*b[0] + k[1]*b[1] + k[2]*b[2] + k[3]*b[3]
		}
	}
}

// blend writes to line the weighted sum of four lines of control points.
func blend(line, grid []float32, k *[4]float32) {
	n := len(line)
	a, b, c, d := grid[:n], grid[n:2*n], grid[2*n:3*n], grid[3*n:4*n]
	for i := range line {
		line[i] = k[0]*a[i] + k[1]*b[i] + k[2]*c[i] + k[3]*d[i]
	}
}
