package sentiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

func TestRepeatedDocumentsAreLeftOut(t *testing.T) {
	words := func(s string) []string { return strings.Fields(s) }
	long := "dear joe this is the best offer that anybody will ever make you so act at once and send the money to me"
	docs := []Document{
		{words(long), 1},
		{words(strings.Replace(long, "joe", "jane", 1)), 1}, // the same to somebody else
		{words("hello"), 0}, {words("hello"), 0}, {words(""), 0}, // and short ones
		{words("this is the best offer that a person with another mind than yours could possibly think of tonight"), 0},
	}
	got := distinct(docs)
	if len(got) != 3 || got[0].Tokens[1] != "joe" || got[1].Tokens[0] != "hello" || len(got[2].Tokens) < 10 {
		t.Errorf("%v", got)
	}
}

// numbered are words that no other text has.
func numbered(text, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("w%dx%d", text, i))
	}
	return out
}

// What stands below forty mails and more is no sign that one of them repeats
// another; below fewer it is.
func TestASignatureIsNoRepetition(t *testing.T) {
	signature := strings.Fields("this list is read by people who like to read lists")
	for others, want := range map[int]int{widespread - 1: widespread - 1, widespread: widespread + 1} {
		var docs []Document
		for i := range others {
			docs = append(docs, Document{append(numbered(i, 20), signature...), 0})
		}
		docs = append(docs, Document{append(numbered(others, 3), signature...), 0})
		if got := len(distinct(docs)); got != want {
			t.Errorf("after %d mails with a signature, a short one with it: %d are left, want %d", others, got, want)
		}
	}
}

// A longer mail that holds an earlier one is not left out, and quoted sees it.
func TestQuotedMails(t *testing.T) {
	question := numbered(0, 20)
	reply := append(slices.Clone(question), numbered(1, 40)...)
	docs := []Document{{question, 0}, {reply, 0}, {numbered(2, 20), 0}}
	if got := distinct(docs); len(got) != 3 {
		t.Fatalf("%d are left", len(got))
	}
	again := quoted([]Document{docs[0], docs[2]}, docs[1:2])
	if !slices.Equal(again, []bool{true, false}) {
		t.Errorf("quoted: %v", again)
	}
	e := &train.Evaluation{Predicted: []int{1, 1}, True: []int{0, 1}}
	if accuracy, out := accuracyWithout(again, e); accuracy != 1 || out != 1 {
		t.Errorf("an accuracy of %g without %d mails", accuracy, out)
	}
	if accuracy, out := accuracyWithout([]bool{true, true}, e); accuracy != 0 || out != 2 {
		t.Errorf("an accuracy of %g without %d mails", accuracy, out)
	}
}

// made are documents made by code: half of the words are common, half are of
// the class, and each is different.
func made(n int) []Document {
	r := rng.New(7).Stream()
	docs := make([]Document, n)
	for i := range docs {
		class := i % 2
		docs[i].Class = class
		for range 6 + r.IntN(10) {
			word := fmt.Sprintf("common%c", 'a'+r.IntN(26))
			if r.Bernoulli(0.4) {
				word = fmt.Sprintf("%s%c", Classes[class], 'a'+r.IntN(10))
			}
			docs[i].Tokens = append(docs[i].Tokens, word)
		}
	}
	return docs
}

func TestTheVocabularyIsThatOfTheTrainingPart(t *testing.T) {
	docs := made(400)
	for i := range docs {
		docs[i].Tokens = append(docs[i].Tokens, fmt.Sprintf("own%d", i), fmt.Sprintf("own%d", i))
	}
	c := split(slices.Clone(docs), 0)
	if len(c.train) != 280 || len(c.validation) != 40 || len(c.test) != 80 {
		t.Errorf("parts of %d, %d and %d", len(c.train), len(c.validation), len(c.test))
	}
	known := func(part []Document) (n, spam int) {
		for _, d := range part {
			if _, ok := c.words.ID(d.Tokens[len(d.Tokens)-1]); ok {
				n++
			}
			spam += d.Class
		}
		return n, spam
	}
	for name, part := range map[string][]Document{"validation": c.validation, "test": c.test} {
		if n, spam := known(part); n != 0 || spam != len(part)/2 {
			t.Errorf("%s: the own words of %d are known, %d of %d are spam", name, n, spam, len(part))
		}
	}
	if n, _ := known(c.train); n != len(c.train) {
		t.Errorf("%d of the words of the training part are known", n)
	}
	again := split(slices.Clone(docs), 30)
	if len(again.train) != 30 || !slices.Equal(again.train[3].Tokens, c.train[3].Tokens) {
		t.Error("a limit changes which mails are taken first")
	}
}

func TestEncode(t *testing.T) {
	c := split(made(100), 0)
	x := []float32{9, 9, 9, 9}
	encode(x, []string{c.words.Word(5), "never seen"}, c.words)
	if !slices.Equal(x, []float32{firstWord + 5, unknown, padding, padding}) {
		t.Errorf("%v", x)
	}
	encode(x[:1], []string{"a", "b"}, c.words)
	if x[0] != unknown {
		t.Errorf("%v", x)
	}
}

