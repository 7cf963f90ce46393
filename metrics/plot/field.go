package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Field is a chart of heights over a plane: colours, lines of equal height, and
// paths and dots on them. It stands on a [Board].
type Field struct {
	Title          string
	XLabel, YLabel string
	X, Y           [2]float64 // ranges of the axes
	LogX, LogY     bool

	// Values are the heights at Columns x Rows places that are evenly spaced over
	// the axes, ends included; row by row from the lowest. None: there are only
	// paths and dots. See [Sample].
	Values        []float64
	Columns, Rows int
	Fill          bool      // in colours, with a key
	Levels        []float64 // heights of lines; nil: none

	Colours [2]float64 // heights of the first and the last colour; the zero value: the range of Values and Dots
	Signed  bool       // colours for differences: blue below the middle of Colours, white there, red above
	Key     string     // what a height is, above the key of the colours
	Paths   []Series
	Dots    []Dot
}

// Dot is a place with a value, which its colour shows.
type Dot struct {
	X, Y, Value float64
}

// Sample returns the values of f for [Field.Values].
func Sample(f func(x, y float64) float64, x, y [2]float64, columns, rows int) []float64 {
	values := make([]float64, 0, columns*rows)
	for row := range rows {
		for column := range columns {
			values = append(values, f(between(x, column, columns), between(y, row, rows)))
		}
	}
	return values
}

// between is place i of n that are evenly spaced over a range.
func between(ends [2]float64, i, n int) float64 {
	t := float64(i) / float64(max(1, n-1))
	return ends[0]*(1-t) + ends[1]*t
}

func (f Field) part() (*panel, *sideKey, error) {
	p := &panel{title: f.Title, xLabel: f.XLabel, yLabel: f.YLabel,
		x: axis{min: f.X[0], max: f.X[1], log: f.LogX}, y: axis{min: f.Y[0], max: f.Y[1], log: f.LogY}}
	for _, a := range []axis{p.x, p.y} {
		if !(a.min < a.max) || !a.shows(a.min) || !a.shows(a.max) {
			return nil, nil, fmt.Errorf("plot: field %q: an axis from %g to %g; give numbers that grow and that its scale can show", f.Title, a.min, a.max)
		}
	}
	if f.Values != nil {
		if err := checkShape(len(f.Values), f.Rows, f.Columns); err != nil {
			return nil, nil, fmt.Errorf("plot: field %q: %w", f.Title, err)
		}
		if f.Rows < 2 || f.Columns < 2 {
			return nil, nil, fmt.Errorf("plot: field %q: %d rows and %d columns; at least two of each are needed", f.Title, f.Rows, f.Columns)
		}
	}
	for i, s := range f.Paths {
		if len(s.X) != len(s.Y) {
			return nil, nil, fmt.Errorf("plot: path %d (%q) has %d x for %d y; give one x per y", i, s.Name, len(s.X), len(s.Y))
		}
		l := line{name: s.Name, x: s.X, y: s.Y, color: palette[(i+1)%len(palette)], width: 1.2, dot: 1.9}
		if s.Dots {
			l.width = 0
		}
		if s.Pale {
			l.color = lighten(l.color, 0.6)
		}
		p.lines = append(p.lines, l)
	}
	colours := f.colours()
	p.under = func(box draw.Canvas, _ func(x, y float64) vg.Point) {
		if f.Fill && f.Values != nil {
			f.fill(box, colours)
		}
		f.contours(box)
		for _, d := range f.Dots {
			if !p.x.shows(d.X) || !p.y.shows(d.Y) {
				continue
			}
			pt := vg.Point{X: box.X(p.x.norm(d.X)), Y: box.Y(p.y.norm(d.Y))}
			box.DrawGlyph(draw.GlyphStyle{Color: quiet, Radius: 3.7, Shape: draw.CircleGlyph{}}, pt)
			box.DrawGlyph(draw.GlyphStyle{Color: colours.shade(d.Value), Radius: 3.2, Shape: draw.CircleGlyph{}}, pt)
		}
	}
	if !f.Fill && len(f.Dots) == 0 {
		return p, nil, nil
	}
	return p, &sideKey{colours, f.Key}, nil
}

// colours is the scale of the field.
func (f Field) colours() scale {
	stops := sequentialStops
	if f.Signed {
		stops = signedStops
	}
	if f.Colours != [2]float64{} {
		return scale{f.Colours[0], f.Colours[1], stops}
	}
	dots := make([]float64, len(f.Dots))
	for i, d := range f.Dots {
		dots[i] = d.Value
	}
	a, _ := axis{}.spanning(0, f.Values, dots)
	return scale{a.min, a.max, stops}
}

// fill paints the heights. Each is the middle of its colour: the image is drawn
// with one pixel a place, interpolated between places to the pixels of the box.
func (f Field) fill(box draw.Canvas, s scale) {
	width, height := int((box.Max.X-box.Min.X)*pixelsPerPoint), int((box.Max.Y-box.Min.Y)*pixelsPerPoint)
	m := image.NewNRGBA(image.Rect(0, 0, max(1, width), max(1, height)))
	for y := range m.Rect.Dy() {
		row := (1 - (float64(y)+0.5)/float64(m.Rect.Dy())) * float64(f.Rows-1)
		for x := range m.Rect.Dx() {
			column := (float64(x) + 0.5) / float64(m.Rect.Dx()) * float64(f.Columns-1)
			m.SetNRGBA(x, y, s.shade(f.at(column, row)))
		}
	}
	box.DrawImage(rect(box.Min.X, box.Min.Y, box.Max.X-box.Min.X, box.Max.Y-box.Min.Y), m)
}

