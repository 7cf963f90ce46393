package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/hadal-ml/hadal/format/internal/bounded"
	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// Write writes f to w. The bytes depend on the contents alone: tensors are put
// by falling alignment of their dtype and then by name, as the reference
// implementation does, metadata by key, and the header is padded with spaces so
// that the data begins at a multiple of eight bytes. f is not changed.
//
// It is an error, before anything is written, when a name is used twice or is
// not valid UTF-8, when a dtype is unknown, or when the length of Data
// does not follow from shape and dtype.
func Write(w io.Writer, f File) error {
	tensors := slices.Clone(f.Tensors)
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		if byAlignment := cmp.Compare(b.DType.rank(), a.DType.rank()); byAlignment != 0 {
			return byAlignment
		}
		return cmp.Compare(a.Name, b.Name)
	})
	header, err := encodeHeader(f.Metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes f to path as Write does. The file appears complete or not at
// all; an old file at path stays when anything fails.
func WriteFile(path string, f File) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error { return Write(w, f) })
}

// encodeHeader returns the length and the header, for tensors in file order.
func encodeHeader(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	// The bytes of the length are filled in last.
	text := append(make([]byte, 8, 256), '{')
	var err error
	if metadata != nil {
		if text, err = appendMetadata(text, metadata); err != nil {
			return nil, err
		}
	}
	names := make(map[string]struct{}, len(tensors))
	offset := 0
	for _, t := range tensors {
		if _, twice := names[t.Name]; twice || t.Name == metadataKey {
			return nil, fmt.Errorf("the tensor name %q is already taken: give each tensor its own", t.Name)
		}
		names[t.Name] = struct{}{}
		if err := check(t); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if len(text) > len("        {") {
			text = append(text, ',')
		}
		if text, err = appendString(text, t.Name); err != nil {
			return nil, err
		}
		text = append(text, `:{"dtype":"`...)
		text = append(text, t.DType...)
		text = append(text, `","shape":`...)
		text = appendIntegers(text, t.Shape)
		text = append(text, `,"data_offsets":`...)
		text = appendIntegers(text, []int{offset, offset + len(t.Data)})
		text = append(text, '}')
		offset += len(t.Data)
	}
	text = append(text, '}')
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text)-8 > MaxHeader {
		return nil, errTooLong
	}
	binary.LittleEndian.PutUint64(text, uint64(len(text)-8))
	return text, nil
}

var errTooLong = fmt.Errorf("the header would have more than the %d bytes that the format allows: use fewer tensors or shorter names and metadata", MaxHeader)

// check refuses a tensor that no reader would accept.
func check(t Tensor) error {
	want, err := t.DType.size(t.Shape)
	if err != nil {
		return err
	}
	if len(t.Data) != want {
		return fmt.Errorf("%s%v takes %d bytes, but Data has %d", t.DType, t.Shape, want, len(t.Data))
	}
	if t.DType == Bool {
		return bounded.CheckBool(t.Data)
	}
	return nil
}

func appendMetadata(text []byte, metadata map[string]string) ([]byte, error) {
	var err error
	if text, err = appendString(text, metadataKey); err != nil {
		return nil, err
	}
	text = append(text, ":{"...)
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if i > 0 {
			text = append(text, ',')
		}
		if text, err = appendString(text, key); err != nil {
			return nil, err
		}
		text = append(text, ':')
		if text, err = appendString(text, metadata[key]); err != nil {
			return nil, err
		}
	}
	return append(text, '}'), nil
}

// appendString appends s as a JSON string, without the escapes for HTML that
// json.Marshal adds.
func appendString(text []byte, s string) ([]byte, error) {
	// Here too, lest a huge string be quoted and copied first.
	if len(s) > MaxHeader {
		return nil, errTooLong
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("the name or metadata %q is not valid UTF-8", s)
	}
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a valid string into memory: nothing can fail
	return append(text, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...), nil
}

func appendIntegers(text []byte, list []int) []byte {
	text = append(text, '[')
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(n), 10)
	}
	return append(text, ']')
}
