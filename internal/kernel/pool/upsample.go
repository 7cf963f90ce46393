package pool

import (
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// UpsampleNearest computes y (N, OutH, OutW, C), each pixel the one of x at
// floor(i*H/OutH), floor(j*W/OutW), in exact arithmetic. It makes images
// smaller as well as larger.
func UpsampleNearest[T Float](s Resize, x, y []T) {
	s.mustFit("UpsampleNearest", len(x), len(y))
	par.For(s.N*s.OutH, rowsAtOnce(s.OutW*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			source := x[(row/s.OutH*s.H+row%s.OutH*s.H/s.OutH)*s.W*s.C:][:s.W*s.C]
			for j := range s.OutW {
				copy(y[(row*s.OutW+j)*s.C:][:s.C], source[j*s.W/s.OutW*s.C:])
			}
		}
	})
}

// UpsampleNearestGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C).
func UpsampleNearestGrad[T Float](s Resize, gy, gx []T) {
	s.mustFit("UpsampleNearestGrad", len(gx), len(gy))
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			clear(gx[row*s.W*s.C : (row+1)*s.W*s.C])
			for i := ceilDiv(h*s.OutH, s.H); i < ceilDiv((h+1)*s.OutH, s.H); i++ {
				for j := range s.OutW {
					pixel := gx[(row*s.W+j*s.W/s.OutW)*s.C:][:s.C]
					vec.Add(pixel, pixel, gy[((n*s.OutH+i)*s.OutW+j)*s.C:][:s.C])
				}
			}
		}
	})
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// lerp says how output i of an axis mixes two neighbouring inputs:
// (1-t)*x[lo] + t*x[hi].
type lerp struct {
	lo, hi int
	t      float64
}

// interpolation lists the mixtures of an axis. With alignCorners the centres
// of the first and last elements coincide; without it the outer edges do, and
// what would reach past the first element is clamped to it.
func interpolation(in, out int, alignCorners bool) []lerp {
	list := make([]lerp, out)
	for i := range list {
		at := 0.0
		switch {
		case !alignCorners:
			at = max(0, (float64(i)+0.5)*float64(in)/float64(out)-0.5)
		case out > 1:
			at = float64(i*(in-1)) / float64(out-1)
		}
		lo := min(int(at), in-1)
		list[i] = lerp{lo, min(lo+1, in-1), at - float64(lo)}
	}
	return list
}

// UpsampleBilinear computes y (N, OutH, OutW, C) by linear interpolation along
// both axes. It makes images smaller too, without averaging what it skips.
func UpsampleBilinear[T Float](s Resize, x, y []T, alignCorners bool) {
	s.mustFit("UpsampleBilinear", len(x), len(y))
	down, across := interpolation(s.H, s.OutH, alignCorners), interpolation(s.W, s.OutW, alignCorners)
	par.For(s.N*s.OutH, rowsAtOnce(4*s.OutW*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			v := down[row%s.OutH]
			top := x[(row/s.OutH*s.H+v.lo)*s.W*s.C:][:s.W*s.C]
			bottom := x[(row/s.OutH*s.H+v.hi)*s.W*s.C:][:s.W*s.C]
			for j, u := range across {
				w00, w01 := T((1-v.t)*(1-u.t)), T((1-v.t)*u.t)
				w10, w11 := T(v.t*(1-u.t)), T(v.t*u.t)
				out := y[(row*s.OutW+j)*s.C:][:s.C]
				a, b := top[u.lo*s.C:][:s.C], top[u.hi*s.C:][:s.C]
				c, d := bottom[u.lo*s.C:][:s.C], bottom[u.hi*s.C:][:s.C]
				for i := range out {
					out[i] = (w00*a[i] + w01*b[i]) + (w10*c[i] + w11*d[i])
				}
			}
		}
	})
}

// UpsampleBilinearGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C).
func UpsampleBilinearGrad[T Float](s Resize, gy, gx []T, alignCorners bool) {
	s.mustFit("UpsampleBilinearGrad", len(gx), len(gy))
	down, across := interpolation(s.H, s.OutH, alignCorners), interpolation(s.W, s.OutW, alignCorners)
	par.For(s.N*s.H, rowsAtOnce(2*s.OutH*s.OutW/s.H*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			gradRow := gx[row*s.W*s.C:][:s.W*s.C]
			clear(gradRow)
			for i, v := range down {
				weight := 0.0
				if v.lo == h {
					weight = 1 - v.t
				}
				if v.hi == h {
					weight += v.t
				}
				if weight == 0 {
					continue
				}
				for j, u := range across {
					grads := gy[((n*s.OutH+i)*s.OutW+j)*s.C:][:s.C]
					vec.Axpy(gradRow[u.lo*s.C:][:s.C], T(weight*(1-u.t)), grads)
					vec.Axpy(gradRow[u.hi*s.C:][:s.C], T(weight*u.t), grads)
				}
			}
		}
	})
}
