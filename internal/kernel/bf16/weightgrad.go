package bf16

import (
	"unsafe"

	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Targets of the cut of the weight gradient.
const (
	gradTasks  = 8         // enough for an even share of a few cores
	gradFloats = 2 << 20   // partial sums of all tasks together
	gradBytes  = 768 << 10 // rounded pixels of one piece, in the second-level cache
)

// WeightGrad is [conv.WeightGrad] with x and gy rounded to bfloat16.
func WeightGrad(s conv.Shape, x, gy, gw []float32) {
	if s.Planar && Suits(s) {
		x = channelsLast(s, x)
		defer mem.PutFloat32s(x)
		s.Planar = false
	}
	switch {
	case !Suits(s) || s.N == 0:
		conv.WeightGrad(s, x, gy, gw)
	case !hasKernels():
		rx, rg := roundedCopy(x), roundedCopy(gy)
		conv.WeightGrad(s, rx, rg, gw)
		mem.PutFloat32s(rx)
		mem.PutFloat32s(rg)
	case isProduct(s):
		fit(s, "WeightGrad", x, gw, gy)
		Mul(s.K, s.C, s.N*s.H*s.W, gy, 1, s.K, x, s.C, 1, gw, s.C, gemm.Epilogue{})
	default:
		fit(s, "WeightGrad", x, gw, gy)
		weightGrad(s, x, gy, gw)
	}
}

// weightGrad cuts the sum over pixels into groups of images, or the output
// channels into parts where weights are too many for several sums of them. Sums of
// groups are added in order, so that the bits do not depend on the threads.
func weightGrad(s conv.Shape, x, gy, gw []float32) {
	taps, channels, panels := s.KH*s.KW, ceil(s.C, tileRows)*tileRows, ceil(s.K, panel)
	groups := max(1, min(s.N, gradTasks, gradFloats/(taps*channels*s.K)))
	groups = ceil(s.N, ceil(s.N, groups))
	parts := min(panels, ceil(gradTasks, groups))
	size := taps * channels * s.K
	sums := mem.Float32s(groups * size)
	par.For(groups*parts, 1, func(task, _ int) {
		group, part := task/parts, task%parts
		k0, k1 := part*panels/parts*panel, min(s.K, (part+1)*panels/parts*panel)
		g := &gradTask{Shape: s, k0: k0, k1: k1, channels: channels, sums: sums[group*size+taps*channels*k0:][:taps*channels*(k1-k0)]}
		g.run(x, gy, group*s.N/groups, (group+1)*s.N/groups)
	})
	// Squares of sixteen by sixteen channels, for a gradient is [k][c][position] and
	// the sums are [position][c][k].
	across := channels / tileRows
	par.For(ceil(s.K, tileRows)*across, 8, func(lo, hi int) {
		square := mem.Float32s(tileRows * taps * tileRows) // [c][position][k]
		defer mem.PutFloat32s(square)
		for i := lo; i < hi; i++ {
			first, c0 := i/across*tileRows, i%across*tileRows
			part := 0 // whose channels these are
			for (part+1)*panels/parts*panel <= first {
				part++
			}
			k0, k1 := part*panels/parts*panel, min(s.K, (part+1)*panels/parts*panel)
			n, deep := min(tileRows, s.K-first), min(tileRows, s.C-c0)
			for c := range deep {
				for t := range taps {
					at := taps*channels*k0 + (t*channels+c0+c)*(k1-k0) + first - k0
					total := square[(c*taps+t)*tileRows:][:n]
					copy(total, sums[at:])
					for g := 1; g < groups; g++ {
						for k, v := range sums[g*size+at:][:n] {
							total[k] += v
						}
					}
				}
			}
			gemm.Transpose(gw[(first*s.C+c0)*taps:], s.C*taps, square, tileRows, deep*taps, n)
		}
	})
	mem.PutFloat32s(sums)
}

// gradTask sums the gradient of the weights of output channels [k0, k1) over some
// images, as products in which k counts pixels.
//
// A is x with the pixels of a channel in a row, so that the tap of a column of the
// kernel is the same row read from a later pixel on. With a stride every phase of
// rows and columns is a plane of its own, in which neighbours are the stride apart.
// B is gy in pairs of pixels, with zeros where a row of x has more pixels than one
// of gy: what A reads there counts for nothing.
type gradTask struct {
	conv.Shape
	k0, k1   int
	channels int       // C rounded up to whole tiles
	sums     []float32 // [kernel position][channel][k1-k0]

	height, width int    // of a piece, in rows and columns of planes
	pixels        int    // of all images of a piece, rounded up to whole tiles
	plane         []byte // pixels of x, or of gy, one after the other
	a, b          []byte // [phase][channel][pixel], [column of tiles][pixels in tiles]
	pitch         int    // bytes from one channel of A to the next
	rows          []row
}

// run adds up images [n0, n1), in pieces of several images or of some output rows
// of one.
func (g *gradTask) run(x, gy []float32, n0, n1 int) {
	oh := g.OutH()
	reach := (g.KH - 1) * g.DilationH / g.StrideH // rows of a plane that a kernel spans, without the first
	g.width = g.OutW() + (g.KW-1)*g.DilationW/g.StrideW
	perRow := g.width * 2 * (2*g.C + 2*(g.k1-g.k0))
	lines, images := oh, 1
	if all := perRow * (oh + reach); all <= gradBytes {
		images = min(n1-n0, gradBytes/all)
	} else {
		lines = ceil(oh, ceil(all, gradBytes))
	}
	g.height = lines + reach
	g.pixels = ceil(images*g.height*g.width, tileDepth) * tileDepth
	// A tile may begin as late as the last tap and one row of zeros.
	last := reach*g.width + (g.KW-1)*g.DilationW/g.StrideW
	read := ceil(g.pixels+last, tileDepth) * tileDepth
	g.pitch = 2*read | 64 // an odd number of cache lines: channels fall on different sets
	phases := phasesOf(g.KH, g.StrideH) * phasesOf(g.KW, g.StrideW)
	g.plane = mem.Default.Get(2*max(read*g.C, g.pixels*(g.k1-g.k0)) + slack)
	g.a = mem.Default.Get(phases * g.channels * g.pitch)
	g.b = mem.Default.Get(ceil(g.k1-g.k0, tileRows) * g.pixels / tileDepth * tileBytes)
	g.list()
	first := true
	for n := n0; n < n1; n += images {
		for r := 0; r < oh; r += lines {
			count, rows := min(images, n1-n), min(lines, oh-r)
			g.packX(x, n, count, r, read)
			g.packGrad(gy, n, count, r, rows)
			g.multiply(first)
			first = false
		}
	}
	mem.Default.Put(g.plane)
	mem.Default.Put(g.a)
	mem.Default.Put(g.b)
}

// phase returns which plane tap t of an axis reads, and from where on.
func phase(t, dilation, stride int) (plane, offset int) {
	return t * dilation % stride, t * dilation / stride
}

// phasesOf is how many planes an axis has: a single tap reads the first alone.
func phasesOf(kernel, stride int) int {
	if kernel == 1 {
		return 1
	}
	return stride
}

// list makes the rows of tiles: every tap of every sixteen channels, taps that read
// the same memory one after the other.
func (g *gradTask) list() {
	n := g.k1 - g.k0
	for kh := range g.KH {
		ph, down := phase(kh, g.DilationH, g.StrideH)
		for c := 0; c < g.channels; c += tileRows {
			for kw := range g.KW {
				pw, along := phase(kw, g.DilationW, g.StrideW)
				a := (g.planeOf(ph, pw)*g.channels+c)*g.pitch + 2*(down*g.width+along)
				sum := 4 * ((kh*g.KW+kw)*g.channels + c) * n
				g.rows = append(g.rows, row{a, sum, sum})
			}
		}
	}
}

// packX fills A with planes of x: rows of the planes from output row r on.
func (g *gradTask) packX(x []float32, n, count, r, read int) {
	for ph := range phasesOf(g.KH, g.StrideH) {
		for pw := range phasesOf(g.KW, g.StrideW) {
			at := 0 // bytes
			// Columns w = (q*stride + pw - pad) inside of the image.
			lo := min(g.width, max(0, ceil(g.PadW-pw, g.StrideW)))
			hi := max(lo, min(g.width, ceil(g.W+g.PadW-pw, g.StrideW)))
			for i := range count {
				for q := range g.height {
					line := g.plane[at : at+2*g.width*g.C]
					at += len(line)
					h := (r+q)*g.StrideH + ph - g.PadH
					if h < 0 || h >= g.H || lo == hi {
						clear(line)
						continue
					}
					clear(line[:2*lo*g.C])
					clear(line[2*hi*g.C:])
					from := unsafe.Pointer(&x[(((n+i)*g.H+h)*g.W+lo*g.StrideW+pw-g.PadW)*g.C])
					if g.StrideW == 1 {
						roundRows(unsafe.Pointer(&line[2*lo*g.C]), from, 0, 0, 1, (hi-lo)*g.C)
					} else {
						roundRows(unsafe.Pointer(&line[2*lo*g.C]), from, 2*g.C, 4*g.StrideW*g.C, hi-lo, g.C)
					}
				}
			}
			clear(g.plane[at : 2*read*g.C+slack])
			to := g.a[g.planeOf(ph, pw)*g.channels*g.pitch:]
			for c := 0; c < g.channels; c += tileRows {
				pairUp(unsafe.Pointer(&to[c*g.pitch]), unsafe.Pointer(&g.plane[2*c]), g.pitch, 2*g.C, 2*tileDepth, 2*tileDepth*g.C, read/tileDepth, true)
			}
		}
	}
}

// planeOf is the index of a phase among the planes.
func (g *gradTask) planeOf(ph, pw int) int { return ph*phasesOf(g.KW, g.StrideW) + pw }

// packGrad fills B with output rows [r, r+rows) of gy.
func (g *gradTask) packGrad(gy []float32, n, count, r, rows int) {
	k, oh, ow := g.k1-g.k0, g.OutH(), g.OutW()
	at := 0
	for i := range count {
		for q := range g.height {
			line := g.plane[at : at+2*g.width*k]
			at += len(line)
			if q >= rows {
				clear(line)
				continue
			}
			roundRows(unsafe.Pointer(&line[0]), unsafe.Pointer(&gy[(((n+i)*oh+r+q)*ow)*g.K+g.k0]), 2*k, 4*g.K, ow, k)
			clear(line[2*ow*k:])
		}
	}
	clear(g.plane[at : 2*g.pixels*k+slack])
	for c := 0; c < k; c += tileRows {
		pairUp(unsafe.Pointer(&g.b[c/tileRows*g.pixels/tileDepth*tileBytes]), unsafe.Pointer(&g.plane[2*c]), 2*tileDepth, 2*k, tileBytes, 2*tileDepth*k, g.pixels/tileDepth, false)
	}
}

// multiply adds the products of a piece, a slab of pixels after the other: that
// of B stays in the first-level cache for all taps and channels.
func (g *gradTask) multiply(first bool) {
	n, steps := g.k1-g.k0, g.pixels/tileDepth
	zero := 0
	j := &job{taps: &zero, tapCount: 1, rsa: g.pitch, stepA: 2 * tileDepth, stepB: steps * tileBytes, rsf: 4 * n, rsc: 4 * n, rows: &g.rows[0]}
	for at := 0; at < steps; at += slabTiles {
		j.steps = min(slabTiles, steps-at)
		j.a = unsafe.Pointer(&g.a[at*2*tileDepth])
		for k := 0; k < n; k += panel {
			j.b = unsafe.Pointer(&g.b[(k/tileRows*steps+at)*tileBytes])
			j.c = unsafe.Pointer(&g.sums[k])
			j.from = j.c
			if first && at == 0 {
				j.from = nil
			}
			j.count = len(g.rows)
			j.shape(tileRows, min(panel, n-k))
			j.run()
		}
	}
}
