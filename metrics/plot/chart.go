package plot

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is a named sequence of points. X may be nil: then it counts 0, 1, 2.
type Series struct {
	Name string // in the legend; "" stays out of it
	X, Y []float64

	Dots bool // dots in place of a line, in a chart of lines
	Pale bool // in a lighter colour: what lies behind, such as single steps behind their mean
}

// Mark is a vertical line with a label, such as a suggested learning rate.
type Mark struct {
	X     float64
	Label string
}

// Chart describes a line or scatter chart. On a logarithmic axis values that are
// not positive leave a gap, as NaN and infinities do on any.
type Chart struct {
	Title, Subtitle string
	XLabel, YLabel  string
	LogX, LogY      bool
	Series          []Series
	Marks           []Mark
	YRange          [2]float64 // ends of the vertical axis; the zero value: what the values need
	Width, Height   int        // in pixels as PNG; 0 is 1200 x 800
}

// Lines draws every series as a line.
func Lines(chart Chart) (*Figure, error) {
	return chart.figure(asLine)
}

// Scatter draws every series as dots.
func Scatter(chart Chart) (*Figure, error) {
	return chart.figure(func(l *line) { l.dot, l.dashes = 2.2, nil })
}

// figure makes the chart; look sets how a series is drawn.
func (chart Chart) figure(look func(*line)) (*Figure, error) {
	width, height, err := size(chart.Width, chart.Height)
	if err != nil {
		return nil, err
	}
	p, err := chart.panel(look)
	if err != nil {
		return nil, err
	}
	p.title = chart.YLabel
	paint := func(c draw.Canvas) { p.draw(headline(c, chart.Title, chart.Subtitle)) }
	return &Figure{width: width, height: height, paint: paint}, nil
}

// panel is the chart without its title.
func (chart Chart) panel(look func(*line)) (*panel, error) {
	p := &panel{xLabel: chart.XLabel, marks: chart.Marks}
	var xs, ys [][]float64
	for i, s := range chart.Series {
		x := s.X
		if x == nil {
			x = countFrom0(len(s.Y))
		}
		if len(x) != len(s.Y) {
			return nil, fmt.Errorf("plot: series %d (%q) has %d x for %d y; give one x per y", i, s.Name, len(x), len(s.Y))
		}
		l := line{name: s.Name, x: x, y: s.Y, color: palette[i%len(palette)]}
		if i >= len(palette) {
			l.dashes = []vg.Length{4, 2} // the colours come round again
		}
		look(&l)
		if s.Dots {
			l.width, l.dot = 0, 1.8
		}
		if s.Pale {
			l.color = lighten(l.color, 0.6)
		}
		p.lines = append(p.lines, l)
		xs, ys = append(xs, x), append(ys, s.Y)
	}
	anyX, anyY := false, false
	p.x, anyX = axis{log: chart.LogX}.spanning(0.02, xs...)
	p.y, anyY = axis{log: chart.LogY}.spanning(0.05, ys...)
	if !anyX || !anyY {
		p.empty = "no values to show"
	}
	if chart.YRange != [2]float64{} {
		p.y.min, p.y.max = chart.YRange[0], chart.YRange[1]
		if !(p.y.min < p.y.max) || !p.y.shows(p.y.min) || !p.y.shows(p.y.max) {
			return nil, fmt.Errorf("plot: a vertical axis from %g to %g; give numbers that grow and that its scale can show", p.y.min, p.y.max)
		}
	}
	return p, nil
}

// asLine is how a series of a chart of lines is drawn.
func asLine(l *line) {
	l.width = 1.6
	if len(l.x) <= 30 {
		l.dot = 2
	}
}

// Histogram draws how often values fall into equal bins; bins 0 chooses their
// number by the rule of Freedman and Diaconis (1981). Values that are not finite
// are left out, and the subtitle says how many.
func Histogram(values []float64, bins int, title, xLabel string) (*Figure, error) {
	if bins < 0 || bins > 10000 {
		return nil, fmt.Errorf("plot: histogram: %d bins; choose 1..10000, or 0 for a number that fits", bins)
	}
	var finite []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			finite = append(finite, v)
		}
	}
	subtitle := count(len(values)) + " values"
	if out := len(values) - len(finite); out > 0 {
		subtitle += fmt.Sprintf("  ·  %s of them not finite", count(out))
	}
	p := &panel{title: "count", xLabel: xLabel}
	any := false
	p.x, any = axis{}.spanning(0, finite)
	if !any {
		p.empty = "no values to show"
	} else {
		slices.Sort(finite)
		mean, deviation := moments(finite)
		subtitle += fmt.Sprintf("  ·  mean %s, standard deviation %s", figures(mean), figures(deviation))
		if bins == 0 {
			bins = binsFor(finite)
		}
		p.bars = fill(finite, bins, p.x)
	}
	heights := []float64{0}
	for _, b := range p.bars {
		heights = append(heights, b.height)
	}
	p.y, _ = axis{whole: true}.spanning(0.05, heights)
	p.y.min = 0
	paint := func(c draw.Canvas) { p.draw(headline(c, title, subtitle)) }
	width, height, err := size(0, 0)
	return &Figure{width: width, height: height, paint: paint}, err
}

// fill counts sorted values into bins over the range of x.
func fill(sorted []float64, bins int, x axis) []bar {
	bars := make([]bar, bins)
	at := func(i int) float64 {
		t := float64(i) / float64(bins)
		return x.min*(1-t) + x.max*t
	}
	for i := range bars {
		bars[i].from, bars[i].to = at(i), at(i+1)
	}
	for _, v := range sorted {
		i := min(bins-1, max(0, int(x.norm(v)*float64(bins))))
		bars[i].height++
	}
	return bars
}

// binsFor is Freedman and Diaconis's number of bins, within 1..120.
func binsFor(sorted []float64) int {
	n := len(sorted)
	quartiles := sorted[3*n/4] - sorted[n/4]
	width := 2 * quartiles / math.Cbrt(float64(n))
	if span := sorted[n-1] - sorted[0]; width > 0 && span/width >= 1 {
		return int(math.Min(120, math.Ceil(span/width)))
	}
	return 20
}

// moments are mean and standard deviation.
func moments(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// countFrom0 is 0, 1, ..., n-1.
func countFrom0(n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = float64(i)
	}
	return xs
}

// size turns pixels into points.
func size(width, height int) (w, h vg.Length, err error) {
	if width == 0 {
		width = 1200
	}
	if height == 0 {
		height = 800
	}
	if width < 300 || height < 200 || width > 10000 || height > 10000 {
		return 0, 0, fmt.Errorf("plot: a picture of %d x %d pixels; choose 300..10000 wide and 200..10000 high", width, height)
	}
	return vg.Length(width) / pixelsPerPoint, vg.Length(height) / pixelsPerPoint, nil
}
