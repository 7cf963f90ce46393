package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// Progress tells how much of a file or an archive is there.
type Progress struct {
	File        File
	Done, Total int64 // bytes
}

// Store keeps data sets in a folder, one folder a set, unpacked. A file stands
// there under its name only after its length and SHA-256 were found right;
// what is unfinished has a name that ends in .part, and is gone when all files
// of its set are there.
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

// Get downloads what is missing of set, or not intact, and returns the folder
// that holds its files. An interrupted download goes on where it stopped. Of an
// embedded set there is nothing to get; the folder is "".
func (s *Store) Get(ctx context.Context, set Set) (string, error) {
	return s.complete(set, func(missing map[string]File) error {
		var sources []string // as .part, until all are there
		for _, a := range set.Archives {
			if !a.holdsAny(missing) {
				continue
			}
			part, err := s.download(ctx, set, a)
			if err != nil {
				return err
			}
			if a.Packing == Source {
				sources = append(sources, part)
				continue
			}
			if err := s.unpack(ctx, set, a, part, missing); err != nil {
				return err
			}
			if err := os.Remove(part); err != nil {
				return s.diskError(err)
			}
		}
		if sources == nil {
			return nil
		}
		for _, part := range sources {
			path := strings.TrimSuffix(part, ".part")
			if err := os.Rename(part, path); err != nil {
				return s.diskError(err)
			}
			defer func() {
				if ctx.Err() != nil { // stopped: the next Get goes on from here
					os.Rename(path, part)
				} else {
					os.Remove(path)
				}
			}()
		}
		found, err := s.convert(ctx, set, s.Dir(set), missing)
		if err == nil && !found {
			err = fmt.Errorf("what was downloaded does not hold the files of %s; see %s", set.Name, set.Home)
		}
		return err
	})
}

// Import takes the files of set from the folder from and returns the folder of
// the store that now holds them. They may stand there as they are, packed with
// gzip, in the archives that the set's home serves, or in a form that
// Set.Convert reads; whatever their form, only the right content is taken.
func (s *Store) Import(ctx context.Context, set Set, from string) (string, error) {
	return s.complete(set, func(missing map[string]File) error {
		switch info, err := os.Stat(from); {
		case err != nil:
			return fmt.Errorf("cannot take %s from %s: %w; give the folder that holds what you downloaded", set.Name, from, err)
		case !info.IsDir():
			return fmt.Errorf("%s is a file: give the folder that it is in", from)
		}
		if set.Convert != nil {
			if found, err := s.convert(ctx, set, from, missing); found || err != nil {
				return err
			}
		}
		for _, f := range set.Files {
			if _, open := missing[f.Name]; open {
				if err := s.takeFile(ctx, set, f, from, missing); err != nil {
					return err
				}
			}
		}
		for _, a := range set.Archives {
			path := filepath.Join(from, a.Name)
			if _, err := os.Stat(path); err == nil && a.holdsAny(missing) && a.Packing != Source {
				if err := s.unpack(ctx, set, a, path, missing); err != nil {
					return err
				}
			}
		}
		for _, f := range set.Files {
			if _, open := missing[f.Name]; open {
				return fmt.Errorf("%s holds neither %s nor an archive of it; download it from %s", from, f.Name, set.sources())
			}
		}
		return nil
	})
}

// complete calls fetch for what is missing of set and returns its folder. What
// fetch brings it deletes from missing.
func (s *Store) complete(set Set, fetch func(missing map[string]File) error) (string, error) {
	if set.Embedded {
		return "", nil
	}
	dir := s.Dir(set)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", s.diskError(err)
	}
	missing := s.missing(set)
	if len(missing) > 0 {
		if err := fetch(missing); err != nil {
			return "", err
		}
	}
	// What killed processes and abandoned downloads left is of no use now. That
	// it cannot be removed is no reason to refuse the files.
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return dir, nil
}

// missing returns the files of set that are not in the store or not intact.
func (s *Store) missing(set Set) map[string]File {
	out := set.byName()
	for _, f := range set.Files {
		if sum, n, err := hashFile(filepath.Join(s.Dir(set), f.Name)); err == nil && f.matches(sum, n) {
			delete(out, f.Name)
			s.progress(Progress{f, n, f.Bytes})
		}
	}
	return out
}

func (s Set) byName() map[string]File {
	out := make(map[string]File, len(s.Files))
	for _, f := range s.Files {
		out[f.Name] = f
	}
	return out
}

// convert lets Set.Convert make the files of set in a folder of its own and
// moves those that are missing, and right, into the store. It reports whether
// the folder from holds the form that Convert reads.
func (s *Store) convert(ctx context.Context, set Set, from string, missing map[string]File) (bool, error) {
	made, err := os.MkdirTemp(s.Dir(set), "converted-*.part")
	if err != nil {
		return false, s.diskError(err)
	}
	defer os.RemoveAll(made)
	found, err := set.Convert(ctx, from, made)
	var access *fs.PathError
	switch {
	case err != nil && ctx.Err() != nil:
		return found, stopped(ctx, set)
	case errors.As(err, &access) && strings.HasPrefix(access.Path, made):
		return found, s.diskError(err)
	case err != nil:
		return found, fmt.Errorf("cannot make %s of what is in %s: %w", set.Name, from, err)
	case !found:
		return false, nil
	}
	for _, f := range set.Files {
		if _, wanted := missing[f.Name]; !wanted {
			continue
		}
		err := s.adopt(set, f, filepath.Join(made, f.Name), missing)
		if errors.Is(err, errDisk) {
			return true, err
		}
		if err != nil {
			return true, fmt.Errorf("what is in %s is not %s: %w; download it from %s", from, set.Name, err, set.sources())
		}
	}
	return true, nil
}

// stopped is the error of work on a set that ctx has ended.
func stopped(ctx context.Context, set Set) error {
	return fmt.Errorf("unpacking of %s stopped (%w); run the same command again", set.Name, ctx.Err())
}

// adopt moves the file at path into the store when it is what f should be.
func (s *Store) adopt(set Set, f File, path string, missing map[string]File) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	s.progress(Progress{f, n, f.Bytes})
	return s.place(set, f, file, sum, n, missing)
}

// sources says where a set can be downloaded by hand, for messages.
func (s Set) sources() string {
	if len(s.Archives) == 1 {
		return s.Archives[0].URLs[0]
	}
	return s.Home
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

// takeFile takes f from a folder of the user, where it stands as it is or with
// .gz; when there is neither it does nothing.
func (s *Store) takeFile(ctx context.Context, set Set, f File, from string, missing map[string]File) error {
	for _, form := range []struct {
		name    string
		packing Packing
	}{{f.Name, Plain}, {f.Name + ".gz", Gzip}} {
		path := filepath.Join(from, form.name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return s.unpack(ctx, set, Archive{File: File{Name: form.name}, Packing: form.packing}, path, missing)
	}
	return nil
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

// Folder returns the folder of a data set in the default store, and an error
// that says how to get it when it is not there.
func Folder(name string) (string, error) {
	set, err := Find(name)
	if err != nil {
		return "", err
	}
	dir, err := DefaultDir()
	if err != nil {
		return "", err
	}
	return NewStore(dir, nil).Path(set)
}
