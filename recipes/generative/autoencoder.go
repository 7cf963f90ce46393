package generative

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Autoencoder learns to repeat its input through a layer that is too narrow for
// it, whose values are then a short code of the input.
type Autoencoder struct {
	Encoder, Decoder nn.Sequential
}

// NewAutoencoder returns a network with the given numbers of units from the
// pixels to the code, and back the same way. The code is linear, hidden layers
// have ReLU.
func NewAutoencoder(init *nn.Init, units ...int) *Autoencoder {
	m := &Autoencoder{}
	stack := func(s *nn.Sequential, in, out int, last bool) {
		*s = append(*s, nn.NewLinear(init, in, out, nn.WithInit(nn.HeNormal), nn.WithBiasInit(nn.Zeros)))
		if !last {
			*s = append(*s, nn.ReLU{})
		}
	}
	deepest := len(units) - 1
	for i := range deepest {
		stack(&m.Encoder, units[i], units[i+1], i+1 == deepest)
	}
	for i := deepest; i > 0; i-- {
		stack(&m.Decoder, units[i], units[i-1], i == 1)
	}
	m.Decoder = append(m.Decoder, nn.Sigmoid{})
	return m
}

// Encode maps images (B, pixels) to codes (B, code).
func (m *Autoencoder) Encode(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Encoder.Forward(c, x)
}

// Forward maps images (B, pixels), of values in 0..1, to images of that shape.
func (m *Autoencoder) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Decoder.Forward(c, m.Encode(c, x))
}

// squaredError is the squared difference of two sets of images (B, pixels),
// summed over the pixels, averaged over the images.
func squaredError(y, x *tensor.Tensor) *tensor.Tensor {
	return nn.MSEWith(nn.Reduce(nn.ReduceSum))(y, x).MulScalar(1 / float64(x.Dim(0)))
}

const autoencoderEpochs = 25

var (
	deepUnits = []int{1000, 500, 250, 30} // behind the pixels, as in the paper
	flatUnits = []int{500, 250, 100, 2}
)

// AutoencoderRecipe trains a deep autoencoder, compares it with principal
// component analysis, and draws the map that a code of two values makes.
var AutoencoderRecipe = recipe.Recipe{
	Name: "autoencoder", Summary: "A deep autoencoder squeezes digits into 30 numbers, better than PCA can",
	Source: "Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006",
	Data:   "mnist", Expect: "less than half of the squared error of PCA with as many values", Minutes: 4,
	Epochs: autoencoderEpochs, BatchSize: 128, Rate: 1e-3,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: func(ctx context.Context, s *recipe.Session) error { return digits(ctx, s, trainAutoencoder) },
}

func trainAutoencoder(ctx context.Context, s *recipe.Session, train, unseen data.Dataset) error {
	size := pixels(train)
	batches, err := newFeed(train, s.BatchSize, s.Seed)
	if err != nil {
		return err
	}
	defer batches.close()
	judged, err := readAll(unseen)
	if err != nil {
		return err
	}
	var models []*Autoencoder
	var opts []*optim.Optimizer
	state := map[string]any{}
	codes := []int{30, 2} // values to a code, and endings of the figures
	for i, units := range [][]int{deepUnits, flatUnits} {
		m := NewAutoencoder(nn.NewInit(s.Seed+uint64(i)), append([]int{size}, units...)...)
		models, opts = append(models, m), append(opts, optim.New(optim.Adam(s.Rate), nn.Parameters(m)))
		state[fmt.Sprintf("autoencoder_%d", codes[i])], state[fmt.Sprintf("adam_%d", codes[i])] = m, opts[i]
	}
	perEpoch := batches.perEpoch()
	decay := optim.Linear(1, 0.01, perEpoch*autoencoderEpochs)
	scope := s.Scope()
	err = s.Run(ctx, recipe.Loop{Steps: s.Epochs * perEpoch, State: state, Step: func(step int) ([]recipe.Value, error) {
		defer scope.Release()
		images, err := batches.batch(step)
		if err != nil {
			return nil, err
		}
		x := scope.View(images).Flatten(1)
		var values []recipe.Value
		for i, m := range models {
			opts[i].SetLR(s.Rate * decay.At(step))
			loss := squaredError(m.Forward(nn.Training(0), x), x)
			loss.BackwardOnce()
			opts[i].Step()
			values = append(values, recipe.Value{Name: fmt.Sprintf("error_%d", codes[i]), Value: loss.Item()})
		}
		if done := step + 1; done%measureEvery(perEpoch) == 0 || done == s.Epochs*perEpoch {
			for i, m := range models {
				e := meanError(judged, func(x *tensor.Tensor) *tensor.Tensor { return m.Forward(nn.Inference(), x) })
				values = append(values, recipe.Value{Name: s.Judged(fmt.Sprintf("error_%d", codes[i])), Value: e})
			}
		}
		return values, nil
	}})
	if err != nil {
		return err
	}

	known, err := readAll(train)
	if err != nil {
		return err
	}
	components, err := FitPCA(known)
	if err != nil {
		return err
	}
	for i, k := range codes {
		s.Metric(s.Judged(fmt.Sprintf("squared_error_%d", k)), meanError(judged, func(x *tensor.Tensor) *tensor.Tensor { return models[i].Forward(nn.Inference(), x) }))
		s.Metric(s.Judged(fmt.Sprintf("squared_error_pca_%d", k)), meanError(judged, func(x *tensor.Tensor) *tensor.Tensor { return components.Reconstruct(x, k) }))
	}
	of := func(figure string) float64 { return s.Outcome.Metrics[s.Judged(figure)] }
	s.Conclude("squared error of a %s digit: %.2f with a code of 30 values, %.2f with 30 principal components; with two, %.2f and %.2f", s.JudgeName(),
		of("squared_error_30"), of("squared_error_pca_30"), of("squared_error_2"), of("squared_error_pca_2"))
	if err := drawAutoencoder(s, models[0], models[1], components, unseen, judged); err != nil {
		return err
	}
	return s.Save("", &struct{ Autoencoder, Flat *Autoencoder }{models[0], models[1]})
}

