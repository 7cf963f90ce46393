package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mails are two mails and a file that is none, as tar of a folder "spam_2" and
// then bzip2.
const mailsTarBzip2 = "QlpoOTFBWSZTWW+sdAAAASf7hc+QAEBAAf/wCiD/M9+AAACAQAAYMAEWtWCVTUeNUGnhR6j1GmQNAD1AJSE0ZCemo8kAAAaABVU0" +
	"mgA9RoAGjQA0Gn7AJbcLopfSFSQFCCKeiICSmTvR0AMoWSqbTNdQIJM5AkJRCBT7jz841suFRKUMk8g1LREEmRN/B4JooBYUyoWF" +
	"fRlnC91Q8FgsdxXak2peC94qbDg0gByxuB92SNUQbi1KRSwrDq9nVoxhdBMQWg9jWyW+pjGOnWq6Ma7dh8IGAKB08/sECUW0M0rn" +
	"1Uhgt0ui1kmJ2oPZBTL8sjYDp8z5Yo6iYRLZtKj7rxe68VeDeYRhigR/KzfTOSH8XckU4UJBvrHQAA=="

const mailOne, mailTwo = "00001.317e78fa8ee2f54cd4890fdc09ba8176", "00002.9438920e9a55591b18e60d1ed37d992b"

func read(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := map[string]string{}
	for entries := tar.NewReader(file); ; {
		e, err := entries.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name] = string(content)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMailsFromFoldersAndArchivesAreTheSame(t *testing.T) {
	archive, err := base64.StdEncoding.DecodeString(mailsTarBzip2)
	if err != nil {
		t.Fatal(err)
	}
	archives, folders := t.TempDir(), t.TempDir()
	for _, g := range mailGroups {
		write(t, filepath.Join(archives, g.archive), string(archive))
		write(t, filepath.Join(folders, "data", g.alias, mailOne+".txt"), "Subject: one\n\nfirst\n")
		write(t, filepath.Join(folders, "data", g.alias, mailTwo+".txt"), "Subject: two\n\nsecond\n")
		write(t, filepath.Join(folders, "data", g.alias, mailTwo+".json"), "{}")
	}
	var made []string
	for _, from := range []string{archives, folders} {
		to := t.TempDir()
		if found, err := packMails(t.Context(), from, to); !found || err != nil {
			t.Fatal(from, found, err)
		}
		path := filepath.Join(to, "spamassassin.tar")
		if got := read(t, path); len(got) != 10 || got["hard_ham/"+mailOne] != "Subject: one\n\nfirst\n" || got["spam/"+mailTwo] != "Subject: two\n\nsecond\n" {
			t.Errorf("%v", got)
		}
		content, _ := os.ReadFile(path)
		made = append(made, string(content))
	}
	if made[0] != made[1] {
		t.Error("the tar files differ")
	}
	if found, err := packMails(t.Context(), t.TempDir(), t.TempDir()); found || err != nil {
		t.Errorf("an empty folder: %v, %v", found, err)
	}
	os.Remove(filepath.Join(archives, mailGroups[3].archive))
	if found, err := packMails(t.Context(), archives, t.TempDir()); !found || err == nil || !strings.Contains(err.Error(), mailGroups[3].archive) {
		t.Errorf("a part is missing: %v, %v", found, err)
	}
	write(t, filepath.Join(archives, mailGroups[3].archive), string(archive[:len(archive)/2]))
	if _, err := packMails(t.Context(), archives, t.TempDir()); err == nil || !strings.Contains(err.Error(), mailGroups[3].archive) {
		t.Errorf("a part is cut: %v", err)
	}
}

func brownArchive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range map[string]string{"brown/ca01": "The/at jury/nn\n", "brown/cr09": "end/nn\n", "brown/README": "read me"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBrownFromFolderAndArchiveIsTheSame(t *testing.T) {
	archive, folder := t.TempDir(), t.TempDir()
	write(t, filepath.Join(archive, "brown.zip"), string(brownArchive(t)))
	write(t, filepath.Join(folder, "ca01"), "The/at jury/nn\n")
	write(t, filepath.Join(folder, "cr09"), "end/nn\n")
	write(t, filepath.Join(folder, "cats.txt"), "ca01 news\n")
	var made []string
	for _, from := range []string{archive, folder} {
		to := t.TempDir()
		if found, err := packBrown(t.Context(), from, to); !found || err != nil {
			t.Fatal(from, found, err)
		}
		if got := read(t, filepath.Join(to, "brown.tar")); len(got) != 2 || got["ca01"] != "The/at jury/nn\n" {
			t.Errorf("%v", got)
		}
		content, _ := os.ReadFile(filepath.Join(to, "brown.tar"))
		made = append(made, string(content))
	}
	if made[0] != made[1] {
		t.Error("the tar files differ")
	}
	if found, err := packBrown(t.Context(), t.TempDir(), t.TempDir()); found || err != nil {
		t.Errorf("an empty folder: %v, %v", found, err)
	}
	write(t, filepath.Join(archive, "brown.zip"), "no archive")
	if found, err := packBrown(t.Context(), archive, t.TempDir()); !found || err == nil {
		t.Errorf("no archive: %v, %v", found, err)
	}
}

func TestSourcesAreDownloadedAndConverted(t *testing.T) {
	body := brownArchive(t)
	to := t.TempDir()
	write(t, filepath.Join(to, "brown.zip"), string(body))
	if _, err := packBrown(t.Context(), to, to); err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile(filepath.Join(to, "brown.tar"))
	serveIt := func(length int64, body []byte) (*Store, Set) {
		url, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		})
		a := Archive{fileOf("brown.zip", body), []string{url}, Source}
		a.Bytes = length
		return testStore(t), Set{Name: "x", Files: []File{fileOf("brown.tar", want)}, Archives: []Archive{a}, Convert: packBrown}
	}
	for _, length := range []int64{int64(len(body)), 0} { // 0: only its home knows
		s, set := serveIt(length, body)
		dir, err := s.Get(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		entries, _ := os.ReadDir(dir)
		got, _ := os.ReadFile(filepath.Join(dir, "brown.tar"))
		if len(entries) != 1 || !bytes.Equal(got, want) {
			t.Errorf("the folder holds %v", entries)
		}
	}
	s, set := serveIt(0, []byte("no archive"))
	if _, err := s.Get(t.Context(), set); err == nil || !strings.Contains(err.Error(), "cannot make x") {
		t.Errorf("no archive: %v", err)
	}
	s, set = serveIt(0, body)
	set.Files[0].SHA256 = strings.Repeat("0", 64)
	if _, err := s.Get(t.Context(), set); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("another content: %v", err)
	}
	s, set = serveIt(0, body)
	set.Archives[0].SHA256 = strings.Repeat("0", 64)
	if _, err := s.Get(t.Context(), set); err == nil || !strings.Contains(err.Error(), "does not serve the file") {
		t.Errorf("another archive: %v", err)
	}
}

