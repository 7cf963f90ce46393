package data

import (
	"fmt"
	"math"
	"sync"
)

// Warp moves the pixels of an image: a random affine map, a random local
// deformation, or both in one pass, so that the image is resampled (and
// blurred) once only. Resampling is bilinear; what comes from outside is 0. The
// zero value of a field switches that part off.
type Warp struct {
	Rotate    float64 // degrees: the angle is uniform in ± this, about the centre
	Shear     float64 // degrees: rows slide sideways by up to ± tan of this a row
	Zoom      float64 // the size is scaled by a factor in 1/(1+Zoom) .. 1+Zoom
	Translate float64 // pixels: uniform in ± this, in each direction

	// Elastic is the standard deviation in pixels of a smooth random
	// displacement of every pixel, and Smoothness the distance in pixels over
	// which it changes: the sigma of a Gaussian that would smooth noise as
	// much. (P. Simard, D. Steinkraus, J. Platt, "Best practices for
	// convolutional neural networks applied to visual document analysis",
	// 2003, has sigma 4 for digits of 29 x 29 pixels.)
	Elastic    float64
	Smoothness float64
}

// Rotate turns the image by up to that many degrees in either direction.
func Rotate(degrees float64) Transform { return Warp{Rotate: degrees} }

// Shear slants the image by up to that many degrees to either side.
func Shear(degrees float64) Transform { return Warp{Shear: degrees} }

// Zoom scales the image by a random factor between 1/(1+z) and 1+z.
func Zoom(z float64) Transform { return Warp{Zoom: z} }

// Translate shifts the image by up to that many pixels, not only whole ones.
func Translate(pixels float64) Transform { return Warp{Translate: pixels} }

// Elastic deforms the image locally; see [Warp] for the two arguments.
func Elastic(pixels, smoothness float64) Transform {
	return Warp{Elastic: pixels, Smoothness: smoothness}
}

// OutputShape is the source's.
func (t Warp) OutputShape(c, h, w int) ([3]int, error) {
	for _, v := range []float64{t.Rotate, t.Shear, t.Zoom, t.Translate, t.Elastic, t.Smoothness} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return [3]int{}, fmt.Errorf("data: Warp %+v; the amounts must be finite and not negative", t)
		}
	}
	if t.Shear >= 90 {
		return [3]int{}, fmt.Errorf("data: Warp: a shear of %g degrees; it must be below 90", t.Shear)
	}
	if t.Elastic > 0 && t.Smoothness < 1 {
		return [3]int{}, fmt.Errorf("data: Warp: an elastic deformation needs a Smoothness of at least 1 pixel, not %g", t.Smoothness)
	}
	return [3]int{c, h, w}, nil
}

// affine maps a pixel of the result to the place in the source where its
// value comes from: x' = xx*x + xy*y + x0, y' = yx*x + yy*y + y0.
type affine struct{ xx, xy, x0, yx, yy, y0 float32 }

// draw returns a random map for images of h x w pixels.
func (t Warp) draw(h, w int, r *Random) affine {
	angle := r.Uniform(-t.Rotate, t.Rotate) * math.Pi / 180
	slant := math.Tan(r.Uniform(-t.Shear, t.Shear) * math.Pi / 180)
	// Uniform in the logarithm: half and double the size are equally likely.
	scale := math.Exp(r.Uniform(-1, 1) * math.Log1p(t.Zoom))
	dx, dy := r.Uniform(-t.Translate, t.Translate), r.Uniform(-t.Translate, t.Translate)
	sin, cos := math.Sincos(angle)
	xx, xy := cos/scale, (cos*slant-sin)/scale
	yx, yy := sin/scale, (sin*slant+cos)/scale
	// All of it about the centre of the image, which the shift then moves.
	cx, cy := float64(w-1)/2, float64(h-1)/2
	return affine{
		float32(xx), float32(xy), float32(cx - xx*(cx+dx) - xy*(cy+dy)),
		float32(yx), float32(yy), float32(cy - yx*(cx+dx) - yy*(cy+dy)),
	}
}

// Apply writes the warped image to dst.
func (t Warp) Apply(dst, src Image, r *Random) {
	m := t.draw(src.H, src.W, r)
	s := scratches.Get().(*warpScratch)
	defer scratches.Put(s)
	s.places(m, src.H, src.W)
	if t.Elastic > 0 {
		s.field.displace(s.x, s.y, t.Elastic, t.Smoothness, src.H, src.W, r)
	}
	for c := range src.C {
		s.resample(dst.channel(c), src.channel(c), src.H, src.W)
	}
}

// warpScratch is the memory of one Apply.
type warpScratch struct {
	x, y   []float32 // (H, W): where the value of each pixel comes from
	framed []float32 // (H+2, W+2): one channel in a frame of zeros
	field  splineField
}

var scratches = sync.Pool{New: func() any { return new(warpScratch) }}

func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// places fills x and y from the affine map.
func (s *warpScratch) places(m affine, h, w int) {
	s.x, s.y = grow(s.x, h*w), grow(s.y, h*w)
	for row := range h {
		x0, y0 := m.xy*float32(row)+m.x0, m.yy*float32(row)+m.y0
		xs, ys := s.x[row*w:(row+1)*w], s.y[row*w:(row+1)*w]
		for col := range xs {
			xs[col] = m.xx*float32(col) + x0
			ys[col] = m.yx*float32(col) + y0
		}
	}
}

// resample writes to dst the values of src at the places (x, y).
func (s *warpScratch) resample(dst, src []float32, h, w int) {
	// The frame makes every place that touches the image an inner one, with
	// four neighbours to read and no cases.
	stride := w + 2
	s.framed = grow(s.framed, (h+2)*stride)
	clear(s.framed)
	for row := range h {
		copy(s.framed[(row+1)*stride+1:], src[row*w:(row+1)*w])
	}
	framed, xs, ys := s.framed, s.x[:len(dst)], s.y[:len(dst)]
	width, height := float32(w+1), float32(h+1)
	for i := range dst {
		x, y := xs[i]+1, ys[i]+1
		if !(x >= 0 && x < width && y >= 0 && y < height) {
			dst[i] = 0
			continue
		}
		col, row := int(x), int(y)
		fx, fy := x-float32(col), y-float32(row)
		at := row*stride + col
		above, below := framed[at:at+2:at+2], framed[at+stride:at+stride+2:at+stride+2]
		top := above[0] + fx*(above[1]-above[0])
		bottom := below[0] + fx*(below[1]-below[0])
		dst[i] = top + fy*(bottom-top)
	}
}
