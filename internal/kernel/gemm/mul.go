package gemm

import (
	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// Sizes of the blocks that Mul works in, found by measuring (docs/performance.md).
// What they stand for (Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", 2008): a panel of B, blockDepth rows of one tile's width,
// stays in the first-level cache while all rows of a block of A pass by; the
// block of A, blockRows by blockDepth, stays in the second while all panels do.
// Slabs four times as deep make large square products 3% faster and training
// steps, whose operands come from memory, 8% slower.
const (
	blockDepth = 256
	blockRows  = 112
	blockCols  = 1024
)

// taskWork is how many multiply-adds are worth a task of their own, about two
// microseconds. For the sake of many threads a product is cut into smaller
// blocks than the caches like, but into no more tasks than mostTasks.
const (
	taskWork  = 256 << 10
	mostTasks = 32
)

// A product of few rows reads B where it is. When that is far away, slabs of k are
// so low that the pages of their rows stay in the first-level TLB while tiles
// walk along them.
const (
	stripDepth = 64
	stripCols  = 256       // least columns of a task, for such a walk to be worth while
	stripSize  = 400 << 10 // elements, too many for the second-level cache
)

// zero is the list of offsets of a product with one tap.
var zero = []int{0}

// Mul computes C = AB in parallel:
//
//	A[i,p] = a[i*rsa + p*csa]   i<m, p<k
//	B[p,j] = b[p*rsb + j*csb]   j<n
//	C[i,j] = c[i*rsc + j]
//
// under the rules of [BatchReduce]. The result has the same bits for any number
// of threads.
func Mul(m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, e Epilogue) {
	if m <= 0 || n <= 0 {
		return
	}
	isa := cpu.Active()
	if isa == cpu.Generic || k == 0 {
		Portable(m, n, k, a, zero, rsa, csa, b, zero, rsb, csb, c, rsc, e)
		return
	}
	check(m, n, k, a, zero, rsa, csa, b, zero, rsb, csb, c, rsc, &e)
	if flipPays(isa, m, n, k, rsa, csb) {
		flipped(isa, m, n, k, a, rsa, csa, b, rsb, csb, c, rsc, e)
		return
	}
	multiply(isa, m, n, k, a, rsa, csa, b, rsb, csb, c, rsc, e)
}

// multiply is Mul for kernels, with everything checked.
func multiply(isa cpu.ISA, m, n, k int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, rsc int, e Epilogue) {
	if n == 1 {
		csb = 1 // never used to go anywhere
	}
	switch {
	case m <= dotRows && rsb == 1 && csb != 1 && k >= dotDepth:
		transposedDots(isa, m, n, k, a, rsa, csa, b, csb, c, rsc, e)
	case m == 1 && csb == 1 && n >= rowColumns && n*k >= rowSize:
		rowTimesMatrix(isa, n, k, a, csa, b, rsb, c, e)
	case csb == 1 && m*n*k < 2*taskWork:
		reduce(isa, m, n, k, a, zero, rsa, csa, b, zero, rsb, c, rsc, &e, 0, 0, nil)
	default:
		p := &blocked{isa: isa, m: m, n: n, k: k, a: a, rsa: rsa, csa: csa, b: b, rsb: rsb, csb: csb, c: c, rsc: rsc, e: e}
		p.run()
	}
}

// blocked is a product that is cut into blocks of C, each a task, and into slabs
// of k, done one after the other. How it is cut follows from its shape.
//
// A is packed only when its rows are contiguous across and its columns far
// apart: kernels broadcast its elements from anywhere, and a tile uses a cache
// line up before it needs the next. Each task packs what it needs. B is packed
// into panels when its columns are not contiguous, or when it is so large that
// panels of it, strewn over as many pages as they have rows, would not stay in
// the caches.
type blocked struct {
	isa      cpu.ISA
	m, n, k  int
	a        []float32
	rsa, csa int
	b        []float32
	rsb, csb int
	c        []float32
	rsc      int
	e        Epilogue

	rows, cols int       // of a block of C
	packA      bool      // tasks pack their part of A
	wide       bool      // blocks should be as wide as C
	depth      int       // of a slab
	strip      bool      // B is read where it is, and from afar
	panel      int       // columns of a panel of B
	panels     []float32 // the slabs of B in work packed, one after the other, or nil
	width      int       // columns of B, those of whole panels
	p0, p1     int       // the slabs of k in work
}

func (x *blocked) run() {
	x.panel = shapesOf[x.isa].panel()
	x.packA = x.rsa == 1 && x.csa >= farColumns && x.n >= packCols
	pack := x.csb != 1 || packPays(x.m, x.n*x.k)
	// Vectors of AVX2 and NEON gain nothing by the walk along strips.
	x.strip = !pack && x.isa == cpu.AVX512 && x.m < packedRows && x.n*x.k >= stripSize
	depth := blockDepth
	if x.strip {
		depth = stripDepth
	}
	x.depth = ceil(x.k, ceil(x.k, depth))
	if pack && x.ownPays() {
		x.byPanels()
		return
	}
	x.cut()
	across := ceil(x.n, x.cols)
	tasks := x.tasks()
	part := x.k // without panels a task adds up all slabs of its block
	if pack {
		part = x.together() * x.depth
		x.width = ceil(x.n, x.panel) * x.panel
		x.panels = mem.Float32s(min(part, x.k) * x.width)
		defer mem.PutFloat32s(x.panels)
	}
	room := room{}
	if x.packA {
		room = newRoom(x.depth*x.rows, tasks)
		defer room.release()
	}
	for x.p0 = 0; x.p0 < x.k; x.p0 = x.p1 {
		x.p1 = min(x.p0+part, x.k)
		if x.panels != nil {
			par.For(ceil(x.p1-x.p0, x.depth)*x.width/x.panel, ceil(packWork, x.depth*x.panel), x.pack)
		}
		par.ForWorker(tasks, 1, func(worker, task, _ int) {
			i, j := task/across*x.rows, task%across*x.cols
			for p := x.p0; p < x.p1; p += x.depth {
				x.block(room.of(worker), i, min(i+x.rows, x.m), j, min(j+x.cols, x.n), p, min(p+x.depth, x.p1))
			}
		})
	}
}

// Every panel of B is packed by the task that multiplies by it if a slab of A has
// no more than ownSize elements and A no more than ownA, so that it stays in the
// second-level cache from panel to panel.
const (
	ownSize = 128 << 10
	ownA    = 256 << 10
)

func (x *blocked) ownPays() bool {
	return !x.packA && x.m*x.depth <= ownSize && x.m*x.k <= ownA
}

// An odd number of panels, fewer than fewPanels, makes twice as many tasks of half
// the rows, if that leaves them halfRows.
const (
	fewPanels = 8
	halfRows  = 24
)

// byPanels makes each panel of B the work of one task, which packs it slab by slab
// and multiplies all rows of A by the slab while it is in the first-level cache.
// Panels that are packed first, for all tasks, cross from core to core, which
// takes small products longer than to multiply them. For that reason it even pays
// to pack each panel twice where few are odd in number.
func (x *blocked) byPanels() {
	panels, rows := ceil(x.n, x.panel), x.m
	if panels%2 == 1 && panels < fewPanels && x.m >= 2*halfRows {
		rows = ceil(x.m, 2)
	}
	tasks := panels * ceil(x.m, rows)
	room := newRoom(x.depth*x.panel, tasks)
	defer room.release()
	par.ForWorker(tasks, ceil(taskWork, rows*x.k*x.panel), func(worker, lo, hi int) {
		panel := room.of(worker)
		for task := lo; task < hi; task++ {
			i0, j0 := task/panels*rows, task%panels*x.panel
			i1, j1 := min(i0+rows, x.m), min(j0+x.panel, x.n)
			for p0 := 0; p0 < x.k; p0 += x.depth {
				p1 := min(p0+x.depth, x.k)
				x.packPanel(panel, j0, p0, p1)
				x.reduce(i0, i1, j0, j1, p1-p0, x.a[i0*x.rsa+p0*x.csa:], x.rsa, x.csa, panel, x.panel, x.epilogue(i0, p0, p1), 0, nil)
			}
		}
	})
}

// A slab of B of so many elements may stay in the second-level cache.
const nearSlab = 128 << 10

// Blocks of C that are as wide as C are cut no lower than to lowRows rows, and only
// if there are at least manyRows, so that tasks remain for many threads.
const (
	lowRows  = 32
	manyRows = 420
)

// room is memory for what each worker packs. It is taken before the tasks begin:
// how many of them run at once, and would each take some, is a matter of chance,
// and what a training step needs should not be.
type room struct {
	data []float32
	size int
}

// newRoom takes room of so many elements for each of the workers that so many
// tasks can have.
func newRoom(size, tasks int) room {
	return room{mem.Float32s(size * min(par.Threads(), tasks)), size}
}

func (r room) release() { mem.PutFloat32s(r.data) }

// of is the part of a worker; nil where no room was taken.
func (r room) of(worker int) []float32 {
	if r.size == 0 {
		return nil
	}
	return r.data[worker*r.size:][:r.size]
}

// A second-level cache does not hold a C of largeC elements, and may hold nearPart
// elements of B.
const (
	largeC   = 512 << 10
	nearPart = 512 << 10
)

// together is how many slabs of B are packed before they are multiplied by. With
// one a task finds most of it in the cache; with several it finds the sums of its
// block of C there, and need not fetch them from afar for each slab. That pays if
// C is large and there is no A to pack.
func (x *blocked) together() int {
	if x.packA || x.m*x.n < largeC {
		return 1
	}
	return max(1, nearPart/(x.depth*min(x.n, blockCols)))
}

// cut chooses the size of the blocks of C.
//
// Blocks that lie side by side read, or pack, the same rows of A. Where A comes
// from afar it is better to have low blocks and only one across.
func (x *blocked) cut() {
	x.rows = ceil(x.m, ceil(x.m, blockRows))
	x.cols = min(ceil(x.n, x.panel)*x.panel, blockCols)
	x.wide = x.packA || x.m >= manyRows && x.depth*x.n <= nearSlab && !x.strip
	for x.tasks() < mostTasks && x.rows*x.cols*x.k >= 2*taskWork && x.halve() {
	}
	switch s := &shapesOf[x.isa]; {
	case x.packA: // columns are copied by lines of the cache
		x.rows = ceil(x.rows, lineFloats) * lineFloats
	case x.wide || x.tasks() >= 2*mostTasks: // tiles of full height; few blocks stay even
		full := s.maxRows[x.panel>>s.logWidth]
		x.rows = ceil(x.rows, full) * full
	}
}

// halve halves the blocks of C, if they may be smaller.
func (x *blocked) halve() bool {
	switch {
	case x.rows > blockRows/2 || x.wide && x.rows > lowRows:
		x.rows = ceil(x.rows, 2)
	case x.wide && x.cols <= blockCols/2:
		return false
	case x.cols >= 2*x.panel && !(x.strip && x.cols < 2*stripCols):
		x.cols = ceil(x.cols, 2*x.panel) * x.panel
	case x.rows >= 2*leastRows:
		x.rows = ceil(x.rows, 2)
	default:
		return false
	}
	return true
}

// tasks is the number of blocks of C.
func (x *blocked) tasks() int { return ceil(x.m, x.rows) * ceil(x.n, x.cols) }

// leastRows is the number of rows below which tiles are too low to be fast.
const leastRows = 12

// block computes rows [i0, i1) and columns [j0, j1) of C for the slab [p0, p1).
// Where A is packed it is packed into room.
func (x *blocked) block(room []float32, i0, i1, j0, j1, p0, p1 int) {
	e := x.epilogue(i0, p0, p1)
	a := x.a[i0*x.rsa+p0*x.csa:]
	rows, depth := i1-i0, p1-p0
	rsa, csa := x.rsa, x.csa
	if x.packA {
		packColumns(room, a, csa, rows, depth)
		a, csa = room, rows
	}
	if x.panels == nil {
		strip := 0
		if x.strip {
			strip = x.rsb
		}
		x.reduce(i0, i1, j0, j1, depth, a, rsa, csa, x.b[p0*x.rsb+j0:], x.rsb, e, strip, nil)
		return
	}
	for j := j0; j < j1; j += x.panel {
		panel := x.panels[(p0-x.p0)*x.width+j*depth:]
		var next []float32
		if j+x.panel < j1 {
			next = panel[depth*x.panel:][:depth*x.panel]
		}
		x.reduce(i0, i1, j, min(j+x.panel, j1), depth, a, rsa, csa, panel, x.panel, e, 0, next)
	}
}

// epilogue is what happens to the rows of C from i0 on behind the slab [p0, p1).
func (x *blocked) epilogue(i0, p0, p1 int) (e Epilogue) {
	if e.Accumulate = x.e.Accumulate || p0 > 0; !e.Accumulate && x.e.Add != nil {
		e.Add = x.e.Add[i0*x.rsc:]
	}
	if p1 == x.k {
		e.Bias, e.ReLU = x.e.Bias, x.e.ReLU
	}
	return e
}

func (x *blocked) reduce(i0, i1, j0, j1, depth int, a []float32, rsa, csa int, b []float32, rsb int, e Epilogue, strip int, next []float32) {
	if e.Bias != nil {
		e.Bias = e.Bias[j0:j1]
	}
	if e.Add != nil {
		e.Add = e.Add[j0:]
	}
	reduce(x.isa, i1-i0, j1-j0, depth, a, zero, rsa, csa, b, zero, rsb, x.c[i0*x.rsc+j0:], x.rsc, &e, farC, strip, next)
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }
