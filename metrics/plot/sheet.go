package plot

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sheet is a grid of images with captions below them.
type sheet struct {
	title, subtitle string
	tiles           []tile
	columns         int       // 0 chooses
	group           int       // so many tiles stay in one row; 0 for no groups
	side            vg.Length // the longest an image may become
	foot            vg.Length // room below the grid, for paintFoot
	paintFoot       func(draw.Canvas)
}

type tile struct {
	image   *image.NRGBA
	caption []captionLine
}

type captionLine struct {
	text  string
	color color.Color
}

const (
	captionRow = 10.5 // points
	tileGap    = 8
	leastWidth = 300 // of a sheet, so that its title can be read
)

// figure lays the sheet out. Every tile has the room of the largest.
func (s sheet) figure() *Figure {
	var imageWidth, imageHeight vg.Length
	rowsOfText := 0
	side := int(s.side * pixelsPerPoint)
	for _, t := range s.tiles {
		w, h := scaledSize(t.image, side)
		imageWidth = max(imageWidth, vg.Length(w)/pixelsPerPoint)
		imageHeight = max(imageHeight, vg.Length(h)/pixelsPerPoint)
		rowsOfText = max(rowsOfText, len(t.caption))
	}
	// Long captions widen the tiles, within reason; beyond they are shortened.
	textWidth := vg.Length(0)
	for _, t := range s.tiles {
		for _, line := range t.caption {
			textWidth = max(textWidth, sans(labelSize, line.color).Width(oneLine(line.text)))
		}
	}
	slot := snap(max(imageWidth, min(textWidth, 2*s.side)))
	tileWidth := slot + tileGap
	tileHeight := imageHeight + tileGap + vg.Length(rowsOfText)*captionRow
	if rowsOfText > 0 {
		tileHeight += 6
	}
	columns := s.columns
	if columns < 1 {
		group := max(1, s.group)
		columns = group * columnsFor(len(s.tiles)/group, float64(tileWidth)*float64(group), float64(tileHeight))
	}
	columns = min(columns, max(1, len(s.tiles)))
	rows := (len(s.tiles) + columns - 1) / columns

	gridWidth := max(0, vg.Length(columns)*tileWidth-tileGap)
	gridHeight := max(0, vg.Length(rows)*tileHeight-tileGap)
	width := ceil(max(gridWidth, leastWidth) + 2*margin)
	height := ceil(gridHeight + s.foot + headlineHeight(s.title, s.subtitle))

	paint := func(c draw.Canvas) {
		area := headline(c, s.title, s.subtitle)
		for i, t := range s.tiles {
			m := scaled(t.image, side)
			x := area.Min.X + vg.Length(i%columns)*tileWidth
			y := area.Max.Y - vg.Length(i/columns)*tileHeight // upper edge
			w, h := vg.Length(m.Rect.Dx())/pixelsPerPoint, vg.Length(m.Rect.Dy())/pixelsPerPoint
			left, foot := snap(x+(slot-w)/2), snap(y-imageHeight+(imageHeight-h)/2)
			c.DrawImage(rect(left, foot, w, h), m)
			for row, line := range t.caption {
				style := sans(labelSize, line.color)
				baseline := y - imageHeight - captionRow*vg.Length(row+1)
				write(c, style, x+slot/2, baseline, draw.XCenter, fit(style, line.text, slot+2))
			}
		}
		if s.paintFoot != nil {
			foot := area
			foot.Max.Y = foot.Min.Y + s.foot
			s.paintFoot(foot)
		}
	}
	return &Figure{width: width, height: height, paint: paint}
}

// columnsFor makes a grid about as wide as 4:3, and among those the one that
// leaves the fewest places empty in its last row.
func columnsFor(n int, tileWidth, tileHeight float64) int {
	ideal := math.Sqrt(float64(n) * tileHeight / tileWidth * 4 / 3)
	best, least := max(1, int(math.Round(ideal))), math.Inf(1)
	for columns := max(1, int(ideal*0.7)); columns <= int(ideal*1.3)+1; columns++ {
		empty := (columns - n%columns) % columns
		if cost := float64(empty)/float64(columns) + math.Abs(math.Log(float64(columns)/ideal)); cost < least {
			best, least = columns, cost
		}
	}
	return best
}

func ceil(l vg.Length) vg.Length { return vg.Length(math.Ceil(float64(l))) }

// Images draws a plain grid of images, each with its caption (captions may be
// nil). columns 0 chooses a number that makes the sheet about 4:3.
func Images(images []Image, captions []string, title string, columns int) (*Figure, error) {
	if len(images) == 0 {
		return nil, fmt.Errorf("plot: images: none to draw")
	}
	if captions != nil && len(captions) != len(images) {
		return nil, fmt.Errorf("plot: images: %d captions for %d images", len(captions), len(images))
	}
	s := sheet{title: title, columns: columns, side: 84}
	for i, m := range images {
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("plot: image %d: %w", i, err)
		}
		t := tile{image: m.raster()}
		if captions != nil {
			t.caption = []captionLine{{captions[i], ink}}
		}
		s.tiles = append(s.tiles, t)
	}
	return s.figure(), nil
}

// Mistake is an example that a network got wrong.
type Mistake struct {
	Image        Image
	Truth, Guess string  // class names
	Confidence   float64 // the network's probability for Guess, in 0..1
}

// Mistakes draws the misread images, the most confident first, with truth, guess
// and confidence below each. mistakes holds all of them, out of tested examples;
// at most limit are shown. A sheet without mistakes says so.
func Mistakes(mistakes []Mistake, tested, limit int) (*Figure, error) {
	if limit < 1 {
		return nil, fmt.Errorf("plot: mistakes: a sheet of at most %d; show at least one", limit)
	}
	if tested < len(mistakes) {
		return nil, fmt.Errorf("plot: mistakes: %d among %d tested examples", len(mistakes), tested)
	}
	s := sheet{title: fmt.Sprintf("%s of %s misread", count(len(mistakes)), count(tested)), side: 64}
	if len(mistakes) == 0 {
		s.subtitle = "Nothing to show: every image was read right."
		if tested == 0 {
			s.subtitle = "Nothing to show: no image was tested."
		}
		return s.figure(), nil
	}
	shown := slices.Clone(mistakes)
	slices.SortStableFunc(shown, func(a, b Mistake) int { return cmp.Compare(b.Confidence, a.Confidence) })
	s.subtitle = "Most confident first. Below each: truth → guess, and the network's confidence in the guess."
	if len(shown) > limit {
		shown = shown[:limit]
		s.subtitle = fmt.Sprintf("The %s most confident. Below each: truth → guess, and the network's confidence in the guess.", count(limit))
	}
	longest := 0
	for _, m := range shown {
		longest = max(longest, len([]rune(m.Truth))+len([]rune(m.Guess)))
	}
	for i, m := range shown {
		if err := m.Image.check(); err != nil {
			return nil, fmt.Errorf("plot: mistake %d: %w", i, err)
		}
		confidence := "confidence NaN"
		if !math.IsNaN(m.Confidence) {
			confidence = percent(m.Confidence, 1)
		}
		caption := []captionLine{{m.Truth + " → " + m.Guess, ink}, {confidence, quiet}}
		if longest > 8 { // long names take a line each
			caption = []captionLine{{m.Truth, ink}, {"→ " + m.Guess, vermillion}, {confidence, quiet}}
		}
		s.tiles = append(s.tiles, tile{image: m.Image.raster(), caption: caption})
	}
	return s.figure(), nil
}
