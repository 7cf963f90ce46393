package bf16

import (
	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// Suits reports whether a convolution of this shape is worth its roundings. With
// groups, or with fewer channels than a row of a tile has numbers, most of a tile
// would be idle: such convolutions stay in float32, on every processor, but for
// the forward pass of few channels and a wide kernel.
func Suits(s conv.Shape) bool {
	return s.Groups == 1 && s.C >= tileRows && s.K >= tileRows
}

// suitsForward is Suits for the forward pass. Few input channels do there if the
// columns of a row of the kernel, neighbours in memory, have as many numbers as the
// row of a tile together, which the first layer of a ResNet has.
func suitsForward(s conv.Shape) bool {
	return Suits(s) || s.Groups == 1 && s.K >= tileRows && s.DilationW == 1 && s.KW*s.C >= tileRows
}

// Forward is [conv.Forward] with x and w rounded to bfloat16, if the shape
// [Suits], or has few input channels and a wide kernel.
//
// A number that is not finite may also reach pixels up to 31 numbers before it in
// memory, where the channels do not fill a tile: zero times infinity is not zero.
func Forward(s conv.Shape, x, w, y []float32, e gemm.Epilogue) {
	if s.Planar && suitsForward(s) {
		x = channelsLast(s, x)
		defer mem.PutFloat32s(x)
		s.Planar = false
	}
	switch {
	case !suitsForward(s) || s.N == 0:
		conv.Forward(s, x, w, y, e)
	case !hasKernels() || e.Accumulate || e.Add != nil:
		rx, rw := roundedCopy(x), roundedCopy(w)
		conv.Forward(s, rx, rw, y, e)
		mem.PutFloat32s(rx)
		mem.PutFloat32s(rw)
	case isProduct(s):
		fit(s, "Forward", x, w, y)
		Mul(s.N*s.H*s.W, s.K, s.C, x, s.C, 1, w, 1, s.C, y, s.K, e)
	default:
		fit(s, "Forward", x, w, y)
		p := correlation{
			n: s.N, c: s.C, k: s.K,
			h: forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
			w: forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
		}
		source := p.convert(x, &p)
		p.run(s, source, w, false, y, e)
		source.release()
	}
}

// InputGrad is [conv.InputGrad] with gy and w rounded to bfloat16.
func InputGrad(s conv.Shape, gy, w, gx []float32) {
	s.Planar = false
	switch {
	case !Suits(s) || s.N == 0:
		conv.InputGrad(s, gy, w, gx)
	case !hasKernels():
		rg, rw := roundedCopy(gy), roundedCopy(w)
		conv.InputGrad(s, rg, rw, gx)
		mem.PutFloat32s(rg)
		mem.PutFloat32s(rw)
	case isProduct(s):
		fit(s, "InputGrad", gx, w, gy)
		Mul(s.N*s.H*s.W, s.C, s.K, gy, s.K, 1, w, s.C, 1, gx, s.C, gemm.Epilogue{})
	default:
		fit(s, "InputGrad", gx, w, gy)
		// With a stride there is a correlation for every phase of the input's
		// pixels, and one copy of the source for all.
		var phases []*correlation
		for h := range min(s.StrideH, s.H) {
			for w0 := range min(s.StrideW, s.W) {
				phases = append(phases, &correlation{
					n: s.N, c: s.K, k: s.C,
					h: gradAxis(h, s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH),
					w: gradAxis(w0, s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW),
				})
			}
		}
		source := phases[0].convert(gy, phases...)
		for _, p := range phases {
			p.run(s, source, w, true, gx, gemm.Epilogue{})
		}
		source.release()
	}
}

// channelsLast copies planar images.
func channelsLast(s conv.Shape, x []float32) []float32 {
	if len(x) != s.N*s.H*s.W*s.C {
		panic("bf16: the input does not have the length of the shape")
	}
	out := mem.Float32s(len(x))
	conv.TransposeImages(s.N, s.C, s.H*s.W, x, out)
	return out
}

// isProduct reports whether every pixel is seen once and alone: a matrix product.
func isProduct(s conv.Shape) bool {
	return s.KH == 1 && s.KW == 1 && s.StrideH == 1 && s.StrideW == 1 && s.PadH == 0 && s.PadW == 0
}

// fit panics when the shape is not valid or a buffer has another length.
func fit(s conv.Shape, op string, x, w, y []float32) {
	if err := s.Validate(); err != nil {
		panic("bf16: " + op + ": " + err.Error())
	}
	if len(x) != s.N*s.H*s.W*s.C || len(w) != s.K*s.C*s.KH*s.KW || len(y) != s.N*s.OutH()*s.OutW()*s.K {
		panic("bf16: " + op + ": the buffers do not have the lengths of the shape")
	}
}
