package data

import (
	"errors"
	"fmt"
	"math"
)

// Standardizer shifts and scales every element of an input to mean 0 and
// standard deviation 1. Fit it on the training part only and apply it to all
// parts: what is known about the test part must not leak into training.
type Standardizer struct {
	Mean []float32 `json:"mean"` // one for each element of an input
	Std  []float32 `json:"std"`  // never 0
}

// FitStandardizer computes mean and standard deviation (with denominator N) of
// each element over the samples of ds. An element that never changes keeps its
// scale.
func FitStandardizer(ds Dataset) (*Standardizer, error) {
	if ds.Len() == 0 {
		return nil, errEmpty
	}
	// Welford's updates, in float64: one pass without cancellation.
	size := Size(ds.InputShape())
	mean, m2 := make([]float64, size), make([]float64, size)
	for s, err := range Samples(ds) {
		if err != nil {
			return nil, err
		}
		weight := 1 / float64(s.Index+1)
		for j, v := range s.X {
			delta := float64(v) - mean[j]
			mean[j] += delta * weight
			m2[j] += delta * (float64(v) - mean[j])
		}
	}
	z := &Standardizer{make([]float32, size), make([]float32, size)}
	for j := range mean {
		z.Mean[j], z.Std[j] = float32(mean[j]), scaleOf(m2[j]/float64(ds.Len()))
	}
	return z, nil
}

var errEmpty = errors.New("data: the data set is empty")

// scaleOf returns the standard deviation for a variance, and 1 when there is none.
func scaleOf(variance float64) float32 {
	if std := float32(math.Sqrt(variance)); std > 0 {
		return std
	}
	return 1
}

// Transform standardises one input in place.
func (z *Standardizer) Transform(x []float32) {
	for j, mean := range z.Mean {
		x[j] = (x[j] - mean) / z.Std[j]
	}
}

// Apply returns ds with standardised inputs. It panics when the inputs have
// another number of elements than those of the data set of the fit.
func (z *Standardizer) Apply(ds Dataset) Dataset {
	if size := Size(ds.InputShape()); size != len(z.Mean) {
		panic(fmt.Sprintf("data: a Standardizer for inputs of %d elements applied to inputs of shape %v", len(z.Mean), ds.InputShape()))
	}
	return Map(ds, func(x []float32, _ *Target) { z.Transform(x) })
}

// MeanStd returns the mean and the standard deviation of each channel over all
// pixels of a data set of images (C, H, W): the arguments of [Normalize]. A
// channel that never changes has standard deviation 1.
func MeanStd(ds Dataset) (mean, std []float32, err error) {
	mu, cov, err := channelMoments(ds)
	if err != nil {
		return nil, nil, err
	}
	for c := range mu {
		mean = append(mean, float32(mu[c]))
		std = append(std, scaleOf(cov[c][c]))
	}
	return mean, std, nil
}

// channelMoments returns the mean of each channel and the covariance of the
// channels over all pixels of a data set of images.
func channelMoments(ds Dataset) (mean []float64, cov [][]float64, err error) {
	shape := ds.InputShape()
	if len(shape) != 3 {
		return nil, nil, fmt.Errorf("data: channel statistics need images (C, H, W), but the inputs have shape %v", shape)
	}
	if ds.Len() == 0 {
		return nil, nil, errEmpty
	}
	channels, pixels := shape[0], shape[1]*shape[2]
	mean, cov = make([]float64, channels), make([][]float64, channels)
	for c := range cov {
		cov[c] = make([]float64, channels)
	}
	// Each image is one group: its own moments, then the merge of T. Chan,
	// G. Golub, R. LeVeque, "Algorithms for computing the sample variance", 1983.
	group, delta := make([]float64, channels), make([]float64, channels)
	for s, err := range Samples(ds) {
		if err != nil {
			return nil, nil, err
		}
		for c := range group {
			sum := 0.0
			for _, v := range s.X[c*pixels : (c+1)*pixels] {
				sum += float64(v)
			}
			group[c] = sum / float64(pixels)
			delta[c] = group[c] - mean[c]
		}
		before := float64(s.Index)
		weight := 1 / (before + 1)
		for a := range channels {
			xa := s.X[a*pixels : (a+1)*pixels]
			for b := range a + 1 {
				xb := s.X[b*pixels : (b+1)*pixels]
				sum := 0.0
				for p := range xa {
					sum += (float64(xa[p]) - group[a]) * (float64(xb[p]) - group[b])
				}
				within := sum / float64(pixels)
				// cov is the covariance so far, not the sum of products.
				cov[a][b] += weight * (within - cov[a][b] + delta[a]*delta[b]*before*weight)
				cov[b][a] = cov[a][b]
			}
		}
		for c := range mean {
			mean[c] += delta[c] * weight
		}
	}
	return mean, cov, nil
}
