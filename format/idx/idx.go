// Package idx reads and writes the IDX format, in which the MNIST database of
// handwritten digits is distributed (http://yann.lecun.com/exdb/mnist/). It is
// not a data set: it carries bytes, a dtype and a shape.
//
// The layout of a file, all numbers big-endian, is
//
//	2 bytes   zero
//	1 byte    element type
//	1 byte    number of dimensions
//	4 bytes   for each dimension, its size
//	the rest  the elements in C order
package idx

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/hadal-ml/hadal/format/internal/bounded"
	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// DType is an element type by its code in the format.
type DType byte

// The element types of the format.
const (
	Uint8   DType = 0x08
	Int8    DType = 0x09
	Int16   DType = 0x0B
	Int32   DType = 0x0C
	Float32 DType = 0x0D
	Float64 DType = 0x0E
)

// Size returns the size of one element in bytes, or 0 when d is none of the
// types above.
func (d DType) Size() int {
	switch d {
	case Uint8, Int8:
		return 1
	case Int16:
		return 2
	case Int32, Float32:
		return 4
	case Float64:
		return 8
	}
	return 0
}

// String returns the name of the type, such as "uint8".
func (d DType) String() string {
	switch d {
	case Uint8:
		return "uint8"
	case Int8:
		return "int8"
	case Int16:
		return "int16"
	case Int32:
		return "int32"
	case Float32:
		return "float32"
	case Float64:
		return "float64"
	}
	return fmt.Sprintf("unknown type 0x%02x", byte(d))
}

// Array is the contents of a file. Data holds the elements in C order (the last
// dimension varies fastest) and little-endian, unlike the file.
type Array struct {
	DType DType
	Shape []int
	Data  []byte
}

// Read reads an array from r, to its end. Compressed data (gzip) is recognised
// by its first bytes and expanded, up to the size that the array's own header
// states, and to no more than bounds on real data allow: 16 MiB, or a hundred
// times the compressed length if that is more. Memory grows with what r
// delivers, not with what the header promises.
func Read(r io.Reader) (Array, error) {
	a, err := read(r)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early: the file is truncated; copy or download it again")
	}
	if err != nil {
		return Array{}, fmt.Errorf("not a valid IDX file: %w", err)
	}
	return a, nil
}

func read(r io.Reader) (Array, error) {
	source := &counter{r: r}
	buffered := bufio.NewReader(source)
	start, err := buffered.Peek(2)
	if err != nil {
		return Array{}, err
	}
	if start[0] != 0x1f || start[1] != 0x8b {
		return readPlain(buffered)
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return Array{}, err
	}
	return readPlain(&expansion{r: z, compressed: source})
}

// readPlain reads an uncompressed array.
func readPlain(r io.Reader) (Array, error) {
	var start [4]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return Array{}, err
	}
	if start[0] != 0 || start[1] != 0 {
		return Array{}, errors.New("it does not begin with two zero bytes")
	}
	a := Array{DType: DType(start[2]), Shape: make([]int, start[3])}
	if a.DType.Size() == 0 {
		return Array{}, fmt.Errorf("its elements have the %v", a.DType)
	}
	for i := range a.Shape {
		var dim [4]byte
		if _, err := io.ReadFull(r, dim[:]); err != nil {
			return Array{}, err
		}
		a.Shape[i] = int(binary.BigEndian.Uint32(dim[:]))
	}
	size, err := bounded.Size(a.Shape, 8*a.DType.Size())
	if err != nil {
		return Array{}, err
	}
	if a.Data, err = bounded.Read(r, size); err != nil {
		return Array{}, err
	}
	switch _, err := io.ReadFull(r, make([]byte, 1)); {
	case err == nil:
		return Array{}, fmt.Errorf("more bytes follow the %d that its shape %v takes", size, a.Shape)
	case !errors.Is(err, io.EOF):
		return Array{}, err
	}
	bounded.SwapBytes(a.Data, a.DType.Size())
	return a, nil
}

// counter counts the bytes read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// expansion fails when what is read from r is out of proportion to the
// compressed bytes behind it.
type expansion struct {
	r          io.Reader
	n          int64
	compressed *counter
}

func (e *expansion) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.n += int64(n)
	if e.n > bounded.MaxExpansion(e.compressed.n) {
		return 0, errors.New("it expands more than a hundredfold: it looks like a decompression bomb; if you trust it, expand it with gunzip first")
	}
	return n, err
}

// Decode reads an array, compressed or not, from a file in memory. Data is a copy.
func Decode(b []byte) (Array, error) { return Read(bytes.NewReader(b)) }

// ReadFile reads the array, compressed or not, in the file at path.
func ReadFile(path string) (Array, error) {
	f, err := os.Open(path)
	if err != nil {
		return Array{}, err
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil {
		return Array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Write writes a to w, uncompressed. It is an error, before anything is
// written, when the format cannot hold the shape or when the length of Data
// does not follow from DType and Shape.
func Write(w io.Writer, a Array) error {
	if a.DType.Size() == 0 {
		return fmt.Errorf("IDX cannot hold elements of %v", a.DType)
	}
	size, err := bounded.Size(a.Shape, 8*a.DType.Size())
	if err != nil {
		return err
	}
	if len(a.Data) != size {
		return fmt.Errorf("%v%v takes %d bytes, but Data has %d", a.DType, a.Shape, size, len(a.Data))
	}
	header := []byte{0, 0, byte(a.DType), byte(len(a.Shape))}
	for _, dim := range a.Shape {
		if uint64(dim) > math.MaxUint32 {
			return fmt.Errorf("IDX cannot hold a dimension of %d; at most %d", dim, uint32(math.MaxUint32))
		}
		header = binary.BigEndian.AppendUint32(header, uint32(dim))
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	if a.DType.Size() == 1 {
		_, err := w.Write(a.Data)
		return err
	}
	swapped := make([]byte, 0, swapChunk)
	for rest := a.Data; len(rest) > 0; rest = rest[len(swapped):] {
		swapped = append(swapped[:0], rest[:min(len(rest), swapChunk)]...)
		bounded.SwapBytes(swapped, a.DType.Size())
		if _, err := w.Write(swapped); err != nil {
			return err
		}
	}
	return nil
}

// swapChunk is how many bytes Write swaps at a time; a multiple of every element's size.
const swapChunk = 1 << 16

// WriteFile writes a to path, uncompressed. The file appears complete or not at
// all; an old file at path stays when anything fails.
func WriteFile(path string, a Array) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error { return Write(w, a) })
}
