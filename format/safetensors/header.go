package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/hadal-ml/hadal/format/internal/bounded"
)

// Info describes one tensor without its data, as the header does.
type Info struct {
	Name   string
	DType  DType
	Shape  []int
	Offset int // of the first byte, counted from the end of the header
	Size   int // in bytes
}

// header is a parsed and validated header.
type header struct {
	metadata map[string]string
	tensors  []Info // by rising offset
}

// parseHeader parses the JSON text of a header and checks it against the
// number of bytes that follow it.
func parseHeader(text []byte, dataSize int) (header, error) {
	if len(text) == 0 || text[0] != '{' {
		return header{}, errors.New("the header does not begin with '{'")
	}
	if !utf8.Valid(text) {
		return header{}, errors.New("the header is not valid UTF-8")
	}
	p := parser{text: text}
	h, err := p.header()
	if err != nil {
		return header{}, fmt.Errorf("at byte %d of the header: %w", p.pos, err)
	}
	// The specification pads with spaces and nothing else.
	for _, c := range text[p.pos:] {
		if c != ' ' {
			return header{}, fmt.Errorf("the header's JSON ends at byte %d, but %q follows", p.pos, c)
		}
	}
	// Stable, so that empty tensors at one offset keep the order of the header.
	slices.SortStableFunc(h.tensors, func(a, b Info) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return a.Size - b.Size
	})
	return h, h.validate(dataSize)
}

// validate checks that the tensors cover the data exactly: no hole, no
// overlap, nothing beyond the end and nothing left over.
func (h header) validate(dataSize int) error {
	end := 0
	for _, t := range h.tensors {
		want, err := t.DType.size(t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", shorten(t.Name), err)
		}
		switch {
		case t.Size != want:
			return fmt.Errorf("tensor %q: %s%v takes %d bytes, but its data_offsets span %d", shorten(t.Name), t.DType, t.Shape, want, t.Size)
		case t.Offset < end:
			return fmt.Errorf("tensor %q begins at byte %d of the data, inside the tensor before it, which ends at %d", shorten(t.Name), t.Offset, end)
		case t.Offset > end:
			return fmt.Errorf("the data has a hole: bytes %d to %d belong to no tensor", end, t.Offset)
		case t.Size > dataSize-end:
			return fmt.Errorf("tensor %q ends at byte %d of the data, but the file holds %d: it is truncated; copy or save it again", shorten(t.Name), end+t.Size, dataSize)
		}
		end += t.Size
	}
	if end != dataSize {
		return fmt.Errorf("the tensors end at byte %d of the data, but the file holds %d", end, dataSize)
	}
	return nil
}

// shorten cuts a string from a file to a length that an error message can bear.
func shorten(s string) string {
	const longest = 100
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "..."
}

// parser reads the small part of JSON that a header may use. A general JSON
// decoder would build values of any depth and type before we could refuse
// them; this one has no place to put what the format does not have.
type parser struct {
	text []byte
	pos  int
}

// header parses the outermost object.
func (p *parser) header() (header, error) {
	var h header
	seen := make(map[string]struct{})
	err := p.object(func(name string) error {
		if _, twice := seen[name]; twice {
			return fmt.Errorf("the name %q appears twice", shorten(name))
		}
		seen[name] = struct{}{}
		if name == metadataKey {
			h.metadata = make(map[string]string)
			return p.metadata(h.metadata)
		}
		info, err := p.info()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", shorten(name), err)
		}
		info.Name = name
		h.tensors = append(h.tensors, info)
		return nil
	})
	return h, err
}

// metadata parses an object of strings.
func (p *parser) metadata(into map[string]string) error {
	return p.object(func(key string) error {
		if _, twice := into[key]; twice {
			return fmt.Errorf("the metadata key %q appears twice", shorten(key))
		}
		value, err := p.string()
		if err != nil {
			return fmt.Errorf("metadata %q: %w", shorten(key), err)
		}
		into[key] = value
		return nil
	})
}

// info parses the object that describes a tensor: three fields, each once.
func (p *parser) info() (Info, error) {
	var info Info
	var hasDType, hasShape, hasOffsets bool
	once := func(has *bool, field string) error {
		if *has {
			return fmt.Errorf("the field %q appears twice", field)
		}
		*has = true
		return nil
	}
	err := p.object(func(field string) error {
		switch field {
		case "dtype":
			if err := once(&hasDType, field); err != nil {
				return err
			}
			name, err := p.string()
			info.DType = DType(name)
			return err
		case "shape":
			if err := once(&hasShape, field); err != nil {
				return err
			}
			var err error
			info.Shape, err = p.integers(bounded.MaxRank)
			return err
		case "data_offsets":
			if err := once(&hasOffsets, field); err != nil {
				return err
			}
			offsets, err := p.integers(2)
			if err != nil {
				return err
			}
			if len(offsets) != 2 || offsets[0] > offsets[1] {
				return fmt.Errorf("data_offsets are %v; a begin and an end not before it are needed", offsets)
			}
			info.Offset, info.Size = offsets[0], offsets[1]-offsets[0]
			return nil
		}
		return fmt.Errorf("unknown field %q", shorten(field))
	})
	if err == nil && !(hasDType && hasShape && hasOffsets) {
		err = errors.New("dtype, shape and data_offsets are needed")
	}
	return info, err
}

// object parses an object and calls member with each key, positioned at its value.
func (p *parser) object(member func(key string) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	if p.accept('}') {
		return nil
	}
	for {
		key, err := p.string()
		if err != nil {
			return err
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if p.accept('}') {
			return nil
		}
		if err := p.expect(','); err != nil {
			return err
		}
	}
}

// integers parses an array of at most limit integers. It never returns nil for
// an array that is there: a scalar's shape is empty.
func (p *parser) integers(limit int) ([]int, error) {
	if err := p.expect('['); err != nil {
		return nil, err
	}
	list := []int{}
	if p.accept(']') {
		return list, nil
	}
	for {
		if len(list) == limit {
			return nil, fmt.Errorf("a list of more than %d numbers", limit)
		}
		n, err := p.integer()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if p.accept(']') {
			return list, nil
		}
		if err := p.expect(','); err != nil {
			return nil, err
		}
	}
}

// integer parses a non-negative integer in plain digits.
func (p *parser) integer() (n int, err error) {
	p.space()
	n, p.pos, err = bounded.Integer(p.text, p.pos)
	return n, err
}

// string parses a JSON string.
func (p *parser) string() (string, error) {
	if err := p.expect('"'); err != nil {
		return "", err
	}
	start, escaped := p.pos, false
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			raw := p.text[start:p.pos]
			p.pos++
			if !escaped {
				return string(raw), nil
			}
			var s string
			if err := json.Unmarshal(p.text[start-1:p.pos], &s); err != nil {
				return "", errors.New("a string has an invalid escape")
			}
			return s, nil
		case c == '\\':
			escaped = true
			p.pos++ // whatever is escaped does not end the string
		case c < ' ':
			return "", errors.New("a string has an unescaped control character")
		}
	}
	p.pos = len(p.text)
	return "", errors.New("a string does not end")
}

// expect skips white space and consumes c.
func (p *parser) expect(c byte) error {
	if p.accept(c) {
		return nil
	}
	if p.pos == len(p.text) {
		return fmt.Errorf("%q is needed, but the header ends", c)
	}
	return fmt.Errorf("%q is needed, but %q stands here", c, p.text[p.pos])
}

// accept skips white space, and consumes c if that is what follows.
func (p *parser) accept(c byte) bool {
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}
