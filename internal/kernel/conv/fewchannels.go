package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// The input gradient into few channels (an image, a transposed convolution that
// makes one) would leave most of a vector idle if channels were its columns. So
// the columns are all weights of an output channel: one product turns each pixel
// of gy into the patch that it adds to gx, [kernel row][kernel column][channel],
// and patches are then added where they overlap.

// Bounds of what goes this way.
const (
	fewChannels  = 16        // there must be fewer
	patchColumns = 8         // and at least so many weights of an output channel
	patchFloats  = 256 << 10 // patches of one task: half of a second-level cache
)

// inputGradByPatches reports whether the input gradient is done this way.
func (s Shape) inputGradByPatches() bool {
	return s.Groups == 1 && s.C < fewChannels && s.KH*s.KW > 1 && s.C*s.KH*s.KW >= patchColumns && s.N > 0
}

// patchInputGrad is InputGrad by patches. A task computes a band of rows of one
// image, and all patches that reach it.
func (s Shape) patchInputGrad(gy, w, gx []float32) {
	oh, ow, columns := s.OutH(), s.OutW(), s.C*s.KH*s.KW
	weights := mem.Float32s(len(w)) // [k][kernel row][kernel column][c]
	defer mem.PutFloat32s(weights)
	for k := range s.K {
		interleave(weights[k*columns:], s.C, w[k*columns:], s.KH*s.KW, s.C, s.KH*s.KW)
	}
	// Of r rows of patches, r*stride - (kernel - stride) rows of gx are complete.
	reach := s.DilationH*(s.KH-1) + 1
	band := max(1, patchFloats/(ow*columns)*s.StrideH-max(0, reach-s.StrideH))
	band = evenly(s.H, min(band, s.H))
	down := ceilDiv(s.H, band)
	par.For(s.N*down, max(1, taskOperations/(band*ceilDiv(ow, s.StrideH)*columns*s.K)), func(lo, hi int) {
		for task := lo; task < hi; task++ {
			n, h0 := task/down, task%down*band
			h1 := min(h0+band, s.H)
			// Output row r reaches rows r*stride - pad + [0, reach).
			r0 := max(0, ceilDiv(h0+s.PadH-reach+1, s.StrideH))
			r1 := min(oh, (h1-1+s.PadH)/s.StrideH+1)
			rows := max(0, r1-r0) * ow
			patches := mem.Float32s(rows * columns)
			gemm.BatchReduce(rows, columns, s.K, gy[(n*oh+min(r0, oh-1))*ow*s.K:], oneTap, s.K, 1, weights, oneTap, columns, patches, columns, gemm.Epilogue{})
			line := s.W * s.C
			out := gx[(n*s.H+h0)*line:][:(h1-h0)*line]
			clear(out)
			for r := r0; r < r1; r++ {
				for kh := range s.KH {
					if h := r*s.StrideH - s.PadH + kh*s.DilationH; h0 <= h && h < h1 {
						s.addPatchRow(out[(h-h0)*line:][:line], patches[((r-r0)*ow*s.KH+kh)*s.KW*s.C:], columns)
					}
				}
			}
			mem.PutFloat32s(patches)
		}
	})
}

// addPatchRow adds one kernel row of the patches of a row of gy to a row of gx.
// Patches are step elements apart.
func (s Shape) addPatchRow(row, patches []float32, step int) {
	for c := range s.OutW() {
		patch := patches[c*step:][:s.KW*s.C]
		w0 := c*s.StrideW - s.PadW
		if s.DilationW > 1 {
			for kw := range s.KW {
				if w := w0 + kw*s.DilationW; w >= 0 && w < s.W {
					addGeneric(row[w*s.C:][:s.C], patch[kw*s.C:][:s.C])
				}
			}
			continue
		}
		lo, hi := max(0, -w0), min(s.KW, s.W-w0)
		if lo < hi {
			addGeneric(row[(w0+lo)*s.C:][:(hi-lo)*s.C], patch[lo*s.C:hi*s.C])
		}
	}
}
