// Package breastcancer is the Wisconsin diagnostic breast cancer data set: 569
// tumours, 30 measurements of each, malignant or benign. It is embedded in the
// program. It is not split into a training and a test part; see data.StratifiedSplit.
//
// The measurements describe the cell nuclei in an image of a fine needle
// aspirate: ten properties, each as mean, standard error and worst value over
// the nuclei. See W. N. Street, W. H. Wolberg, O. L. Mangasarian, "Nuclear
// feature extraction for breast tumor diagnosis", SPIE 1905, 1993. The file is
// the one that scikit-learn distributes under the BSD 3-clause licence; see
// data/CREDITS.md.
package breastcancer

import (
	_ "embed" // for the directive below
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/hadal-ml/hadal/data"
)

// The number of samples, of measurements of each, and the two classes.
const (
	Len       = 569
	Features  = 30
	Malignant = 0
	Benign    = 1
)

//go:embed data/breast_cancer.csv
var file string

var load = sync.OnceValue(func() *data.Slices {
	set, err := parse(file)
	if err != nil {
		panic(fmt.Sprintf("breastcancer: the data in this program are damaged; build it again from a fresh clone (%v)", err))
	}
	return set
})

// Load returns all 569 samples: inputs (30), in the order of [FeatureNames] and
// in their own units (standardise them before use), and the class.
func Load() *data.Slices { return load() }

// FeatureNames returns the names of the 30 measurements. Lengths are in
// micrometres, areas in their square; the rest have no unit.
func FeatureNames() []string {
	properties := []string{
		"radius", "texture", "perimeter", "area", "smoothness",
		"compactness", "concavity", "concave points", "symmetry", "fractal dimension",
	}
	names := make([]string, 0, Features)
	for _, statistic := range []string{"mean ", "standard error of ", "worst "} {
		for _, p := range properties {
			names = append(names, statistic+p)
		}
	}
	return names
}

// parse reads a CSV file whose first line is "samples,features,class 0,class 1"
// and whose others are the features and the class of one sample.
func parse(text string) (*data.Slices, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1 // the first line is shorter
	lines, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || len(lines[0]) < 3 {
		return nil, errors.New("the first line does not give the number of samples, features and the classes")
	}
	header, lines := lines[0], lines[1:]
	if header[0] != strconv.Itoa(len(lines)) {
		return nil, fmt.Errorf("the first line promises %s samples, %d follow", header[0], len(lines))
	}
	var inputs []float32
	var classes []int64
	features := 0
	for i, line := range lines {
		features = len(line) - 1
		if header[1] != strconv.Itoa(features) {
			return nil, fmt.Errorf("sample %d has %d features, want %s", i, features, header[1])
		}
		for _, field := range line[:features] {
			v, err := strconv.ParseFloat(field, 32)
			if err != nil {
				return nil, fmt.Errorf("sample %d: %w", i, err)
			}
			inputs = append(inputs, float32(v))
		}
		class, err := strconv.ParseInt(line[features], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		classes = append(classes, class)
	}
	return data.FromClasses(inputs, []int{features}, classes, header[2:])
}
