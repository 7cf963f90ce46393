package word2vec

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
	"github.com/hadal-ml/hadal/tensor"
)

// companions are the words of the map, in pairs.
func companions(pair int) [2]string {
	var all []string
	for _, group := range shown {
		all = append(all, group.words...)
	}
	return [2]string{all[2*pair], all[2*pair+1]}
}

// pairsOf is a text made by code in which every word stands beside its
// companion, in changing order, far from all others.
func pairsOf(sentences, pairs int) [][]string {
	r := rng.New(5).Stream()
	out := make([][]string, sentences)
	for i := range out {
		pair := companions(r.IntN(pairs))
		for range 8 {
			out[i] = append(out[i], pair[r.IntN(2)])
		}
	}
	return out
}

func TestTheCorpusHasWordsOnly(t *testing.T) {
	c := newCorpus([][]string{{"The", "sea", ",", "the", "1961", "sea", "rare"}, {"the", "."}, {"sea", "!"}}, 2)
	if c.words.Len() != 2 || c.tokens != 7 || c.words.Word(0) != "sea" || c.words.Count(1) != 3 {
		t.Errorf("%d words of %d tokens", c.words.Len(), c.tokens)
	}
	if len(c.sentences) != 1 || !slices.Equal(c.sentences[0], []int32{1, 0, 1, 0}) {
		t.Errorf("sentences %v", c.sentences)
	}
}

func TestFrequentWordsAreThinnedOut(t *testing.T) {
	if keepProbability(1e-4) != 1 || math.Abs(keepProbability(0.1)-0.11) > 1e-9 {
		t.Errorf("%g, %g", keepProbability(1e-4), keepProbability(0.1))
	}
	c := newCorpus([][]string{slices.Repeat([]string{"often"}, 20000)}, 1)
	x := c.sampled(text{}, rng.New(1), 0, 1)
	if want := 20000 * keepProbability(1); math.Abs(float64(len(x.ids))-want) > 6*math.Sqrt(want) {
		t.Errorf("%d of 20000 are left, want about %g", len(x.ids), want)
	}
	if x.bounds[3] != [2]int32{0, int32(len(x.ids))} {
		t.Errorf("the sentence is %v", x.bounds[3])
	}
}

// The words around a word are those of its sentence that are no further away
// than a reach that is drawn evenly from 1 to the window.
func TestWindows(t *testing.T) {
	const words = 30
	x := text{}
	for i := range int32(words) {
		x.ids = append(x.ids, i)
		x.bounds = append(x.bounds, [2]int32{i / 15 * 15, i/15*15 + 15}) // two sentences
	}
	noise := newAlias(slices.Repeat([]float64{1}, words))
	const keys = 400
	reaches := map[int]int{}
	for k := range uint64(keys) {
		for i := range words {
			var p place
			p.choose(rng.New(k), noise, x, i)
			low, high := int(x.bounds[i][0]), int(x.bounds[i][1])
			reach := 0
			for _, id := range p.reads[:p.n] {
				reach = max(reach, i-int(id), int(id)-i)
			}
			var want []int32
			for q := max(low, i-reach); q < min(high, i+reach+1); q++ {
				if q != i {
					want = append(want, int32(q))
				}
			}
			if reach < 1 || reach > window || !slices.Equal(p.reads[:p.n], want) || p.scored[0] != int32(i) {
				t.Fatalf("around %d stand %v, want %v; predicted is %d", i, p.reads[:p.n], want, p.scored[0])
			}
			if i == 7 { // far from the ends of its sentence
				reaches[reach]++
			}
		}
	}
	for reach := 1; reach <= window; reach++ {
		if n := float64(reaches[reach]); math.Abs(n-keys/window) > 5*math.Sqrt(keys/window) {
			t.Errorf("a reach of %d was drawn %g times of %d", reach, n, keys)
		}
	}
}

func TestPartsAreAllSentencesInOrder(t *testing.T) {
	c := newCorpus(pairsOf(100, 3), 1) // of eight words each
	next := 0
	for i, p := range c.parts(50) {
		if p[0] != next || p[1] <= p[0] || p[1]-p[0] != 7 && i != 14 {
			t.Errorf("part %d is %v after %d", i, p, next)
		}
		next = p[1]
	}
	if next != 100 {
		t.Errorf("the parts end at %d", next)
	}
}

