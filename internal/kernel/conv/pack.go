package conv

import (
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// panelWidth is the usual number of destination channels in a panel of packed
// weights, that of a register tile: one pass of the multiplication reads a panel
// from end to end. Rows of all the channels of a wide layer would fall on a few
// sets of the cache and drive each other out.
const panelWidth = 32

// panels is how many panels hold k destination channels. The last one may be up
// to half wider than the others, rather than leave a sliver behind.
func panels(k int) int { return max(1, ceilDiv(k-panelWidth/2, panelWidth)) }

// panel returns the channels [lo, hi) of panel i.
func panel(k, i int) (lo, hi int) {
	if i == panels(k)-1 {
		return i * panelWidth, k
	}
	return i * panelWidth, (i + 1) * panelWidth
}

// weightsPerGroup counts the packed weights of one group.
func (p *correlation) weightsPerGroup() int {
	return len(p.h.taps) * len(p.w.taps) * p.c * p.k
}

// packChannels is how many source channels one task packs.
const packChannels = 16

// panelWeights returns the weights ordered as matrix products read them: [group]
// [panel][tap of h][tap of w][source channel][destination channel of the panel].
// Weight w[k,c,kh,kw] of s stands at kernel row kh and column kw; in the forward
// pass its source channel is c, in the input gradient (transposed) it is k.
func (p *correlation) panelWeights(s Shape, w []float32, transposed bool) []float32 {
	kernel := s.KH * s.KW
	group := p.c * p.k * kernel
	strideC, strideK := kernel, p.c*kernel
	if transposed {
		strideC, strideK = p.k*kernel, kernel
	}
	packed := mem.Float32s(p.groups * p.weightsPerGroup())
	if len(packed) == 0 { // a phase that no tap reaches
		return nil
	}
	blocks := ceilDiv(p.c, packChannels)
	par.For(p.groups*blocks, max(1, taskOperations/16/(packChannels*p.k*kernel)), func(lo, hi int) {
		for task := lo; task < hi; task++ {
			g, c0 := task/blocks, task%blocks*packChannels
			c1 := min(c0+packChannels, p.c)
			from, to := w[g*group:][:group], packed[g*p.weightsPerGroup():]
			for i := range panels(p.k) {
				j0, j1 := panel(p.k, i)
				width := j1 - j0
				for th, row := range p.h.taps {
					for tw, column := range p.w.taps {
						at := j0*strideK + row.index*s.KW + column.index
						out := to[(j0*len(p.h.taps)*len(p.w.taps)+(th*len(p.w.taps)+tw)*width)*p.c:]
						for c := c0; c < c1; c++ {
							gather(out[c*width:][:width], from[at+c*strideC:], strideK)
						}
					}
				}
			}
		}
	})
	return packed
}

// gatherGeneric sets dst[i] = src[i*stride].
func gatherGeneric(dst, src []float32, stride int) {
	for i := range dst {
		dst[i] = src[i*stride]
	}
}
