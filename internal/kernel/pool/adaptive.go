package pool

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// bin is the part [lo, hi) of an axis of in elements that output i of out is
// made of: from floor(i*in/out) to ceil((i+1)*in/out), so that bins cover the
// axis, overlap where the sizes do not divide, and are never empty (He et al.,
// "Spatial Pyramid Pooling", arXiv 1406.4729, section 3.2). The same rule with
// in and out exchanged gives the outputs that element i is part of.
func bin(i, in, out int) (lo, hi int) {
	return i * in / out, ((i+1)*in + out - 1) / out
}

// AdaptiveAverage computes y (N, OutH, OutW, C), the mean of each bin of x.
func AdaptiveAverage[T Float](s Resize, x, y []T) {
	s.mustFit("AdaptiveAverage", len(x), len(y))
	if s.OutH == 1 && s.OutW == 1 {
		globalAverage(s, x, y)
		return
	}
	par.For(s.N*s.OutH, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n := row / s.OutH
			hlo, hhi := bin(row%s.OutH, s.H, s.OutH)
			for j := range s.OutW {
				wlo, whi := bin(j, s.W, s.OutW)
				out := y[(row*s.OutW+j)*s.C:][:s.C]
				clear(out)
				for h := hlo; h < hhi; h++ {
					for w := wlo; w < whi; w++ {
						vec.Add(out, out, x[((n*s.H+h)*s.W+w)*s.C:][:s.C])
					}
				}
				vec.MulScalar(out, out, 1/T((hhi-hlo)*(whi-wlo)))
			}
		}
	})
}

// globalChannels is how many channels a goroutine sums at once. Cutting along
// channels keeps all cores busy with a single image.
const globalChannels = 64

// globalAverage is AdaptiveAverage to one pixel. Sums of rows are summed
// apart, so that rounding errors grow with height plus width rather than with
// the number of pixels.
func globalAverage[T Float](s Resize, x, y []T) {
	blocks := (s.C + globalChannels - 1) / globalChannels
	par.For(s.N*blocks, rowsAtOnce(s.H*s.W*min(s.C, globalChannels)), func(lo, hi int) {
		var buf [globalChannels]T
		for task := lo; task < hi; task++ {
			n, c0 := task/blocks, task%blocks*globalChannels
			c1 := min(c0+globalChannels, s.C)
			out, sum := y[n*s.C+c0:n*s.C+c1], buf[:c1-c0]
			clear(out)
			for h := range s.H {
				clear(sum)
				for w := range s.W {
					pixel := ((n*s.H+h)*s.W + w) * s.C
					vec.Add(sum, sum, x[pixel+c0:pixel+c1])
				}
				vec.Add(out, out, sum)
			}
			vec.MulScalar(out, out, 1/T(s.H*s.W))
		}
	})
}

// AdaptiveAverageGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C).
func AdaptiveAverageGrad[T Float](s Resize, gy, gx []T) {
	s.mustFit("AdaptiveAverageGrad", len(gx), len(gy))
	if s.OutH == 1 && s.OutW == 1 {
		globalAverageGrad(s, gy, gx)
		return
	}
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			ilo, ihi := bin(h, s.OutH, s.H)
			for w := range s.W {
				pixel := gx[(row*s.W+w)*s.C:][:s.C]
				clear(pixel)
				jlo, jhi := bin(w, s.OutW, s.W)
				for i := ilo; i < ihi; i++ {
					hlo, hhi := bin(i, s.H, s.OutH)
					for j := jlo; j < jhi; j++ {
						wlo, whi := bin(j, s.W, s.OutW)
						vec.Axpy(pixel, 1/T((hhi-hlo)*(whi-wlo)), gy[((n*s.OutH+i)*s.OutW+j)*s.C:][:s.C])
					}
				}
			}
		}
	})
}

// globalAverageGrad is AdaptiveAverageGrad from one pixel: all pixels of an image
// get the same.
func globalAverageGrad[T Float](s Resize, gy, gx []T) {
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			pixels := gx[row*s.W*s.C : (row+1)*s.W*s.C]
			vec.MulScalar(pixels[:s.C], gy[row/s.H*s.C:][:s.C], 1/T(s.H*s.W))
			for done := s.C; done < len(pixels); done *= 2 {
				copy(pixels[done:], pixels[:done])
			}
		}
	})
}

// AdaptiveMax computes y (N, OutH, OutW, C), the maximum of each bin of x, and
// arg, the winner's position h*W + w in its image; arg may be nil. NaN and
// equals are decided as in [Max].
func AdaptiveMax[T Float](s Resize, x, y []T, arg []int32) {
	s.mustFit("AdaptiveMax", len(x), len(y))
	if arg != nil {
		mustHold("AdaptiveMax", "arg", len(arg), len(y), s)
	}
	par.For(s.N*s.OutH, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n := row / s.OutH
			hlo, hhi := bin(row%s.OutH, s.H, s.OutH)
			for j := range s.OutW {
				wlo, whi := bin(j, s.W, s.OutW)
				out := y[(row*s.OutW+j)*s.C:][:s.C]
				var best []int32
				if arg != nil {
					best = arg[(row*s.OutW+j)*s.C:][:s.C]
				}
				for c := range out {
					out[c] = T(math.Inf(-1))
				}
				for c := range best {
					best[c] = int32(hlo*s.W + wlo)
				}
				for h := hlo; h < hhi; h++ {
					for w := wlo; w < whi; w++ {
						for c, v := range x[((n*s.H+h)*s.W+w)*s.C:][:s.C] {
							if v > out[c] || v != v {
								out[c] = v
								if best != nil {
									best[c] = int32(h*s.W + w)
								}
							}
						}
					}
				}
			}
		}
	})
}

// AdaptiveMaxGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C) and the
// winners that [AdaptiveMax] remembered.
func AdaptiveMaxGrad[T Float](s Resize, gy []T, arg []int32, gx []T) {
	s.mustFit("AdaptiveMaxGrad", len(gx), len(gy))
	mustHold("AdaptiveMaxGrad", "arg", len(arg), len(gy), s)
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			ilo, ihi := bin(h, s.OutH, s.H)
			for w := range s.W {
				pixel := gx[(row*s.W+w)*s.C:][:s.C]
				clear(pixel)
				jlo, jhi := bin(w, s.OutW, s.W)
				for i := ilo; i < ihi; i++ {
					for j := jlo; j < jhi; j++ {
						at := ((n*s.OutH+i)*s.OutW + j) * s.C
						scatter(gy[at:][:s.C], arg[at:][:s.C], int32(h*s.W+w), pixel)
					}
				}
			}
		}
	})
}

// AdaptiveMaxPick computes y (N, OutH, OutW, C), the elements of x that stand
// where arg says: the transpose of [AdaptiveMaxGrad].
func AdaptiveMaxPick[T Float](s Resize, x []T, arg []int32, y []T) {
	s.mustFit("AdaptiveMaxPick", len(x), len(y))
	mustHold("AdaptiveMaxPick", "arg", len(arg), len(y), s)
	image, out := s.H*s.W*s.C, s.OutH*s.OutW*s.C
	par.For(s.N, rowsAtOnce(out), func(lo, hi int) {
		for n := lo; n < hi; n++ {
			for p := n * out; p < (n+1)*out; p++ {
				y[p] = x[n*image+int(arg[p])*s.C+p%s.C]
			}
		}
	})
}
