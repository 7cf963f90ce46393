package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func encodeNPZ(t testing.TB, entries []Entry, compression Compression) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := WriteNPZ(&buf, entries, compression); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// archive makes a zip of the given members, names and contents in turn.
func archive(t testing.TB, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for ; len(members) > 0; members = members[2:] {
		w, err := z.Create(members[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func sameEntries(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(a, b Entry) bool { return a.Name == b.Name && same(a.Array, b.Array) })
}

var sampleEntries = []Entry{
	{"images", counting(Uint8, 2, 3, 4)},
	{"labels", counting(Int64, 2)},
	{"empty", counting(Float32, 0)},
	{"folder/scalar", counting(Float64)},
}

func TestArchivesOfNumPy(t *testing.T) {
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		got, err := ReadNPZFile(fixtures + name)
		if err != nil || !sameEntries(got, sampleEntries[:2]) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestArchiveRoundTrip(t *testing.T) {
	for _, compression := range []Compression{Stored, Deflated} {
		path := filepath.Join(t.TempDir(), "arrays.npz")
		if err := WriteNPZFile(path, sampleEntries, compression); err != nil {
			t.Fatal(err)
		}
		got, err := ReadNPZFile(path)
		if err != nil || !sameEntries(got, sampleEntries) {
			t.Errorf("compression %d: %v, %v", compression, got, err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file, encodeNPZ(t, sampleEntries, compression)) {
			t.Errorf("compression %d: the same arrays made other bytes", compression)
		}
	}
}

func TestArchiveOnDemand(t *testing.T) {
	a, err := OpenArchive(fixtures + "deflated.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if names := a.Names(); !slices.Equal(names, []string{"images", "labels"}) {
		t.Errorf("names are %v", names)
	}
	if h, err := a.Header("images"); err != nil || h.DType != Uint8 || !slices.Equal(h.Shape, []int{2, 3, 4}) {
		t.Errorf("header is %v, %v", h, err)
	}
	if got, err := a.Array("labels"); err != nil || !same(got, sampleEntries[1].Array) {
		t.Errorf("labels are %v, %v", got, err)
	}
	for _, err := range []error{
		func() error { _, err := a.Array("none"); return err }(),
		func() error { _, err := a.Header("none"); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "there are images, labels") {
			t.Errorf("a missing array: %v", err)
		}
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	good := encodeNPZ(t, sampleEntries, Stored)
	wrongSum := bytes.Clone(good)
	wrongSum[bytes.Index(wrongSum, sampleEntries[0].Data)] ^= 1
	encrypted := bytes.Clone(good) // an unknown method in the table of contents
	binary.LittleEndian.PutUint16(encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+10:], 99)
	cases := map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "not a usable .npz"},
		"no zip":          {[]byte("hello"), "not a usable .npz"},
		"truncated":       {good[:len(good)-10], "not a usable .npz"},
		"text member":     {archive(t, "readme.txt", "hello"), "is not an array"},
		"text in .npy":    {archive(t, "a.npy", "hello, hello"), "NUMPY"},
		"name twice":      {archive(t, "a.npy", "", "a.npy", ""), "twice"},
		"array too short": {archive(t, "a.npy", string(raw(header("'<f4'", "False", "(2,)"), "aaaa"))), "truncated"},
		"array too long":  {archive(t, "a.npy", string(raw(header("'<f4'", "False", "(1,)"), "aaaabbbb"))), "more bytes follow"},
		"wrong checksum":  {wrongSum, "checksum"},
		"unknown method":  {encrypted, "unsupported compression"},
	}
	for name, c := range cases {
		_, err := ReadNPZ(bytes.NewReader(c.file), int64(len(c.file)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestAHeaderThatPromisesMoreThanTheArchiveIsRefused(t *testing.T) {
	for shape, bad := range map[string]bool{"(1,)": false, "(2,)": true, "(0,)": true, "(1000000000000000,)": true} {
		file := archive(t, "a.npy", string(raw(header("'<f4'", "False", shape), "aaaa")))
		a, err := NewArchive(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Header("a"); (err != nil) != bad || bad && !strings.Contains(err.Error(), "in all") {
			t.Errorf("shape %s with 4 bytes of data: %v", shape, err)
		}
	}
}

// A bomb is refused before it expands, whether its table of contents is honest or not.
func TestDecompressionBombs(t *testing.T) {
	const size = 20 << 20
	honest := encodeNPZ(t, []Entry{{"bomb", Array{Uint8, []int{size}, make([]byte, size)}}}, Deflated)
	liar := bytes.Clone(honest)
	directory := bytes.Index(liar, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(liar[directory+24:], 1000) // uncompressed size
	many := encodeNPZ(t, []Entry{
		{"a", Array{Uint8, []int{10 << 20}, make([]byte, 10<<20)}},
		{"b", Array{Uint8, []int{10 << 20}, make([]byte, 10<<20)}},
	}, Deflated)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"honest":       {honest, `array "bomb" expands to 2097`},
		"liar":         {liar, "array \"bomb\""},
		"many at once": {many, `array "b" expands`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadNPZ(bytes.NewReader(c.file), int64(len(c.file)))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 48<<20 {
			t.Errorf("%s: took %d bytes of memory", name, took)
		}
	}
}

func TestWriteNPZRefuses(t *testing.T) {
	one := counting(Uint8, 1)
	for name, c := range map[string]struct {
		entries     []Entry
		compression Compression
		want        string
	}{
		"no name":             {[]Entry{{"", one}}, Stored, "empty or taken"},
		"name twice":          {[]Entry{{"a", one}, {"a", one}}, Stored, "empty or taken"},
		"unknown compression": {[]Entry{{"a", one}}, 99, "use Stored or Deflated"},
	} {
		if err := WriteNPZ(io.Discard, c.entries, c.compression); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if err := WriteNPZ(&failingWriter{0}, []Entry{{"a", one}}, Stored); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestArchiveFilesThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadNPZFile(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for name, file := range map[string][]byte{"text.npz": []byte("hello"), "bad.npz": archive(t, "a.npy", "")} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadNPZFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one that names %s", err, path)
		}
	}
	a, err := OpenArchive(filepath.Join(folder, "bad.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Header("a"); err == nil {
		t.Error("the header of an empty member was read")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	file := archive(t)
	if a, err := NewArchive(bytes.NewReader(file), int64(len(file))); err != nil || a.Close() != nil {
		t.Errorf("an archive in memory: %v", err)
	}
}

func FuzzReadNPZ(f *testing.F) {
	f.Add(encodeNPZ(f, sampleEntries, Stored))
	f.Add(encodeNPZ(f, sampleEntries, Deflated))
	f.Add(archive(f, "a.npy", "", "a.npy", ""))
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		file, err := os.ReadFile(fixtures + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := ReadNPZ(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.Name == "" {
				return // NumPy makes no such name, and Write refuses it
			}
		}
		again := encodeNPZ(t, entries, Deflated)
		if got, err := ReadNPZ(bytes.NewReader(again), int64(len(again))); err != nil || !sameEntries(got, entries) {
			t.Fatalf("reading what was written gives %v, %v; want %v", got, err, entries)
		}
	})
}
