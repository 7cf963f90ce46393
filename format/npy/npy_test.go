package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
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

const fixtures = "../testdata/npy/"

// raw makes a file of version 1 from a header and data.
func raw(header, data string) []byte {
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(b, header+data...)
}

// header is the text of a header with the given values.
func header(descr, fortran, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
}

func same(a, b Array) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
}

// counting returns the array whose element i is i, as the fixtures have it.
func counting(dtype DType, shape ...int) Array {
	n := 1
	for _, dim := range shape {
		n *= dim
	}
	a := Array{DType: dtype, Shape: shape, Data: []byte{}}
	for i := range n {
		switch dtype {
		case Bool:
			a.Data = append(a.Data, byte(i%2))
		case Int8, Uint8:
			a.Data = append(a.Data, byte(i))
		case Int16, Uint16:
			a.Data = binary.LittleEndian.AppendUint16(a.Data, uint16(i))
		case Int32, Uint32:
			a.Data = binary.LittleEndian.AppendUint32(a.Data, uint32(i))
		case Int64, Uint64:
			a.Data = binary.LittleEndian.AppendUint64(a.Data, uint64(i))
		case Float16: // 0 to 5
			a.Data = binary.LittleEndian.AppendUint16(a.Data, []uint16{0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500}[i])
		case Float32:
			a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(i)))
		case Float64:
			a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(float64(i)))
		}
	}
	return a
}

var numeric = []DType{Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float16, Float32, Float64}

