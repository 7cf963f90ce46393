package vocabulary

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
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
	for what, text := range map[string]string{"no count": "the\n", "a count of 0": "the 0\n", "no word": " 3\n", "twice": "a 3\nthe 2\na 1\n", "unsorted": "a 1\nthe 2\n", "three": "a b 2\n"} {
		os.WriteFile(path, []byte(text), 0o644)
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "train again") {
			t.Errorf("%s: %v", what, err)
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
	})
}
