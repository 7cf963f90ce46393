package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Run is what a training run logged. Leave out what there is none of: a panel
// without data is not drawn. NaN stands for a value that was not measured.
type Run struct {
	Name string // title: the recipe's name
	Note string // free text after the final figures: time, threads, seed

	StepLoss     []float64 // training loss of each step
	LearningRate []float64 // learning rate of each step
	StepEvery    int       // steps from one of these to the next; 0 is 1

	TrainLoss     []float64 // mean training loss of each epoch
	ValLoss       []float64 // validation loss after each epoch
	TrainAccuracy []float64 // in 0..1, of each epoch
	ValAccuracy   []float64 // in 0..1, after each epoch
	ValName       string    // what the validation data are called; "" is "validation"
}

// Curves draws a run: at the left the loss by step (each step pale, a moving
// mean strong) and by epoch, at the right accuracy and learning rate. Losses
// that are all positive and span much more than a decade get a logarithmic
// axis. 1440 x 960 pixels as PNG. A run without any value is an error.
func Curves(run Run) (*Figure, error) {
	left := []*panel{run.stepLossPanel(), run.epochLossPanel()}
	right := []*panel{run.accuracyPanel(), run.learningRatePanel()}
	columns := [][]*panel{}
	for _, column := range [][]*panel{left, right} {
		var drawn []*panel
		for _, p := range column {
			if p != nil {
				drawn = append(drawn, p)
			}
		}
		if drawn != nil {
			columns = append(columns, drawn)
		}
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("plot: curves: the run has no values; log losses or accuracies first")
	}
	paint := func(c draw.Canvas) {
		area := headline(c, run.Name, run.finalFigures())
		const columnGap, rowGap = 30, 20
		width := (area.Max.X - area.Min.X - columnGap*vg.Length(len(columns)-1)) / vg.Length(len(columns))
		height := area.Max.Y - area.Min.Y
		for i, column := range columns {
			x := area.Min.X + vg.Length(i)*(width+columnGap)
			upper := area
			upper.Min.X, upper.Max.X = x, x+width
			if len(column) == 2 {
				lower := upper
				lower.Max.Y = area.Min.Y + 0.42*(height-rowGap)
				upper.Min.Y = lower.Max.Y + rowGap
				column[1].draw(lower)
			}
			column[0].draw(upper)
		}
	}
	return &Figure{width: 720, height: 480, paint: paint}, nil
}

// finalFigures is the line below the title.
func (run Run) finalFigures() string {
	var parts []string
	epochs := max(len(run.TrainLoss), len(run.ValLoss), len(run.TrainAccuracy), len(run.ValAccuracy))
	switch {
	case epochs == 1:
		parts = append(parts, "1 epoch")
	case epochs > 1:
		parts = append(parts, count(epochs)+" epochs")
	case len(run.StepLoss) > 0:
		parts = append(parts, count(len(run.StepLoss)*max(run.StepEvery, 1))+" steps")
	}
	if n := len(run.ValAccuracy); n > 0 {
		parts = append(parts, run.valName()+" accuracy "+accuracy(run.ValAccuracy[n-1]))
		if best := bestOf(run.ValAccuracy, true); best >= 0 && run.ValAccuracy[best] > run.ValAccuracy[n-1] {
			parts = append(parts, fmt.Sprintf("best %s after epoch %s", accuracy(run.ValAccuracy[best]), count(best+1)))
		}
	}
	if n := len(run.ValLoss); n > 0 {
		parts = append(parts, run.valName()+" loss "+figures(run.ValLoss[n-1]))
	} else if n := len(run.TrainLoss); n > 0 {
		parts = append(parts, "training loss "+figures(run.TrainLoss[n-1]))
	}
	if run.Note != "" {
		parts = append(parts, run.Note)
	}
	return strings.Join(parts, "  ·  ")
}

func accuracy(share float64) string {
	if math.IsNaN(share) {
		return "NaN"
	}
	return percent(share, 2)
}

// bestOf is the index of the highest (or lowest) number, -1 when all are NaN.
func bestOf(values []float64, highest bool) int {
	best := -1
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		if best < 0 || highest && v > values[best] || !highest && v < values[best] {
			best = i
		}
	}
	return best
}

func (run Run) stepLossPanel() *panel {
	n := len(run.StepLoss)
	if n == 0 {
		return nil
	}
	steps := run.steps(n)
	reach := n / 80
	mean := movingMean(run.StepLoss, reach)
	p := &panel{title: "Training loss by step", xLabel: "step"}
	p.x, _ = axis{whole: true}.spanning(0.01, steps)
	// The axis fits the mean, and most of the single steps: one batch with a
	// loss of 1e-9 or 1e9 must not flatten the curve.
	p.setLossAxis(run.StepLoss, mean, central(run.StepLoss, 0.01))
	if reach == 0 {
		p.lines = []line{{x: steps, y: run.StepLoss, color: blue, width: 1.4}}
		return p
	}
	p.lines = []line{
		{name: run.everyStep(), x: steps, y: run.StepLoss, color: lighten(blue, 0.72), width: 0.6},
		{name: fmt.Sprintf("mean of %s steps", count((2*reach+1)*max(run.StepEvery, 1))), x: steps, y: mean, color: blue, width: 1.6},
	}
	return p
}

