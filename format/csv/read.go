package csv

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Read reads a table. Every row must have as many fields as the header. A
// number is what strconv.ParseFloat takes in decimal notation, with spaces around
// it; infinities are refused. Errors name the line, the place in the line and
// the column.
func Read(r io.Reader, options Options) (Table, error) {
	reader := csv.NewReader(withoutByteOrderMark(r))
	reader.ReuseRecord = true
	reader.FieldsPerRecord = -1 // counted here, to name the columns in the error
	if options.Comma != 0 {
		reader.Comma = options.Comma
	}
	names := options.Header
	if names == nil {
		header, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return Table{}, errors.New("the table is empty: a header line is needed")
		}
		if err != nil {
			return Table{}, syntax(err)
		}
		names = slices.Clone(header)
	}
	t, isText, err := newTable(names, options.Text)
	if err != nil {
		return Table{}, err
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return Table{}, syntax(err)
		}
		line, _ := reader.FieldPos(0)
		if len(record) != len(names) {
			return Table{}, fmt.Errorf("line %d has %d fields, but there are %d columns", line, len(record), len(names))
		}
		if err := t.add(reader, record, names, isText, options.Missing); err != nil {
			return Table{}, err
		}
	}
}

// newTable returns a table without rows, and which of the columns hold text.
func newTable(names, text []string) (t Table, isText []bool, err error) {
	if at := slices.Index(names, ""); at >= 0 {
		return Table{}, nil, fmt.Errorf("column %d has no name in the header", at+1)
	}
	// Names are compared in sorted order: a map would take more memory than
	// a wide header itself.
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	for i, name := range sorted {
		if i > 0 && name == sorted[i-1] {
			return Table{}, nil, fmt.Errorf("two columns are named %q", name)
		}
	}
	for _, name := range text {
		if _, ok := slices.BinarySearch(sorted, name); !ok {
			return Table{}, nil, fmt.Errorf("there is no column %q; the columns are %s", name, strings.Join(names, ", "))
		}
	}
	t.Columns = make([]string, 0, len(names))
	isText = make([]bool, len(names))
	for i, name := range names {
		if isText[i] = slices.Contains(text, name); isText[i] {
			t.Text = append(t.Text, TextColumn{Name: name})
		} else {
			t.Columns = append(t.Columns, name)
		}
	}
	return t, isText, nil
}

// add appends one row, or leaves t as it was when the row is dropped.
func (t *Table) add(reader *csv.Reader, record, names []string, isText []bool, missing Missing) error {
	numbers := len(t.Values)
	for i, field := range record {
		if isText[i] {
			continue
		}
		x, err := number(field)
		if errors.Is(err, errMissing) {
			switch missing {
			case AsNaN:
				x, err = math.NaN(), nil
			case DropRow:
				t.Values = t.Values[:numbers]
				return nil
			}
		}
		if err != nil {
			line, place := reader.FieldPos(i)
			return fmt.Errorf("line %d, byte %d, column %q: %w", line, place, names[i], err)
		}
		t.Values = append(t.Values, x)
	}
	column := 0
	for i, field := range record {
		if isText[i] {
			// Cloned, because the fields of a record share one string, which
			// a kept label would keep in memory.
			t.Text[column].Values = append(t.Text[column].Values, strings.Clone(field))
			column++
		}
	}
	t.Rows++
	return nil
}

var errMissing = errors.New("the value is missing: fill it in, or choose in Options.Missing what to do")

// number parses the field of a column of numbers.
func number(field string) (float64, error) {
	field = strings.TrimSpace(field)
	switch strings.ToLower(field) {
	case "", "?", "-", "na", "n/a", "nan", "null", "none":
		return 0, errMissing
	}
	// ParseFloat also takes Go's hexadecimal notation and its underscores,
	// which no table means.
	x, err := strconv.ParseFloat(field, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large for a float64", shorten(field))
	case err != nil || strings.ContainsAny(field, "xX_"):
		return 0, fmt.Errorf("%s is not a number; if the column holds text, name it in Options.Text", shorten(field))
	case math.IsInf(x, 0):
		return 0, fmt.Errorf("%s is not a finite number", shorten(field))
	}
	return x, nil
}

// shorten quotes a field for an error message.
func shorten(field string) string {
	const longest = 40
	if len(field) > longest {
		return strconv.Quote(field[:longest]) + "..."
	}
	return strconv.Quote(field)
}

// syntax words an error of encoding/csv like the others of this package.
func syntax(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("line %d, byte %d: %w", parse.Line, parse.Column, parse.Err)
	}
	return err
}

// withoutByteOrderMark skips the mark that spreadsheets put before UTF-8, which
// would become part of the first column's name.
func withoutByteOrderMark(r io.Reader) io.Reader {
	const mark = "\xef\xbb\xbf"
	buffered := bufio.NewReader(r)
	if start, _ := buffered.Peek(len(mark)); string(start) == mark {
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}

// ReadFile reads the table in the file at path.
func ReadFile(path string, options Options) (Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return Table{}, err
	}
	defer f.Close()
	t, err := Read(f, options)
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}
