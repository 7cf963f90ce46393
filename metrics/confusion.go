package metrics

import (
	"fmt"
	"math"
)

// Average says how the figures of single classes become one.
type Average int

// The averages, as in Manning, Raghavan and Schütze, Introduction to
// Information Retrieval (2008), section 13.6.
const (
	Micro    Average = iota // from the pooled counts of all classes
	Macro                   // plain mean over the classes
	Weighted                // mean weighted by the examples of each class
)

// String is the average's name in lower case.
func (a Average) String() string {
	switch a {
	case Micro:
		return "micro"
	case Macro:
		return "macro"
	case Weighted:
		return "weighted"
	}
	return fmt.Sprintf("Average(%d)", int(a))
}

// ConfusionMatrix counts how often each class (row) was predicted as each class
// (column). Figures with the denominator zero are 0. Averages run over all
// classes of the matrix, also those that never occur; scikit-learn does so when
// it is told all labels.
type ConfusionMatrix struct {
	classes int
	counts  []int // classes x classes, [truth, predicted]
}

// NewConfusionMatrix is an empty matrix for so many classes; it panics when
// there are none.
func NewConfusionMatrix(classes int) *ConfusionMatrix {
	if classes < 1 {
		panic(fmt.Sprintf("metrics: NewConfusionMatrix: %d classes; at least one is needed", classes))
	}
	return &ConfusionMatrix{classes: classes, counts: make([]int, classes*classes)}
}

// Confusion is the matrix of a whole set of predictions.
func Confusion(predicted, targets []int, classes int) (*ConfusionMatrix, error) {
	const metric = "confusion matrix"
	if classes < 1 {
		return nil, fmt.Errorf("metrics: %s: %d classes; at least one is needed", metric, classes)
	}
	if err := checkPairs(metric, len(predicted), len(targets)); err != nil {
		return nil, err
	}
	m := NewConfusionMatrix(classes)
	if err := m.Add(predicted, targets); err != nil {
		return nil, err
	}
	return m, nil
}

// Add counts one batch, which may be empty. On an error nothing is counted.
func (m *ConfusionMatrix) Add(predicted, targets []int) error {
	const metric = "confusion matrix"
	if len(predicted) != len(targets) {
		return checkPairs(metric, len(predicted), len(targets))
	}
	if err := checkLabels(metric, "prediction", predicted, m.classes); err != nil {
		return err
	}
	if err := checkLabels(metric, "target", targets, m.classes); err != nil {
		return err
	}
	for i, t := range targets {
		m.counts[t*m.classes+predicted[i]]++
	}
	return nil
}

// Classes is the number of classes.
func (m *ConfusionMatrix) Classes() int { return m.classes }

// Counts is a copy of the matrix: Counts()[truth][predicted].
func (m *ConfusionMatrix) Counts() [][]int {
	rows := make([][]int, m.classes)
	for t := range rows {
		rows[t] = append([]int(nil), m.counts[t*m.classes:(t+1)*m.classes]...)
	}
	return rows
}

// Total is the number of examples counted.
func (m *ConfusionMatrix) Total() int {
	n := 0
	for _, c := range m.counts {
		n += c
	}
	return n
}

// Errors is the number of examples off the diagonal.
func (m *ConfusionMatrix) Errors() int { return m.Total() - m.hits() }

// Support is the number of examples whose target is class.
func (m *ConfusionMatrix) Support(class int) int {
	n := 0
	for _, c := range m.counts[class*m.classes : (class+1)*m.classes] {
		n += c
	}
	return n
}

// Predicted is the number of examples that were called class.
func (m *ConfusionMatrix) Predicted(class int) int {
	n := 0
	for t := range m.classes {
		n += m.counts[t*m.classes+class]
	}
	return n
}

// hits is the sum of the diagonal.
func (m *ConfusionMatrix) hits() int {
	n := 0
	for c := range m.classes {
		n += m.counts[c*m.classes+c]
	}
	return n
}

// Accuracy is the share of the examples on the diagonal; 0 for an empty matrix.
func (m *ConfusionMatrix) Accuracy() float64 {
	return ratio(float64(m.hits()), float64(m.Total()))
}

// ClassPrecision is the share of right ones among the examples called class.
func (m *ConfusionMatrix) ClassPrecision(class int) float64 {
	return ratio(float64(m.counts[class*m.classes+class]), float64(m.Predicted(class)))
}

// ClassRecall is the share of the examples of class that were found.
func (m *ConfusionMatrix) ClassRecall(class int) float64 {
	return ratio(float64(m.counts[class*m.classes+class]), float64(m.Support(class)))
}

// ClassFBeta is the weighted harmonic mean of precision and recall of a class,
// recall counting beta times as much (van Rijsbergen, Information Retrieval,
// 1979, chapter 7). F1 has beta = 1. It panics on a beta that is negative,
// infinite or NaN.
func (m *ConfusionMatrix) ClassFBeta(class int, beta float64) float64 {
	return fbeta(float64(m.counts[class*m.classes+class]), float64(m.Support(class)), float64(m.Predicted(class)), beta)
}

// fbeta works on counts rather than on precision and recall: that needs one
// division, and is defined when only one of the two is.
func fbeta(hits, support, predicted, beta float64) float64 {
	if !(beta >= 0 && beta*beta <= math.MaxFloat64) {
		panic(fmt.Sprintf("metrics: FBeta: beta is %v; it must be finite and not negative", beta))
	}
	return ratio((1+beta*beta)*hits, beta*beta*support+predicted)
}

// Precision is the average precision of the classes.
func (m *ConfusionMatrix) Precision(average Average) float64 {
	if average == Micro {
		return m.Accuracy() // every example has one prediction: the pooled counts are the diagonal and the total
	}
	return m.average(average, m.ClassPrecision)
}

// Recall is the average recall of the classes.
func (m *ConfusionMatrix) Recall(average Average) float64 {
	if average == Micro {
		return m.Accuracy()
	}
	return m.average(average, m.ClassRecall)
}

// FBeta is the average F-beta of the classes.
func (m *ConfusionMatrix) FBeta(average Average, beta float64) float64 {
	if average == Micro {
		return fbeta(float64(m.hits()), float64(m.Total()), float64(m.Total()), beta)
	}
	return m.average(average, func(class int) float64 { return m.ClassFBeta(class, beta) })
}

// average is the macro or weighted mean of a per-class figure.
func (m *ConfusionMatrix) average(average Average, figure func(class int) float64) float64 {
	sum, weights := 0.0, 0.0
	for class := range m.classes {
		weight := 1.0
		switch average {
		case Macro:
		case Weighted:
			weight = float64(m.Support(class))
		default:
			panic(fmt.Sprintf("metrics: %v is no average; choose Micro, Macro or Weighted", average))
		}
		sum += weight * figure(class)
		weights += weight
	}
	return ratio(sum, weights)
}
