package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/hadal-ml/hadal/format/internal/bounded"
)

const (
	magic = "\x93NUMPY"

	// maxHeader bounds the header of versions 2 and 3, whose length has four
	// bytes. They exist for records with many fields; a plain array needs 128.
	maxHeader = math.MaxUint16

	// alignment of the data in a file that NumPy or Write made.
	alignment = 64
)

// Header describes an array without its data.
type Header struct {
	Version      int // 1, 2 or 3
	DType        DType
	Shape        []int
	BigEndian    bool // byte order in the file
	FortranOrder bool // order in the file: the first dimension varies fastest
	Size         int  // of the data, in bytes
}

// ReadHeader reads the header of a .npy file and leaves r at the data.
func ReadHeader(r io.Reader) (Header, error) {
	h, err := readHeader(r)
	if err != nil {
		return Header{}, invalid(err)
	}
	return h, nil
}

func invalid(err error) error { return fmt.Errorf("not a usable .npy file: %w", err) }

func readHeader(r io.Reader) (Header, error) {
	var start [8]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return Header{}, truncated(err)
	}
	if string(start[:6]) != magic {
		return Header{}, errors.New("it does not begin with \\x93NUMPY")
	}
	major, minor := start[6], start[7]
	if major < 1 || major > 3 || minor != 0 {
		return Header{}, fmt.Errorf("format version %d.%d; 1.0, 2.0 and 3.0 are supported", major, minor)
	}
	lengthBytes := 2
	if major > 1 {
		lengthBytes = 4
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:lengthBytes]); err != nil {
		return Header{}, truncated(err)
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxHeader {
		return Header{}, fmt.Errorf("the header is said to have %d bytes; at most %d are supported", n, maxHeader)
	}
	text, err := bounded.Read(r, int(n))
	if err != nil {
		return Header{}, truncated(err)
	}
	h, err := parseHeader(text)
	if err != nil {
		return Header{}, err
	}
	h.Version = int(major)
	h.Size, err = bounded.Size(h.Shape, 8*h.DType.Size())
	return h, err
}

// truncated replaces the two ways in which a reader says that it ended early.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends too early: the file is truncated; copy or save it again")
	}
	return err
}

// parseHeader parses the Python dictionary of a header:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
// with exactly these keys in any order, then spaces and a newline. Nothing is
// evaluated; the grammar has dictionaries, strings, booleans and
// tuples of integers, one level deep, and no more.
func parseHeader(text []byte) (Header, error) {
	if !utf8.Valid(text) {
		return Header{}, errors.New("the header is not valid UTF-8")
	}
	p := parser{text: string(text)}
	h, err := p.dictionary()
	if err != nil {
		return Header{}, fmt.Errorf("at character %d of the header: %w", p.pos, err)
	}
	if rest := strings.Trim(p.text[p.pos:], " \n"); rest != "" {
		return Header{}, fmt.Errorf("at character %d of the header: nothing but spaces may follow the dictionary", p.pos)
	}
	return h, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) dictionary() (Header, error) {
	h := Header{}
	seen := map[string]bool{}
	if err := p.expect("{"); err != nil {
		return h, err
	}
	for !p.accept("}") {
		if len(seen) > 0 {
			if err := p.expect(","); err != nil {
				return h, err
			}
			if p.accept("}") { // the comma that Python allows after the last item
				break
			}
		}
		key, err := p.string()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("the key %q appears twice", key)
		}
		seen[key] = true
		if err := p.expect(":"); err != nil {
			return h, err
		}
		if err := p.value(key, &h); err != nil {
			return h, err
		}
	}
	if len(seen) != 3 {
		return h, errors.New("the keys descr, fortran_order and shape are needed")
	}
	return h, nil
}

// value parses the value of one key into h.
func (p *parser) value(key string, h *Header) (err error) {
	switch key {
	case "descr":
		if p.peek("[") {
			return errors.New("the array holds records; save its fields as arrays of their own")
		}
		var descr string
		if descr, err = p.string(); err != nil {
			return err
		}
		return h.setDescr(descr)
	case "fortran_order":
		switch {
		case p.accept("True"):
			h.FortranOrder = true
		case p.accept("False"):
		default:
			return errors.New("fortran_order is neither True nor False")
		}
		return nil
	case "shape":
		h.Shape, err = p.tuple()
		return err
	}
	return fmt.Errorf("unknown key %q", key)
}

