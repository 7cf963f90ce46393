package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"
)

// Weights are the weights of a first layer, laid out (Units, Channels, Height,
// Width) row-major: a convolution's kernel as it is, or a linear layer's weights
// with Height and Width those of the images that it sees.
type Weights struct {
	Units, Channels, Height, Width int
	Values                         []float32
}

// maxFilters is how many tiles a sheet of filters shows.
const maxFilters = 256

// Filters draws each unit's weights as an image, captioned with its name or (when
// names is nil) its index. All units share one scale, symmetric about zero. Three
// channels become one coloured image with grey for zero; of any other number
// each becomes a tile from blue (negative) over white to red (positive). The scale
// reaches the 98th percentile of the absolute weights, so that outliers do not
// pale the rest; what lies beyond is clamped.
func Filters(w Weights, names []string, title string) (*Figure, error) {
	if err := checkShape(len(w.Values), w.Units, w.Channels, w.Height, w.Width); err != nil {
		return nil, fmt.Errorf("plot: filters: %w", err)
	}
	if names != nil && len(names) != w.Units {
		return nil, fmt.Errorf("plot: filters: %d names for %d units", len(names), w.Units)
	}
	scale := symmetricScale(w.Values)
	s := sheet{title: title, side: 56}
	coloured := w.Channels == 3
	tilesOfUnit := w.Channels
	if coloured {
		tilesOfUnit = 1
	}
	if tilesOfUnit <= 16 {
		s.group = tilesOfUnit
	}
	units := w.Units
	if units*tilesOfUnit > maxFilters {
		units = max(1, maxFilters/tilesOfUnit)
	}
	size := w.Channels * w.Height * w.Width
	plane := w.Height * w.Width
	for unit := range units {
		values := w.Values[unit*size : (unit+1)*size]
		name := fmt.Sprint(unit)
		if names != nil {
			name = names[unit]
		}
		for channel := range min(tilesOfUnit, maxFilters) {
			t := tile{caption: []captionLine{{name, quiet}}}
			switch {
			case coloured:
				t.image = colourFilter(values, w.Height, w.Width, scale)
			default:
				t.image = signedFilter(values[channel*plane:(channel+1)*plane], w.Height, w.Width, scale)
			}
			if tilesOfUnit > 1 {
				t.caption[0].text = fmt.Sprintf("%s.%d", name, channel)
			}
			s.tiles = append(s.tiles, t)
		}
	}
	s.subtitle = fmt.Sprintf("%s of %s", plural(w.Units, "filter"), sizeOf(w))
	if units < w.Units {
		s.subtitle = fmt.Sprintf("the first %s of %s", count(units), s.subtitle)
	}
	if coloured {
		s.subtitle += fmt.Sprintf("  ·  grey is 0, full colour ±%s", figures(scale))
		return s.figure(), nil
	}
	s.foot = 30
	s.paintFoot = func(c draw.Canvas) { colourBar(c, scale) }
	return s.figure(), nil
}

func sizeOf(w Weights) string {
	return fmt.Sprintf("%d x %d x %d", w.Channels, w.Height, w.Width)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// symmetricScale is the 98th percentile of the absolute finite values, 1 when
// all are zero.
func symmetricScale(values []float32) float64 {
	var sizes []float64
	for _, v := range values {
		if a := math.Abs(float64(v)); !math.IsNaN(a) && !math.IsInf(a, 0) {
			sizes = append(sizes, a)
		}
	}
	if len(sizes) == 0 {
		return 1
	}
	slices.Sort(sizes)
	if s := sizes[int(math.Ceil(0.98*float64(len(sizes))))-1]; s > 0 {
		return s
	}
	if most := sizes[len(sizes)-1]; most > 0 {
		return most // sparse weights: nearly all are zero
	}
	return 1
}

// signedStops are ColorBrewer's RdBu from negative to positive.
var signedStops = []color.NRGBA{
	{0x05, 0x30, 0x61, 255},
	{0x21, 0x66, 0xAC, 255},
	{0x67, 0xA9, 0xCF, 255},
	{0xD1, 0xE5, 0xF0, 255},
	{0xF7, 0xF7, 0xF7, 255},
	{0xFD, 0xDB, 0xC7, 255},
	{0xEF, 0x8A, 0x62, 255},
	{0xB2, 0x18, 0x2B, 255},
	{0x67, 0x00, 0x1F, 255},
}

// signed is the colour of a value in -1..1; beyond, it is clamped.
func signed(v float64) color.NRGBA {
	if math.IsNaN(v) {
		return notANumber
	}
	place := (math.Min(1, math.Max(-1, v)) + 1) / 2 * float64(len(signedStops)-1)
	i := min(len(signedStops)-2, int(place))
	return mix(signedStops[i], signedStops[i+1], place-float64(i))
}

func signedFilter(values []float32, height, width int, scale float64) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i, v := range values {
		out.SetNRGBA(i%width, i/width, signed(float64(v)/scale))
	}
	return out
}

// colourFilter shows three channels of weights, grey for zero.
func colourFilter(values []float32, height, width int, scale float64) *image.NRGBA {
	m := Image{Channels: 3, Height: height, Width: width, Pixels: make([]float32, len(values))}
	for i, v := range values {
		m.Pixels[i] = float32(0.5 + float64(v)/(2*scale))
	}
	return m.raster()
}

// colourBar is the key to signedFilter: the scale from -limit to limit.
func colourBar(c draw.Canvas, limit float64) {
	const width, height = 160, 7
	x, y := snap(c.Min.X), snap(c.Min.Y+12)
	// One image of a pixel's exact height and width: nothing is resampled.
	bar := image.NewNRGBA(image.Rect(0, 0, width*pixelsPerPoint, height*pixelsPerPoint))
	for i := range bar.Rect.Dx() {
		shade := signed(2*float64(i)/float64(bar.Rect.Dx()-1) - 1)
		for row := range bar.Rect.Dy() {
			bar.SetNRGBA(i, row, shade)
		}
	}
	c.DrawImage(rect(x, y, width, height), bar)
	style := sans(labelSize, quiet)
	write(c, style, x, c.Min.Y, draw.XLeft, "-"+figures(limit))
	write(c, style, x+width/2, c.Min.Y, draw.XCenter, "0")
	write(c, style, x+width, c.Min.Y, draw.XRight, figures(limit))
}
