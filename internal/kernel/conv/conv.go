package conv

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// Forward computes y (N, OutH, OutW, K) from x (N, H, W, C) and w
// (K, C/Groups, KH, KW), and applies e on the way to memory: a bias of K
// elements, an addition of something like y or of what y held, a ReLU.
func Forward(s Shape, x, w, y []float32, e gemm.Epilogue) {
	s.mustFit("Forward", len(x), len(w), len(y))
	e = s.epilogue("Forward", y, e)
	p := s.forward()
	packed := p.pack(s, w, false, false)
	p.run(source{x, s.Planar}, packed, y, false, e)
	mem.PutFloat32s(packed)
}

// Weights are weights in the form in which the forward pass of some shapes reads
// them. To bring them into it costs as much as a convolution of a small image: who
// uses the same weights many times packs them once.
type Weights struct {
	k, c, kh, kw, groups int
	winograd             bool // transformed for Winograd's method, else in panels
	values               []float32
}

// Pack packs w (K, C/Groups, KH, KW) for [ForwardPacked] of the shape s and of
// those that differ from it in the batch only, as a rule also in the size of the
// images, in stride, padding and dilation: see [Weights.Fit].
func Pack(s Shape, w []float32) *Weights {
	s.mustFit("Pack", s.N*s.H*s.W*s.C, len(w), s.N*s.OutH()*s.OutW()*s.K)
	p := s.forward()
	packed := &Weights{k: s.K, c: s.C, kh: s.KH, kw: s.KW, groups: s.Groups, winograd: p.winograd(true)}
	values := p.pack(s, w, false, true)
	packed.values = mem.Lasting(len(values))
	copy(packed.values, values)
	mem.PutFloat32s(values)
	return packed
}

// Fit reports whether the weights are in the form for a shape.
func (w *Weights) Fit(s Shape) bool {
	p := s.forward()
	return [...]int{w.k, w.c, w.kh, w.kw, w.groups} == [...]int{s.K, s.C, s.KH, s.KW, s.Groups} && w.winograd == p.winograd(true)
}

// ForwardPacked is [Forward] with weights that were packed before. Where they are
// transformed for Winograd's method the last bits may be others than those of
// Forward, which uses it for fewer shapes.
func ForwardPacked(s Shape, x []float32, w *Weights, y []float32, e gemm.Epilogue) {
	s.mustFit("ForwardPacked", len(x), s.K*(s.C/max(1, s.Groups))*s.KH*s.KW, len(y))
	if !w.Fit(s) {
		panic(fmt.Sprintf("conv: ForwardPacked: weights were packed for K, C, KH, KW, Groups of %v (by Winograd's method: %v), the shape is %+v",
			[...]int{w.k, w.c, w.kh, w.kw, w.groups}, w.winograd, s))
	}
	e = s.epilogue("ForwardPacked", y, e)
	p := s.forward()
	p.run(source{x, s.Planar}, w.values, y, true, e)
}

// forward is the forward pass as a correlation.
func (s Shape) forward() correlation {
	s = s.folded()
	return correlation{
		n: s.N, c: s.C / s.Groups, k: s.K / s.Groups, groups: s.Groups,
		h: forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
		w: forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
	}
}

// InputGrad computes gx (N, H, W, C), the gradient of a loss with respect to
// the input, from gy (N, OutH, OutW, K), that with respect to the output.
func InputGrad(s Shape, gy, w, gx []float32) {
	s.mustFit("InputGrad", len(gx), len(w), len(gy))
	s.Planar = false
	switch {
	case s.isProduct():
		s.productInputGrad(gy, w, gx)
		return
	case s.inputGradByPatches():
		s.patchInputGrad(gy, w, gx)
		return
	}
	s = s.folded()
	for h := range min(s.StrideH, s.H) {
		for w0 := range min(s.StrideW, s.W) {
			p := correlation{
				n: s.N, c: s.K / s.Groups, k: s.C / s.Groups, groups: s.Groups,
				h: gradAxis(h, s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
				w: gradAxis(w0, s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
			}
			packed := p.pack(s, w, true, false)
			p.run(source{pixels: gy}, packed, gx, false, gemm.Epilogue{})
			mem.PutFloat32s(packed)
		}
	}
}

// folded returns a 1x1 convolution that looks at every pixel as one of a single
// row of pixels, which is all that matters to it; other shapes as they are. Planes
// end with their image, pixels go on in the next.
func (s Shape) folded() Shape {
	switch {
	case s.KH != 1 || s.KW != 1 || s.StrideH != 1 || s.StrideW != 1 || s.PadH != 0 || s.PadW != 0:
	case s.Planar:
		s.H, s.W = 1, s.H*s.W
	default:
		s.N, s.H, s.W = min(s.N, 1), 1, s.N*s.H*s.W
	}
	return s
}
