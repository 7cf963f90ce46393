package metrics

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ClassReport is one line of a Report. All figures but Support lie in 0..1.
type ClassReport struct {
	Name      string  `json:"name"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Support   int     `json:"support"` // examples of the class
}

// Report is precision, recall and F1 of every class with their averages: what
// scikit-learn calls the classification report.
type Report struct {
	Classes  []ClassReport `json:"classes"`
	Accuracy float64       `json:"accuracy"`
	Macro    ClassReport   `json:"macro_avg"`
	Weighted ClassReport   `json:"weighted_avg"`
}

// Report makes the matrix's report. names holds a name per class; nil names them
// by their index. An empty matrix is an error.
func (m *ConfusionMatrix) Report(names []string) (*Report, error) {
	total := m.Total()
	if total == 0 {
		return nil, fmt.Errorf("metrics: report: no examples; count some with Add first")
	}
	if names != nil && len(names) != m.classes {
		return nil, fmt.Errorf("metrics: report: %d names for %d classes", len(names), m.classes)
	}
	r := &Report{Accuracy: m.Accuracy()}
	for class := range m.classes {
		name := strconv.Itoa(class)
		if names != nil {
			name = names[class]
		}
		r.Classes = append(r.Classes, ClassReport{
			Name:      name,
			Precision: m.ClassPrecision(class),
			Recall:    m.ClassRecall(class),
			F1:        m.ClassFBeta(class, 1),
			Support:   m.Support(class),
		})
	}
	line := func(average Average) ClassReport {
		return ClassReport{
			Name:      average.String() + " avg",
			Precision: m.Precision(average),
			Recall:    m.Recall(average),
			F1:        m.FBeta(average, 1),
			Support:   total,
		}
	}
	r.Macro, r.Weighted = line(Macro), line(Weighted)
	return r, nil
}

// String is the report as text with two decimals, laid out as scikit-learn's.
func (r *Report) String() string { return r.Text(2) }

// Text is the report as text with so many decimals.
func (r *Report) Text(digits int) string {
	width := max(utf8.RuneCountInString(r.Weighted.Name), digits)
	for _, c := range r.Classes {
		width = max(width, utf8.RuneCountInString(c.Name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%*s  %9s %9s %9s %9s\n\n", width, "", "precision", "recall", "f1-score", "support")
	line := func(c ClassReport) {
		fmt.Fprintf(&b, "%*s  %9.*f %9.*f %9.*f %9d\n", width, c.Name, digits, c.Precision, digits, c.Recall, digits, c.F1, c.Support)
	}
	for _, c := range r.Classes {
		line(c)
	}
	fmt.Fprintf(&b, "\n%*s  %9s %9s %9.*f %9d\n", width, "accuracy", "", "", digits, r.Accuracy, r.Macro.Support)
	line(r.Macro)
	line(r.Weighted)
	return b.String()
}
