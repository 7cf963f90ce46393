package bounded

import (
	"bytes"
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

func TestSize(t *testing.T) {
	const big = math.MaxInt
	cases := []struct {
		shape []int
		bits  int
		want  int
		fails string
	}{
		{nil, 32, 4, ""},
		{[]int{2, 3}, 32, 24, ""},
		{[]int{2, 0, 3}, 64, 0, ""},
		{[]int{2, 3}, 4, 3, ""},
		{[]int{3}, 4, 0, "does not fill whole bytes"},
		{[]int{0}, 6, 0, ""},
		{[]int{-1}, 8, 0, "negative"},
		{[]int{big}, 8, 0, "overflows"},
		{[]int{big, big}, 8, 0, "overflows"},
		{[]int{big, 2}, 64, 0, "overflows"},
		{[]int{0, big, big}, 8, 0, "overflows"},
		{[]int{big / 8}, 8, big / 8, ""},
		{make([]int, MaxRank), 8, 0, ""},
		{make([]int, MaxRank+1), 8, 0, "dimensions"},
	}
	for _, c := range cases {
		got, err := Size(c.shape, c.bits)
		switch {
		case c.fails == "" && (err != nil || got != c.want):
			t.Errorf("Size(%v, %d) = %d, %v; want %d", c.shape, c.bits, got, err, c.want)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("Size(%v, %d) = %d, %v; want an error with %q", c.shape, c.bits, got, err, c.fails)
		}
	}
}

func TestReadReturnsWhatArrives(t *testing.T) {
	for _, n := range []int{0, 1, firstRead - 1, firstRead, firstRead + 1, 5*firstRead + 3} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i * 7)
		}
		source := bytes.NewReader(append(slices.Clone(want), "tail"...))
		got, err := Read(iotest.OneByteReader(source), n)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Read of %d bytes returned %d, %v", n, len(got), err)
		}
		if source.Len() != len("tail") {
			t.Errorf("Read of %d bytes left %d, want the 4 of the tail", n, source.Len())
		}
	}
}

func TestReadReportsAShortSource(t *testing.T) {
	for _, have := range []int{0, 1, firstRead, 3 * firstRead} {
		if _, err := Read(bytes.NewReader(make([]byte, have)), have+1); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Read of one byte more than %d: %v", have, err)
		}
	}
	oops := errors.New("oops")
	if _, err := Read(iotest.ErrReader(oops), 1); !errors.Is(err, oops) {
		t.Errorf("Read hides the error of its source: %v", err)
	}
}

func TestReadTakesNoMemoryOnTrust(t *testing.T) {
	source := bytes.NewReader(make([]byte, 1000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(source, math.MaxInt)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("error %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4*firstRead {
		t.Errorf("1000 bytes that promise more took %d bytes of memory", took)
	}
}

func TestMaxExpansion(t *testing.T) {
	if got := MaxExpansion(0); got != 16<<20 {
		t.Errorf("nothing may expand to %d", got)
	}
	if got := MaxExpansion(1 << 20); got != 116<<20 {
		t.Errorf("1 MiB may expand to %d", got)
	}
	if got := MaxExpansion(math.MaxInt64); got != math.MaxInt64 {
		t.Errorf("the limit overflows to %d", got)
	}
}

func TestCheckBool(t *testing.T) {
	if err := CheckBool([]byte{0, 1, 1, 0}); err != nil {
		t.Error(err)
	}
	if err := CheckBool([]byte{0, 1, 2}); err == nil || !strings.Contains(err.Error(), "element 2") {
		t.Errorf("a byte of 2: %v", err)
	}
}

func TestSwapBytes(t *testing.T) {
	for size, want := range map[int]string{1: "abcdefgh", 2: "badcfehg", 4: "dcbahgfe", 8: "hgfedcba"} {
		got := []byte("abcdefgh")
		SwapBytes(got, size)
		if string(got) != want {
			t.Errorf("swapped by %d: %s, want %s", size, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "size")
		data := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "data")
		data = data[:len(data)/size*size]
		twice := slices.Clone(data)
		SwapBytes(twice, size)
		SwapBytes(twice, size)
		if !bytes.Equal(twice, data) {
			t.Fatalf("swapped twice by %d, %v became %v", size, data, twice)
		}
	})
}

func TestIntegersArePlainDigits(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "7]": 7, "9223372036854775807,": math.MaxInt64, "12L": 12} {
		if n, end, err := Integer("x"+text, 1); err != nil || n != want || end != 1+len(strings.TrimRight(text, "],L")) {
			t.Errorf("%q gave %d, up to %d, %v", text, n, end, err)
		}
	}
	for _, text := range []string{"", "-1", "+1", "01", "00", " 1", "x", "9223372036854775808", "99999999999999999999999"} {
		if n, _, err := Integer([]byte(text), 0); err == nil {
			t.Errorf("%q gave %d", text, n)
		}
	}
}

func TestOpenNamesTheFileThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	size, f, err := Open(path, func(r io.ReaderAt, size int64) (int64, error) { return size, nil })
	if err != nil || size != 5 {
		t.Fatal(size, err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("the file was not open: %v", err)
	}
	_, f, err = Open(path, func(io.ReaderAt, int64) (int, error) { return 1, errors.New("odd") })
	if f != nil || err == nil || err.Error() != path+": odd" {
		t.Errorf("what cannot be read gave %v, %v", f, err)
	}
	if _, _, err = Open(path+"er", func(io.ReaderAt, int64) (int, error) { return 1, nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gave %v", err)
	}
}