func TestShapesAndParameters(t *testing.T) {
	m := NewNetwork(nn.NewInit(1), 1000)
	// Embedding, two directions of four gates, output.
	want := 1000*64 + 2*4*64*(64+64+2) + 2*(128+1)
	if n := nn.CountParameters(m); n != want {
		t.Errorf("%d parameters, want %d", n, want)
	}
	x := tensor.FromSlice([]float32{5, 6, 7, 8, 0, 0, 9, 0, 0, 0, 0, 0}, 2, 6)
	y := m.Forward(nn.Inference(), x)
	if y.NDim() != 2 || y.Dim(0) != 2 || y.Dim(1) != 2 {
		t.Fatalf("logits %v", y.Shape())
	}
	alone := m.Forward(nn.Inference(), tensor.FromSlice([]float32{9}, 1, 1)).Float64s()
	for i, v := range alone {
		if math.Abs(v-y.Float64s()[2+i]) > 1e-6 {
			t.Errorf("a text beside a longer one: %v, alone %v", y.Float64s()[2:], alone)
		}
	}
	if y := m.Forward(nn.Inference(), tensor.Zeros(1, 6)); y.Dim(1) != 2 {
		t.Errorf("a text without words: %v", y.Shape())
	}
}

func TestGradients(t *testing.T) {
	x := tensor.FromSlice([]float32{2, 3, 4, 5, 0, 3, 2, 0, 0, 0}, 2, 5)
	labels := tensor.FromSlice([]int64{1, 0})
	network := newNetwork(nn.NewInit(1), 6, 3, 2)
	network.DropIn.P, network.DropOut.P = 0, 0
	bag := NewBagOfWords(nn.NewInit(1), 6)
	for name, m := range map[string]nn.Module{"network": network, "bag of words": bag} {
		nn.To(m, tensor.Float64)
		loss := func([]*tensor.Tensor) *tensor.Tensor { return nn.CrossEntropy(m.Forward(nn.Training(0), x), labels) }
		if d, err := tensor.GradCheck(loss, nn.Parameters(m)); err != nil {
			t.Errorf("%s: %g: %v", name, d, err)
		}
	}
}

func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: 16, Rate: 1e-2, Seed: 1}
}

func TestTrainingFindsTheSpam(t *testing.T) {
	s := session(t, epochs)
	if err := trainOn(t.Context(), s, made(500)); err != nil {
		t.Fatal(err)
	}
	m := s.Outcome.Metrics
	if m["test_accuracy"] < 0.95 || m["bag_of_words_accuracy"] < 0.9 || m["majority_accuracy"] > 0.55 || m["test_mails"] != 100 {
		t.Errorf("%v", m)
	}
	for _, name := range []string{"confusion.png", "curves.png", "words.txt", recipe.ModelFile} {
		if _, err := os.Stat(s.Path(name)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(s.Path("words.txt"))
	if lines := strings.Split(strings.TrimSpace(string(text)), "\n"); err != nil || !strings.Contains(lines[0], " spam") || !strings.Contains(lines[len(lines)-1], " ham") {
		t.Errorf("%s, %v", text, err)
	}
	opened, err := open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	classifier := opened.(recipe.TextClassifier)
	for class, name := range classifier.Classes() {
		p := classifier.Classify([]byte(fmt.Sprintf("Subject: %sa commonb\n\n%sc %sd commonc %se", name, name, name, name)))
		if p[class] < 0.9 || math.Abs(p[0]+p[1]-1) > 1e-6 {
			t.Errorf("%s: %v", name, p)
		}
	}
	whole, err := os.ReadFile(s.Path(vocabularyFile))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(whole), "\n")
	os.WriteFile(s.Path(vocabularyFile), []byte(first+"\n"), 0o644)
	if _, err := open(s.Dir); err == nil || !strings.Contains(err.Error(), "the vocabulary has 1 words, and the model vectors of") {
		t.Errorf("a vocabulary that lost its words: %v", err)
	}
	os.Remove(s.Path(vocabularyFile))
	if _, err := open(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run without a vocabulary: %v", err)
	}
}

// A quick look at a few mails ends too, whatever is missing in them.
func TestTrainingOnFewMails(t *testing.T) {
	for _, limit := range []int{1, 3} {
		s := session(t, 1)
		s.Limit, s.BatchSize = limit, limit
		if err := trainOn(t.Context(), s, made(60)); err != nil {
			t.Errorf("%d mails: %v", limit, err)
			continue
		}
		for name, v := range s.Outcome.Metrics {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%d mails: %s is %v", limit, name, v)
			}
		}
		if _, err := open(s.Dir); err != nil {
			t.Errorf("%d mails: %v", limit, err)
		}
	}
}

func TestInterruptedAndOnOtherThreadsIsTheSame(t *testing.T) {
	defer par.SetThreads(par.Threads())
	var models []string
	for _, threads := range []int{1, 2} {
		par.SetThreads(threads)
		s := session(t, 2)
		docs := made(150)
		if threads == 2 {
			ctx, cancel := context.WithCancel(t.Context())
			epoch := train.Hooks{OnEpoch: func(*train.State) error { cancel(); return nil }}
			s.Callbacks = func(part, _ int) []train.Callback {
				if part == 1 {
					return []train.Callback{epoch}
				}
				return nil
			}
			if err := trainOn(ctx, s, slices.Clone(docs)); !errors.Is(err, train.ErrInterrupted) {
				t.Fatalf("interrupted: %v", err)
			}
			s.Callbacks = nil
		}
		if err := trainOn(t.Context(), s, docs); err != nil {
			t.Fatal(err)
		}
		model, err := os.ReadFile(s.Path(recipe.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, string(model))
	}
	if models[0] != models[1] {
		t.Error("the models differ")
	}
}
