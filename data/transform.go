package data

import (
	"fmt"
	"sync"

	"github.com/hadal-ml/hadal/internal/rng"
)

// Random is the source of random numbers that a [Transform] draws from. Its
// methods are Float64, Uniform, Normal, IntN, Bernoulli and their like.
type Random = rng.Stream

// Image is one sample of shape (C, H, W).
type Image struct {
	C, H, W int
	Pix     []float32 // row-major; value of channel c, row y, column x at (c*H+y)*W+x
}

// NewImage returns a black image.
func NewImage(c, h, w int) Image { return Image{c, h, w, make([]float32, c*h*w)} }

// channel returns the pixels (H, W) of channel c.
func (m Image) channel(c int) []float32 { return m.Pix[c*m.H*m.W : (c+1)*m.H*m.W] }

// Transform makes one image out of another, often at random. A transform is
// used by several goroutines at once. The picture docs/transforms.png shows
// what each one does; the program internal/gallery draws it.
type Transform interface {
	// OutputShape returns the shape (C, H, W) of the result for a source of
	// that shape, or an error when the transform does not fit such images.
	OutputShape(c, h, w int) ([3]int, error)
	// Apply writes the result to dst, whose shape is OutputShape of the
	// source's and whose pixels have arbitrary values before. It leaves src as
	// it is, and draws every random number from r.
	Apply(dst, src Image, r *Random)
}

// sameShape is the OutputShape of most transforms.
type sameShape struct{}

func (sameShape) OutputShape(c, h, w int) ([3]int, error) { return [3]int{c, h, w}, nil }

// Compose applies transforms one after the other.
func Compose(transforms ...Transform) Transform { return &compose{transforms: transforms} }

type compose struct {
	transforms []Transform
	buffers    sync.Pool // of *[2][]float32, for what stands between two transforms
}

func (t *compose) OutputShape(c, h, w int) ([3]int, error) {
	shape := [3]int{c, h, w}
	for _, next := range t.transforms {
		var err error
		if shape, err = next.OutputShape(shape[0], shape[1], shape[2]); err != nil {
			return shape, err
		}
	}
	return shape, nil
}

func (t *compose) Apply(dst, src Image, r *Random) {
	if len(t.transforms) == 0 {
		copy(dst.Pix, src.Pix)
		return
	}
	buffers, _ := t.buffers.Get().(*[2][]float32)
	if buffers == nil {
		buffers = new([2][]float32)
	}
	last := len(t.transforms) - 1
	for i, next := range t.transforms[:last] {
		shape, err := next.OutputShape(src.C, src.H, src.W)
		if err != nil {
			panic(err) // the loader has asked before
		}
		n := Size(shape[:])
		b := &buffers[i%2]
		if cap(*b) < n {
			*b = make([]float32, n)
		}
		between := Image{shape[0], shape[1], shape[2], (*b)[:n]}
		next.Apply(between, src, r)
		src = between
	}
	t.transforms[last].Apply(dst, src, r)
	t.buffers.Put(buffers)
}

// RandomApply applies t with probability p and else leaves the image alone. The
// transform must keep the shape.
func RandomApply(p float64, t Transform) Transform { return randomApply{p, t} }

type randomApply struct {
	p float64
	t Transform
}

func (t randomApply) OutputShape(c, h, w int) ([3]int, error) {
	if !(t.p >= 0 && t.p <= 1) {
		return [3]int{}, fmt.Errorf("data: RandomApply with probability %v; it must be from 0 to 1", t.p)
	}
	shape, err := t.t.OutputShape(c, h, w)
	if err == nil && shape != [3]int{c, h, w} {
		err = fmt.Errorf("data: RandomApply needs a transform that keeps the shape, not one that makes %v of (%d, %d, %d)", shape, c, h, w)
	}
	return shape, err
}

func (t randomApply) Apply(dst, src Image, r *Random) {
	if r.Bernoulli(t.p) {
		t.t.Apply(dst, src, r)
	} else {
		copy(dst.Pix, src.Pix)
	}
}

// Mirror swaps left and right with probability 1/2.
func Mirror() Transform { return mirror{} }

type mirror struct{ sameShape }

func (mirror) Apply(dst, src Image, r *Random) {
	if !r.Bernoulli(0.5) {
		copy(dst.Pix, src.Pix)
		return
	}
	w := src.W
	for row := 0; row < len(src.Pix); row += w {
		from, to := src.Pix[row:row+w], dst.Pix[row:row+w]
		for x, v := range from {
			to[w-1-x] = v
		}
	}
}

