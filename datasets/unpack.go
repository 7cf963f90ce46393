package datasets

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// holdsAny reports whether one of the missing files can be in a.
func (a Archive) holdsAny(missing map[string]File) bool {
	if a.Packing == TarGzip || a.Packing == Source {
		return len(missing) > 0
	}
	_, ok := missing[a.content()]
	return ok
}

// content is the name of the one file that an archive other than a tar holds.
func (a Archive) content() string {
	if a.Packing == Gzip {
		return strings.TrimSuffix(a.Name, ".gz")
	}
	return a.Name
}

// unpack takes the missing files out of the archive at path and into the store.
// Of each entry no more is read than the file should have, so that an archive
// cannot fill the disk.
func (s *Store) unpack(ctx context.Context, set Set, a Archive, path string, missing map[string]File) error {
	err := s.unpackFrom(ctx, set, a, path, missing)
	switch {
	case err == nil || errors.Is(err, errDisk):
		return err
	case ctx.Err() != nil:
		return stopped(ctx, set)
	}
	return fmt.Errorf("%s does not hold what %s needs: %w; download it from %s", path, set.Name, err, set.sources())
}

func (s *Store) unpackFrom(ctx context.Context, set Set, a Archive, file string, missing map[string]File) error {
	source, err := os.Open(file)
	if err != nil {
		return err
	}
	defer source.Close()
	if a.Packing == Plain {
		return s.keep(ctx, set, missing[a.content()], source, missing)
	}
	content, err := gzip.NewReader(source)
	if err != nil {
		return err
	}
	if a.Packing == Gzip {
		return s.keep(ctx, set, missing[a.content()], content, missing)
	}
	entries := tar.NewReader(content)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if f, wanted := missing[path.Base(entry.Name)]; wanted && entry.Typeflag == tar.TypeReg {
			if err := s.keep(ctx, set, f, entries, missing); err != nil {
				return err
			}
		}
	}
}

// keep copies f from source into the store when it is what it should be.
func (s *Store) keep(ctx context.Context, set Set, f File, source io.Reader, missing map[string]File) error {
	part, err := os.CreateTemp(s.Dir(set), f.Name+".*.part")
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
	return s.place(set, f, part, sum, n, missing)
}

// place gives a file of n bytes with that sum the name of f in the store, when
// it is what f should be, and closes it.
func (s *Store) place(set Set, f File, part *os.File, sum hash.Hash, n int64, missing map[string]File) error {
	if !f.matches(sum, n) {
		return fmt.Errorf("%s should have %d bytes with SHA-256 %s", f.Name, f.Bytes, f.SHA256)
	}
	err := errors.Join(part.Chmod(0o644), part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), filepath.Join(s.Dir(set), f.Name))
	}
	if err != nil {
		return s.diskError(err)
	}
	delete(missing, f.Name)
	return nil
}
