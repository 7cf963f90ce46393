package conv

import (
	"sync"

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

// dense reports whether the taps read neighbouring source elements.
func (a *axis) dense() bool {
	n := len(a.taps)
	return n > 0 && a.taps[n-1].offset-a.taps[0].offset == n-1
}

// valid returns the range of taps that meet the source for output i.
func (a *axis) valid(i int) (lo, hi int) {
	at := i * a.step
	for lo < len(a.taps) && at+a.taps[lo].offset < 0 {
		lo++
	}
	for hi = len(a.taps); hi > lo && at+a.taps[hi-1].offset >= a.source; {
		hi--
	}
	return lo, hi
}

// run returns the end of the run of outputs, begun at i and within limit, that
// meet the source with the same taps, and these taps.
func (a *axis) run(i, limit int) (end, lo, hi int) {
	lo, hi = a.valid(i)
	for end = i + 1; end < limit; end++ {
		if l, h := a.valid(end); l != lo || h != hi {
			break
		}
	}
	return end, lo, hi
}

// reach returns the range of source elements that outputs [lo, hi) read, with
// those outside of the source, empty if there are no taps.
func (a *axis) reach(lo, hi int) (from, to int) {
	if len(a.taps) == 0 {
		return 0, 0
	}
	return lo*a.step + a.taps[0].offset, (hi-1)*a.step + a.taps[len(a.taps)-1].offset + 1
}

// within is reach without what lies outside of the source.
func (a *axis) within(lo, hi int) (from, to int) {
	from, to = a.reach(lo, hi)
	from = min(max(from, 0), a.source)
	return from, max(from, min(to, a.source))
}

// correlation is the one computation behind the forward pass and the input
// gradient: destination pixels are sums of source pixels times matrices. The
// forward pass is one correlation. The input gradient with stride s is s*s of
// them, one for each phase of input pixels that see the same kernel positions,
// so that no zero is ever multiplied.
type correlation struct {
	n      int // images
	h, w   axis
	c, k   int // source and destination channels of one group
	groups int
}

// forwardAxis is an axis of the forward pass.
func forwardAxis(in, out, kernel, stride, pad, dilation int) axis {
	taps := make([]tap, kernel)
	for k := range taps {
		taps[k] = tap{k*dilation - pad, k}
	}
	return axis{source: in, count: out, step: stride, stride: 1, size: out, taps: taps}
}

// gradAxis is an axis of the input gradient for the input elements phase,
// phase+stride, phase+2*stride... Of the equation
//
//	input = output*stride - pad + k*dilation
//
// it keeps those k whose output is a whole number.
func gradAxis(phase, in, out, kernel, stride, pad, dilation int) axis {
	a := axis{source: out, step: 1, first: phase, stride: stride, size: in}
	if phase < in {
		a.count = (in-1-phase)/stride + 1
	}
	for k := kernel - 1; k >= 0; k-- { // descending k is ascending offset
		if at := phase + pad - k*dilation; at%stride == 0 {
			a.taps = append(a.taps, tap{at / stride, k})
		}
	}
	return a
}

// scratch is what one goroutine needs besides memory for numbers.
type scratch struct{ aoff, boff []int }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Targets of the cut into tasks. Tasks are cut by shape alone, so that every
// element is computed in the same way on any number of threads.
const (
	sourceFloats   = 64 << 10  // source of one task: an eighth of a 2 MiB second-level cache
	weightFloats   = 128 << 10 // weights of one task: a quarter of it
	columnsAtOnce  = 112       // output pixels of one row in one task
	taskOperations = 1 << 20   // multiplications that make a task worth handing out
	taskLeast      = 1 << 18   // and those of a task of one small image, about two microseconds
	leastTasks     = 32        // enough for an even share of a few dozen cores
	leastRows      = 4         // output rows of one task
)

// block is the part of the destination that one task computes.
type block struct {
	n0, n1 int // images
	r0, r1 int // output rows
	c0, c1 int // output columns
	k0, k1 int // panels of destination channels, of every group
}

// cut says how many images, rows, columns and panels a block has.
type cut struct{ images, rows, columns, panels int }

// depthwise reports whether every group has one input and one output channel.
func (p *correlation) depthwise() bool { return p.c == 1 && p.k == 1 && p.groups > 1 }

// source is what a correlation reads: pixels or, if planar, planes of channels.
type source struct {
	pixels []float32
	planar bool
}

// pack returns the weights that p needs, in the order that run expects. In the
// input gradient the roles of input and output channels are exchanged (transposed).
// The caller may keep them for many runs, or gives the buffer back to mem.
func (p *correlation) pack(s Shape, w []float32, transposed, kept bool) []float32 {
	switch {
	case p.depthwise():
		return p.depthwiseWeights(s, w)
	case p.winograd(kept):
		return p.winogradWeights(w, transposed)
	}
	return p.panelWeights(s, w, transposed)
}

// run computes dst from src and weights that pack made, to be kept or not.
func (p *correlation) run(src source, packed, dst []float32, kept bool, e gemm.Epilogue) {
	switch {
	case p.n == 0 || p.h.count == 0 || p.w.count == 0:
	case p.depthwise():
		if e.Add != nil {
			copy(dst, e.Add)
			e.Add, e.Accumulate = nil, true
		}
		if src.planar {
			src.pixels = Shape{N: p.n, H: p.h.source, W: p.w.source, C: p.groups}.channelsLast(src.pixels)
			defer mem.PutFloat32s(src.pixels)
		}
		p.runDepthwise(src.pixels, packed, dst, e)
	case p.winograd(kept):
		p.runWinograd(src, packed, dst, e)
	default:
		p.runProducts(src, packed, dst, e)
	}
}

// runProducts is run with matrix products. A product needs rows, many and all
// with the same taps. There are two ways to find them: neighbouring output pixels
// of one image, or one output pixel of many images. The first needs no copy of
// pixels and is for large images, the second is for small ones, which have few
// pixels that are not at a border.
func (p *correlation) runProducts(src source, packed, dst []float32, e gemm.Epilogue) {
	size, body := p.cutByPixels(), p.byPixels
	if p.n >= fewestImages && p.borderShare() > largestBorder {
		size, body = p.cutByImages(), p.byImages
		src.pixels = p.mix(src, size.images)
		defer mem.PutFloat32s(src.pixels)
	}
	across, down := ceilDiv(p.w.count, size.columns), ceilDiv(p.h.count, size.rows)
	deep, wide := ceilDiv(p.n, size.images), ceilDiv(panels(p.k), size.panels)
	// Panels change slowest: their weights stay in cache while images go past.
	par.For(wide*deep*down*across, 1, func(task, _ int) {
		c := task % across * size.columns
		r := task / across % down * size.rows
		n := task / (across * down) % deep * size.images
		k := task / (across * down * deep) * size.panels
		s := scratches.Get().(*scratch)
		body(s, block{
			n, min(n+size.images, p.n), r, min(r+size.rows, p.h.count),
			c, min(c+size.columns, p.w.count), k, min(k+size.panels, panels(p.k)),
		}, src, packed, dst, e)
		scratches.Put(s)
	})
}

// Images go pixel by pixel if there are at least fewestImages of them and more
// than largestBorder of the taps of a row fall outside of the source. With a 3x3
// kernel that is so for 8 pixels a row and not for 14.
const (
	fewestImages  = 8
	largestBorder = 0.06
)

// borderShare is the share of the taps of a row that miss the source.
func (p *correlation) borderShare() float64 {
	valid := 0
	for c := range p.w.count {
		lo, hi := p.w.valid(c)
		valid += hi - lo
	}
	return 1 - float64(valid)/float64(max(1, p.w.count*len(p.w.taps)))
}

// operations counts the multiplications of a task.
func (p *correlation) operations(size cut) int {
	channels := min(p.k, size.panels*panelWidth) * p.groups
	return size.images * size.rows * size.columns * channels * max(1, len(p.h.taps)*len(p.w.taps)*p.c)
}

// tasks counts the tasks of a cut.
func (p *correlation) tasks(size cut) int {
	return ceilDiv(p.n, size.images) * ceilDiv(p.h.count, size.rows) * ceilDiv(p.w.count, size.columns) * ceilDiv(panels(p.k), size.panels)
}

// cutByPixels makes tasks of as much source as stays in the second-level cache
// while all weights stream past it, or of less if there would be few of them.
func (p *correlation) cutByPixels() cut {
	size := cut{images: 1, columns: evenly(p.w.count, columnsAtOnce), panels: panels(p.k)}
	rowSource := p.h.step * min(p.w.source, size.columns*p.w.step) * p.c * p.groups
	// A few rows at least: the columns at the borders of all the rows of a task
	// are one product.
	size.rows = evenly(p.h.count, max(leastRows, sourceFloats/rowSource))
	if size.rows == p.h.count && size.columns == p.w.count {
		size.images = evenly(p.n, max(1, sourceFloats/(rowSource*size.rows)))
	}
	for p.tasks(size) < leastTasks && p.operations(size) >= 2*taskLeast {
		switch {
		case size.images > 1:
			size.images = ceilDiv(size.images, 2)
		case size.rows >= 2*leastRows:
			size.rows = ceilDiv(size.rows, 2)
		case size.panels > 1:
			size.panels = ceilDiv(size.panels, 2)
		default:
			return size
		}
	}
	return size
}

func (p *correlation) cutByImages() cut {
	perPanel := max(1, len(p.h.taps)*len(p.w.taps)*p.c*min(p.k, panelWidth)*p.groups)
	// The rows of the tallest register tiles of AVX-512, by columns.
	tallest := 14
	if p.k <= 16 {
		tallest = 28
	}
	images := evenly(p.n, tallest)
	rowSource := p.h.step * p.w.source * p.c * p.groups * images
	return cut{images, evenly(p.h.count, max(1, sourceFloats/rowSource)), p.w.count, evenly(panels(p.k), max(1, weightFloats/perPanel))}
}

// evenly returns the size of chunks of at most limit that cut n most evenly.
func evenly(n, limit int) int { return ceilDiv(n, ceilDiv(n, limit)) }

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// area is a rectangle of outputs that meet the source with the same taps
// [hlo, hhi) x [wlo, whi), and a panel [k0, k1) of destination channels of a group.
type area struct {
	r0, r1, c0, c1     int
	hlo, hhi, wlo, whi int
	group, k0, k1      int
}

// each calls body for all areas of b. Only taps that meet the source are ever
// multiplied: there is no padding.
func (p *correlation) each(b block, body func(a area)) {
	for g := range p.groups {
		for i := b.k0; i < b.k1; i++ {
			a := area{group: g}
			a.k0, a.k1 = panel(p.k, i)
			for a.r0 = b.r0; a.r0 < b.r1; a.r0 = a.r1 {
				a.r1, a.hlo, a.hhi = p.h.run(a.r0, b.r1)
				for a.c0 = b.c0; a.c0 < b.c1; a.c0 = a.c1 {
					a.c1, a.wlo, a.whi = p.w.run(a.c0, b.c1)
					body(a)
				}
			}
		}
	}
}

// byPixels computes a block image by image: neighbouring output pixels, of a row
// or of a column, are the rows of a product. Of planes it reads a copy as pixels.
func (p *correlation) byPixels(s *scratch, b block, src source, packed, dst []float32, e gemm.Epilogue) {
	pixel := p.c * p.groups
	row := p.w.source * pixel
	// Image b.n0 begins at start, image is how far the next one is.
	image := p.h.source * row
	start := b.n0 * image
	if src.planar {
		up, down := p.h.within(b.r0, b.r1)
		left, right := p.w.within(b.c0, b.c1)
		rows, width := down-up, right-left
		if left == 0 && right == p.w.source { // one run of pixels
			rows, width = 1, rows*width
		}
		plane := p.h.source * p.w.source
		strip := mem.Float32s((b.n1 - b.n0) * rows * width * pixel)
		defer mem.PutFloat32s(strip)
		for i := range (b.n1 - b.n0) * rows {
			n, h := b.n0+i/rows, up+i%rows
			interleave(strip[i*width*pixel:], pixel, src.pixels[n*image+h*p.w.source+left:], plane, pixel, width)
		}
		row = (right - left) * pixel
		src.pixels, image, start = strip, (down-up)*row, -up*row-left*pixel
	}
	p.each(b, func(a area) {
		m := product{p: p, area: a, src: src.pixels, packed: packed, dst: dst, pixel: pixel, row: row, merge: p.groups == 1 && p.w.dense(), e: e}
		m.prepare(s)
		for n := b.n0; n < b.n1; n++ {
			first := start + (n-b.n0)*image
			if a.c1-a.c0 >= a.r1-a.r0 {
				for r := a.r0; r < a.r1; r++ {
					m.multiply(s, a.c1-a.c0, first, r, a.c0, p.w.step*pixel, p.pixel(n, r, a.c0), p.pixelStep(0, 1))
				}
			} else {
				for c := a.c0; c < a.c1; c++ {
					m.multiply(s, a.r1-a.r0, first, a.r0, c, p.h.step*row, p.pixel(n, a.r0, c), p.pixelStep(1, 0))
				}
			}
		}
	})
}

// byImages computes a block pixel by pixel: the same pixel of all images of the
// block are the rows of a product. It reads what mix made.
func (p *correlation) byImages(s *scratch, b block, mixed source, packed, dst []float32, e gemm.Epilogue) {
	channels, images := p.c*p.groups, b.n1-b.n0
	pixel := images * channels
	row := p.w.source * pixel
	p.each(b, func(a area) {
		m := product{p: p, area: a, src: mixed.pixels, packed: packed, dst: dst, pixel: pixel, row: row, e: e}
		m.prepare(s)
		for r := a.r0; r < a.r1; r++ {
			for c := a.c0; c < a.c1; c++ {
				m.multiply(s, images, b.n0*p.h.source*p.w.source*channels, r, c, channels, p.pixel(b.n0, r, c), p.h.size*p.w.size*p.k*p.groups)
			}
		}
	})
}

// mix returns a copy of src in which the same pixel of so many images is
// neighbours: [block of images][row][column][image][channel]. The caller gives it
// back to mem.
func (p *correlation) mix(src source, images int) []float32 {
	channels, plane := p.c*p.groups, p.h.source*p.w.source
	mixed := mem.Float32s(p.n * plane * channels)
	par.For(p.n, max(1, taskOperations/16/(plane*channels)), func(lo, hi int) {
		for n := lo; n < hi; n++ {
			first := n / images * images
			together := min(images, p.n-first)
			from := src.pixels[n*plane*channels:][:plane*channels]
			to := mixed[first*plane*channels+(n-first)*channels:]
			if src.planar {
				interleave(to, together*channels, from, plane, channels, plane)
				continue
			}
			for i := range plane {
				copy(to[i*together*channels:][:channels], from[i*channels:])
			}
		}
	})
	return mixed
}

// product is what the products of one area have in common.
type product struct {
	p                *correlation
	area             area
	src, packed, dst []float32
	pixel, row       int  // elements from one pixel and row of src to the next
	merge            bool // neighbouring columns and their channels are one long vector
	depth            int
	e                gemm.Epilogue
}

// prepare lists the taps of the area, source offsets from the first of them on.
func (m *product) prepare(s *scratch) {
	p, a := m.p, m.area
	s.aoff, s.boff = s.aoff[:0], s.boff[:0]
	m.packed = m.packed[(a.group*p.k+a.k0)*p.c*len(p.h.taps)*len(p.w.taps):]
	columns := a.whi
	m.depth = p.c
	if m.merge && a.wlo < a.whi {
		columns = a.wlo + 1
		m.depth = p.c * (a.whi - a.wlo)
	}
	for th := a.hlo; th < a.hhi; th++ {
		for tw := a.wlo; tw < columns; tw++ {
			row, column := p.h.taps[th].offset-p.h.taps[a.hlo].offset, p.w.taps[tw].offset-p.w.taps[a.wlo].offset
			s.aoff = append(s.aoff, row*m.row+column*m.pixel)
			s.boff = append(s.boff, (th*len(p.w.taps)+tw)*p.c*(a.k1-a.k0))
		}
	}
	if m.e.Bias != nil {
		m.e.Bias = m.e.Bias[a.group*p.k+a.k0 : a.group*p.k+a.k1]
	}
}

// multiply computes rows outputs, of which (r, c) is the first and stands at dst
// pixel at. In src they are rsa elements apart, in dst rsc; first is where the
// image begins in src.
func (m *product) multiply(s *scratch, rows, first, r, c, rsa, at, rsc int) {
	p, a := m.p, m.area
	src := m.src
	if len(s.aoff) > 0 { // all may be padding
		h, w := r*p.h.step+p.h.taps[a.hlo].offset, c*p.w.step+p.w.taps[a.wlo].offset
		src = src[first+h*m.row+w*m.pixel+a.group*p.c:]
	}
	at += a.group*p.k + a.k0
	e := m.e
	if e.Add != nil {
		e.Add = e.Add[at:]
	}
	gemm.BatchReduce(rows, a.k1-a.k0, m.depth, src, s.aoff, rsa, 1, m.packed, s.boff, a.k1-a.k0, m.dst[at:], rsc, e)
}

// pixel is where output (r, c) of image n begins in the destination.
func (p *correlation) pixel(n, r, c int) int {
	return (n*p.h.size+p.h.first)*p.w.size*p.k*p.groups + p.w.first*p.k*p.groups + p.pixelStep(r, c)
}

// pixelStep is how far r rows and c columns of outputs are apart there.
func (p *correlation) pixelStep(r, c int) int {
	return (r*p.h.stride*p.w.size + c*p.w.stride) * p.k * p.groups
}
