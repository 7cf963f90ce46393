package language

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
	"github.com/hadal-ml/hadal/tensor"
)

// play is a text with rules that can be learned from a few hundred characters.
func play(t testing.TB) *corpus {
	t.Helper()
	var b strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	for b.Len() < 2000 {
		b.WriteString([]string{"ANNA:\n", "BOB:\n"}[random.IntN(2)])
		for range 1 + random.IntN(4) {
			b.WriteString([]string{"abba ", "cede ", "efface "}[random.IntN(3)])
		}
		b.WriteString("\n\n")
	}
	v, err := NewVocabulary(b.String())
	if err != nil {
		t.Fatal(err)
	}
	ids, err := v.Encode(b.String())
	if err != nil {
		t.Fatal(err)
	}
	return &corpus{v, ids[:1600], ids[1600:]}
}

func session(t *testing.T, batch int, rate float64) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: 2, BatchSize: batch, Rate: rate, Seed: 1}
}

var smallRNN = RNNSizes{Embedding: 5, Hidden: 12, Layers: 2}

func cells() []RNNSizes {
	var out []RNNSizes
	for _, cell := range []string{"rnn", "gru", "lstm"} {
		z := smallRNN
		z.Cell = cell
		out = append(out, z)
	}
	return out
}

func TestVocabulary(t *testing.T) {
	v, err := NewVocabulary("to be, or not\n")
	if err != nil {
		t.Fatal(err)
	}
	if v.String() != "\n ,benort" || v.Len() != 9 {
		t.Errorf("the characters are %q", v.String())
	}
	ids, err := v.Encode("be or")
	if err != nil || v.Decode(ids...) != "be or" {
		t.Errorf("be or became %v and that %q (%v)", ids, v.Decode(ids...), err)
	}
	if _, err := v.Encode("to bé"); err == nil || !strings.Contains(err.Error(), `'é' is not among the 9 characters that the model has read: \n ,benort`) {
		t.Errorf("a character that is not there: %v", err)
	}
	for _, bad := range []string{"", "ba", "aa", "a\xff", strings.Repeat("a", maxCharacters+1)} {
		if _, err := ParseVocabulary(bad); err == nil {
			t.Errorf("%.20q was accepted", bad)
		}
	}
}

// Lanes go on where they stopped, and next is what comes one character later.
func TestLanes(t *testing.T) {
	ids := make([]int64, 103)
	for i := range ids {
		ids[i] = int64(i)
	}
	l := newLanes(ids, 4, 5, 1)
	if l.steps != 5 || l.window != 5 {
		t.Fatalf("%d steps of %d", l.steps, l.window)
	}
	for i := range 3 * l.steps {
		x, next := l.at(i)
		if !slices.Equal(x.Shape(), []int{5, 4}) || !slices.Equal(next.Shape(), []int{20}) {
			t.Fatalf("shapes %v and %v", x.Shape(), next.Shape())
		}
		for j, v := range x.Int64s() {
			if next.Int64s()[j] != v+1 {
				t.Fatalf("after %d comes %d", v, next.Int64s()[j])
			}
		}
		if (i+1)%l.steps != 0 {
			if after, _ := l.at(i + 1); !slices.Equal(after.Int64s()[:4], next.Int64s()[16:]) {
				t.Fatalf("window %d ends before %v, the next begins with %v", i, next.Int64s()[16:], after.Int64s()[:4])
			}
		}
	}
	if short := newLanes(ids[:9], 4, 5, 1); short.steps != 1 || short.window != 2 {
		t.Errorf("nine characters in four lanes are %d windows of %d", short.steps, short.window)
	}
}

func TestSizesCountParameters(t *testing.T) {
	const characters = 7
	for _, z := range cells() {
		n, err := z.Parameters(characters)
		if got := nn.CountParameters(NewCharRNN(nn.NewInit(1), z, characters, 0, 0)); err != nil || got != n {
			t.Errorf("%s: %d parameters, %d by the sizes (%v)", z.Cell, got, n, err)
		}
	}
	for _, bad := range []RNNSizes{{}, {"elman", 1, 1, 1}, {"gru", 0, 1, 1}, {"gru", 1, -1, 1}, {"gru", 1, 1, 1 << 40}, {"gru", 1, 1 << 40, 1}} {
		if _, err := bad.Parameters(characters); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestGradientsOfTheRecurrentNetworks(t *testing.T) {
	ids := tensor.FromSlice([]int64{0, 3, 1, 2, 2, 0}, 3, 2)
	next := tensor.FromSlice([]int64{1, 2, 2, 0, 3, 3})
	for _, z := range cells() {
		z.Hidden = 3
		m := NewCharRNN(nn.NewInit(2), z, 4, 0.3, 0.3)
		nn.To(m, tensor.Float64)
		if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
			logits, _ := m.Run(nn.Evaluation(), ids, State{})
			return nn.CrossEntropy(logits, next)
		}, nn.Parameters(m)); err != nil {
			t.Errorf("%s: %g: %v", z.Cell, d, err)
		}
	}
}

