package main

// This file writes the loops around a kernel's body; what it writes is the
// same for every machine. All loops come in the same order: as many vectors at
// a time as the kernel wants unrolled, then one at a time, then the elements
// that are left, either under a mask or one by one in the lowest lane. A body
// runs the same operations in all three, so a result does not depend on which
// loop made it.

// mode says which elements of a vector a body works on.
type mode int

const (
	full   mode = iota
	masked      // those that are left, fewer than a vector has
	single      // one, in the lowest lane
)

// counter is a register that counts down.
type counter int

const (
	elements counter = iota // of the slice or row, or columns
	rows
)

// condition is what a jump depends on.
type condition int

const (
	less condition = iota
	notLess
	zero
	notZero
)

// rowUnroll is how many rows a column reduction adds up apart from each other
// when it works on a single vector of columns: the additions of one row need
// not wait for those of the row before.
const rowUnroll = 4

// machine writes the instructions of one instruction set.
type machine interface {
	lanes() int
	// tail is how this machine does what is left: masked or single.
	tail() mode
	begin()
	// clear sets n sets of accumulators to their start.
	clear(n int)
	// body writes the kernel's body for the at-th vector from here,
	// accumulating into that set.
	body(at, set int, m mode)
	// advance moves all pointers n elements on.
	advance(n int)
	// nextRow moves all pointers from the end of a row to the start of the next.
	nextRow()
	// down moves the pointers to matrices one row down, top to the first row.
	down()
	top()
	// reload sets a counter to its start.
	reload(c counter)
	// count subtracts n from c and jumps to the label depending on the result.
	count(c counter, n int, jump condition, label string)
	label(name string)
	// align is called before the label of a loop.
	align()
	// merge adds n sets of accumulators into the first.
	merge(n int)
	// results reduces the first set of accumulators and returns them.
	results()
	// loadSet and storeSet read and write a set of accumulators of a column
	// reduction at the at-th vector from here.
	loadSet(at, set int, m mode)
	storeSet(at, set int, m mode)
	end() string
}

// generate writes a kernel.
func generate(k *kernel, m machine) string {
	m.begin()
	switch k.shape {
	case overSlice:
		m.clear(k.unroll)
		sliceLoops(k, m)
		m.merge(k.unroll)
		m.results()
	case overRows:
		m.reload(rows)
		m.label("row")
		m.reload(elements)
		sliceLoops(k, m)
		m.nextRow()
		m.count(rows, 1, notZero, "row")
	case overColumns:
		columnLoops(k, m)
	}
	return m.end()
}

// sliceLoops covers the elements that the counter says, from where the
// pointers are.
func sliceLoops(k *kernel, m machine) {
	lanes, wide := m.lanes(), m.lanes()*k.unroll
	if k.unroll > 1 {
		m.count(elements, wide, less, "narrow")
		m.align()
		m.label("wide")
		for u := range k.unroll {
			m.body(u, u, full)
		}
		m.advance(wide)
		m.count(elements, wide, notLess, "wide")
		m.label("narrow")
		m.count(elements, lanes-wide, less, "tail")
	} else {
		m.count(elements, lanes, less, "tail")
	}
	m.label("vector")
	m.body(0, 0, full)
	m.advance(lanes)
	m.count(elements, lanes, notLess, "vector")
	m.label("tail")
	m.count(elements, -lanes, zero, "done")
	if m.tail() == masked {
		m.body(0, 0, masked)
	} else {
		m.label("element")
		m.body(0, 0, single)
		m.advance(1)
		m.count(elements, 1, notZero, "element")
	}
	m.label("done")
}

// columnLoops reduces blocks of columns over all rows, at least one. It adds to
// the results that are there, so that a caller can hand the rows over in parts.
func columnLoops(k *kernel, m machine) {
	lanes, wide := m.lanes(), m.lanes()*k.unroll
	m.reload(elements)
	m.count(elements, wide, less, "narrow")
	m.label("wide")
	m.clear(k.unroll)
	for u := range k.unroll {
		m.loadSet(u, u, full)
	}
	m.reload(rows)
	m.align()
	m.label("wideRow")
	for u := range k.unroll {
		m.body(u, u, full)
	}
	m.down()
	m.count(rows, 1, notZero, "wideRow")
	m.top()
	for u := range k.unroll {
		m.storeSet(u, u, full)
	}
	m.advance(wide)
	m.count(elements, wide, notLess, "wide")
	m.label("narrow")
	m.count(elements, lanes-wide, less, "tail")
	m.label("vector")
	oneVectorOfColumns(m, "vector", full)
	m.advance(lanes)
	m.count(elements, lanes, notLess, "vector")
	m.label("tail")
	m.count(elements, -lanes, zero, "done")
	if m.tail() == masked {
		oneVectorOfColumns(m, "tail", masked)
	} else {
		m.label("element")
		oneVectorOfColumns(m, "element", single)
		m.advance(1)
		m.count(elements, 1, notZero, "element")
	}
	m.label("done")
}

func oneVectorOfColumns(m machine, prefix string, what mode) {
	m.clear(rowUnroll)
	m.loadSet(0, 0, what)
	m.reload(rows)
	m.count(rows, rowUnroll, less, prefix+"Rest")
	m.align()
	m.label(prefix + "Rows")
	for r := range rowUnroll {
		m.body(0, r, what)
		m.down()
	}
	m.count(rows, rowUnroll, notLess, prefix+"Rows")
	m.label(prefix + "Rest")
	m.count(rows, -rowUnroll, zero, prefix+"Store")
	m.label(prefix + "Row")
	m.body(0, 0, what)
	m.down()
	m.count(rows, 1, notZero, prefix+"Row")
	m.label(prefix + "Store")
	m.top()
	m.merge(rowUnroll)
	m.storeSet(0, 0, what)
}
