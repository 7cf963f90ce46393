package shakespeare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(datasets.DirEnv, dir)
	if _, _, err := Load(); err == nil || !strings.Contains(err.Error(), "hadal data get tiny-shakespeare") {
		t.Errorf("a set that is not there: %v", err)
	}
	set, err := datasets.Find("tiny-shakespeare")
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(filepath.Join(dir, set.Name), 0o755)
	text := strings.Repeat("x", int(set.Bytes())-1) + "y" // the store looks at the length here
	os.WriteFile(filepath.Join(dir, set.Name, set.Files[0].Name), []byte(text), 0o644)
	train, validation, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(train) != 1003854 || train+validation != text {
		t.Errorf("%d characters to train with and %d to measure on", len(train), len(validation))
	}
}