// The loss over a text is the mean of what each character costs that is read
// one by one, in lanes that each begin with nothing.
func TestLossIsThatOfReadingOneByOne(t *testing.T) {
	text := play(t)
	for _, z := range cells() {
		m := NewCharRNN(nn.NewInit(1), z, text.Len(), 0.5, 0.5)
		lengths := []int{50, 65} // 50 do not fill the lanes
		if z.Cell == "lstm" {
			lengths = append(lengths, 32*131+1) // lanes that are longer than what is read at once
		}
		for _, n := range lengths {
			ids := slices.Repeat(text.validation, 11)[:n]
			lane, total := (n-1+31)/32, 0.0
			r := &rnnReader{model: m}
			for i := range n - 1 {
				if i%lane == 0 {
					r = &rnnReader{model: m}
				}
				logits := tensor.FromSlice(r.read(ids[i:i+1]), 1, text.Len())
				total += nn.CrossEntropy(logits, tensor.FromSlice(ids[i+1:i+2])).Item()
			}
			if got, want := m.loss(ids), total/float64(n-1); math.Abs(got-want) > 1e-5 {
				t.Errorf("%s, %d characters: loss %g, read one by one %g", z.Cell, n, got, want)
			}
		}
	}
}

// The state goes on from window to window: with a learning rate that changes
// nothing, what is left of a pass is the state after all of its windows.
func TestTheStateGoesOnFromWindowToWindow(t *testing.T) {
	text := play(t)
	z := RNNSizes{Cell: "lstm", Embedding: 5, Hidden: 12, Layers: 1}
	s := session(t, 8, 0)
	if err := fitRNN(t.Context(), s, text, z, s.Epochs); err != nil {
		t.Fatal(err)
	}
	checkpoint, _, err := nn.LoadTensors(s.Path(recipe.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	m := NewCharRNN(nn.NewInit(s.Seed), z, text.Len(), rnnDropout, rnnDropout)
	got := m.blank(s.BatchSize)
	if err := nn.LoadState(&got, nn.WithPrefix(checkpoint, "memory.")); err != nil {
		t.Fatal(err)
	}
	lanes := newLanes(text.train, s.BatchSize, rnnWindow, s.Seed)
	if lanes.steps < 2 {
		t.Fatalf("a pass of %d windows", lanes.steps)
	}
	var want State
	for step := range lanes.steps { // of the last pass
		i := (s.Epochs-1)*lanes.steps + step
		ids, _ := lanes.at(i)
		_, want = m.Run(trainingContext(s.Seed, i), ids, want)
	}
	for _, pair := range [][2]*tensor.Tensor{{got.H, want.H}, {got.C, want.C}} {
		a, b := pair[0].Float64s(), pair[1].Float64s()
		for k := range b {
			if math.Abs(a[k]-b[k]) > 1e-6 {
				t.Fatalf("unit %d holds %g, want %g", k, a[k], b[k])
			}
		}
	}
}

// fits trains each network on the play; whoever knows the letters' frequencies
// alone has a loss of about 2.6.
func fits(t *testing.T, s *recipe.Session, ctx context.Context, z RNNSizes) error {
	t.Helper()
	return fitRNN(ctx, s, play(t), z, s.Epochs)
}

func TestTrainingLearnsAndItsRunGenerates(t *testing.T) {
	for _, z := range cells() {
		s := session(t, 8, 2e-2)
		s.Epochs = 40
		z.Hidden = 24
		if err := fits(t, s, t.Context(), z); err != nil {
			t.Fatal(err)
		}
		if loss := s.Outcome.Metrics["validation_nats_per_character"]; !(loss < 1.2) {
			t.Errorf("%s: validation loss %g", z.Cell, loss)
		}
		for _, name := range []string{"curves.png", "units.png"} {
			if _, err := os.Stat(s.Path(name)); err != nil {
				t.Error(err)
			}
		}
		opened, err := openRNN(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		checkGenerator(t, opened)
	}
}

// Two characters are the least to measure on; pictures of them are drawn too.
func TestTheShortestValidationText(t *testing.T) {
	text := play(t)
	text.validation = text.validation[:2]
	s := session(t, 8, 1e-2)
	if err := fitRNN(t.Context(), s, text, cells()[0], s.Epochs); err != nil {
		t.Error(err)
	}
	s = session(t, 8, 1e-2)
	if err := fitTransformer(t.Context(), s, text, smallGPT, 0, s.Epochs); err != nil {
		t.Error(err)
	}
}

func TestTrainingThatDivergesEnds(t *testing.T) {
	err := fits(t, session(t, 8, math.MaxFloat32), t.Context(), cells()[1])
	if err == nil || !strings.Contains(err.Error(), "a smaller learning rate") {
		t.Errorf("a learning rate beyond all bounds: %v", err)
	}
}

func TestTextsThatAreTooShort(t *testing.T) {
	t.Setenv(datasets.DirEnv, t.TempDir())
	s := session(t, 8, 1e-2)
	if _, err := load(s); err == nil || !strings.Contains(err.Error(), "hadal data get tiny-shakespeare") {
		t.Errorf("no text: %v", err)
	}
	set, err := datasets.Find("tiny-shakespeare")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(os.Getenv(datasets.DirEnv), set.Name)
	text := strings.Repeat("To be, or\n", int(set.Bytes())/10+1)[:set.Bytes()]
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, set.Files[0].Name), []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	s.Limit = 15
	if _, err := load(s); err == nil || !strings.Contains(err.Error(), "a batch of 8 stretches needs 16 characters of text, not 15") {
		t.Errorf("15 characters: %v", err)
	}
	s.Limit = 16
	if c, err := load(s); err != nil || len(c.train) != 16 || len(c.validation) != 16 || c.Decode(c.train...) != text[:16] {
		t.Errorf("16 characters: %v", err)
	}
}

// checkGenerator holds for every generator of these recipes.
func checkGenerator(t *testing.T, opened any) {
	t.Helper()
	g := opened.(recipe.Generator)
	write := func(prompt string, temperature float64, seed uint64) (string, error) {
		var b strings.Builder
		err := g.Generate(t.Context(), prompt, 60, temperature, seed, func(piece string) error {
			b.WriteString(piece)
			return nil
		})
		return b.String(), err
	}
	first, err := write("ANNA:", 1, 3)
	if err != nil || len(first) != 60 {
		t.Errorf("%q (%v)", first, err)
	}
	if again, _ := write("ANNA:", 1, 3); again != first {
		t.Errorf("the same seed wrote %q, then %q", first, again)
	}
	if other, _ := write("ANNA:", 1, 4); other == first {
		t.Errorf("another seed wrote the same: %q", other)
	}
	if a, _ := write("ANNA:", 0, 3); a == "" {
		t.Error("nothing written at temperature 0")
	} else if b, _ := write("ANNA:", 0, 4); a != b {
		t.Errorf("the likeliest depends on the seed: %q, %q", a, b)
	}
	if _, err := write("Zürich", 1, 1); err == nil || !strings.Contains(err.Error(), "the prompt cannot be read: 'Z' is not among") {
		t.Errorf("a bad prompt: %v", err)
	}
	if _, err := write("", 1, 1); err == nil {
		t.Error("an empty prompt was accepted")
	}
	full := errors.New("full")
	if err := g.Generate(t.Context(), "A", 5, 1, 1, func(string) error { return full }); !errors.Is(err, full) {
		t.Errorf("a failing emit: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Generate(ended, "A", 5, 1, 1, func(string) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestSample(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	logits := []float32{0, 1, float32(math.Inf(-1))}
	for temperature, want := range map[float64]float64{1: 1 / (1 + math.E), 2: 1 / (1 + math.Sqrt(math.E))} {
		count := [3]int{}
		for range 20000 {
			count[sample(logits, temperature, random)]++
		}
		if got := float64(count[0]) / 20000; math.Abs(got-want) > 0.01 || count[2] > 0 {
			t.Errorf("temperature %g: %v, want a share of %.3f for the first", temperature, count, want)
		}
	}
	if got := sample(logits, 0, random); got != 1 {
		t.Errorf("the likeliest is %d", got)
	}
}

// interrupted runs fit through, and in two pieces; both must leave the same files.
func interrupted(t *testing.T, fit func(ctx context.Context, s *recipe.Session) error) {
	t.Helper()
	through, halves := session(t, 8, 1e-2), session(t, 8, 1e-2)
	if err := fit(t.Context(), through); err != nil {
		t.Fatal(err)
	}
	recipetest.Interrupt(t, halves, 3, fit)
	if err := fit(t.Context(), halves); err != nil {
		t.Fatal(err)
	}
	same(t, through.Dir, halves.Dir)
}

func same(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{recipe.ModelFile, recipe.MetricsFile} {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v, %v)", name, errX, errY)
		}
	}
}

func TestInterruptedTrainingOfRecurrentNetworks(t *testing.T) {
	for _, z := range cells()[1:] { // one with and one without cells in its state
		interrupted(t, func(ctx context.Context, s *recipe.Session) error { return fits(t, s, ctx, z) })
	}
}

// threads runs fit with one and with two threads; both must leave the same files.
func threads(t *testing.T, fit func(s *recipe.Session) error) {
	t.Helper()
	defer par.SetThreads(par.Threads())
	var dirs []string
	for _, n := range []int{1, 2} {
		par.SetThreads(n)
		s := session(t, 8, 1e-2)
		if err := fit(s); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, s.Dir)
	}
	same(t, dirs[0], dirs[1])
}

func TestThreadsDoNotChangeRecurrentNetworks(t *testing.T) {
	z := RNNSizes{Cell: "lstm", Embedding: 16, Hidden: 128, Layers: 1}
	threads(t, func(s *recipe.Session) error { s.Epochs = 1; return fits(t, s, t.Context(), z) })
}

func TestDamagedRunsAreErrors(t *testing.T) {
	s := session(t, 8, 1e-2)
	z := cells()[1]
	text := play(t)
	m := NewCharRNN(nn.NewInit(1), z, text.Len(), 0, 0)
	if _, err := openRNN(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run without a model: %v", err)
	}
	for what, damage := range map[string]func() error{
		"another network": func() error { z := z; z.Layers++; return save(s, m, text.Vocabulary, z) },
		"another cell": func() error {
			z := RNNSizes{"lstm", 1, 1, 1}
			return save(s, NewCharRNN(nn.NewInit(1), z, text.Len(), 0, 0), text.Vocabulary, RNNSizes{"gru", 1, 1, 1})
		},
		"no metadata": func() error { return nn.Save(s.Path(recipe.ModelFile), m, nil) },
		"a vocabulary with too few": func() error {
			v, err := ParseVocabulary("ab")
			return errors.Join(err, save(s, m, v, z))
		},
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, err := openRNN(s.Dir); err == nil || !strings.Contains(err.Error(), s.Dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// As many parameters, but of other shapes.
	if err := save(s, &struct{ Weight *tensor.Tensor }{tensor.Zeros(must(z.Parameters(text.Len())))}, text.Vocabulary, z); err != nil {
		t.Fatal(err)
	}
	if _, err := openRNN(s.Dir); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("other shapes: %v", err)
	}
}

func must(n int, err error) int {
	if err != nil {
		panic(err)
	}
	return n
}

func FuzzVocabulary(f *testing.F) {
	f.Add("\n !abc")
	f.Add("ba")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVocabulary(s)
		if err != nil {
			return
		}
		ids, err := v.Encode(s)
		if err != nil || v.String() != s || v.Decode(ids...) != s || v.Len() != len(ids) {
			t.Errorf("%q became %q and %v (%v)", s, v.String(), ids, err)
		}
	})
}

