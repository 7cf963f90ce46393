package conv

import "github.com/hadal-ml/hadal/internal/par"

// Float is the set of element types of the portable functions.
type Float interface{ float32 | float64 }

// taps reports which kernel positions k in [lo, hi) of one axis meet the image
// when the window starts at coordinate start (which may be negative).
func taps(start, kernel, dilation, size int) (lo, hi int) {
	if start < 0 {
		lo = (-start + dilation - 1) / dilation
	}
	if room := size - 1 - start; room >= 0 {
		hi = room/dilation + 1
	}
	return lo, min(hi, kernel)
}

// ForwardPortable computes y (N, OutH, OutW, K) from x (N, H, W, C) and w
// (K, C/Groups, KH, KW) with plain loops. It is the definition the fast paths
// are tested against, and what float64 runs on.
func ForwardPortable[T Float](s Shape, x, w, y []T) {
	s.mustFit("Forward", len(x), len(w), len(y))
	if s.Planar {
		x = channelsLastPortable(s, x)
	}
	oh, ow, cg, kg := s.OutH(), s.OutW(), s.C/s.Groups, s.K/s.Groups
	packed := packPortable(s, w)
	par.For(s.N*oh, 1, func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, i := row/oh, row%oh
			clear(y[row*ow*s.K : (row+1)*ow*s.K])
			h0 := i*s.StrideH - s.PadH
			for j := range ow {
				w0 := j*s.StrideW - s.PadW
				out := y[(row*ow+j)*s.K:][:s.K]
				hlo, hhi := taps(h0, s.KH, s.DilationH, s.H)
				wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
				for kh := hlo; kh < hhi; kh++ {
					for kw := wlo; kw < whi; kw++ {
						pixel := x[((n*s.H+h0+kh*s.DilationH)*s.W+w0+kw*s.DilationW)*s.C:][:s.C]
						for g := range s.Groups {
							weights := packed[((g*s.KH+kh)*s.KW+kw)*cg*kg:][:cg*kg]
							for c, v := range pixel[g*cg:][:cg] {
								axpy(v, weights[c*kg:][:kg], out[g*kg:][:kg])
							}
						}
					}
				}
			}
		}
	})
}

// InputGradPortable computes gx (N, H, W, C), the gradient with respect to the
// input, from gy (N, OutH, OutW, K) and w with plain loops.
func InputGradPortable[T Float](s Shape, gy, w, gx []T) {
	s.mustFit("InputGrad", len(gx), len(w), len(gy))
	oh, ow, cg, kg := s.OutH(), s.OutW(), s.C/s.Groups, s.K/s.Groups
	packed := packPortable(s, w)
	par.For(s.N*s.H, 1, func(lo, hi int) {
		for row := lo; row < hi; row++ {
			n, h := row/s.H, row%s.H
			clear(gx[row*s.W*s.C : (row+1)*s.W*s.C])
			for kh := range s.KH {
				at := h + s.PadH - kh*s.DilationH
				if at < 0 || at%s.StrideH != 0 || at/s.StrideH >= oh {
					continue
				}
				for j := range ow {
					w0 := j*s.StrideW - s.PadW
					grad := gy[((n*oh+at/s.StrideH)*ow+j)*s.K:][:s.K]
					wlo, whi := taps(w0, s.KW, s.DilationW, s.W)
					for kw := wlo; kw < whi; kw++ {
						pixel := gx[(row*s.W+w0+kw*s.DilationW)*s.C:][:s.C]
						for g := range s.Groups {
							weights := packed[((g*s.KH+kh)*s.KW+kw)*cg*kg:][:cg*kg]
							for c := range cg {
								pixel[g*cg+c] += dot(weights[c*kg:][:kg], grad[g*kg:][:kg])
							}
						}
					}
				}
			}
		}
	})
}

// WeightGradPortable computes gw (K, C/Groups, KH, KW), the gradient with
// respect to the weights, from x and gy with plain loops.
func WeightGradPortable[T Float](s Shape, x, gy, gw []T) {
	s.mustFit("WeightGrad", len(x), len(gw), len(gy))
	if s.Planar {
		x = channelsLastPortable(s, x)
	}
	oh, ow, cg, kg := s.OutH(), s.OutW(), s.C/s.Groups, s.K/s.Groups
	par.For(s.Groups*s.KH*s.KW, 1, func(lo, hi int) {
		sum := make([]T, cg*kg)
		for task := lo; task < hi; task++ {
			g, kh, kw := task/(s.KH*s.KW), task/s.KW%s.KH, task%s.KW
			clear(sum)
			for n := range s.N {
				for i := range oh {
					h := i*s.StrideH - s.PadH + kh*s.DilationH
					if h < 0 || h >= s.H {
						continue
					}
					for j := range ow {
						at := j*s.StrideW - s.PadW + kw*s.DilationW
						if at < 0 || at >= s.W {
							continue
						}
						grad := gy[((n*oh+i)*ow+j)*s.K+g*kg:][:kg]
						for c, v := range x[((n*s.H+h)*s.W+at)*s.C+g*cg:][:cg] {
							axpy(v, grad, sum[c*kg:][:kg])
						}
					}
				}
			}
			for c := range cg {
				for k := range kg {
					gw[(((g*kg+k)*cg+c)*s.KH+kh)*s.KW+kw] = sum[c*kg+k]
				}
			}
		}
	})
}

// packPortable reorders w to [group][kh][kw][c][k], so that inner loops run
// over neighbouring output channels.
func packPortable[T Float](s Shape, w []T) []T {
	cg, kg := s.C/s.Groups, s.K/s.Groups
	packed := make([]T, len(w))
	for k := range s.K {
		for c := range cg {
			for tap := range s.KH * s.KW {
				packed[((k/kg*s.KH*s.KW+tap)*cg+c)*kg+k%kg] = w[(k*cg+c)*s.KH*s.KW+tap]
			}
		}
	}
	return packed
}

// axpy adds a*x to y.
func axpy[T Float](a T, x, y []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

// dot is the sum of products of a and b, in four interleaved chains so that an
// addition need not wait for the one before it.
func dot[T Float](a, b []T) T {
	b = b[:len(a)]
	var s0, s1, s2, s3 T
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
