package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/format/npy"
	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/internal/words"
)

func TestEveryElementTypeIsReadRightly(t *testing.T) {
	for _, c := range []struct {
		name string
		read element
		b    []byte
		want float64
	}{
		{"u8", readU8, []byte{200}, 200},
		{"i8", readI8, []byte{0xfe}, -2},
		{"u16", readU16, []byte{0x01, 0x80}, 32769},
		{"i16", readI16, []byte{0xff, 0xff}, -1},
		{"u32", readU32, []byte{0, 0, 0, 0x80}, 1 << 31},
		{"i32", readI32, []byte{0, 0, 0, 0x80}, -1 << 31},
		{"u64", readU64, []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, 1 << 63},
		{"i64", readI64, []byte{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -3},
		{"f32", readF32, []byte{0, 0, 0xc0, 0x3f}, 1.5},
		{"f64", readF64, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0xbf}, -1.5},
		{"bf16", readBF16, []byte{0xc0, 0x3f}, 1.5},
		{"f16", readF16, []byte{0x00, 0xbe}, -1.5},
		{"f16, largest", readF16, []byte{0xff, 0x7b}, 65504},
		{"f16, smallest", readF16, []byte{0x01, 0x00}, math.Ldexp(1, -24)},
		{"f16, infinite", readF16, []byte{0x00, 0xfc}, math.Inf(-1)},
	} {
		if got := c.read(c.b); got != c.want {
			t.Errorf("%s: %v is read as %v, not %v", c.name, c.b, got, c.want)
		}
	}
	if v := readF16([]byte{0x01, 0x7e}); !math.IsNaN(v) {
		t.Errorf("a NaN in half precision is read as %v", v)
	}
}

func TestInspectSumsUpTheValues(t *testing.T) {
	dir := t.TempDir()
	values := []byte{0, 0, 0x80, 0x3f, 0, 0, 0x40, 0x40, 0, 0, 0xc0, 0x7f} // 1, 3, NaN
	tensors := filepath.Join(dir, "a.safetensors")
	if err := safetensors.WriteFile(tensors, safetensors.File{
		Metadata: map[string]string{"made by": "a\x1b[2Jtest"},
		Tensors: []safetensors.Tensor{
			{Name: "weight", DType: safetensors.F32, Shape: []int{3}, Data: values},
			{Name: "empty", DType: safetensors.F32, Shape: []int{0}, Data: nil},
			{Name: "packed", DType: safetensors.F8E4M3, Shape: []int{2}, Data: []byte{1, 2}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	array := npy.Array{DType: npy.Float32, Shape: []int{3, 1}, Data: values}
	one := filepath.Join(dir, "one.npy")
	if err := npy.WriteFile(one, array); err != nil {
		t.Fatal(err)
	}
	many := filepath.Join(dir, "many.npz")
	if err := npy.WriteNPZFile(many, []npy.Entry{{Name: "x", Array: array}, {Name: "y", Array: array}}, npy.Deflated); err != nil {
		t.Fatal(err)
	}
	for path, arrays := range map[string]int{tensors: 3, one: 1, many: 2} {
		in, err := inspect(path, true)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(in.Tensors) != arrays {
			t.Errorf("%s: %d arrays", path, len(in.Tensors))
		}
		found := false
		for _, info := range in.Tensors {
			if s := info.Stats; s != nil && s.Min != nil {
				found = true
				if *s.Min != 1 || *s.Max != 3 || *s.Mean != 2 || s.NotFinite != 1 {
					t.Errorf("%s: %s: %v %v %v %v", path, info.Name, *s.Min, *s.Max, *s.Mean, s.NotFinite)
				}
			}
		}
		if !found {
			t.Errorf("%s: no statistics", path)
		}
	}
	out := mustRun(t, "inspect", tensors, "--stats")
	if !strings.Contains(out, "3 arrays, 5 elements") || strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
}

func TestFiguresAreWrittenForPeople(t *testing.T) {
	for got, want := range map[string]string{
		words.Thousands(0):                "0",
		words.Thousands(999):              "999",
		words.Thousands(-1234567):         "-1,234,567",
		words.Thousands(int64(70000)):     "70,000",
		words.Percent(0.99384):            "99.38%",
		words.Seconds(11.24):              "11.2 s",
		words.Seconds(72):                 "1 min 12 s",
		words.Seconds(2*3600 + 190):       "2 h 3 min",
		words.Bytes(512):                  "512 bytes",
		words.Bytes(int64(170_052_171)):   "170.1 MB",
		words.Bytes(int64(2_500_000_000)): "2.50 GB",
		minutes(0.2):                      "12 s",
		minutes(1.2):                      "1.2 min",
		minutes(25):                       "25 min",
	} {
		if got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}
