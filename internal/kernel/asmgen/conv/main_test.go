package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedFileIsFresh(t *testing.T) {
	if err := compare(filepath.Join("..", "..", "conv")); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrittenComparesEqualUntilItIsChanged(t *testing.T) {
	dir := t.TempDir()
	if err := compare(dir); err == nil {
		t.Error("a missing file gave no error")
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte("stale"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := compare(dir); err == nil || !strings.Contains(err.Error(), "stale") {
		t.Errorf("a changed file gave %v", err)
	}
}
