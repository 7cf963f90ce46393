package photos

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/cifar10"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// all are the recipes of this package and the number of their parameters.
var all = []struct {
	recipe     recipe.Recipe
	parameters int
}{
	{FashionRecipe, 685_418}, {FewRecipe, 61_042}, {FewPhotosRecipe, 269_722}, {ResNet20Recipe, 269_722}, {VGGRecipe, 1_767_338}, {InceptionRecipe, 377_818}, {DenseNetRecipe, 237_450},
}

// stripes are photographs made by code: class k has stripes of width 1 + k/2 in
// one of two directions.
func stripes(t *testing.T, in *recipe.ImageInput, n int) data.Dataset {
	t.Helper()
	size := in.Channels * in.Height * in.Width
	pixels, labels := make([]byte, n*size), make([]uint8, n)
	for i := range n {
		k := i % classes
		labels[i] = uint8(k)
		for j := range size {
			x, y := j%in.Width, j/in.Width%in.Height
			if k%2 == 1 {
				x, y = y, x
			}
			if (x+i/classes)/(1+k/2)%2 == 0 {
				pixels[i*size+j] = byte(150 + 10*(i%7) + y)
			}
		}
	}
	images, err := data.NewImages(pixels, in.Channels, in.Height, in.Width, labels, cifar10.Classes)
	if err != nil {
		t.Fatal(err)
	}
	return images
}

// settings are those of a recipe for a few steps on stripes.
func settings(t *testing.T, r recipe.Recipe, n, batch, epochs int) train.Config {
	cfg := train.Config{Train: stripes(t, r.Input, n), Loss: nn.CrossEntropy, Epochs: epochs, BatchSize: batch, Seed: 1}
	r.Configure(&cfg, r.Rate, epochs*n/batch)
	return cfg
}

func TestShapesAndParameters(t *testing.T) {
	for _, c := range all {
		m := c.recipe.New(nn.NewInit(1))
		if n := nn.CountParameters(m); n != c.parameters {
			t.Errorf("%s has %d parameters, want %d", c.recipe.Name, n, c.parameters)
		}
		in := c.recipe.Input
		y := m.Forward(nn.Inference(), tensor.NewRand(1).Uniform(0, 1, 2, in.Channels, in.Height, in.Width))
		if y.NDim() != 2 || y.Dim(0) != 2 || y.Dim(1) != classes {
			t.Errorf("%s gives %v", c.recipe.Name, y.Shape())
		}
	}
}

// TestNamesAreThoseOfTheNetworks so that weights move from one recipe to another.
func TestNamesAreThoseOfTheNetworks(t *testing.T) {
	shapes := map[string][]int{}
	for _, p := range nn.State(FewPhotosRecipe.New(nn.NewInit(1))) {
		shapes[p.Name()] = p.Shape()
	}
	for _, p := range nn.State(ResNet20Recipe.New(nn.NewInit(1))) {
		if !slices.Equal(shapes[p.Name()], p.Shape()) {
			t.Errorf("%s is %v in cifar-resnet20 and %v in fashion-few-resnet", p.Name(), p.Shape(), shapes[p.Name()])
		}
	}
	if shapes["conv1.weight"] == nil || shapes["layer3.2.bn2.running_var"] == nil {
		t.Errorf("the names are %v", shapes)
	}
}

func TestPixelsAreNormalized(t *testing.T) {
	same := nn.Func(func(_ *nn.Context, x *tensor.Tensor) *tensor.Tensor { return x })
	m := NewNormalized([]float32{0.5, 0.25, 1}, []float32{0.5, 2, 0.1}, same)
	y := m.Forward(nn.Inference(), tensor.Ones(1, 3, 1, 2)).Float64s()
	for i, want := range []float64{1, 1, 0.375, 0.375, 0, 0} {
		if math.Abs(y[i]-want) > 1e-6 {
			t.Errorf("value %d is %g, want %g", i, y[i], want)
		}
	}
}

func TestAFewStepsReduceTheLoss(t *testing.T) {
	for _, c := range all {
		r := c.recipe
		if r.Rate >= 0.1 {
			r.Rate /= 10 // the peak of plain gradient descent is for a network that has settled
		}
		cfg := settings(t, r, 10, 10, 8)
		cfg.Transform = nil // shifts of few pixels are whole stripes
		result, err := train.Fit(t.Context(), r.New(nn.NewInit(1)), cfg)
		if err != nil {
			t.Fatal(r.Name, err)
		}
		if first, last := result.History[0].Loss, result.Last().Loss; !(last < 0.75*first) {
			t.Errorf("%s: the loss went from %g to %g", r.Name, first, last)
		}
	}
}

