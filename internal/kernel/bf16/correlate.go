package bf16

import (
	"sync"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// tap is one kernel position along one axis: output i reads source element
// i*step + offset and multiplies it with weight index.
type tap struct{ offset, index int }

// axis says how one dimension of what is computed meets one dimension of the
// source.
type axis struct {
	source int // source elements
	count  int // outputs to compute
	step   int // source elements from one output to the next
	first  int // output i is element first + i*stride of the destination
	stride int
	size   int   // destination elements
	taps   []tap // by ascending offset
}

// forwardAxis is an axis of the forward pass.
func forwardAxis(in, out, kernel, stride, pad, dilation int) axis {
	a := axis{source: in, count: out, step: stride, stride: 1, size: out}
	for k := range kernel {
		a.taps = append(a.taps, tap{k*dilation - pad, k})
	}
	return a
}

// gradAxis is an axis of the input gradient for the input elements phase,
// phase+stride, phase+2*stride... Of the equation
//
//	input = output*stride - pad + k*dilation
//
// it keeps those k whose output is a whole number.
func gradAxis(phase, in, out, kernel, stride, pad, dilation int) axis {
	a := axis{source: out, count: (in-1-phase)/stride + 1, step: 1, first: phase, stride: stride, size: in}
	for k := kernel - 1; k >= 0; k-- { // descending k is ascending offset
		if at := phase + pad - k*dilation; at%stride == 0 {
			a.taps = append(a.taps, tap{at / stride, k})
		}
	}
	return a
}

// margins returns how many elements before and behind the source are read.
func (a *axis) margins() (before, behind int) {
	if len(a.taps) == 0 {
		return 0, 0
	}
	last := a.taps[len(a.taps)-1]
	return max(0, -a.taps[0].offset), max(0, (a.count-1)*a.step+last.offset+1-a.source)
}

// dense reports whether the taps read neighbouring source elements.
func (a *axis) dense() bool {
	n := len(a.taps)
	return n > 0 && a.taps[n-1].offset-a.taps[0].offset == n-1
}

// correlation is the one computation behind the forward pass and the input
// gradient: destination pixels are sums of source pixels times matrices.
type correlation struct {
	n    int // images
	h, w axis
	c, k int // source and destination channels
}

// images is a copy of the source in bfloat16 with zeros around every image.
//
// Rows of a tile are pixels, all as far apart. They are neighbours of one image
// row, unless these are so short that more of a tile is used when its rows are the
// same pixel of different images: then the images lie side by side, [row][column]
// [image][channel].
type images struct {
	data       []byte
	sideBySide bool
	top, left  int
	pixel      int // bytes from one column to the next
	row        int // bytes from one row to the next
	image      int // bytes from one image to the next
}

func (x images) release() { mem.Default.Put(x.data) }

// slack is how many bytes tiles may reach beyond the last pixel.
const slack = tileRows * 2 * tileDepth

// convert copies the source for correlations of the same source.
func (p *correlation) convert(src []float32, users ...*correlation) images {
	var x images
	bottom, right := 0, 0
	for _, u := range users {
		before, behind := u.h.margins()
		x.top, bottom = max(x.top, before), max(bottom, behind)
		before, behind = u.w.margins()
		x.left, right = max(x.left, before), max(right, behind)
	}
	height, width := x.top+p.h.source+bottom, x.left+p.w.source+right
	pixel := 2 * p.c
	// Few channels fill the row of a tile with those of neighbouring columns only.
	x.sideBySide = p.c >= tileRows && use(p.n) > use(p.w.count)
	if x.sideBySide {
		x.image, x.pixel, x.row = pixel, p.n*pixel, width*p.n*pixel
	} else {
		x.pixel, x.row, x.image = pixel, width*pixel, height*width*pixel
	}
	size := p.n * height * width * pixel
	x.data = mem.Default.Get(size + slack)
	clear(x.data[size:])
	if x.sideBySide {
		par.For(height, ceil(convertChunk, x.row), func(lo, hi int) {
			for h := lo; h < hi; h++ {
				row := x.data[h*x.row:][:x.row]
				if h < x.top || h >= x.top+p.h.source {
					clear(row)
					continue
				}
				clear(row[:x.left*x.pixel])
				clear(row[(x.left+p.w.source)*x.pixel:])
				for w := range p.w.source {
					roundRows(unsafe.Pointer(&row[(x.left+w)*x.pixel]), unsafe.Pointer(&src[((h-x.top)*p.w.source+w)*p.c]),
						pixel, 4*p.h.source*p.w.source*p.c, p.n, p.c)
				}
			}
		})
		return x
	}
	par.For(p.n*height, ceil(convertChunk, x.row), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			n, h := i/height, i%height
			row := x.data[i*x.row:][:x.row]
			if h < x.top || h >= x.top+p.h.source {
				clear(row)
				continue
			}
			clear(row[:x.left*pixel])
			clear(row[(x.left+p.w.source)*pixel:])
			roundRows(unsafe.Pointer(&row[x.left*pixel]), unsafe.Pointer(&src[(n*p.h.source+h-x.top)*p.w.source*p.c]), 0, 0, 1, p.w.source*p.c)
		}
	})
	return x
}

