package generative

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// VAE is a variational autoencoder: the encoder says for an image from which
// normal distribution its code is drawn, the decoder says for a code with which
// probability each pixel is ink. New images come from codes that are drawn from
// the standard normal distribution, which is what all the encoder's
// distributions together are held to.
type VAE struct {
	Encoder           nn.Sequential
	Mean, LogVariance *nn.Linear
	Decoder           nn.Sequential
}

// NewVAE returns a network for images of that many pixels, with codes of latent
// values and two hidden layers of hidden units on either side.
func NewVAE(init *nn.Init, pixels, hidden, latent int) *VAE {
	return &VAE{
		Encoder: nn.Sequential{
			nn.NewLinear(init, pixels, hidden, nn.WithInit(nn.HeNormal)), nn.ReLU{},
			nn.NewLinear(init, hidden, hidden, nn.WithInit(nn.HeNormal)), nn.ReLU{},
		},
		Mean:        nn.NewLinear(init, hidden, latent),
		LogVariance: nn.NewLinear(init, hidden, latent),
		Decoder: nn.Sequential{
			nn.NewLinear(init, latent, hidden, nn.WithInit(nn.HeNormal)), nn.ReLU{},
			nn.NewLinear(init, hidden, hidden, nn.WithInit(nn.HeNormal)), nn.ReLU{},
			nn.NewLinear(init, hidden, pixels),
		},
	}
}

// latent is the number of values to a code.
func (m *VAE) latent() int { return m.Mean.Weight.Dim(0) }

// Encode maps images (B, pixels) to the means and the logarithms of the
// variances of their codes, both (B, latent).
func (m *VAE) Encode(c *nn.Context, x *tensor.Tensor) (mean, logVariance *tensor.Tensor) {
	h := m.Encoder.Forward(c, x) // (B, hidden)
	return m.Mean.Forward(c, h), m.LogVariance.Forward(c, h)
}

// Decode maps codes (B, latent) to images (B, pixels): the logits of the
// probabilities that pixels are ink.
func (m *VAE) Decode(c *nn.Context, z *tensor.Tensor) *tensor.Tensor { return m.Decoder.Forward(c, z) }

// Bound returns the two parts of the evidence lower bound of images (B, pixels)
// of zeros and ones, each the mean over the images, in nats: what a code still
// leaves to be said about its image, and what the code itself costs. The bound
// on log p(x) is minus their sum. noise (B, latent) is standard normal: a code is
// mean + deviation*noise, so that gradients reach mean and deviation (the
// reparameterisation trick).
func (m *VAE) Bound(c *nn.Context, x, noise *tensor.Tensor) (reconstruction, divergence *tensor.Tensor) {
	mean, logVariance := m.Encode(c, x)
	z := mean.Add(logVariance.MulScalar(0.5).Exp().Mul(noise)) // (B, latent)
	perImage := 1 / float64(x.Dim(0))
	reconstruction = nn.BCEWithLogitsWith(nn.Reduce(nn.ReduceSum))(m.Decode(c, z), x).MulScalar(perImage)
	divergence = nn.GaussianKLWith(nn.Reduce(nn.ReduceSum))(mean, logVariance).MulScalar(perImage)
	return reconstruction, divergence
}

// LogLikelihood estimates log p(x) of images (n, pixels) of zeros and ones, the
// mean over the images, in nats: the logarithm of the mean of p(x|z)p(z)/q(z|x)
// over k codes z that the encoder's distribution q gives. With one code that is
// the bound; with more it comes closer to the likelihood, from below (Burda,
// Grosse and Salakhutdinov, arXiv 1509.00519).
func (m *VAE) LogLikelihood(images *tensor.Tensor, k int, r *tensor.Rand) float64 {
	scope, c := tensor.NewInferenceScope(), nn.Inference()
	sum := 0.0
	for i := range images.Dim(0) {
		x := scope.View(images.Narrow(0, i, 1)) // (1, pixels)
		mean, logVariance := m.Encode(c, x)
		noise := r.Normal(0, 1, k, m.latent())
		z := mean.Add(logVariance.MulScalar(0.5).Exp().Mul(noise)) // (k, latent)
		image := nn.BCEWithLogitsWith(nn.Reduce(nn.ReduceNone))(m.Decode(c, z), x.Expand(k, x.Dim(1))).Sum(1).Neg()
		// The logarithms of two normal densities, less what they have in common.
		ratio := noise.Square().Sub(z.Square()).Add(logVariance).Sum(1).MulScalar(0.5)
		sum += image.Add(ratio).LogSumExp(0).Item() - math.Log(float64(k))
		scope.Release()
	}
	return sum / float64(images.Dim(0))
}