func TestEntries(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(DirEnv, dir)
	none := func(string, []byte) error { return nil }
	if err := Entries("brown", "brown.tar", none); err == nil || !strings.Contains(err.Error(), "hadal data get brown") {
		t.Errorf("a set that is not there: %v", err)
	}
	set, err := Find("brown")
	if err != nil {
		t.Fatal(err)
	}
	// The store looks at the length here: a damaged file of the right one.
	write(t, filepath.Join(dir, "brown", "brown.tar"), strings.Repeat("x", int(set.Bytes())))
	if err := Entries("brown", "brown.tar", none); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a damaged set: %v", err)
	}
	var c corpusFiles
	if err := c.add("ca01", strings.NewReader("The/at")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "brown", "brown.tar")
	if err := c.write(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, set.Bytes()); err != nil { // zeros behind the end mark are nothing
		t.Fatal(err)
	}
	var names []string
	if err := Entries("brown", "brown.tar", func(name string, content []byte) error {
		names = append(names, name+"="+string(content))
		return nil
	}); err != nil || len(names) != 1 || names[0] != "ca01=The/at" {
		t.Errorf("%v, %v", names, err)
	}
}

func TestACorpusFileIsBounded(t *testing.T) {
	var c corpusFiles
	if err := c.add("x", io.LimitReader(zeros{}, maxCorpusFile+1)); err == nil {
		t.Error("a file beyond the bound was taken")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