// convertChunk is how many bytes to convert are worth a task of their own.
const convertChunk = 64 << 10

// use is the share of the rows of tiles that is used when n pixels are cut into
// tiles of the same height, in percent.
func use(n int) int { return 100 * n / (ceil(n, tileRows) * tileRows) }

// even returns the height of tiles of n pixels, and how many there are. The last
// one begins early enough to be of that height too.
func even(n int) (height, tiles int) {
	tiles = ceil(n, tileRows)
	return ceil(n, tiles), tiles
}

// weights returns the weights of p, [column of tiles][tap][step] in tiles, and the
// taps. With neighbouring columns side by side in the source, those of a kernel row
// are one tap. In the input gradient (transposed) the roles of input and output
// channels are exchanged.
func (p *correlation) weights(s conv.Shape, w []float32, transposed bool, x images) (packed []byte, taps []int, steps int) {
	merge := !x.sideBySide && p.w.dense()
	for _, th := range p.h.taps {
		for i, tw := range p.w.taps {
			if i == 0 || !merge {
				taps = append(taps, (x.top+th.offset)*x.row+(x.left+tw.offset)*x.pixel)
			}
		}
	}
	together := 1 // columns of the kernel in a tap
	if merge {
		together = len(p.w.taps)
	}
	depth := together * p.c
	steps = ceil(depth, tileDepth)
	if len(taps) == 0 {
		return nil, nil, steps
	}
	// First [tap of h][k][tap of w][c], or with the last three turned around for
	// the gradient; then tiles.
	kernel := s.KH * s.KW
	ordered := mem.Float32s(len(p.h.taps) * len(p.w.taps) * s.K * s.C)
	defer mem.PutFloat32s(ordered)
	across := len(p.w.taps)
	par.For(s.K, ceil(convertChunk, s.C*kernel), func(lo, hi int) {
		turned := mem.Float32s(kernel * s.C) // [tap][c] of one k
		defer mem.PutFloat32s(turned)
		for k := lo; k < hi; k++ {
			gemm.Transpose(turned, s.C, w[k*s.C*kernel:], kernel, s.C, kernel)
			for i, th := range p.h.taps {
				for j, tw := range p.w.taps {
					var to []float32
					switch {
					case transposed || !merge:
						to = ordered[((i*across+j)*s.K+k)*s.C:][:s.C]
					default:
						to = ordered[((i*s.K+k)*across+j)*s.C:][:s.C]
					}
					copy(to, turned[(th.index*s.KW+tw.index)*s.C:])
				}
			}
		}
	})
	total := len(taps) * steps * tileBytes
	columns := ceil(p.k, tileRows)
	packed = mem.Default.Get(columns * total)
	matrix := together * s.K * s.C
	par.For(len(taps), 1, func(t, _ int) {
		from := source{ordered[t*matrix:][:matrix], depth, 1}
		if transposed {
			from.row, from.step = 1, s.C
		}
		from.pack(tiles{packed[t*steps*tileBytes:], total, tileBytes, true}, 0, p.k, 0, depth)
	})
	return packed, taps, steps
}

