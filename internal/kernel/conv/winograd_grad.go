package conv

import (
	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Of Y = Aᵀ[(GgGᵀ) ⊙ (BᵀdB)]A, summed over tiles, the gradient with respect to g is
//
//	Gᵀ[Σ (BᵀdB) ⊙ (A·dY·Aᵀ)]G
//
// which takes 16 multiplications for the 36 of the direct sum again. Each of the
// 16 components of the sum over tiles is a matrix product, input by output channels.

// Sums of all components that stay in a cache are added to by block after block of
// tiles. Larger ones are written once, component by component, for as many tiles as
// may be transformed at once; so are those of few tiles, of which blocks would only
// be more sums to add.
const (
	winogradGradMost = 128 * 128 // greatest product of channels for blocks of tiles
	winogradGradMade = 4 << 20   // transformed numbers of the source, or of the gradients, at once
	winogradGradFew  = 2 << 20   // and of both of them, for few tiles
	winogradPanel    = 256       // tiles of a panel of gradients that stays in the first-level cache
)

// winogradGradPays reports whether WeightGrad goes by Winograd's method.
func (s Shape) winogradGradPays() bool {
	p := s.forward()
	return cpu.Active() == cpu.AVX512 && p.winogradFits() && s.C*s.K >= 2*winogradWeights && winogradSide(s.OutH()) && winogradSide(s.OutW()) &&
		s.N*ceilDiv(s.OutH(), 2)*ceilDiv(s.OutW(), 2) >= winogradTiles
}

// winogradWeightGrad is WeightGrad by Winograd's method.
func (s Shape) winogradWeightGrad(x, gy, gw []float32) {
	p := s.forward()
	tiles := s.N * ceilDiv(s.OutH(), 2) * ceilDiv(s.OutW(), 2)
	if s.C*s.K <= winogradGradMost && 16*tiles*(s.C+s.K) > winogradGradFew {
		p.storeWinogradGrad(p.winogradGradByBlocks(source{x, s.Planar}, gy), gw)
	} else {
		p.storeWinogradGrad(p.winogradGradByComponents(source{x, s.Planar}, gy), gw)
	}
}

// winogradGradSize is how many elements one component of the sums has.
func (p *correlation) winogradGradSize() int { return p.c*p.k + winogradSlack }

// storeWinogradGrad adds up blocks of sums, each [component][panel][source channel]
// [destination channel of the panel], stores the gradient that they make and gives
// the sums back.
func (p *correlation) storeWinogradGrad(sums, gw []float32) {
	component := p.winogradGradSize()
	blocks := len(sums) / (16 * component)
	// Sixteen channels, with nine weights each, are a whole number of vectors.
	down := ceilDiv(p.c, packChannels)
	par.For(panels(p.k)*down, max(1, taskOperations/16/(16*packChannels*panelWidth*blocks)), func(lo, hi int) {
		weights := mem.Float32s(9 * packChannels * (panelWidth + panelWidth/2)) // [source channel][weight][destination channel]
		for task := lo; task < hi; task++ {
			k0, k1 := panel(p.k, task/down)
			c0 := task % down * packChannels
			width, channels := k1-k0, min(packChannels, p.c-c0)
			at := k0*p.c + c0*width
			for t := range 16 {
				total := sums[t*component+at:][:channels*width]
				for i := 1; i < blocks; i++ {
					add(total, sums[(16*i+t)*component+at:])
				}
			}
			for c := range channels {
				winogradFilterGrad(weights[9*c*width:], width, sums[at+c*width:], component, width)
			}
			interleave(gw[(k0*p.c+c0)*9:], 9*p.c, weights, width, 9*channels, width)
		}
		mem.PutFloat32s(weights)
	})
	mem.PutFloat32s(sums)
}

// winogradGradByBlocks sums blocks of rows of tiles, counted over all images, apart,
// which the caller adds in order.
func (p *correlation) winogradGradByBlocks(src source, gy []float32) []float32 {
	component := p.winogradGradSize()
	down, across := ceilDiv(p.h.count, 2), ceilDiv(p.w.count, 2)
	size := 16 * component
	rows := evenly(p.n*down, ceilDiv(p.n*down, max(1, min(gradTasks, 2*gradFloats/size))))
	sums := mem.Float32s(ceilDiv(p.n*down, rows) * size)
	step := max(1, min(winogradMost, winogradFloats/(16*max(p.c, p.k)))/across)
	par.For(p.n*down, rows, func(lo, hi int) {
		sum := sums[lo/rows*size:][:size]
		for at := lo; at < hi; at += step {
			w := p.newWinogradGrad(src, at, min(at+step, hi))
			w.transform(gy, w.lo, w.hi)
			for t := range 16 {
				w.addComponent(t, sum[t*component:], at > lo)
			}
			w.release()
		}
	})
	return sums
}

// winogradGradByComponents transforms many tiles first, by all threads, and then
// sums component by component.
func (p *correlation) winogradGradByComponents(src source, gy []float32) []float32 {
	component := p.winogradGradSize()
	down, across := ceilDiv(p.h.count, 2), ceilDiv(p.w.count, 2)
	sums := mem.Float32s(16 * component)
	rows := evenly(p.n*down, max(1, winogradGradMade/(16*max(p.c, p.k)*across)))
	for lo := 0; lo < p.n*down; lo += rows {
		w := p.newWinogradGrad(src, lo, min(lo+rows, p.n*down))
		par.For(w.hi-lo, max(1, winogradPiece/(across*(p.c+p.k)*16)), func(i, j int) { w.transform(gy, lo+i, lo+j) })
		par.For(16, 1, func(t, _ int) { w.addComponent(t, sums[t*component:], lo > 0) })
		w.release()
	}
	return sums
}

// winogradGrad is winogradRows with the transformed gradients of their outputs.
type winogradGrad struct {
	*winogradRows
	grads []float32 // [component][panel][tile][destination channel of the panel]
	next  int       // elements from one component of grads to the next
}

func (p *correlation) newWinogradGrad(src source, lo, hi int) *winogradGrad {
	w := &winogradGrad{winogradRows: p.newWinogradRows(src, nil, nil, gemm.Epilogue{}, lo, hi)}
	w.next = w.tiles*p.k + winogradSlack
	w.transformed, w.grads = mem.Float32s(16*w.component), mem.Float32s(16*w.next)
	return w
}

func (w *winogradGrad) release() {
	mem.PutFloat32s(w.transformed)
	mem.PutFloat32s(w.grads)
}

// transform transforms what rows of tiles [lo, hi) read and the gradients of what
// they write. Outputs that an odd image does not have are zeros.
func (w *winogradGrad) transform(gy []float32, lo, hi int) {
	w.transformSource(lo, hi)
	p := w.p
	var whole []float32
	line := 2 * w.across * p.k
	if p.h.count%2 != 0 || p.w.count%2 != 0 {
		whole = mem.Float32s(2 * line)
		defer mem.PutFloat32s(whole)
	}
	w.images(lo, hi, func(n, i0, i1, first int) {
		for r := i0; r < i1; r++ {
			from, row := gy[p.pixel(n, 2*r, 0):], p.pixelStep(1, 0)
			if whole != nil {
				clear(whole)
				for j := range min(2, p.h.count-2*r) {
					copy(whole[j*line:], from[j*row:][:row])
				}
				from, row = whole, line
			}
			for i := range panels(p.k) {
				k0, k1 := panel(p.k, i)
				to := w.grads[k0*w.tiles+(first+(r-i0)*w.across)*(k1-k0):]
				for k := k0; k < k1; k += 16 {
					winogradGradInput(to[k-k0:], w.next, k1-k0, from[k:], row, p.k, w.across)
				}
			}
		}
	})
}

// addComponent sets component t of the sums, [panel][source channel][destination
// channel of the panel], or adds to it. Rows of all destination channels, often a
// power of two apart, would fall on a few sets of the cache, and on many pages.
func (w *winogradGrad) addComponent(t int, sum []float32, accumulate bool) {
	p := w.p
	step := evenly(w.tiles, winogradPanel)
	for i := range panels(p.k) {
		k0, k1 := panel(p.k, i)
		for at := 0; at < w.tiles; at += step {
			depth := min(step, w.tiles-at)
			grads := w.grads[t*w.next+k0*w.tiles+at*(k1-k0):]
			for c := 0; c < p.c; c += w.block {
				gemm.BatchReduce(w.block, k1-k0, depth, w.transformed[t*w.component+c*w.tiles+at*w.block:], oneTap, 1, w.block,
					grads, oneTap, k1-k0, sum[k0*p.c+c*(k1-k0):], k1-k0, gemm.Epilogue{Accumulate: accumulate || at > 0})
			}
		}
	}
}

// oneTap is the list of offsets of a product with one tap.
var oneTap = []int{0}

// winogradGradInputGeneric writes, for sixteen channels of a row of tiles,
//
//	dst[t*component + i*tile + c] = (AgAᵀ)[t], g[r][s] = src[r*row + (2*i+s)*pixel + c]
func winogradGradInputGeneric(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	combine := func(g0, g1 float32) [4]float32 { return [4]float32{g0, g0 + g1, g0 - g1, -g1} }
	for i := range tiles {
		for c := range 16 {
			at := func(r, s int) float32 { return src[r*row+(2*i+s)*pixel+c] }
			left, right := combine(at(0, 0), at(1, 0)), combine(at(0, 1), at(1, 1))
			for r := range 4 {
				for s, v := range combine(left[r], right[r]) {
					dst[(4*r+s)*component+i*tile+c] = v
				}
			}
		}
	}
}

// winogradFilterGradGeneric writes, for n filters,
//
//	dst[(3*r+s)*weight + i] = (GᵀuG)[r][s], u[t] = src[t*component + i]
func winogradFilterGradGeneric(dst []float32, weight int, src []float32, component, n int) {
	combine := func(u0, u1, u2, u3 float32) [3]float32 {
		return [3]float32{u0 + (u1+u2)/2, (u1 - u2) / 2, u3 + (u1+u2)/2}
	}
	for i := range n {
		at := func(t int) float32 { return src[t*component+i] }
		var half [4][3]float32 // by column
		for s := range 4 {
			half[s] = combine(at(s), at(4+s), at(8+s), at(12+s))
		}
		for r := range 3 {
			for s, v := range combine(half[0][r], half[1][r], half[2][r], half[3][r]) {
				dst[(3*r+s)*weight+i] = v
			}
		}
	}
}
