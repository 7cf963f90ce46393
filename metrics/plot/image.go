package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"

	xdraw "golang.org/x/image/draw"
)

// Image is a picture as a network sees it: Channels x Height x Width values in
// 0..1, row-major. One channel is grey (0 black), three are red, green, blue.
// Values outside 0..1 are clamped; NaN shows as yellow.
type Image struct {
	Channels, Height, Width int
	Pixels                  []float32
}

// notANumber is the colour of a pixel without a value: one that occurs neither
// in grey images nor in the maps of weights.
var notANumber = color.NRGBA{0xF0, 0xE4, 0x42, 255}

// check refuses images whose shape and pixels do not agree.
func (m Image) check() error {
	if m.Channels != 1 && m.Channels != 3 {
		return fmt.Errorf("%d channels; an image has 1 (grey) or 3 (red, green, blue)", m.Channels)
	}
	return checkShape(len(m.Pixels), m.Channels, m.Height, m.Width)
}

// checkShape refuses sides below 1 or beyond any sensible picture (which also
// keeps their product from overflowing), and another number of values than theirs.
func checkShape(values int, sides ...int) error {
	const longest = 1 << 15
	product := 1
	for _, s := range sides {
		if s < 1 || s > longest || product > math.MaxInt32 {
			return fmt.Errorf("shape %v; every side must be in 1..%d", sides, longest)
		}
		product *= s
	}
	if values != product {
		return fmt.Errorf("shape %v needs %d values, not %d", sides, product, values)
	}
	return nil
}

// raster is the image in 8 bits.
func (m Image) raster() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	plane := m.Height * m.Width
	for i := range plane {
		c := color.NRGBA{A: 255}
		r := m.Pixels[i]
		g, b := r, r
		if m.Channels == 3 {
			g, b = m.Pixels[plane+i], m.Pixels[2*plane+i]
		}
		if r != r || g != g || b != b {
			c = notANumber
		} else {
			c.R, c.G, c.B = byteOf(r), byteOf(g), byteOf(b)
		}
		out.SetNRGBA(i%m.Width, i/m.Width, c)
	}
	return out
}

// byteOf maps 0..1 to 0..255 and clamps.
func byteOf(v float32) uint8 {
	return uint8(math.Round(255 * math.Min(1, math.Max(0, float64(v)))))
}

// scaledSize is the size of an image that was fitted into a square of side
// pixels: enlarged by a whole factor, or shrunk. It is never empty.
func scaledSize(m *image.NRGBA, side int) (width, height int) {
	width, height = m.Rect.Dx(), m.Rect.Dy()
	longest := max(width, height)
	if longest <= side {
		factor := side / longest
		return width * factor, height * factor
	}
	return max(1, width*side/longest), max(1, height*side/longest)
}

// scaled is the image at its scaledSize: with sharp pixels where it is enlarged,
// resampled where it is shrunk.
func scaled(m *image.NRGBA, side int) *image.NRGBA {
	width, height := scaledSize(m, side)
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	if width < m.Rect.Dx() || height < m.Rect.Dy() {
		xdraw.CatmullRom.Scale(out, out.Rect, m, m.Rect, xdraw.Src, nil)
	} else {
		xdraw.NearestNeighbor.Scale(out, out.Rect, m, m.Rect, xdraw.Src, nil)
	}
	return out
}
