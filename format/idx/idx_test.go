package idx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func same(a, b Array) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
}

func compress(t testing.TB, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// valid lists files byte by byte as the format's description has them.
var valid = []struct {
	name string
	file string
	want Array
}{
	{"MNIST labels", "\x00\x00\x08\x01\x00\x00\x00\x03\x05\x00\x04", Array{Uint8, []int{3}, []byte{5, 0, 4}}},
	{"MNIST images", "\x00\x00\x08\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\xff\x80\x01", Array{Uint8, []int{1, 2, 2}, []byte{0, 255, 128, 1}}},
	{"int8", "\x00\x00\x09\x01\x00\x00\x00\x01\xfe", Array{Int8, []int{1}, []byte{0xfe}}},
	{"int16", "\x00\x00\x0b\x01\x00\x00\x00\x02\x01\x02\xff\xfe", Array{Int16, []int{2}, []byte{2, 1, 0xfe, 0xff}}},
	{"int32", "\x00\x00\x0c\x01\x00\x00\x00\x01\x01\x02\x03\x04", Array{Int32, []int{1}, []byte{4, 3, 2, 1}}},
	{"float32", "\x00\x00\x0d\x01\x00\x00\x00\x01\x3f\x80\x00\x00", Array{Float32, []int{1}, []byte{0, 0, 0x80, 0x3f}}},
	{"float64", "\x00\x00\x0e\x01\x00\x00\x00\x01\x3f\xf0\x00\x00\x00\x00\x00\x00", Array{Float64, []int{1}, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}}},
	{"scalar", "\x00\x00\x08\x00\x07", Array{Uint8, nil, []byte{7}}},
	{"empty", "\x00\x00\x08\x02\x00\x00\x00\x00\x00\x00\x00\x1c", Array{Uint8, []int{0, 28}, nil}},
}

