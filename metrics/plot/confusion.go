package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// maxClasses bounds a confusion matrix: nobody sees a single cell among more.
const maxClasses = 1000

// Confusion draws a confusion matrix, counts[truth][predicted], with a name per
// class (nil names them by their index). Mistakes are tinted by the logarithm of
// their number, so that a single one can be seen; the diagonal has a hue of its
// own, tinted by recall. The borders hold totals, recall and precision. Where the
// cells are too small for text it is left out.
func Confusion(counts [][]int, names []string, title string) (*Figure, error) {
	m, err := newMatrix(counts, names)
	if err != nil {
		return nil, err
	}
	subtitle := fmt.Sprintf("%s examples", count(m.total))
	if m.total > 0 {
		share := float64(m.hits) / float64(m.total)
		subtitle = fmt.Sprintf("accuracy %s  ·  %s of %s wrong", percent(share, 2), count(m.total-m.hits), count(m.total))
	}
	side := 2*margin + m.nameWidth + 16 + m.width()
	height := headlineHeight(title, subtitle) + m.nameHeight + 18 + m.height()
	paint := func(c draw.Canvas) { m.draw(headline(c, title, subtitle)) }
	return &Figure{width: ceil(max(side, leastWidth)), height: ceil(height), paint: paint}, nil
}

// matrix is a confusion matrix with the lengths of its drawing.
type matrix struct {
	counts      [][]int
	names       []string
	rows, cols  []int // totals of truth and of prediction
	total, hits int
	worst       int // the largest count off the diagonal

	cell       vg.Length
	border     vg.Length // width of a column of totals; 0 leaves them out
	textSize   float64   // of the counts; 0 leaves them out
	nameWidth  vg.Length // room for the names at the left
	nameHeight vg.Length // and above
	turned     bool      // the names above stand upright
	nameEvery  int
}

func newMatrix(counts [][]int, names []string) (*matrix, error) {
	k := len(counts)
	if k == 0 || k > maxClasses {
		return nil, fmt.Errorf("plot: confusion matrix: %d classes; draw 1..%d", k, maxClasses)
	}
	if names != nil && len(names) != k {
		return nil, fmt.Errorf("plot: confusion matrix: %d names for %d classes", len(names), k)
	}
	m := &matrix{counts: counts, names: names, rows: make([]int, k), cols: make([]int, k)}
	if names == nil {
		m.names = make([]string, k)
		for i := range m.names {
			m.names[i] = strconv.Itoa(i)
		}
	}
	for t, row := range counts {
		if len(row) != k {
			return nil, fmt.Errorf("plot: confusion matrix: row %d has %d counts for %d classes", t, len(row), k)
		}
		for p, n := range row {
			if n < 0 {
				return nil, fmt.Errorf("plot: confusion matrix: the count of truth %d predicted as %d is %d", t, p, n)
			}
			m.rows[t] += n
			m.cols[p] += n
			m.total += n
			if t == p {
				m.hits += n
			} else {
				m.worst = max(m.worst, n)
			}
		}
	}
	m.layOut()
	return m, nil
}

// layOut chooses lengths by the number of classes and the length of names.
func (m *matrix) layOut() {
	k := len(m.counts)
	m.cell = snap(min(44, max(1, 640/vg.Length(k))))
	widest := 0
	for t, row := range m.counts {
		for _, n := range row {
			widest = max(widest, len(count(n)))
		}
		widest = max(widest, len(count(m.rows[t])), len(count(m.cols[t])))
	}
	// A digit is a little over half as wide as the font is high.
	if size := math.Min(10, float64(m.cell)*0.86/(0.556*float64(max(widest, 2)))); size >= 4.5 {
		m.textSize = size
		m.border = max(m.cell, 34)
	}
	m.nameEvery = int(math.Ceil(float64((labelSize + 1) / m.cell)))
	style := sans(labelSize, ink)
	longest := vg.Length(0)
	for _, n := range m.names {
		longest = max(longest, style.Width(oneLine(n)))
	}
	longest = min(longest, 110)
	m.nameWidth = longest + 8
	m.turned = longest > m.cell*vg.Length(m.nameEvery)-4
	m.nameHeight = labelSize + 6
	if m.turned {
		m.nameHeight = longest + 8
	}
	if m.border > 0 {
		m.nameWidth = max(m.nameWidth, style.Width("precision")+8)
	}
}

// Between the cells and the totals, and from one row of totals to the next.
const (
	borderGap = 6
	borderRow = 14
)

// width is that of the cells and the columns of totals and recall.
func (m *matrix) width() vg.Length {
	w := vg.Length(len(m.counts)) * m.cell
	if m.border > 0 {
		w += 2*m.border + borderGap
	}
	return w
}

// height is that of the cells and the rows of totals and precision.
func (m *matrix) height() vg.Length {
	h := vg.Length(len(m.counts)) * m.cell
	if m.border > 0 {
		h += 2*borderRow + borderGap
	}
	return h
}

