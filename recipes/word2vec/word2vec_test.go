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

// lossOf is the loss of all pairs of one target, with the tape.
func lossOf(input, output *tensor.Tensor, reads, scored []int64, cbow bool) *tensor.Tensor {
	in := tensor.Embedding(input, tensor.FromSlice(reads), -1)    // (reads, width)
	out := tensor.Embedding(output, tensor.FromSlice(scored), -1) // (outputs, width)
	if cbow {
		in = in.MeanKeep(0)
	}
	sign := make([]float64, len(scored))
	for j := range sign {
		sign[j] = -1
	}
	sign[0] = 1
	s := in.MatMul(out.Transpose(0, 1)).Mul(tensor.FromSlice(sign).To(input.DType()))
	return s.Neg().Softplus().Sum() // -log σ(s) = softplus(-s)
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

func TestGradientOfTheLoss(t *testing.T) {
	m := NewModel(nn.NewInit(1), 5, 4)
	rng.FillUniform(rng.New(2), tensor.MutableData[float32](m.Output), -1, 1)
	nn.To(m, tensor.Float64)
	for _, cbow := range []bool{false, true} {
		f := func([]*tensor.Tensor) *tensor.Tensor {
			return lossOf(m.Input, m.Output, []int64{0, 1, 1}, []int64{2, 3, 3, 4}, cbow)
		}
		if d, err := tensor.GradCheck(f, nn.Parameters(m)); err != nil {
			t.Errorf("cbow %v: %g: %v", cbow, d, err)
		}
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
	s.BatchSize = 7
	if err := trainOn(t.Context(), s, pairsOf(100, 3), false); err == nil || !strings.Contains(err.Error(), "--batch") {
		t.Errorf("another batch size: %v", err)
	}
	if _, err := open(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}
