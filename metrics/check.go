package metrics

import (
	"fmt"
	"math"
)

// checkPairs refuses empty input and lengths that differ.
func checkPairs(metric string, predicted, targets int) error {
	if predicted != targets {
		return fmt.Errorf("metrics: %s: %d predictions for %d targets; give one prediction per target", metric, predicted, targets)
	}
	if targets == 0 {
		return fmt.Errorf("metrics: %s: no examples; it is undefined on an empty set", metric)
	}
	return nil
}

// checkRows refuses scores that are not examples x classes, and NaN among them.
// Infinities stay: they order as well as any other score.
func checkRows[F Float](metric string, scores []F, classes int) error {
	if classes < 1 {
		return fmt.Errorf("metrics: %s: %d classes; at least one is needed", metric, classes)
	}
	if len(scores)%classes != 0 {
		return fmt.Errorf("metrics: %s: %d scores are no whole number of rows of %d classes", metric, len(scores), classes)
	}
	for i, s := range scores {
		if s != s {
			return fmt.Errorf("metrics: %s: the score of class %d of example %d is NaN", metric, i%classes, i/classes)
		}
	}
	return nil
}

// checkLabels refuses labels outside 0..classes-1.
func checkLabels(metric, what string, labels []int, classes int) error {
	for i, l := range labels {
		if l < 0 || l >= classes {
			return fmt.Errorf("metrics: %s: %s %d at position %d is outside the %d classes 0..%d", metric, what, l, i, classes, classes-1)
		}
	}
	return nil
}

// checkFinite refuses NaN and infinities.
func checkFinite[F Float](metric, what string, values []F) error {
	for i, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("metrics: %s: %s %d is %v; it must be finite", metric, what, i, f)
		}
	}
	return nil
}

// checkSeries refuses two series that are not of one length, empty or not finite;
// what their values are is said for errors.
func checkSeries[F Float](metric, whatX, whatY string, x, y []F) error {
	if err := checkPairs(metric, len(x), len(y)); err != nil {
		return err
	}
	if err := checkFinite(metric, whatX, x); err != nil {
		return err
	}
	return checkFinite(metric, whatY, y)
}

// ratio is a/b with the rule for a zero denominator.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
