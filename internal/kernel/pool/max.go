package pool

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/internal/par"
)

// Max computes y, the maximum of each window of x, and arg, the position of the
// winner within its window (kh*KW + kw), as many as y has elements; arg may be
// nil if no gradient is wanted. NaN wins against everything, the last NaN of a
// window against the others; among equals the first wins. A window that meets
// no pixel (possible with dilation) is -Inf.
func Max[T Float, I Index](s Shape, x, y []T, arg []I) {
	s.mustFit("Max", len(x), len(y))
	if arg != nil {
		mustHold("Max", "arg", len(arg), len(y), s)
		mustIndex[I]("Max", s)
	}
	oh, ow := s.OutH(), s.OutW()
	x32, y32, arg8, fast := vectorTypes(x, y, arg)
	ends := s.runEnds()
	par.For(s.N*oh, rowsAtOnce(ow*s.C*s.KH*s.KW), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			for j := 0; j < ow; {
				end := j + 1
				if fast {
					end = ends[j]
					if s.maxRun(row, j, end, x32, y32, arg8) {
						j = end
						continue
					}
				}
				for ; j < end; j++ {
					at := (row*ow + j) * s.C
					var best []I
					if arg != nil {
						best = arg[at:][:s.C]
					}
					maxWindow(s, x, row/oh, row%oh, j, y[at:][:s.C], best)
				}
			}
		}
	})
}

// maxWindow takes the maximum of the window of output pixel (n, i, j).
func maxWindow[T Float, I Index](s Shape, x []T, n, i, j int, y []T, arg []I) {
	h0, w0 := i*s.StrideH-s.PadH, j*s.StrideW-s.PadW
	hlo, hhi := taps(h0, s.KH, s.DilationH, s.H)
	wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
	first := I(0)
	if hlo < hhi && wlo < whi {
		first = I(hlo*s.KW + wlo)
	}
	for c := range y {
		y[c] = T(math.Inf(-1))
	}
	for c := range arg {
		arg[c] = first
	}
	for kh := hlo; kh < hhi; kh++ {
		for kw := wlo; kw < whi; kw++ {
			pixel := x[((n*s.H+h0+kh*s.DilationH)*s.W+w0+kw*s.DilationW)*s.C:][:len(y)]
			if arg == nil {
				for c, v := range pixel {
					if v > y[c] || v != v {
						y[c] = v
					}
				}
				continue
			}
			arg := arg[:len(y)]
			for c, v := range pixel {
				if v > y[c] || v != v {
					y[c] = v
					arg[c] = I(kh*s.KW + kw)
				}
			}
		}
	}
}

// MaxGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C) and the winners
// that [Max] remembered: every gy goes to its winner, and a pixel that won
// several windows gets their sum.
func MaxGrad[T Float, I Index](s Shape, gy []T, arg []I, gx []T) {
	s.mustFit("MaxGrad", len(gx), len(gy))
	mustHold("MaxGrad", "arg", len(arg), len(gy), s)
	mustIndex[I]("MaxGrad", s)
	oh, ow := s.OutH(), s.OutW()
	gx32, gy32, arg8, fast := vectorTypes(gx, gy, arg)
	ends := s.runEnds()
	fresh := fast && s.sideBySide()
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			if !fresh {
				clear(gx[row*s.W*s.C : (row+1)*s.W*s.C])
			}
			won := 0                            // pixels of the row that windows have written, when fresh
			for kh := s.KH - 1; kh >= 0; kh-- { // descending kh is ascending output row
				at := h + s.PadH - kh*s.DilationH
				if at < 0 || at%s.StrideH != 0 || at/s.StrideH >= oh {
					continue
				}
				for j := 0; j < ow; j++ {
					if fast {
						end := ends[j]
						if s.maxGradRun(row, n*oh+at/s.StrideH, kh, j, end, gx32, gy32, arg8, fresh) {
							j = end - 1
							continue
						}
					}
					w0 := j*s.StrideW - s.PadW
					wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
					grads := gy[((n*oh+at/s.StrideH)*ow+j)*s.C:][:s.C]
					best := arg[((n*oh+at/s.StrideH)*ow+j)*s.C:][:s.C]
					for kw := wlo; kw < whi; kw++ {
						pixel := gx[(row*s.W+w0+kw*s.DilationW)*s.C:][:s.C]
						if fresh {
							clear(pixel)
						}
						scatter(grads, best, I(kh*s.KW+kw), pixel)
					}
				}
				won = min(ow*s.StrideW-s.PadW, s.W)
			}
			if fresh {
				clear(gx[(row*s.W+won)*s.C : (row+1)*s.W*s.C])
			}
		}
	})
}

