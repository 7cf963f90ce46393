package metrics

import "fmt"

// Accuracy is the share of predicted classes that equal their target, in 0..1.
func Accuracy(predicted, targets []int) (float64, error) {
	if err := checkPairs("accuracy", len(predicted), len(targets)); err != nil {
		return 0, err
	}
	hits := 0
	for i, p := range predicted {
		if p == targets[i] {
			hits++
		}
	}
	return float64(hits) / float64(len(targets)), nil
}

// Argmax is the class with the highest score in each row of scores
// (examples x classes, row-major). Of equal scores the lowest class wins.
func Argmax[F Float](scores []F, classes int) ([]int, error) {
	if err := checkRows("argmax", scores, classes); err != nil {
		return nil, err
	}
	best := make([]int, len(scores)/classes)
	for i := range best {
		row := scores[i*classes : (i+1)*classes]
		for c, s := range row {
			if s > row[best[i]] {
				best[i] = c
			}
		}
	}
	return best, nil
}

// TopK is the share of examples whose target is among the k classes with the
// highest scores (examples x classes, row-major). Of equal scores the lowest
// class ranks first, so that k = 1 is the Accuracy of Argmax and a network that
// gives every class the same score is not called right every time.
func TopK[F Float](scores []F, classes int, targets []int, k int) (float64, error) {
	const metric = "top-k accuracy"
	if err := checkRows(metric, scores, classes); err != nil {
		return 0, err
	}
	if err := checkPairs(metric, len(scores)/classes, len(targets)); err != nil {
		return 0, err
	}
	if err := checkLabels(metric, "target", targets, classes); err != nil {
		return 0, err
	}
	if k < 1 || k > classes {
		return 0, fmt.Errorf("metrics: %s: k is %d; choose 1..%d", metric, k, classes)
	}
	hits := 0
	for i, t := range targets {
		row := scores[i*classes : (i+1)*classes]
		rank := 0
		for c, s := range row {
			if s > row[t] || s == row[t] && c < t {
				rank++
			}
		}
		if rank < k {
			hits++
		}
	}
	return float64(hits) / float64(len(targets)), nil
}
