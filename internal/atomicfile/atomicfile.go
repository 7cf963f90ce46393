// Package atomicfile replaces a file as a whole or not at all. It is not a
// lock: when two processes write the same path, the later rename wins.
//
// What always holds: at every moment, whatever dies, the path holds either the
// complete old contents or the complete new ones.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// staleAfter is the age at which a temporary file is taken for the remains of
// a killed process. A live writer touches its file far more often.
const staleAfter = time.Hour

// bufferSize joins small writes; a tensor's bytes are larger and pass through.
const bufferSize = 1 << 16

// WriteFile calls write with a buffered writer and puts what was written at
// path. The bytes go to a temporary file in the same folder, which is synced,
// renamed over path, and made durable by syncing the folder. A file that
// already stands at path keeps its permissions; a symbolic link is followed.
//
// When write fails or panics, or the disk does, the old file stays as it was and
// the temporary file is removed. Only a killed process leaves its temporary
// file behind; the next WriteFile to the same path sweeps it once it is an hour
// old.
//
// Errors are one sentence that names the path and, where the cause is known,
// says what to do. They wrap the cause, so errors.Is finds it.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	target, err := resolve(path)
	if err != nil {
		return explainFolder(path, err)
	}
	sweep(target)
	f, err := createBeside(target)
	if err != nil {
		return explainFolder(path, err)
	}
	temporary := f.Name()
	renamed := false
	// In a defer, so that a panic in write leaves no litter either.
	defer func() {
		if !renamed {
			f.Close()
			os.Remove(temporary)
		}
	}()

	buffered := bufio.NewWriterSize(f, bufferSize)
	if err := write(buffered); err != nil {
		return Explain(path, err)
	}
	if err := buffered.Flush(); err != nil {
		return Explain(path, err)
	}
	// Without the sync a power cut after the rename could leave a file of
	// the right name and no contents.
	if err := f.Sync(); err != nil {
		return Explain(path, err)
	}
	if err := f.Close(); err != nil {
		return Explain(path, err)
	}
	if err := os.Rename(temporary, target); err != nil {
		return explainFolder(path, err)
	}
	renamed = true
	if err := syncFolder(filepath.Dir(target)); err != nil {
		return fmt.Errorf("%s is written, but a power cut could still undo it: syncing its folder failed: %w", path, err)
	}
	return nil
}

// resolve follows symbolic links, so that the rename replaces the file that a
// link names and not the link.
func resolve(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	}
	return target, nil
}

// temporaryPrefix begins the name of every temporary file for target. The dot
// hides it from listings, and from globs such as *.safetensors.
func temporaryPrefix(target string) string {
	return "." + filepath.Base(target) + ".partial-"
}

// createBeside opens a new temporary file in the folder of target, with the
// permissions of target when that exists and the process's default otherwise
// (os.CreateTemp would make the file private).
func createBeside(target string) (*os.File, error) {
	var f *os.File
	var err error
	for range 100 {
		name := fmt.Sprintf("%s%08x", temporaryPrefix(target), rand.Uint32())
		f, err = os.OpenFile(filepath.Join(filepath.Dir(target), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(target); err == nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			f.Close()
			os.Remove(f.Name())
			return nil, err
		}
	}
	return f, nil
}

// sweep removes what killed writers of target left behind. Failures do not
// matter: the litter is only litter.
func sweep(target string) {
	folder := filepath.Dir(target)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), temporaryPrefix(target)) {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}

// explainFolder turns the cause of a failure to create, find or rename a file
// into a sentence that says what to do.
func explainFolder(path string, err error) error {
	folder := filepath.Dir(path)
	advice := ""
	switch {
	case errors.Is(err, syscall.EROFS):
		advice = folder + " is on a read-only disk: choose another folder"
	case errors.Is(err, syscall.EISDIR):
		advice = "it is a folder: give the name of a file"
	case errors.Is(err, syscall.ENOTDIR):
		advice = "a part of the path " + folder + " is a file, not a folder: choose another folder"
	case errors.Is(err, syscall.ENAMETOOLONG):
		advice = "the name is too long: choose a shorter one"
	case errors.Is(err, fs.ErrPermission):
		advice = "no permission to write in " + folder + ": choose another folder or change its permissions"
	case errors.Is(err, fs.ErrNotExist):
		advice = "the folder " + folder + " does not exist: create it and run again"
	default:
		return Explain(path, err)
	}
	return &explained{path + " was not written: " + advice, err}
}

// Explain turns the cause of a failure to write to path into a sentence that
// names the path and, for a full disk, says what to do. It is for writers that
// append to a file; those of WriteFile are explained already. The result wraps err.
//
// Only causes that are the disk's beyond doubt are reworded: a missing file,
// say, may be one that the caller of WriteFile wanted to read.
func Explain(path string, err error) error {
	folder := filepath.Dir(path)
	switch {
	case isDiskFull(err):
		return &explained{path + " was not written: no space left on the disk of " + folder + ": free some space and run again", err}
	case errors.Is(err, syscall.EDQUOT):
		return &explained{path + " was not written: the disk quota in " + folder + " is used up: free some space and run again", err}
	}
	return fmt.Errorf("%s was not written: %w", path, err)
}

// explained is an error whose text replaces its cause's, which would only
// repeat it with the name of the temporary file.
type explained struct {
	sentence string
	cause    error
}

func (e *explained) Error() string { return e.sentence }
func (e *explained) Unwrap() error { return e.cause }
