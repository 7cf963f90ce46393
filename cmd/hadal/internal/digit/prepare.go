package digit

import (
	"image"
	"math"
)

// faint is the least ink that counts as part of the digit when its extent is
// measured; less is the soft edge of a stroke, or what JPEG leaves beside it.
const faint = 0.1

// Prepare turns a picture of a digit, of any size and either polarity, into
// the Side x Side pixels of an MNIST image, row by row, 0 paper and 1 ink. The
// error, of a picture without ink, continues a sentence that begins with its name.
func Prepare(img image.Image) ([]float32, error) {
	ink, err := findInk(img)
	if err != nil {
		return nil, err
	}
	extent := inkExtent(ink)
	if isLikeMNIST(ink, extent) {
		return ink.v, nil
	}
	return centre(shrink(ink, extent)).v, nil
}

// inkExtent is the smallest rectangle that holds the digit.
func inkExtent(ink plane) image.Rectangle {
	r := image.Rectangle{Min: image.Pt(ink.width, ink.height)}
	for y := range ink.height {
		for x, v := range ink.row(y) {
			if v > faint {
				r.Min.X, r.Min.Y = min(r.Min.X, x), min(r.Min.Y, y)
				r.Max.X, r.Max.Y = max(r.Max.X, x+1), max(r.Max.Y, y+1)
			}
		}
	}
	return r
}

// isLikeMNIST reports whether a digit has the size and the place that MNIST
// would give it already, so that moving it again could only blur it.
func isLikeMNIST(ink plane, extent image.Rectangle) bool {
	if ink.width != Side || ink.height != Side {
		return false
	}
	x, y := centreOfMass(ink)
	long := max(extent.Dx(), extent.Dy())
	return long >= box-2 && long <= box+1 && math.Abs(x-middle) <= 1 && math.Abs(y-middle) <= 1
}

// centreOfMass is where the digit would balance, in pixels from the corner;
// the middle of the first pixel is at 0.5.
func centreOfMass(p plane) (x, y float64) {
	var sum, sumX, sumY float64
	for j := range p.height {
		for i, v := range p.row(j) {
			sum += float64(v)
			sumX += float64(v) * (float64(i) + 0.5)
			sumY += float64(v) * (float64(j) + 0.5)
		}
	}
	if sum == 0 {
		return float64(p.width) / 2, float64(p.height) / 2
	}
	return sumX / sum, sumY / sum
}

// shrink scales the extent until its longer side has box pixels, and stretches
// the result: a thin stroke does not become a pale one.
func shrink(ink plane, extent image.Rectangle) plane {
	scale := float64(max(extent.Dx(), extent.Dy())) / box // source pixels in one of the result
	width := max(1, int(math.Ceil(float64(extent.Dx())/scale-1e-9)))
	height := max(1, int(math.Ceil(float64(extent.Dy())/scale-1e-9)))
	// What is not a whole number of pixels is split between both sides.
	columns := footprints(extent.Min.X, extent.Max.X, width, scale)
	rows := footprints(extent.Min.Y, extent.Max.Y, height, scale)

	narrow := newPlane(width, ink.height)
	for y := extent.Min.Y; y < extent.Max.Y; y++ {
		from, to := ink.row(y), narrow.row(y)
		for x, f := range columns {
			for k, w := range f.weights {
				to[x] += w * from[f.first+k]
			}
		}
	}
	out := newPlane(width, height)
	for y, f := range rows {
		to := out.row(y)
		for k, w := range f.weights {
			for x, v := range narrow.row(f.first + k) {
				to[x] += w * v
			}
		}
	}
	brighten(out)
	return out
}

// footprint is what one pixel of a result is made of: source pixels from first
// on, with weights that sum to at most 1.
type footprint struct {
	first   int
	weights []float32
}

// footprints maps the source pixels [lo, hi) to n pixels of that scale. Each
// takes the mean over its area; when there are fewer source pixels than
// results the area is one source pixel, which is linear interpolation.
func footprints(lo, hi, n int, scale float64) []footprint {
	middle, half := float64(lo+hi)/2, max(scale, 1)/2
	out := make([]footprint, n)
	for i := range out {
		centre := middle + (float64(i)+0.5-float64(n)/2)*scale
		from, to := max(centre-half, float64(lo)), min(centre+half, float64(hi))
		f := footprint{first: min(int(from), hi-1)}
		for k := f.first; k < hi && float64(k) < to; k++ {
			overlap := min(to, float64(k+1)) - max(from, float64(k))
			f.weights = append(f.weights, float32(max(0, overlap)/(2*half)))
		}
		out[i] = f
	}
	return out
}

// brighten makes the darkest ink 1.
func brighten(p plane) {
	top := float32(0)
	for _, v := range p.v {
		top = max(top, v)
	}
	for i := range p.v {
		p.v[i] /= top
	}
}

// centre puts the digit into an MNIST image with its centre of mass in the
// middle, moved by whole pixels as MNIST's makers did, and no further than it fits.
func centre(digit plane) plane {
	x, y := centreOfMass(digit)
	left := clamp(int(math.Round(middle-x)), 0, Side-digit.width)
	top := clamp(int(math.Round(middle-y)), 0, Side-digit.height)
	out := newPlane(Side, Side)
	for j := range digit.height {
		copy(out.row(top + j)[left:], digit.row(j))
	}
	return out
}

func clamp(v, low, high int) int { return max(low, min(v, high)) }
