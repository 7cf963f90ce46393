package basics

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Curve is a network with one hidden layer of ReLU units, each of which adds one
// bend to a line. It is small enough to be read: the output is a polygon.
type Curve struct {
	Hidden, Out *nn.Linear
}

// steepness is what the units begin with as the weight of x. The steeper they
// are, the less do bends wander, which would otherwise gather in few places.
const steepness = 8

// NewCurve returns a network whose bends are spread over [-1, 1] and whose
// output is zero. Nothing about it is random.
func NewCurve(units int) *Curve {
	w, b := make([]float32, units), make([]float32, units)
	for i := range w { // a unit bends where wx + b = 0
		at := (2*float32(i)+1)/float32(units) - 1
		w[i] = float32(steepness * (1 - 2*(i%2))) // every other one looks to the left
		b[i] = -w[i] * at
	}
	return &Curve{
		Hidden: &nn.Linear{Weight: tensor.FromSlice(w, units, 1).RequireGrad(), Bias: tensor.FromSlice(b).RequireGrad()},
		Out:    &nn.Linear{Weight: tensor.Zeros(1, units).RequireGrad(), Bias: tensor.Zeros(1).RequireGrad()},
	}
}

// Forward maps x (n, 1) to y (n, 1).
func (m *Curve) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Out.Forward(c, m.Hidden.ForwardReLU(c, x))
}

// wave is the curve to follow.
func wave(x float64) float64 { return math.Sin(3*x) + 0.4*math.Sin(9*x+1) }

// widths are the numbers of hidden units that are compared.
var widths = []int{2, 8, 32, 128}

// curveEpochs is also the length of the learning-rate schedule.
const curveEpochs = 4000

// UniversalRecipe shows why networks can approximate any function.
var UniversalRecipe = recipe.Recipe{
	Name: "universal", Summary: "ReLU networks follow a curve, the closer the more units they have",
	Source: "Cybenko, 1989; Hornik, Stinchcombe and White, 1989; Leshno et al., 1993 (ReLU)", Data: "made by the recipe",
	Expect: "the error falls from 2 to 8 to 32 to 128 units", Minutes: 0.1,
	Epochs: curveEpochs, BatchSize: 256, Rate: 1e-2,
	Train: trainUniversal,
}

// sample returns n places (n, 1) that are evenly spaced from one to another, and
// the height of the curve there (n, 1).
func sample(n int, from, to float32) (x, y *tensor.Tensor) {
	xs, ys := make([]float32, n), make([]float32, n)
	for i := range xs {
		xs[i] = (to-from)*float32(i)/float32(n-1) + from
		ys[i] = float32(wave(float64(xs[i])))
	}
	return tensor.FromSlice(xs, n, 1), tensor.FromSlice(ys, n, 1)
}

// trainUniversal takes a step an epoch, each over all places of the curve that are
// learned from, of which there are as many as a batch has samples.
func trainUniversal(ctx context.Context, s *recipe.Session) error {
	n := s.BatchSize
	if n < 3 || n > mostPoints {
		return fmt.Errorf("a curve is learned from 3 to %d of its places, not from %d; use --batch for their number", mostPoints, n)
	}
	x, y := sample(n, -1, 1)

	var models []*Curve
	var opts []*optim.Optimizer
	state := map[string]any{}
	for _, units := range widths {
		m := NewCurve(units)
		opt := optim.New(optim.Adam(s.Rate), nn.Parameters(m))
		models, opts = append(models, m), append(opts, opt)
		state[fmt.Sprintf("units%d", units)], state[fmt.Sprintf("adam%d", units)] = m, opt
	}
	decay := optim.Hold(curveEpochs, optim.Cosine(curveEpochs, 0))
	scope := tensor.NewScope()
	err := s.Run(ctx, recipe.Loop{Steps: s.Epochs, State: state, Step: func(step int) ([]recipe.Value, error) {
		defer scope.Release()
		var values []recipe.Value
		for i, m := range models {
			opts[i].SetLR(s.Rate * decay.At(step))
			loss := nn.MSE(m.Forward(nn.Training(0), scope.View(x)), y)
			loss.Backward()
			opts[i].Step()
			values = append(values, recipe.Value{Name: fmt.Sprintf("loss_%d", widths[i]), Value: loss.Item()})
		}
		return values, nil
	}})
	if err != nil {
		return err
	}

	// The error is measured halfway between the places that were learned from.
	half := 1 / float32(n-1)
	x, y = sample(n-1, -1+half, 1-half)
	var panels []plot.Part
	var errors []string
	for i, m := range models {
		got := m.Forward(nn.Inference(), x)
		rmse := math.Sqrt(nn.MSE(got, y).Item())
		s.Metric(fmt.Sprintf("rmse_%d", widths[i]), rmse)
		errors = append(errors, fmt.Sprintf("%d: %.4f", widths[i], rmse))
		panels = append(panels, plot.Chart{Title: fmt.Sprintf("%d units", widths[i]), XLabel: "x", Series: []plot.Series{
			{Name: "curve", X: x.Float64s(), Y: y.Float64s(), Pale: true},
			{Name: fmt.Sprintf("network, error %.3f", rmse), X: x.Float64s(), Y: got.Float64s()},
		}})
	}
	s.Conclude("root mean squared error by number of units: %s", strings.Join(errors, ", "))
	f, err := plot.Board{Title: "universal: one hidden layer follows a curve", Subtitle: "every ReLU unit adds one bend",
		Rows: [][]plot.Part{panels[:2], panels[2:]}, Width: 1600, Height: 1200}.Figure()
	if err := s.Picture("universal.png", f, err); err != nil {
		return err
	}
	var curves []plot.Series
	for _, units := range widths {
		steps, values, err := s.Curve(fmt.Sprintf("loss_%d", units))
		if err != nil {
			return err
		}
		curves = append(curves, plot.Series{Name: fmt.Sprintf("%d units", units), X: steps, Y: values})
	}
	f, err = plot.Lines(plot.Chart{Title: "universal: mean squared error", XLabel: "step", YLabel: "loss", LogY: true, Series: curves})
	if err := s.Picture("curves.png", f, err); err != nil {
		return err
	}
	return s.Save("", &models)
}
