package conv

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// A depthwise convolution has one input and one output channel in each group
// (Chollet, "Xception", arXiv 1610.02357). Channels never mix, so there is no
// matrix product in it: pixels are multiplied with weights channel by channel,
// and memory sets the pace.

// runDepthwise is run for one channel to a group. Weights are [tap][channel].
func (p *correlation) runDepthwise(src, weights, dst []float32, e gemm.Epilogue) {
	columns := evenly(p.w.count, columnsAtOnce)
	across := ceilDiv(p.w.count, columns)
	work := columns * p.groups * max(1, len(p.h.taps)*len(p.w.taps))
	par.For(p.n*p.h.count*across, max(1, taskOperations/8/work), func(lo, hi int) {
		s := scratches.Get().(*scratch)
		for i := lo; i < hi; i++ {
			row, c := i/across, i%across*columns
			p.depthwiseRow(s, row/p.h.count, row%p.h.count, c, min(c+columns, p.w.count), src, weights, dst, e)
		}
		scratches.Put(s)
	})
}

// depthwiseRow computes columns [c0, c1) of output row r of image n, in runs that
// see the same taps: the columns at the borders, and all the others in one run.
func (p *correlation) depthwiseRow(s *scratch, n, r, c0, c1 int, src, weights, dst []float32, e gemm.Epilogue) {
	channels := p.groups
	hlo, hhi := p.h.valid(r)
	for c := c0; c < c1; {
		end, wlo, whi := p.w.run(c, c1)
		s.aoff, s.boff = s.aoff[:0], s.boff[:0]
		for th := hlo; th < hhi; th++ {
			row := n*p.h.source + r*p.h.step + p.h.taps[th].offset
			for tw := wlo; tw < whi; tw++ {
				s.aoff = append(s.aoff, (row*p.w.source+c*p.w.step+p.w.taps[tw].offset)*channels)
				s.boff = append(s.boff, (th*len(p.w.taps)+tw)*channels)
			}
		}
		at := p.pixel(n, r, c)
		depthwisePixels(channels, end-c, src, s.aoff, p.w.step*channels, weights, s.boff, dst[at:], p.w.stride*channels, e)
		c = end
	}
}

// depthwisePixels computes
//
//	y[p*ystep + c] = epilogue(sum over t of x[xoff[t] + p*xstep + c] * w[woff[t] + c])
//
// for p < pixels and c < channels.
func depthwisePixels(channels, pixels int, x []float32, xoff []int, xstep int, w []float32, woff []int, y []float32, ystep int, e gemm.Epilogue) {
	done := depthwisePixelsVector(channels, pixels, x, xoff, xstep, w, woff, y, ystep, &e)
	if done == channels {
		return
	}
	for p := range pixels {
		for c := done; c < channels; c++ {
			var sum float32
			for t, at := range xoff {
				sum += x[at+p*xstep+c] * w[woff[t]+c]
			}
			if e.Accumulate {
				sum += y[p*ystep+c]
			}
			if e.Bias != nil {
				sum += e.Bias[c]
			}
			if e.ReLU && sum < 0 {
				sum = 0
			}
			y[p*ystep+c] = sum
		}
	}
}

// depthwiseWeights orders the weights of p as [tap of h][tap of w][channel].
// The caller gives the buffer back to mem.
func (p *correlation) depthwiseWeights(s Shape, w []float32) []float32 {
	packed := mem.Float32s(len(p.h.taps) * len(p.w.taps) * p.groups)
	for th, row := range p.h.taps {
		for tw, column := range p.w.taps {
			line := packed[(th*len(p.w.taps)+tw)*p.groups:][:p.groups]
			for c := range line {
				line[c] = w[(c*s.KH+row.index)*s.KW+column.index]
			}
		}
	}
	return packed
}

// depthwiseBlocks is the number of partial sums of the weight gradient.
const depthwiseBlocks = 32

// depthwiseWeightGrad is WeightGrad for one channel to a group. Blocks of
// output rows are summed apart and then added in order.
func (s Shape) depthwiseWeightGrad(x, gy, gw []float32) {
	rows := s.N * s.OutH()
	size := s.KH * s.KW * s.C
	chunk := ceilDiv(rows, depthwiseBlocks)
	blocks := ceilDiv(rows, chunk)
	sums := mem.Float32s(blocks * size)
	columns := forwardAxis(s.W, s.OutW(), s.KW, s.StrideW, s.PadW, s.DilationW)
	lines := forwardAxis(s.H, s.OutH(), s.KH, s.StrideH, s.PadH, s.DilationH)
	par.For(rows, chunk, func(lo, hi int) {
		sum := sums[lo/chunk*size:][:size]
		clear(sum)
		sc := scratches.Get().(*scratch)
		for row := lo; row < hi; row++ {
			n, r := row/s.OutH(), row%s.OutH()
			hlo, hhi := lines.valid(r)
			for kh := hlo; kh < hhi; kh++ {
				source := (n*s.H + r*s.StrideH - s.PadH + kh*s.DilationH) * s.W
				for c := 0; c < s.OutW(); {
					end, wlo, whi := columns.run(c, s.OutW())
					sc.aoff = sc.aoff[:0]
					for kw := wlo; kw < whi; kw++ {
						sc.aoff = append(sc.aoff, (source+c*s.StrideW-s.PadW+kw*s.DilationW)*s.C)
					}
					if wlo < whi {
						depthwiseProducts(s.C, end-c, x, sc.aoff, s.StrideW*s.C, gy[(row*s.OutW()+c)*s.C:], sum[(kh*s.KW+wlo)*s.C:])
					}
					c = end
				}
			}
		}
		scratches.Put(sc)
	})
	unpackWeightGrad(1, 1, s.C, s.KH*s.KW, sums, blocks, gw)
	mem.PutFloat32s(sums)
}

// depthwiseProducts adds to sum[t*channels + c] the sum over p < pixels of
// x[xoff[t] + p*xstep + c] * gy[p*channels + c].
func depthwiseProducts(channels, pixels int, x []float32, xoff []int, xstep int, gy, sum []float32) {
	done := depthwiseProductsVector(channels, pixels, x, xoff, xstep, gy, sum)
	if done == channels {
		return
	}
	for t, at := range xoff {
		for p := range pixels {
			for c := done; c < channels; c++ {
				sum[t*channels+c] += x[at+p*xstep+c] * gy[p*channels+c]
			}
		}
	}
}
