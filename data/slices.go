package data

import (
	"fmt"
	"slices"
)

// Slices is a data set of float32 values in memory.
type Slices struct {
	inputShape, targetShape []int
	inputs                  []float32 // (N, inputShape...)
	classes                 []int64   // (N), nil when there are values
	values                  []float32 // (N, targetShape...), nil when there are classes
	names                   []string
}

// FromClasses makes a data set of inputs (N, inputShape...) and N classes, each
// an index into names. The slices are kept, not copied.
func FromClasses(inputs []float32, inputShape []int, classes []int64, names []string) (*Slices, error) {
	if err := checkInputs(inputs, inputShape, len(classes)); err != nil {
		return nil, err
	}
	for i, c := range classes {
		if c < 0 || c >= int64(len(names)) {
			return nil, fmt.Errorf("data: sample %d has label %d, but there are %d classes (0 to %d)", i, c, len(names), len(names)-1)
		}
	}
	return &Slices{inputShape: slices.Clone(inputShape), inputs: inputs, classes: classes, names: names}, nil
}

// FromValues makes a data set of inputs (N, inputShape...) and target values
// (N, targetShape...). A single number to predict has targetShape {1}. The
// slices are kept, not copied.
func FromValues(inputs []float32, inputShape []int, values []float32, targetShape []int) (*Slices, error) {
	size := Size(targetShape)
	if len(targetShape) == 0 || slices.Min(targetShape) < 1 || len(values)%size != 0 {
		return nil, fmt.Errorf("data: %d target values are not a number of targets of shape %v", len(values), targetShape)
	}
	if err := checkInputs(inputs, inputShape, len(values)/size); err != nil {
		return nil, err
	}
	return &Slices{
		inputShape: slices.Clone(inputShape), inputs: inputs,
		targetShape: slices.Clone(targetShape), values: values,
	}, nil
}

func checkInputs(inputs []float32, shape []int, n int) error {
	if len(shape) == 0 || slices.Min(shape) < 1 || len(inputs) != n*Size(shape) {
		return fmt.Errorf("data: %d input values are not %d samples of shape %v", len(inputs), n, shape)
	}
	return nil
}

// Len is the number of samples.
func (d *Slices) Len() int { return len(d.inputs) / Size(d.inputShape) }

// InputShape is the shape of one input.
func (d *Slices) InputShape() []int { return slices.Clone(d.inputShape) }

// TargetShape is the shape of one target, empty for classes.
func (d *Slices) TargetShape() []int { return slices.Clone(d.targetShape) }

// Classes are the names of the classes, nil when the targets are values.
func (d *Slices) Classes() []string { return d.names }

// Read copies sample i.
func (d *Slices) Read(i int, x []float32, y *Target) error {
	checkIndex(i, d.Len())
	copy(x, d.inputs[i*len(x):(i+1)*len(x)])
	if d.classes != nil {
		y.Class = d.classes[i]
	} else {
		n := len(y.Values)
		copy(y.Values, d.values[i*n:(i+1)*n])
	}
	return nil
}
