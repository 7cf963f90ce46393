// Package csv reads and writes tables of numbers with named columns, some of
// which may hold text, such as the label of each row. It is not a data frame:
// columns have no types beyond number and text, and nothing is guessed.
//
// The syntax is that of RFC 4180, read by encoding/csv: quoted fields may hold
// separators, quotes and line breaks.
package csv

import (
	"fmt"
	"slices"
	"strings"
)

// Missing says what to do with a missing value in a column of numbers: a field
// that is empty or one of ?, -, NA, N/A, NaN, NULL and None, in any case.
type Missing int

const (
	// Refuse makes a missing value an error that names its line and column.
	Refuse Missing = iota
	// AsNaN reads a missing value as NaN.
	AsNaN
	// DropRow leaves out every row with a missing value.
	DropRow
)

// Options say how to read a table. The zero value reads a comma-separated file
// with a header line and numbers in every field.
type Options struct {
	// Text names the columns that hold text, such as a label.
	Text []string
	// Missing is what to do with missing values in the other columns. In a
	// text column every text is a value, the empty one too.
	Missing Missing
	// Header names the columns of a file that has no header line.
	Header []string
	// Comma is the separator; zero means ','.
	Comma rune
}

// Table is a table with Rows rows, in which columns of numbers and of text are
// kept apart.
type Table struct {
	Rows    int
	Columns []string  // names of the columns of numbers, in the order of the file
	Values  []float64 // (Rows, len(Columns)), row by row
	Text    []TextColumn
}

// TextColumn is a column of text.
type TextColumn struct {
	Name   string
	Values []string // (Rows)
}

// Column returns the values of a column of numbers, as a copy.
func (t Table) Column(name string) ([]float64, error) {
	at := slices.Index(t.Columns, name)
	if at < 0 {
		return nil, fmt.Errorf("no column of numbers is named %q; there are %s", name, strings.Join(t.Columns, ", "))
	}
	values := make([]float64, t.Rows)
	for row := range values {
		values[row] = t.Values[row*len(t.Columns)+at]
	}
	return values, nil
}

// Classes numbers the different values of a text column in alphabetical order.
// It returns them and, for each row, the number of its value: class indices as
// a classifier takes them.
func (t Table) Classes(name string) (classes []string, index []int, err error) {
	at := slices.IndexFunc(t.Text, func(c TextColumn) bool { return c.Name == name })
	if at < 0 {
		return nil, nil, fmt.Errorf("no column of text is named %q: name it in Options.Text", name)
	}
	classes = slices.Clone(t.Text[at].Values)
	slices.Sort(classes)
	classes = slices.Compact(classes)
	index = make([]int, t.Rows)
	for row, value := range t.Text[at].Values {
		index[row], _ = slices.BinarySearch(classes, value)
	}
	return classes, index, nil
}
