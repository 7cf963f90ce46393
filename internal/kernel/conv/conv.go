package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// Forward computes y (N, OutH, OutW, K) from x (N, H, W, C) and w
// (K, C/Groups, KH, KW), and applies e on the way to memory: a bias of K
// elements, an addition to what y held, a ReLU.
func Forward(s Shape, x, w, y []float32, e gemm.Epilogue) {
	s.mustFit("Forward", len(x), len(w), len(y))
	s = s.folded()
	p := correlation{
		n: s.N, c: s.C / s.Groups, k: s.K / s.Groups, groups: s.Groups,
		h: forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
		w: forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
	}
	p.compute(s, x, w, y, false, e)
}

// InputGrad computes gx (N, H, W, C), the gradient of a loss with respect to
// the input, from gy (N, OutH, OutW, K), that with respect to the output.
func InputGrad(s Shape, gy, w, gx []float32) {
	s.mustFit("InputGrad", len(gx), len(w), len(gy))
	s = s.folded()
	for h := range min(s.StrideH, s.H) {
		for w0 := range min(s.StrideW, s.W) {
			p := correlation{
				n: s.N, c: s.K / s.Groups, k: s.C / s.Groups, groups: s.Groups,
				h: gradAxis(h, s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
				w: gradAxis(w0, s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
			}
			p.compute(s, gy, w, gx, true, gemm.Epilogue{})
		}
	}
}

// folded returns a 1x1 convolution that looks at every pixel as one of a single
// row of pixels, which is all that matters to it; other shapes as they are.
func (s Shape) folded() Shape {
	if s.KH == 1 && s.KW == 1 && s.StrideH == 1 && s.StrideW == 1 && s.PadH == 0 && s.PadW == 0 {
		s.N, s.H, s.W = min(s.N, 1), 1, s.N*s.H*s.W
	}
	return s
}

// depthwise reports whether every group has one input and one output channel.
func (s Shape) depthwise() bool { return s.Groups == s.C && s.Groups == s.K && s.Groups > 1 }

// compute packs the weights of s and runs p.
func (p *correlation) compute(s Shape, src, w, dst []float32, transposed bool, e gemm.Epilogue) {
	if s.depthwise() {
		packed := p.depthwiseWeights(s, w)
		p.depthwise(src, packed, dst, e)
		mem.PutFloat32s(packed)
		return
	}
	packed := p.packedWeights(s, w, transposed)
	p.run(src, packed, dst, e)
	mem.PutFloat32s(packed)
}
