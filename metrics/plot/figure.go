package plot

import (
	"bytes"
	"fmt"
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
	return png.Encode(w, canvas.Image())
}

// WriteSVG writes the figure as SVG. Its text asks for Liberation Sans and falls
// back to Arial and Helvetica, which have the same widths.
func (f *Figure) WriteSVG(w io.Writer) error {
	canvas := vgsvg.New(f.width, f.height)
	c := draw.New(canvas)
	fillRect(c, c.Rectangle, paper)
	f.paint(c)
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	family := []byte("font-family:Liberation Sans;")
	fallback := []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), family, fallback))
	return err
}
