package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
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

// raw joins a header and data into a file.
func raw(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// sample has most of what a file may have.
func sample() File {
	return File{
		Metadata: map[string]string{"format": "pt", "epoch": "3"},
		Tensors: []Tensor{
			{Name: "b", DType: U8, Shape: []int{3}, Data: []byte{1, 2, 3}},
			{Name: "layer.weight", DType: F32, Shape: []int{2, 1}, Data: []byte("weights!")},
			{Name: "a", DType: U8, Shape: []int{1}, Data: []byte{9}},
			{Name: "none", DType: F64, Shape: []int{0, 5}, Data: []byte{}},
			{Name: "scalar", DType: I16, Shape: []int{}, Data: []byte{7, 0}},
			{Name: "mask", DType: Bool, Shape: []int{2}, Data: []byte{0, 1}},
		},
	}
}

func encode(t testing.TB, f File) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, f); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// sameTensors says whether two lists hold the same tensors in the same order.
func sameTensors(a, b []Tensor) bool {
	return slices.EqualFunc(a, b, func(a, b Tensor) bool {
		return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
	})
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := WriteFile(path, want); err != nil {
		t.Fatal(err)
	}
	decoded, err := Decode(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	fromFile, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Falling alignment, then name.
	slices.SortFunc(want.Tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(want.Tensors, func(a, b Tensor) int { return b.DType.rank() - a.DType.rank() })
	for _, got := range []File{decoded, fromFile} {
		if !sameTensors(got.Tensors, want.Tensors) {
			t.Errorf("tensors are %v, want %v", got.Tensors, want.Tensors)
		}
		if !maps.Equal(got.Metadata, want.Metadata) {
			t.Errorf("metadata is %v, want %v", got.Metadata, want.Metadata)
		}
	}
}

func TestWriteIsDeterministicAndAligned(t *testing.T) {
	want := encode(t, sample())
	shuffled := sample()
	for range 20 {
		slices.Reverse(shuffled.Tensors)
		shuffled.Tensors = append(shuffled.Tensors[1:], shuffled.Tensors[0])
		if got := encode(t, shuffled); !bytes.Equal(got, want) {
			t.Fatalf("another order of tensors made other bytes:\n%q\n%q", got, want)
		}
	}
	if length := binary.LittleEndian.Uint64(want); length%8 != 0 {
		t.Errorf("the header has %d bytes, no multiple of 8", length)
	}
}

func TestWriteDoesNotChangeItsArgument(t *testing.T) {
	f := sample()
	encode(t, f)
	if !sameTensors(f.Tensors, sample().Tensors) {
		t.Error("Write reordered the tensors of its caller")
	}
}

// The files in testdata were made by the reference implementation.
func TestFilesOfTheReferenceImplementation(t *testing.T) {
	paths, err := filepath.Glob("../testdata/safetensors/*.safetensors")
	if err != nil || len(paths) != 3 {
		t.Fatalf("found %v, %v; want three files", paths, err)
	}
	for _, path := range paths {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got := encode(t, f); !bytes.Equal(got, want) {
			t.Errorf("%s: written again it differs:\n%q\n%q", path, got, want)
		}
	}
}

func TestValuesOfTheReferenceImplementation(t *testing.T) {
	f, err := ReadFile("../testdata/safetensors/numpy.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f32, ok := f.Lookup("layer.f4")
	if !ok || f32.DType != F32 || !slices.Equal(f32.Shape, []int{2, 3}) {
		t.Fatalf("layer.f4 is %v", f32)
	}
	for i := range 6 {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(f32.Data[4*i:])); got != float32(i) {
			t.Errorf("element %d of layer.f4 is %v", i, got)
		}
	}
	if mask, ok := f.Lookup("layer.bool"); !ok || !bytes.Equal(mask.Data, []byte{0, 1, 0, 1, 0, 1}) {
		t.Errorf("layer.bool is %v", mask)
	}
	if f.Metadata["format"] != "np" {
		t.Errorf("metadata is %v", f.Metadata)
	}
	if scalar, ok := f.Lookup("scalar"); !ok || scalar.Shape == nil || len(scalar.Shape) != 0 {
		t.Errorf("the shape of the scalar is %#v, want an empty one", scalar.Shape)
	}
	if _, ok := f.Lookup("missing"); ok {
		t.Error("found a tensor that is not there")
	}
}

func TestReaderReadsOnDemand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := WriteFile(path, sample()); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Tensors[0].Name != "none" || r.Metadata["epoch"] != "3" {
		t.Errorf("header is %v, %v", r.Tensors, r.Metadata)
	}
	got, err := r.Tensor("layer.weight")
	if err != nil || string(got.Data) != "weights!" {
		t.Errorf("layer.weight is %v, %v", got, err)
	}
	if _, err := r.Tensor("missing"); err == nil || !strings.Contains(err.Error(), `"missing"`) {
		t.Errorf("a missing tensor: %v", err)
	}
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tensor("mask"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that shrank: %v", err)
	}
	if _, err := r.file(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that shrank: %v", err)
	}
}

func TestDecodeAliasesWithoutOverreach(t *testing.T) {
	b := encode(t, sample())
	f, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := f.Lookup("layer.weight")
	first.Data[0] = 'W'
	if !bytes.Contains(b, []byte("Weights!")) {
		t.Error("Decode copied the data")
	}
	if cap(first.Data) != len(first.Data) {
		t.Error("an append to one tensor would overwrite the next")
	}
}

// hostile lists files that must be refused, and a part of the reason.
var hostile = []struct {
	name string
	file []byte
	want string
}{
	{"empty", nil, "too few"},
	{"seven bytes", make([]byte, 7), "too few"},
	{"length beyond the file", binary.LittleEndian.AppendUint64(nil, 10), "truncated"},
	{"length beyond the limit", binary.LittleEndian.AppendUint64(nil, MaxHeader+1), "at most 100000000"},
	{"length of all ones", bytes.Repeat([]byte{255}, 8), "at most"},
	{"no header", raw("", ""), "begin with '{'"},
	{"leading space", raw(" {}", ""), "begin with '{'"},
	{"array", raw("[]", ""), "begin with '{'"},
	{"not closed", raw("{", ""), "the header ends"},
	{"padding of newlines", raw("{}\n", ""), "follows"},
	{"text behind", raw("{} x", ""), "follows"},
	{"second object", raw("{}{}", ""), "follows"},
	{"not UTF-8", raw("{\"\xff\":{}}", ""), "UTF-8"},
	{"data without tensors", raw("{}", "x"), "the file holds 1"},
	{"trailing comma", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},}`, ""), `'"' is needed`},
	{"missing colon", raw(`{"a" 1}`, ""), "':' is needed"},
	{"missing comma", raw(`{"__metadata__":{} "b":1}`, ""), "',' is needed"},
	{"number for a tensor", raw(`{"a":1}`, ""), "'{' is needed"},
	{"null for a tensor", raw(`{"a":null}`, ""), "'{' is needed"},
	{"empty tensor object", raw(`{"a":{}}`, ""), "are needed"},
	{"no dtype", raw(`{"a":{"shape":[],"data_offsets":[0,0]}}`, ""), "are needed"},
	{"no shape", raw(`{"a":{"dtype":"U8","data_offsets":[0,0]}}`, ""), "are needed"},
	{"no offsets", raw(`{"a":{"dtype":"U8","shape":[0]}}`, ""), "are needed"},
	{"unknown dtype", raw(`{"a":{"dtype":"F128","shape":[0],"data_offsets":[0,0]}}`, ""), `unknown dtype "F128"`},
	{"lower-case dtype", raw(`{"a":{"dtype":"f32","shape":[0],"data_offsets":[0,0]}}`, ""), "unknown dtype"},
	{"dtype is a number", raw(`{"a":{"dtype":1,"shape":[0],"data_offsets":[0,0]}}`, ""), "is needed"},
	{"unknown field", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}`, ""), `unknown field "x"`},
	{"dtype twice", raw(`{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
	{"shape twice", raw(`{"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
	{"offsets twice", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"data_offsets":[0,0]}}`, ""), "twice"},
	{"name twice", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
	{"name twice, once escaped", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
	{"metadata twice", raw(`{"__metadata__":{},"__metadata__":{}}`, ""), "twice"},
	{"metadata key twice", raw(`{"__metadata__":{"a":"","a":""}}`, ""), "twice"},
	{"metadata of a number", raw(`{"__metadata__":{"a":1}}`, ""), "is needed"},
	{"metadata nested", raw(`{"__metadata__":{"a":{"b":"c"}}}`, ""), "is needed"},
	{"negative dimension", raw(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}`, ""), "non-negative integer"},
	{"fraction", raw(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, "x"), "',' is needed"},
	{"exponent", raw(`{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}`, "x"), "',' is needed"},
	{"leading zero", raw(`{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}`, "x"), "plain digits"},
	{"number too large", raw(`{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}`, "x"), "too large"},
	{"shape overflows", raw(`{"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ""), "overflows"},
	{"shape overflows behind a zero", raw(`{"a":{"dtype":"F64","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`, ""), "overflows"},
	{"shape of strings", raw(`{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, "x"), "integer"},
	{"shape nested", raw(`{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}`, "x"), "integer"},
	{"shape not closed", raw(`{"a":{"dtype":"U8","shape":[1`, "x"), "is needed"},
	{"shape is no list", raw(`{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}`, "x"), "'[' is needed"},
	{"65 dimensions", raw(`{"a":{"dtype":"U8","shape":[1`+strings.Repeat(",1", 64)+`],"data_offsets":[0,1]}}`, "x"), "more than 64"},
	{"one offset", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}}`, ""), "a begin and an end"},
	{"three offsets", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}`, ""), "more than 2"},
	{"offsets backwards", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, "x"), "a begin and an end"},
	{"offsets span too little", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}`, "x"), "takes 2 bytes"},
	{"offsets span too much", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}}`, "xx"), "takes 1 bytes"},
	{"beyond the end", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "x"), "truncated"},
	{"huge but consistent", raw(`{"a":{"dtype":"U8","shape":[1000000000000],"data_offsets":[0,1000000000000]}}`, "x"), "truncated"},
	{"hole at the start", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "xx"), "hole"},
	{"hole in the middle", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "xxx"), "hole"},
	{"left over", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "xx"), "the file holds 2"},
	{"overlap", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "xxx"), "inside the tensor before"},
	{"same bytes twice", raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "xx"), "inside the tensor before"},
	{"empty tensor beyond the end", raw(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[5,5]}}`, ""), "hole"},
	{"half a byte", raw(`{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}`, "x"), "whole bytes"},
	{"bool of 2", raw(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "\x02"), "only 0 (false) and 1 (true)"},
	{"control character", raw("{\"a\x01\":{}}", ""), "control character"},
	{"string not closed", raw(`{"a`, ""), "does not end"},
	{"string ends in a backslash", raw(`{"a\`, ""), "does not end"},
	{"bad escape", raw(`{"\q":{}}`, ""), "invalid escape"},
	{"deep nesting", raw(strings.Repeat(`{"a":`, 100_000), ""), `unknown field "a"`}, // refused at the second level
	{"deep nesting of lists", raw(`{"a":{"shape":`+strings.Repeat("[", 100_000), ""), "integer"},
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if _, err := Read(bytes.NewReader(c.file), int64(len(c.file))); err == nil {
				t.Error("Read accepts what Decode refuses")
			}
		})
	}
}

func TestErrorsStayShort(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, header := range []string{
		`{"` + long + `":{"` + long + `":1}}`,
		`{"` + long + `":{"dtype":"` + long + `","shape":[],"data_offsets":[0,0]}}`,
		`{"__metadata__":{"` + long + `":1}}`,
		`{"__metadata__":{"` + long + `":"","` + long + `":""}}`,
		`{"` + long + `":{"dtype":"U8","shape":[],"data_offsets":[0,0]}}`,
		`{"` + long + `":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`,
	} {
		if _, err := Decode(raw(header, "")); err == nil || len(err.Error()) > 500 {
			t.Errorf("the error for %.60s... has %d bytes", header, len(err.Error()))
		}
	}
}

func TestUnusualButValidFiles(t *testing.T) {
	cases := map[string]struct {
		file []byte
		want []Tensor
	}{
		"no tensors":         {raw("{}", ""), nil},
		"padded with spaces": {raw("{}      ", ""), nil},
		"header order differs": {raw(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "xy"),
			[]Tensor{{"a", U8, []int{1}, []byte("x")}, {"b", U8, []int{1}, []byte("y")}}},
		"empty tensor before a full one": {raw(`{"full":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"none":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, "x"),
			[]Tensor{{"none", U8, []int{0}, nil}, {"full", U8, []int{1}, []byte("x")}}},
		"white space and field order": {raw("{ \"a\" :\n{\t\"data_offsets\": [ 0 , 1 ],\r\n\"shape\": [ ], \"dtype\" : \"I8\" } }", "x"),
			[]Tensor{{"a", I8, nil, []byte("x")}}},
		"escaped name": {raw(`{"\u00e9\n\"\\":{"dtype":"I8","shape":[],"data_offsets":[0,1]}}`, "x"),
			[]Tensor{{"é\n\"\\", I8, nil, []byte("x")}}},
		"four bits": {raw(`{"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]}}`, "xyz"),
			[]Tensor{{"a", F4, []int{3, 2}, []byte("xyz")}}},
	}
	for name, c := range cases {
		f, err := Decode(c.file)
		if err != nil || !sameTensors(f.Tensors, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, f.Tensors, err, c.want)
		}
	}
}

func TestWriteRefusesWhatNobodyCouldRead(t *testing.T) {
	one := Tensor{Name: "a", DType: U8, Shape: []int{1}, Data: []byte{1}}
	cases := []struct {
		name string
		file File
		want string
	}{
		{"name twice", File{Tensors: []Tensor{one, one}}, "already taken"},
		{"reserved name", File{Tensors: []Tensor{{Name: "__metadata__", DType: U8}}}, "already taken"},
		{"unknown dtype", File{Tensors: []Tensor{{Name: "a", DType: "X"}}}, "unknown dtype"},
		{"data too short", File{Tensors: []Tensor{{Name: "a", DType: F32, Shape: []int{2}, Data: make([]byte, 4)}}}, "takes 8 bytes"},
		{"negative dimension", File{Tensors: []Tensor{{Name: "a", DType: F32, Shape: []int{-2}}}}, "negative"},
		{"bool of 3", File{Tensors: []Tensor{{Name: "a", DType: Bool, Shape: []int{1}, Data: []byte{3}}}}, "element 0"},
		{"name not UTF-8", File{Tensors: []Tensor{{Name: "\xff", DType: U8, Shape: []int{1}, Data: []byte{1}}}}, "UTF-8"},
		{"metadata key not UTF-8", File{Metadata: map[string]string{"\xff": ""}}, "UTF-8"},
		{"metadata not UTF-8", File{Metadata: map[string]string{"a": "\xff"}}, "UTF-8"},
		{"metadata too long", File{Metadata: map[string]string{"a": strings.Repeat("x", MaxHeader+1)}}, "use fewer tensors"},
	}
	for _, c := range cases {
		var buf bytes.Buffer
		if err := Write(&buf, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if buf.Len() != 0 {
			t.Errorf("%s: %d bytes were written before the error", c.name, buf.Len())
		}
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := WriteFile(path, sample()); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, File{Tensors: []Tensor{{Name: "a", DType: "X"}}}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
	if f, err := ReadFile(path); err != nil || len(f.Tensors) != len(sample().Tensors) {
		t.Errorf("the old file is gone: %v, %v", f, err)
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

func TestWriteReportsTheErrorOfItsWriter(t *testing.T) {
	for _, n := range []int{0, len(encode(t, sample())) - 1} {
		if err := Write(&failingWriter{n}, sample()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestErrorsOfTheSourceAreReported(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ReadFile(folder); err == nil {
		t.Error("a folder was read")
	}
	path := filepath.Join(folder, "bad.safetensors")
	if err := os.WriteFile(path, raw(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "\x02"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
	oops := errors.New("oops")
	if _, err := NewReader(readerAt{iotest.ErrReader(oops)}, 100); !errors.Is(err, oops) {
		t.Errorf("a broken disk: %v", err)
	}
	good := encode(t, sample())
	if _, err := NewReader(bytes.NewReader(good[:20]), int64(len(good))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a size that is too large: %v", err)
	}
	if r, err := NewReader(bytes.NewReader(good), int64(len(good))); err != nil || r.Close() != nil {
		t.Errorf("a reader without a file: %v", err)
	}
}

// readerAt reads from a stream wherever it is asked to.
type readerAt struct{ io.Reader }

func (r readerAt) ReadAt(p []byte, _ int64) (int, error) { return r.Read(p) }

func TestDTypeBits(t *testing.T) {
	for dtype, want := range map[DType]int{Bool: 8, F4: 4, F6E2M3: 6, F8E4M3: 8, BF16: 16, F32: 32, C64: 64, U64: 64, "F128": 0, "": 0} {
		if got := dtype.Bits(); got != want {
			t.Errorf("%q has %d bits, want %d", dtype, got, want)
		}
	}
}

// A header is the only part of a file that a reader expands in memory.
func TestMemoryIsASmallMultipleOfTheInput(t *testing.T) {
	var many, deepShapes strings.Builder
	many.WriteString(`{"__metadata__":{"":""`)
	for i := range 20_000 {
		fmt.Fprintf(&many, `,"%x":""`, i)
	}
	many.WriteString("}")
	for i := range 5_000 {
		fmt.Fprintf(&many, `,"%x":{"dtype":"U8","shape":[],"data_offsets":[0,0]}`, i)
		fmt.Fprintf(&deepShapes, `,"%x":{"dtype":"U8","shape":[0%s],"data_offsets":[0,0]}`, i, strings.Repeat(",0", 63))
	}
	for name, file := range map[string][]byte{
		"many names":  raw(many.String()+"}", ""),
		"long shapes": raw("{"+deepShapes.String()[1:]+"}", ""),
		"long name":   raw(`{"`+strings.Repeat("x", 1<<20)+`":1}`, ""),
		"escapes":     raw(`{"`+strings.Repeat(`\u0000`, 1<<17)+`":1}`, ""),
		"nesting":     raw(strings.Repeat(`{"":`, 1<<18), ""),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode(file)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(12*len(file)) {
			t.Errorf("%s: %d bytes took %d of memory, %.1f times as many", name, len(file), took, float64(took)/float64(len(file)))
		}
	}
}

func TestRandomFilesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.String().Filter(func(s string) bool { return s != metadataKey }), 0, 6, rapid.ID[string]).Draw(t, "names")
		var want File
		if rapid.Bool().Draw(t, "hasMetadata") {
			want.Metadata = rapid.MapOfN(rapid.String(), rapid.String(), 0, 4).Draw(t, "metadata")
		}
		for _, name := range names {
			dtype := dtypes[rapid.IntRange(0, len(dtypes)-1).Draw(t, "dtype")].dtype
			shape := append(rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape"), 4) // 4 elements of any size fill bytes
			size, err := dtype.size(shape)
			if err != nil {
				t.Fatal(err)
			}
			data := rapid.SliceOfN(rapid.ByteRange(0, 1), size, size).Draw(t, "data")
			want.Tensors = append(want.Tensors, Tensor{name, dtype, shape, data})
		}
		var buf bytes.Buffer
		if err := Write(&buf, want); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if (got.Metadata == nil) != (want.Metadata == nil) || !maps.Equal(got.Metadata, want.Metadata) {
			t.Fatalf("metadata is %v, want %v", got.Metadata, want.Metadata)
		}
		byName := func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(got.Tensors, byName)
		slices.SortFunc(want.Tensors, byName)
		if !sameTensors(got.Tensors, want.Tensors) {
			t.Fatalf("tensors are %v, want %v", got.Tensors, want.Tensors)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, c := range hostile {
		if len(c.file) < 1000 {
			f.Add(c.file)
		}
	}
	f.Add(encode(f, sample()))
	f.Add(raw("{}", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Decode(b)
		fromReader, readErr := Read(bytes.NewReader(b), int64(len(b)))
		if (err == nil) != (readErr == nil) {
			t.Fatalf("Decode says %v, Read says %v", err, readErr)
		}
		if err != nil {
			return
		}
		if !sameTensors(file.Tensors, fromReader.Tensors) {
			t.Fatal("Decode and Read differ")
		}
		// Whatever can be read can be written, and then read as the same.
		var buf bytes.Buffer
		if err := Write(&buf, file); err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		again, err := Decode(buf.Bytes())
		if err != nil {
			t.Fatalf("cannot be read again: %v", err)
		}
		byName := func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(file.Tensors, byName)
		slices.SortFunc(again.Tensors, byName)
		if !sameTensors(file.Tensors, again.Tensors) || !maps.Equal(file.Metadata, again.Metadata) {
			t.Fatal("reading what was written gives something else")
		}
	})
}
