package bf16

import (
	"encoding/binary"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
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
// Both kernels, with tiles and with vectors, read the same memory. A call of the
// one with tiles is not interrupted: their registers do not outlive it, whatever
// thread the goroutine goes on with. The kernels read the fields by name (go_asm.h).
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
	count    int // rows of tiles; the kernel counts down
	width    int // tiles: 1 or 2
	height   int // rows of each tile of A and C
	mask     [2]uint32
	bias     unsafe.Pointer // nil: none
	flags    int

	// With streamA, memory to bring near meanwhile.
	nextA, nextB uintptr // at every step 128 bytes of each
	nextFrom     uintptr // at every step fromStep bytes of the sums to begin with
	fromStep     int     // 256, or 0 when there are none
}

// row is a row of tiles: where it begins in A, in the sums to begin with and in C,
// in bytes.
type row struct{ a, from, c int }

// Bits of job.flags.
const (
	relu    = 1 << iota // store the maximum of C and zero
	streamA             // rows of A are read once: they must not drive B out of the first-level cache
	fetchC              // with streamA: bring the next rows of C near, instead of the next A
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

// hasKernels reports whether there is a kernel for the instruction set in use.
func hasKernels() bool { return cpu.ActiveMatrix() >= cpu.AVX512BF16 }

// dotRows is how many rows the kernel with vectors computes at a time; the
// generator has the same number.
const dotRows = 8

// run computes the panel.
func (j *job) run() {
	if cpu.ActiveMatrix() == cpu.AMX {
		runAMX(j)
		return
	}
	// Parts of equal height: the fewer rows, the fewer sums are in flight.
	height := ceil(j.height, ceil(j.height, dotRows))
	for _, r := range unsafe.Slice(j.rows, j.count) {
		for i := 0; i < j.height; i += height {
			from := j.from
			if from != nil {
				from = unsafe.Add(from, r.from+i*j.rsf)
			}
			dots(j, unsafe.Add(j.a, r.a+i*j.rsa), from, unsafe.Add(j.c, r.c+i*j.rsc), min(height, j.height-i))
		}
	}
}

// ceil is a/b rounded up.
func ceil(a, b int) int { return (a + b - 1) / b }
