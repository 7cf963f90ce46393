package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// DirEnv is the environment variable that names the cache folder.
const DirEnv = "HADAL_DATA"

// DefaultDir returns the cache folder: $HADAL_DATA, or else the folder "hadal"
// in the user's own cache folder.
func DefaultDir() (string, error) {
	if dir := os.Getenv(DirEnv); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep data sets (%w); set %s to a folder", err, DirEnv)
	}
	return filepath.Join(dir, "hadal"), nil
}

// Progress tells how much of a file is there.
type Progress struct {
	File        File
	Done, Total int64 // bytes
}

// Store keeps data sets in a folder, one folder a set. A file stands there
// under its name only after its length and SHA-256 were found right; before
// that it is called NAME.part.
type Store struct {
	dir      string
	progress func(Progress)
	client   *http.Client
	attempts int           // for one URL
	pause    time.Duration // before the second attempt; doubled before each further one
	stall    time.Duration // a connection that is silent for so long is given up
}

// NewStore returns a store in dir, which is made when it is needed. The
// function progress, unless nil, is called while files arrive.
func NewStore(dir string, progress func(Progress)) *Store {
	if progress == nil {
		progress = func(Progress) {}
	}
	return &Store{
		dir: dir, progress: progress, client: http.DefaultClient,
		attempts: 4, pause: time.Second, stall: 30 * time.Second,
	}
}

// Dir returns the folder of set, whether or not it exists.
func (s *Store) Dir(set Set) string { return filepath.Join(s.dir, set.Name) }

// Path returns the folder that holds the files of set, and an error that says
// how to get them when one is missing.
func (s *Store) Path(set Set) (string, error) {
	if set.Embedded {
		return "", fmt.Errorf("%s is part of the program and has no folder", set.Name)
	}
	for _, f := range set.Files {
		info, err := os.Stat(filepath.Join(s.Dir(set), f.Name))
		if err != nil || info.Size() != f.Bytes {
			return "", fmt.Errorf("%s is not on this machine yet; run: hadal data get %s", set.Name, set.Name)
		}
	}
	return s.Dir(set), nil
}

// Get downloads the files of set that are not there yet, or not intact, and
// returns the folder that holds them. An interrupted download goes on where it
// stopped. Of an embedded set there is nothing to get; the folder is "".
func (s *Store) Get(ctx context.Context, set Set) (string, error) {
	return s.each(set, func(f File) error { return s.download(ctx, set, f) })
}

// Import takes the files of set from the folder from and returns the folder of
// the store that now holds them. Files that are not exactly what the set's
// home serves are refused.
func (s *Store) Import(ctx context.Context, set Set, from string) (string, error) {
	return s.each(set, func(f File) error { return s.copyFrom(ctx, set, f, from) })
}

// each calls fetch for the files of set that are not intact in the store.
func (s *Store) each(set Set, fetch func(File) error) (string, error) {
	if set.Embedded {
		return "", nil
	}
	dir := s.Dir(set)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", s.diskError(err)
	}
	for _, f := range set.Files {
		sum, n, err := hashFile(filepath.Join(dir, f.Name))
		if err == nil && f.matches(sum, n) {
			s.progress(Progress{f, n, f.Bytes})
			continue
		}
		if err := fetch(f); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func (f File) matches(sum hash.Hash, bytes int64) bool {
	return bytes == f.Bytes && hex.EncodeToString(sum.Sum(nil)) == f.SHA256
}

func hashFile(path string) (hash.Hash, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	return sum, n, err
}

// errDisk marks the errors that no other URL and no second attempt can mend.
var errDisk = errors.New("choose a folder with room that you may write to with " + DirEnv)

func (s *Store) diskError(err error) error {
	return fmt.Errorf("cannot keep data in %s: %w; %w", s.dir, err, errDisk)
}

// finish gives a complete part file its name.
func (s *Store) finish(part *os.File, set Set, f File) error {
	err := errors.Join(part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), filepath.Join(s.Dir(set), f.Name))
	}
	if err != nil {
		return s.diskError(err)
	}
	return nil
}

// copyFrom takes f from a folder of the user.
func (s *Store) copyFrom(ctx context.Context, set Set, f File, from string) error {
	source, err := os.Open(filepath.Join(from, f.Name))
	if err != nil {
		return fmt.Errorf("cannot read %s for %s: %w", f.Name, set.Name, err)
	}
	defer source.Close()
	part, err := os.CreateTemp(s.Dir(set), f.Name+".*.import")
	if err != nil {
		return s.diskError(err)
	}
	defer os.Remove(part.Name()) // fails after success, when the file has its own name
	defer part.Close()
	sum := sha256.New()
	n, err := s.copy(ctx, part, sum, source, f, 0)
	if err != nil {
		return err
	}
	if !f.matches(sum, n) {
		return fmt.Errorf("%s is not the file that %s needs (wanted %d bytes with SHA-256 %s); download it from %s",
			source.Name(), set.Name, f.Bytes, f.SHA256, f.URLs[0])
	}
	return s.finish(part, set, f)
}

// copy moves what source has, at most one byte more than f should have, to
// part and sum, which hold done bytes already. It returns how many they hold then.
func (s *Store) copy(ctx context.Context, part io.Writer, sum hash.Hash, source io.Reader, f File, done int64) (int64, error) {
	buffer := make([]byte, 1<<16)
	for done <= f.Bytes {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		n, readErr := source.Read(buffer[:min(int64(len(buffer)), f.Bytes+1-done)])
		if _, err := part.Write(buffer[:n]); err != nil {
			return done, s.diskError(err)
		}
		sum.Write(buffer[:n])
		done += int64(n)
		s.progress(Progress{f, done, f.Bytes})
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return done, readErr
		}
	}
	return done, nil
}
