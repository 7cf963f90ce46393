package cifar10

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sheet is a file of n images: image i has label i%10 and pixels of value i.
func sheet(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteByte(byte(i % 10))
		b.Write(bytes.Repeat([]byte{byte(i)}, imageBytes))
	}
	return b.Bytes()
}

func TestReadJoinsFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		os.WriteFile(filepath.Join(dir, name), sheet(12), 0o644)
	}
	images, err := read(dir, 12, "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if images.Len() != 24 || images.Label(13) != 1 || images.Bytes(23)[5] != 11 {
		t.Errorf("%d images, label %d, pixel %d", images.Len(), images.Label(13), images.Bytes(23)[5])
	}
	if s := images.InputShape(); s[0] != 3 || s[1] != Side || s[2] != Side {
		t.Errorf("shape %v", s)
	}
}

func TestBadFilesAreErrors(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := LoadFrom(dir); err == nil || !strings.Contains(err.Error(), "data_batch_1.bin") {
		t.Errorf("an empty folder: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "cut"), sheet(3)[:5000], 0o644)
	if _, err := read(dir, 3, "cut"); err == nil || !strings.Contains(err.Error(), "hadal data get cifar-10") {
		t.Errorf("a truncated file: %v", err)
	}
	bad := sheet(3)
	bad[0] = 10
	os.WriteFile(filepath.Join(dir, "label"), bad, 0o644)
	if _, err := read(dir, 3, "label"); err == nil || !strings.Contains(err.Error(), "label 10") || !strings.Contains(err.Error(), "hadal data get cifar-10") {
		t.Errorf("a label outside the classes: %v", err)
	}
	t.Setenv("HADAL_DATA", dir)
	if _, _, err := Load(); err == nil || !strings.Contains(err.Error(), "hadal data get cifar-10") {
		t.Errorf("a set that is not there: %v", err)
	}
}
