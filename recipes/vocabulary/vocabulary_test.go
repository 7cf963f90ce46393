package vocabulary

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func TestTheMostFrequentWordsComeFirst(t *testing.T) {
	v := New(map[string]int{"the": 7, "sea": 2, "a": 7, "is": 3, "deep": 1}, 2, 3)
	want := []string{"a", "the", "is"}
	if v.Len() != 3 || !reflect.DeepEqual(v.words, want) || v.Count(2) != 3 || v.Word(1) != "the" {
		t.Errorf("%v %v", v.words, v.counts)
	}
	if id, ok := v.ID("is"); id != 2 || !ok {
		t.Errorf("is: %d, %v", id, ok)
	}
	if _, ok := v.ID("sea"); ok {
		t.Error("a word beyond the limit is known")
	}
	if all := New(map[string]int{"x": 1, "y": 1}, 1, 0); all.Len() != 2 {
		t.Errorf("%d words without a limit", all.Len())
	}
}

func TestSaveAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vocabulary.txt")
	v := New(map[string]int{"the": 7, "été": 2, "!": 2}, 1, 0)
	if err := v.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%+v, %v", got, err)
	}
	for what, text := range map[string]string{"no count": "the\n", "a count of 0": "the 0\n", "a count with a sign": "the +3\n", "no word": " 3\n", "twice": "a 3\nthe 2\na 1\n", "unsorted": "a 1\nthe 2\n", "three": "a b 2\n", "cut off": "the 25\na 1"} {
		os.WriteFile(path, []byte(text), 0o644)
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "train again") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vocabulary.txt")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(maxBytes+1), file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "larger than any vocabulary") {
		t.Errorf("%d bytes: %v", maxBytes+1, err)
	}
}

func TestATableForOtherWordsDoesNotFit(t *testing.T) {
	v := New(map[string]int{"the": 7, "sea": 2}, 1, 0)
	if err := v.CheckTable(tensor.Zeros(5, 3), 3, 3); err != nil {
		t.Errorf("a table that fits: %v", err)
	}
	for _, c := range []struct {
		table *tensor.Tensor
		want  string
	}{
		{nil, "no vectors of 3 elements"},
		{tensor.Zeros(5), "no vectors of 3 elements"},
		{tensor.Zeros(5, 0), "no vectors of 3 elements"},
		{tensor.Zeros(4, 3), "has 2 words, and the model vectors of 1"},
	} {
		if err := v.CheckTable(c.table, 3, 3); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("the 7\nsea 2\n")
	f.Add("the 7\nthe 7\n")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(text)
		if err != nil {
			return
		}
		for i := range v.Len() {
			if id, ok := v.ID(v.Word(i)); id != i || !ok || v.Count(i) < 1 {
				t.Errorf("word %d %q has number %d", i, v.Word(i), id)
			}
		}
		var written strings.Builder
		if err := v.write(&written); err != nil || written.String() != text {
			t.Errorf("%q was written as %q (%v)", text, written.String(), err)
		}
	})
}