// binarise draws each pixel to be ink, 1, with its brightness as the
// probability. The usual figures for MNIST speak of digits drawn so
// (Salakhutdinov and Murray 2008).
func binarise(r *tensor.Rand, x *tensor.Tensor) *tensor.Tensor {
	return x.Greater(r.Uniform(0, 1, x.Shape()...)).To(tensor.Float32)
}

const (
	vaeEpochs     = 30
	vaeHidden     = 512
	vaeLatent     = 32
	vaeFlatHidden = 256 // of the network with two-dimensional codes

	likelihoodDigits = 1000 // test digits whose likelihood is estimated
	likelihoodCodes  = 500  // from so many codes each
)

// VAERecipe trains a variational autoencoder, and a smaller one with two values
// to a code, for the map of what lies where.
var VAERecipe = recipe.Recipe{
	Name: "vae", Summary: "A variational autoencoder draws digits that nobody wrote",
	Source: "Kingma and Welling, Auto-Encoding Variational Bayes, 2013 (arXiv 1312.6114)",
	Data:   "mnist", Expect: "an evidence lower bound of at least -105 nats a test digit", Minutes: 4,
	Epochs: vaeEpochs, BatchSize: 128, Rate: 1e-3,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error { return digits(ctx, s, trainVAE) },
}

func trainVAE(ctx context.Context, s *recipe.Session, train, unseen data.Dataset) error {
	size := pixels(train)
	models := []*VAE{NewVAE(nn.NewInit(s.Seed), size, vaeHidden, vaeLatent), NewVAE(nn.NewInit(s.Seed+1), size, vaeFlatHidden, 2)}
	names := []string{"", "_2d"} // endings of the figures of each
	var opts []*optim.Optimizer
	state := map[string]any{}
	for i, m := range models {
		opts = append(opts, optim.New(optim.Adam(s.Rate), nn.Parameters(m)))
		state["vae"+names[i]], state["adam"+names[i]] = m, opts[i]
	}
	batches, err := newFeed(train, s.BatchSize, s.Seed)
	if err != nil {
		return err
	}
	defer batches.close()
	judged, err := readAll(unseen)
	if err != nil {
		return err
	}
	// The digits to measure on are drawn once, and alike for every seed and every look.
	judged = binarise(tensor.NewRand(0).Split("binary test digits"), judged)

	perEpoch := batches.perEpoch()
	decay := optim.Linear(1, 0.01, perEpoch*vaeEpochs)
	random := tensor.NewRand(s.Seed)
	scope := s.Scope()
	err = s.Run(ctx, recipe.Loop{Steps: s.Epochs * perEpoch, State: state, Step: func(step int) ([]recipe.Value, error) {
		defer scope.Release()
		images, err := batches.batch(step)
		if err != nil {
			return nil, err
		}
		r := random.Split(fmt.Sprint(step))
		x := binarise(r, scope.View(images).Flatten(1)) // drawn anew each time
		var values []recipe.Value
		for i, m := range models {
			opts[i].SetLR(s.Rate * decay.At(step))
			reconstruction, divergence := m.Bound(nn.Training(0), x, r.Normal(0, 1, s.BatchSize, m.latent()))
			loss := reconstruction.Add(divergence)
			loss.BackwardOnce(x) // which the second network reads too
			opts[i].Step()
			values = append(values, recipe.Value{Name: "bound" + names[i], Value: -loss.Item()})
		}
		if done := step + 1; done%measureEvery(perEpoch) == 0 || done == s.Epochs*perEpoch {
			for i, m := range models {
				reconstruction, divergence := m.measure(judged)
				values = append(values, recipe.Value{Name: s.Judged("bound" + names[i]), Value: -reconstruction - divergence})
			}
		}
		return values, nil
	}})
	if err != nil {
		return err
	}

	for i, m := range models {
		reconstruction, divergence := m.measure(judged)
		s.Metric(s.Judged("bound_nats"+names[i]), -reconstruction-divergence)
		s.Metric(s.Judged("divergence_nats"+names[i]), divergence)
	}
	likely := judged.Narrow(0, 0, min(likelihoodDigits, judged.Dim(0)))
	s.Metric(s.Judged("log_likelihood_nats"), models[0].LogLikelihood(likely, likelihoodCodes, tensor.NewRand(0).Split("likelihood")))
	of := func(figure string) float64 { return s.Outcome.Metrics[s.Judged(figure)] }
	s.Conclude("evidence lower bound of the %s digits: %.2f nats with %d values to a code, %.2f with two", s.JudgeName(), of("bound_nats"), vaeLatent, of("bound_nats_2d"))
	if err := drawVAE(s, models[0], models[1], judged, train.InputShape()); err != nil {
		return err
	}
	return s.Save("", &struct{ VAE, Flat *VAE }{models[0], models[1]})
}

