package jsonl

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

type step struct {
	Step int
	Loss float64
}

func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	var want []step
	for run := range 3 { // as a run that is resumed twice
		w, err := Append(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			s := step{2*run + i, 1 / float64(run+1)}
			want = append(want, s)
			if err := w.Write(s); err != nil {
				t.Fatal(err)
			}
			// Each record is in the file as soon as Write returns.
			if got, torn, err := ReadFile[step](path); err != nil || torn || !slices.Equal(got, want) {
				t.Fatalf("read %v, %v, %v; want %v", got, torn, err, want)
			}
		}
		if err := errors.Join(w.Sync(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []step
		torn bool
	}{
		"empty":                  {"", nil, false},
		"two":                    {"{\"Step\":1}\n{\"Step\":2}\n", []step{{Step: 1}, {Step: 2}}, false},
		"no last newline":        {"{\"Step\":1}\n{\"Step\":2}", []step{{Step: 1}, {Step: 2}}, false},
		"torn":                   {"{\"Step\":1}\n{\"Step\":", []step{{Step: 1}}, true},
		"torn at once":           {"{\"Step\":1}\n{", []step{{Step: 1}}, true},
		"torn first line":        {"{\"St", nil, true},
		"zeros of a power cut":   {"{\"Step\":1}\n\x00\x00\x00", []step{{Step: 1}}, true},
		"Windows and empty line": {"{\"Step\":1}\r\n\r\n {\"Step\":2}\r\n\n", []step{{Step: 1}, {Step: 2}}, false},
		"spaces at the end":      {"{\"Step\":1}\n  ", []step{{Step: 1}}, false},
		"unknown fields":         {"{\"Step\":1,\"Other\":[{}]}\n", []step{{Step: 1}}, false},
	} {
		got, torn, err := Read[step](strings.NewReader(c.file))
		if err != nil || torn != c.torn || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, %v; want %v, %v", name, got, torn, err, c.want, c.torn)
		}
	}
}

func TestBrokenLinesAreErrors(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"in the middle":   {"{\"Step\":1}\n{\"Step\":\n{\"Step\":2}\n", "line 2"},
		"at the end":      {"{\"Step\":1}\n\n{\"Step\":\n", "line 3"},
		"number":          {"{\"Step\":1}\n12\n", "line 2: a JSON object is needed"},
		"array":           {"[1]\n", "line 1: a JSON object is needed"},
		"text, no end":    {"hello", "line 1: a JSON object is needed"},
		"two on a line":   {"{} {}\n", "line 1"},
		"wrong type":      {"{\"Step\":\"one\"}\n", "line 1"},
		"nested too deep": {"{\"a\":" + strings.Repeat("[", 20_000) + "\n", "line 1"},
	} {
		records, torn, err := Read[step](strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || torn || records != nil {
			t.Errorf("%s: %v, %v, %v; want an error with %q", name, records, torn, err, c.want)
		}
	}
	oops := errors.New("oops")
	if _, _, err := Read[step](iotest.ErrReader(oops)); !errors.Is(err, oops) {
		t.Errorf("a broken disk: %v", err)
	}
}

