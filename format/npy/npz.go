package npy

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hadal-ml/hadal/format/internal/bounded"
	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// suffix of a member's name inside an archive, which its key does not have.
const suffix = ".npy"

// Entry is one named array of an archive.
type Entry struct {
	Name string // the key in NumPy: the member's name without ".npy"
	Array
}

// Archive is an open .npz file whose arrays are read on demand. It is not for
// use by several goroutines at once.
//
// What an archive may expand to in memory is limited: 16 MiB, or a hundred times
// its own length if that is more, counted over all arrays read. Real arrays
// stay far below; a decompression bomb does not.
type Archive struct {
	members map[string]*zip.File
	names   []string
	budget  int64 // bytes that may still be read
	closer  io.Closer
}

// NewArchive reads the table of contents of an archive of the given size.
func NewArchive(source io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(source, size)
	if err != nil {
		return nil, fmt.Errorf("not a usable .npz file: %w", err)
	}
	a := &Archive{members: make(map[string]*zip.File, len(z.File)), budget: bounded.MaxExpansion(size)}
	for _, member := range z.File {
		name, ok := strings.CutSuffix(member.Name, suffix)
		if !ok {
			return nil, fmt.Errorf("not a usable .npz file: its member %q is not an array: remove it", member.Name)
		}
		if a.members[name] != nil {
			return nil, fmt.Errorf("not a usable .npz file: the array %q appears twice", name)
		}
		a.members[name] = member
		a.names = append(a.names, name)
	}
	return a, nil
}

// OpenArchive opens the .npz file at path. Close it after use.
func OpenArchive(path string) (*Archive, error) {
	a, f, err := bounded.Open(path, NewArchive)
	if err != nil {
		return nil, err
	}
	a.closer = f
	return a, nil
}

// Close closes the file behind an Archive that OpenArchive returned.
func (a *Archive) Close() error {
	if a.closer == nil {
		return nil
	}
	return a.closer.Close()
}

// Names returns the names of the arrays in the order of the archive.
func (a *Archive) Names() []string { return slices.Clone(a.names) }

// Header reads the header of the named array and not its data, whose length the
// archive must state too.
func (a *Archive) Header(name string) (Header, error) {
	r, err := a.open(name)
	if err != nil {
		return Header{}, err
	}
	defer r.Close()
	counted := &io.LimitedReader{R: r, N: math.MaxInt64}
	h, err := ReadHeader(counted)
	read := math.MaxInt64 - counted.N
	if declared := a.members[name].UncompressedSize64; err == nil && declared != uint64(read)+uint64(h.Size) {
		err = invalid(fmt.Errorf("its header of %d bytes promises %d of data, but the archive holds %d in all", read, h.Size, declared))
	}
	if err != nil {
		return Header{}, fmt.Errorf("array %q: %w", name, err)
	}
	return h, nil
}

// Array reads the named array and checks its checksum.
func (a *Archive) Array(name string) (Array, error) {
	r, err := a.open(name)
	if err != nil {
		return Array{}, err
	}
	defer r.Close()
	declared := a.members[name].UncompressedSize64
	if declared > uint64(a.budget) {
		return Array{}, fmt.Errorf("array %q expands to %d bytes, more than a hundred times the archive's length: "+
			"it looks like a decompression bomb; if you trust it, save it again without compression", name, declared)
	}
	a.budget -= int64(declared)
	// The zip reader stops at the declared size, and reading to the end, as
	// readWhole does, makes it compare the checksum.
	array, err := readWhole(r)
	if err != nil {
		return Array{}, fmt.Errorf("array %q: %w", name, err)
	}
	return array, nil
}

func (a *Archive) open(name string) (io.ReadCloser, error) {
	member := a.members[name]
	if member == nil {
		return nil, fmt.Errorf("no array is named %q; there are %s", name, strings.Join(a.names, ", "))
	}
	r, err := member.Open()
	if err != nil {
		return nil, fmt.Errorf("array %q: %w", name, err)
	}
	return r, nil
}

// ReadNPZ reads all arrays of an archive of the given size, in its order.
func ReadNPZ(source io.ReaderAt, size int64) ([]Entry, error) {
	a, err := NewArchive(source, size)
	if err != nil {
		return nil, err
	}
	return a.entries()
}

// ReadNPZFile reads all arrays of the .npz file at path, in its order.
func ReadNPZFile(path string) ([]Entry, error) {
	a, err := OpenArchive(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	entries, err := a.entries()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return entries, nil
}

func (a *Archive) entries() ([]Entry, error) {
	var entries []Entry
	for _, name := range a.names {
		array, err := a.Array(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, Entry{Name: name, Array: array})
	}
	return entries, nil
}

// Compression says how the members of an archive are stored.
type Compression uint16

// The two compressions that NumPy writes: as numpy.savez and as
// numpy.savez_compressed.
const (
	Stored   = Compression(zip.Store)
	Deflated = Compression(zip.Deflate)
)

// epoch is the time of every member, as NumPy writes it: the earliest that a
// zip can hold. With it the same arrays make the same bytes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// WriteNPZ writes entries to w as an archive, in their order.
func WriteNPZ(w io.Writer, entries []Entry, compression Compression) error {
	z := zip.NewWriter(w)
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if e.Name == "" || seen[e.Name] {
			return fmt.Errorf("the array name %q is empty or taken: give each array its own", e.Name)
		}
		seen[e.Name] = true
		member, err := z.CreateHeader(&zip.FileHeader{Name: e.Name + suffix, Method: uint16(compression), Modified: epoch})
		if errors.Is(err, zip.ErrAlgorithm) {
			return fmt.Errorf("unknown compression %d: use Stored or Deflated", compression)
		}
		if err != nil {
			return err
		}
		if err := Write(member, e.Array); err != nil {
			return fmt.Errorf("array %q: %w", e.Name, err)
		}
	}
	return z.Close()
}

// WriteNPZFile writes entries to path as WriteNPZ does. The file appears
// complete or not at all; an old file at path stays when anything fails.
func WriteNPZFile(path string, entries []Entry, compression Compression) error {
	return atomicfile.WriteFile(path, func(w io.Writer) error { return WriteNPZ(w, entries, compression) })
}
