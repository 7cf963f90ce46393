package metrics

import (
	"cmp"
	"math"
	"slices"
)

// Pearson is the linear correlation of two series of equal length, in -1..1; 0
// where one of them never changes (scipy has NaN there).
func Pearson[F Float](x, y []F) (float64, error) {
	if err := checkSeries("Pearson", "value of x", "value of y", x, y); err != nil {
		return 0, err
	}
	return correlation(float64s(x), float64s(y)), nil
}

// Spearman is the correlation of the ranks of two series of equal length, in
// -1..1 (Spearman 1904): whether one grows with the other, on whatever curve.
// Equal values share the mean of their ranks. It is 0 where one of them never
// changes.
func Spearman[F Float](x, y []F) (float64, error) {
	if err := checkSeries("Spearman", "value of x", "value of y", x, y); err != nil {
		return 0, err
	}
	return correlation(ranks(x), ranks(y)), nil
}

func correlation(x, y []float64) float64 {
	meanX, meanY := mean(x), mean(y)
	var xy, xx, yy float64
	for i := range x {
		xy += (x[i] - meanX) * (y[i] - meanY)
		xx += (x[i] - meanX) * (x[i] - meanX)
		yy += (y[i] - meanY) * (y[i] - meanY)
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return min(max(xy/math.Sqrt(xx)/math.Sqrt(yy), -1), 1) // rounding may go beyond
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// ranks returns how many values are below each, and half of those that equal it.
func ranks[F Float](x []F) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	out := make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return out
}

func float64s[F Float](x []F) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
