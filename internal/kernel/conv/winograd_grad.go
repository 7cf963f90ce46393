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

// winogradGradMost is the greatest product of channels for which the gradient of
// the weights goes this way: the sums of all components must stay in a cache, for
// every block of tiles adds to them.
const winogradGradMost = 128 * 128

// winogradGradPays reports whether WeightGrad goes by Winograd's method.
func (s Shape) winogradGradPays() bool {
	p := s.forward()
	return cpu.Active() == cpu.AVX512 && p.winogradGradFits() && s.C*s.K >= 2*winogradWeights && s.C*s.K <= winogradGradMost &&
		s.N*s.OutH()*s.OutW()/4 >= winogradTiles
}

// winogradGradFits reports whether the gradient of the weights can be computed so.
func (p *correlation) winogradGradFits() bool {
	return p.winogradFits() && p.h.count%2 == 0 && p.w.count%2 == 0
}

// winogradWeightGrad is WeightGrad by Winograd's method. Blocks of rows of tiles,
// counted over all images, are summed apart and then added in order.
func (s Shape) winogradWeightGrad(x, gy, gw []float32) {
	p := s.forward()
	down, across := p.h.count/2, p.w.count/2
	size := 16 * s.C * s.K
	rows := evenly(p.n*down, ceilDiv(p.n*down, max(1, min(gradTasks, 2*gradFloats/size))))
	deep := ceilDiv(p.n*down, rows)
	sums := mem.Float32s(deep * size)
	step := max(1, min(winogradMost, winogradFloats/(16*max(s.C, s.K)))/across)
	par.For(p.n*down, rows, func(lo, hi int) {
		sum := sums[lo/rows*size:][:size]
		for at := lo; at < hi; at += step {
			w := p.newWinogradRows(source{x, s.Planar}, nil, nil, gemm.Epilogue{}, at, min(at+step, hi))
			w.addWeightGrad(gy, sum, at > lo)
		}
	})
	weights := mem.Float32s(9 * s.C * s.K) // [source channel][weight][destination channel]
	par.For(s.C, max(1, taskOperations/16/(16*s.K*deep)), func(lo, hi int) {
		for t := range 16 {
			total := sums[(t*s.C+lo)*s.K : (t*s.C+hi)*s.K]
			for i := 1; i < deep; i++ {
				add(total, sums[i*size+(t*s.C+lo)*s.K:])
			}
		}
		for c := lo; c < hi; c++ {
			winogradFilterGrad(weights[9*c*s.K:], s.K, sums[c*s.K:], s.C*s.K, s.K)
		}
		interleave(gw[9*lo:], 9*s.C, weights[9*lo*s.K:], s.K, 9*(hi-lo), s.K)
	})
	mem.PutFloat32s(weights)
	mem.PutFloat32s(sums)
}

// addWeightGrad sets sum, which is [component][source channel][destination
// channel], or adds to it.
func (w *winogradRows) addWeightGrad(gy, sum []float32, accumulate bool) {
	p := w.p
	w.transformed = mem.Float32s(16 * w.component)
	w.transformSource(w.lo, w.hi)
	component := w.tiles*p.k + winogradSlack
	grads := mem.Float32s(16 * component) // [component][tile][destination channel]
	w.images(w.lo, w.hi, func(n, i0, i1, first int) {
		for r := i0; r < i1; r++ {
			for k := 0; k < p.k; k += 16 {
				winogradGrad(grads[(first+(r-i0)*w.across)*p.k+k:], component, p.k, gy[p.pixel(n, 2*r, 0)+k:], p.pixelStep(1, 0), p.k, w.across)
			}
		}
	})
	for t := range 16 {
		for c := 0; c < p.c; c += w.block {
			gemm.BatchReduce(w.block, p.k, w.tiles, w.transformed[t*w.component+c*w.tiles:], oneTap, 1, w.block,
				grads[t*component:], oneTap, p.k, sum[(t*p.c+c)*p.k:], p.k, gemm.Epilogue{Accumulate: accumulate})
		}
	}
	mem.PutFloat32s(grads)
	mem.PutFloat32s(w.transformed)
}

// oneTap is the list of offsets of a product with one tap.
var oneTap = []int{0}

// winogradGradGeneric writes, for sixteen channels of a row of tiles,
//
//	dst[t*component + i*tile + c] = (AgAᵀ)[t], g[r][s] = src[r*row + (2*i+s)*pixel + c]
func winogradGradGeneric(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
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
