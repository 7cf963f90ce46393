package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Targets of the cut of the weight gradient into tasks.
const (
	gradTasks  = 16      // enough for an even share of a few dozen cores
	gradFloats = 2 << 20 // partial sums of all tasks together
	gradPiece  = 128     // output channels of one task, where images are too few

	pixelsAtOnce = 192 // output pixels of one product
)

// WeightGrad computes gw (K, C/Groups, KH, KW), the gradient with respect to
// the weights, from the input and the gradient with respect to the output.
//
// The gradient of one kernel row is a product of two matrices with a column
// and a row for each output pixel: the pixels of x that the kernel row meets,
// and gy. Blocks of images are summed apart and then added in order, so that
// the bits do not depend on the number of threads.
func WeightGrad(s Shape, x, gy, gw []float32) {
	s.mustFit("WeightGrad", len(x), len(gw), len(gy))
	if s.N == 0 {
		clear(gw)
		return
	}
	if s.Groups == s.C && s.Groups == s.K && s.Groups > 1 {
		s.depthwiseWeightGrad(x, gy, gw)
		return
	}
	size := len(gw)
	blocks := max(1, min(s.N, gradTasks, gradFloats/size))
	images := evenly(s.N, ceilDiv(s.N, blocks))
	blocks = ceilDiv(s.N, images)
	// With large weights there are few blocks: cut along the weights instead.
	rows, pieces := 1, 1
	if blocks < gradTasks {
		rows = s.KH
		if s.Groups == 1 && blocks*rows < gradTasks {
			pieces = ceilDiv(s.K, gradPiece)
		}
	}
	sums := mem.Float32s(blocks * size)
	par.For(blocks*rows*pieces, 1, func(task, _ int) {
		block, row, piece := task/(rows*pieces), task/pieces%rows, task%pieces
		kh0, kh1 := row*s.KH/rows, (row+1)*s.KH/rows
		k0, k1 := piece*s.K/pieces, (piece+1)*s.K/pieces
		n0 := block * images
		sc := scratches.Get().(*scratch)
		s.addWeightGrad(sc, n0, min(n0+images, s.N), kh0, kh1, k0, k1, x, gy, sums[block*size:][:size])
		scratches.Put(sc)
	})
	unpackWeightGrad(s.Groups, s.C/s.Groups, s.K/s.Groups, s.KH*s.KW, sums, blocks, gw)
	mem.PutFloat32s(sums)
}

// addWeightGrad sets kernel rows [kh0, kh1) and output channels [k0, k1) of
// sum, which is [group][kh][kw][c][k], to the sum over images [n0, n1). Only
// with one group may [k0, k1) be less than all.
func (s Shape) addWeightGrad(sc *scratch, n0, n1, kh0, kh1, k0, k1 int, x, gy, sum []float32) {
	oh, ow := s.OutH(), s.OutW()
	lines := forwardAxis(s.H, oh, s.KH, s.StrideH, s.PadH, s.DilationH)
	columns := forwardAxis(s.W, ow, s.KW, s.StrideW, s.PadW, s.DilationW)
	left, right := columns.reach(0, ow)
	padded := left < 0 || right > s.W
	width := s.W
	if padded {
		width = right - left
	}
	// A few images or a band of one at a time, so that the source stays in the
	// second-level cache.
	images, rows := 1, oh
	if image := s.H * width * s.C; image <= sourceFloats {
		images = min(n1-n0, sourceFloats/image)
	} else {
		rows = min(oh, max(1, sourceFloats/(s.StrideH*width*s.C)))
	}
	first := true
	for n := n0; n < n1; n += images {
		for r := 0; r < oh; r += rows {
			b := block{n0: n, n1: min(n+images, n1), r0: r, r1: min(r+rows, oh), k0: k0, k1: k1}
			source := strip{pixels: x[n*s.H*s.W*s.C:], height: s.H, width: s.W}
			var copied []float32
			if padded {
				up, down := lines.reach(b.r0, b.r1)
				up, down = max(up, 0), max(up, 0, min(down, s.H))
				copied = mem.Float32s((b.n1 - b.n0) * (down - up) * width * s.C)
				for i := range b.n1 - b.n0 {
					padColumns(copied[i*(down-up)*width*s.C:], x[((n+i)*s.H+up)*s.W*s.C:], down-up, s.W, left, right, s.C)
				}
				source = strip{copied, down - up, width, up, left}
			}
			// As many output rows at a time as fill the first-level cache, for
			// each of which all kernel rows are done in turn.
			total := (b.n1 - b.n0) * (b.r1 - b.r0)
			step := max(1, pixelsAtOnce/ow)
			for row := 0; row < total; row += step {
				for kh := kh0; kh < kh1; kh++ {
					s.addKernelRow(sc, b, row, min(row+step, total), kh, source, gy, sum, first)
				}
				first = false
			}
			mem.PutFloat32s(copied)
		}
	}
}