func (run Run) epochLossPanel() *panel {
	if len(run.TrainLoss) == 0 && len(run.ValLoss) == 0 {
		return nil
	}
	p := run.epochPanel("Loss by epoch", run.TrainLoss, run.ValLoss, figures)
	p.setLossAxis(nil, run.TrainLoss, run.ValLoss)
	return p
}

func (run Run) accuracyPanel() *panel {
	if len(run.TrainAccuracy) == 0 && len(run.ValAccuracy) == 0 {
		return nil
	}
	p := run.epochPanel("Accuracy by epoch", run.TrainAccuracy, run.ValAccuracy, accuracy)
	y, any := axis{percent: true}.spanning(0.06, run.TrainAccuracy, run.ValAccuracy)
	if !any {
		p.empty = "no finite values"
	}
	if y.max-y.min < 0.002 { // a single epoch: leave room around its dot
		y.min, y.max = y.min-0.01, y.max+0.01
	}
	y.max = math.Min(y.max, math.Max(1, y.min+0.01))
	p.y = y
	return p
}

// epochPanel has the two lines of training and validation; the legend tells the
// last values.
func (run Run) epochPanel(title string, training, validation []float64, format func(float64) string) *panel {
	p := &panel{title: title, xLabel: "epoch"}
	epochs := countFrom1(max(len(training), len(validation)))
	p.x, _ = axis{whole: true}.spanning(0.02, epochs)
	dot := vg.Length(0)
	if len(epochs) <= 30 {
		dot = 1.9
	}
	add := func(name string, values []float64, l line) {
		if len(values) == 0 {
			return
		}
		l.name = name + " " + format(values[len(values)-1])
		l.x, l.y = epochs[:len(values)], values
		l.width, l.dot = 1.5, dot
		p.lines = append(p.lines, l)
	}
	add("training", training, line{color: blue})
	add(run.valName(), validation, line{color: vermillion})
	return p
}

func (run Run) learningRatePanel() *panel {
	n := len(run.LearningRate)
	if n == 0 {
		return nil
	}
	p := &panel{title: "Learning rate", xLabel: "step"}
	steps := run.steps(n)
	p.x, _ = axis{whole: true}.spanning(0.01, steps)
	y, any := axis{}.spanning(0.06, run.LearningRate)
	if !any {
		p.empty = "no finite values"
	} else if y.min > 0 || y.max > 10*-y.min {
		y.min = 0
	}
	p.y = y
	p.lines = []line{{x: steps, y: run.LearningRate, color: green, width: 1.5}}
	return p
}

// setLossAxis fits the vertical axis to the values given. raw decides with them
// whether the scale can be logarithmic, but not how far it reaches.
func (p *panel) setLossAxis(raw []float64, values ...[]float64) {
	linear, any := axis{}.spanning(0, values...)
	if !any {
		p.y = linear
		p.empty = "no finite values"
		return
	}
	positive := linear.min > 0
	for _, v := range raw {
		positive = positive && !(v < 0)
	}
	if positive && linear.max > 12*linear.min {
		p.y, _ = axis{log: true}.spanning(0.04, values...)
		return
	}
	p.y, _ = axis{}.spanning(0.06, values...)
	if positive && linear.min < 0.5*linear.max {
		p.y.min = 0
	}
}

func (run Run) valName() string {
	if run.ValName == "" {
		return "validation"
	}
	return run.ValName
}

func (run Run) everyStep() string {
	if run.StepEvery > 1 {
		return fmt.Sprintf("one step in %d", run.StepEvery)
	}
	return "each step"
}

// steps is where n logged steps stand.
func (run Run) steps(n int) []float64 {
	xs := countFrom1(n)
	for i := range xs {
		xs[i] *= float64(max(run.StepEvery, 1))
	}
	return xs
}

// countFrom1 is 1, 2, ..., n.
func countFrom1(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = float64(i + 1)
	}
	return xs
}

// movingMean averages each value with reach neighbours at either side, leaving
// out what is not finite. Unlike an exponential average it does not lag behind
// the curve. Where the value itself is not finite the mean is NaN: the gap stays
// to be seen.
func movingMean(values []float64, reach int) []float64 {
	mean := make([]float64, len(values))
	sums := make([]float64, len(values)+1)
	finite := make([]int, len(values)+1)
	for i, v := range values {
		sums[i+1], finite[i+1] = sums[i], finite[i]
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sums[i+1] += v
			finite[i+1]++
		}
	}
	for i, v := range values {
		lo, hi := max(0, i-reach), min(len(values), i+reach+1)
		mean[i] = math.NaN()
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			mean[i] = (sums[hi] - sums[lo]) / float64(finite[hi]-finite[lo])
		}
	}
	return mean
}

// central is the values without the share tail at either end.
func central(values []float64, tail float64) []float64 {
	var finite []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			finite = append(finite, v)
		}
	}
	slices.Sort(finite)
	cut := int(tail * float64(len(finite)))
	return finite[cut : len(finite)-cut]
}
