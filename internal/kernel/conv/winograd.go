package conv

import (
	"math"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Winograd's minimal filtering F(2x2, 3x3) computes a tile of 2x2 outputs of a 3x3
// convolution from 4x4 inputs with 16 multiplications rather than 36 (Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308):
//
//	Y = Aᵀ[(GgGᵀ) ⊙ (BᵀdB)]A
//
//	     1  0 -1  0         1   0   0           1 1  1  0
//	Bᵀ = 0  1  1  0    G = 1/2 1/2 1/2    Aᵀ =  0 1 -1 -1
//	     0 -1  1  0        1/2 -1/2 1/2
//	     0  1  0 -1         0   0   1
//
// The sum over channels of each of the 16 components is a matrix product of its
// own, tiles by output channels. All factors are 1 or 1/2: the error is that of a
// few more additions, and stays near that of the direct sum. A number that is not
// finite reaches all four outputs of a tile that reads it.
//
// The larger tiles F(4x4, 3x3) multiply 4 times less and not 2.25, but their
// factors reach 8 and cost digits.

// Bounds of what goes this way, found by measuring.
const (
	winogradWeights    = 512        // fewest products of channels: below, the transforms take what they save
	winogradTiles      = 128        // fewest tiles: below, to transform the weights is too much
	winogradKept       = 16         // fewest tiles where the transformed weights are kept
	winogradFloats     = 160 << 10  // transformed source of one task, a third of a second-level cache
	winogradMost       = 28 * 8     // greatest number of tiles of one task
	winogradLeast      = 28 * 2     // least number of tiles of a task, if there would be fewer than winogradTasks
	winogradTasks      = 8          // tasks that there should be
	winogradNear       = 1536 << 10 // transformed weights that may be read again for every task of many
	winogradHeld       = 384 << 10  // and for every task of few: they stay in a second-level cache
	winogradTogether   = 256        // tiles that weights which are more are read for
	winogradFew        = 448 << 10  // transformed source and products that may all be in the cache at once
	winogradPiece      = 64 << 10   // transformed numbers that make a task
	winogradComponents = 4          // products, each of a panel and a component, that one task computes
	winogradSlack      = 16         // between components, or their rows would fall on the same sets of the cache
)

// winograd reports whether p is done by Winograd's method, with weights that are
// transformed for it alone or that are kept.
func (p *correlation) winograd(kept bool) bool {
	fewest := winogradTiles
	if kept {
		fewest = winogradKept
	}
	return cpu.Active() == cpu.AVX512 && p.winogradFits() && p.c*p.k >= winogradWeights &&
		p.n*ceilDiv(p.h.count, 2)*ceilDiv(p.w.count, 2) >= fewest && winogradSide(p.h.count) && winogradSide(p.w.count)
}

// winogradSide reports whether the method saves something for so many outputs a row
// or column. An odd number is rounded up, while the direct sum leaves out what falls
// into the padding.
func winogradSide(outputs int) bool { return outputs == 4 || outputs > 5 }

// winogradFits reports whether p can be done by Winograd's method.
func (p *correlation) winogradFits() bool {
	fits := func(a *axis) bool { return len(a.taps) == 3 && a.dense() && a.step == 1 && a.stride == 1 }
	return fits(&p.h) && fits(&p.w) && p.groups == 1 && p.c%16 == 0 && p.k%16 == 0
}

// winogradBlock is the number of channels of one block of the transformed source.
// Rows of a wide layer, a power of two apart, would fall on a few sets of the cache.
func (p *correlation) winogradBlock() int {
	for _, block := range []int{64, 48, 32} {
		if p.c%block == 0 {
			return block
		}
	}
	return 16
}

// runWinograd is run by Winograd's method, with weights that winogradWeights
// transformed. Rows of tiles are counted over all images.
func (p *correlation) runWinograd(src source, filters, dst []float32, e gemm.Epilogue) {
	down, across := ceilDiv(p.h.count, 2), ceilDiv(p.w.count, 2)
	tiles, weights := p.n*down*across, 16*p.c*p.k
	if weights > winogradNear || weights > winogradHeld && 16*tiles*(p.c+p.k) <= winogradFew {
		p.winogradByComponents(src, filters, dst, e)
		return
	}
	most := min(winogradMost, winogradFloats/(16*p.c))
	if tiles < winogradTasks*most {
		most = max(winogradLeast, tiles/winogradTasks)
	}
	// A task does everything for its rows: what it makes stays in the second-level
	// cache, or the weights do.
	par.For(p.n*down, evenly(p.n*down, max(1, most/across)), func(lo, hi int) {
		w := p.newWinogradRows(src, filters, dst, e, lo, hi)
		w.transformed = mem.Float32s(16 * w.component)
		w.transformSource(lo, hi)
		w.products = mem.Float32s(16 * (w.tiles*(panelWidth+panelWidth/2) + winogradSlack))
		for i := range panels(p.k) {
			for t := range 16 {
				w.multiply(i, t, w.products, w.weights(i, min(t+1, 15)))
			}
			w.transformProducts(i, lo, hi, w.products)
		}
		mem.PutFloat32s(w.transformed)
		mem.PutFloat32s(w.products)
	})
}

// winogradByComponents is runWinograd for weights that fill more than a cache, and
// for few tiles. Every component of the weights is read once for some hundred
// tiles, and all threads work on the same tiles.
//
// A transformed source that stays in the cache is read again for every panel, and
// components of a panel, neighbours in memory, follow each other. A larger one is
// read once: one component of it stays in the cache while all panels pass.
func (p *correlation) winogradByComponents(src source, filters, dst []float32, e gemm.Epilogue) {
	down, across := ceilDiv(p.h.count, 2), ceilDiv(p.w.count, 2)
	rows := evenly(p.n*down, max(1, winogradTogether/across))
	for lo := 0; lo < p.n*down; lo += rows {
		hi := min(lo+rows, p.n*down)
		w := p.newWinogradRows(src, filters, dst, e, lo, hi)
		w.transformed = mem.Float32s(16 * w.component)
		piece := max(1, winogradPiece/(across*p.c*16))
		par.For(hi-lo, piece, func(i, j int) { w.transformSource(lo+i, lo+j) })
		// Of a panel the products begin where those of all before it end.
		w.products = mem.Float32s(16 * (w.tiles*p.k + panels(p.k)*winogradSlack))
		place := func(i int) []float32 {
			k0, _ := panel(p.k, i)
			return w.products[16*(w.tiles*k0+i*winogradSlack):]
		}
		wide, near := panels(p.k), 16*w.component <= winogradFloats
		of := func(task int) (panel, component int) {
			if near {
				return task / 16, task % 16
			}
			return task % wide, task / wide
		}
		par.For(16*wide, winogradComponents, func(first, end int) {
			for task := first; task < end; task++ {
				i, t := of(task)
				w.multiply(i, t, place(i), w.weights(of(min(task+1, 16*wide-1))))
			}
		})
		par.For(hi-lo, piece, func(from, to int) {
			for i := range panels(p.k) {
				w.transformProducts(i, lo+from, lo+to, place(i))
			}
		})
		mem.PutFloat32s(w.transformed)
		mem.PutFloat32s(w.products)
	}
}

// winogradWeights returns the weights transformed: [panel][component][source
// channel][destination channel of the panel]. They are packed as [panelWeights]
// says, but a few at a time: what a task packs stays in the first-level cache until
// it is transformed. The caller gives them back to mem.
func (p *correlation) winogradWeights(w []float32, transposed bool) []float32 {
	filters := mem.Float32s(16 * p.c * p.k)
	blocks := ceilDiv(p.c, packChannels)
	par.For(panels(p.k)*blocks, max(1, taskOperations/16/(packChannels*panelWidth*16)), func(lo, hi int) {
		packed := mem.Float32s(9 * packChannels * (panelWidth + panelWidth/2)) // [source channel][tap][destination channel]
		for task := lo; task < hi; task++ {
			k0, k1 := panel(p.k, task/blocks)
			c0 := task % blocks * packChannels
			width, channels := k1-k0, min(packChannels, p.c-c0)
			if !transposed {
				interleave(packed, width, w[(k0*p.c+c0)*9:], p.c*9, width, 9*channels)
			}
			for c := range channels {
				taps := packed[9*c*width:][:9*width]
				if transposed {
					interleave(taps, width, w[((c0+c)*p.k+k0)*9:], 9, width, 9)
				}
				winogradFilter(filters[16*k0*p.c+(c0+c)*width:], p.c*width, taps, width, width)
			}
		}
		mem.PutFloat32s(packed)
	})
	return filters
}

// winogradRows is what is done with rows of tiles [lo, hi).
type winogradRows struct {
	p                     *correlation
	src                   source
	filters, dst          []float32
	e                     gemm.Epilogue
	lo, hi                int
	down, across          int   // tiles of one image
	tiles                 int   // in all
	block                 int   // channels of one block of the transformed source
	component             int   // elements from one component of it to the next
	aoff                  []int // of its blocks, and of those of a panel of weights and of the last
	boff, lastBoff        []int
	transformed, products []float32 // [component][block of channels][tile][channel]; [panel][component][tile][channel]
}

func (p *correlation) newWinogradRows(src source, filters, dst []float32, e gemm.Epilogue, lo, hi int) *winogradRows {
	w := &winogradRows{p: p, src: src, filters: filters, dst: dst, e: e, lo: lo, hi: hi,
		down: ceilDiv(p.h.count, 2), across: ceilDiv(p.w.count, 2), block: p.winogradBlock()}
	w.tiles = (hi - lo) * w.across
	w.component = w.tiles*p.c + winogradSlack
	k0, k1 := panel(p.k, panels(p.k)-1)
	for c := 0; c < p.c; c += w.block {
		w.aoff, w.boff, w.lastBoff = append(w.aoff, c*w.tiles), append(w.boff, c*panelWidth), append(w.lastBoff, c*(k1-k0))
	}
	return w
}

// images calls body for the rows of tiles [i0, i1) of each image that rows [lo, hi)
// are of; the first tile is number first of w.
func (w *winogradRows) images(lo, hi int, body func(n, i0, i1, first int)) {
	for row := lo; row < hi; {
		n, i0 := row/w.down, row%w.down
		i1 := min(w.down, i0+hi-row)
		body(n, i0, i1, (row-w.lo)*w.across)
		row += i1 - i0
	}
}

// transformSource transforms what rows of tiles [lo, hi) read.
func (w *winogradRows) transformSource(lo, hi int) {
	p := w.p
	shape := Shape{H: p.h.source, W: p.w.source, C: p.c, Planar: w.src.planar}
	left, width := p.w.taps[0].offset, 2*w.across+2
	line := width * p.c
	w.images(lo, hi, func(n, i0, i1, first int) {
		image := w.src.pixels[n*shape.H*shape.W*p.c:][:shape.H*shape.W*p.c]
		strip := mem.Float32s((2*(i1-i0) + 2) * line)
		for r := range 2*(i1-i0) + 2 {
			row := strip[r*line:][:line]
			if h := 2*i0 + r + p.h.taps[0].offset; h >= 0 && h < shape.H {
				shape.copyRows(row, image, h, h+1, left, left+width)
			} else {
				clear(row)
			}
		}
		for i := range i1 - i0 {
			tile := first + i*w.across
			for c := 0; c < p.c; c += 16 {
				to := w.transformed[(c/w.block*w.tiles+tile)*w.block+c%w.block:]
				winogradInput(to, w.component, w.block, strip[2*i*line+c:], line, p.c, w.across)
			}
		}
		mem.PutFloat32s(strip)
	})
}

// weights returns component t of the transformed weights of panel i. The input
// gradient meets the kernel turned around, which exchanges the first and the last
// component of both directions.
func (w *winogradRows) weights(i, t int) []float32 {
	if r, s := t/4, t%4; w.p.h.taps[0].index > 0 && r%3 == 0 {
		t = 4*(3-r) + s
	}
	if r, s := t/4, t%4; w.p.w.taps[0].index > 0 && s%3 == 0 {
		t = 4*r + 3 - s
	}
	k0, k1 := panel(w.p.k, i)
	size := (k1 - k0) * w.p.c
	return w.filters[16*k0*w.p.c+t*size:][:size]
}

// multiply computes component t of the products of all tiles with panel i. Those
// of the panel stand at the beginning of products. The weights next are read after
// these; they are fetched meanwhile.
func (w *winogradRows) multiply(i, t int, products, next []float32) {
	k0, k1 := panel(w.p.k, i)
	width := k1 - k0
	boff := w.boff
	if k1 == w.p.k {
		boff = w.lastBoff
	}
	gemm.BatchReduceAhead(w.tiles, width, w.block, w.transformed[t*w.component:], w.aoff, w.block, 1,
		w.weights(i, t), boff, width, products[t*(w.tiles*width+winogradSlack):], width, gemm.Epilogue{}, next)
}

// transformProducts writes panel i of the outputs of rows of tiles [lo, hi).
func (w *winogradRows) transformProducts(i, lo, hi int, products []float32) {
	p := w.p
	k0, k1 := panel(p.k, i)
	width := k1 - k0
	least := float32(math.Inf(-1))
	if w.e.ReLU {
		least = 0
	}
	// The last tiles of an odd number of outputs are computed aside.
	var aside, plusAside []float32
	line := 2 * w.across * width
	if p.h.count%2 != 0 || p.w.count%2 != 0 {
		aside = mem.Float32s(2 * line)
		defer mem.PutFloat32s(aside)
		if w.e.Add != nil {
			plusAside = mem.Float32s(2 * line)
			defer mem.PutFloat32s(plusAside)
		}
	}
	w.images(lo, hi, func(n, i0, i1, first int) {
		for r := i0; r < i1; r++ {
			from := products[(first+(r-i0)*w.across)*width:]
			at := p.pixel(n, 2*r, 0) + k0
			to, row, pixel := w.dst[at:], p.pixelStep(1, 0), p.pixelStep(0, 1)
			var plus []float32
			if w.e.Add != nil {
				plus = w.e.Add[at:]
			}
			if aside != nil {
				to, row, pixel = aside, line, width
				for j := 0; plus != nil && j < min(2, p.h.count-2*r); j++ {
					for c := range p.w.count {
						copy(plusAside[j*line+c*width:][:width], plus[p.pixelStep(j, c):])
					}
				}
				plus = plusAside
			}
			for k := 0; k < width; k += 16 {
				var bias []float32
				if w.e.Bias != nil {
					bias = w.e.Bias[k0+k:][:16]
				}
				if plus != nil {
					winogradOutput(to[k:], row, pixel, from[k:], w.tiles*width+winogradSlack, width, bias, plus[k:], least, w.across)
				} else {
					winogradOutput(to[k:], row, pixel, from[k:], w.tiles*width+winogradSlack, width, bias, nil, least, w.across)
				}
			}
			for j := 0; aside != nil && j < min(2, p.h.count-2*r); j++ {
				for c := range p.w.count {
					copy(w.dst[at+p.pixelStep(j, c):][:width], aside[j*line+c*width:])
				}
			}
		}
	})
}

// winogradInputGeneric writes, for sixteen channels of a row of tiles,
//
//	dst[t*component + i*tile + c] = (BᵀdB)[t], d[r][s] = src[r*row + (2*i+s)*pixel + c]
func winogradInputGeneric(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	combine := func(d0, d1, d2, d3 float32) [4]float32 { return [4]float32{d0 - d2, d1 + d2, d2 - d1, d1 - d3} }
	for i := range tiles {
		for c := range 16 {
			at := func(r, s int) float32 { return src[r*row+(2*i+s)*pixel+c] }
			var half [4][4]float32 // by column
			for s := range 4 {
				half[s] = combine(at(0, s), at(1, s), at(2, s), at(3, s))
			}
			for r := range 4 {
				for s, v := range combine(half[0][r], half[1][r], half[2][r], half[3][r]) {
					dst[(4*r+s)*component+i*tile+c] = v
				}
			}
		}
	}
}

// winogradOutputGeneric writes, for sixteen channels of a row of tiles,
//
//	dst[r*row + (2*i+s)*pixel + c] = max(least, (AᵀmA)[r][s] + plus[...] + bias[c]), m[t] = src[t*component + i*tile + c]
func winogradOutputGeneric(dst []float32, row, pixel int, src []float32, component, tile int, bias, plus []float32, least float32, tiles int) {
	combine := func(m0, m1, m2, m3 float32) [2]float32 { return [2]float32{m0 + m1 + m2, m1 - m2 - m3} }
	for i := range tiles {
		for c := range 16 {
			at := func(t int) float32 { return src[t*component+i*tile+c] }
			var half [4][2]float32 // by column
			for s := range 4 {
				half[s] = combine(at(s), at(4+s), at(8+s), at(12+s))
			}
			for r := range 2 {
				for s, v := range combine(half[0][r], half[1][r], half[2][r], half[3][r]) {
					if plus != nil {
						v += plus[r*row+(2*i+s)*pixel+c]
					}
					if bias != nil {
						v += bias[c]
					}
					if v < least {
						v = least
					}
					dst[r*row+(2*i+s)*pixel+c] = v
				}
			}
		}
	}
}

// winogradFilterGeneric writes, for n filters,
//
//	dst[t*component + i] = (GgGᵀ)[t], g[r][s] = src[(3*r+s)*weight + i]
func winogradFilterGeneric(dst []float32, component int, src []float32, weight, n int) {
	combine := func(g0, g1, g2 float32) [4]float32 {
		return [4]float32{g0, (g0 + g2 + g1) / 2, (g0 + g2 - g1) / 2, g2}
	}
	for i := range n {
		at := func(r, s int) float32 { return src[(3*r+s)*weight+i] }
		var half [3][4]float32 // by column
		for s := range 3 {
			half[s] = combine(at(0, s), at(1, s), at(2, s))
		}
		for r := range 4 {
			for s, v := range combine(half[0][r], half[1][r], half[2][r]) {
				dst[(4*r+s)*component+i] = v
			}
		}
	}
}