// strip is a piece of the source: rows from top and columns from left on, of
// consecutive images.
type strip struct {
	pixels        []float32
	height, width int
	top, left     int
}

// addKernelRow adds to kernel row kh of sum the products of rows [row0, row1) of
// the rows of b, counted over all its images.
func (s Shape) addKernelRow(sc *scratch, b block, row0, row1, kh int, source strip, gy, sum []float32, first bool) {
	oh, ow, cg, kg := s.OutH(), s.OutW(), s.C/s.Groups, s.K/s.Groups
	sc.aoff, sc.boff = sc.aoff[:0], sc.boff[:0]
	for row := row0; row < row1; row++ {
		i, r := row/(b.r1-b.r0), b.r0+row%(b.r1-b.r0)
		h := r*s.StrideH - s.PadH + kh*s.DilationH
		if h < 0 || h >= s.H {
			continue
		}
		sc.aoff = append(sc.aoff, ((i*source.height+h-source.top)*source.width-s.PadW-source.left)*s.C)
		sc.boff = append(sc.boff, ((b.n0+i)*oh+r)*ow*s.K)
	}
	// Neighbouring columns and their channels are one long vector to multiply.
	m, columns := s.KW*cg, 1
	if s.Groups > 1 || s.DilationW > 1 {
		m, columns = cg, s.KW
	}
	n := kg
	if s.Groups == 1 {
		n = b.k1 - b.k0
	}
	for g := range s.Groups {
		for kw := range columns {
			at := ((g*s.KH+kh)*s.KW+kw)*cg*kg + b.k0
			// With all of a strip in the padding there are no pixels, and no taps.
			from := min(g*cg+kw*s.DilationW*s.C, len(source.pixels))
			gemm.BatchReduce(m, n, ow, source.pixels[from:], sc.aoff, 1, s.StrideW*s.C,
				gy[g*kg+b.k0:], sc.boff, s.K, sum[at:], kg, gemm.Epilogue{Accumulate: !first})
		}
	}
}

// padColumns copies rows of width pixels to rows that hold pixels [left,
// right), with zeros outside of [0, width).
func padColumns(dst, src []float32, rows, width, left, right, channels int) {
	lo, hi := max(left, 0), min(right, width)
	for r := range rows {
		row := dst[r*(right-left)*channels:][:(right-left)*channels]
		if lo >= hi {
			clear(row)
			continue
		}
		clear(row[:(lo-left)*channels])
		copy(row[(lo-left)*channels:], src[(r*width+lo)*channels:(r*width+hi)*channels])
		clear(row[(hi-left)*channels:])
	}
}

// unpackWeightGrad adds blocks of sums, each [group][kernel position][c][k], in
// order and stores the total as [group][k][c][kernel position].
func unpackWeightGrad(groups, cg, kg, kernel int, sums []float32, blocks int, gw []float32) {
	size := len(gw)
	par.For(groups*cg, max(1, taskOperations/16/(kg*kernel*blocks)), func(lo, hi int) {
		for gc := lo; gc < hi; gc++ {
			g, c := gc/cg, gc%cg
			for t := range kernel {
				at := ((g*kernel+t)*cg + c) * kg
				total := sums[at:][:kg]
				for b := 1; b < blocks; b++ {
					for k, v := range sums[b*size+at:][:kg] {
						total[k] += v
					}
				}
			}
			for k := range kg {
				out := gw[((g*kg+k)*cg+c)*kernel:][:kernel]
				for t := range out {
					out[t] = sums[((g*kernel+t)*cg+c)*kg+k]
				}
			}
		}
	})
}
