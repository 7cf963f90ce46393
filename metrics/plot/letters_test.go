package plot

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTextColoursLetters(t *testing.T) {
	texts := []Letters{
		{Caption: "first", Text: "ab\ncdefg", Values: []float64{-1, 0, 0, 1, nan, 5, 0, 0}},
		{Caption: "second", Text: "é", Values: []float64{0.4}},
	}
	f := must(t)(Text(texts, "", "", 1, 3))
	m := raster(t, f)
	// Corners of cells, where no letter reaches.
	cell := func(line, column int) color.NRGBA {
		x := int((margin + letterWidth*float64(column)) * pixelsPerPoint)
		y := int((margin+headSize+8+letterHeight*float64(line))*pixelsPerPoint) + 1
		return color.NRGBAModel.Convert(m.At(x+1, y)).(color.NRGBA)
	}
	for _, c := range []struct {
		line, column int
		want         color.NRGBA
	}{
		{0, 0, signed(-1)}, {0, 1, signed(0)}, {0, 2, signed(0)}, // ab¶
		{1, 0, signed(1)}, {1, 1, notANumber}, {1, 2, signed(1)}, // cde
		{2, 0, signed(0)}, {2, 2, paper}, // fg
	} {
		if got := cell(c.line, c.column); got != c.want {
			t.Errorf("line %d, column %d is %v, want %v", c.line, c.column, got, c.want)
		}
	}
	wide := must(t)(Text(texts, "", "", 2, 80))
	text := svg(t, wide)
	for _, want := range []string{"first", "second", ">¶<", ">é<", "Liberation Mono,Courier New,monospace"} {
		if !strings.Contains(text, want) {
			t.Errorf("the SVG has no %q", want)
		}
	}
	if width, _ := wide.Size(); width < 2*80*letterWidth*pixelsPerPoint {
		t.Errorf("two columns of 80 are %d pixels wide", width)
	}
}

func TestColoursOfTextFitAPalette(t *testing.T) {
	colours := letterColours()
	if len(colours) > 256 {
		t.Errorf("%d colours", len(colours))
	}
	for _, v := range []float64{-1, -0.2, 0, 1} {
		if !slices.Contains(colours, color.Color(signed(v))) {
			t.Errorf("the ground of %g is not among them", v)
		}
	}
}

func TestLinesBreak(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "ab": {2}, "abc": {3}, "abcd": {3, 1}, "a\nb": {2, 1}, "abc\n": {3, 1}, "\n\n": {1, 1}} {
		var got []int
		for _, line := range breakLines([]rune(text), 3) {
			got = append(got, len(line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q breaks into lines of %v, want %v", text, got, want)
		}
	}
}

func TestTextThatCannotBeDrawn(t *testing.T) {
	one := []Letters{{Text: "ab", Values: []float64{1, 2}}}
	for want, f := range map[string]func() (*Figure, error){
		"0 texts":         func() (*Figure, error) { return Text(nil, "", "", 1, 1) },
		"in 0 columns":    func() (*Figure, error) { return Text(one, "", "", 0, 1) },
		"of 0 characters": func() (*Figure, error) { return Text(one, "", "", 1, 0) },
		"1 values for 2":  func() (*Figure, error) { return Text([]Letters{{Text: "ab", Values: []float64{1}}}, "", "", 1, 1) },
		"more than 100,000 chara": func() (*Figure, error) {
			return Text([]Letters{{Text: strings.Repeat("a", maxLetters+1), Values: make([]float64, maxLetters+1)}}, "", "", 1, 1)
		},
		"would have": func() (*Figure, error) {
			f, err := Text(one, "", "", 1, math.MaxInt32)
			if err != nil {
				return nil, err
			}
			return nil, f.WritePNG(&strings.Builder{})
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
