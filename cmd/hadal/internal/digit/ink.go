package digit

import (
	"errors"
	"image"
	"image/draw"
	"slices"
)

// plane is one value a pixel, row by row.
type plane struct {
	width, height int
	v             []float32
}

func newPlane(width, height int) plane { return plane{width, height, make([]float32, width*height)} }

func (p plane) row(y int) []float32 { return p.v[y*p.width : (y+1)*p.width] }

// minContrast is how much the ink must differ from the paper, of 1.
const minContrast = 0.08

// errNoInk continues a sentence that begins with the file's name.
var errNoInk = errors.New("shows no digit: it has one colour all over; give a picture with ink that differs from the paper")

// findInk returns how much ink there is at each pixel, 0..1. Ink is what
// differs from the paper, and paper is the colour of the border; so it does
// not matter which of the two is darker, nor what colours they have.
func findInk(img image.Image) (plane, error) {
	rgba := toRGBA(img)
	p := newPlane(rgba.Rect.Dx(), rgba.Rect.Dy())
	if isDrawnOnNothing(rgba) {
		for i := range p.v {
			p.v[i] = float32(rgba.Pix[4*i+3]) / 255
		}
	} else {
		measureContrast(p, rgba)
	}
	return p, stretch(p)
}

// toRGBA returns the picture with premultiplied alpha and rows without gaps.
func toRGBA(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	return out
}

// isDrawnOnNothing reports whether the picture is strokes on a transparent
// ground, so that its alpha is the ink, whatever its colours. A sheet of paper
// with a transparent margin is not: it covers most of the picture.
func isDrawnOnNothing(rgba *image.RGBA) bool {
	covered, borderCovered, border := 0.0, 0.0, 0.0
	forBorder(rgba.Rect.Dx(), rgba.Rect.Dy(), func(i int) {
		border++
		borderCovered += float64(rgba.Pix[4*i+3]) / 255
	})
	n := len(rgba.Pix) / 4
	for i := range n {
		covered += float64(rgba.Pix[4*i+3]) / 255
	}
	return borderCovered < border/2 && covered < 0.6*float64(n)
}

// forBorder calls f with the index of each pixel on the edge of a picture.
func forBorder(width, height int, f func(i int)) {
	for x := range width {
		f(x)
		f((height-1)*width + x)
	}
	for y := range height {
		f(y * width)
		f(y*width + width - 1)
	}
}

// measureContrast sets p to the largest difference, over the three channels,
// of each pixel's colour from that of the paper. It is 0 up to the difference
// that is usual at the border: grain and shadows of a photograph.
func measureContrast(p plane, rgba *image.RGBA) {
	paper := paperColor(rgba)
	for i := range p.v {
		at := rgba.Pix[4*i : 4*i+4 : 4*i+4]
		clear := 255 - int(at[3]) // what is transparent shows the paper
		difference := 0
		for c := range 3 {
			d := int(at[c]) + clear*paper[c]/255 - paper[c]
			difference = max(difference, d, -d)
		}
		p.v[i] = float32(difference) / 255
	}
	var border []float32
	forBorder(p.width, p.height, func(i int) { border = append(border, p.v[i]) })
	slices.Sort(border)
	// The median, for ink may touch the border; twice and a half of it covers
	// nearly all of the grain.
	grain := min(2.5*border[len(border)/2], 0.5)
	for i, v := range p.v {
		p.v[i] = max(0, v-grain) / (1 - grain)
	}
}

// paperColor is the median colour of the border, channel by channel. Where the
// border is transparent it is the median of what is not.
func paperColor(rgba *image.RGBA) (paper [3]int) {
	var counts [3][256]int
	n := 0
	count := func(i int) {
		at := rgba.Pix[4*i : 4*i+4]
		if at[3] < 128 {
			return
		}
		n++
		for c := range 3 {
			counts[c][at[c]]++
		}
	}
	forBorder(rgba.Rect.Dx(), rgba.Rect.Dy(), count)
	if n == 0 {
		for i := range len(rgba.Pix) / 4 {
			count(i)
		}
	}
	for c := range 3 {
		seen := 0
		for v, k := range counts[c] {
			if seen += k; 2*seen >= n {
				paper[c] = v
				break
			}
		}
	}
	return paper
}

// stretch makes full ink 1. Full ink is what all but a hundredth of the dark
// half stays below, so that a few stray pixels do not decide.
func stretch(p plane) error {
	top := slices.Max(p.v)
	if top < minContrast {
		return errNoInk
	}
	var dark []float32
	for _, v := range p.v {
		if v > top/2 {
			dark = append(dark, v)
		}
	}
	slices.Sort(dark)
	full := dark[(len(dark)-1)*99/100]
	for i, v := range p.v {
		p.v[i] = min(1, v/full)
	}
	return nil
}
