// Package jsonl appends to and reads files of one JSON object a line, such as
// the metrics of a training run. It is not a database: records are read in
// order and never changed.
//
// A process that is killed may leave a last line that is cut off ("torn"). The
// readers of this package hand out every whole line and say that one was torn;
// Append removes it before it adds to the file.
package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// ErrTorn is what a Reader returns for a last line that was cut off. It wraps
// io.ErrUnexpectedEOF.
var ErrTorn = fmt.Errorf("the last line is cut off, as by a killed process: %w", io.ErrUnexpectedEOF)

// encode returns the line for one record, newline included.
func encode(record any) ([]byte, error) {
	line, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("a record cannot be written as JSON (which has no NaN and no infinity): %w", err)
	}
	if line[0] != '{' {
		return nil, fmt.Errorf("a record must be a JSON object, and %T is not", record)
	}
	return append(line, '\n'), nil
}

// Writer appends records to a file.
type Writer struct {
	path string
	file file
	end  int64 // of the last whole line
}

// file is what a Writer needs of an *os.File.
type file interface {
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// Append opens the file at path for appending and makes it when there is none.
// A torn last line is removed first; a last line that is whole but for its
// newline gets it. A file with any other broken last line is refused and
// stays as it is.
func Append(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	end, err := mend(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Writer{path: path, file: f, end: end}, nil
}

// mend makes f end with a whole line, and returns its length.
func mend(f *os.File) (end int64, err error) {
	r := NewReader(f)
	for err == nil {
		var record json.RawMessage
		err = r.Next(&record)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrTorn) {
		return 0, err
	}
	if err := f.Truncate(r.whole); err != nil {
		return 0, err
	}
	if r.unterminated {
		if _, err := f.WriteAt([]byte("\n"), r.whole); err != nil {
			return 0, err
		}
		r.whole++
	}
	return r.whole, nil
}

// Write appends one record, which json.Marshal must turn into an object. The
// line goes to the operating system in one piece before Write returns, so a
// kill of the process afterwards does not lose it. When the disk is full, the
// part of the line that did fit is taken back.
func (w *Writer) Write(record any) error {
	line, err := encode(record)
	if err != nil {
		return err
	}
	if _, err := w.file.WriteAt(line, w.end); err != nil {
		// Whatever did fit is a torn line, which readers pass over, so it
		// does no harm when even this fails.
		_ = w.file.Truncate(w.end)
		return atomicfile.Explain(w.path, err)
	}
	w.end += int64(len(line))
	return nil
}

// Sync makes everything written so far survive a power cut.
func (w *Writer) Sync() error { return w.file.Sync() }

// Close syncs and closes the file.
func (w *Writer) Close() error {
	return errors.Join(w.file.Sync(), w.file.Close())
}

// Reader reads records in order.
type Reader struct {
	r            *bufio.Reader
	line         int   // number of the current line, from 1
	whole        int64 // bytes up to the end of the last whole record
	unterminated bool  // the last whole record had no newline
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReader(r)} }

// Next reads the next record into the value that record points to, as
// json.Unmarshal does. Empty lines are passed over. It returns io.EOF after the
// last record, and ErrTorn in its place when the last line was cut off; for any other
// line that is not a JSON object of the right form, an error with its number.
func (r *Reader) Next(record any) error {
	for {
		line, err := r.r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		last := err != nil
		content := bytes.TrimSpace(line)
		if last && len(content) == 0 {
			return io.EOF
		}
		r.line++
		if len(content) > 0 {
			if last && isTorn(content) {
				return ErrTorn
			}
			if err := decode(content, record); err != nil {
				return fmt.Errorf("line %d: %w", r.line, err)
			}
		}
		r.whole += int64(len(line))
		r.unterminated = last
		if len(content) > 0 {
			return nil
		}
	}
}

// isTorn says whether the last line, which has no newline, is the beginning of
// an object. A power cut may also leave zeros where a line should be. Anything
// else was not written by a Writer and is not ours to remove.
func isTorn(content []byte) bool {
	return (content[0] == '{' || content[0] == 0) && !json.Valid(content)
}

// decode is json.Unmarshal of an object.
func decode(content []byte, record any) error {
	if content[0] != '{' {
		return errors.New("a JSON object is needed")
	}
	return json.Unmarshal(content, record)
}

// Read reads all records of r. torn says that the last line was cut off and is
// not among them; that is no error.
func Read[T any](r io.Reader) (records []T, torn bool, err error) {
	reader := NewReader(r)
	for {
		var record T
		err := reader.Next(&record)
		switch {
		case err == nil:
			records = append(records, record)
		case errors.Is(err, io.EOF):
			return records, false, nil
		case errors.Is(err, ErrTorn):
			return records, true, nil
		default:
			return nil, false, err
		}
	}
}

// ReadFile reads all records of the file at path, as Read does.
func ReadFile[T any](path string) (records []T, torn bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	records, torn, err = Read[T](f)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	return records, torn, nil
}

// WriteFile replaces the file at path by the given records, for a run that goes
// on from an earlier point. The file appears complete or not at all.
func WriteFile[T any](path string, records []T) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error {
		for _, record := range records {
			line, err := encode(record)
			if err != nil {
				return err
			}
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}
