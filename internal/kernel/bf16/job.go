package bf16

import (
	"encoding/binary"
	"unsafe"
)

// Sizes of a tile: sixteen rows of 64 bytes, which are sixteen float32 of C or
// sixteen pairs of bfloat16 of A and B.
const (
	tileRows  = 16
	tileDepth = 32 // steps of k that one tile of A or B holds
	tileBytes = 1024
	panel     = 32 // columns of C that one job computes: two tiles
)

// job is a panel of C, at most two tiles wide and a list of rows of tiles high,
// that is one call of the kernel:
//
//	C[i,j] = Σₜ Σₚ A[i, taps[t]+p] B[t*steps*tileDepth+p, j]
//
// A call is not interrupted: the tile registers do not outlive it, whatever
// thread the goroutine goes on with. The kernel reads the fields by name (go_asm.h).
type job struct {
	config   [64]byte       // of the tile registers
	a        unsafe.Pointer // what offsets of rows and taps begin at
	taps     *int           // offsets in bytes
	tapCount int
	steps    int // tiles of A along k, in each tap
	rsa      int // bytes from a row of A to the next
	stepA    int // bytes from a tile of A to the next along k
	b        unsafe.Pointer
	stepB    int            // bytes from the left tile of B to the right one
	from     unsafe.Pointer // sums to begin with; nil: those are the bias, or zero
	rsf      int            // bytes
	c        unsafe.Pointer
	rsc      int // bytes
	rows     *row
	count    int            // rows of tiles; the kernel counts down
	width    int            // tiles: 1 or 2
	height   int            // rows of each tile of A and C
	nextA    unsafe.Pointer // memory to bring near meanwhile, at every step 128 bytes of both
	nextB    unsafe.Pointer
	ahead    int // bytes to go on by at every step: 128, or 0 when nothing is next
	mask     [2]uint32
	bias     unsafe.Pointer // nil: none
	flags    int
}

// row is a row of tiles: where it begins in A, in the sums to begin with and in C,
// in bytes.
type row struct{ a, from, c int }

// Bits of job.flags.
const (
	relu    = 1 << iota // store the maximum of C and zero
	streamA             // rows of A are read once: they must not drive B out of the first-level cache
)

// shape sets what follows from the size of the tiles: height rows of C and the
// columns of both.
func (j *job) shape(height, columns int) {
	const firstA, firstB = 4, 6
	j.width, j.height = ceil(columns, tileRows), height
	j.config = [64]byte{0: 1} // the palette with tiles of 1 KiB
	set := func(tile, rows, bytes int) {
		binary.LittleEndian.PutUint16(j.config[16+2*tile:], uint16(bytes))
		j.config[48+tile] = byte(rows)
	}
	for t := range j.width {
		n := min(columns-t*tileRows, tileRows)
		j.mask[t] = 1<<n - 1
		set(t, height, 4*n)
		set(t+2, height, 4*n)
		set(firstB+t, tileRows, 4*n)
	}
	set(firstA, height, 2*tileDepth)
	set(firstA+1, height, 2*tileDepth)
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }
