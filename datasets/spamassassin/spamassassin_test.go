package spamassassin

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets"
)

// install puts a set of the right length with these mails into a store.
func install(t *testing.T, mails map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(datasets.DirEnv, dir)
	set, err := datasets.Find("spamassassin")
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(filepath.Join(dir, set.Name), 0o755)
	path := filepath.Join(dir, set.Name, set.Files[0].Name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(file)
	for name, content := range mails {
		w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644})
		w.Write([]byte(content))
	}
	w.Close()
	file.Close()
	if err := os.Truncate(path, set.Bytes()); err != nil { // zeros behind the end mark are nothing
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	t.Setenv(datasets.DirEnv, t.TempDir())
	if _, err := Load(); err == nil || !strings.Contains(err.Error(), "hadal data get spamassassin") {
		t.Errorf("a set that is not there: %v", err)
	}
	install(t, map[string]string{"spam_2/1": "Subject: x\n\ny\n"})
	mails, err := Load()
	if err != nil || len(mails) != 1 || !mails[0].Spam() || mails[0].Name != "1" || string(mails[0].Raw) != "Subject: x\n\ny\n" {
		t.Errorf("%v, %v", mails, err)
	}
	install(t, map[string]string{"hard_ham/2": "z"})
	if mails, err := Load(); err != nil || len(mails) != 1 || mails[0].Spam() {
		t.Errorf("%v, %v", mails, err)
	}
	install(t, map[string]string{"stray": "z"})
	if _, err := Load(); err == nil || !strings.Contains(err.Error(), "stray") {
		t.Errorf("a file in no group: %v", err)
	}
}
