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
// and gy. Blocks of output rows are summed apart and then added in order, so
// that the bits do not depend on the number of threads.
func WeightGrad(s Shape, x, gy, gw []float32) {
	s.mustFit("WeightGrad", len(x), len(gw), len(gy))
	if s.N == 0 {
		clear(gw)
		return
	}
	if s.Groups == s.C && s.Groups == s.K && s.Groups > 1 {
		if s.Planar {
			x = s.channelsLast(x)
			defer mem.PutFloat32s(x)
		}
		s.depthwiseWeightGrad(x, gy, gw)
		return
	}
	if s.isProduct() {
		s.productWeightGrad(x, gy, gw)
		return
	}
	if s.winogradGradPays() {
		s.winogradWeightGrad(x, gy, gw)
		return
	}
	if s.copiedWeightGradPays() {
		s.copiedWeightGrad(x, gy, gw)
		return
	}
	// Blocks are of whole images, or bands of one where images are few.
	size, oh := len(gw), s.OutH()
	most := max(1, min(gradTasks, gradFloats/size))
	images := evenly(s.N, ceilDiv(s.N, most))
	deep := ceilDiv(s.N, images)
	band := ceilDiv(oh, min(oh, most/deep))
	down := ceilDiv(oh, band)
	// With large weights there are few blocks: cut along the weights too.
	rows, pieces := 1, 1
	if deep*down <= gradTasks/2 {
		rows = s.KH
		if s.Groups == 1 && deep*down*rows <= gradTasks/2 {
			pieces = ceilDiv(s.K, gradPiece)
		}
	}
	sums := mem.Float32s(deep * down * size)
	par.For(deep*down*rows*pieces, 1, func(task, _ int) {
		piece, row, i := task%pieces, task/pieces%rows, task/(pieces*rows)
		n, r := i/down*images, i%down*band
		b := block{
			n0: n, n1: min(n+images, s.N), r0: r, r1: min(r+band, oh),
			k0: piece * s.K / pieces, k1: (piece + 1) * s.K / pieces,
		}
		sc := scratches.Get().(*scratch)
		s.addWeightGrad(sc, b, row*s.KH/rows, (row+1)*s.KH/rows, x, gy, sums[i*size:][:size])
		scratches.Put(sc)
	})
	unpackWeightGrad(s.Groups, s.C/s.Groups, s.K/s.Groups, s.KH*s.KW, sums, deep*down, gw)
	mem.PutFloat32s(sums)
}

// addWeightGrad sets kernel rows [kh0, kh1) of sum, which is [group][kh][kw][c][k],
// to the sum over the images and output rows of all, for output channels [all.k0,
// all.k1); only with one group may these be less than all channels.
func (s Shape) addWeightGrad(sc *scratch, all block, kh0, kh1 int, x, gy, sum []float32) {
	lines := forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH)
	columns := forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW)
	left, right := columns.reach(0, s.OutW())
	padded := left < 0 || right > s.W
	if !padded {
		left, right = 0, s.W
	}
	width := right - left
	// A few images or a band of one at a time, so that the source stays in the
	// second-level cache.
	images, rows := 1, all.r1-all.r0
	if image := s.H * width * s.C; image <= sourceFloats {
		images = min(all.n1-all.n0, sourceFloats/image)
	} else {
		rows = min(rows, max(1, sourceFloats/(s.StrideH*width*s.C)))
	}
	first := true
	for n := all.n0; n < all.n1; n += images {
		for r := all.r0; r < all.r1; r += rows {
			b := block{n0: n, n1: min(n+images, all.n1), r0: r, r1: min(r+rows, all.r1), k0: all.k0, k1: all.k1}
			source := strip{pixels: x[n*s.H*s.W*s.C:], height: s.H, width: s.W}
			var copied []float32
			if padded || s.Planar {
				up, down := lines.within(b.r0, b.r1)
				copied = mem.Float32s((b.n1 - b.n0) * (down - up) * width * s.C)
				for i := range b.n1 - b.n0 {
					s.copyRows(copied[i*(down-up)*width*s.C:], x[(n+i)*s.H*s.W*s.C:], up, down, left, right)
				}
				source = strip{copied, down - up, width, up, left}
			}
			// As many output rows at a time as fill the first-level cache, for
			// each of which all kernel rows are done in turn.
			total := (b.n1 - b.n0) * (b.r1 - b.r0)
			step := max(1, pixelsAtOnce/s.OutW())
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

// copyRows copies rows [up, down) of an image, as pixels and from column left to
// right, with zeros outside of the image.
func (s Shape) copyRows(dst, image []float32, up, down, left, right int) {
	lo := max(left, 0)
	hi := max(lo, min(right, s.W))
	for h := up; h < down; h++ {
		row := dst[(h-up)*(right-left)*s.C:][:(right-left)*s.C]
		if lo >= right || hi == lo { // nothing but padding
			clear(row)
			continue
		}
		clear(row[:(lo-left)*s.C])
		if inner := row[(lo-left)*s.C:]; s.Planar {
			interleave(inner, s.C, image[h*s.W+lo:], s.H*s.W, s.C, hi-lo)
		} else {
			copy(inner, image[(h*s.W+lo)*s.C:(h*s.W+hi)*s.C])
		}
		clear(row[(hi-left)*s.C:])
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
					add(total, sums[b*size+at:])
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
