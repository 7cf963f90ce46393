// Package safetensors reads and writes the safetensors format: named tensors as
// raw bytes behind a JSON header. It is not a tensor library: it carries bytes,
// a dtype and a shape, and leaves arithmetic to its callers.
//
// The layout of a file is
//
//	8 bytes   length N of the header, little-endian
//	N bytes   JSON object: name -> {"dtype", "shape", "data_offsets"},
//	          and optionally "__metadata__" -> {string: string}
//	the rest  the tensors' elements, little-endian, in C order
//
// Every rule of the specification (https://github.com/huggingface/safetensors,
// section "Format") is checked before any tensor is handed out: the limit on
// the header, unique names, offsets inside the file, sizes that agree with
// shape and dtype, and data without holes or overlaps.
package safetensors

import (
	"fmt"

	"github.com/hadal-ml/hadal/format/internal/bounded"
)

// MaxHeader is the largest header that the specification allows, in bytes.
const MaxHeader = 100_000_000

// metadataKey is the one name in the header that is not a tensor's.
const metadataKey = "__metadata__"

// DType is an element type by its name in the format.
type DType string

// The element types of the format. The types below eight bits and the variants
// of F8 are carried as raw bytes.
const (
	Bool    DType = "BOOL"
	F4      DType = "F4"
	F6E2M3  DType = "F6_E2M3"
	F6E3M2  DType = "F6_E3M2"
	U8      DType = "U8"
	I8      DType = "I8"
	F8E5M2  DType = "F8_E5M2"
	F8E4M3  DType = "F8_E4M3"
	F8E8M0  DType = "F8_E8M0"
	F8E4M3Z DType = "F8_E4M3FNUZ"
	F8E5M2Z DType = "F8_E5M2FNUZ"
	I16     DType = "I16"
	U16     DType = "U16"
	F16     DType = "F16"
	BF16    DType = "BF16"
	I32     DType = "I32"
	U32     DType = "U32"
	F32     DType = "F32"
	C64     DType = "C64"
	F64     DType = "F64"
	I64     DType = "I64"
	U64     DType = "U64"
)

// dtypes lists the element types by rising alignment, in the order of the
// reference implementation: it decides where a writer puts each tensor.
var dtypes = []struct {
	dtype DType
	bits  int
}{
	{Bool, 8}, {F4, 4}, {F6E2M3, 6}, {F6E3M2, 6}, {U8, 8}, {I8, 8},
	{F8E5M2, 8}, {F8E4M3, 8}, {F8E8M0, 8}, {F8E4M3Z, 8}, {F8E5M2Z, 8},
	{I16, 16}, {U16, 16}, {F16, 16}, {BF16, 16},
	{I32, 32}, {U32, 32}, {F32, 32},
	{C64, 64}, {F64, 64}, {I64, 64}, {U64, 64},
}

// rank returns the position of d in dtypes, or -1 when d is unknown.
func (d DType) rank() int {
	for i := range dtypes {
		if dtypes[i].dtype == d {
			return i
		}
	}
	return -1
}

// Bits returns the size of one element in bits, or 0 when d is not an element
// type of the format.
func (d DType) Bits() int {
	if i := d.rank(); i >= 0 {
		return dtypes[i].bits
	}
	return 0
}

// size returns the number of bytes of a tensor of this type and shape.
func (d DType) size(shape []int) (int, error) {
	if d.Bits() == 0 {
		return 0, fmt.Errorf("unknown dtype %q", shorten(string(d)))
	}
	return bounded.Size(shape, d.Bits())
}

// Tensor is one named array. Shape is empty for a scalar. Data holds the
// elements little-endian in C order (the last dimension varies fastest).
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// File is everything that a safetensors file holds. Tensors stand in the order
// of their data in the file. Metadata is nil when the file has none.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// Lookup returns the tensor with the given name.
func (f File) Lookup(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}
