package generative

import (
	"bytes"
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/recipes/recipe/recipetest"
	"github.com/hadal-ml/hadal/tensor"
)

// bars returns n images of a bright bar, lying (class 0) or standing (class 1)
// somewhere, with a little noise.
func bars(t *testing.T, n, side int, seed uint64) *data.Images {
	t.Helper()
	r := rng.New(seed).Stream()
	pixels, labels := make([]byte, n*side*side), make([]byte, n)
	for i := range n {
		labels[i] = byte(i % 2)
		at, thick := r.IntN(side-side/4), side/4
		for y := range side {
			for x := range side {
				place := y
				if labels[i] == 1 {
					place = x
				}
				v := r.IntN(20)
				if place >= at && place < at+thick {
					v = 255 - v
				}
				pixels[(i*side+y)*side+x] = byte(v)
			}
		}
	}
	images, err := data.NewImages(pixels, 1, side, side, labels, []string{"lying", "standing"})
	if err != nil {
		t.Fatal(err)
	}
	return images
}

// trainings are the recipes on bars, small enough for tests.
var trainings = map[string]struct {
	run      func(t *testing.T, ctx context.Context, s *recipe.Session) error
	epochs   int
	stop     int64 // the step after which it is interrupted
	pictures []string
	falls    string // a figure of the metrics file, and to which share of its first value
	to       float64
}{
	"autoencoder": {
		run: func(t *testing.T, ctx context.Context, s *recipe.Session) error {
			return trainAutoencoder(ctx, s, bars(t, 96, 8, 1), bars(t, 32, 8, 2))
		},
		epochs: 8, stop: 23, pictures: []string{"reconstructions.png", "map.png", "curves.png"}, falls: "error_30", to: 0.8,
	},
	"vae": {
		run: func(t *testing.T, ctx context.Context, s *recipe.Session) error {
			return trainVAE(ctx, s, bars(t, 96, 8, 1), bars(t, 32, 8, 2))
		},
		epochs: 8, stop: 23, pictures: []string{"reconstructions.png", "samples.png", "manifold.png", "curves.png"}, falls: "bound", to: 0.95,
	},
	"gan": {
		run: func(t *testing.T, ctx context.Context, s *recipe.Session) error {
			m := match{name: "gan", new: NewGAN, samples: 40, every: 10}
			return m.train(ctx, s, bars(t, 128, 28, 1), bars(t, 32, 28, 2))
		},
		epochs: 6, stop: 23, pictures: []string{"samples.png", "progress.png", "walk.png", "frechet.png", "curves.png"},
		falls: "loss_discriminator", to: 0.7,
	},
	"dcgan": { // a few steps, for the state of batch normalisation
		run: func(t *testing.T, ctx context.Context, s *recipe.Session) error {
			m := match{name: "dcgan", new: NewDCGAN, samples: 20, every: 10}
			return m.train(ctx, s, bars(t, 160, 28, 1), bars(t, 32, 28, 2))
		},
		epochs: 1, stop: 4, pictures: []string{"samples.png", "frechet.png"}, falls: "loss_discriminator", to: 1.1,
	},
}

// session is a training with batches of 16 images.
func session(t *testing.T, epochs int) *recipe.Session {
	return &recipe.Session{Dir: t.TempDir(), Epochs: epochs, BatchSize: 16, Rate: 1e-3, Seed: 3}
}

