package tensor

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// TestStringIsNumPys compares with what NumPy printed; testdata/make_print.py
// wrote the file.
func TestStringIsNumPys(t *testing.T) {
	text, err := os.ReadFile("testdata/print.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name, DType, Text string
			Shape             []int
			Data              []json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 100 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var d DType
			for k := Float32; k <= Bool; k++ {
				if k.String() == c.DType {
					d = k
				}
			}
			floats, integers := make([]float64, len(c.Data)), make([]int64, len(c.Data))
			for i, raw := range c.Data {
				s := string(raw)
				if unquoted, err := strconv.Unquote(s); err == nil {
					s = unquoted
				}
				if d.IsFloat() || d == Bool {
					floats[i], err = strconv.ParseFloat(s, 64)
				} else {
					integers[i], err = strconv.ParseInt(s, 10, 64)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			x := FromSlice(floats)
			if !d.IsFloat() && d != Bool {
				x = FromSlice(integers)
			}
			if got := x.Reshape(c.Shape...).To(d).String(); got != c.Text {
				t.Errorf("got\n%s\nNumPy prints\n%s", got, c.Text)
			}
		})
	}
}

func TestStringOfViewsAndBFloat16(t *testing.T) {
	x := FromSlice([]float64{1, 2, 3, 4}, 2, 2).T()
	if got, want := x.String(), "[[1. 3.]\n [2. 4.]]"; got != want {
		t.Errorf("a transpose prints as\n%s\nwant\n%s", got, want)
	}
	b := FromSlice([]float32{0.1, 1}).To(BFloat16)
	if got, want := b.String(), "[0.1 1. ]"; got != want {
		t.Errorf("bfloat16 prints as %s, want %s", got, want)
	}
}
