package data

import (
	"fmt"
	"math"
)

// ColorShift changes brightness, contrast and saturation of pixels in 0..1, in
// this order, each by a random amount. The results are clamped to 0..1.
type ColorShift struct {
	Brightness float64 // add up to ± this
	Contrast   float64 // scale the distance from the mean by 1 ± up to this
	Saturation float64 // scale the distance from grey by 1 ± up to this; needs 3 channels
}

// The share of each primary in the luminance (ITU-R BT.601).
const lumaR, lumaG, lumaB = 0.299, 0.587, 0.114

// OutputShape is the source's.
func (t ColorShift) OutputShape(c, h, w int) ([3]int, error) {
	for _, v := range []float64{t.Brightness, t.Contrast, t.Saturation} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return [3]int{}, fmt.Errorf("data: ColorShift %+v; the amounts must be finite and not negative", t)
		}
	}
	if t.Saturation > 0 && c != 3 {
		return [3]int{}, needsColour("ColorShift with Saturation", c)
	}
	return [3]int{c, h, w}, nil
}

// Apply writes the shifted colours to dst.
func (t ColorShift) Apply(dst, src Image, r *Random) {
	add := float32(r.Uniform(-t.Brightness, t.Brightness))
	contrast := float32(1 + r.Uniform(-t.Contrast, t.Contrast))
	saturation := float32(1 + r.Uniform(-t.Saturation, t.Saturation))
	var sum float32
	for _, v := range src.Pix {
		sum += v
	}
	mean := sum/float32(len(src.Pix)) + add
	offset := add*contrast + mean*(1-contrast)
	for i, v := range src.Pix {
		dst.Pix[i] = v*contrast + offset
	}
	if t.Saturation > 0 {
		red, green, blue := dst.channel(0), dst.channel(1), dst.channel(2)
		for i := range red {
			grey := lumaR*red[i] + lumaG*green[i] + lumaB*blue[i]
			rest := grey * (1 - saturation)
			red[i], green[i], blue[i] = red[i]*saturation+rest, green[i]*saturation+rest, blue[i]*saturation+rest
		}
	}
	for i, v := range dst.Pix {
		dst.Pix[i] = min(max(v, 0), 1)
	}
}

// PCAColor adds to all pixels of an image the same random mixture of the
// principal components of the colours in the training set, as strong as each
// is there: the illumination changes, the object does not (A. Krizhevsky,
// I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional
// neural networks", 2012, section 4.1).
type PCAColor struct {
	Std     float64       `json:"std"`     // of the mixture's coefficients; 0.1 in the paper
	Values  [3]float64    `json:"values"`  // eigenvalues of the covariance, the largest first
	Vectors [3][3]float64 `json:"vectors"` // Vectors[k] is the unit eigenvector of Values[k]
}

// FitPCAColor computes the principal components of the pixels of ds, whose
// images have three channels.
func FitPCAColor(ds Dataset, std float64) (*PCAColor, error) {
	if shape := ds.InputShape(); len(shape) != 3 || shape[0] != 3 {
		return nil, fmt.Errorf("data: PCAColor needs images (3, H, W), but the inputs have shape %v", shape)
	}
	_, cov, err := channelMoments(ds)
	if err != nil {
		return nil, err
	}
	t := &PCAColor{Std: std}
	for i := range 3 {
		t.Vectors[i] = [3]float64(cov[i])
	}
	t.Values, t.Vectors = eigen(t.Vectors)
	return t, nil
}

// OutputShape is the source's.
func (t *PCAColor) OutputShape(c, h, w int) ([3]int, error) {
	if c != 3 {
		return [3]int{}, needsColour("PCAColor", c)
	}
	return [3]int{c, h, w}, nil
}

// Apply writes the image under another light to dst.
func (t *PCAColor) Apply(dst, src Image, r *Random) {
	var shift [3]float64
	for k, vector := range t.Vectors {
		strength := r.Normal() * t.Std * t.Values[k]
		for c := range shift {
			shift[c] += strength * vector[c]
		}
	}
	for c := range shift {
		out, add := dst.channel(c), float32(shift[c])
		for i, v := range src.channel(c) {
			out[i] = v + add
		}
	}
}

// eigen returns the eigenvalues of a symmetric matrix, the largest first, and
// their unit eigenvectors, each with a positive largest element. It is Jacobi's
// method: rotations that make one off-diagonal element after the other zero
// (G. Golub, C. Van Loan, "Matrix Computations", section 8.5).
func eigen(a [3][3]float64) (values [3]float64, vectors [3][3]float64) {
	v := [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} // columns become eigenvectors
	const sweeps = 30                                   // convergence is quadratic; six are enough
	for range sweeps {
		for _, pq := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
			p, q := pq[0], pq[1]
			if a[p][q] == 0 {
				continue
			}
			tau := (a[q][q] - a[p][p]) / (2 * a[p][q])
			t := math.Copysign(1/(math.Abs(tau)+math.Hypot(1, tau)), tau)
			c := 1 / math.Hypot(1, t)
			s := t * c
			for k := range 3 {
				a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
				v[k][p], v[k][q] = c*v[k][p]-s*v[k][q], s*v[k][p]+c*v[k][q]
			}
			for k := range 3 {
				a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
			}
		}
	}
	order := [3]int{0, 1, 2}
	for i := range 3 {
		for j := i; j > 0 && a[order[j]][order[j]] > a[order[j-1]][order[j-1]]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	for i, k := range order {
		values[i] = a[k][k]
		largest := 0.0
		for j := range 3 {
			vectors[i][j] = v[j][k]
			if math.Abs(v[j][k]) > math.Abs(largest) {
				largest = v[j][k]
			}
		}
		if largest < 0 {
			for j := range 3 {
				vectors[i][j] = -vectors[i][j]
			}
		}
	}
	return values, vectors
}
