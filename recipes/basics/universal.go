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
// output is zero.
func NewCurve(init *nn.Init, units int) *Curve {
	m := &Curve{nn.NewLinear(init, 1, units), nn.NewLinear(init, units, 1, nn.WithInit(nn.Zeros), nn.WithBiasInit(nn.Zeros))}
	w, b := tensor.MutableData[float32](m.Hidden.Weight), tensor.MutableData[float32](m.Hidden.Bias)
	for i := range w { // a unit bends where wx + b = 0
		at := (2*float32(i)+1)/float32(units) - 1
		w[i] = float32(steepness * (1 - 2*(i%2))) // every other one looks to the left
		b[i] = -w[i] * at
	}
	return m
}

// Forward maps x (n, 1) to y (n, 1).
func (m *Curve) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Out.Forward(c, m.Hidden.ForwardReLU(c, x))
}

// wave is the curve to follow.
func wave(x float64) float64 { return math.Sin(3*x) + 0.4*math.Sin(9*x+1) }

// widths are the numbers of hidden units that are compared.
var widths = []int{2, 8, 32, 128}

// UniversalRecipe shows why networks can approximate any function.
var UniversalRecipe = recipe.Recipe{
	Name: "universal", Summary: "ReLU networks follow a curve, the closer the more units they have",
	Source: "Cybenko, 1989; Hornik, Stinchcombe and White, 1989", Data: "made by the recipe",
	Expect: "the error falls from 2 to 8 to 32 to 128 units", Minutes: 0.1,
	Epochs: 4000, BatchSize: 256, Rate: 1e-2,
	Train: trainUniversal,
}

func trainUniversal(ctx context.Context, s *recipe.Session) error {
	n := s.BatchSize
	xs, ys := make([]float32, n), make([]float32, n)
	for i := range xs {
		xs[i] = 2*float32(i)/float32(n-1) - 1
		ys[i] = float32(wave(float64(xs[i])))
	}
	x, y := tensor.FromSlice(xs, n, 1), tensor.FromSlice(ys, n, 1)

	var models []*Curve
	var opts []*optim.Optimizer
	state := map[string]any{}
	for i, units := range widths {
		m := NewCurve(nn.NewInit(s.Seed+uint64(i)), units)
		opt := optim.New(optim.Adam(s.Rate), nn.Parameters(m))
		models, opts = append(models, m), append(opts, opt)
		state[fmt.Sprintf("units%d", units)], state[fmt.Sprintf("adam%d", units)] = m, opt
	}
	decay := optim.Cosine(s.Epochs, 0)
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

	pictured := []plot.Series{{Name: "curve", X: floats(xs), Y: floats(ys)}}
	var errors []string
	for i, m := range models {
		got := m.Forward(nn.Inference(), x)
		rmse := math.Sqrt(nn.MSE(got, y).Item())
		s.Metric(fmt.Sprintf("rmse_%d", widths[i]), rmse)
		errors = append(errors, fmt.Sprintf("%d: %.4f", widths[i], rmse))
		pictured = append(pictured, plot.Series{Name: fmt.Sprintf("%d units, error %.3f", widths[i], rmse), X: floats(xs), Y: floats(tensor.Data[float32](got))})
	}
	s.Conclude("root mean squared error by number of units: %s", strings.Join(errors, ", "))
	f, err := plot.Lines(plot.Chart{Title: "universal: one hidden layer follows a curve", Subtitle: "every ReLU unit adds one bend", XLabel: "x", YLabel: "y", Series: pictured})
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

func floats(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
