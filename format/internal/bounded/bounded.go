// Package bounded holds the arithmetic and the reads that keep a hostile file
// from deciding how much memory its reader takes. It is not a parser.
package bounded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"
)

// MaxRank is the largest number of dimensions accepted from a file. It is
// NumPy's own limit; no real array comes near it.
const MaxRank = 64

// Size returns the number of bytes that an array of the given shape takes when
// an element has bitsPerElement bits. It is an error when a dimension is
// negative, the rank is above MaxRank, the bits do not fill whole bytes, or the
// product overflows an int. Dimensions of zero do not hide an overflow of the
// others: whoever computes strides from the shape may do so safely.
func Size(shape []int, bitsPerElement int) (int, error) {
	if len(shape) > MaxRank {
		return 0, fmt.Errorf("%d dimensions; at most %d are supported", len(shape), MaxRank)
	}
	product, empty := uint64(bitsPerElement), false
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if dim == 0 {
			empty = true
			continue
		}
		high, low := bits.Mul64(product, uint64(dim))
		if high != 0 {
			return 0, fmt.Errorf("shape %v is too large: its size overflows", shape)
		}
		product = low
	}
	if product/8 > math.MaxInt {
		return 0, fmt.Errorf("shape %v is too large: its size overflows", shape)
	}
	if empty {
		return 0, nil
	}
	if product%8 != 0 {
		return 0, fmt.Errorf("shape %v with elements of %d bits does not fill whole bytes", shape, bitsPerElement)
	}
	return int(product / 8), nil
}

// firstRead is how much Read takes on trust before a byte has arrived.
const firstRead = 1 << 16

// Read reads exactly n bytes from r. Memory grows with what arrives, at most
// to twice that, so a header that promises more than the file holds
// costs nothing. It returns io.ErrUnexpectedEOF when r ends early.
func Read(r io.Reader, n int) ([]byte, error) {
	buf := make([]byte, min(n, firstRead))
	for have := 0; ; {
		got, err := io.ReadFull(r, buf[have:])
		have += got
		if errors.Is(err, io.EOF) && have < n {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if have == n {
			return buf, nil
		}
		grown := make([]byte, have+min(n-have, have))
		copy(grown, buf)
		buf = grown
	}
}

// Expansion limits: a compressed file may always expand to expansionFloor, and
// beyond that to expansionRatio times its own length. Real arrays compress
// five- to twenty-fold; a decompression bomb does so a thousandfold.
const (
	expansionFloor = 16 << 20
	expansionRatio = 100
)

// MaxExpansion returns how many bytes a compressed stream of the given length
// may expand to before it is taken for a decompression bomb.
func MaxExpansion(compressed int64) int64 {
	if compressed > (math.MaxInt64-expansionFloor)/expansionRatio {
		return math.MaxInt64
	}
	return expansionFloor + expansionRatio*compressed
}

// Open opens the file at path and lets read see its contents and their length.
// The file stays open for what read returns, unless that is an error, which then
// names the path.
func Open[T any](path string, read func(contents io.ReaderAt, size int64) (T, error)) (T, *os.File, error) {
	var none T
	f, err := os.Open(path)
	if err != nil {
		return none, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return none, nil, err
	}
	v, err := read(f, info.Size())
	if err != nil {
		f.Close()
		return none, nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, f, nil
}

// Integer parses the non-negative integer in plain digits that begins at
// text[at], and returns it and where it ends. A zero in front is refused.
func Integer[S string | []byte](text S, at int) (n, end int, err error) {
	for end = at; end < len(text) && '0' <= text[end] && text[end] <= '9'; end++ {
		digit := int(text[end] - '0')
		if n > (math.MaxInt-digit)/10 {
			return 0, end, errors.New("a number is too large")
		}
		n = 10*n + digit
	}
	if end == at || end-at > 1 && text[at] == '0' {
		return 0, end, errors.New("a non-negative integer in plain digits is needed")
	}
	return n, end, nil
}

// CheckBool returns an error when data, an array of one-byte booleans, holds a
// byte other than 0 and 1, which Go code must never see as a bool.
func CheckBool(data []byte) error {
	for i, b := range data {
		if b > 1 {
			return fmt.Errorf("element %d of a bool array is the byte %d; only 0 (false) and 1 (true) are allowed", i, b)
		}
	}
	return nil
}

// SwapBytes reverses the bytes of every element of data, in place: it turns
// big-endian elements of the given size into little-endian ones and back.
func SwapBytes(data []byte, size int) {
	switch size {
	case 2:
		for ; len(data) >= 2; data = data[2:] {
			binary.LittleEndian.PutUint16(data, binary.BigEndian.Uint16(data))
		}
	case 4:
		for ; len(data) >= 4; data = data[4:] {
			binary.LittleEndian.PutUint32(data, binary.BigEndian.Uint32(data))
		}
	case 8:
		for ; len(data) >= 8; data = data[8:] {
			binary.LittleEndian.PutUint64(data, binary.BigEndian.Uint64(data))
		}
	}
}
