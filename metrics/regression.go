package metrics

import (
	"fmt"
	"math"
)

func checkRegression[F Float](metric string, predicted, targets []F) error {
	return checkSeries(metric, "prediction", "target", predicted, targets)
}

// MSE is the mean squared error, in squared units of the target.
func MSE[F Float](predicted, targets []F) (float64, error) {
	if err := checkRegression("MSE", predicted, targets); err != nil {
		return 0, err
	}
	return squares(predicted, targets) / float64(len(targets)), nil
}

// RMSE is the root of the mean squared error, in units of the target.
func RMSE[F Float](predicted, targets []F) (float64, error) {
	if err := checkRegression("RMSE", predicted, targets); err != nil {
		return 0, err
	}
	return math.Sqrt(squares(predicted, targets) / float64(len(targets))), nil
}

// MAE is the mean absolute error, in units of the target.
func MAE[F Float](predicted, targets []F) (float64, error) {
	if err := checkRegression("MAE", predicted, targets); err != nil {
		return 0, err
	}
	sum := 0.0
	for i, p := range predicted {
		sum += math.Abs(float64(p) - float64(targets[i]))
	}
	return sum / float64(len(targets)), nil
}

// R2 is the coefficient of determination: 1 is perfect, 0 no better than the
// targets' mean, negative worse. For targets that are all equal it is 1 when the
// predictions are perfect and 0 otherwise. It needs two examples.
func R2[F Float](predicted, targets []F) (float64, error) {
	if err := checkRegression("R2", predicted, targets); err != nil {
		return 0, err
	}
	if len(targets) < 2 {
		return 0, fmt.Errorf("metrics: R2: one example has no variance to explain; give two or more")
	}
	mean := 0.0
	for _, t := range targets {
		mean += float64(t)
	}
	mean /= float64(len(targets))
	// Compared with the first, not with the mean: the mean of equal values may
	// differ from them in the last bit, and would leave a tiny variance.
	residual, total, constant := squares(predicted, targets), 0.0, true
	for _, t := range targets {
		d := float64(t) - mean
		total += d * d
		constant = constant && t == targets[0]
	}
	switch {
	case !constant:
		return 1 - residual/total, nil
	case residual == 0:
		return 1, nil
	}
	return 0, nil
}

// squares is the sum of squared differences.
func squares[F Float](predicted, targets []F) float64 {
	sum := 0.0
	for i, p := range predicted {
		d := float64(p) - float64(targets[i])
		sum += d * d
	}
	return sum
}
