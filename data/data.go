// Package data brings samples to a model: data sets, their splits, the
// transforms of single samples, and the loader that makes shuffled batches
// ahead of the training loop. It is not a collection of data sets; those are
// in package datasets.
//
// Everything random here is a function of a seed: the order of an epoch depends
// on (seed, epoch), the augmentation of a sample on (seed, epoch, index of the
// sample). Neither the number of workers nor a resume from a checkpoint changes
// a bit of any batch.
package data

import (
	"fmt"
)

// Dataset is a fixed number of samples, each an input x of one shape and a
// target y: a class, or values of one shape. Its methods may be called by
// several goroutines at once.
type Dataset interface {
	// Len is the number of samples.
	Len() int
	// InputShape is the shape of one sample's input, e.g. {1, 28, 28} for (C, H, W).
	InputShape() []int
	// TargetShape is the shape of one sample's target values. It is empty when
	// the target is a class.
	TargetShape() []int
	// Classes are the names of the classes, nil when the target is values.
	Classes() []string
	// Read writes the input of sample i to x, which has room for exactly one
	// sample, and the target to y. It panics when i is not in [0, Len()).
	Read(i int, x []float32, y *Target) error
}

// Target is what a model should say about one sample. A data set whose
// TargetShape is empty sets Class; another fills Values.
type Target struct {
	Class  int64     // 0-based index into Classes()
	Values []float32 // room for one target, provided by the caller of Read
}

// Size returns the number of elements of a tensor of that shape: the product
// of its lengths, 1 for the empty shape.
func Size(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// isClassification reports whether the targets of ds are classes.
func isClassification(ds Dataset) bool { return len(ds.TargetShape()) == 0 }

// checkIndex panics in the way of an index out of range, but names the data set's length.
func checkIndex(i, n int) {
	if i < 0 || i >= n {
		panic(fmt.Sprintf("data: sample %d of a data set with %d samples", i, n))
	}
}
