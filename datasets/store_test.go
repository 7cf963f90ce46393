package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// content is what the test servers serve: long enough for several buffers.
var content = bytes.Repeat([]byte("The quality of mercy is not strain'd. "), 20_000)

func fileOf(name string, content []byte) File {
	sum := sha256.Sum256(content)
	return File{name, int64(len(content)), hex.EncodeToString(sum[:])}
}

// setOf is a set of one file that is served as it is.
func setOf(name string, urls ...string) Set {
	f := fileOf(name, content)
	return Set{Name: "x", Files: []File{f}, Archives: []Archive{{f, urls, Plain}}}
}

func testStore(t *testing.T) *Store {
	s := NewStore(filepath.Join(t.TempDir(), "data"), nil)
	s.pause = time.Millisecond
	return s
}

// serve starts a server whose handler knows how often it was asked.
func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, request int)) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(w, r, int(requests.Add(1)))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/file", requests
}

func whole(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// cut sends the first n bytes of what was asked for and breaks the connection.
func cut(w http.ResponseWriter, r *http.Request, n int) {
	first := 0
	if v := r.Header.Get("Range"); v != "" {
		fmt.Sscanf(v, "bytes=%d-", &first)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(content)-1, len(content)))
		w.Header().Set("Content-Length", strconv.Itoa(len(content)-first))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	}
	w.Write(content[first:min(first+n, len(content))])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func checkHolds(t *testing.T, s *Store, set Set) {
	t.Helper()
	dir, err := s.Path(set)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(set.Files) {
		t.Errorf("the folder holds %v (%v), want the files and nothing else", entries, err)
	}
	for _, f := range set.Files {
		got, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s has %d bytes (%v), not those of the server", f.Name, len(got), err)
		}
	}
}

func TestGetDownloadsOnce(t *testing.T) {
	url, requests := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { whole(w, r) })
	s := testStore(t)
	var last Progress
	s.progress = func(p Progress) { last = p }
	set := setOf("a.bin", url)
	b := setOf("b.bin", url)
	set.Files, set.Archives = append(set.Files, b.Files...), append(set.Archives, b.Archives...)
	if _, err := s.Path(set); err == nil || !strings.Contains(err.Error(), "hadal data get x") {
		t.Errorf("Path before Get: %v", err)
	}
	for range 2 {
		if dir, err := s.Get(t.Context(), set); err != nil || dir != s.Dir(set) {
			t.Fatal(dir, err)
		}
		checkHolds(t, s, set)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests for two files", requests.Load())
	}
	if last.File.Name != "b.bin" || last.Done != int64(len(content)) || last.Total != last.Done {
		t.Errorf("last progress %+v", last)
	}
	// A file that was damaged in the cache is downloaded again.
	os.WriteFile(filepath.Join(s.Dir(set), "a.bin"), make([]byte, len(content)), 0o644)
	if _, err := s.Get(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, s, set)
}