func TestAppendMendsTheLastLine(t *testing.T) {
	const whole = "{\"Step\":1}\n"
	for name, c := range map[string]struct{ before, after string }{
		"whole":             {whole, whole},
		"torn":              {whole + "{\"Ste", whole},
		"torn first line":   {"{\"Ste", ""},
		"no newline":        {whole + "{\"Step\":2}", whole + "{\"Step\":2}\n"},
		"zeros":             {whole + "\x00\x00", whole},
		"spaces at the end": {whole + "  ", whole},
	} {
		path := filepath.Join(t.TempDir(), "metrics.jsonl")
		if err := os.WriteFile(path, []byte(c.before), 0o666); err != nil {
			t.Fatal(err)
		}
		w, err := Append(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(step{Step: 9}), w.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.after+"{\"Step\":9,\"Loss\":0}\n" {
			t.Errorf("%s: the file holds %q, %v", name, got, err)
		}
	}
}

func TestAppendRefusesAFileOfAnotherKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	for _, text := range []string{"hello", "hello\nyou\n", "{\"Step\":\n{}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Append(path); err == nil || !strings.Contains(err.Error(), path+": line 1") {
			t.Errorf("%q: error %v", text, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
	if _, err := Append(t.TempDir()); err == nil {
		t.Error("a folder was opened for appending")
	}
}

func TestWriteRefusesWhatIsNoObject(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	w, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		record any
		want   string
	}{
		{12, "must be a JSON object, and int is not"},
		{[]step{{}}, "must be a JSON object"},
		{nil, "must be a JSON object"},
		{step{Loss: math.NaN()}, "no NaN"},
		{step{Loss: math.Inf(1)}, "no infinity"},
	} {
		if err := w.Write(c.record); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.record, err, c.want)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(step{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if file, err := os.ReadFile(path); err != nil || len(file) != 0 {
		t.Errorf("the file holds %q, %v", file, err)
	}
}

// fullDisk is a file on a disk with room for some bytes. Like os.File, it does
// not say how much of a failed write reached the disk.
type fullDisk struct {
	*os.File
	room int
}

func (d *fullDisk) WriteAt(p []byte, offset int64) (int, error) {
	if len(p) <= d.room {
		d.room -= len(p)
		return d.File.WriteAt(p, offset)
	}
	_, _ = d.File.WriteAt(p[:d.room], offset)
	return 0, &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
}

func TestFullDiskTakesTheLineBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	w, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{w.file.(*os.File), 30}
	w.file = disk
	if err := w.Write(step{1, 0.5}); err != nil {
		t.Fatal(err)
	}
	err = w.Write(step{2, 0.25})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	disk.room = 100
	if err := errors.Join(w.Write(step{3, 0.125}), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "{\"Step\":1,\"Loss\":0.5}\n{\"Step\":3,\"Loss\":0.125}\n" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestReaderReadsIntoDifferentTypes(t *testing.T) {
	r := NewReader(strings.NewReader("{\"Step\":1}\n{\"Recipe\":\"mnist\"}\n{\"x"))
	var first step
	var second struct{ Recipe string }
	if err := errors.Join(r.Next(&first), r.Next(&second)); err != nil || first.Step != 1 || second.Recipe != "mnist" {
		t.Errorf("read %v, %v, %v", first, second, err)
	}
	if err := r.Next(&first); !errors.Is(err, ErrTorn) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the torn line: %v", err)
	}
	if err := r.Next(&first); !errors.Is(err, io.EOF) {
		t.Errorf("after the torn line: %v", err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	want := []step{{1, 0.5}, {2, 0.25}}
	if err := WriteFile(path, want); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []step{{3, math.NaN()}}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
	if got, torn, err := ReadFile[step](path); err != nil || torn || !slices.Equal(got, want) {
		t.Errorf("the old file is gone: %v, %v, %v", got, torn, err)
	}
	if err := os.WriteFile(path, []byte("hello\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadFile[step](path); err == nil || !strings.Contains(err.Error(), path+": line 1") {
		t.Errorf("error %v, want one that names the file and line", err)
	}
	if _, _, err := ReadFile[step](path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestMemoryIsASmallMultipleOfTheInput(t *testing.T) {
	for name, file := range map[string]string{
		"long line":    `{"a":"` + strings.Repeat("x", 1<<20),
		"nesting":      strings.Repeat(`{"a":`, 1<<18) + "\n",
		"many records": strings.Repeat("{}\n", 50_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, _ = Read[step](strings.NewReader(file))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(150*len(file)) {
			t.Errorf("%s: %d bytes took %d of memory", name, len(file), took)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("{\"Step\":1}\n{\"Step\":2,\"Loss\":0.5}\n")
	f.Add("{\"Step\":1}\n\n{\"Step\":2")
	f.Add("{}\r\n{\"a\":[{}]}")
	f.Add("hello\n{}\n")
	f.Add("{}\n\x00\x00")
	path := filepath.Join(f.TempDir(), "fuzz.jsonl")
	f.Fuzz(func(t *testing.T, file string) {
		records, _, err := Read[json.RawMessage](strings.NewReader(file))
		if err := os.WriteFile(path, []byte(file), 0o666); err != nil {
			t.Fatal(err)
		}
		w, appendErr := Append(path)
		if (err == nil) != (appendErr == nil) {
			t.Fatalf("Read says %v, Append says %v", err, appendErr)
		}
		if err != nil {
			if got, err := os.ReadFile(path); err != nil || string(got) != file {
				t.Fatalf("Append refused %q and left %q, %v", file, got, err)
			}
			return
		}
		if err := errors.Join(w.Write(step{Step: 7}), w.file.Close()); err != nil {
			t.Fatal(err)
		}
		again, torn, err := ReadFile[json.RawMessage](path)
		if err != nil || torn || len(again) != len(records)+1 {
			t.Fatalf("%d records and one more became %d (torn %v, %v)", len(records), len(again), torn, err)
		}
	})
}
