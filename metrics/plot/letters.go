package plot

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Letters is a text of which every character has a value in -1..1: what a unit
// of a recurrent network says at it, or how much attention it is given.
type Letters struct {
	Caption string
	Text    string
	Values  []float64 // one for each character (rune) of Text
}

// Sizes of a letter's cell, in points: whole pixels, so that cells touch without
// a seam and a letter looks the same in each.
const (
	letterSize   = 8.5
	letterWidth  = 5.5
	letterHeight = 12.0
	lettersGap   = 22 // between texts
	maxLetters   = 100_000

	// shades are so many steps from white to full colour: as many as can be told
	// apart behind letters, and a fraction of the file that a smooth scale takes.
	shades = 5
)

// Text draws texts in columns side by side, each character on a ground from
// blue (-1) over white to red (1). Lines break at the texts' own ends of lines,
// which are shown as ¶, and after width characters.
func Text(texts []Letters, title, subtitle string, columns, width int) (*Figure, error) {
	if len(texts) == 0 || columns < 1 || width < 1 {
		return nil, fmt.Errorf("plot: text: %d texts in %d columns of %d characters; at least one of each is needed", len(texts), columns, width)
	}
	total, lines := 0, make([][][]int, len(texts)) // places of characters in the text, by line
	for i, t := range texts {
		n := utf8.RuneCountInString(t.Text)
		if n != len(t.Values) {
			return nil, fmt.Errorf("plot: text %d: %d values for %d characters", i, len(t.Values), n)
		}
		if total += n; total > maxLetters {
			return nil, fmt.Errorf("plot: text: more than %s characters; show fewer", count(maxLetters))
		}
		lines[i] = breakLines([]rune(t.Text), width)
	}
	columns = min(columns, len(texts))
	columnWidth := vg.Length(width)*letterWidth + lettersGap
	height := headlineHeight(title, subtitle)
	rowHeights := make([]vg.Length, (len(texts)+columns-1)/columns)
	for i := range texts {
		rowHeights[i/columns] = max(rowHeights[i/columns], headSize+8+vg.Length(len(lines[i]))*letterHeight+lettersGap)
	}
	for _, h := range rowHeights {
		height += h
	}
	paint := func(c draw.Canvas) {
		area := headline(c, title, subtitle)
		y := snap(area.Max.Y)
		for row, h := range rowHeights {
			for i := row * columns; i < min((row+1)*columns, len(texts)); i++ {
				texts[i].draw(c, lines[i], area.Min.X+vg.Length(i%columns)*columnWidth, y, columnWidth-lettersGap)
			}
			y -= h
		}
	}
	return &Figure{width: ceil(max(vg.Length(columns)*columnWidth-lettersGap, leastWidth) + 2*margin), height: ceil(height - lettersGap), paint: paint, palette: letterColours()}, nil
}

// letterColours are the grounds and, in a few steps from each to its letters'
// colour, the edges of letters: a third of the bytes that all colours take.
func letterColours() color.Palette {
	var out color.Palette
	steps := func(ground, letters color.NRGBA) {
		const n = 15
		for i := range n {
			out = append(out, mix(ground, letters, float64(i)/(n-1)))
		}
	}
	steps(paper, ink)
	steps(paper, quiet)
	steps(notANumber, textOn(notANumber))
	for i := -shades; i <= shades; i++ {
		ground := signed(float64(i) / shades)
		steps(ground, textOn(ground))
	}
	return out
}

// breakLines returns the places of the characters of each line. A line's end
// belongs to it.
func breakLines(text []rune, width int) [][]int {
	var lines [][]int
	var line []int
	for at, r := range text {
		line = append(line, at)
		if r == '\n' || len(line) == width {
			lines, line = append(lines, line), nil
		}
	}
	if line != nil {
		lines = append(lines, line)
	}
	return lines
}

// draw puts the text below y, from x on.
func (t Letters) draw(c draw.Canvas, lines [][]int, x, y, width vg.Length) {
	head := bold(headSize, ink)
	y -= headSize // in whole pixels, as all here
	write(c, head, x, y, draw.XLeft, fit(head, t.Caption, width))
	y -= 8
	text := []rune(t.Text)
	for _, line := range lines {
		y -= letterHeight
		for column, at := range line {
			ground := signed(math.Round(t.Values[at]*shades) / shades)
			left := x + vg.Length(column)*letterWidth
			fillRect(c, rect(left, y, letterWidth, letterHeight), ground)
			shown := string(text[at])
			if text[at] == '\n' {
				shown = "¶"
			}
			if shown = strings.TrimSpace(shown); shown != "" {
				write(c, mono(letterSize, textOn(ground)), left+letterWidth/2, y+3.2, draw.XCenter, shown)
			}
		}
	}
}
