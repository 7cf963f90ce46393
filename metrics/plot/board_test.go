package plot

import (
	"image"
	"math"
	"regexp"
	"strings"
	"testing"
)

// wholeBoard has a part of every kind.
func wholeBoard() Board {
	ends := [2]float64{-2, 2}
	bowl := Sample(func(x, y float64) float64 { return x*x + y*y }, ends, ends, 41, 31)
	return Board{Title: "board", Caption: "what is seen\nand a second line", Rows: [][]Part{
		{
			Chart{Title: "lines", XLabel: "x", YLabel: "y", YRange: [2]float64{0, 5}, Series: []Series{{Name: "a", Y: slope(1, 2, 50)}, {Y: slope(3, 2, 50), Dots: true, Pale: true}}},
			Field{Title: "field", XLabel: "x", YLabel: "y", X: ends, Y: ends, Values: bowl, Columns: 41, Rows: 31, Fill: true, Levels: []float64{1, 2},
				Paths: []Series{{Name: "path", X: slope(-1, 1, 5), Y: slope(0, 1, 5)}}, Dots: []Dot{{0, 0, 3}, {1, 1, nan}}},
		},
		{Distributions{Title: "distributions", XLabel: "layer", Values: [][]float64{slope(0, 1, 100), {0.5, nan, inf}}, Full: 0.1}},
	}}
}

func TestABoardShowsTitlesAndCaptionOfItsParts(t *testing.T) {
	s := svg(t, must(t)(wholeBoard().Figure()))
	for _, text := range []string{"board", "lines", "field", "distributions", "what is seen", "and a second line", "path"} {
		if !strings.Contains(s, ">"+text+"<") {
			t.Errorf("%q is not in the picture", text)
		}
	}
}

func TestContoursLieAtTheirHeight(t *testing.T) {
	ends := [2]float64{-2, 2}
	f := Field{Columns: 81, Rows: 81, Values: Sample(func(x, y float64) float64 { return x*x + y*y }, ends, ends, 81, 81)}
	pieces := f.contour(1)
	length := 0.0
	at := func(p [2]float64) (x, y float64) { return -2 + p[0]/20, -2 + p[1]/20 }
	for _, piece := range pieces {
		x0, y0 := at(piece[0])
		x1, y1 := at(piece[1])
		if r := math.Hypot(x0, y0); math.Abs(r-1) > 1e-3 {
			t.Fatalf("a piece of the unit circle begins at distance %g from its middle", r)
		}
		length += math.Hypot(x1-x0, y1-y0)
	}
	if math.Abs(length-2*math.Pi) > 0.01 {
		t.Errorf("the unit circle is %g long", length)
	}
	if n := len(f.contour(100)); n != 0 {
		t.Errorf("%d pieces above all heights", n)
	}
	f.Values[40*81+40] = nan
	f.contour(1)
}

func TestAFieldIsColouredByHeight(t *testing.T) {
	x := [2]float64{0, 10}
	f := Board{Width: 900, Height: 700, Rows: [][]Part{{Field{X: x, Y: x, Values: Sample(func(x, _ float64) float64 { return x }, x, x, 11, 11), Columns: 11, Rows: 11, Fill: true}}}}
	m := raster(t, must(t)(f.Figure()))
	count := func(within image.Rectangle) (low, high int) {
		return pixels(m, within, sequentialStops[0]), pixels(m, within, sequentialStops[len(sequentialStops)-1])
	}
	left, right := image.Rect(0, 100, 300, 600), image.Rect(500, 100, 765, 600)
	if low, high := count(left); low < 1000 || high != 0 {
		t.Errorf("at the left %d pixels are palest and %d darkest", low, high)
	}
	if low, high := count(right); low != 0 || high < 1000 {
		t.Errorf("at the right %d pixels are palest and %d darkest", low, high)
	}
	signed := scale{-1, 1, signedStops}
	if signed.shade(-9) != signedStops[0] || signed.shade(0) != signedStops[4] || signed.shade(nan) != rule {
		t.Error("a signed scale is not blue below, white at zero and grey where there is no number")
	}
}

func TestBarsOfDistributionsAreAsLongAsTheirShare(t *testing.T) {
	// Of the first half is at the upper end, of the second all is at the lower.
	f := Board{Width: 900, Height: 700, Rows: [][]Part{{Distributions{Values: [][]float64{{1, 1, 0, 0.5}, {0, 0, 0, -7}}, Range: [2]float64{0, 1}, Bins: 4, Full: 1}}}}
	m := raster(t, must(t)(f.Figure()))
	b := m.Bounds()
	upper, lower := image.Rect(0, 0, b.Dx(), b.Dy()/3), image.Rect(0, 2*b.Dy()/3, b.Dx(), b.Dy())
	half, whole := pixels(m, upper, blue), pixels(m, lower, blue)
	// Below there are a quarter of the first histogram and all of the second.
	if ratio := float64(whole) / float64(half); math.Abs(ratio-2.5) > 0.15 {
		t.Errorf("%d blue pixels above and %d below, %.2f times as many, not 2.5", half, whole, ratio)
	}
}