// TestTrainings runs each with one thread, again interrupted and with two: what
// it leaves must be the same to the bit.
func TestTrainings(t *testing.T) {
	threads := par.Threads()
	defer par.SetThreads(threads)
	for name, c := range trainings {
		t.Run(name, func(t *testing.T) {
			par.SetThreads(1)
			through := session(t, c.epochs)
			if err := c.run(t, t.Context(), through); err != nil {
				t.Fatal(err)
			}
			_, curve, err := through.Curve(c.falls)
			if err != nil || len(curve) == 0 || !(math.Abs(curve[len(curve)-1]) < c.to*math.Abs(curve[0])) {
				t.Errorf("%s goes %v (%v)", c.falls, curve, err)
			}
			if through.Outcome.Sentence == "" || through.Outcome.Parameters == 0 {
				t.Errorf("the outcome is %+v", through.Outcome)
			}

			par.SetThreads(2)
			halves := session(t, c.epochs)
			recipetest.Interrupt(t, halves, c.stop, func(ctx context.Context, s *recipe.Session) error { return c.run(t, ctx, s) })
			if err := c.run(t, t.Context(), halves); err != nil {
				t.Fatal(err)
			}
			for _, file := range append([]string{recipe.ModelFile, recipe.MetricsFile}, c.pictures...) {
				a, errA := os.ReadFile(through.Path(file))
				b, errB := os.ReadFile(halves.Path(file))
				if errA != nil || errB != nil || !bytes.Equal(a, b) {
					t.Errorf("%s differs (%v, %v)", file, errA, errB)
				}
			}
			for name, v := range through.Outcome.Metrics {
				if halves.Outcome.Metrics[name] != v {
					t.Errorf("%s is %g and %g", name, v, halves.Outcome.Metrics[name])
				}
			}
		})
	}
}