// The fixtures were made by NumPy. Where it wrote version 1, little-endian
// and in C order, Write makes the same bytes.
func TestFilesOfNumPy(t *testing.T) {
	type fixture struct {
		name      string
		want      Array
		identical bool
	}
	cases := []fixture{
		{"b1", counting(Bool, 2, 3), true},
		{"scalar", counting(Float32), true},
		{"empty", counting(Float32, 2, 0, 3), true},
		{"vector", counting(Float64, 5), true},
		{"fortran", counting(Float32, 2, 3, 4), false},
		{"fortran-big-endian", counting(Float32, 2, 3, 4), false},
		{"version2", counting(Float32, 2, 3), false},
		{"version3", counting(Float32, 2, 3), false},
	}
	for _, dtype := range numeric {
		cases = append(cases,
			fixture{string(dtype), counting(dtype, 2, 3), true},
			fixture{string(dtype) + "-big-endian", counting(dtype, 2, 3), dtype.Size() == 1})
	}
	for _, c := range cases {
		path := fixtures + c.name + ".npy"
		got, err := ReadFile(path)
		if err != nil || !same(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
			continue
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var written bytes.Buffer
		if err := Write(&written, got); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(written.Bytes(), file) != c.identical {
			t.Errorf("%s: NumPy wrote\n%q\nand Write\n%q", c.name, file, written.Bytes())
		}
	}
}

func TestFilesOfNumPyThatAreRefused(t *testing.T) {
	for name, want := range map[string]string{
		"complex": `"<c8" is not supported`,
		"string":  `"<U1" is not supported`,
		"object":  "pickle",
		"record":  "records",
	} {
		_, err := ReadFile(fixtures + "refused-" + name + ".npy")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
}

func TestReadHeader(t *testing.T) {
	file, err := os.Open(fixtures + "fortran-big-endian.npy")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	h, err := ReadHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	if h.Version != 1 || h.DType != Float32 || !h.BigEndian || !h.FortranOrder || h.Size != 96 || !slices.Equal(h.Shape, []int{2, 3, 4}) {
		t.Errorf("header is %+v", h)
	}
	if rest, err := io.ReadAll(file); err != nil || len(rest) != h.Size {
		t.Errorf("%d bytes follow the header (%v), want its %d", len(rest), err, h.Size)
	}
	if _, err := ReadHeader(strings.NewReader("no")); err == nil {
		t.Error("a header of two bytes was read")
	}
}

func TestArraysOneAfterTheOther(t *testing.T) {
	var stream bytes.Buffer
	want := []Array{counting(Float32, 3), counting(Uint8, 2, 2), counting(Int64)}
	for _, a := range want {
		if err := Write(&stream, a); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Decode(stream.Bytes()); err == nil || !strings.Contains(err.Error(), "more bytes follow") {
		t.Errorf("Decode of three arrays: %v", err)
	}
	for _, w := range want {
		if got, err := Read(&stream); err != nil || !same(got, w) {
			t.Errorf("read %v, %v; want %v", got, err, w)
		}
	}
}

// hostile lists files that must be refused, and a part of the reason.
var hostile = []struct {
	name string
	file []byte
	want string
}{
	{"empty", nil, "truncated"},
	{"other magic", []byte("\x93NUMPX\x01\x00aa"), "NUMPY"},
	{"version 0", []byte(magic + "\x00\x00aa"), "version 0.0"},
	{"version 4", []byte(magic + "\x04\x00aa"), "version 4.0"},
	{"version 1.1", []byte(magic + "\x01\x01aa"), "version 1.1"},
	{"no length", []byte(magic + "\x01\x00"), "truncated"},
	{"huge header", []byte(magic + "\x02\x00\xff\xff\xff\xff"), "at most 65535"},
	{"header cut off", []byte(magic + "\x01\x00\xff\x00{"), "truncated"},
	{"not UTF-8", raw("\xff\xfe", ""), "UTF-8"},
	{"no dictionary", raw("", ""), `"{" is needed`},
	{"empty dictionary", raw("{}", ""), "are needed"},
	{"not closed", raw("{'descr': '<f4'", ""), `"," is needed`},
	{"no comma", raw("{'descr': '<f4' 'shape': ()}", ""), `"," is needed`},
	{"no colon", raw("{'descr' '<f4'}", ""), `":" is needed`},
	{"key twice", raw("{'descr': '<f4', 'descr': '<f4'}", ""), "twice"},
	{"unknown key", raw("{'magic': 1}", ""), `unknown key "magic"`},
	{"key of a number", raw("{1: 1}", ""), "string is needed"},
	{"key not closed", raw("{'descr: 1}", ""), "does not end"},
	{"escape", raw(`{'de\x73cr': '<f4'}`, ""), "escapes"},
	{"descr empty", raw(header("''", "False", "()"), "aaaa"), "descr is empty"},
	{"descr of a number", raw(header("4", "False", "()"), "aaaa"), "string is needed"},
	{"native order", raw(header("'=f4'", "False", "()"), "aaaa"), "byte order"},
	{"no order", raw(header("'|f4'", "False", "()"), "aaaa"), "byte order"},
	{"f16", raw(header("'<f16'", "False", "()"), "aaaa"), "not supported"},
	{"code in descr", raw(header("__import__('os')", "False", "()"), "aaaa"), "string is needed"},
	{"fortran of a number", raw(header("'<f4'", "1", "()"), "aaaa"), "neither True nor False"},
	{"shape of a number", raw(header("'<f4'", "False", "1"), "aaaa"), `"(" is needed`},
	{"shape of a list", raw(header("'<f4'", "False", "[1]"), "aaaa"), `"(" is needed`},
	{"shape in brackets only", raw(header("'<f4'", "False", "(1)"), "aaaa"), "(n,)"},
	{"shape without commas", raw(header("'<f4'", "False", "(1 1)"), "aaaa"), "comma"},
	{"shape of a comma", raw(header("'<f4'", "False", "(,)"), "aaaa"), "integer"},
	{"shape nested", raw(header("'<f4'", "False", "((1,),)"), "aaaa"), "integer"},
	{"negative", raw(header("'<f4'", "False", "(-1,)"), "aaaa"), "integer"},
	{"leading zero", raw(header("'<f4'", "False", "(01,)"), "aaaa"), "integer"},
	{"too large", raw(header("'<f4'", "False", "(99999999999999999999,)"), "aaaa"), "too large"},
	{"overflow", raw(header("'<f4'", "False", "(4294967296, 4294967296)"), "aaaa"), "overflows"},
	{"65 dimensions", raw(header("'<f4'", "False", "("+strings.Repeat("1, ", 65)+")"), "aaaa"), "more than 64"},
	{"data cut off", raw(header("'<f4'", "False", "(2,)"), "aaaa"), "truncated"},
	{"huge data", raw(header("'<f4'", "False", "(1000000000000,)"), "aaaa"), "truncated"},
	{"data too long", raw(header("'<f4'", "False", "(1,)"), "aaaab"), "more bytes follow"},
	{"text behind the dictionary", raw("{'descr': '<f4', 'fortran_order': False, 'shape': ()} + 1\n", "aaaa"), "nothing but spaces"},
	{"bool of 2", raw(header("'|b1'", "False", "(2,)"), "\x01\x02"), "element 1"},
	{"nesting", raw(strings.Repeat("{'shape': (", 5000), ""), "integer"},
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, c := range hostile {
		if _, err := Decode(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestUnusualButValidHeaders(t *testing.T) {
	for name, file := range map[string][]byte{
		"no trailing comma":    raw("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}", "aaaa"),
		"other order of keys":  raw("{'shape': (1, 1), 'fortran_order': True, 'descr': '<f4'}\n", "aaaa"),
		"double quotes":        raw("{\"shape\": (1, 1), \"fortran_order\": False, \"descr\": \"<f4\"}\n", "aaaa"),
		"no spaces":            raw("{'shape':(1,1),'fortran_order':False,'descr':'<f4'}\n", "aaaa"),
		"Python 2":             raw("{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 1L), }\n", "aaaa"),
		"comma after the last": raw("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1,), }\n", "aaaa"),
	} {
		want := Array{Float32, []int{1, 1}, []byte("aaaa")}
		if got, err := Decode(file); err != nil || !same(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWriteRefusesWhatNobodyCouldRead(t *testing.T) {
	for name, c := range map[string]struct {
		array Array
		want  string
	}{
		"unknown type":       {Array{DType: "f16"}, "unknown dtype"},
		"data too short":     {Array{Float32, []int{2}, make([]byte, 4)}, "takes 8 bytes"},
		"negative dimension": {Array{Float32, []int{-1}, nil}, "negative"},
		"bool of 3":          {Array{Bool, []int{1}, []byte{3}}, "element 0"},
	} {
		var buf bytes.Buffer
		if err := Write(&buf, c.array); err == nil || !strings.Contains(err.Error(), c.want) || buf.Len() != 0 {
			t.Errorf("%s: error %v after %d bytes, want one with %q", name, err, buf.Len(), c.want)
		}
		err := WriteNPZ(&buf, []Entry{{"x", c.array}}, Stored)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%s in an archive: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestErrorsOfReaderAndWriterAreReported(t *testing.T) {
	oops := errors.New("oops")
	file, err := os.ReadFile(fixtures + "f4.npy")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 8, 50, 140, len(file)} {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(oops))
		if _, err := readWhole(r); !errors.Is(err, oops) {
			t.Errorf("a disk that breaks after %d bytes: %v", n, err)
		}
	}
	for _, n := range []int64{0, 130} {
		if err := Write(&failingWriter{n}, counting(Float32, 2, 3)); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("a writer that fails after %d bytes: %v", n, err)
		}
	}
	folder := t.TempDir()
	if _, err := ReadFile(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ReadFile(folder); err == nil {
		t.Error("a folder was read")
	}
}

// failingWriter fails after n bytes.
type failingWriter struct{ n int64 }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.n -= int64(len(p)); w.n < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestMemoryIsASmallMultipleOfTheInput(t *testing.T) {
	for _, shape := range []string{"(1000000000000,)", "(1, 1, 1000000, 1000000)"} {
		file := raw(header("'<f4'", "True", shape), strings.Repeat("aaaa", 100_000))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(file)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s was read", shape)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(5*len(file)) {
			t.Errorf("%s: %d bytes took %d of memory", shape, len(file), took)
		}
	}
}

func TestRandomArraysRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dtype := rapid.SampledFrom(numeric).Draw(t, "dtype")
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
		if (buf.Len()-n)%alignment != 0 {
			t.Fatalf("the data begins at byte %d, which is not aligned", buf.Len()-n)
		}
		got, err := Decode(buf.Bytes())
		if err != nil || !same(got, want) {
			t.Fatalf("read %v, %v; wrote %v", got, err, want)
		}
	})
}

// Element (i, j, k, ...) of an array in Fortran order stands at
// i + j*shape[0] + k*shape[0]*shape[1] + ...
func TestFortranOrderByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SliceOfN(rapid.IntRange(1, 4), 0, 4).Draw(t, "shape")
		n := 1
		for _, dim := range shape {
			n *= dim
		}
		fortran, want := make([]byte, 2*n), make([]byte, 2*n)
		for c := range n { // c is the place in C order
			place, step := 0, n
			rest := c
			for axis := len(shape) - 1; axis >= 0; axis-- {
				step /= shape[axis]
				place += rest % shape[axis] * step
				rest /= shape[axis]
			}
			binary.LittleEndian.PutUint16(want[2*c:], uint16(c))
			binary.LittleEndian.PutUint16(fortran[2*place:], uint16(c))
		}
		if got := fromFortran(fortran, shape, 2); !bytes.Equal(got, want) {
			t.Fatalf("shape %v: %v, want %v", shape, got, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, c := range hostile {
		if len(c.file) < 1000 {
			f.Add(c.file)
		}
	}
	paths, err := filepath.Glob(fixtures + "*.npy")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
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
		if again, err := Decode(buf.Bytes()); err != nil || !same(again, a) {
			t.Fatalf("reading what was written gives %v, %v; want %v", again, err, a)
		}
	})
}
