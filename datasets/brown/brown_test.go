package brown

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets"
)

func TestSentences(t *testing.T) {
	text := "\n\n\tThe/at jury/nn said/vbd ``/`` 1/2/cd ''/'' ./.\n\n\nWards/nns-hl protected/vbn-hl \n"
	want := [][]string{{"The", "jury", "said", "``", "1/2", "''", "."}, {"Wards", "protected"}}
	if got := sentences(text); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestASetThatIsNotThere(t *testing.T) {
	t.Setenv(datasets.DirEnv, t.TempDir())
	if _, err := Sentences(); err == nil || !strings.Contains(err.Error(), "hadal data get brown") {
		t.Errorf("%v", err)
	}
}

func FuzzSentences(f *testing.F) {
	f.Add("The/at jury/nn")
	f.Add("/ // a/ /b")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range sentences(text) {
			for _, w := range s {
				if w == "" || !strings.Contains(text, w) {
					t.Errorf("%q is not of the text", w)
				}
			}
		}
	})
}
