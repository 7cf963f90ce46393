// Package npy reads and writes NumPy's array files: .npy, one array, and .npz,
// a zip of them. It is not a pickle reader: arrays of Python objects, strings,
// dates, records and complex numbers are refused.
//
// The formats are described in NumPy's manual under numpy.lib.format.
package npy

import (
	"fmt"

	"github.com/hadal-ml/hadal/format/internal/bounded"
)

// DType is an element type as NumPy names it without its byte order: a letter
// for the kind (b bool, i signed, u unsigned, f floating point) and the size in bytes.
type DType string

// The element types that this package carries.
const (
	Bool    DType = "b1"
	Int8    DType = "i1"
	Int16   DType = "i2"
	Int32   DType = "i4"
	Int64   DType = "i8"
	Uint8   DType = "u1"
	Uint16  DType = "u2"
	Uint32  DType = "u4"
	Uint64  DType = "u8"
	Float16 DType = "f2"
	Float32 DType = "f4"
	Float64 DType = "f8"
)

// Size returns the size of one element in bytes, or 0 when d is none of the
// types above.
func (d DType) Size() int {
	switch d {
	case Bool, Int8, Uint8:
		return 1
	case Int16, Uint16, Float16:
		return 2
	case Int32, Uint32, Float32:
		return 4
	case Int64, Uint64, Float64:
		return 8
	}
	return 0
}

// Array is one array. Shape is empty for a scalar (a 0-d array). Data holds the
// elements little-endian in C order (the last dimension varies fastest),
// whatever order the file had.
type Array struct {
	DType DType
	Shape []int
	Data  []byte
}

// check refuses an array that cannot be written.
func (a Array) check() error {
	if a.DType.Size() == 0 {
		return fmt.Errorf("unknown dtype %q", string(a.DType))
	}
	want, err := bounded.Size(a.Shape, 8*a.DType.Size())
	if err != nil {
		return err
	}
	if len(a.Data) != want {
		return fmt.Errorf("%s%v takes %d bytes, but Data has %d", a.DType, a.Shape, want, len(a.Data))
	}
	if a.DType == Bool {
		return bounded.CheckBool(a.Data)
	}
	return nil
}