// Targets of the cut into tasks.
const (
	sourceBytes = 256 << 10 // of the source in one task: an eighth of the second-level cache
	fewestRows  = 8         // rows of tiles in a task
)

var rowLists = sync.Pool{New: func() any { return new([]row) }}

// run computes dst.
func (p *correlation) run(s conv.Shape, x images, w []float32, transposed bool, dst []float32, e gemm.Epilogue) {
	if p.h.count == 0 || p.w.count == 0 {
		return
	}
	packed, taps, steps := p.weights(s, w, transposed, x)
	defer mem.Default.Put(packed)
	if len(taps) == 0 { // a phase that no tap reaches
		p.zero(dst)
		return
	}
	// Offsets in bytes of dst, and the pixels that the rows of a tile are.
	outPixel, outRow := 4*p.k*p.w.stride, 4*p.k*p.w.size*p.h.stride
	outImage := 4 * p.k * p.w.size * p.h.size
	first := (p.h.first*p.w.size + p.w.first) * p.k
	along, rsa, rsc := p.w.count, p.w.step*x.pixel, outPixel
	if x.sideBySide {
		along, rsa, rsc = p.n, x.image, outImage
	}
	height, tilesAlong := even(along)
	total := p.n * p.h.count * p.w.count / along * tilesAlong
	list := func(t int) row {
		line, i := t/tilesAlong, min(t%tilesAlong*height, along-height)
		if x.sideBySide {
			r, c := line/p.w.count, line%p.w.count
			return row{r*p.h.step*x.row + c*p.w.step*x.pixel + i*rsa, 0, r*outRow + c*outPixel + i*rsc}
		}
		n, r := line/p.h.count, line%p.h.count
		return row{n*x.image + r*p.h.step*x.row + i*rsa, 0, n*outImage + r*outRow + i*rsc}
	}
	chunk := max(fewestRows, sourceBytes/(height*2*p.c)&^1)
	chunks, panels := ceil(total, chunk), ceil(p.k, panel)
	groups := 1 // of panels: where pixels are few
	for chunks*groups < enoughTasks && groups < panels {
		groups++
	}
	depth := len(taps) * steps * tileBytes
	par.For(chunks*groups, 1, func(task, _ int) {
		chunkOf, group := task%chunks, task/chunks
		rows := rowLists.Get().(*[]row)
		*rows = (*rows)[:0]
		for t := chunkOf * chunk; t < min((chunkOf+1)*chunk, total); t++ {
			*rows = append(*rows, list(t))
		}
		j := &job{
			a: unsafe.Pointer(&x.data[0]), taps: &taps[0], tapCount: len(taps), steps: steps, rsa: rsa, stepA: 2 * tileDepth,
			stepB: depth, rsc: rsc, rows: &(*rows)[0],
		}
		if e.ReLU {
			j.flags = relu
		}
		for i := group * panels / groups; i < (group+1)*panels/groups; i++ {
			j.b = unsafe.Pointer(&packed[2*i*depth])
			j.c = unsafe.Pointer(&dst[first+i*panel])
			if e.Bias != nil {
				j.bias = unsafe.Pointer(&e.Bias[i*panel])
			}
			j.count = len(*rows)
			j.shape(height, min(panel, p.k-i*panel))
			j.run()
		}
		rowLists.Put(rows)
	})
}

// zero clears what p computes.
func (p *correlation) zero(dst []float32) {
	for n := range p.n {
		for r := range p.h.count {
			for c := range p.w.count {
				clear(dst[((n*p.h.size+p.h.first+r*p.h.stride)*p.w.size+p.w.first+c*p.w.stride)*p.k:][:p.k])
			}
		}
	}
}
