package dqn

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
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

// recorded are episodes of gymnasium's environment, from testdata/make_gymnasium.py.
func recorded(t *testing.T) (episodes []struct {
	Name                  string
	Start                 [4]float64
	Actions               []int
	States                [][4]float64
	Rewards               []float64
	Terminated, Truncated []bool
}) {
	t.Helper()
	f, err := os.Open("testdata/gymnasium.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	file := struct{ Episodes any }{&episodes}
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	return episodes
}

func pole(s [4]float64) CartPole {
	return CartPole{Position: s[0], Velocity: s[1], Angle: s[2], AngularVelocity: s[3]}
}

// distance is that of the most distant of the four numbers.
func distance(a, b CartPole) float64 {
	return max(math.Abs(a.Position-b.Position), math.Abs(a.Velocity-b.Velocity), math.Abs(a.Angle-b.Angle), math.Abs(a.AngularVelocity-b.AngularVelocity))
}

func TestTheEnvironmentIsGymnasiums(t *testing.T) {
	var fell, left, cut bool
	for _, e := range recorded(t) {
		c := pole(e.Start)
		single := c
		for i, action := range e.Actions {
			terminated, truncated := c.Step(action)
			single.Step(action)
			want := pole(e.States[i])
			// A pole that stands is unstable: the last bit of a sine, in which libraries
			// differ, has grown to 1e-6 after 330 steps of pushes that take no notice of
			// it. So every 250 steps the recorded state is taken over, steps included.
			if d := distance(c, want); !(d <= 1e-6) {
				t.Fatalf("%s, step %d: %v, gymnasium has %v", e.Name, i, c, want)
			}
			if d := distance(single, want); !(d <= 1e-14) {
				t.Fatalf("%s, step %d alone: %v, gymnasium has %v", e.Name, i, single, want)
			}
			single = want
			if i%250 == 249 {
				want.Steps = c.Steps
				c = want
			}
			if terminated != e.Terminated[i] || truncated != e.Truncated[i] || e.Rewards[i] != 1 {
				t.Fatalf("%s, step %d: terminated %v, truncated %v; gymnasium says %v, %v, reward %g", e.Name, i, terminated, truncated, e.Terminated[i], e.Truncated[i], e.Rewards[i])
			}
			left = left || terminated && math.Abs(c.Position) > railEnd
			fell = fell || terminated && math.Abs(c.Angle) > fallAngle
			cut = cut || truncated
		}
	}
	if !fell || !left || !cut {
		t.Errorf("the recordings end by falling: %v, by leaving the rail: %v, by the time limit: %v; all three are needed", fell, left, cut)
	}
}

func TestAStateThatIsNoNumberEndsTheEpisode(t *testing.T) {
	c := CartPole{Angle: math.NaN()}
	if terminated, _ := c.Step(Right); !terminated {
		t.Error("it goes on")
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	m := NewMemory(3)
	for i := range 5 {
		m.Add(CartPole{Position: railEnd * float64(i)}, i%2, float32(i), CartPole{Velocity: 2 * float64(i)}, i == 3)
	}
	if m.Len() != 3 {
		t.Fatalf("%d transitions", m.Len())
	}
	seen := map[float32]bool{}
	s := m.Sample(tensor.NewScope(), 64, rng.New(1).Stream())
	for i, r := range s.Reward.Float32s() {
		seen[r] = true
		terminal := 0.0
		if r == 3 {
			terminal = 1
		}
		if s.Before.At(i, 0) != float64(r) || s.After.At(i, 1) != float64(r) || s.Action.At(i) != float64(int(r)%2) || s.Terminal.At(i) != terminal {
			t.Fatalf("the parts of transition %g are not of one step", r)
		}
	}
	if len(seen) != 3 || seen[0] || seen[1] {
		t.Errorf("drawn were %v, not 2, 3 and 4", seen)
	}
}

// constant is a network that says the same values of every state.
func constant(left, right float32) *QNetwork {
	m := NewQNetwork(nn.NewInit(1), 3)
	m.Out.Weight.Fill(0)
	copy(tensor.MutableData[float32](m.Out.Bias), []float32{left, right})
	return m
}

func TestTheLossIsThatOfDoubleDQN(t *testing.T) {
	online, target := constant(0.25, 0.5), constant(2, 0.75)
	for _, c := range []struct {
		what       string
		action     int
		terminated bool
		want       float64 // value to learn
	}{
		// The online network prefers the right; the target network says what that is worth.
		{"goes on", Left, false, reward + discount*0.75},
		{"is over", Left, true, reward},
		{"goes on, other action", Right, false, reward + discount*0.75},
	} {
		m := NewMemory(1)
		m.Add(CartPole{}, c.action, reward, CartPole{}, c.terminated)
		value := []float64{0.25, 0.5}[c.action]
		d := math.Abs(value - c.want)
		if got := doubleDQNLoss(online, target, &m.Transitions).Item(); math.Abs(got-d*d/2) > 1e-6 {
			t.Errorf("%s: loss %g, not %g", c.what, got, d*d/2)
		}
	}
}

func TestTruncationIsNoEndInTheMemory(t *testing.T) {
	a := newAgent(1, 1e-3)
	a.play.Pole = CartPole{Steps: longest - 1}
	a.act(tensor.NewScope(), 0, rng.New(1).Stream())
	if a.memory.Terminal.At(0) != 0 || !slices.Equal(a.play.Returns, []int{longest}) || a.play.Pole.Steps != 0 {
		t.Errorf("cut off at the limit: terminal %g, returns %v, %d steps into the next", a.memory.Terminal.At(0), a.play.Returns, a.play.Pole.Steps)
	}
	a.play.Pole = CartPole{Angle: fallAngle, AngularVelocity: 1, Steps: 7}
	a.act(tensor.NewScope(), 0, rng.New(1).Stream())
	if a.memory.Terminal.At(1) != 1 {
		t.Error("a fall is not terminal")
	}
}

func TestExploration(t *testing.T) {
	for epsilon, want := range map[float64]float64{0: 1, 0.5: 0.75, 1: 0.5} { // share of pushes to the right
		a := newAgent(1, 1e-3)
		a.online.Out.Weight.Fill(0)
		copy(tensor.MutableData[float32](a.online.Out.Bias), []float32{0, 1}) // prefers the right
		random, scope := rng.New(2).Stream(), tensor.NewScope()
		const steps = 2000
		for range steps {
			a.act(scope, epsilon, random)
		}
		if share := a.memory.Action.Narrow(0, 0, steps).Sum().Item() / steps; math.Abs(share-want) > 0.04*epsilon {
			t.Errorf("with epsilon %g a share of %g goes to the right, want %g", epsilon, share, want)
		}
	}
}

// The target network stands still from one copy to the next.
func TestTheTargetNetworkIsCopiedNowAndThen(t *testing.T) {
	s := session(t.TempDir())
	const learning = warmUp / stepsPerUpdate // updates without a loss come first
	for steps, want := range map[int64]bool{learning + copyEvery - 1: false, learning + copyEvery: true} {
		s.Dir = t.TempDir()
		recipetest.Interrupt(t, s, steps, run)
		state, _, err := nn.LoadTensors(s.Path(recipe.CheckpointFile))
		if err != nil {
			t.Fatal(err)
		}
		online, target := state["online.out.weight"], state["target.out.weight"]
		if got := slices.Equal(online.Float32s(), target.Float32s()); got != want {
			t.Errorf("after %d updates the two networks are equal: %v, want %v", steps, got, want)
		}
	}
}

// played is an agent whose memory holds random play.
func played(steps int) *agent {
	a := newAgent(3, 1e-3)
	random, scope := rng.New(3).Stream(), tensor.NewScope()
	for range steps {
		a.act(scope, 1, random)
	}
	return a
}

func TestLearningLowersTheLoss(t *testing.T) {
	a := played(1000)
	scope := tensor.NewScope()
	all := func() float64 { return doubleDQNLoss(a.online, a.target, &a.memory.Transitions).Item() }
	a.memory.Transitions = *a.memory.Sample(scope, 1000, rng.New(4).Stream()) // no empty places
	for name, part := range map[string]**tensor.Tensor{"before": &a.memory.Before, "action": &a.memory.Action, "reward": &a.memory.Reward, "after": &a.memory.After, "terminal": &a.memory.Terminal} {
		*part = (*part).Keep().SetName(name)
	}
	before := all()
	for i := range 150 {
		a.learn(scope, 64, rng.New(5).Split(uint64(i)).Stream())
	}
	if after := all(); !(after < before/2) {
		t.Errorf("the loss went from %g to %g", before, after)
	}
}

func TestGradientsOfTheLoss(t *testing.T) {
	online, target := NewQNetwork(nn.NewInit(1), 5), NewQNetwork(nn.NewInit(2), 5)
	nn.To(online, tensor.Float64)
	nn.To(target, tensor.Float64)
	s := played(12).memory.Sample(tensor.NewScope(), 6, rng.New(1).Stream())
	// States far apart: those of one episode may all lie beside the bend of a unit.
	s.Before, s.After = tensor.NewRand(1).Uniform(-1, 1, 6, 4).To(tensor.Float64), tensor.NewRand(2).Uniform(-1, 1, 6, 4).To(tensor.Float64)
	s.Reward, s.Terminal = s.Reward.To(tensor.Float64), s.Terminal.To(tensor.Float64)
	loss := func([]*tensor.Tensor) *tensor.Tensor { return doubleDQNLoss(online, target, s) }
	if d, err := tensor.GradCheck(loss, nn.Parameters(online)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
	loss(nil).Backward()
	for _, p := range nn.Parameters(target) {
		if p.Grad() != nil {
			t.Errorf("a gradient reached %s of the target network", p.Name())
		}
	}
}

func TestTheBestNetworkIsKept(t *testing.T) {
	a := newAgent(1, 1e-3)
	a.play.Best = longest + 1
	a.online.Out.Bias.Fill(3)
	a.trial(1)
	if a.best.Out.Bias.At(0) == 3 {
		t.Error("a network that played worse was kept")
	}
	a.play.Best = 0
	if found := a.trial(1); found < 5 || a.play.Best != found || a.best.Out.Bias.At(0) != 3 {
		t.Errorf("mean return %g, best %g: the better network was not kept", found, a.play.Best)
	}
	a.online.Out.Bias.Fill(4) // which plays alike
	if a.trial(1); a.best.Out.Bias.At(0) != 4 {
		t.Error("of two networks that played equally well the first was kept")
	}
}

func TestShapesAndParameters(t *testing.T) {
	m := NewQNetwork(nn.NewInit(1), hidden)
	if n := nn.CountParameters(m); n != 4*128+128+128*128+128+128*2+2 {
		t.Errorf("%d parameters", n)
	}
	if s := m.Forward(nn.Inference(), tensor.Zeros(7, 4)).Shape(); !slices.Equal(s, []int{7, 2}) {
		t.Errorf("shape %v", s)
	}
	if returns := Evaluate(m, 9, rng.New(1)); len(returns) != 9 || slices.Min(returns) < 5 || slices.Max(returns) > longest {
		t.Errorf("returns %v", returns)
	}
}

// session is a short run of the recipe.
func session(dir string) *recipe.Session {
	return &recipe.Session{Dir: dir, Epochs: 2, BatchSize: 16, Rate: Recipe.Rate, Seed: 5}
}

func TestARunThatIsResumedIsOneThatRanThrough(t *testing.T) {
	defer par.SetThreads(par.Threads())
	par.SetThreads(1)
	through := session(t.TempDir())
	if err := run(t.Context(), through); err != nil {
		t.Fatal(err)
	}
	if through.Outcome.Metrics["mean_return"] < 5 {
		t.Errorf("metrics %v", through.Outcome.Metrics)
	}

	par.SetThreads(2)
	halves := session(t.TempDir())
	recipetest.Interrupt(t, halves, 700, run)
	if err := run(t.Context(), halves); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{recipe.ModelFile, recipe.MetricsFile, "returns.png", "value.png", "episode.gif"} {
		a, errA := os.ReadFile(through.Path(name))
		b, errB := os.ReadFile(halves.Path(name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
}

func TestACheckpointThatCannotHaveHappenedIsRefused(t *testing.T) {
	for _, p := range []play{{Returns: []int{3, 501}}, {Returns: []int{0}}, {Pole: CartPole{Steps: -1}}, {Pole: CartPole{Steps: 500}}, {Best: 501}, {Best: -1}} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), "steps") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// Schedules have the recipe's length, so that an epoch and one more are two.
func TestOneEpochAndOneMoreAreTwo(t *testing.T) {
	through, inParts := session(t.TempDir()), session(t.TempDir())
	if err := run(t.Context(), through); err != nil {
		t.Fatal(err)
	}
	for inParts.Epochs = 1; inParts.Epochs <= through.Epochs; inParts.Epochs++ {
		if err := run(t.Context(), inParts); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{recipe.ModelFile, recipe.MetricsFile} {
		a, errA := os.ReadFile(through.Path(name))
		b, errB := os.ReadFile(inParts.Path(name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
}
