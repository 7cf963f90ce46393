package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/hadal-ml/hadal/internal/atomicfile"
)

const (
	// pixelsPerPoint is the resolution of a PNG. Two pixels to the typographic
	// point keep 9-point text sharp on a screen of double density.
	pixelsPerPoint = 2

	// maxPixels bounds a PNG: 256 MB of memory while it is drawn.
	maxPixels = 64 << 20
)

// Figure is a picture that is ready to be written.
type Figure struct {
	width, height vg.Length // whole points
	paint         func(draw.Canvas)
	palette       color.Palette // all colours of a PNG, at most 256; nil: any
}

// Size is the size in pixels as PNG.
func (f *Figure) Size() (width, height int) {
	return int(f.width * pixelsPerPoint), int(f.height * pixelsPerPoint)
}

// Save writes the figure to a file, as PNG or SVG after the ending of its name.
// The file is replaced as a whole or left as it was.
func (f *Figure) Save(path string) error {
	var write func(io.Writer) error
	switch ending := strings.ToLower(filepath.Ext(path)); ending {
	case ".png":
		write = f.WritePNG
	case ".svg":
		write = f.WriteSVG
	default:
		return fmt.Errorf("plot: cannot save %s: the ending %q is neither .png nor .svg", path, ending)
	}
	if err := atomicfile.WriteFile(path, write); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// WritePNG writes the figure as PNG.
func (f *Figure) WritePNG(w io.Writer) error {
	if width, height := f.Size(); width*height > maxPixels {
		return fmt.Errorf("plot: the picture would have %d x %d pixels; show less in it", width, height)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(72*pixelsPerPoint))
	f.paint(draw.New(canvas))
	if f.palette != nil {
		return png.Encode(w, paletted(canvas.Image(), f.palette))
	}
	return png.Encode(w, canvas.Image())
}

// paletted returns an image in the nearest colours of a palette.
func paletted(m image.Image, palette color.Palette) *image.Paletted {
	out := image.NewPaletted(m.Bounds(), palette)
	nearest := map[color.Color]uint8{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			c := m.At(x, y)
			index, ok := nearest[c]
			if !ok {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			out.SetColorIndex(x, y, index)
		}
	}
	return out
}

var fontFallbacks = strings.NewReplacer(
	"font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;",
	"font-family:Liberation Mono;", "font-family:Liberation Mono,Courier New,monospace;")

// WriteSVG writes the figure as SVG. Its text asks for the Liberation fonts and
// falls back to Arial, Helvetica and Courier New, which have the same widths.
func (f *Figure) WriteSVG(w io.Writer) error {
	canvas := vgsvg.New(f.width, f.height)
	c := draw.New(canvas)
	fillRect(c, c.Rectangle, paper)
	f.paint(c)
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	_, err := fontFallbacks.WriteString(w, b.String())
	return err
}
