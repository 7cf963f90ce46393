package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// line is a series as a panel draws it.
type line struct {
	name   string // in the legend; "" stays out of it
	x, y   []float64
	color  color.NRGBA
	width  vg.Length // 0 draws no line
	dot    vg.Length // radius of a dot at every point; 0 draws none
	dashes []vg.Length
}

// panel is one chart: title and legend above, ticks at left and below.
type panel struct {
	title  string
	xLabel string
	yLabel string // beside the axis, for panels whose title says something else
	x, y   axis
	lines  []line
	bars   []bar
	marks  []Mark
	empty  string // shown instead of data when nothing can be drawn

	xTicks []tick // in place of those that the axis chooses; nil: those
	// under paints what lies behind lines and marks; nil: nothing.
	under func(box draw.Canvas, at func(x, y float64) vg.Point)
}

// bar is a rectangle from the foot of the panel up to height.
type bar struct{ from, to, height float64 }

const (
	tickRoom   = 36 // room for tick labels at the left; wider labels take more
	xTickRoom  = 15
	xLabelRoom = 13
	legendRow  = 13
	legendGap  = 12
	swatch     = 11
)

// draw fills the canvas with the panel.
func (p *panel) draw(c draw.Canvas) {
	top := c.Max.Y - p.drawHead(c)
	tickStyle := sans(labelSize, quiet)
	bottom := c.Min.Y + xTickRoom
	if p.xLabel != "" {
		bottom += xLabelRoom
	}
	var xTicks, yTicks []tick
	if p.empty == "" {
		yTicks = p.y.ticks(min(8, max(2, int((top-bottom)/30))))
	}
	left := vg.Length(tickRoom)
	for _, t := range yTicks {
		left = max(left, tickStyle.Width(t.label)+7)
	}
	if p.yLabel != "" {
		left += xLabelRoom
		style := tickStyle
		style.Rotation = math.Pi / 2
		write(c, style, c.Min.X+labelSize, (bottom+top)/2, draw.XCenter, fit(tickStyle, p.yLabel, top-bottom))
	}
	box := c
	box.Min = vg.Point{X: snap(c.Min.X + left), Y: snap(bottom)}
	box.Max = vg.Point{X: snap(c.Max.X), Y: snap(top)}
	at := func(x, y float64) vg.Point {
		return vg.Point{X: box.X(p.x.norm(x)), Y: box.Y(p.y.norm(y))}
	}

	thin := draw.LineStyle{Color: grid, Width: 0.75}
	for _, t := range yTicks {
		y := snap(box.Y(p.y.norm(t.value)))
		c.StrokeLine2(thin, box.Min.X, y, box.Max.X, y)
		write(c, tickStyle, box.Min.X-6, y-labelSize*0.35, draw.XRight, t.label)
	}
	if p.empty == "" {
		xTicks = p.x.ticks(max(2, int((box.Max.X-box.Min.X)/55)))
		if p.xTicks != nil {
			xTicks = p.xTicks
		}
	}
	rightEdge := vg.Length(math.Inf(-1)) // of the last label written
	for _, t := range xTicks {
		x := snap(box.X(p.x.norm(t.value)))
		c.StrokeLine2(thin, x, box.Min.Y, x, box.Max.Y)
		half := tickStyle.Width(t.label) / 2
		centre := min(x, c.Max.X-half)
		if centre-half < rightEdge+5 {
			continue
		}
		write(c, tickStyle, centre, box.Min.Y-labelSize-4, draw.XCenter, t.label)
		rightEdge = centre + half
	}
	if p.xLabel != "" {
		write(c, tickStyle, box.Center().X, c.Min.Y+2, draw.XCenter, fit(tickStyle, p.xLabel, box.Max.X-box.Min.X))
	}
	for _, b := range p.bars {
		lo, hi := at(b.from, p.y.min), at(b.to, b.height)
		gap := min(0.5, (hi.X-lo.X)/8)
		fillRect(c, rect(lo.X+gap, lo.Y, hi.X-lo.X-2*gap, hi.Y-lo.Y), blue)
	}
	if p.under != nil && p.empty == "" {
		p.under(box, at)
	}
	c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.75}, box.Min.X, box.Min.Y, box.Max.X, box.Min.Y)
	if p.empty != "" {
		style := sans(subtitleSize, quiet)
		write(c, style, box.Center().X, box.Center().Y, draw.XCenter, fit(style, p.empty, box.Max.X-box.Min.X))
		return
	}
	p.drawMarks(box)
	for _, l := range p.lines {
		p.drawLine(box, l, at)
	}
}

