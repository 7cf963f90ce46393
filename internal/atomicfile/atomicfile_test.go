package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// write is a write function for the given text.
func write(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// contents fails the test unless the folder holds exactly the file "file" with
// the given text, and nothing else: no litter.
func contents(t *testing.T, folder, want string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(folder, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("file holds %.40q, want %.40q", got, want)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("folder holds %v, want only the file", entries)
	}
}

func TestWriteFileMakesAndReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	for _, text := range []string{"old", "new", "", strings.Repeat("long", bufferSize)} {
		if err := WriteFile(path, write(text)); err != nil {
			t.Fatal(err)
		}
		contents(t, folder, text)
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	oops := errors.New("oops")
	failures := []struct {
		name  string
		write func(io.Writer) error
	}{
		{"at once", func(io.Writer) error { return oops }},
		{"after a few bytes", func(w io.Writer) error { _ = write("abc")(w); return oops }},
		{"after many bytes", func(w io.Writer) error { _ = write(strings.Repeat("abc", bufferSize))(w); return oops }},
	}
	for _, failure := range failures {
		t.Run(failure.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "file")
			if err := WriteFile(path, write("old")); err != nil {
				t.Fatal(err)
			}
			err := WriteFile(path, failure.write)
			if !errors.Is(err, oops) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v; want one that wraps the cause and names the path", err)
			}
			contents(t, folder, "old")
		})
	}
}

func TestPanicLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := WriteFile(path, write("old")); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		_ = WriteFile(path, func(w io.Writer) error { _ = write("new")(w); panic("oops") })
	}()
	contents(t, folder, "old")
}

func TestErrorsSayWhatToDo(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	cases := []struct {
		name  string
		path  string
		cause error // returned by write, when the file system does not fail by itself
		is    error
		want  []string
	}{
		{"disk full", path, &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, syscall.ENOSPC,
			[]string{path, "no space left on the disk of " + folder, "free some space and run again"}},
		{"quota", path, syscall.EDQUOT, syscall.EDQUOT, []string{"quota", "free some space"}},
		{"no folder", filepath.Join(folder, "none", "file"), nil, fs.ErrNotExist, []string{"does not exist: create it"}},
		{"a folder", folder, nil, syscall.EISDIR, []string{"it is a folder"}},
		// A file that write itself failed to find is not a missing folder.
		{"missing source", path, fs.ErrNotExist, fs.ErrNotExist, []string{"file does not exist"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := WriteFile(c.path, func(io.Writer) error { return c.cause })
			if !errors.Is(err, c.is) {
				t.Fatalf("error %v does not wrap %v", err, c.is)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			entries, err := os.ReadDir(folder)
			if err != nil || len(entries) != 0 {
				t.Errorf("folder holds %v (%v), want nothing", entries, err)
			}
		})
	}
}

func TestExplainFolder(t *testing.T) {
	for cause, want := range map[error]string{
		syscall.EROFS:        "read-only disk: choose another folder",
		syscall.EACCES:       "no permission to write in dir: choose another folder",
		syscall.ENAMETOOLONG: "the name is too long",
		syscall.ENOTDIR:      "a part of the path dir is a file",
		syscall.ENOSPC:       "no space left",
	} {
		wrapped := fmt.Errorf("open: %w", cause)
		got := explainFolder(filepath.Join("dir", "file"), wrapped)
		if !errors.Is(got, cause) || !strings.Contains(got.Error(), want) {
			t.Errorf("%v is explained as %q, want %q", cause, got, want)
		}
	}
}

// What the file system itself refuses, at each step.
func TestFailuresOfTheFileSystem(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := WriteFile(file, write("old")); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"name too long":     filepath.Join(folder, strings.Repeat("x", 300)),
		"file as a folder":  filepath.Join(file, "below"),
		"name of a folder ": folder,
	}
	for name, path := range cases {
		if err := WriteFile(path, write("new")); err == nil || !strings.Contains(err.Error(), path+" was not written") {
			t.Errorf("%s: error %v", name, err)
		}
		contents(t, folder, "old")
	}
	gone := filepath.Join(folder, "gone")
	if err := os.Mkdir(gone, 0o777); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(filepath.Join(gone, "file"), func(io.Writer) error { return os.RemoveAll(gone) })
	if err == nil || !strings.Contains(err.Error(), "was not written") {
		t.Errorf("a folder that vanishes before the rename: %v", err)
	}
	contents(t, folder, "old")
	if runtime.GOOS != "windows" {
		if err := syncFolder(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("sync of a missing folder: %v", err)
		}
		loop := filepath.Join(t.TempDir(), "loop")
		if err := os.Symlink(loop, loop); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(loop, write("new")); err == nil {
			t.Error("a link to itself was written")
		}
	}
}

func TestPermissionsOfTheOldFileAreKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no such permissions
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, write("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o604 {
		t.Errorf("permissions are %o, want 604", info.Mode().Perm())
	}
	contents(t, folder, "new")
}

func TestSymbolicLinkIsFollowed(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	link := filepath.Join(elsewhere, "link")
	target := filepath.Join(folder, "file")
	if err := os.WriteFile(target, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		if runtime.GOOS == "windows" {
			return // links need a privilege there
		}
		t.Fatal(err)
	}
	if err := WriteFile(link, write("new")); err != nil {
		t.Fatal(err)
	}
	contents(t, folder, "new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

func TestLitterOfKilledProcessesIsSwept(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	stale := filepath.Join(folder, temporaryPrefix(path)+"0000")
	fresh := filepath.Join(folder, temporaryPrefix(path)+"1111")
	for _, name := range []string{stale, fresh} {
		if err := os.WriteFile(name, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(stale, past, past); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, write("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale temporary file is still there (%v)", err)
	}
	// It may belong to a process that is still writing.
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the fresh temporary file is gone: %v", err)
	}
}

func TestKilledProcessLeavesTheOldFile(t *testing.T) {
	const variable = "HADAL_TEST_KILLED_PROCESS"
	if path := os.Getenv(variable); path != "" {
		_ = WriteFile(path, func(w io.Writer) error {
			_ = write(strings.Repeat("half", bufferSize))(w)
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		})
		return
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "file")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess(os.Args[0], []string{os.Args[0], "-test.run=^TestKilledProcessLeavesTheOldFile$"},
		&os.ProcAttr{Env: append(os.Environ(), variable+"="+path)})
	if err != nil {
		t.Fatal(err)
	}
	state, err := process.Wait()
	if err != nil || state.Success() {
		t.Fatalf("the process was not killed: %v, %v", state, err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "old" {
		t.Errorf("after the kill the file holds %.20q (%v), want the old contents", got, err)
	}
}