func TestValidFiles(t *testing.T) {
	for _, c := range valid {
		for form, file := range map[string][]byte{"plain": []byte(c.file), "gzip": compress(t, []byte(c.file))} {
			if got, err := Decode(file); err != nil || !same(got, c.want) {
				t.Errorf("%s, %s: %v, %v; want %v", c.name, form, got, err, c.want)
			}
		}
		var buf bytes.Buffer
		if err := Write(&buf, c.want); err != nil || buf.String() != c.file {
			t.Errorf("%s: wrote %q, %v; want %q", c.name, buf.String(), err, c.file)
		}
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	want := Array{Int16, []int{100, 700}, make([]byte, 140_000)} // more than one chunk
	for i := range want.Data {
		want.Data[i] = byte(i * 31)
	}
	plain := filepath.Join(folder, "a.idx")
	if err := WriteFile(plain, want); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(plain)
	if err != nil {
		t.Fatal(err)
	}
	compressed := filepath.Join(folder, "a.idx.gz")
	if err := os.WriteFile(compressed, compress(t, file), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{plain, compressed} {
		if got, err := ReadFile(path); err != nil || !same(got, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := ReadFile(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.Truncate(compressed, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(compressed); err == nil || !strings.Contains(err.Error(), compressed) || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("a truncated file: %v", err)
	}
}

// hostile lists files that must be refused, and a part of the reason.
var hostile = []struct{ name, file, want string }{
	{"empty", "", "truncated"},
	{"one byte", "\x00", "truncated"},
	{"no shape", "\x00\x00\x08\x01", "truncated"},
	{"half a dimension", "\x00\x00\x08\x01\x00\x00", "truncated"},
	{"text", "hello, hello", "two zero bytes"},
	{"unknown type", "\x00\x00\x0a\x01\x00\x00\x00\x00", "unknown type 0x0a"},
	{"data cut off", "\x00\x00\x08\x01\x00\x00\x00\x02\x01", "truncated"},
	{"data too long", "\x00\x00\x08\x01\x00\x00\x00\x02\x01\x02\x03", "more bytes follow"},
	{"huge", "\x00\x00\x08\x01\xff\xff\xff\xff\x01", "truncated"},
	{"overflow", "\x00\x00\x0e\x02\xff\xff\xff\xff\xff\xff\xff\xff\x01", "overflows"},
	{"65 dimensions", "\x00\x00\x08\x41" + strings.Repeat("\x00\x00\x00\x01", 65) + "\x01", "at most 64"},
	{"gzip cut off", "\x1f\x8b", "truncated"},
	{"gzip of another method", "\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00", "gzip: invalid header"},
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, c := range hostile {
		if _, err := Decode([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if _, err := Decode(compress(t, []byte(c.file))); err == nil {
			t.Errorf("%s: accepted when compressed", c.name)
		}
	}
	wrongSum := compress(t, []byte(valid[0].file))
	wrongSum[len(wrongSum)-8] ^= 1
	if _, err := Decode(wrongSum); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a wrong checksum: %v", err)
	}
	double := append(compress(t, []byte(valid[0].file)), compress(t, []byte("more"))...)
	if _, err := Decode(double); err == nil || !strings.Contains(err.Error(), "more bytes follow") {
		t.Errorf("a second gzip member: %v", err)
	}
	oops := errors.New("oops")
	for n := range len(valid[0].file) {
		r := io.MultiReader(strings.NewReader(valid[0].file[:n]), iotest.ErrReader(oops))
		if _, err := Read(r); !errors.Is(err, oops) {
			t.Errorf("a disk that breaks after %d bytes: %v", n, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const size = 20 << 20
	var bomb bytes.Buffer
	if err := Write(&bomb, Array{Uint8, []int{size}, make([]byte, size)}); err != nil {
		t.Fatal(err)
	}
	file := compress(t, bomb.Bytes())
	small := "\x00\x00\x08\x01\x00\x00\x00\x01" + strings.Repeat("\x00", size) // much more than the header says
	for name, c := range map[string]struct {
		file  []byte
		want  string
		limit uint64
	}{
		"promise":          {[]byte("\x00\x00\x08\x01\xff\xff\xff\xff\x01"), "truncated", 1 << 20},
		"bomb":             {file, "bomb", 64 << 20},
		"beyond the shape": {compress(t, []byte(small)), "more bytes follow", 1 << 20},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(c.file)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > c.limit {
			t.Errorf("%s: took %d bytes of memory", name, took)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		array Array
		want  string
	}{
		"unknown type":       {Array{DType: 0x0a}, "unknown type 0x0a"},
		"data too short":     {Array{Float32, []int{2}, make([]byte, 4)}, "float32[2] takes 8 bytes"},
		"negative dimension": {Array{Uint8, []int{-1}, nil}, "negative"},
		"65 dimensions":      {Array{Uint8, make([]int, 65), nil}, "at most 64"},
	} {
		var buf bytes.Buffer
		if err := Write(&buf, c.array); err == nil || !strings.Contains(err.Error(), c.want) || buf.Len() != 0 {
			t.Errorf("%s: error %v after %d bytes, want one with %q", name, err, buf.Len(), c.want)
		}
	}
	if math.MaxInt > math.MaxUint32 {
		tooLong := int64(math.MaxUint32 + 1)
		if err := Write(io.Discard, Array{Uint8, []int{0, int(tooLong)}, nil}); err == nil || !strings.Contains(err.Error(), "cannot hold a dimension") {
			t.Errorf("a dimension beyond 32 bits: %v", err)
		}
	}
	for _, n := range []int{0, 8, 100} {
		for _, dtype := range []DType{Uint8, Int32} {
			a := Array{dtype, []int{100_000}, make([]byte, 100_000*dtype.Size())}
			if err := Write(&failingWriter{n}, a); !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("a writer that fails after %d bytes: %v", n, err)
			}
		}
	}
}

// failingWriter fails after n bytes.
type failingWriter struct{ n int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.n -= len(p); w.n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestNamesOfTypes(t *testing.T) {
	for dtype, want := range map[DType]string{Uint8: "uint8", Int8: "int8", Int16: "int16", Int32: "int32", Float32: "float32", Float64: "float64", 0: "unknown type 0x00"} {
		if dtype.String() != want {
			t.Errorf("type 0x%02x is named %s, want %s", byte(dtype), dtype, want)
		}
	}
}

func TestRandomArraysRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dtype := rapid.SampledFrom([]DType{Uint8, Int8, Int16, Int32, Float32, Float64}).Draw(t, "dtype")
		shape := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 5).Draw(t, "shape")
		n := dtype.Size()
		for _, dim := range shape {
			n *= dim
		}
		want := Array{dtype, shape, rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "data")}
		var buf bytes.Buffer
		if err := Write(&buf, want); err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(buf.Bytes()); err != nil || !same(got, want) {
			t.Fatalf("read %v, %v; wrote %v", got, err, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, c := range valid {
		f.Add([]byte(c.file))
		f.Add(compress(f, []byte(c.file)))
	}
	for _, c := range hostile {
		f.Add([]byte(c.file))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Decode(b)
		if err != nil {
			return
		}
		var buf bytes.Buffer
		if err := Write(&buf, a); err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		// The format has one form only, so what was not compressed comes back.
		if binary.BigEndian.Uint16(b) == 0 && !bytes.Equal(buf.Bytes(), b) {
			t.Fatalf("written again, %q became %q", b, buf.Bytes())
		}
		if again, err := Decode(buf.Bytes()); err != nil || !same(again, a) {
			t.Fatalf("reading what was written gives %v, %v; want %v", again, err, a)
		}
	})
}
