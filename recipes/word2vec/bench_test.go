package word2vec

import (
	"fmt"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
)

// zipf is a text made by code whose words have the frequencies of a language.
func zipf(sentences, words int) [][]string {
	weights := make([]float64, words)
	for i := range weights {
		weights[i] = 1 / float64(i+1)
	}
	draw, r := newAlias(weights), rng.New(3).Stream()
	out := make([][]string, sentences)
	for i := range out {
		for range 5 + r.IntN(30) {
			id := draw.draw(r.Uint32())
			out[i] = append(out[i], fmt.Sprintf("w%d", id))
		}
	}
	return out
}

func BenchmarkTrain(b *testing.B) {
	c := newCorpus(zipf(4000, 20000), 5)
	x := c.sampled(text{}, rng.New(1), 0, len(c.sentences))
	defer par.SetThreads(par.Threads())
	for _, cbow := range []bool{false, true} {
		for _, threads := range []int{1, 2} {
			name := "skip-gram"
			if cbow {
				name = "cbow"
			}
			b.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(b *testing.B) {
				par.SetThreads(threads)
				t := newTrainer(c, NewModel(nn.NewInit(1), c.words.Len(), width), cbow)
				for b.Loop() {
					t.train(rng.New(1), x, [2]float64{0.025, 0.025})
				}
				b.ReportMetric(float64(len(x.ids))*float64(b.N)/b.Elapsed().Seconds(), "words/s")
			})
		}
	}
}
