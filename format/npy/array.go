package npy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hadal-ml/hadal/format/internal/bounded"
	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// Read reads one array in .npy form from r and leaves r behind it, so that
// arrays written one after the other can be read so. Big-endian data is
// swapped and Fortran order turned into C order. Memory grows with what r
// delivers, not with what the header promises.
func Read(r io.Reader) (Array, error) {
	a, err := read(r)
	if err != nil {
		return Array{}, invalid(err)
	}
	return a, nil
}

func read(r io.Reader) (Array, error) {
	h, err := readHeader(r)
	if err != nil {
		return Array{}, err
	}
	data, err := bounded.Read(r, h.Size)
	if err != nil {
		return Array{}, truncated(err)
	}
	return h.array(data)
}

// array turns data that was just read, in the order of the file, into an array.
func (h Header) array(data []byte) (Array, error) {
	if h.DType == Bool {
		if err := bounded.CheckBool(data); err != nil {
			return Array{}, err
		}
	}
	if h.BigEndian {
		bounded.SwapBytes(data, h.DType.Size())
	}
	if h.FortranOrder {
		data = fromFortran(data, h.Shape, h.DType.Size())
	}
	return Array{DType: h.DType, Shape: h.Shape, Data: data}, nil
}

// fromFortran returns the elements of data, which stand in Fortran order, in C
// order. It walks the result from front to back and keeps the place of the
// current element in data, as an odometer keeps its digits.
func fromFortran(data []byte, shape []int, size int) []byte {
	if len(shape) < 2 || len(data) == 0 {
		return data
	}
	strides := make([]int, len(shape)) // in bytes, within data
	step := size
	for axis, dim := range shape {
		strides[axis] = step
		step *= dim
	}
	out := make([]byte, 0, len(data))
	index := make([]int, len(shape))
	for place := 0; len(out) < len(data); {
		out = append(out, data[place:place+size]...)
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[axis]++
			place += strides[axis]
			if index[axis] < shape[axis] {
				break
			}
			place -= index[axis] * strides[axis]
			index[axis] = 0
		}
	}
	return out
}

// Decode reads a .npy file that is already in memory and must end with its one
// array. Data is a copy.
func Decode(b []byte) (Array, error) { return readWhole(bytes.NewReader(b)) }

// ReadFile reads the .npy file at path, which must end with its one array.
func ReadFile(path string) (Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return Array{}, err
	}
	defer f.Close()
	a, err := readWhole(f)
	if err != nil {
		return Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// readWhole reads an array with nothing behind it.
func readWhole(r io.Reader) (Array, error) {
	a, err := Read(r)
	if err != nil {
		return Array{}, err
	}
	switch _, err := io.ReadFull(r, make([]byte, 1)); {
	case err == nil:
		return Array{}, invalid(errors.New("more bytes follow the array than its shape says"))
	case !errors.Is(err, io.EOF):
		return Array{}, invalid(err)
	}
	return a, nil
}

// Write writes a to w in .npy form, little-endian and in C order, with the
// bytes that numpy.save writes. It is an error, before anything is written,
// when the length of Data does not follow from DType and Shape.
func Write(w io.Writer, a Array) error {
	if err := a.check(); err != nil {
		return err
	}
	if _, err := w.Write(encodeHeader(a)); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}

// WriteFile writes a to path as Write does. The file appears complete or not
// at all; an old file at path stays when anything fails.
func WriteFile(path string, a Array) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error { return Write(w, a) })
}