// drawHead writes title and legend and is the height that they take. The legend
// stands right of the title where both fit, else in rows below it: never on the
// data, and never more than a third of the panel.
func (p *panel) drawHead(c draw.Canvas) vg.Length {
	style := sans(labelSize, ink)
	head := bold(headSize, ink)
	width := c.Max.X - c.Min.X
	title := fit(head, p.title, width)
	write(c, head, c.Min.X, c.Max.Y-headSize, draw.XLeft, title)
	used := vg.Length(headSize + 10)

	type entry struct {
		line  line
		name  string
		width vg.Length
	}
	var entries []entry
	total := vg.Length(0)
	for _, l := range p.lines {
		if l.name == "" {
			continue
		}
		name := fit(style, l.name, width-swatch-6)
		e := entry{l, name, swatch + 4 + style.Width(name)}
		entries = append(entries, e)
		total += e.width + legendGap
	}
	if len(entries) == 0 {
		return used
	}
	x, y := c.Max.X-total+legendGap, c.Max.Y-headSize
	if head.Width(title)+2*legendGap+total > width {
		x, y = c.Min.X, y-legendRow-2
		used += legendRow + 2
	}
	for i, e := range entries {
		if i > 0 && x+e.width > c.Max.X+0.01 {
			x, y = c.Min.X, y-legendRow
			used += legendRow
			if used > (c.Max.Y-c.Min.Y)/3 {
				write(c, sans(labelSize, quiet), x, y, draw.XLeft, fmt.Sprintf("and %s more", count(len(entries)-i)))
				return used
			}
		}
		mid := y + labelSize*0.35
		if e.line.width > 0 {
			c.StrokeLine2(draw.LineStyle{Color: e.line.color, Width: max(1.5, e.line.width), Dashes: e.line.dashes}, x, mid, x+swatch, mid)
		}
		if e.line.dot > 0 {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: e.line.color, Radius: e.line.dot, Shape: draw.CircleGlyph{}}, vg.Point{X: x + swatch/2, Y: mid})
		}
		write(c, style, x+swatch+4, y, draw.XLeft, e.name)
		x += e.width + legendGap
	}
	return used
}

// drawMarks draws dashed vertical lines with their labels at the upper end, one
// below the other where they would meet.
func (p *panel) drawMarks(box draw.Canvas) {
	style := sans(labelSize, ink)
	var rightEdges []vg.Length // of the last label in each row
	for _, m := range p.marks {
		if !p.x.shows(m.X) || m.X < p.x.min || m.X > p.x.max {
			continue
		}
		x := box.X(p.x.norm(m.X))
		box.StrokeLine2(draw.LineStyle{Color: quiet, Width: 0.75, Dashes: []vg.Length{3, 2}}, x, box.Min.Y, x, box.Max.Y)
		label := fit(style, m.Label, (box.Max.X-box.Min.X)/2)
		left, width := x+4, style.Width(label)
		if left+width > box.Max.X {
			left = x - 4 - width
		}
		row := 0
		for row < len(rightEdges) && left < rightEdges[row]+4 {
			row++
		}
		if row == len(rightEdges) {
			rightEdges = append(rightEdges, 0)
		}
		rightEdges[row] = left + width
		write(box, style, left, box.Max.Y-labelSize-1-vg.Length(row)*(labelSize+3), draw.XLeft, label)
	}
}

// drawLine draws the runs of points between the gaps. A run of one point would
// be invisible as a line and becomes a dot.
func (p *panel) drawLine(box draw.Canvas, l line, at func(x, y float64) vg.Point) {
	style := draw.LineStyle{Color: l.color, Width: l.width, Dashes: l.dashes}
	for _, run := range p.runs(l) {
		points := make([]vg.Point, len(run))
		for i, xy := range run {
			points[i] = at(xy[0], xy[1])
		}
		if l.width > 0 && len(points) > 1 {
			box.StrokeLines(style, pieces(box.ClipLinesXY(thin(points, box.Max.X-box.Min.X)))...)
		}
		dot := l.dot
		if len(points) == 1 {
			dot = max(dot, 2)
		}
		if dot == 0 {
			continue
		}
		for _, pt := range points {
			box.DrawGlyph(draw.GlyphStyle{Color: l.color, Radius: dot, Shape: draw.CircleGlyph{}}, pt)
		}
	}
}

// runs cuts a series where a value cannot be shown.
func (p *panel) runs(l line) [][][2]float64 {
	var runs [][][2]float64
	var run [][2]float64
	for i, y := range l.y {
		if x := l.x[i]; p.x.shows(x) && p.y.shows(y) {
			run = append(run, [2]float64{x, y})
			continue
		}
		if run != nil {
			runs, run = append(runs, run), nil
		}
	}
	if run != nil {
		runs = append(runs, run)
	}
	return runs
}

// pieces cuts long lines, because the time to rasterise a line grows with the
// square of how often it crosses a row of pixels. Neighbours share a segment, so
// that their joint is drawn as a joint.
func pieces(lines [][]vg.Point) [][]vg.Point {
	const longest = 100
	var cut [][]vg.Point
	for _, l := range lines {
		for len(l) > longest {
			cut = append(cut, l[:longest])
			l = l[longest-2:]
		}
		cut = append(cut, l)
	}
	return cut
}

// thin keeps the first, lowest, highest and last point of every pixel column:
// more would change no pixel, and a run of a million steps would make an SVG of
// a hundred megabytes.
func thin(points []vg.Point, width vg.Length) []vg.Point {
	if len(points) <= int(4*pixelsPerPoint*width) {
		return points
	}
	var kept []vg.Point
	for i := 0; i < len(points); {
		column := math.Floor(float64(points[i].X) * pixelsPerPoint)
		lowest, highest, j := i, i, i
		for ; j < len(points) && math.Floor(float64(points[j].X)*pixelsPerPoint) == column; j++ {
			if points[j].Y < points[lowest].Y {
				lowest = j
			}
			if points[j].Y > points[highest].Y {
				highest = j
			}
		}
		last := -1
		for _, k := range []int{i, min(lowest, highest), max(lowest, highest), j - 1} {
			if k > last {
				kept = append(kept, points[k])
				last = k
			}
		}
		i = j
	}
	return kept
}
