// Package gif writes animations. It is not a codec: image/gif is, and this
// package gives it frames that hold only what changed.
package gif

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"
	"math"
	"time"

	"github.com/hadal-ml/hadal/internal/atomicfile"
)

// WriteFile writes frames of one size as an animation that runs for ever, each
// shown for a delay (which the format counts in hundredths of a second). Colours
// become the nearest of the palette, of at most 256. The file appears whole or
// not at all. It is an error when there is no frame, when frames have different
// sizes, or when the palette or the delay is not possible.
func WriteFile(path string, frames []image.Image, palette color.Palette, delay time.Duration) error {
	a, err := animation(frames, palette, delay)
	if err != nil {
		return fmt.Errorf("gif: %s: %w", path, err)
	}
	if err := atomicfile.WriteFile(path, func(w io.Writer) error { return gif.EncodeAll(w, a) }); err != nil {
		return fmt.Errorf("gif: %w", err)
	}
	return nil
}

func animation(frames []image.Image, palette color.Palette, delay time.Duration) (*gif.GIF, error) {
	hundredths := int(math.Round(delay.Seconds() * 100))
	switch {
	case len(frames) == 0:
		return nil, fmt.Errorf("no frames; an animation needs at least one")
	case len(palette) < 1 || len(palette) > 256:
		return nil, fmt.Errorf("a palette of %d colours; 1 to 256 are possible", len(palette))
	case hundredths < 0 || hundredths > math.MaxUint16:
		return nil, fmt.Errorf("a delay of %v; 0 to %v are possible", delay, math.MaxUint16*10*time.Millisecond)
	}
	size := frames[0].Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > math.MaxUint16 || size.Y > math.MaxUint16 {
		return nil, fmt.Errorf("frames of %d x %d pixels; sides of 1 to %d are possible", size.X, size.Y, math.MaxUint16)
	}
	a := &gif.GIF{Config: image.Config{ColorModel: palette, Width: size.X, Height: size.Y}}
	var before *image.Paletted
	for i, frame := range frames {
		if frame.Bounds().Size() != size {
			return nil, fmt.Errorf("frame %d has %v pixels, the first %v; all must have the same size", i, frame.Bounds().Size(), size)
		}
		now := image.NewPaletted(image.Rectangle{Max: size}, palette)
		draw.Draw(now, now.Rect, frame, frame.Bounds().Min, draw.Src)
		shown := now
		if before != nil {
			shown = now.SubImage(changed(before, now)).(*image.Paletted)
		}
		a.Image, a.Delay, a.Disposal = append(a.Image, shown), append(a.Delay, hundredths), append(a.Disposal, gif.DisposalNone)
		before = now
	}
	return a, nil
}

// changed is the smallest rectangle outside of which two images are the same,
// and at least one pixel.
func changed(a, b *image.Paletted) image.Rectangle {
	var r image.Rectangle
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			if a.Pix[y*a.Stride+x] != b.Pix[y*b.Stride+x] {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if r.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return r
}