// setDescr takes a type description such as "<f4": byte order, kind and size.
func (h *Header) setDescr(descr string) error {
	if descr == "" {
		return errors.New("descr is empty")
	}
	order, dtype := descr[0], DType(descr[1:])
	if order == '|' && dtype == "O" {
		return errors.New("the array holds Python objects (a pickle), which could run code; save numbers instead")
	}
	size := dtype.Size()
	if size == 0 {
		return fmt.Errorf("descr %q is not supported: convert the array to bool, an integer, float16, float32 or float64", descr)
	}
	switch {
	case order == '<', order == '|' && size == 1:
	case order == '>':
		h.BigEndian = true
	default:
		return fmt.Errorf("descr %q has no byte order: '<' or '>' is needed", descr)
	}
	h.DType = dtype
	return nil
}

// tuple parses a tuple of non-negative integers: (), (3,), (3, 4) or (3, 4,).
func (p *parser) tuple() ([]int, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	list, comma := []int{}, false
	for !p.accept(")") {
		if len(list) > 0 && !comma {
			return nil, errors.New("a comma is missing in the shape")
		}
		if len(list) == bounded.MaxRank {
			return nil, fmt.Errorf("more than %d dimensions", bounded.MaxRank)
		}
		n, err := p.integer()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		comma = p.accept(",")
	}
	if len(list) == 1 && !comma {
		return nil, errors.New("a shape of one dimension is written (n,)")
	}
	return list, nil
}

func (p *parser) integer() (n int, err error) {
	p.space()
	n, p.pos, err = bounded.Integer(p.text, p.pos)
	// Python 2 wrote its long integers as 60000L.
	if err == nil && p.pos < len(p.text) && p.text[p.pos] == 'L' {
		p.pos++
	}
	return n, err
}

// string parses a Python string in either kind of quotes. No header has escapes.
func (p *parser) string() (string, error) {
	p.space()
	if p.pos == len(p.text) || (p.text[p.pos] != '\'' && p.text[p.pos] != '"') {
		return "", errors.New("a string is needed")
	}
	quote := p.text[p.pos]
	content := p.text[p.pos+1:]
	end := strings.IndexByte(content, quote)
	if end < 0 || strings.ContainsAny(content[:end], "\\\n") {
		return "", errors.New("a string does not end, or has escapes")
	}
	p.pos += end + 2
	return content[:end], nil
}

func (p *parser) expect(token string) error {
	if !p.accept(token) {
		return fmt.Errorf("%q is needed", token)
	}
	return nil
}

// accept skips spaces, and consumes token if that is what follows.
func (p *parser) accept(token string) bool {
	if !p.peek(token) {
		return false
	}
	p.pos += len(token)
	return true
}

func (p *parser) peek(token string) bool {
	p.space()
	return strings.HasPrefix(p.text[p.pos:], token)
}

func (p *parser) space() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// growthDigits is the room that NumPy leaves for the first dimension to be
// rewritten in place when a file is appended to.
const growthDigits = 21

// encodeHeader returns everything that stands before the data: version 1.0,
// which fits every shape of up to MaxRank dimensions, with the bytes that
// numpy.save writes.
func encodeHeader(a Array) []byte {
	order := "<"
	if a.DType.Size() == 1 {
		order = "|"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "{'descr': '%s%s', 'fortran_order': False, 'shape': (", order, a.DType)
	for i, dim := range a.Shape {
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprint(&text, dim)
	}
	if len(a.Shape) == 1 {
		text.WriteString(",")
	}
	text.WriteString("), }")
	if len(a.Shape) > 0 {
		text.WriteString(strings.Repeat(" ", growthDigits-len(fmt.Sprint(a.Shape[0]))))
	}
	const prefix = len(magic) + 2 + 2 // magic, version, length
	text.WriteString(strings.Repeat(" ", alignment-(prefix+text.Len()+1)%alignment))
	text.WriteString("\n")

	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(text.Len()))
	return append(out, text.String()...)
}
