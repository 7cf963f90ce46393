package gemm

import "unsafe"

// tile is one call of a kernel: a piece of C that fits the registers. The
// kernels read it by field name (go_asm.h), so that Go passes one pointer.
type tile struct {
	a      unsafe.Pointer // A at row 0 of the tile, before the tap's offset
	aoff   unsafe.Pointer // of the taps, in elements
	rsa    int            // strides in bytes, from here on
	csa    int
	b      unsafe.Pointer // B at column 0 of the tile, before the tap's offset
	boff   unsafe.Pointer
	rsb    int
	c      unsafe.Pointer // C at the tile
	rsc    int
	plus   unsafe.Pointer // what is added to C, with its row stride; nil: nothing
	bias   unsafe.Pointer // at column 0 of the tile; nil: none
	k      int            // steps of a tap, at least one
	taps   int            // at least one
	ahead  uintptr        // what to fetch into the second-level cache meanwhile, or 0; high tiles move it
	stride int            // bytes from one such fetch to the next, one in each step of k
	tap    int            // the next one, counted by the kernel
	flags  int            // relu | farC
	tail   int            // lanes of the last vector to touch, when not all
	kernel int            // index in the table of kernels
}

// Bits of tile.flags.
const (
	relu = 1 << iota
	farC // C is not in a near cache: fetch it while the sums are made
)

const sizeofFloat = 4

// at is p moved by n elements. The result must stay inside the object.
func at(p unsafe.Pointer, n int) unsafe.Pointer { return unsafe.Add(p, n*sizeofFloat) }