// FuzzDescribe reads hostile metadata. What is accepted has as many parameters
// as the file, so that no sizes lead to a network that is larger.
func FuzzDescribe(f *testing.F) {
	f.Add("abc", `{"cell":"gru","embedding":2,"hidden":3,"layers":1}`, 99)
	f.Add("abc", `{"cell":"lstm","embedding":9223372036854775807,"hidden":3,"layers":1}`, 1)
	f.Add("abc", `{"layers":2,"width":4,"heads":2,"context":8}`, 500)
	f.Add("", `[`, 0)
	f.Fuzz(func(t *testing.T, characters, sizes string, parameters int) {
		for _, z := range []sized{&RNNSizes{}, &GPTSizes{}} {
			v, err := describe(map[string]string{charactersKey: characters, sizesKey: sizes}, z, parameters)
			if err != nil {
				continue
			}
			if n, err := z.Parameters(v.Len()); err != nil || n != parameters || n < 1 {
				t.Errorf("%s with %d characters: %d parameters accepted for %d (%v)", sizes, v.Len(), n, parameters, err)
			}
		}
	})
}

func TestPrecisionIsHeeded(t *testing.T) {
	new := func() *recipe.Session { return session(t, 8, 1e-2) }
	recipetest.HeedsPrecision(t, new, func(ctx context.Context, s *recipe.Session) error { return fits(t, s, ctx, cells()[0]) })
	recipetest.HeedsPrecision(t, new, func(ctx context.Context, s *recipe.Session) error { return fitsGPT(t, ctx, s) })
}
