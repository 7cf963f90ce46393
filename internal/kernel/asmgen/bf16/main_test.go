package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedFilesAreFresh(t *testing.T) {
	if err := compare(filepath.Join("..", "..", "bf16")); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrittenComparesEqualUntilItIsChanged(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err != nil {
		t.Error(err)
	}
	path := filepath.Join(dir, files[0].name)
	if err := os.WriteFile(path, []byte("stale"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err == nil || !strings.Contains(err.Error(), "stale") {
		t.Errorf("a changed file gave %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err == nil {
		t.Error("a missing file gave no error")
	}
}