func TestGetSurvives(t *testing.T) {
	const piece = 100_000
	for name, handler := range map[string]func(w http.ResponseWriter, r *http.Request, request int){
		// More interruptions than attempts: each one that gains something is free.
		"interruptions": func(w http.ResponseWriter, r *http.Request, _ int) { cut(w, r, piece) },
		"a server without ranges": func(w http.ResponseWriter, r *http.Request, request int) {
			r.Header.Del("Range")
			cut(w, r, request*300_000)
		},
		"a busy server": func(w http.ResponseWriter, r *http.Request, request int) {
			if request < 4 {
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
			whole(w, r)
		},
		"the wrong part": func(w http.ResponseWriter, r *http.Request, request int) {
			switch request {
			case 1:
				cut(w, r, piece)
			case 2:
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(content)-1, len(content)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(content[7:])
			default:
				whole(w, r)
			}
		},
		"no satisfiable range": func(w http.ResponseWriter, r *http.Request, request int) {
			switch request {
			case 1:
				cut(w, r, piece)
			case 2:
				http.Error(w, "no", http.StatusRequestedRangeNotSatisfiable)
			default:
				whole(w, r)
			}
		},
		"an answer of unknown length that ends early": func(w http.ResponseWriter, r *http.Request, request int) {
			if request == 1 {
				w.(http.Flusher).Flush() // no Content-Length
				w.Write(content[:piece])
				return
			}
			whole(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := serve(t, handler)
			s, set := testStore(t), setOf("a.bin", url)
			if _, err := s.Get(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			checkHolds(t, s, set)
		})
	}
}

func TestGetGoesOnWithThePartOfAnEarlierRun(t *testing.T) {
	for name, part := range map[string][]byte{
		"a beginning":   content[:50_000],
		"all of it":     content,
		"too much":      append(bytes.Clone(content), "and more"...),
		"nothing":       {},
		"another start": make([]byte, 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { whole(w, r) })
			// The second home stands for a second try after a wrong hash.
			s, set := testStore(t), setOf("a.bin", url, url)
			if err := os.MkdirAll(s.Dir(set), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(s.Dir(set), "a.bin.part"), part, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			checkHolds(t, s, set)
			if name == "all of it" && requests.Load() != 0 {
				t.Errorf("%d requests for a file that was complete", requests.Load())
			}
		})
	}
}

func TestGetFails(t *testing.T) {
	other := bytes.Clone(content)
	other[1000] ^= 1
	for _, c := range []struct {
		name     string
		handler  func(w http.ResponseWriter, r *http.Request, request int)
		requests int64
		want     string
	}{
		{"with the wrong content", func(w http.ResponseWriter, r *http.Request, _ int) { w.Write(other) }, 1, "SHA-256"},
		{"with the wrong length", func(w http.ResponseWriter, r *http.Request, _ int) {
			w.Header().Set("Content-Length", "3")
			w.Write([]byte("404"))
		}, 1, "3 bytes where"},
		{"with an endless answer", func(w http.ResponseWriter, r *http.Request, _ int) {
			w.(http.Flusher).Flush()
			w.Write(content)
			w.Write(content)
		}, 1, "SHA-256"},
		{"when nothing is there", func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) }, 1, "404"},
		{"when the server is ill", func(w http.ResponseWriter, r *http.Request, _ int) { http.Error(w, "", 500) }, 4, "500"},
		{"when nothing comes", func(w http.ResponseWriter, r *http.Request, _ int) { cut(w, r, 0) }, 4, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, requests := serve(t, c.handler)
			s, set := testStore(t), setOf("a.bin", url)
			_, err := s.Get(t.Context(), set)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{c.want, url, "download a.bin yourself and run: hadal data get x --from DIR"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has several lines", err)
			}
			if requests.Load() != c.requests {
				t.Errorf("%d requests, want %d", requests.Load(), c.requests)
			}
			if _, err := s.Path(set); err == nil {
				t.Error("the store believes it has the file")
			}
		})
	}
}

func TestGetTurnsToTheNextHome(t *testing.T) {
	bad, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) })
	good, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { whole(w, r) })
	s, set := testStore(t), setOf("a.bin", bad, good)
	if _, err := s.Get(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, s, set)
}

func TestGetWithoutNetworkNamesEveryHome(t *testing.T) {
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	s := testStore(t)
	_, err := s.Get(t.Context(), setOf("a.bin", dead.URL+"/one", dead.URL+"/two", ":bad"))
	for _, want := range []string{"cannot get " + dead.URL + "/one: cannot reach it", "nor " + dead.URL + "/two", "--from DIR"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

// silence is an answer whose body never comes.
type silence struct{ requests int }

func (s *silence) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests++
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(content)), Body: silentBody{r.Context()}, Request: r}, nil
}

type silentBody struct{ ctx context.Context }

func (b silentBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (silentBody) Close() error { return nil }

func TestGetGivesUpASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock moves on while all wait
		s, set, server := testStore(t), setOf("a.bin", "http://home.invalid/a.bin"), &silence{}
		s.client = &http.Client{Transport: server}
		_, err := s.Get(t.Context(), set)
		if err == nil || !strings.Contains(err.Error(), "silent for 30s") || server.requests != s.attempts {
			t.Errorf("%d requests, error %v", server.requests, err)
		}
	})
}

func TestGetStopsAndKeepsWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request, request int) {
		if request > 1 {
			cancel()
		}
		cut(w, r, 100_000)
	})
	s, set := testStore(t), setOf("a.bin", url)
	_, err := s.Get(ctx, set)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "goes on where it stopped") {
		t.Errorf("error %v", err)
	}
	if info, err := os.Stat(filepath.Join(s.Dir(set), "a.bin.part")); err != nil || info.Size() < 100_000 {
		t.Errorf("the part is gone: %v", err)
	}
}