func TestTheLearningRateFallsOnALine(t *testing.T) {
	for share, want := range map[float64]float64{0: 0.025, 0.5: (0.025 + lastRate) / 2, 1: lastRate, 3: lastRate} {
		if got := rateAfter(share, 0.025); math.Abs(got-want) > 1e-15 {
			t.Errorf("after %g of the epochs it is %g, want %g", share, got, want)
		}
	}
	if got := rateAfter(1, lastRate/10); got != lastRate/10 {
		t.Errorf("a rate below the last becomes %g", got)
	}
}

func TestAliasDrawsByWeight(t *testing.T) {
	weights := []float64{1, 0, 5, 0.25, 3.75}
	a := newAlias(weights)
	r, counts := rng.New(1).Stream(), make([]float64, len(weights))
	const n = 200000
	for range n {
		counts[a.draw(r.Uint32())]++
	}
	for i, w := range weights {
		p := w / 10
		if math.Abs(counts[i]-n*p) > 5*math.Sqrt(n*p)+1e-9 {
			t.Errorf("entry %d was drawn %g times, want about %g", i, counts[i], n*p)
		}
	}
	if one := newAlias([]float64{7}); one.draw(0) != 0 || one.draw(math.MaxUint32) != 0 {
		t.Error("a table of one entry")
	}
}

// lossOf is the loss of all pairs of one target, with the tape: scored are the
// target and its negatives.
func lossOf(input, output *tensor.Tensor, reads, scored []int64, cbow bool) *tensor.Tensor {
	in := tensor.Embedding(input, tensor.FromSlice(reads), -1) // (reads, width)
	if cbow {
		in = in.MeanKeep(0) // (1, width)
	}
	rows := in.Dim(0)
	target := tensor.Embedding(output, tensor.FromSlice(slices.Repeat(scored[:1], rows)), -1)                     // (rows, width)
	noise := tensor.Embedding(output, tensor.FromSlice(slices.Repeat(scored[1:], rows), rows, len(scored)-1), -1) // (rows, negatives, width)
	return nn.NegativeSamplingWith(nn.Reduce(nn.ReduceSum))(in, target, noise)
}

// A block of one target is a step down the gradient that the tape finds.
func TestAStepIsDownTheGradient(t *testing.T) {
	const words, width, rate = 9, 96, 0.5
	c := newCorpus([][]string{strings.Fields("a b c d e f g h i")}, 1)
	for _, cbow := range []bool{false, true} {
		m := NewModel(nn.NewInit(1), words, width)
		rng.FillUniform(rng.New(2), tensor.MutableData[float32](m.Output), -1, 1)
		rng.FillUniform(rng.New(3), tensor.MutableData[float32](m.Input), -1, 1)
		before := []*tensor.Tensor{m.Input.Detach().Clone().RequireGrad(), m.Output.Detach().Clone().RequireGrad()}
		tr := newTrainer(c, m, cbow)
		// Word 4 between its neighbours; the others read nothing, so that they
		// change nothing.
		x := text{ids: []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}}
		for i := range x.ids {
			x.bounds = append(x.bounds, [2]int32{int32(i), int32(i) + 1})
		}
		x.bounds[4] = [2]int32{2, 8}
		key := rng.New(11)
		tr.train(key, x, [2]float64{rate, rate})
		changed := tr.model.joined()

		var p place
		p.choose(key, c.noise, x, 4)
		var reads, scored []int64
		for _, id := range p.reads[:p.n] {
			reads = append(reads, int64(id))
		}
		for j, id := range p.scored {
			if j == 0 || id != 4 {
				scored = append(scored, int64(id))
			}
		}
		lossOf(before[0], before[1], reads, scored, cbow).Backward()
		factor := 1.0
		if cbow { // each word gets the whole gradient of the mean
			factor = float64(len(reads))
		}
		for i, after := range []*tensor.Tensor{changed.Input, changed.Output} {
			b, g, a := before[i].Float64s(), before[i].Grad().Float64s(), after.Float64s()
			scale := []float64{factor, 1}[i]
			for k := range a {
				if want := b[k] - rate*scale*g[k]; math.Abs(a[k]-want) > 1e-5 {
					t.Fatalf("cbow %v, table %d, element %d: %g, want %g", cbow, i, k, a[k], want)
				}
			}
		}
	}
}

