package bf16

import (
	"fmt"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Sizes of the blocks that Mul works in, found by measuring. A panel of B, a slab
// deep, stays in the first-level cache (32 of 48 KiB) while the rows of tiles of a
// block pass by; a slab of a block of A (512 KiB) and its sums (1 MiB) stay in the
// second-level cache (2 MiB).
const (
	slabTiles   = 16 // of k
	blockTiles  = 32 // of rows
	blockPanels = 16 // of columns
)

// A product is cut into smaller blocks until there are enoughTasks, but not into
// tasks of less than taskTiles multiplications of a row of tiles with a panel,
// about two microseconds each 64.
const (
	enoughTasks = 16
	taskTiles   = 128
)

// fetchSteps is from how many steps on it pays to bring the next rows of C near,
// two at every step, of the 32 that the next block has.
const fetchSteps = 8

// ownTiles is up to how many rows of tiles every task packs the panels of B that
// it needs itself, so that they never leave its caches. With more rows there are
// several tasks for one panel, and all panels are packed before.
const ownTiles = blockTiles

// Mul computes C = AB in parallel, with A and B rounded to bfloat16:
//
//	A[i,p] = a[i*rsa + p*csa]   i<m, p<k
//	B[p,j] = b[p*rsb + j*csb]   j<n
//	C[i,j] = c[i*rsc + j]
//
// C must not overlap A or B, nor its rows each other. It panics when an index
// leaves its slice. The result has the same bits for any number of threads.
func Mul(m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, e gemm.Epilogue) {
	if m <= 0 || n <= 0 {
		return
	}
	if !hasKernels() || k == 0 {
		rounded(m, n, k, a, rsa, csa, b, rsb, csb, c, rsc, e)
		return
	}
	check(m, n, k, len(a), rsa, csa, len(b), rsb, csb, len(c), rsc, e)
	if e.Add != nil {
		for i := range m {
			copy(c[i*rsc:][:n], e.Add[i*rsc:])
		}
		e.Add, e.Accumulate = nil, true
	}
	if e.Accumulate && e.Bias != nil {
		addBias(m, n, c, rsc, e.Bias)
		e.Bias = nil
	}
	p := product{m: m, n: n, k: k, a: source{a, rsa, csa}, b: source{b, csb, rsb}, c: c, rsc: rsc, e: e}
	p.run()
}

// check panics unless every index lies inside its slice: it is all that stands
// between a wrong stride and assembly that writes anywhere.
func check(m, n, k, a, rsa, csa, b, rsb, csb, c, rsc int, e gemm.Epilogue) {
	switch {
	case k < 0 || rsa|csa|rsb|csb|rsc < 0:
		panic(fmt.Sprintf("bf16: negative size or stride: m=%d n=%d k=%d, A strides %d,%d, B strides %d,%d, C stride %d", m, n, k, rsa, csa, rsb, csb, rsc))
	case (m-1)*rsa+(k-1)*csa >= a:
		panic(fmt.Sprintf("bf16: A of %dx%d with strides %d,%d does not fit %d elements", m, k, rsa, csa, a))
	case (k-1)*rsb+(n-1)*csb >= b:
		panic(fmt.Sprintf("bf16: B of %dx%d with strides %d,%d does not fit %d elements", k, n, rsb, csb, b))
	case (m-1)*rsc+n > c || m > 1 && rsc < n:
		panic(fmt.Sprintf("bf16: C of %dx%d with row stride %d does not fit %d elements", m, n, rsc, c))
	case e.Bias != nil && len(e.Bias) < n:
		panic(fmt.Sprintf("bf16: bias of %d elements for %d columns", len(e.Bias), n))
	}
}

// addBias adds a row to every row of C.
func addBias(m, n int, c []float32, rsc int, bias []float32) {
	for i := range m {
		to := c[i*rsc:][:n]
		for j, v := range bias[:n] {
			to[j] += v
		}
	}
}

// product is a product that is cut into blocks of C, each a task. How it is cut
// follows from its shape.
//
// A task goes through k in slabs and keeps the sums in scratch memory meanwhile,
// for in C itself they would leave the cache: rows of C are apart, often by a power
// of two.
type product struct {
	m, n, k int
	a, b    source // b by columns
	c       []float32
	rsc     int
	e       gemm.Epilogue

	deep       int    // tiles along k
	slab       int    // tiles of a slab along k
	high, wide int    // of a block, in rows of tiles and in panels
	packedA    []byte // [slab][row of tiles][k in the slab]
	packedB    []byte // [slab][column of tiles][k in the slab], or nil
}

func (x *product) run() {
	x.deep = ceil(x.k, tileDepth)
	x.slab = ceil(x.deep, ceil(x.deep, slabTiles))
	down, across := ceil(x.m, tileRows), ceil(x.n, panel)
	x.cut(down, across)
	x.packedA = x.pack(x.a, x.m, false)
	defer packs.Put(x.packedA)
	if down > ownTiles {
		x.packedB = x.pack(x.b, x.n, true)
		defer packs.Put(x.packedB)
	}
	blocks := ceil(across, x.wide)
	par.For(ceil(down, x.high)*blocks, 1, func(task, _ int) {
		i, j := task/blocks*x.high, task%blocks*x.wide
		x.block(i, min(i+x.high, down), j, min(j+x.wide, across))
	})
}

// packs is where packed matrices are. Unlike that of a pool, its memory is in huge
// pages when it is large.
var packs mem.Arena

// pack packs a whole matrix of size rows, several rows of tiles together. Where the
// source is contiguous down them it is read in long runs: more of them.
func (x *product) pack(from source, size int, forB bool) []byte {
	together := 8
	if from.row == 1 {
		together = 32
	}
	down, slabs := ceil(size, tileRows), ceil(x.deep, x.slab)
	data := packs.Get(slabs * down * x.slab * tileBytes)
	across := ceil(down, together)
	par.For(across*slabs, 1, func(task, _ int) {
		i, s := task/slabs*together, task%slabs
		to := tiles{data[(s*down+i)*x.slab*tileBytes:], x.slab * tileBytes, tileBytes, forB}
		from.pack(to, i*tileRows, min((i+together)*tileRows, size), s*x.slab*tileDepth, min((s+1)*x.slab*tileDepth, x.k))
	})
	return data
}

// cut chooses the size of the blocks of C: small enough for enough tasks, where
// that leaves enough work in each.
func (x *product) cut(down, across int) {
	x.high, x.wide = min(down, blockTiles), min(across, blockPanels)
	for ceil(down, x.high)*ceil(across, x.wide) < enoughTasks && x.high*x.wide*x.deep >= 2*taskTiles {
		switch {
		case x.wide > 1 && (down <= ownTiles || 2*x.wide >= x.high):
			x.wide = ceil(x.wide, 2)
		case down > ownTiles && x.high > 1:
			x.high = ceil(x.high, 2)
		default:
			return
		}
	}
}

// block computes rows of tiles [i0, i1) of panels [j0, j1).
func (x *product) block(i0, i1, j0, j1 int) {
	t := task{product: x, i0: i0, i1: i1, j0: j0, j1: j1}
	if x.packedB == nil {
		t.own = mem.Default.Get(2 * x.slab * tileBytes)
		defer mem.Default.Put(t.own)
	}
	slabs := ceil(x.deep, x.slab)
	if slabs > 1 {
		t.sums = mem.Float32s((i1 - i0) * (j1 - j0) * tileRows * panel)
		defer mem.PutFloat32s(t.sums)
	}
	for s := range slabs {
		t.slabOf(s, s == 0, s == slabs-1)
	}
}

// task is a block of C in work.
type task struct {
	*product
	i0, i1, j0, j1 int
	own            []byte    // a panel of B, when this task packs them
	sums           []float32 // [panel][row][column], between slabs
	rows           [blockTiles]row
	job            job
	tap            int // 0: products have one tap
}

// slabOf adds slab s.
func (t *task) slabOf(s int, first, last bool) {
	x, j := t.product, &t.job
	tall := x.slab * tileBytes // of a row of tiles
	down, columns := ceil(x.m, tileRows), ceil(x.n, tileRows)
	height := t.i1 - t.i0
	deep := min(x.slab, x.deep-s*x.slab)
	j.taps, j.tapCount, j.rsa, j.stepA = &t.tap, 1, 2*tileDepth, tileBytes
	j.a, j.steps, j.stepB = unsafe.Pointer(&x.packedA[(s*down+t.i0)*tall]), deep, tall
	j.flags = streamA
	j.rsf, j.rsc = 4*panel, 4*panel
	if first {
		j.rsf = 4 * x.rsc
	}
	if last {
		j.rsc = 4 * x.rsc
		if deep >= fetchSteps {
			j.flags |= fetchC
		}
		if x.e.ReLU {
			j.flags |= relu
		}
	}
	for i := range height {
		t.rows[i] = row{i * tall, i * tileRows * j.rsf, i * tileRows * j.rsc}
	}
	whole := min(t.i1, x.m/tileRows) - t.i0 // rows of tiles of full height
	for p := t.j0; p < t.j1; p++ {
		width := min(panel, x.n-p*panel)
		if !last {
			// Each panel fetches its share of the next slab of A, as far as the block is as
			// high as the panels are many.
			share := deep * (height / 2)
			j.nextA = address(x.packedA, ((s+1)*down+t.i0)*tall) + uintptr(min((p-t.j0)*share, height*tall/128-share)*128)
		}
		if t.own != nil {
			to := tiles{t.own, tall, tileBytes, true}
			x.b.pack(to, p*panel, p*panel+width, s*x.slab*tileDepth, min((s+1)*x.slab*tileDepth, x.k))
			j.b, j.nextB = unsafe.Pointer(&t.own[0]), address(t.own, 0)
		} else {
			at := s*columns + 2*p
			j.b, j.nextB = unsafe.Pointer(&x.packedB[at*tall]), address(x.packedB, at*tall)
			switch {
			case p+1 < t.j1:
				j.nextB = address(x.packedB, (at+2)*tall)
			case !last:
				j.nextB = address(x.packedB, ((s+1)*columns+2*t.j0)*tall)
			}
		}
		j.from, j.bias = nil, nil
		j.c = unsafe.Pointer(&x.c[t.i0*tileRows*x.rsc+p*panel])
		switch {
		case first && x.e.Accumulate:
			j.from = j.c
		case first && x.e.Bias != nil:
			j.bias = unsafe.Pointer(&x.e.Bias[p*panel])
		case !first:
			j.from = unsafe.Pointer(&t.sums[(p-t.j0)*height*tileRows*panel])
		}
		if !last {
			j.c = unsafe.Pointer(&t.sums[(p-t.j0)*height*tileRows*panel])
		}
		j.nextFrom, j.fromStep = address(x.packedA, 0), 0
		if t.sums != nil {
			const pair = 2 * tileRows * panel // sums of two rows of tiles, what a step's 256 bytes add up to
			j.nextFrom, j.fromStep = uintptr(unsafe.Pointer(&t.sums[(p-t.j0)*height*tileRows*panel]))+4*pair, 256
		}
		if whole > 0 {
			j.shape(tileRows, width)
			j.rows, j.count = &t.rows[0], whole
			j.run()
		}
		if whole < height {
			j.shape(x.m%tileRows, width)
			j.rows, j.count = &t.rows[whole], 1
			j.run()
		}
	}
}

// address is where memory lies that is only fetched.
func address(data []byte, at int) uintptr { return uintptr(unsafe.Pointer(&data[at])) }