func TestImport(t *testing.T) {
	s, set := testStore(t), setOf("a.bin", "http://home.invalid/a.bin")
	from := t.TempDir()
	if _, err := s.Import(t.Context(), set, from); err == nil || !strings.Contains(err.Error(), "holds neither a.bin nor an archive of it") {
		t.Errorf("from an empty folder: %v", err)
	}
	for name, bad := range map[string][]byte{"short": content[1:], "long": append(bytes.Clone(content), 1), "other": make([]byte, len(content))} {
		os.WriteFile(filepath.Join(from, "a.bin"), bad, 0o644)
		if _, err := s.Import(t.Context(), set, from); err == nil || !strings.Contains(err.Error(), "download it from http://home.invalid") {
			t.Errorf("%s file: %v", name, err)
		}
		if entries, err := os.ReadDir(s.Dir(set)); err != nil || len(entries) != 0 {
			t.Errorf("%s file: the store holds %v (%v)", name, entries, err)
		}
	}
	os.WriteFile(filepath.Join(from, "a.bin"), content, 0o644)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Import(stopped, set, from); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled import: %v", err)
	}
	if _, err := s.Import(t.Context(), set, from); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, s, set)
}

func TestEmbeddedSetsNeedNoFolder(t *testing.T) {
	s := NewStore(filepath.Join(t.TempDir(), "none"), nil)
	set, err := Find("mnist")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := s.Get(t.Context(), set); dir != "" || err != nil {
		t.Errorf("Get = %q, %v", dir, err)
	}
	if _, err := s.Path(set); err == nil || !strings.Contains(err.Error(), "part of the program") {
		t.Errorf("Path: %v", err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("a folder was made: %v", err)
	}
}

func TestAnUnusableFolderIsReportedAtOnce(t *testing.T) {
	url, requests := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) { whole(w, r) })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	set := setOf("a.bin", url, url)
	_, err := NewStore(file, nil).Get(t.Context(), set)
	if err == nil || !strings.Contains(err.Error(), DirEnv) {
		t.Errorf("a file in the place of the folder: %v", err)
	}
	s := testStore(t)
	if err := os.MkdirAll(filepath.Join(s.Dir(set), "a.bin.part"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), set); !errors.Is(err, errDisk) {
		t.Errorf("a folder in the place of the part file: %v", err)
	}
	if requests.Load() != 0 {
		t.Errorf("%d requests without a place to keep the answer", requests.Load())
	}
}

// fullDisk accepts some bytes and then fails as a full disk does.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return d.room, errors.New("no space left on device")
	}
	d.room -= len(p)
	return len(p), nil
}

func TestAFullDiskIsAnErrorOfTheDisk(t *testing.T) {
	s := testStore(t)
	_, err := s.copy(t.Context(), &fullDisk{room: 100_000}, sha256.New(), bytes.NewReader(content), fileOf("a.bin", content), 0)
	if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv(DirEnv, "/somewhere")
	if dir, err := DefaultDir(); dir != "/somewhere" || err != nil {
		t.Errorf("%q, %v", dir, err)
	}
	t.Setenv(DirEnv, "")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("LocalAppData", "/cache")
	t.Setenv("HOME", "/home")
	if dir, err := DefaultDir(); filepath.Base(dir) != "hadal" || err != nil {
		t.Errorf("%q, %v", dir, err)
	}
	for _, v := range []string{"XDG_CACHE_HOME", "LocalAppData", "HOME", "home"} {
		t.Setenv(v, "")
	}
	if _, err := DefaultDir(); err == nil || !strings.Contains(err.Error(), DirEnv) {
		t.Errorf("without any home: %v", err)
	}
}

