package fashionmnist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/format/idx"
)

func write(t *testing.T, dir, name string, a idx.Array) {
	t.Helper()
	if err := idx.WriteFile(filepath.Join(dir, name), a); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	pixels := make([]byte, 3*Side*Side)
	pixels[2*Side*Side+5] = 255
	write(t, dir, "x-images-idx3-ubyte", idx.Array{DType: idx.Uint8, Shape: []int{3, Side, Side}, Data: pixels})
	write(t, dir, "x-labels-idx1-ubyte", idx.Array{DType: idx.Uint8, Shape: []int{3}, Data: []byte{9, 0, 4}})
	images, err := read(dir, "x", 3)
	if err != nil {
		t.Fatal(err)
	}
	if images.Label(2) != 4 || images.Bytes(2)[5] != 255 || images.Classes()[9] != "ankle boot" {
		t.Errorf("label %d, pixel %d", images.Label(2), images.Bytes(2)[5])
	}
	write(t, dir, "x-labels-idx1-ubyte", idx.Array{DType: idx.Uint8, Shape: []int{3}, Data: []byte{9, 0, 10}})
	if _, err := read(dir, "x", 3); err == nil || !strings.Contains(err.Error(), "label 10") || !strings.Contains(err.Error(), "hadal data get fashion-mnist") {
		t.Errorf("a label outside the classes: %v", err)
	}
	for what, damage := range map[string]func(){
		"another number of images": func() {
			write(t, dir, "x-labels-idx1-ubyte", idx.Array{DType: idx.Uint8, Shape: []int{2}, Data: []byte{1, 2}})
		},
		"a truncated file": func() { os.WriteFile(filepath.Join(dir, "x-images-idx3-ubyte"), []byte{0, 0, 8, 3, 0}, 0o644) },
		"a missing file":   func() { os.Remove(filepath.Join(dir, "x-images-idx3-ubyte")) },
	} {
		damage()
		if _, err := read(dir, "x", 3); err == nil {
			t.Errorf("%s gave no error", what)
		}
	}
	t.Setenv("HADAL_DATA", dir)
	if _, _, err := Load(); err == nil || !strings.Contains(err.Error(), "hadal data get fashion-mnist") {
		t.Errorf("a set that is not there: %v", err)
	}
}