func TestTrainingsOfTooLittle(t *testing.T) {
	for name, c := range trainings {
		s := session(t, c.epochs)
		s.BatchSize = 161
		if err := c.run(t, t.Context(), s); err == nil || !strings.Contains(err.Error(), "batch") {
			t.Errorf("%s: a batch of all there is and one more: %v", name, err)
		}
		if _, err := os.Stat(s.Path(judgeDir)); err == nil {
			t.Errorf("%s trained a judge before it found out", name)
		}
		s = session(t, c.epochs)
		if err := os.WriteFile(s.Path(recipe.CheckpointFile), []byte("nothing"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.run(t, t.Context(), s); err == nil || !strings.Contains(err.Error(), recipe.CheckpointFile) {
			t.Errorf("%s: a damaged checkpoint: %v", name, err)
		}
	}
	one, s := bars(t, 1, 28, 1), session(t, 1)
	s.BatchSize = 1
	err := match{new: NewGAN, samples: 40, every: 10}.train(t.Context(), s, one, one)
	if err == nil || !strings.Contains(err.Error(), "covariance") {
		t.Errorf("one image has no covariance: %v", err)
	}
}

func TestFashionHasToBeThere(t *testing.T) {
	t.Setenv("HADAL_DATA", t.TempDir())
	err := DCGANFashionRecipe.Train(t.Context(), session(t, 1))
	if err == nil || !strings.Contains(err.Error(), "hadal data get fashion-mnist") {
		t.Errorf("without the data: %v", err)
	}
}

func TestShapesAndParameters(t *testing.T) {
	init, c := nn.NewInit(1), nn.Training(1)
	shape := func(what string, x *tensor.Tensor, want string) {
		t.Helper()
		if got := tensor.ShapeString(x.Shape()); got != want {
			t.Errorf("%s is %s, want %s", what, got, want)
		}
	}
	count := func(what string, m any, want int) {
		t.Helper()
		if got := nn.CountParameters(m); got != want {
			t.Errorf("%s has %d parameters, want %d", what, got, want)
		}
	}
	auto := NewAutoencoder(init, append([]int{784}, deepUnits...)...)
	shape("the code", auto.Encode(c, tensor.Zeros(3, 784)), "(3, 30)")
	shape("the reconstruction", auto.Forward(c, tensor.Zeros(3, 784)), "(3, 784)")
	count("the autoencoder", auto, 2*(784*1000+1000*500+500*250+250*30)+1000+500+250+30+250+500+1000+784)

	vae := NewVAE(init, 784, 512, 32)
	mean, logVariance := vae.Encode(c, tensor.Zeros(3, 784))
	shape("the mean", mean, "(3, 32)")
	shape("the variance", logVariance, "(3, 32)")
	shape("the image", vae.Decode(c, mean), "(3, 784)")
	count("the encoder", []any{vae.Encoder, vae.Mean, vae.LogVariance}, 785*512+513*512+2*513*32)
	count("the decoder", vae.Decoder, 33*512+513*512+513*784)

	z := drawNoise(tensor.NewRand(1), 2)
	for name, c := range map[string]struct {
		networks                 *Adversaries
		generator, discriminator int
	}{
		"gan":   {NewGAN(init), 101*256 + 257*512 + 513*784, 785*512 + 513*256 + 257},
		"dcgan": {NewDCGAN(init), 100*128*49 + 2*128 + 128*64*16 + 2*64 + 64*16 + 1, 64*16 + 64 + 64*128*16 + 2*128 + 6272 + 1},
	} {
		images := c.networks.Generator.Forward(nn.Training(1), z)
		shape("what the generator of "+name+" makes", images, "(2, 1, 28, 28)")
		shape("what the discriminator of "+name+" says", c.networks.Discriminator.Forward(nn.Training(1), images), "(2, 1)")
		count("the generator of "+name, c.networks.Generator, c.generator)
		count("the discriminator of "+name, c.networks.Discriminator, c.discriminator)
	}
}

func TestGradientsOfTheBound(t *testing.T) {
	m := NewVAE(nn.NewInit(1), 6, 5, 3)
	nn.To(m, tensor.Float64)
	r := tensor.NewRand(2)
	x := binarise(r, r.Uniform(0, 1, 4, 6)).To(tensor.Float64)
	noise := r.Normal(0, 1, 4, 3).To(tensor.Float64)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
		reconstruction, divergence := m.Bound(nn.Training(0), x, noise)
		return reconstruction.Add(divergence)
	}, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

func TestGradientsOfTheAutoencoder(t *testing.T) {
	m := NewAutoencoder(nn.NewInit(1), 6, 5, 2)
	nn.To(m, tensor.Float64)
	x := tensor.NewRand(2).Uniform(0, 1, 4, 6).To(tensor.Float64)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
		return squaredError(m.Forward(nn.Training(0), x), x)
	}, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

// TestTheBoundIsBelowTheLikelihood of a model whose likelihood is known: without
// weights every pixel is ink with probability 1/2, whatever the code.
func TestTheBoundIsBelowTheLikelihood(t *testing.T) {
	m := NewVAE(nn.NewInit(1), 6, 5, 3)
	for _, p := range nn.Parameters(m.Decoder) {
		p.Fill(0)
	}
	images := binarise(tensor.NewRand(3), tensor.Full(0.5, tensor.Float32, 700, 6))
	reconstruction, divergence := m.measure(images)
	if want := 6 * math.Ln2; math.Abs(reconstruction-want) > 1e-5 || !(divergence > 0) {
		t.Errorf("%g nats to reconstruct, want %g; divergence %g", reconstruction, want, divergence)
	}
}

// TestTheLikelihoodIsAboveTheBound, and exact where codes say nothing.
func TestTheLikelihoodIsAboveTheBound(t *testing.T) {
	r := tensor.NewRand(1)
	m := NewVAE(nn.NewInit(1), 6, 5, 3)
	images := binarise(r, r.Uniform(0, 1, 40, 6))
	reconstruction, divergence := m.measure(images)
	one, many := m.LogLikelihood(images, 1, r), m.LogLikelihood(images, 300, r)
	if bound := -reconstruction - divergence; !(many > bound) || !(many > one) || math.Abs(one-bound) > 0.3 {
		t.Errorf("the bound is %g, the likelihood from one code %g, from many %g", bound, one, many)
	}
	for _, p := range nn.Parameters(m) {
		p.Fill(0)
	}
	if got, want := m.LogLikelihood(images, 7, r), -6*math.Ln2; math.Abs(got-want) > 1e-5 {
		t.Errorf("the likelihood of a model of coin tosses is %g, want %g", got, want)
	}
}

func TestBinariseDrawsByBrightness(t *testing.T) {
	x := tensor.Full(0.3, tensor.Float32, 10000)
	if share := binarise(tensor.NewRand(1), x).Mean().Item(); math.Abs(share-0.3) > 0.02 {
		t.Errorf("%g of the pixels are ink", share)
	}
	for _, v := range []float64{0, 1} {
		if got := binarise(tensor.NewRand(1), tensor.Full(v, tensor.Float32, 1000)).Mean().Item(); got != v {
			t.Errorf("pixels of %g become ink %g", v, got)
		}
	}
}

func TestEachLearnsFromItsOwnLoss(t *testing.T) {
	a := NewGAN(nn.NewInit(1))
	c := nn.Evaluation() // without dropout
	fake := a.Generator.Forward(c, drawNoise(tensor.NewRand(1), 8))
	loss := nn.BCEWithLogits(a.Discriminator.Forward(c, fake), tensor.Ones(8, 1))
	want := tensor.Grad(loss, nn.Parameters(a.Generator))

	a.LearnToTell(c, tensor.Zeros(8, 1, 28, 28), fake)
	for _, p := range nn.Parameters(a.Generator) {
		if p.Grad() != nil {
			t.Fatalf("the discriminator's loss moves %s of the generator", p.Name())
		}
	}
	for _, p := range nn.Parameters(a.Discriminator) {
		if p.Grad() == nil {
			t.Fatalf("the discriminator's loss does not move its %s", p.Name())
		}
		p.ClearGrad()
	}
	a.LearnToDeceive(c, fake)
	for i, p := range nn.Parameters(a.Generator) {
		if difference := p.Grad().Sub(want[i]).Norm(2).Item(); !(difference <= 1e-5*want[i].Norm(2).Item()) {
			t.Errorf("the gradient of %s is off by %g", p.Name(), difference)
		}
	}
	for _, p := range nn.Parameters(a.Discriminator) {
		if g := p.Grad(); g != nil && g.Abs().Sum().Item() != 0 {
			t.Errorf("the generator's loss moves %s of the discriminator", p.Name())
		}
		if !p.RequiresGrad() {
			t.Errorf("%s of the discriminator has stopped learning", p.Name())
		}
	}
}

// TestEachGetsBetterAgainstAnotherThatStaysAsItIs, in a few steps.
func TestEachGetsBetterAgainstAnotherThatStaysAsItIs(t *testing.T) {
	real, err := readAll(bars(t, 16, 28, 1))
	if err != nil {
		t.Fatal(err)
	}
	real = real.Reshape(16, 1, 28, 28).MulScalar(2).AddScalar(-1)
	for name, a := range map[string]*Adversaries{"gan": NewGAN(nn.NewInit(1)), "dcgan": NewDCGAN(nn.NewInit(1))} {
		z := drawNoise(tensor.NewRand(1), 16)
		generate := func(step uint64) *tensor.Tensor { return a.Generator.Forward(nn.Training(step), z) }
		rule := optim.Adam(1e-3).Betas(0.5, 0.999)
		g, d := optim.New(rule, nn.Parameters(a.Generator)), optim.New(rule, nn.Parameters(a.Discriminator))
		var told, deceived []float64
		for step := range uint64(8) {
			told = append(told, a.LearnToTell(nn.Training(step), real, generate(step)).Item())
			d.Step()
		}
		for step := range uint64(8) {
			deceived = append(deceived, a.LearnToDeceive(nn.Training(step), generate(step)).Item())
			g.Step()
		}
		if !(told[7] < 0.7*told[0]) {
			t.Errorf("%s: the discriminator's loss goes %v", name, told)
		}
		if !(deceived[7] < 0.9*deceived[0]) {
			t.Errorf("%s: the generator's loss goes %v", name, deceived)
		}
	}
}

func TestPCA(t *testing.T) {
	// Five directions and a mean, with spreads from wide to narrow.
	r := tensor.NewRand(4)
	spread := tensor.FromSlice([]float32{5, 4, 3, 2, 1}, 5)
	x := r.Normal(0, 1, 1200, 5).Mul(spread).MatMul(r.Normal(0, 1, 5, 12)).AddScalar(3)
	p, err := FitPCA(x)
	if err != nil {
		t.Fatal(err)
	}
	last := math.Inf(1)
	for k := 1; k <= 5; k++ {
		e := meanError(x, func(x *tensor.Tensor) *tensor.Tensor { return p.Reconstruct(x, k) })
		if !(e < last) {
			t.Errorf("%d components leave an error of %g, one less %g", k, e, last)
		}
		last = e
	}
	if last > 1e-6 {
		t.Errorf("five components of five directions leave an error of %g", last)
	}
	// No other plane of two directions does better.
	best := meanError(x, func(x *tensor.Tensor) *tensor.Tensor { return p.Reconstruct(x, 2) })
	for range 20 {
		axes := nn.Orthogonal(r, 0, 0, 2, 12)
		other := &PCA{p.Mean, axes}
		if e := meanError(x, func(x *tensor.Tensor) *tensor.Tensor { return other.Reconstruct(x, 2) }); e < best {
			t.Errorf("a random plane leaves %g, the first two components %g", e, best)
		}
	}
}

func TestFeedGivesTheBatchesOfAStep(t *testing.T) {
	ds := bars(t, 50, 4, 1)
	all, err := newFeed(ds, 16, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer all.close()
	if all.perEpoch() != 3 {
		t.Fatalf("%d steps", all.perEpoch())
	}
	var want [][]float32
	for step := range 9 {
		x, err := all.batch(step)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, x.Float32s())
	}
	if tensor.FromSlice(want[0]).Equal(tensor.FromSlice(want[3])).All().Bools()[0] {
		t.Error("two passes have one order")
	}
	for _, first := range []int{8, 2, 3} {
		f, err := newFeed(ds, 16, 7)
		if err != nil {
			t.Fatal(err)
		}
		for step := first; step < 9; step++ {
			x, err := f.batch(step)
			if err != nil || !tensor.FromSlice(x.Float32s()).Equal(tensor.FromSlice(want[step])).All().Bools()[0] {
				t.Errorf("from step %d on, step %d has another batch (%v)", first, step, err)
			}
		}
		f.close()
	}
}

func TestJudge(t *testing.T) {
	set := bars(t, 200, 28, 1)
	s := session(t, 1)
	j, err := newJudge(t.Context(), s, set, bars(t, 40, 28, 2))
	if err != nil {
		t.Fatal(err)
	}
	images, err := readAll(set)
	if err != nil {
		t.Fatal(err)
	}
	distance := func(images *tensor.Tensor) (float64, []float64) {
		t.Helper()
		d, shares, err := j.distance(images)
		if err != nil {
			t.Fatal(err)
		}
		return d, shares
	}
	own, shares := distance(images)
	if !(own < 1e-4) || len(shares) != 2 || math.Abs(shares[0]-0.5) > 0.05 {
		t.Errorf("the training images are at %g, with shares %v", own, shares)
	}
	other, err := readAll(bars(t, 200, 28, 3))
	if err != nil {
		t.Fatal(err)
	}
	near, _ := distance(other)
	far, _ := distance(tensor.NewRand(1).Uniform(0, 1, 200, 784))
	lying, shares := distance(other.Slice(0, 0, 200, 2))
	if !(near < lying && near < far) || shares[0] < 0.9 {
		t.Errorf("other bars are at %g, lying ones only at %g with shares %v, noise at %g", near, lying, shares, far)
	}
	// Once trained, the judge is read back.
	again, err := newJudge(t.Context(), s, set, bars(t, 40, 28, 2))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := again.real.Frechet(j.real); err != nil || d > 1e-4 {
		t.Errorf("the judge that was read back is another (%g, %v)", d, err)
	}
}

func TestPrecisionIsHeeded(t *testing.T) {
	for name, c := range trainings {
		t.Run(name, func(t *testing.T) {
			recipetest.HeedsPrecision(t, func() *recipe.Session { return session(t, c.epochs) },
				func(ctx context.Context, s *recipe.Session) error { return c.run(t, ctx, s) })
		})
	}
}