// TestOneStepOfEach learns from photographs with the augmentation of the recipe.
func TestOneStepOfEach(t *testing.T) {
	for _, c := range all {
		m := c.recipe.New(nn.NewInit(1))
		cfg := settings(t, c.recipe, 4, 4, 1)
		if _, err := train.Fit(t.Context(), m, cfg); err != nil {
			t.Errorf("%s: %v", c.recipe.Name, err)
		}
		for _, p := range nn.State(m) {
			for _, v := range p.Float64s() {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%s: %s has %g after a step", c.recipe.Name, p.Name(), v)
				}
			}
		}
	}
}

func TestTheSameBitsWithTwoThreadsAndAcrossAnInterruption(t *testing.T) {
	restore := par.Threads()
	defer par.SetThreads(restore)
	dir := t.TempDir()
	learn := func(threads int, change func(cfg *train.Config)) []byte {
		t.Helper()
		par.SetThreads(threads)
		cfg := settings(t, FashionRecipe, 24, 8, 2)
		change(&cfg)
		m := FashionRecipe.New(nn.NewInit(1))
		if _, err := train.Fit(t.Context(), m, cfg); err != nil && !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "m")
		if err := nn.Save(path, m, nil); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := learn(1, func(*train.Config) {})
	if !bytes.Equal(want, learn(2, func(*train.Config) {})) {
		t.Error("two threads give another network")
	}
	checkpoint := filepath.Join(dir, "c")
	learn(2, func(cfg *train.Config) {
		cfg.Callbacks = []train.Callback{train.Checkpoint(checkpoint), train.Hooks{OnEpoch: func(*train.State) error { return errStop }}}
	})
	if !bytes.Equal(want, learn(2, func(cfg *train.Config) { cfg.Resume = checkpoint })) {
		t.Error("the resumed network is another one")
	}
}

var errStop = errors.New("stop")

// TestGradients through the step before the network, in float64; the layers of
// the networks have their own such tests.
func TestGradients(t *testing.T) {
	m := NewNormalized([]float32{0.3, 0.4, 0.5}, []float32{0.2, 0.3, 0.25}, nn.Sequential{
		nn.NewConv2d(nn.NewInit(1), 3, 2, 3, nn.Padding(1)), nn.NewBatchNorm2d(2), nn.GlobalAvgPool{},
	})
	nn.To(m, tensor.Float64)
	x := tensor.NewRand(2).Uniform(0, 1, 2, 3, 4, 4).To(tensor.Float64)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return m.Forward(nn.Evaluation(), x).Square().Sum() }, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

// TestFullIsThePaper checks the schedules of --full at the steps the papers name.
func TestFullIsThePaper(t *testing.T) {
	for _, c := range []struct {
		recipe recipe.Recipe
		steps  int // of the whole training
		rates  map[int]float64
	}{
		{ResNet20Recipe, 164 * 391, map[int]float64{0: 1, 31_999: 1, 32_000: 0.1, 47_999: 0.1, 48_000: 0.01, 63_999: 0.01}},
		{DenseNetRecipe, 300 * 782, map[int]float64{0: 1, 150*782 - 1: 1, 150 * 782: 0.1, 225*782 - 1: 0.1, 225 * 782: 0.01}},
	} {
		full, err := c.recipe.Fully()
		if err != nil {
			t.Fatal(err)
		}
		if steps := full.Epochs * ((cifar10.TrainLen + full.BatchSize - 1) / full.BatchSize); steps != c.steps {
			t.Errorf("%s: %d updates, want %d", full.Name, steps, c.steps)
		}
		var cfg train.Config
		full.Configure(&cfg, full.Rate, c.steps)
		for step, want := range c.rates {
			if got := cfg.Schedule.At(step); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: the rate at step %d is %g of the first, want %g", full.Name, step, got, want)
			}
		}
		if rate := optim.New(cfg.Optimizer, []*tensor.Tensor{tensor.Ones(1).RequireGrad()}).LR(); rate != 0.1 || full.Rate != 0.1 {
			t.Errorf("%s begins with the rate %g", full.Name, rate)
		}
	}
	if _, err := FashionRecipe.Fully(); err == nil {
		t.Error("fashion, which has no setting of a paper, trains with --full")
	}
}

func TestDataThatAreNotThereAreAnError(t *testing.T) {
	t.Setenv("HADAL_DATA", t.TempDir())
	for _, c := range all {
		if learn, test, err := c.recipe.Load(); err == nil || learn != nil || test != nil {
			t.Errorf("%s: %v", c.recipe.Name, err)
		}
	}
}