func (m *matrix) draw(c draw.Canvas) {
	k := vg.Length(len(m.counts))
	left := snap(c.Min.X + 16 + m.nameWidth)
	top := snap(c.Max.Y - 18 - m.nameHeight)
	right, bottom := left+k*m.cell, top-k*m.cell

	axis := bold(labelSize, quiet)
	write(c, axis, (left+right)/2, c.Max.Y-labelSize, draw.XCenter, fit(axis, "predicted", right-left+m.nameWidth))
	axis.Rotation = math.Pi / 2
	write(c, axis, c.Min.X+labelSize, (top+bottom)/2, draw.XCenter, "truth")

	m.drawNames(c, left, top)
	for t, row := range m.counts {
		for p, n := range row {
			x, y := left+vg.Length(p)*m.cell, top-vg.Length(t+1)*m.cell
			m.drawCell(c, rect(x, y, m.cell, m.cell), m.shade(t, p), n)
		}
	}
	if m.border > 0 {
		m.drawBorders(c, left, right, top, bottom)
		return
	}
	c.StrokeLines(draw.LineStyle{Color: rule, Width: 0.5}, []vg.Point{
		{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}, {X: left, Y: top}})
}

// shade is the colour of a cell.
func (m *matrix) shade(truth, predicted int) color.NRGBA {
	n := m.counts[truth][predicted]
	switch {
	case n == 0:
		return color.NRGBA{0xF6, 0xF7, 0xF9, 255}
	case truth == predicted:
		return mix(lighten(blue, 0.75), blue, float64(n)/float64(m.rows[truth]))
	case m.worst == 1:
		return lighten(vermillion, 0.6)
	}
	// Logarithmic: 1 is pale but plain to see, the worst is full.
	return mix(lighten(vermillion, 0.78), vermillion, math.Log(float64(n))/math.Log(float64(m.worst)))
}

// drawCell fills a cell and writes its count. Large cells leave a white seam
// between them.
func (m *matrix) drawCell(c draw.Canvas, r vg.Rectangle, fill color.NRGBA, n int) {
	if m.cell >= 8 {
		r.Max.X -= 1
		r.Min.Y += 1
	} else if n == 0 {
		return // thousands of them, nearly white
	}
	fillRect(c, r, fill)
	if m.textSize > 0 && n > 0 {
		style := sans(m.textSize, textOn(fill))
		write(c, style, (r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2-vg.Length(m.textSize*0.35), draw.XCenter, count(n))
	}
}

func (m *matrix) drawNames(c draw.Canvas, left, top vg.Length) {
	style := sans(labelSize, ink)
	upright := style
	upright.Rotation = math.Pi / 2
	for i := 0; i < len(m.names); i += m.nameEvery {
		mid := (vg.Length(i) + 0.5) * m.cell
		write(c, style, left-6, top-mid-labelSize*0.35, draw.XRight, fit(style, m.names[i], m.nameWidth-8))
		if m.turned {
			write(c, upright, left+mid+labelSize*0.35, top+5, draw.XLeft, fit(style, m.names[i], m.nameHeight-8))
		} else {
			write(c, style, left+mid, top+5, draw.XCenter, m.names[i])
		}
	}
}

// drawBorders writes totals and recall right of the matrix, totals and
// precision below it, and the whole at the corner.
func (m *matrix) drawBorders(c draw.Canvas, left, right, top, bottom vg.Length) {
	head := sans(labelSize, quiet)
	size := math.Min(m.textSize, labelSize)
	figure := sans(size, ink)
	soft := sans(size, quiet)
	first, second := right+borderGap+m.border/2, right+borderGap+m.border*1.5
	firstRow, secondRow := bottom-borderGap-borderRow+4, bottom-borderGap-2*borderRow+4
	write(c, head, first, top+5, draw.XCenter, "total")
	write(c, head, second, top+5, draw.XCenter, "recall")
	write(c, head, left-6, firstRow, draw.XRight, "total")
	write(c, head, left-6, secondRow, draw.XRight, "precision")
	decimals := 1
	if soft.Width("99.9%")+2 > m.cell {
		decimals = 0
	}
	share := func(n, of, decimals int) string {
		if of == 0 {
			return "–"
		}
		return percent(float64(n)/float64(of), decimals)
	}
	for i := range m.counts {
		mid := (vg.Length(i) + 0.5) * m.cell
		y := top - mid - vg.Length(size*0.35)
		write(c, figure, first, y, draw.XCenter, count(m.rows[i]))
		write(c, soft, second, y, draw.XCenter, share(m.counts[i][i], m.rows[i], 1))
		write(c, figure, left+mid, firstRow, draw.XCenter, count(m.cols[i]))
		write(c, soft, left+mid, secondRow, draw.XCenter, share(m.counts[i][i], m.cols[i], decimals))
	}
	write(c, bold(size, ink), first, firstRow, draw.XCenter, count(m.total))
	write(c, bold(size, ink), second, secondRow, draw.XCenter, share(m.hits, m.total, 1))
}