// meanError is the squared error of what a function makes of images (n, pixels).
func meanError(images *tensor.Tensor, reconstruct func(x *tensor.Tensor) *tensor.Tensor) float64 {
	sum := 0.0
	inBatches(images, func(x *tensor.Tensor, lo, hi int) {
		sum += squaredError(reconstruct(x), x).Item() * float64(hi-lo)
	})
	return sum / float64(images.Dim(0))
}

func drawAutoencoder(s *recipe.Session, deep, flat *Autoencoder, p *PCA, unseen data.Dataset, images *tensor.Tensor) error {
	shape, c := unseen.InputShape(), nn.Inference()
	shown, err := oneOfEach(unseen)
	if err != nil {
		return err
	}
	index := tensor.FromSlice(shown)
	x := images.IndexSelect(0, index)
	var tiles []plot.Image
	var captions []string
	for _, row := range []struct {
		name string
		y    *tensor.Tensor
	}{
		{s.JudgeName() + " digit", x},
		{"30 units", deep.Forward(c, x)}, {"30 components", p.Reconstruct(x, 30)},
		{"2 units", flat.Forward(c, x)}, {"2 components", p.Reconstruct(x, 2)},
	} {
		for i := range shown {
			y := row.y.Narrow(0, i, 1)
			tiles = append(tiles, plot.Image{Channels: 1, Height: shape[1], Width: shape[2], Pixels: y.Float32s()})
			caption := row.name
			if row.y != x {
				caption += fmt.Sprintf(": %.1f", squaredError(y, x.Narrow(0, i, 1)).Item())
			}
			captions = append(captions, caption)
		}
	}
	f, err := plot.Images(tiles, captions, fmt.Sprintf("autoencoder: %s digits, and what networks and PCA keep of them (squared error)", s.JudgeName()), len(shown))
	if err := s.Picture("reconstructions.png", f, err); err != nil {
		return err
	}
	if err := drawMap(s.Path("map.png"), flat.Encode(c, images), images, shape); err != nil {
		return err
	}
	chart := plot.Chart{Title: "autoencoder: squared error of a digit", XLabel: "step", YLabel: "error", LogY: true}
	for _, line := range [][2]string{{"error_30", "30 values, training"}, {s.Judged("error_30"), "30 values, " + s.JudgeName()}, {"error_2", "two values, training"}, {s.Judged("error_2"), "two values, " + s.JudgeName()}} {
		steps, values, err := s.Curve(line[0])
		if err != nil {
			return err
		}
		chart.Series = append(chart.Series, plot.Series{Name: line[1], X: steps, Y: values})
	}
	f, err = plot.Lines(chart)
	return s.Picture("curves.png", f, err)
}

// oneOfEach returns the first sample of each class.
func oneOfEach(ds data.Dataset) ([]int64, error) {
	first := make([]int64, 0, len(ds.Classes()))
	seen := map[int64]bool{}
	x := make([]float32, pixels(ds))
	var target data.Target
	for i := 0; i < ds.Len() && len(first) < cap(first); i++ {
		if err := ds.Read(i, x, &target); err != nil {
			return nil, err
		}
		if !seen[target.Class] {
			seen[target.Class] = true
			first = append(first, int64(i))
		}
	}
	return first, nil
}

// drawMap puts images where their codes (n, 2) lie: each place of a grid shows
// the first image whose code falls into it. The few outermost codes stay outside.
func drawMap(path string, codes, images *tensor.Tensor, shape []int) error {
	const side = 30
	m := &mosaic{height: shape[1], width: shape[2], columns: side, scale: 1, images: make([][]float32, side*side)}
	at := codes.Float64s()
	var lo, hi [2]float64
	for axis := range 2 {
		var v []float64
		for i := axis; i < len(at); i += 2 {
			v = append(v, at[i])
		}
		slices.Sort(v)
		lo[axis], hi[axis] = v[len(v)/100], v[len(v)-1-len(v)/100]
	}
	for i := range images.Dim(0) {
		column := math.Floor(side * (at[2*i] - lo[0]) / (hi[0] - lo[0]))
		row := side - 1 - math.Floor(side*(at[2*i+1]-lo[1])/(hi[1]-lo[1]))
		if !(column >= 0 && column < side && row >= 0 && row < side) {
			continue
		}
		if place := &m.images[int(row)*side+int(column)]; *place == nil {
			*place = images.Narrow(0, i, 1).Float32s()
		}
	}
	return m.save(path)
}
