package plot

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Board is one picture of several charts in rows, with a title above and below
// a caption that says what is seen.
type Board struct {
	Title, Subtitle string
	Caption         string // broken into lines; "\n" begins another
	Rows            [][]Part
	Heights         []float64 // of the rows, in proportion; nil: all alike
	Width, Height   int       // in pixels as PNG; 0 is 1800 x 1200
}

// Part is a chart of a [Board]: a [Chart] (as lines), a [Field] or
// [Distributions].
type Part interface {
	// part is the panel and the key to its colours, nil when it needs none.
	part() (*panel, *sideKey, error)
}

func (chart Chart) part() (*panel, *sideKey, error) {
	p, err := chart.panel(asLine)
	if err != nil {
		return nil, nil, err
	}
	p.title, p.yLabel = chart.Title, chart.YLabel
	return p, nil, nil
}

// Figure lays the board out. Errors are those of its parts.
func (b Board) Figure() (*Figure, error) {
	if b.Width == 0 {
		b.Width = 1800
	}
	if b.Height == 0 {
		b.Height = 1200
	}
	width, height, err := size(b.Width, b.Height)
	if err != nil {
		return nil, err
	}
	if b.Heights != nil && len(b.Heights) != len(b.Rows) {
		return nil, fmt.Errorf("plot: board: %d heights for %d rows", len(b.Heights), len(b.Rows))
	}
	type cell struct {
		panel *panel
		key   *sideKey
	}
	rows, heights, total := make([][]cell, len(b.Rows)), make([]float64, len(b.Rows)), 0.0
	for i, row := range b.Rows {
		heights[i] = 1
		if b.Heights != nil {
			heights[i] = b.Heights[i]
		}
		if !(heights[i] > 0) || len(row) == 0 {
			return nil, fmt.Errorf("plot: board: row %d has %d parts and the height %g; it needs at least one and a positive height", i, len(row), heights[i])
		}
		total += heights[i]
		for _, part := range row {
			p, key, err := part.part()
			if err != nil {
				return nil, err
			}
			rows[i] = append(rows[i], cell{p, key})
		}
	}
	paint := func(c draw.Canvas) {
		area := headline(c, b.Title, b.Subtitle)
		area.Min.Y += caption(area, b.Caption)
		const columnGap, rowGap = 24, 16
		room := area.Max.Y - area.Min.Y - rowGap*vg.Length(len(rows)-1)
		top := area.Max.Y
		for i, row := range rows {
			height := room * vg.Length(heights[i]/total)
			width := (area.Max.X - area.Min.X - columnGap*vg.Length(len(row)-1)) / vg.Length(len(row))
			for j, cell := range row {
				place := area
				place.Max.Y, place.Min.Y = top, top-height
				place.Min.X = area.Min.X + vg.Length(j)*(width+columnGap)
				place.Max.X = place.Min.X + width
				if cell.key != nil {
					key := place
					key.Min.X = place.Max.X - sideKeyRoom
					key.Max.Y -= headSize + 10
					key.Min.Y += xTickRoom
					place.Max.X = key.Min.X
					cell.key.draw(key)
				}
				cell.panel.draw(place)
			}
			top -= height + rowGap
		}
	}
	return &Figure{width: width, height: height, paint: paint}, nil
}

// caption writes a text at the foot of the canvas and is the height it takes.
func caption(c draw.Canvas, s string) vg.Length {
	if s == "" {
		return 0
	}
	const rowHeight = captionSize * 1.35
	style := sans(captionSize, ink)
	lines := wrap(style, s, c.Max.X-c.Min.X)
	for i, l := range lines {
		write(c, style, c.Min.X, c.Min.Y+rowHeight*vg.Length(len(lines)-1-i), draw.XLeft, l)
	}
	return rowHeight*vg.Length(len(lines)) + 10
}

// captionSize is that of the letters below a board, in points.
const captionSize = 10

// wrap breaks a text into lines no wider than width, between words where it can.
func wrap(style text.Style, s string, width vg.Length) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			longer := strings.TrimPrefix(line+" "+word, " ")
			if line != "" && style.Width(longer) > width {
				lines = append(lines, line)
				longer = word
			}
			line = fit(style, longer, width)
		}
		lines = append(lines, line)
	}
	return lines
}
