// Package basics has the recipes that courses begin with: a line through
// points, and networks that follow a curve.
package basics

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Line is y = Slope x + Intercept.
type Line struct {
	Slope, Intercept *tensor.Tensor // scalars, float64
}

// NewLine returns the flat line y = 0.
func NewLine() *Line {
	zero := func() *tensor.Tensor { return tensor.Scalar(0, tensor.Float64).RequireGrad() }
	return &Line{zero(), zero()}
}

// Forward maps x (n) to y (n).
func (l *Line) Forward(_ *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return x.Mul(l.Slope).Add(l.Intercept)
}

// LeastSquares returns the line with the smallest mean squared error, by the
// closed form: the slope is the covariance of x and y over the variance of x.
func LeastSquares(x, y []float64) (slope, intercept float64) {
	n := float64(len(x))
	var mx, my, xx, xy float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		xx += (x[i] - mx) * (x[i] - mx)
		xy += (x[i] - mx) * (y[i] - my)
	}
	slope = xy / xx
	return slope, my - slope*mx
}

// LineRecipe fits a line to two points and to a hundred noisy ones.
var LineRecipe = recipe.Recipe{
	Name: "line", Summary: "Gradient descent finds the line that least squares gives in closed form",
	Source: "Legendre, 1805; Gauss, 1809", Data: "made by the recipe",
	Expect: "the closed form to 1e-6", Minutes: 0.02,
	Epochs: 2000, BatchSize: 100, Rate: 0.1,
	Train: trainLine,
}

func trainLine(ctx context.Context, s *recipe.Session) error {
	// Two points determine a line; through a hundred noisy ones the best must be found.
	two := [2][]float64{{1, 3}, {2, 3}}
	noise, noisy := rng.New(s.Seed).Stream(), [2][]float64{}
	for range s.BatchSize {
		x := noise.Uniform(-2, 2)
		noisy[0] = append(noisy[0], x)
		noisy[1] = append(noisy[1], 1.5*x+0.5+0.4*noise.Normal())
	}
	model := struct{ Two, Noisy *Line }{NewLine(), NewLine()}
	opt := optim.New(optim.SGD(s.Rate), nn.Parameters(&model))
	loss := func(l *Line, points [2][]float64) *tensor.Tensor {
		x, y := tensor.FromSlice(points[0], len(points[0])), tensor.FromSlice(points[1], len(points[1]))
		return nn.MSE(l.Forward(nn.Training(0), x), y)
	}
	err := s.Run(ctx, recipe.Loop{
		Steps: s.Epochs, State: map[string]any{"lines": &model, "sgd": opt},
		Step: func(int) ([]recipe.Value, error) {
			a, b := loss(model.Two, two), loss(model.Noisy, noisy)
			a.Add(b).Backward()
			opt.Step()
			return []recipe.Value{{Name: "loss_two", Value: a.Item()}, {Name: "loss_noisy", Value: b.Item()}}, nil
		},
	})
	if err != nil {
		return err
	}
	worst := 0.0
	for _, c := range []struct {
		name   string
		line   *Line
		points [2][]float64
	}{{"two", model.Two, two}, {"noisy", model.Noisy, noisy}} {
		slope, intercept := LeastSquares(c.points[0], c.points[1])
		off := max(math.Abs(slope-c.line.Slope.Item()), math.Abs(intercept-c.line.Intercept.Item()))
		s.Metric("distance_"+c.name, off)
		worst = max(worst, off)
	}
	s.Metric("slope", model.Noisy.Slope.Item())
	s.Metric("intercept", model.Noisy.Intercept.Item())
	s.Conclude("y = %.4f x + %.4f through %d noisy points; both lines are within %.1g of the closed form",
		model.Noisy.Slope.Item(), model.Noisy.Intercept.Item(), len(noisy[0]), worst)
	if err := drawLine(s, model.Noisy, noisy); err != nil {
		return err
	}
	steps, values, err := s.Curve("loss_noisy")
	if err != nil {
		return err
	}
	f, err := plot.Lines(plot.Chart{Title: "line: mean squared error", XLabel: "step", YLabel: "loss", LogX: true,
		Series: []plot.Series{{Name: "noisy points", X: steps, Y: values}}})
	if err := s.Picture("curves.png", f, err); err != nil {
		return err
	}
	return s.Save("", &model)
}

// drawLine draws the points and the line through them, as dots close together.
func drawLine(s *recipe.Session, l *Line, points [2][]float64) error {
	var xs, ys []float64
	for x := -2.0; x <= 2; x += 0.02 {
		xs = append(xs, x)
		ys = append(ys, l.Slope.Item()*x+l.Intercept.Item())
	}
	f, err := plot.Scatter(plot.Chart{
		Title:    "line: the least squares",
		Subtitle: fmt.Sprintf("y = %.3f x + %.3f, found by gradient descent", l.Slope.Item(), l.Intercept.Item()),
		XLabel:   "x", YLabel: "y",
		Series: []plot.Series{{Name: "points", X: points[0], Y: points[1]}, {Name: "line", X: xs, Y: ys}},
	})
	return s.Picture("line.png", f, err)
}
