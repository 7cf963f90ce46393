package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/hadal-ml/hadal/format/internal/bounded"
)

// Reader reads tensors one at a time from a file whose header it has checked.
// Its methods may be called from several goroutines.
type Reader struct {
	// Metadata is nil when the file has none.
	Metadata map[string]string
	// Tensors describes the tensors in the order of their data.
	Tensors []Info

	index  map[string]int
	source io.ReaderAt
	start  int64 // where the data begins in source
	closer io.Closer
}

// NewReader reads and checks the header of a file of the given size. The data
// of the tensors stays where it is until Tensor asks for it.
func NewReader(source io.ReaderAt, size int64) (*Reader, error) {
	r, err := newReader(source, size)
	if err != nil {
		return nil, invalid(err)
	}
	return r, nil
}

func invalid(err error) error { return fmt.Errorf("not a valid safetensors file: %w", err) }

func newReader(source io.ReaderAt, size int64) (*Reader, error) {
	if size < 8 {
		return nil, fmt.Errorf("%d bytes are too few for the length of the header", size)
	}
	var prefix [8]byte
	if err := readAt(source, prefix[:], 0); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > MaxHeader {
		return nil, fmt.Errorf("the header is said to have %d bytes; at most %d are allowed", length, MaxHeader)
	}
	if int64(length) > size-8 {
		return nil, fmt.Errorf("the header is said to have %d bytes, but %d follow: the file is truncated; copy or save it again", length, size-8)
	}
	start := 8 + int64(length)
	if size-start > math.MaxInt {
		return nil, fmt.Errorf("%d bytes of data are more than this machine can address", size-start)
	}
	text := make([]byte, length)
	if err := readAt(source, text, 8); err != nil {
		return nil, err
	}
	h, err := parseHeader(text, int(size-start))
	if err != nil {
		return nil, err
	}
	r := &Reader{Metadata: h.metadata, Tensors: h.tensors, source: source, start: start}
	r.index = make(map[string]int, len(r.Tensors))
	for i, t := range r.Tensors {
		r.index[t.Name] = i
	}
	return r, nil
}

// readAt fills buf from offset.
func readAt(source io.ReaderAt, buf []byte, offset int64) error {
	n, err := source.ReadAt(buf, offset)
	if n == len(buf) {
		return nil // a ReaderAt may report io.EOF along with the last byte
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Open opens the file at path and reads its header. Close it after use.
func Open(path string) (*Reader, error) {
	r, f, err := bounded.Open(path, NewReader)
	if err != nil {
		return nil, err
	}
	r.closer = f
	return r, nil
}

// Close closes the file behind a Reader that Open returned.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Tensor reads the tensor with the given name.
func (r *Reader) Tensor(name string) (Tensor, error) {
	i, ok := r.index[name]
	if !ok {
		return Tensor{}, fmt.Errorf("no tensor is named %q", name)
	}
	t := r.Tensors[i]
	data := make([]byte, t.Size)
	if err := readAt(r.source, data, r.start+int64(t.Offset)); err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return t.with(data)
}

// with joins the description and its data.
func (t Info) with(data []byte) (Tensor, error) {
	if t.DType == Bool {
		if err := bounded.CheckBool(data); err != nil {
			return Tensor{}, fmt.Errorf("tensor %q: %w", shorten(t.Name), err)
		}
	}
	return Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape, Data: data}, nil
}

// Read reads a whole file of the given size.
func Read(source io.ReaderAt, size int64) (File, error) {
	r, err := NewReader(source, size)
	if err != nil {
		return File{}, err
	}
	return r.file()
}

// ReadFile reads the whole file at path.
func ReadFile(path string) (File, error) {
	r, err := Open(path)
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	f, err := r.file()
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// file reads all tensors.
func (r *Reader) file() (File, error) {
	f := File{Metadata: r.Metadata, Tensors: make([]Tensor, len(r.Tensors))}
	for i, info := range r.Tensors {
		t, err := r.Tensor(info.Name)
		if err != nil {
			return File{}, err
		}
		f.Tensors[i] = t
	}
	return f, nil
}

// Decode reads a file that is already in memory. The data of the tensors is not
// copied: it aliases b, and is aligned to eight bytes wherever b is and the
// writer padded its header as Write does.
func Decode(b []byte) (File, error) {
	r, err := NewReader(bytesAt(b), int64(len(b)))
	if err != nil {
		return File{}, err
	}
	f := File{Metadata: r.Metadata, Tensors: make([]Tensor, len(r.Tensors))}
	data := b[r.start:]
	for i, info := range r.Tensors {
		end := info.Offset + info.Size
		if f.Tensors[i], err = info.with(data[info.Offset:end:end]); err != nil {
			return File{}, invalid(err)
		}
	}
	return f, nil
}

// bytesAt is a slice as an io.ReaderAt.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, offset int64) (int, error) {
	n := copy(p, b[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