// packed returns the archives of a set of two files: a gzip and a tar of it.
func packed(t *testing.T, files map[string][]byte) (gz, tarball []byte) {
	t.Helper()
	var g, tgz bytes.Buffer
	zipper := gzip.NewWriter(&g)
	zipper.Write(files["a.bin"])
	zipper.Close()
	zipper = gzip.NewWriter(&tgz)
	archive := tar.NewWriter(zipper)
	for _, name := range []string{"readme.txt", "a.bin", "b.bin"} {
		body := files[name]
		if err := archive.WriteHeader(&tar.Header{Name: "../../folder/" + name, Mode: 0o600, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		archive.Write(body)
	}
	archive.Close()
	zipper.Close()
	return g.Bytes(), tgz.Bytes()
}

func TestArchivesAreUnpacked(t *testing.T) {
	gz, tarball := packed(t, map[string][]byte{"readme.txt": []byte("read me"), "a.bin": content, "b.bin": content})
	for _, c := range []struct {
		name    string
		files   []string
		archive string
		body    []byte
		packing Packing
	}{
		{"gzip", []string{"a.bin"}, "a.bin.gz", gz, Gzip},
		{"tar", []string{"a.bin", "b.bin"}, "all.tar.gz", tarball, TarGzip},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, requests := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.body))
			})
			set := Set{Name: "x", Archives: []Archive{{fileOf(c.archive, c.body), []string{url}, c.packing}}}
			for _, name := range c.files {
				set.Files = append(set.Files, fileOf(name, content))
			}
			s := testStore(t)
			for range 2 {
				if _, err := s.Get(t.Context(), set); err != nil {
					t.Fatal(err)
				}
				checkHolds(t, s, set)
			}
			if requests.Load() != 1 {
				t.Errorf("%d requests", requests.Load())
			}
			// The same archive in a folder, and the files as they are.
			for form, put := range map[string]func(dir string){
				"archive": func(dir string) { os.WriteFile(filepath.Join(dir, c.archive), c.body, 0o644) },
				"files": func(dir string) {
					for _, name := range c.files {
						os.WriteFile(filepath.Join(dir, name), content, 0o644)
					}
				},
			} {
				from, s := t.TempDir(), testStore(t)
				put(from)
				if _, err := s.Import(t.Context(), set, from); err != nil {
					t.Fatal(form, err)
				}
				checkHolds(t, s, set)
			}
			// A damaged archive, and one that holds something else.
			other, otherTar := packed(t, map[string][]byte{"a.bin": make([]byte, len(content)), "b.bin": content})
			if c.packing == TarGzip {
				other = otherTar
			}
			for what, body := range map[string][]byte{"cut": c.body[:len(c.body)/2], "other": other, "no archive": []byte("<html>")} {
				from, s := t.TempDir(), testStore(t)
				os.WriteFile(filepath.Join(from, c.archive), body, 0o644)
				if _, err := s.Import(t.Context(), set, from); err == nil || !strings.Contains(err.Error(), "download it from "+url) {
					t.Errorf("%s: %v", what, err)
				}
				if _, err := s.Path(set); err == nil {
					t.Errorf("%s: the store believes it has the set", what)
				}
			}
		})
	}
}

func TestFromSheets(t *testing.T) {
	const rows = 2
	from := t.TempDir()
	train, test := "[6,9,9,4,1,1,2,7,8,3]", "[3,8]"
	os.WriteFile(filepath.Join(from, "train_lables.json"), []byte(train), 0o644)
	os.WriteFile(filepath.Join(from, "test_lables.json"), []byte(test), 0o644)
	for _, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		sheet := image.NewRGBA(image.Rect(0, 0, sheetPixels, rows))
		for y := range rows {
			for x := range sheetPixels {
				sheet.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y + 1), uint8(x + y), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, sheet); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(from, name+".png"), b.Bytes(), 0o644)
	}
	to := t.TempDir()
	if found, err := convertSheets(t.Context(), from, to, rows); !found || err != nil {
		t.Fatal(found, err)
	}
	got, err := os.ReadFile(filepath.Join(to, "data_batch_2.bin"))
	if err != nil || len(got) != rows*3073 {
		t.Fatal(len(got), err)
	}
	second := got[3073:]
	if got[0] != 9 || second[0] != 4 || second[1+7] != 7 || second[1+1024+7] != 2 || second[1+2048+7] != 8 {
		t.Errorf("labels %d %d, pixel %d %d %d", got[0], second[0], second[1+7], second[1+1024+7], second[1+2048+7])
	}
	if found, err := convertSheets(t.Context(), t.TempDir(), to, rows); found || err != nil {
		t.Errorf("an empty folder: %v, %v", found, err)
	}
	for name, damage := range map[string]string{"train_lables.json": "[1,2]", "test_lables.json": "[3,10]", "data_batch_3.png": "no picture"} {
		was, _ := os.ReadFile(filepath.Join(from, name))
		os.WriteFile(filepath.Join(from, name), []byte(damage), 0o644)
		if found, err := convertSheets(t.Context(), from, to, rows); !found || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("damaged %s: %v, %v", name, found, err)
		}
		os.WriteFile(filepath.Join(from, name), was, 0o644)
	}
}

