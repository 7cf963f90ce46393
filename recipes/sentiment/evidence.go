package sentiment

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/hadal-ml/hadal/internal/atomicfile"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/vocabulary"
	"github.com/hadal-ml/hadal/tensor"
)

// Evidence is what a word says of the mail that it is in.
type Evidence struct {
	Word  string
	Logit float64 // of spam less that of ham
	Count int     // occurrences in the mails that were trained on
}

// evidenceLeast is how often a word must have occurred for the network to have
// learned what it says.
const evidenceLeast = 40

// evidence lets the network read mails of one word each and returns the words
// from what speaks most for spam to what speaks most for ham. It shows what the
// words say alone; what their order adds is not in it.
func evidence(m *Network, words *vocabulary.Vocabulary) []Evidence {
	var out []Evidence
	var x []float32
	for id := range words.Len() {
		if words.Count(id) >= evidenceLeast {
			out = append(out, Evidence{words.Word(id), 0, words.Count(id)})
			x = append(x, float32(firstWord+id))
		}
	}
	if len(x) == 0 {
		return nil
	}
	logits := m.Forward(nn.Inference(), tensor.FromSlice(x, len(x), 1)).Float64s() // (words, 2)
	for i := range out {
		out[i].Logit = logits[2*i+1] - logits[2*i]
	}
	slices.SortFunc(out, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(b.Logit, a.Logit), cmp.Compare(a.Word, b.Word))
	})
	return out
}

// writeEvidence writes words.txt, a line with each word's logit and count.
func writeEvidence(s *recipe.Session, m *Network, words *vocabulary.Vocabulary) error {
	return atomicfile.WriteFile(s.Path("words.txt"), func(w io.Writer) error {
		for _, e := range evidence(m, words) {
			if _, err := fmt.Fprintf(w, "%+.2f %s %d\n", e.Logit, e.Word, e.Count); err != nil {
				return err
			}
		}
		return nil
	})
}
