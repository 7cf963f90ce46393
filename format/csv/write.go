package csv

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// Write writes t with a header line, first the columns of numbers and then
// those of text. Every number is written with as many digits as bring back the
// same float64, and NaN as an empty field. It is an error when t has no columns,
// a column has no name, the lengths do not fit Rows, or a value is infinite.
func Write(w io.Writer, t Table) error {
	width := len(t.Columns) + len(t.Text)
	if width == 0 {
		return errors.New("a table without columns cannot be written")
	}
	if len(t.Values) != t.Rows*len(t.Columns) {
		return fmt.Errorf("%d rows of %d numbers need %d values, but there are %d", t.Rows, len(t.Columns), t.Rows*len(t.Columns), len(t.Values))
	}
	record := append(make([]string, 0, width), t.Columns...)
	for _, column := range t.Text {
		if len(column.Values) != t.Rows {
			return fmt.Errorf("column %q has %d values for %d rows", column.Name, len(column.Values), t.Rows)
		}
		record = append(record, column.Name)
	}
	if _, _, err := newTable(record, nil); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(record); err != nil {
		return err
	}
	for row := range t.Rows {
		record = record[:0]
		for i, x := range t.Values[row*len(t.Columns) : (row+1)*len(t.Columns)] {
			if math.IsInf(x, 0) {
				return fmt.Errorf("row %d of column %q is infinite, which a table cannot hold", row, t.Columns[i])
			}
			record = append(record, format(x))
		}
		for _, column := range t.Text {
			record = append(record, column.Values[row])
		}
		// encoding/csv would write a lone empty field as an empty line, which
		// readers pass over.
		if width == 1 && record[0] == "" {
			out.Flush()
			if _, err := io.WriteString(w, "\"\"\n"); err != nil {
				return err
			}
			continue
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// format returns the text of one number.
func format(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// WriteFile writes t to path as Write does. The file appears complete or not at
// all; an old file at path stays when anything fails.
func WriteFile(path string, t Table) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error { return Write(w, t) })
}
