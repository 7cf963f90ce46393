package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// In the weight gradient of a small image the products are short: a row has
// seven or fourteen pixels to sum over, and a tile of sums pays for a start every
// seven steps. So for every kernel column the columns of x and of gy that meet are
// copied without the others, and then all rows that meet are one run, without a
// product with padding in it. The copies are cut in blocks of channels as well:
// rows that are a power of two apart would fall on a few sets of the cache.
const (
	gradBlock   = 64        // channels of one block of a copy
	gradCopied  = 192 << 10 // elements of the copies of a task, a third of a second-level cache
	gradWidth   = 14        // the widest output that is done so
	gradStrided = 7         // and with a stride
	gradLeast   = 48        // the fewest channels, of input and of output
)

// copiedWeightGradPays says where [Shape.copiedWeightGrad] is the faster way,
// found by measuring.
func (s Shape) copiedWeightGradPays() bool {
	widest := gradWidth
	if s.StrideW > 1 {
		widest = gradStrided
	}
	return s.Groups == 1 && s.KW > 1 && s.OutW() <= widest && s.C >= gradLeast && s.K >= gradLeast
}

// meeting returns the outputs [lo, hi) that meet the source with tap i.
func (a *axis) meeting(i int) (lo, hi int) {
	for lo < a.count && lo*a.step+a.taps[i].offset < 0 {
		lo++
	}
	for hi = a.count; hi > lo && (hi-1)*a.step+a.taps[i].offset >= a.source; {
		hi--
	}
	return lo, hi
}

// copiedWeightGrad is WeightGrad by copies. A task is some images, a kernel
// column and a piece of the output channels.
func (s Shape) copiedWeightGrad(x, gy, gw []float32) {
	size := len(gw)
	most := max(1, min(gradTasks, gradFloats/size))
	images := evenly(s.N, ceilDiv(s.N, most))
	deep := ceilDiv(s.N, images)
	wide := ceilDiv(s.K, gradBlock)
	piece := ceilDiv(wide, min(wide, ceilDiv(gradTasks, deep*s.KW)))
	pieces := ceilDiv(wide, piece)
	sums := mem.Float32s(deep * size)
	par.For(deep*s.KW*pieces, 1, func(task, _ int) {
		k0 := task % pieces * piece * gradBlock
		i := task / pieces / s.KW
		b := block{n0: i * images, n1: min((i+1)*images, s.N), k0: k0, k1: min(k0+piece*gradBlock, s.K)}
		sc := scratches.Get().(*scratch)
		s.addColumnGrad(sc, b, task/pieces%s.KW, x, gy, sums[i*size:][:size])
		scratches.Put(sc)
	})
	// Each row of the sums is a column of gw.
	rows := s.C * s.KH * s.KW
	par.For(rows, max(16, taskOperations/16/(s.K*deep)&^15), func(lo, hi int) {
		total := sums[lo*s.K : hi*s.K]
		for i := 1; i < deep; i++ {
			add(total, sums[i*size+lo*s.K:])
		}
		interleave(gw[lo:], rows, total, s.K, hi-lo, s.K)
	})
	mem.PutFloat32s(sums)
}

// addColumnGrad sets kernel column kw of sum, which is [c][kh][kw][k], for output
// channels [b.k0, b.k1) to the sum over the images of b.
func (s Shape) addColumnGrad(sc *scratch, b block, kw int, x, gy, sum []float32) {
	lines := forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH)
	columns := forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW)
	lo, hi := columns.meeting(kw)
	width := hi - lo
	kg := b.k1 - b.k0
	inBlock, outBlock := min(s.C, gradBlock), min(kg, gradBlock)
	// With a stride, rows of x that meet one kernel row are neighbours in the copy:
	// first come rows 0, stride, 2*stride..., then 1, stride+1...
	phase := ceilDiv(s.H, s.StrideH)
	height := s.StrideH * phase
	// Elements of the copy of one image.
	in, out := height*width*ceilDiv(s.C, inBlock)*inBlock, s.OutH()*width*ceilDiv(kg, outBlock)*outBlock
	images := evenly(b.n1-b.n0, max(1, gradCopied/max(1, in+out)))
	copies := mem.Float32s(images * (in + out))
	xs, gs := copies[:images*in], copies[images*in:]
	for n := b.n0; n < b.n1; n += images {
		together := min(images, b.n1-n)
		if width > 0 {
			for i := range together {
				s.blockColumns(xs, i, together, x[(n+i)*s.H*s.W*s.C:], s.H, s.W, s.StrideH, lo*s.StrideW+columns.taps[kw].offset, s.StrideW, width, s.C, 0, s.C)
				grad := Shape{C: s.K} // never planar
				grad.blockColumns(gs, i, together, gy[(n+i)*s.OutH()*s.OutW()*s.K:], s.OutH(), s.OutW(), 1, lo, 1, width, s.K, b.k0, b.k1)
			}
		}
		for kh := range s.KH {
			r0, r1 := lines.meeting(kh)
			h0 := r0*s.StrideH + lines.taps[kh].offset
			sc.aoff, sc.boff = sc.aoff[:0], sc.boff[:0]
			run := r1 - r0 // rows that are neighbours in both copies
			for i := 0; i < together && run*width > 0; i++ {
				sc.aoff = append(sc.aoff, (i*height+h0%s.StrideH*phase+h0/s.StrideH)*width*inBlock)
				sc.boff = append(sc.boff, (i*s.OutH()+r0)*width*outBlock)
			}
			for k := b.k0; k < b.k1; k += outBlock {
				for c := 0; c < s.C; c += inBlock {
					gemm.BatchReduce(min(inBlock, s.C-c), min(outBlock, b.k1-k), run*width,
						xs[c*together*height*width:], sc.aoff, 1, inBlock, gs[(k-b.k0)*together*s.OutH()*width:], sc.boff, outBlock,
						sum[((c*s.KH+kh)*s.KW+kw)*s.K+k:], s.KH*s.KW*s.K, gemm.Epilogue{Accumulate: n > b.n0})
				}
			}
		}
	}
	mem.PutFloat32s(copies)
}

// blockColumns copies width columns of an image of h x w pixels, from column
// first on and stride apart, and of them channels [c0, c1), to place i of dst,
// which is [block of channels][image][phase of rows][row][column][channel].
func (s Shape) blockColumns(dst []float32, i, images int, image []float32, h, w, phases, first, stride, width, channels, c0, c1 int) {
	phase := ceilDiv(h, phases)
	block := min(c1-c0, gradBlock)
	for c := c0; c < c1; c += block {
		count := min(block, c1-c)
		for r := range h {
			row := r%phases*phase + r/phases
			to := dst[(((c-c0)/block*images+i)*phases*phase+row)*width*block:]
			switch {
			case s.Planar && stride == 1:
				interleave(to, block, image[(c*h+r)*w+first:], h*w, count, width)
			case s.Planar:
				for p := range width {
					for j := range count {
						to[p*block+j] = image[((c+j)*h+r)*w+first+p*stride]
					}
				}
			case stride == 1 && count == channels:
				copy(to[:width*block], image[(r*w+first)*channels:])
			default:
				for p := range width {
					copy(to[p*block:][:count], image[(r*w+first+p*stride)*channels+c:])
				}
			}
		}
	}
}