func TestLinesOfACaptionFit(t *testing.T) {
	style := sans(captionSize, ink)
	text := strings.Repeat("of many words that are not all of one length ", 20) + strings.Repeat("w", 500) + "\nend"
	lines := wrap(style, text, 300)
	for _, l := range lines {
		if style.Width(l) > 300 {
			t.Errorf("%q is %g wide", l, style.Width(l))
		}
	}
	if joined := strings.Join(lines, " "); len(lines) < 10 || lines[len(lines)-1] != "end" || !strings.HasPrefix(joined, "of many words that are not all of one length of many") {
		t.Errorf("the lines are %q", lines)
	}
}

func TestLabelsOfMarksDoNotMeet(t *testing.T) {
	heights := func(xs ...float64) map[string]bool {
		chart := Chart{Series: []Series{{X: []float64{0, 100}, Y: []float64{0, 1}}}}
		for _, x := range xs {
			chart.Marks = append(chart.Marks, Mark{X: x, Label: "a label"})
		}
		at := map[string]bool{}
		for _, m := range regexp.MustCompile(`y="([^"]*)"[^>]*>a label<`).FindAllStringSubmatch(svg(t, must(t)(Lines(chart))), -1) {
			at[m[1]] = true
		}
		return at
	}
	if n := len(heights(10, 60)); n != 1 {
		t.Errorf("labels far apart stand in %d rows", n)
	}
	if n := len(heights(10, 11, 12)); n != 3 {
		t.Errorf("three labels at nearly one place stand in %d rows", n)
	}
}

func TestABoardThatCannotBeDrawnIsAnError(t *testing.T) {
	ends := [2]float64{0, 1}
	for want, part := range map[string]Part{
		"axis from 1 to 0":   Field{X: [2]float64{1, 0}, Y: ends},
		"axis from 0 to 1":   Field{X: ends, Y: ends, LogX: true},
		"needs 6 values":     Field{X: ends, Y: ends, Columns: 2, Rows: 3, Values: make([]float64, 5)},
		"at least two":       Field{X: ends, Y: ends, Columns: 1, Rows: 3, Values: make([]float64, 3)},
		"2 x for 1 y":        Field{X: ends, Y: ends, Paths: []Series{{X: []float64{1, 2}, Y: []float64{1}}}},
		"0 histograms":       Distributions{},
		"5000 bins":          Distributions{Values: [][]float64{{1}}, Bins: 5000},
		"range from 3 to 2":  Distributions{Values: [][]float64{{1}}, Range: [2]float64{3, 2}},
		"vertical axis from": Chart{Series: []Series{{Y: []float64{1}}}, LogY: true, YRange: [2]float64{0, 1}},
		"1 x for 2 y":        Chart{Series: []Series{{X: []float64{1}, Y: []float64{1, 2}}}},
	} {
		if _, err := (Board{Rows: [][]Part{{part}}}).Figure(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, which does not say %q", err, want)
		}
	}
	for want, b := range map[string]Board{
		"1 heights for 2 rows": {Rows: [][]Part{{Chart{}}, {Chart{}}}, Heights: []float64{1}},
		"height -1":            {Rows: [][]Part{{Chart{}}}, Heights: []float64{-1}},
		"0 parts":              {Rows: [][]Part{{}}},
		"20 x 1200":            {Width: 20},
	} {
		if _, err := b.Figure(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, which does not say %q", err, want)
		}
	}
}

func FuzzField(f *testing.F) {
	f.Add(0.0, 1.0, 3.0, -1.0, 0.5)
	f.Add(nan, inf, -inf, 1e308, 0.0)
	f.Fuzz(func(t *testing.T, a, b, c, d, level float64) {
		ends := [2]float64{0, 1}
		figure, err := Board{Width: 300, Height: 300, Rows: [][]Part{{Field{X: ends, Y: ends, Columns: 2, Rows: 2, Values: []float64{a, b, c, d}, Fill: true, Levels: []float64{level}, Dots: []Dot{{0.5, 0.5, level}}}}}}.Figure()
		if err != nil {
			t.Fatal(err)
		}
		svg(t, figure)
	})
}
