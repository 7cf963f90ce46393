package pool

import (
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// Average computes y, the mean of each window of x. With includePad the zeros
// of the padding count as pixels (those beyond it, where [Shape.Ceil] lets a
// window hang over, do not); without it only pixels count.
func Average[T Float](s Shape, x, y []T, includePad bool) {
	s.mustFit("Average", len(x), len(y))
	oh, ow := s.OutH(), s.OutW()
	par.For(s.N*oh, rowsAtOnce(ow*s.C*s.KH*s.KW), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			h0 := row%oh*s.StrideH - s.PadH
			hlo, hhi := taps(h0, s.KH, s.DilationH, s.H)
			for j := range ow {
				w0 := j*s.StrideW - s.PadW
				wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
				out := y[(row*ow+j)*s.C:][:s.C]
				clear(out)
				for kh := hlo; kh < hhi; kh++ {
					for kw := wlo; kw < whi; kw++ {
						vec.Add(out, out, x[((row/oh*s.H+h0+kh*s.DilationH)*s.W+w0+kw*s.DilationW)*s.C:][:s.C])
					}
				}
				vec.MulScalar(out, out, 1/T(s.count(h0, w0, includePad)))
			}
		}
	})
}

// AverageGrad computes gx (N, H, W, C) from gy (N, OutH, OutW, C).
func AverageGrad[T Float](s Shape, gy, gx []T, includePad bool) {
	s.mustFit("AverageGrad", len(gx), len(gy))
	oh, ow := s.OutH(), s.OutW()
	par.For(s.N*s.H, rowsAtOnce(s.W*s.C*s.KW), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			clear(gx[row*s.W*s.C : (row+1)*s.W*s.C])
			for kh := s.KH - 1; kh >= 0; kh-- {
				at := h + s.PadH - kh*s.DilationH
				if at < 0 || at%s.StrideH != 0 || at/s.StrideH >= oh {
					continue
				}
				for j := range ow {
					w0 := j*s.StrideW - s.PadW
					wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
					grads := gy[((n*oh+at/s.StrideH)*ow+j)*s.C:][:s.C]
					inverse := 1 / T(s.count(at-s.PadH, w0, includePad))
					for kw := wlo; kw < whi; kw++ {
						vec.Axpy(gx[(row*s.W+w0+kw*s.DilationW)*s.C:][:s.C], inverse, grads)
					}
				}
			}
		}
	})
}

// count is what the sum over the window at (h0, w0) is divided by; at least 1,
// so that a window without pixels is zero.
func (s Shape) count(h0, w0 int, includePad bool) int {
	// Coordinates of the padded image are those of the image plus the padding.
	padH, padW := 0, 0
	if includePad {
		padH, padW = s.PadH, s.PadW
	}
	hlo, hhi := taps(h0+padH, s.KH, s.DilationH, s.H+2*padH)
	wlo, whi := taps(w0+padW, s.KW, s.DilationW, s.W+2*padW)
	return max(1, (hhi-hlo)*(whi-wlo))
}
