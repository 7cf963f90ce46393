package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/recipes/recipe"
)

func TestNearest(t *testing.T) {
	var text strings.Builder
	for i := range 400 {
		line := "Salt/nn pepper/nn salt/nn pepper/nn ,/, pepper/nn salt/nn pepper/nn salt/nn ./.\n"
		if i%2 == 1 {
			line = "hammer/nn nail/nn nail/nn hammer/nn ,/, hammer/nn nail/nn nail/nn hammer/nn ./.\n"
		}
		text.WriteString(line)
	}
	tarSet(t, "brown", map[string]string{"ca01": text.String()})
	for _, name := range []string{"word2vec", "word2vec-cbow"} {
		dir := filepath.Join(t.TempDir(), "run")
		mustRun(t, "train", name, "--quiet", "--out", dir)
		var found []recipe.Neighbour
		if err := json.Unmarshal([]byte(mustRun(t, "nearest", dir, "SALT", "--count", "2", "--json")), &found); err != nil {
			t.Fatal(err)
		}
		if len(found) != 2 || found[0].Word != "pepper" || found[0].Similarity < found[1].Similarity {
			t.Errorf("%s: %v", name, found)
		}
		if out := mustRun(t, "nearest", dir, "salt", "--minus", "pepper", "--plus", "nail"); !strings.Contains(out, "hammer") || strings.Contains(out, "pepper") {
			t.Errorf("%s:\n%s", name, out)
		}
		expectFailure(t, exitFailure, []string{`"kraken" is not among the 4 words`}, "nearest", dir, "kraken")
		expectFailure(t, exitFailure, []string{"cancel out"}, "nearest", dir, "salt", "--minus", "Salt")
		expectFailure(t, exitUsage, []string{"--count 0"}, "nearest", dir, "salt", "--count", "0")
		expectFailure(t, exitFailure, []string{"cannot read pictures or texts"}, "predict", dir, "picture.png")
	}
}
