package datasets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"time"
)

// permanentError is an answer that will be the same next time.
type permanentError struct{ error }

// download brings an archive into the folder of its set, from the first of its
// URLs that serves it, and returns its path there, which ends in .part.
func (s *Store) download(ctx context.Context, set Set, a Archive) (string, error) {
	f := a.File
	part := filepath.Join(s.Dir(set), f.Name+".part")
	var failures error
	for _, url := range a.URLs {
		err := s.downloadURL(ctx, f, url, part)
		if err == nil {
			return part, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("download of %s stopped (%w); the same command goes on where it stopped", set.Name, ctx.Err())
		}
		if errors.Is(err, errDisk) {
			return "", err
		}
		if failures == nil {
			failures = fmt.Errorf("cannot get %s: %w", url, err)
		} else {
			failures = fmt.Errorf("%w, nor %s: %w", failures, url, err)
		}
	}
	return "", fmt.Errorf("%w; download %s yourself and run: hadal data get %s --from DIR", failures, f.Name, set.Name)
}

// downloadURL tries one URL several times, each time from where the last
// attempt got to. An attempt that brought something new does not count.
func (s *Store) downloadURL(ctx context.Context, f File, url, partPath string) error {
	pause := s.pause
	for failed := 0; ; {
		var gained bool
		var err error
		if f.Bytes == 0 {
			f.Bytes, err = s.length(ctx, url)
		}
		if err == nil {
			gained, err = s.attempt(ctx, f, url, partPath)
		}
		var permanent permanentError
		if err == nil || errors.As(err, &permanent) || errors.Is(err, errDisk) {
			return err
		}
		if gained {
			failed, pause = 0, s.pause
		}
		if failed++; failed >= s.attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// maxUnknown bounds a download whose length only its home knows.
const maxUnknown = 64 << 20

// length asks a home how long its file is.
func (s *Store) length(ctx context.Context, url string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return 0, permanentError{err}
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "hadal")
	response, err := s.client.Do(request)
	if err != nil {
		var inner *neturl.Error
		if errors.As(err, &inner) {
			err = fmt.Errorf("cannot reach it: %w", inner.Err)
		}
		return 0, err
	}
	response.Body.Close()
	switch n := response.ContentLength; {
	case response.StatusCode >= 500:
		return 0, fmt.Errorf("the server answered %s", response.Status)
	case response.StatusCode != http.StatusOK:
		return 0, permanentError{fmt.Errorf("the server answered %s", response.Status)}
	case n < 1 || n > maxUnknown:
		return 0, permanentError{fmt.Errorf("it serves a file of %d bytes, which is not the one that is wanted", n)}
	default:
		return n, nil
	}
}

// attempt makes one request and appends the answer to the part file. It
// reports whether the part file grew.
func (s *Store) attempt(ctx context.Context, f File, url, partPath string) (gained bool, err error) {
	part, err := os.OpenFile(partPath, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, s.diskError(err)
	}
	defer part.Close()
	sum := sha256.New()
	have, err := io.Copy(sum, part)
	if err != nil {
		return false, s.diskError(err)
	}
	if have > f.Bytes {
		if have, err = 0, s.restart(part, sum); err != nil {
			return false, err
		}
	}
	before := have
	if have < f.Bytes {
		if have, err = s.receive(ctx, part, sum, f, url, have); err != nil {
			return have > before, err
		}
	}
	if have < f.Bytes {
		return have > before, fmt.Errorf("the connection ended after %d of %d bytes", have, f.Bytes)
	}
	if !f.matches(sum, have) {
		// Whatever is wrong with these bytes, going on from them is no use.
		if err := s.restart(part, sum); err != nil {
			return false, err
		}
		return false, permanentError{fmt.Errorf("it does not serve the file that is wanted (%d bytes with SHA-256 %s)", f.Bytes, f.SHA256)}
	}
	if err := part.Sync(); err != nil {
		return true, s.diskError(err)
	}
	return true, nil
}

// restart empties the part file and the sum.
func (s *Store) restart(part *os.File, sum hash.Hash) error {
	sum.Reset()
	_, err := part.Seek(0, io.SeekStart)
	if err = errors.Join(err, part.Truncate(0)); err != nil {
		return s.diskError(err)
	}
	return nil
}

// receive asks url for the bytes of f from have on and appends them. It
// returns how many bytes of f are there then.
func (s *Store) receive(ctx context.Context, part *os.File, sum hash.Hash, f File, url string, have int64) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(s.stall, func() {
		cancel(fmt.Errorf("the server was silent for %v", s.stall))
	})
	defer watchdog.Stop()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return have, permanentError{err}
	}
	// The hash is that of the file as it is stored; no compression on the way.
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "hadal")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	response, err := s.client.Do(request)
	if err != nil {
		var inner *neturl.Error // it repeats the URL, which the caller names anyway
		if errors.As(err, &inner) {
			err = fmt.Errorf("cannot reach it: %w", inner.Err)
		}
		return have, cause(ctx, err)
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusPartialContent && have > 0:
		var first, last, total int64
		answer := response.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(answer, "bytes %d-%d/%d", &first, &last, &total); err != nil || first != have || total != f.Bytes {
			return 0, errors.Join(s.restart(part, sum), fmt.Errorf("the server answered with the wrong part (%q)", answer))
		}
	case code == http.StatusOK:
		if have > 0 { // the server ignores Range and begins at the beginning
			if err := s.restart(part, sum); err != nil {
				return 0, err
			}
			have = 0
		}
		if n := response.ContentLength; n >= 0 && n != f.Bytes {
			return have, permanentError{fmt.Errorf("it serves a file of %d bytes where %d are wanted", n, f.Bytes)}
		}
	case code == http.StatusRequestedRangeNotSatisfiable:
		return 0, errors.Join(s.restart(part, sum), errors.New("the server does not have the rest of the file"))
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return have, fmt.Errorf("the server answered %s", response.Status)
	default:
		return have, permanentError{fmt.Errorf("the server answered %s", response.Status)}
	}
	body := readerFunc(func(p []byte) (int, error) {
		watchdog.Reset(s.stall)
		return response.Body.Read(p)
	})
	have, err = s.copy(ctx, part, sum, body, f, have)
	return have, cause(ctx, err)
}

// cause replaces the "context canceled" of a connection that the watchdog has
// cut by the watchdog's own words.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !errors.Is(err, errDisk) {
		return context.Cause(ctx)
	}
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
