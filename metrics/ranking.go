package metrics

import (
	"fmt"
	"math"
	"slices"
)

// ROC is a receiver operating characteristic: what share of the positives and
// of the negatives scores at least each threshold.
type ROC struct {
	FalsePositiveRate []float64 // ascending, from 0 to 1
	TruePositiveRate  []float64 // ascending, from 0 to 1
	Thresholds        []float64 // descending; the first is +Inf, where nothing is called positive
}

// PrecisionRecall is a precision-recall curve. Precision[i] and Recall[i] belong
// to calling an example positive when its score is at least Thresholds[i].
type PrecisionRecall struct {
	Precision  []float64 // one longer than Thresholds; the last is 1
	Recall     []float64 // one longer than Thresholds; descending, the last is 0
	Thresholds []float64 // ascending
}

// cut is what scores at least a threshold: so many true and false positives.
type cut struct {
	threshold float64
	tp, fp    float64
}

// cuts counts at every distinct score, highest first. Examples with equal
// scores enter together, for no threshold can tell them apart.
func cuts[F Float](metric string, scores []F, targets []int) ([]cut, error) {
	if err := checkPairs(metric, len(scores), len(targets)); err != nil {
		return nil, err
	}
	for i, s := range scores {
		if s != s {
			return nil, fmt.Errorf("metrics: %s: score %d is NaN", metric, i)
		}
	}
	if err := checkLabels(metric, "target", targets, 2); err != nil {
		return nil, err
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	var out []cut
	tp, fp := 0.0, 0.0
	for n, i := range order {
		if targets[i] == 1 {
			tp++
		} else {
			fp++
		}
		if n == len(order)-1 || scores[order[n+1]] != scores[i] {
			out = append(out, cut{float64(scores[i]), tp, fp})
		}
	}
	return out, nil
}

// ROCCurve is the ROC of scores for targets 1 (positive) and 0 (negative), with
// a point at every distinct score. Both targets must occur.
func ROCCurve[F Float](scores []F, targets []int) (*ROC, error) {
	return rocCurve("ROC curve", scores, targets)
}

func rocCurve[F Float](metric string, scores []F, targets []int) (*ROC, error) {
	points, err := cuts(metric, scores, targets)
	if err != nil {
		return nil, err
	}
	all := points[len(points)-1]
	if all.tp == 0 || all.fp == 0 {
		return nil, fmt.Errorf("metrics: %s: %.0f positives and %.0f negatives; it needs both", metric, all.tp, all.fp)
	}
	r := &ROC{
		FalsePositiveRate: []float64{0},
		TruePositiveRate:  []float64{0},
		Thresholds:        []float64{math.Inf(1)},
	}
	for _, p := range points {
		r.FalsePositiveRate = append(r.FalsePositiveRate, p.fp/all.fp)
		r.TruePositiveRate = append(r.TruePositiveRate, p.tp/all.tp)
		r.Thresholds = append(r.Thresholds, p.threshold)
	}
	return r, nil
}

// AUC is the area under the curve by the trapezoidal rule: the probability that
// a random positive scores above a random negative, ties counting half (Hanley
// and McNeil, Radiology 143, 1982).
func (r *ROC) AUC() float64 {
	area := 0.0
	for i := 1; i < len(r.TruePositiveRate); i++ {
		width := r.FalsePositiveRate[i] - r.FalsePositiveRate[i-1]
		area += width * (r.TruePositiveRate[i] + r.TruePositiveRate[i-1]) / 2
	}
	return area
}

// ROCAUC is the area under the ROC of scores for targets 1 and 0.
func ROCAUC[F Float](scores []F, targets []int) (float64, error) {
	r, err := rocCurve("ROC-AUC", scores, targets)
	if err != nil {
		return 0, err
	}
	return r.AUC(), nil
}

// ROCAUCOneVsRest is the plain mean over the classes of the ROC-AUC of each
// class against all others, from scores (examples x classes, row-major). Every
// class must occur among the targets.
func ROCAUCOneVsRest[F Float](scores []F, classes int, targets []int) (float64, error) {
	const metric = "one-vs-rest ROC-AUC"
	if err := checkRows(metric, scores, classes); err != nil {
		return 0, err
	}
	if err := checkPairs(metric, len(scores)/classes, len(targets)); err != nil {
		return 0, err
	}
	if err := checkLabels(metric, "target", targets, classes); err != nil {
		return 0, err
	}
	column := make([]F, len(targets))
	is := make([]int, len(targets))
	sum := 0.0
	for class := range classes {
		for i, t := range targets {
			column[i] = scores[i*classes+class]
			is[i] = 0
			if t == class {
				is[i] = 1
			}
		}
		r, err := rocCurve(fmt.Sprintf("%s: class %d", metric, class), column, is)
		if err != nil {
			return 0, err
		}
		sum += r.AUC()
	}
	return sum / float64(classes), nil
}

// PrecisionRecallCurve is the curve of scores for targets 1 (positive) and 0
// (negative), with a point at every distinct score. A positive must occur.
func PrecisionRecallCurve[F Float](scores []F, targets []int) (*PrecisionRecall, error) {
	const metric = "precision-recall curve"
	points, err := cuts(metric, scores, targets)
	if err != nil {
		return nil, err
	}
	positives := points[len(points)-1].tp
	if positives == 0 {
		return nil, fmt.Errorf("metrics: %s: no positives; recall is undefined without them", metric)
	}
	c := &PrecisionRecall{}
	for _, p := range slices.Backward(points) {
		c.Precision = append(c.Precision, p.tp/(p.tp+p.fp))
		c.Recall = append(c.Recall, p.tp/positives)
		c.Thresholds = append(c.Thresholds, p.threshold)
	}
	c.Precision = append(c.Precision, 1)
	c.Recall = append(c.Recall, 0)
	return c, nil
}

// AveragePrecision sums the precision at each threshold times the recall gained
// there, without interpolating between the points (which would flatter: Davis
// and Goadrich, ICML 2006).
func (c *PrecisionRecall) AveragePrecision() float64 {
	sum := 0.0
	for i := range c.Thresholds {
		sum += (c.Recall[i] - c.Recall[i+1]) * c.Precision[i]
	}
	return sum
}