func TestSplitAndJoined(t *testing.T) {
	m := NewModel(nn.NewInit(1), 5, 2*part)
	rng.FillUniform(rng.New(2), tensor.MutableData[float32](m.Output), -1, 1)
	split := m.split()
	if at := split.Input.Float32s()[(1*5+3)*part+7]; at != m.Input.Float32s()[3*2*part+part+7] {
		t.Error("element 7 of the second part of word 3 is elsewhere")
	}
	back := split.joined()
	if !slices.Equal(back.Input.Float32s(), m.Input.Float32s()) || !slices.Equal(back.Output.Float32s(), m.Output.Float32s()) {
		t.Error("a model that was split and joined is another one")
	}
}

func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: block, Rate: 0.025, Seed: 1}
}

func TestWordsThatStandTogetherBecomeAlike(t *testing.T) {
	for _, cbow := range []bool{false, true} {
		s := session(t, epochs)
		if err := trainOn(t.Context(), s, pairsOf(600, 12), cbow); err != nil {
			t.Fatal(err)
		}
		if n := s.Outcome.Parameters; n != 2*24*width {
			t.Errorf("%d parameters", n)
		}
		_, loss, err := s.Curve("loss")
		if err != nil || loss[len(loss)-1] > 0.8*outputs*math.Ln2 {
			t.Errorf("cbow %v: losses %v, %v", cbow, loss, err)
		}
		opened, err := open(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for pair := range 12 {
			words := companions(pair)
			found, err := opened.(recipe.Vocabulary).Nearest(words[:1], nil, 3)
			if err != nil || len(found) != 3 {
				t.Fatal(found, err)
			}
			if found[0].Word == words[1] && found[0].Similarity > found[1].Similarity {
				right++
			}
		}
		if right < 11 {
			t.Errorf("cbow %v: %d of 12 words have their companion as neighbour", cbow, right)
		}
		for _, name := range []string{"map.png", "curves.png", recipe.ModelFile} {
			if _, err := os.Stat(s.Path(name)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestInterruptedAndOnOtherThreadsIsTheSame(t *testing.T) {
	defer par.SetThreads(par.Threads())
	for _, cbow := range []bool{false, true} {
		var models []string
		for _, threads := range []int{1, 2, 3} {
			par.SetThreads(threads)
			s := session(t, 2)
			sentences := pairsOf(3000, 12)
			if threads == 3 { // and stop after a step
				recipetest.Interrupt(t, s, 1, func(ctx context.Context, s *recipe.Session) error { return trainOn(ctx, s, sentences, cbow) })
			}
			if err := trainOn(t.Context(), s, sentences, cbow); err != nil {
				t.Fatal(err)
			}
			model, err := os.ReadFile(s.Path(recipe.ModelFile))
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, string(model))
		}
		if models[0] != models[1] || models[0] != models[2] {
			t.Errorf("cbow %v: the models differ", cbow)
		}
	}
}

func TestBadInput(t *testing.T) {
	s := session(t, 1)
	if err := trainOn(t.Context(), s, [][]string{{"once"}}, false); err == nil || !strings.Contains(err.Error(), "more text") {
		t.Errorf("a text without frequent words: %v", err)
	}
	for _, sentences := range []int{100, 2000} { // the vectors show it, or the losses already
		s.Rate = 1e10
		if err := trainOn(t.Context(), s, pairsOf(sentences, 3), false); err == nil || !strings.Contains(err.Error(), "a smaller learning rate") {
			t.Errorf("a learning rate beyond all bounds: %v", err)
		}
		s = session(t, 1)
	}
	s.BatchSize = 7
	if err := trainOn(t.Context(), s, pairsOf(100, 3), false); err == nil || !strings.Contains(err.Error(), "--batch") {
		t.Errorf("another batch size: %v", err)
	}
	c := newCorpus(pairsOf(100, 3), 1)
	if err := errors.Join(c.words.Save(s.Path(vocabularyFile)), s.Save("", NewModel(nn.NewInit(1), 5, width))); err != nil {
		t.Fatal(err)
	}
	if _, err := open(s.Dir); err == nil || !strings.Contains(err.Error(), "the vocabulary has 6 words, and the model vectors of 5") {
		t.Errorf("a vocabulary for another model: %v", err)
	}
	if _, err := open(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}