// measureEvery is about one pass over the data, in whole lines of the metrics file.
func measureEvery(perEpoch int) int {
	return max(1, (perEpoch+recipe.LogEvery/2)/recipe.LogEvery) * recipe.LogEvery
}

// measure returns the parts of the bound of images (n, pixels), each with one
// code, drawn alike every time.
func (m *VAE) measure(images *tensor.Tensor) (reconstruction, divergence float64) {
	r := tensor.NewRand(0).Split("codes of test digits")
	inBatches(images, func(x *tensor.Tensor, lo, hi int) {
		share := float64(hi-lo) / float64(images.Dim(0))
		rec, div := m.Bound(nn.Inference(), x, r.Normal(0, 1, hi-lo, m.latent()))
		reconstruction += share * rec.Item()
		divergence += share * div.Item()
	})
	return reconstruction, divergence
}

// drawVAE draws what the networks make of test digits, digits from nowhere, and
// the plane of all codes.
func drawVAE(s *recipe.Session, m, flat *VAE, images *tensor.Tensor, shape []int) error {
	c := nn.Inference()
	grid := func(columns int) *mosaic {
		return &mosaic{height: shape[1], width: shape[2], columns: columns, scale: 2}
	}

	pairs := grid(min(14, images.Dim(0)))
	for row := range 4 {
		first, n := row*pairs.columns, pairs.columns
		if first+n > images.Dim(0) {
			break
		}
		x := images.Narrow(0, first, n)
		mean, _ := m.Encode(c, x)
		pairs.add(x)
		pairs.add(m.Decode(c, mean).Sigmoid())
	}
	if err := pairs.save(s.Path("reconstructions.png")); err != nil {
		return err
	}

	samples := grid(14)
	samples.add(m.Decode(c, tensor.NewRand(s.Seed).Split("samples").Normal(0, 1, 10*samples.columns, vaeLatent)).Sigmoid())
	if err := samples.save(s.Path("samples.png")); err != nil {
		return err
	}

	plane := grid(15)
	plane.add(flat.Decode(c, gaussianGrid(plane.columns)).Sigmoid())
	if err := plane.save(s.Path("manifold.png")); err != nil {
		return err
	}

	chart := plot.Chart{Title: "vae: evidence lower bound", Subtitle: "nats a digit, pixels drawn by their brightness", XLabel: "step", YLabel: "bound"}
	for _, line := range [][2]string{{"bound", "training batches"}, {s.Judged("bound"), s.JudgeName() + " digits"}, {"bound_2d", "training batches, two values"}, {s.Judged("bound_2d"), s.JudgeName() + " digits, two values"}} {
		steps, values, err := s.Curve(line[0])
		if err != nil {
			return err
		}
		skip := 0 // the first steps, from -540 nats up, would leave no room for the rest
		for skip < len(values)-1 && values[skip] < -220 {
			skip++
		}
		chart.Series = append(chart.Series, plot.Series{Name: line[1], X: steps[skip:], Y: values[skip:]})
	}
	f, err := plot.Lines(chart)
	return s.Picture("curves.png", f, err)
}

// gaussianGrid returns side x side points of the plane (side*side, 2) with equal
// shares of the standard normal distribution between them, row by row from the
// upper left.
func gaussianGrid(side int) *tensor.Tensor {
	quantile := func(i int) float32 {
		return float32(math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(side)-1))
	}
	var at []float32
	for row := range side {
		for column := range side {
			at = append(at, quantile(column), -quantile(row))
		}
	}
	return tensor.FromSlice(at, side*side, 2)
}