// converted is a set of two files whose Convert makes them with that content.
func converted(made []byte) Set {
	set := Set{Name: "x", Home: "http://home.invalid", Files: []File{fileOf("a.bin", content), fileOf("b.bin", content)}}
	set.Archives = []Archive{{Packing: Source}}
	set.Convert = func(_ context.Context, from, to string) (bool, error) {
		for _, f := range set.Files {
			if err := os.WriteFile(filepath.Join(to, f.Name), made, 0o600); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	return set
}

func TestWhatIsConvertedHasANameOnlyWhenItIsRight(t *testing.T) {
	s, set, from := testStore(t), converted(content), t.TempDir()
	// What an earlier try left goes when all is there.
	if err := os.MkdirAll(filepath.Join(s.Dir(set), "converted-1.part"), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(s.Dir(set), "a.zip.part"), content, 0o644)
	if _, err := s.Import(t.Context(), set, from); err != nil {
		t.Fatal(err)
	}
	checkHolds(t, s, set)

	s, set = testStore(t), converted(make([]byte, len(content))) // the right length
	set.Archives[0].URLs = []string{"http://home.invalid/a.zip"}
	if _, err := s.Import(t.Context(), set, from); err == nil || !strings.Contains(err.Error(), "is not x: a.bin should have") {
		t.Errorf("another content: %v", err)
	}
	if entries, err := os.ReadDir(s.Dir(set)); err != nil || len(entries) != 0 {
		t.Errorf("another content left %v in the store (%v)", entries, err)
	}

	// In the middle of the work: nothing has its name yet.
	s, set = testStore(t), converted(content)
	convert := set.Convert
	set.Convert = func(ctx context.Context, from, to string) (bool, error) {
		found, err := convert(ctx, from, to)
		if _, pathErr := s.Path(set); pathErr == nil {
			t.Error("files that were not checked have their names")
		}
		return found, err
	}
	if _, err := s.Import(t.Context(), set, from); err != nil {
		t.Fatal(err)
	}
}

func TestAConversionCanBeStopped(t *testing.T) {
	s, set := testStore(t), converted(content)
	ctx, cancel := context.WithCancel(t.Context())
	set.Convert = func(ctx context.Context, from, to string) (bool, error) {
		cancel()
		return convertSheets(ctx, from, to, 1)
	}
	from := t.TempDir()
	write(t, filepath.Join(from, "train_lables.json"), "[1,2,3,4,5]")
	write(t, filepath.Join(from, "test_lables.json"), "[1]")
	if _, err := s.Import(ctx, set, from); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "run the same command again") {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(s.Dir(set)); err != nil || len(entries) != 0 {
		t.Errorf("the store holds %v (%v)", entries, err)
	}
}

func TestADiskThatIsFullForAConversionIsNamed(t *testing.T) {
	s, set := testStore(t), converted(content)
	set.Convert = func(_ context.Context, _, to string) (bool, error) {
		return true, &os.PathError{Op: "write", Path: filepath.Join(to, "a.bin"), Err: errors.New("no space left on device")}
	}
	if _, err := s.Import(t.Context(), set, t.TempDir()); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
}

func TestImportFromWhatIsNoFolder(t *testing.T) {
	s, set := testStore(t), setOf("a.bin", "http://home.invalid/a.bin")
	file := filepath.Join(t.TempDir(), "a.bin")
	write(t, file, string(content))
	if _, err := s.Import(t.Context(), set, file); err == nil || !strings.Contains(err.Error(), "is a file: give the folder") {
		t.Errorf("from a file: %v", err)
	}
	if _, err := s.Import(t.Context(), set, file+"s"); err == nil || !strings.Contains(err.Error(), "give the folder that holds") {
		t.Errorf("from nothing: %v", err)
	}
}
