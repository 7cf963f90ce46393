package plot

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Words are words of one colour and their places on a map.
type Words struct {
	Name  string // in the legend; "" stays out of it
	Words []string
	At    [][2]float64 // x and y of each word
}

// WordMap draws words at their places, in the plane where these lie: a dot each
// and the word beside it, above or below where another word is in the way. 1200 x
// 800 pixels as PNG.
func WordMap(groups []Words, title, subtitle string) (*Figure, error) {
	chart := Chart{Title: title, Subtitle: subtitle}
	for _, g := range groups {
		if len(g.Words) != len(g.At) {
			return nil, fmt.Errorf("plot: %d words of %q have %d places; give one place a word", len(g.Words), g.Name, len(g.At))
		}
		s := Series{Name: g.Name}
		for _, at := range g.At {
			s.X, s.Y = append(s.X, at[0]), append(s.Y, at[1])
		}
		chart.Series = append(chart.Series, s)
	}
	width, height, err := size(0, 0)
	if err != nil {
		return nil, err
	}
	p, err := chart.panel(func(l *line) { l.dot, l.dashes = 2.2, nil })
	if err != nil {
		return nil, err
	}
	if p.empty != "" {
		return nil, errors.New("plot: a map of no words; give at least one")
	}
	p.under = func(box draw.Canvas, at func(x, y float64) vg.Point) {
		var taken []vg.Rectangle
		for _, g := range groups {
			for _, place := range g.At {
				dot := at(place[0], place[1])
				taken = append(taken, rect(dot.X-2.5, dot.Y-2.5, 5, 5))
			}
		}
		for i, g := range groups {
			style := sans(labelSize, p.lines[i].color)
			for k, word := range g.Words {
				place := at(g.At[k][0], g.At[k][1])
				corner, area := freePlace(taken, box, place, style.Width(word))
				taken = append(taken, area)
				write(box, style, corner.X, corner.Y, draw.XLeft, word)
			}
		}
	}
	paint := func(c draw.Canvas) { p.draw(headline(c, title, subtitle)) }
	return &Figure{width: width, height: height, paint: paint}, nil
}

// freePlace returns where a word of a width is written beside a dot, and the
// area it covers: the nearest place where nothing stands, or else right of the dot.
func freePlace(taken []vg.Rectangle, box draw.Canvas, dot vg.Point, width vg.Length) (vg.Point, vg.Rectangle) {
	area := func(right, up vg.Length) vg.Rectangle { return rect(dot.X+right, dot.Y+up, width, labelSize) }
	const beside, level = 4, -labelSize * 0.35
	for step := range 14 {
		off := vg.Length(step) * 3
		for _, a := range []vg.Rectangle{
			area(beside, level+off), area(beside, level-off), area(-beside-width, level+off), area(-beside-width, level-off),
			area(-width/2, 3+off), area(-width/2, -3-labelSize-off),
		} {
			free := a.Min.X >= box.Min.X && a.Max.X <= box.Max.X && a.Min.Y >= box.Min.Y && a.Max.Y <= box.Max.Y
			for _, t := range taken {
				free = free && (a.Max.X < t.Min.X || t.Max.X < a.Min.X || a.Max.Y < t.Min.Y || t.Max.Y < a.Min.Y)
			}
			if free {
				return a.Min, a
			}
		}
	}
	a := area(beside, level)
	return a.Min, a
}