// sideBySide reports whether each pixel, up to a last column, is in exactly one
// window of a row of windows or in none, so that gradients need not be added up.
func (s Shape) sideBySide() bool {
	return s.StrideH >= s.KH && s.StrideW == s.KW && s.DilationH == 1 && s.DilationW == 1
}

// scatter adds to pixel what it won.
func scatter[T Float, I Index](grads []T, best []I, me I, pixel []T) {
	best, pixel = best[:len(grads)], pixel[:len(grads)]
	for c, g := range grads {
		if best[c] == me {
			pixel[c] += g
		}
	}
}

// MaxPick computes y (N, OutH, OutW, C), the elements of x (N, H, W, C) that
// stand where arg says: the transpose of [MaxGrad], which the gradient of a
// gradient needs.
func MaxPick[T Float, I Index](s Shape, x []T, arg []I, y []T) {
	s.mustFit("MaxPick", len(x), len(y))
	mustHold("MaxPick", "arg", len(arg), len(y), s)
	mustIndex[I]("MaxPick", s)
	oh, ow := s.OutH(), s.OutW()
	par.For(s.N*oh, rowsAtOnce(ow*s.C), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			for p := row * ow * s.C; p < (row+1)*ow*s.C; p++ {
				h := row%oh*s.StrideH - s.PadH + int(arg[p])/s.KW*s.DilationH
				w := p/s.C%ow*s.StrideW - s.PadW + int(arg[p])%s.KW*s.DilationW
				y[p] = 0
				if h >= 0 && h < s.H && w >= 0 && w < s.W {
					y[p] = x[((row/oh*s.H+h)*s.W+w)*s.C+p%s.C]
				}
			}
		}
	})
}

// vectorTypes returns x, y and arg as the types that the vector kernels are
// written for, if that is what they are.
func vectorTypes[T Float, I Index](x, y []T, arg []I) (x32, y32 []float32, arg8 []uint8, ok bool) {
	x32, ok = any(x).([]float32)
	if !ok {
		return nil, nil, nil, false
	}
	y32 = any(y).([]float32)
	arg8, ok = any(arg).([]uint8)
	return x32, y32, arg8, ok || arg == nil
}

// runEnds returns, for each output column that a run begins at, the column
// behind the run. The windows of a run meet the image with the same positions.
func (s Shape) runEnds() []int {
	ends := make([]int, s.OutW())
	for start := 0; start < len(ends); start = ends[start] {
		lo, hi := taps(start*s.StrideW-s.PadW, s.KW, s.DilationW, s.W)
		end := start + 1
		for ; end < len(ends); end++ {
			if l, h := taps(end*s.StrideW-s.PadW, s.KW, s.DilationW, s.W); l != lo || h != hi {
				break
			}
		}
		ends[start] = end
	}
	return ends
}

func mustIndex[I Index](op string, s Shape) {
	if _, small := any(I(0)).(uint8); small && !s.IndexFitsUint8() {
		panic(fmt.Sprintf("pool: %s: a position in a window of %dx%d does not fit a uint8; pass int32 indices", op, s.KH, s.KW))
	}
}

// rowsAtOnce is how many rows a goroutine should take when one row costs work
// elementary steps, so that handing out rows costs little beside them.
func rowsAtOnce(work int) int { return max(1, 16384/max(work, 1)) }