// RandomCrop cuts out a random part of h x w pixels.
func RandomCrop(h, w int) Transform { return crop{h: h, w: w, random: true} }

// CenterCrop cuts out the middle h x w pixels; it is what a test set needs
// where the training set has RandomCrop.
func CenterCrop(h, w int) Transform { return crop{h: h, w: w} }

// PadCrop puts a black frame of pad pixels around the image and cuts out a
// random part of the old size: a shift by at most pad pixels (C.-Y. Lee et al.,
// "Deeply-supervised nets", 2015).
func PadCrop(pad int) Transform { return crop{pad: pad, random: true} }

// crop cuts h x w pixels, or the source's size when h is 0, out of the source
// with a frame of pad pixels.
type crop struct {
	h, w, pad int
	random    bool
}

func (t crop) OutputShape(c, h, w int) ([3]int, error) {
	if t.pad < 0 || t.h < 0 || t.w < 0 || t.h > h || t.w > w || (t.h == 0) != (t.w == 0) {
		return [3]int{}, fmt.Errorf("data: cannot crop %d x %d pixels (frame %d) out of images of %d x %d", t.h, t.w, t.pad, h, w)
	}
	if t.h == 0 {
		return [3]int{c, h, w}, nil
	}
	return [3]int{c, t.h, t.w}, nil
}

func (t crop) Apply(dst, src Image, r *Random) {
	roomY, roomX := src.H+2*t.pad-dst.H, src.W+2*t.pad-dst.W
	top, left := roomY/2, roomX/2
	if t.random {
		top, left = r.IntN(roomY+1), r.IntN(roomX+1)
	}
	top, left = top-t.pad, left-t.pad
	if t.pad > 0 {
		clear(dst.Pix)
	}
	// The columns of dst that lie inside the source.
	from, to := max(0, -left), min(dst.W, src.W-left)
	if from >= to {
		return // the part lies in the frame
	}
	for c := range src.C {
		in, out := src.channel(c), dst.channel(c)
		for y := max(0, -top); y < min(dst.H, src.H-top); y++ {
			row := in[(y+top)*src.W:]
			copy(out[y*dst.W+from:y*dst.W+to], row[from+left:to+left])
		}
	}
}

// Cutout blackens a square of size x size pixels whose centre is a random pixel,
// so that part of it may lie outside (T. DeVries, G. Taylor, "Improved
// regularization of convolutional neural networks with cutout", 2017).
func Cutout(size int) Transform { return cutout{size} }

type cutout struct{ size int }

func (t cutout) OutputShape(c, h, w int) ([3]int, error) {
	if t.size < 1 {
		return [3]int{}, fmt.Errorf("data: Cutout of %d pixels; the size must be positive", t.size)
	}
	return [3]int{c, h, w}, nil
}

func (t cutout) Apply(dst, src Image, r *Random) {
	copy(dst.Pix, src.Pix)
	top, left := r.IntN(src.H)-t.size/2, r.IntN(src.W)-t.size/2
	for c := range src.C {
		out := dst.channel(c)
		for y := max(0, top); y < min(src.H, top+t.size); y++ {
			clear(out[y*src.W+max(0, left) : y*src.W+min(src.W, left+t.size)])
		}
	}
}

// Normalize makes (x - mean) / std of each channel; see [MeanStd]. It comes
// last, after the transforms that expect pixels in 0..1.
func Normalize(mean, std []float32) Transform { return normalize{mean, std} }

type normalize struct{ mean, std []float32 }

func (t normalize) OutputShape(c, h, w int) ([3]int, error) {
	if len(t.mean) != c || len(t.std) != c {
		return [3]int{}, fmt.Errorf("data: Normalize with %d means and %d deviations for images of %d channels", len(t.mean), len(t.std), c)
	}
	for i, s := range t.std {
		if !(s > 0) {
			return [3]int{}, fmt.Errorf("data: Normalize: the standard deviation of channel %d is %v; it must be positive", i, s)
		}
	}
	return [3]int{c, h, w}, nil
}

func (t normalize) Apply(dst, src Image, _ *Random) {
	for c := range src.C {
		scale, mean := 1/t.std[c], t.mean[c]
		out := dst.channel(c)
		for i, v := range src.channel(c) {
			out[i] = (v - mean) * scale
		}
	}
}

// needsColour is the error of the transforms that know what the channels mean.
func needsColour(name string, c int) error {
	return fmt.Errorf("data: %s needs images with 3 channels (red, green, blue), not %d", name, c)
}
