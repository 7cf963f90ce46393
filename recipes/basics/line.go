// Package basics has the recipes that courses begin with: a line through
// points, and networks that follow a curve.
package basics

import (
	"context"
	"fmt"
	"math"
	"slices"

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
// closed form: the slope is the covariance of x and y over the variance of x,
// which must not be zero.
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

// mostPoints bounds what a recipe of this package makes its data of; each is used
// in every step.
const mostPoints = 1 << 20

// points are places x (n) and heights y (n) of the plane.
type points struct{ x, y []float64 }

// trainLine takes a step an epoch, each over all points, of which there are as
// many noisy ones as a batch has samples.
func trainLine(ctx context.Context, s *recipe.Session) error {
	if s.BatchSize < 2 || s.BatchSize > mostPoints {
		return fmt.Errorf("a line is fitted to 2 to %d noisy points, not to %d; use --batch for their number", mostPoints, s.BatchSize)
	}
	// Two points determine a line; through a hundred noisy ones the best must be found.
	two, noisy := points{[]float64{1, 3}, []float64{2, 3}}, points{}
	noise := rng.New(s.Seed).Stream()
	for range s.BatchSize {
		x := noise.Uniform(-2, 2)
		noisy.x = append(noisy.x, x)
		noisy.y = append(noisy.y, 1.5*x+0.5+0.4*noise.Normal())
	}
	model := struct{ Two, Noisy *Line }{NewLine(), NewLine()}
	opt := optim.New(optim.SGD(s.Rate), nn.Parameters(&model))
	loss := func(l *Line, p points) *tensor.Tensor {
		return nn.MSE(l.Forward(nn.Training(0), tensor.FromSlice(p.x)), tensor.FromSlice(p.y))
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
	var panels []plot.Part
	for _, c := range []struct {
		name, title string
		line        *Line
		points      points
	}{{"two", "Two points", model.Two, two}, {"noisy", fmt.Sprintf("%d noisy points", len(noisy.x)), model.Noisy, noisy}} {
		slope, intercept := LeastSquares(c.points.x, c.points.y)
		off := max(math.Abs(slope-c.line.Slope.Item()), math.Abs(intercept-c.line.Intercept.Item()))
		s.Metric("distance_"+c.name, off)
		worst = max(worst, off)
		panels = append(panels, drawn(c.title, c.line, c.points, slope, intercept))
	}
	s.Metric("slope", model.Noisy.Slope.Item())
	s.Metric("intercept", model.Noisy.Intercept.Item())
	s.Conclude("y = %.4f x + %.4f through %d noisy points; both lines are within %.1g of the closed form",
		model.Noisy.Slope.Item(), model.Noisy.Intercept.Item(), len(noisy.x), worst)
	board, err := plot.Board{Title: "line: the least squares", Subtitle: "found by gradient descent, and by the closed form",
		Rows: [][]plot.Part{panels}, Width: 1600, Height: 800}.Figure()
	if err := s.Picture("line.png", board, err); err != nil {
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

// drawn shows points, the line that gradient descent found, and the closed form as
// dots along it.
func drawn(title string, l *Line, p points, slope, intercept float64) plot.Chart {
	a, b := l.Slope.Item(), l.Intercept.Item()
	from, to := slices.Min(p.x), slices.Max(p.x)
	closed := points{}
	for i := range 9 {
		x := from + (to-from)*float64(i)/8
		closed.x, closed.y = append(closed.x, x), append(closed.y, slope*x+intercept)
	}
	return plot.Chart{Title: title, XLabel: "x", Series: []plot.Series{
		{Name: fmt.Sprintf("y = %.3f x + %.3f", a, b), X: []float64{from, to}, Y: []float64{a*from + b, a*to + b}},
		{Name: "closed form", X: closed.x, Y: closed.y, Dots: true},
		{Name: "points", X: p.x, Y: p.y, Dots: true},
	}}
}
