package generative

import (
	"context"
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Adversaries are the two networks of a generative adversarial network
// (Goodfellow et al., arXiv 1406.2661). The generator turns noise into images,
// the discriminator says how much an image looks like a real one; each learns
// from the other's mistakes.
type Adversaries struct {
	Generator     nn.Sequential // noise (B, noise) to images (B, 1, 28, 28) in -1..1
	Discriminator nn.Sequential // such images to logits (B, 1): real, or not
}

// noise is how many random numbers become an image.
const noise = 100

// drawNoise returns codes (n, noise), uniform as those of Radford et al., in -1..1.
func drawNoise(r *tensor.Rand, n int) *tensor.Tensor { return r.Uniform(-1, 1, n, noise) }

// LearnToTell adds to the discriminator's gradients what its mistakes about real
// and generated images give, and returns its loss.
func (a *Adversaries) LearnToTell(c *nn.Context, real, fake *tensor.Tensor) *tensor.Tensor {
	yes, no := a.Discriminator.Forward(c, real), a.Discriminator.Forward(c, fake.Detach()) // (B, 1)
	loss := nn.BCEWithLogits(yes, tensor.Ones(yes.Shape()...)).Add(nn.BCEWithLogits(no, tensor.Zeros(no.Shape()...)))
	loss.BackwardOnce(fake) // which the generator is to learn from yet
	return loss
}

// LearnToDeceive adds to the generator's gradients what makes its images look
// more real, and returns its loss: minus the logarithm of the probability that
// they are. That of being found out, which the game's value has in its place,
// hardly changes while the discriminator is far better.
func (a *Adversaries) LearnToDeceive(c *nn.Context, fake *tensor.Tensor) *tensor.Tensor {
	referee := nn.Parameters(a.Discriminator)
	for _, p := range referee { // it judges here and learns nothing
		p.SetRequiresGrad(false)
	}
	defer func() {
		for _, p := range referee {
			p.SetRequiresGrad(true)
		}
	}()
	believed := a.Discriminator.Forward(c, fake)
	loss := nn.BCEWithLogits(believed, tensor.Ones(believed.Shape()...))
	loss.BackwardOnce()
	return loss
}

// Generate maps noise (n, noise) to images (n, 784) in 0..1.
func (a *Adversaries) Generate(z *tensor.Tensor) *tensor.Tensor {
	out := tensor.Zeros(z.Dim(0), 28*28)
	inBatches(z, func(z *tensor.Tensor, lo, hi int) {
		images := a.Generator.Forward(nn.Inference(), z).Flatten(1)
		out.Narrow(0, lo, hi-lo).CopyFrom(images.AddScalar(1).MulScalar(0.5))
	})
	return out
}

// shown are the steps after which the same noise is made into images again, to
// be pictured side by side.
var shown = []int{50, 100, 200, 500, 1000, 2000, 4000, 8000}

// shownImages is how many.
const shownImages = 14

// film is what the generator made of the same noise at some steps. It is part of
// the state of a training, so that an interruption does not tear it.
type film struct {
	Frames *tensor.Tensor `nn:",buffer"` // (len(shown), shownImages, 784)
}

// match is one training: the networks and how they are trained.
type match struct {
	name    string
	new     func(init *nn.Init) *Adversaries
	samples int // images that are judged at a time
	every   int // steps from one judgement to the next, a multiple of recipe.LogEvery
}

// train plays the match and leaves pictures and figures.
func (m match) train(ctx context.Context, s *recipe.Session, set, unseen data.Dataset) error {
	batches, err := newFeed(set, s.BatchSize, s.Seed) // before the judge trains, since a batch may be too large
	if err != nil {
		return err
	}
	defer batches.close()
	j, err := newJudge(ctx, s, set, unseen)
	if err != nil {
		return err
	}
	a := m.new(nn.NewInit(s.Seed))
	rule := optim.Adam(s.Rate).Betas(0.5, 0.999) // of Radford et al.
	adamG, adamD := optim.New(rule, nn.Parameters(a.Generator)), optim.New(rule, nn.Parameters(a.Discriminator))
	f := &film{tensor.Zeros(len(shown), shownImages, 28*28)}
	random := tensor.NewRand(s.Seed)
	judged := drawNoise(random.Split("judged"), m.samples)
	pictured := drawNoise(random.Split("pictured"), 10*shownImages)
	steps := s.Epochs * batches.perEpoch()

	scope := s.Scope()
	err = s.Run(ctx, recipe.Loop{
		Steps: steps,
		State: map[string]any{"generator": a.Generator, "discriminator": a.Discriminator, "adam_generator": adamG, "adam_discriminator": adamD, "film": f},
		Step: func(step int) ([]recipe.Value, error) {
			defer scope.Release()
			images, err := batches.batch(step)
			if err != nil {
				return nil, err
			}
			c := nn.Training(s.Seed + uint64(step)) // for dropout
			real := scope.View(images).MulScalar(2).AddScalar(-1)
			fake := a.Generator.Forward(c, scope.View(drawNoise(random.Split(fmt.Sprint(step)), s.BatchSize)))
			lossD := a.LearnToTell(c, real, fake)
			adamD.Step()
			lossG := a.LearnToDeceive(c, fake)
			adamG.Step()
			values := []recipe.Value{{Name: "loss_discriminator", Value: lossD.Item()}, {Name: "loss_generator", Value: lossG.Item()}}

			done := step + 1
			frame := slices.Index(shown, done)
			if frame >= 0 {
				f.Frames.Select(0, frame).CopyFrom(a.Generate(pictured.Narrow(0, 0, shownImages)))
			}
			if frame >= 0 || done%m.every == 0 || done == steps {
				distance, _, err := j.distance(a.Generate(judged))
				if err != nil {
					return nil, err
				}
				values = append(values, recipe.Value{Name: "frechet", Value: distance})
			}
			return values, nil
		},
	})
	if err != nil {
		return err
	}
	if err := m.report(s, j, a.Generate(judged), unseen); err != nil {
		return err
	}
	if err := m.draw(s, a, f, pictured, steps); err != nil {
		return err
	}
	return s.Save("", a)
}

// enough is the share of the samples below which a class counts as missing. Ten
// classes that are equally frequent have 10% each.
const enough = 0.02

// report notes the figures: how far samples and, for comparison, unseen real
// images are from the training images, and which classes there are.
func (m match) report(s *recipe.Session, j *judge, samples *tensor.Tensor, unseen data.Dataset) error {
	distance, shares, err := j.distance(samples)
	if err != nil {
		return err
	}
	images, err := readAll(unseen)
	if err != nil {
		return err
	}
	least, _, err := j.distance(images)
	if err != nil {
		return err
	}
	s.Metric("frechet_distance", distance)
	s.Metric("frechet_distance_of_"+s.Judged("images"), least)
	present := 0
	for class, share := range shares {
		s.Metric("share_of_"+unseen.Classes()[class], share)
		if share >= enough {
			present++
		}
	}
	_, curve, err := s.Curve("frechet")
	if err != nil {
		return err
	}
	if len(curve) == 0 {
		return fmt.Errorf("%s has no Fréchet distances; train again into a new folder", s.Path(recipe.MetricsFile))
	}
	s.Conclude("Fréchet distance %.2f in LeNet's features, from %.1f in the beginning (%s images: %.2f); %d of %d classes have %.0f%% or more of %s samples, the rarest %.1f%%",
		distance, curve[0], s.JudgeName(), least, present, len(shares), 100*enough, words.Thousands(samples.Dim(0)), 100*slices.Min(shares))
	return nil
}

// draw draws samples, the same noise through the training, a walk from noise to
// noise, and the curves.
func (m match) draw(s *recipe.Session, a *Adversaries, f *film, pictured *tensor.Tensor, steps int) error {
	grid := func() *mosaic { return &mosaic{height: 28, width: 28, columns: shownImages, scale: 2} }
	samples := grid()
	samples.add(a.Generate(pictured))
	if err := samples.save(s.Path("samples.png")); err != nil {
		return err
	}
	progress := grid()
	for i, step := range shown {
		if step < steps {
			progress.add(f.Frames.Select(0, i))
		}
	}
	progress.add(a.Generate(pictured.Narrow(0, 0, shownImages)))
	if err := progress.save(s.Path("progress.png")); err != nil {
		return err
	}
	walk := grid()
	var mixture []float32 // (shownImages, 2): how much of one end and of the other
	for i := range shownImages {
		t := float32(i) / (shownImages - 1)
		mixture = append(mixture, 1-t, t)
	}
	for row := range 8 {
		ends := pictured.Narrow(0, row, 2) // of a walk, which begins where the last one ended
		walk.add(a.Generate(tensor.FromSlice(mixture, shownImages, 2).MatMul(ends)))
	}
	if err := walk.save(s.Path("walk.png")); err != nil {
		return err
	}

	at, distances, err := s.Curve("frechet")
	if err != nil {
		return err
	}
	chart, err := plot.Lines(plot.Chart{Title: m.name + ": Fréchet distance from the training images", Subtitle: fmt.Sprintf("of %s samples, in the features of a LeNet", words.Thousands(m.samples)),
		XLabel: "step", YLabel: "distance", LogY: true, Series: []plot.Series{{X: at, Y: distances}}})
	if err := s.Picture("frechet.png", chart, err); err != nil {
		return err
	}
	var series []plot.Series
	for _, name := range []string{"discriminator", "generator"} {
		at, losses, err := s.Curve("loss_" + name)
		if err != nil {
			return err
		}
		series = append(series, plot.Series{Name: name, X: at, Y: losses})
	}
	chart, err = plot.Lines(plot.Chart{Title: m.name + ": losses", Subtitle: "neither has to fall: each network's task grows harder as the other learns", XLabel: "step", YLabel: "loss", Series: series})
	return s.Picture("curves.png", chart, err)
}