// at interpolates the heights linearly in both directions.
func (f Field) at(column, row float64) float64 {
	i, j := min(f.Columns-2, int(column)), min(f.Rows-2, int(row))
	s, t := column-float64(i), row-float64(j)
	v := func(i, j int) float64 { return f.Values[j*f.Columns+i] }
	return (1-t)*((1-s)*v(i, j)+s*v(i+1, j)) + t*((1-s)*v(i, j+1)+s*v(i+1, j+1))
}

// contours draws the lines of equal height.
func (f Field) contours(box draw.Canvas) {
	style := draw.LineStyle{Color: mix(rule, quiet, 0.4), Width: 0.6}
	for _, level := range f.Levels {
		for _, s := range f.contour(level) {
			for i := range s { // from places to shares of the axes
				s[i][0] /= float64(f.Columns - 1)
				s[i][1] /= float64(f.Rows - 1)
			}
			box.StrokeLine2(style, box.X(s[0][0]), box.Y(s[0][1]), box.X(s[1][0]), box.Y(s[1][1]))
		}
	}
}

// contour finds the pieces of the line of one height, each from (column, row) to
// (column, row), cell by cell between four places (Lorensen and Cline's marching
// cubes, 1987, in two dimensions). In a cell with high and low corners in turn,
// either of two pairs of pieces is right.
func (f Field) contour(level float64) (pieces [][2][2]float64) {
	if f.Values == nil {
		return nil
	}
	for j := range f.Rows - 1 {
		for i := range f.Columns - 1 {
			// The corners in turn, and where the sides between them are crossed.
			corners := [4][2]int{{i, j}, {i + 1, j}, {i + 1, j + 1}, {i, j + 1}}
			var crossed [][2]float64
			for k, a := range corners {
				b := corners[(k+1)%4]
				va, vb := f.Values[a[1]*f.Columns+a[0]], f.Values[b[1]*f.Columns+b[0]]
				t := (level - va) / (vb - va)
				if (va < level) == (vb < level) || math.IsNaN(t) || math.IsInf(t, 0) {
					continue
				}
				crossed = append(crossed, [2]float64{float64(a[0]) + t*float64(b[0]-a[0]), float64(a[1]) + t*float64(b[1]-a[1])})
			}
			for k := 0; k+1 < len(crossed); k += 2 {
				pieces = append(pieces, [2][2]float64{crossed[k], crossed[k+1]})
			}
		}
	}
	return pieces
}

// scale gives heights colours.
type scale struct {
	low, high float64
	stops     []color.NRGBA
}

// shadesOfScale is how many colours a scale has: a smooth one makes no more to be
// seen, and a PNG several times as long.
const shadesOfScale = 36

// sequentialStops are ColorBrewer's YlGnBu.
var sequentialStops = []color.NRGBA{
	{0xFF, 0xFF, 0xD9, 255},
	{0xED, 0xF8, 0xB1, 255},
	{0xC7, 0xE9, 0xB4, 255},
	{0x7F, 0xCD, 0xBB, 255},
	{0x41, 0xB6, 0xC4, 255},
	{0x1D, 0x91, 0xC0, 255},
	{0x22, 0x5E, 0xA8, 255},
	{0x25, 0x34, 0x94, 255},
	{0x08, 0x1D, 0x58, 255},
}

// shade is the colour of a value; beyond the ends it is clamped.
func (s scale) shade(v float64) color.NRGBA {
	if math.IsNaN(v) {
		return rule
	}
	t := math.Min(1, math.Max(0, (v/2-s.low/2)/(s.high/2-s.low/2)))
	if math.IsNaN(t) {
		t = 0.5
	}
	t = math.Round(t*shadesOfScale) / shadesOfScale
	place := t * float64(len(s.stops)-1)
	i := min(len(s.stops)-2, int(place))
	return mix(s.stops[i], s.stops[i+1], place-float64(i))
}

// sideKey is the key to a scale, a bar at the right of a panel.
type sideKey struct {
	scale scale
	title string
}

// sideKeyRoom is its width, in points.
const sideKeyRoom = 52

func (k *sideKey) draw(c draw.Canvas) {
	style := sans(labelSize, quiet)
	const barWidth, gap = 8, 12
	top := c.Max.Y
	if k.title != "" {
		write(c, style, c.Max.X, c.Max.Y+headSize, draw.XRight, fit(style, k.title, 3*sideKeyRoom))
	}
	height := snap(min(top-c.Min.Y, 130))
	m := image.NewNRGBA(image.Rect(0, 0, barWidth*pixelsPerPoint, max(1, int(height*pixelsPerPoint))))
	for y := range m.Rect.Dy() {
		t := 1 - float64(y)/float64(max(1, m.Rect.Dy()-1))
		for x := range m.Rect.Dx() {
			m.SetNRGBA(x, y, k.scale.shade(k.scale.low*(1-t)+k.scale.high*t))
		}
	}
	x, y := snap(c.Min.X+gap), snap(top-height)
	c.DrawImage(rect(x, y, barWidth, height), m)
	a := axis{min: k.scale.low, max: k.scale.high}
	for _, t := range a.ticks(max(2, int(height/28))) {
		at := y + height*vg.Length(a.norm(t.value))
		write(c, style, x+barWidth+4, at-labelSize*0.35, draw.XLeft, fit(style, t.label, sideKeyRoom-gap-barWidth-4))
	}
}
