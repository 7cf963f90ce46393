package data

import (
	"fmt"
	"iter"
	"math"
)

// Sample is one sample as [Samples] reads it.
type Sample struct {
	Index int
	X     []float32 // of the data set's InputShape; overwritten by the next sample
	Y     Target    // its Values too are overwritten
}

// Samples reads all samples of ds in order, each one checked as a [Loader]
// checks it. It stops after the first error.
func Samples(ds Dataset) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		r := newReader(ds)
		s := Sample{X: make([]float32, Size(ds.InputShape())), Y: Target{Values: make([]float32, r.targetSize)}}
		for s.Index = range ds.Len() {
			err := r.read(s.Index, s.X, &s.Y)
			if err == nil {
				err = checkFinite(s.Index, s.X)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// reader reads samples and checks their targets.
type reader struct {
	ds         Dataset
	targetSize int   // 0 for classes
	classes    int64 // their number
}

func newReader(ds Dataset) reader {
	r := reader{ds: ds, classes: int64(len(ds.Classes()))}
	if !isClassification(ds) {
		r.targetSize = Size(ds.TargetShape())
	}
	return r
}

func (r *reader) read(i int, x []float32, y *Target) error {
	if err := r.ds.Read(i, x, y); err != nil {
		return fmt.Errorf("data: cannot read sample %d: %w", i, err)
	}
	if r.targetSize > 0 {
		if k := notFinite(y.Values); k >= 0 {
			return fmt.Errorf("data: target value %d of sample %d is %v; correct or remove the sample", k, i, y.Values[k])
		}
	} else if y.Class < 0 || y.Class >= r.classes {
		return fmt.Errorf("data: sample %d has label %d, but there are %d classes (0 to %d)", i, y.Class, r.classes, r.classes-1)
	}
	return nil
}

func checkFinite(i int, x []float32) error {
	if k := notFinite(x); k >= 0 {
		return fmt.Errorf("data: input value %d of sample %d is %v; correct or remove the sample", k, i, x[k])
	}
	return nil
}

// notFinite returns the place of the first NaN or infinity in x, or -1.
func notFinite(x []float32) int {
	// Zero times a number is zero unless the number is not finite. Four sums
	// at once hide the latency of the additions.
	var a, b, c, d float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += x[i] * 0
		b += x[i+1] * 0
		c += x[i+2] * 0
		d += x[i+3] * 0
	}
	for ; i < len(x); i++ {
		a += x[i] * 0
	}
	if a+b+c+d == 0 {
		return -1
	}
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return i
		}
	}
	return -1
}
