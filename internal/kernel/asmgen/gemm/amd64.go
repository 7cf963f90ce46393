package main

import (
	"fmt"
	"math"
)

// x86 describes a family of kernels for one width of vector.
//
// A kernel keeps a tile of C, rows x vectors, in registers while it runs over
// all taps and all of k. For each step of k it loads the vectors of B once and
// multiplies them with each element of the column of A, broadcast from memory,
// so A needs no packing and may have any two strides.
//
//	AX  A, first row        R8 R9 R10 R11 R12 R13 R15  rsa times 1 3 5 7 9 11 13
//	BX  A, fifteenth row, or what to fetch ahead
//	CX  csa, or 16 rsb      SI  B       DX  rsb
//	DI  the tile            R14 steps of k to go
//
// One index register with a scale of 1, 2, 4 or 8 reaches every row up to the
// fourteenth from one base, so a step of k moves one pointer and not fourteen.
type x86 struct {
	name    string // suffix of the symbols
	reg     string // Z or Y
	width   int    // float32 in a vector
	maxRows []int  // by vectors-1; 0: no such kernels
	stride  int    // entries of the table for one pair (vectors, masked)

	factor func(i int) int                                 // register for the i-th broadcast of a step
	b      func(nv, v int) int                             // register of the v-th vector of B
	load   func(s *source, mem string, r int, masked bool) // reg = memory
	store  func(s *source, r int, mem string, masked bool) // memory = reg
	add    func(s *source, mem string, r int, masked bool) // reg += memory
	mask   func(s *source)                                 // make the mask of CX lanes, using AX
	direct func(nv int) bool                               // broadcast as an operand of the multiplication
	clear  func(s *source, r int)
}

func avx512(s *source) {
	k := &x86{
		name: "AVX512", reg: "Z", width: 16,
		maxRows: []int{28, 14, 9, 6}, stride: 28,
		factor: func(i int) int { return 30 + i%2 },
		b:      func(nv, v int) int { return 30 - nv + v },
		load: func(s *source, mem string, r int, masked bool) {
			if masked {
				s.op("VMOVUPS.Z %s, K1, Z%d", mem, r)
			} else {
				s.op("VMOVUPS %s, Z%d", mem, r)
			}
		},
		store: func(s *source, r int, mem string, masked bool) {
			if masked {
				s.op("VMOVUPS Z%d, K1, %s", r, mem)
			} else {
				s.op("VMOVUPS Z%d, %s", r, mem)
			}
		},
		add: func(s *source, mem string, r int, masked bool) {
			if masked {
				s.op("VADDPS %s, Z%d, K1, Z%d", mem, r, r)
			} else {
				s.op("VADDPS %s, Z%d, Z%d", mem, r, r)
			}
		},
		mask: func(s *source) {
			s.op("MOVL $1, AX")
			s.op("SHLL CX, AX")
			s.op("DECL AX")
			s.op("KMOVW AX, K1")
		},
		// With a single vector a broadcast serves one multiplication, and an
		// operand from memory saves its register and its instruction.
		direct: func(nv int) bool { return nv == 1 },
		clear:  func(s *source, r int) { s.op("VPXORD Z%d, Z%d, Z%d", r, r, r) },
	}
	k.family(s)
}

func avx2(s *source) {
	k := &x86{
		name: "AVX2", reg: "Y", width: 8,
		maxRows: []int{12, 6, 3, 2}, stride: 12,
		factor: func(i int) int { return 14 },
		b:      func(nv, v int) int { return map[int]int{1: 12, 2: 12, 3: 11, 4: 10}[nv] + v },
		load: func(s *source, mem string, r int, masked bool) {
			if masked {
				s.op("VMASKMOVPS %s, Y15, Y%d", mem, r)
			} else {
				s.op("VMOVUPS %s, Y%d", mem, r)
			}
		},
		store: func(s *source, r int, mem string, masked bool) {
			if masked {
				s.op("VMASKMOVPS Y%d, Y15, %s", r, mem)
			} else {
				s.op("VMOVUPS Y%d, %s", r, mem)
			}
		},
		add: func(s *source, mem string, r int, masked bool) {
			if masked {
				s.op("VMASKMOVPS %s, Y15, Y14", mem)
				s.op("VADDPS Y14, Y%d, Y%d", r, r)
			} else {
				s.op("VADDPS %s, Y%d, Y%d", mem, r, r)
			}
		},
		mask: func(s *source) {
			s.op("LEAQ tailAVX2<>+32(SB), AX")
			s.op("SHLQ $2, CX")
			s.op("SUBQ CX, AX")
			s.op("VMOVUPS (AX), Y15")
		},
		direct: func(nv int) bool { return false },
		clear:  func(s *source, r int) { s.op("VXORPS Y%d, Y%d, Y%d", r, r, r) },
	}
	s.line("")
	s.line("// Eight lanes on, eight off: a window that starts n before the middle is the")
	s.line("// mask of n lanes.")
	for i := range 16 {
		v := "$0xffffffff"
		if i >= 8 {
			v = "$0"
		}
		s.line("DATA tailAVX2<>+%d(SB)/4, %s", 4*i, v)
	}
	s.line("GLOBL tailAVX2<>(SB), RODATA|NOPTR, $64")
	k.family(s)
	transpose(s)
	copyRows(s)
}

// family writes all kernels, their table, and the function that Go calls.
func (k *x86) family(s *source) {
	table := ""
	for v, rows := range k.maxRows {
		nv := v + 1
		for masked := range 2 {
			for mr := 1; mr <= rows; mr++ {
				name := fmt.Sprintf("tile%s%dx%d", k.name, mr, nv*k.width)
				if masked == 1 {
					name += "masked"
				}
				k.kernel(s, name, mr, nv, masked == 1)
				table += fmt.Sprintf("DATA tiles%s<>+%d(SB)/8, $%s<>(SB)\n", k.name, 8*(((nv-1)*2+masked)*k.stride+mr-1), name)
			}
		}
	}
	s.line("")
	s.WriteString(table)
	s.line("GLOBL tiles%s<>(SB), RODATA, $%d", k.name, 8*len(k.maxRows)*2*k.stride)
	s.line("")
	s.line("// func run%s(t *tile)", k.name)
	s.line("TEXT ·run%s(SB), NOSPLIT, $0-8", k.name)
	s.op("MOVQ t+0(FP), DI")
	s.op("MOVQ tile_kernel(DI), AX")
	s.op("LEAQ tiles%s<>(SB), BX", k.name)
	s.op("MOVQ (BX)(AX*8), AX")
	s.op("JMP AX")
	k.dots(s)
	k.peak(s)
}

// peakSums is how many independent multiply-adds the measuring loop has in
// flight: more than two units with a latency of four or five steps can hold.
const peakSums = 12

// peakFactors are the numbers that it multiplies in turn. Their digits matter: a
// multiplier that is fed zeros, or the same again and again, needs so little
// power that the processor raises its clock above what any real product sees.
var peakFactors = []float32{math.Sqrt2, -math.Pi / 3, math.Phi / 2, -math.Ln2}

// peak writes the loop that measures what the processor can do at best.
func (k *x86) peak(s *source) {
	s.line("")
	for i, f := range peakFactors {
		s.line("DATA factors%s<>+%d(SB)/4, $0x%08x", k.name, 4*i, math.Float32bits(f))
	}
	s.line("GLOBL factors%s<>(SB), RODATA|NOPTR, $%d", k.name, 4*len(peakFactors))
	s.line("")
	s.line("// func peak%s(n int)", k.name)
	s.line("TEXT ·peak%s(SB), NOSPLIT, $0-8", k.name)
	s.op("MOVQ n+0(FP), AX")
	for i := range peakSums {
		k.clear(s, i)
	}
	for i := range peakFactors {
		s.op("VBROADCASTSS factors%s<>+%d(SB), %s%d", k.name, 4*i, k.reg, peakSums+i)
	}
	s.op("PCALIGN $32")
	s.line("loop:")
	for i := range peakSums {
		s.op("VFMADD231PS %s%d, %s%d, %s%d", k.reg, peakSums+i%4, k.reg, peakSums+i/4, k.reg, i)
	}
	s.op("DECQ AX")
	s.op("JNZ loop")
	s.op("VZEROUPPER")
	s.op("RET")
}

// multiples holds rsa times 1, 3, 5 and so on.
var multiples = []string{"R8", "R9", "R10", "R11", "R12", "R13", "R15"}

// rowsPerBase is how many rows one base register reaches.
const rowsPerBase = 14

// row is the address of A[i,p].
func row(i int) string {
	if i >= rowsPerBase {
		return scaled("BX", multiples, i-rowsPerBase)
	}
	return scaled("AX", multiples, i)
}

// scaled is the address base plus i times a stride, of which the odd multiples
// are in registers.
func scaled(base string, multiples []string, i int) string {
	if i == 0 {
		return "(" + base + ")"
	}
	scale := 1
	for i%2 == 0 {
		i /= 2
		scale *= 2
	}
	return fmt.Sprintf("(%s)(%s*%d)", base, multiples[i/2], scale)
}

func (k *x86) kernel(s *source, name string, mr, nv int, masked bool) {
	acc := func(i, v int) int { return i*nv + v }
	mem := func(v int, base string) string {
		if v == 0 {
			return "(" + base + ")"
		}
		return fmt.Sprintf("%d(%s)", v*k.width*4, base)
	}
	// High tiles leave the units for loads idle half of the time. Where B was
	// packed they fetch what comes next: the row of B sixteen steps on from the
	// second-level cache, and from farther away what the caller asked for.
	ahead := mr <= rowsPerBase && 2*mr > k.maxRows[nv-1]
	// Only the last vector can have lanes that must not be touched.
	hidden := func(v int) bool { return masked && v == nv-1 }

	s.line("")
	s.line("TEXT %s<>(SB), NOSPLIT, $0-0", name)
	if masked {
		s.op("MOVQ tile_tail(DI), CX")
		k.mask(s)
	}
	s.op("MOVQ tile_rsa(DI), R8")
	odd := []string{
		"LEAQ (R8)(R8*2), R9",
		"LEAQ (R8)(R8*4), R10",
		"LEAQ (R9)(R8*4), R11",
		"LEAQ (R8)(R8*8), R12",
		"LEAQ (R9)(R8*8), R13",
		"LEAQ (R10)(R8*8), R15",
	}
	for i, lea := range odd {
		if mr > 2*i+3 {
			s.op("%s", lea)
		}
	}
	s.op("MOVQ tile_csa(DI), CX")
	s.op("MOVQ tile_rsb(DI), DX")
	for i := range mr * nv {
		k.clear(s, i)
	}
	// To fetch C now hides its way from memory behind the sums.
	s.op("TESTQ $const_farC, tile_flags(DI)")
	s.op("JZ near")
	s.op("MOVQ tile_c(DI), AX")
	s.op("MOVQ tile_rsc(DI), BX")
	for i := range mr {
		for line := 0; line < nv*k.width*4; line += 64 {
			s.op("PREFETCHT0 %d(AX)", line)
		}
		if i < mr-1 {
			s.op("ADDQ BX, AX")
		}
	}
	s.line("near:")
	if ahead {
		s.op("MOVQ tile_ahead(DI), BX")
		s.op("TESTQ BX, BX")
		s.op("JZ tap")
		s.op("MOVQ DX, CX")
		s.op("SHLQ $4, CX")
	}
	s.line("tap:")
	s.op("MOVQ tile_tap(DI), R14")
	s.op("CMPQ R14, tile_taps(DI)")
	s.op("JGE done")
	s.op("MOVQ tile_aoff(DI), AX")
	s.op("MOVQ tile_boff(DI), SI")
	s.op("MOVQ (AX)(R14*8), AX")
	s.op("MOVQ (SI)(R14*8), SI")
	s.op("INCQ R14")
	s.op("MOVQ R14, tile_tap(DI)")
	s.op("SHLQ $2, AX")
	s.op("SHLQ $2, SI")
	s.op("ADDQ tile_a(DI), AX")
	s.op("ADDQ tile_b(DI), SI")
	s.op("MOVQ tile_k(DI), R14")
	if mr > rowsPerBase {
		s.op("LEAQ (AX)(R11*2), BX")
	}
	// step is one step of k, in a loop of this name.
	step := func(name string, fetch bool) {
		s.op("PCALIGN $32")
		s.line("%s:", name)
		for v := range nv {
			k.load(s, mem(v, "SI"), k.b(nv, v), hidden(v))
		}
		for i := range mr {
			if fetch && i == mr/2 {
				s.op("PREFETCHT1 (BX)")
				s.op("ADDQ tile_stride(DI), BX")
				for line := 0; line < nv*k.width*4; line += 64 {
					s.op("PREFETCHT0 %d(SI)(CX*1)", line)
				}
			}
			if k.direct(nv) {
				s.op("VFMADD231PS.BCST %s, %s%d, %s%d", row(i), k.reg, k.b(nv, 0), k.reg, acc(i, 0))
				continue
			}
			f := k.factor(i)
			s.op("VBROADCASTSS %s, %s%d", row(i), k.reg, f)
			for v := range nv {
				s.op("VFMADD231PS %s%d, %s%d, %s%d", k.reg, f, k.reg, k.b(nv, v), k.reg, acc(i, v))
			}
		}
		if fetch {
			s.op("ADDQ tile_csa(DI), AX")
		} else {
			s.op("ADDQ CX, AX")
		}
		if mr > rowsPerBase {
			s.op("ADDQ CX, BX")
		}
		s.op("ADDQ DX, SI")
		s.op("DECQ R14")
		s.op("JNZ %s", name)
		s.op("JMP tap")
	}
	if ahead {
		s.op("TESTQ BX, BX")
		s.op("JZ step")
		step("fetch", true)
	}
	step("step", false)

	s.line("done:")
	if ahead {
		s.op("MOVQ BX, tile_ahead(DI)")
	}
	s.op("MOVQ tile_rsc(DI), CX")
	s.op("MOVQ tile_flags(DI), DX")
	s.op("MOVQ tile_plus(DI), AX")
	s.op("TESTQ AX, AX")
	s.op("JZ bias")
	for i := range mr {
		for v := range nv {
			k.add(s, mem(v, "AX"), acc(i, v), hidden(v))
		}
		if i < mr-1 {
			s.op("ADDQ CX, AX")
		}
	}
	s.line("bias:")
	s.op("MOVQ tile_bias(DI), BX")
	s.op("TESTQ BX, BX")
	s.op("JZ relu")
	for v := range nv {
		k.load(s, mem(v, "BX"), k.b(nv, v), hidden(v))
	}
	for i := range mr {
		for v := range nv {
			s.op("VADDPS %s%d, %s%d, %s%d", k.reg, k.b(nv, v), k.reg, acc(i, v), k.reg, acc(i, v))
		}
	}
	s.line("relu:")
	s.op("TESTQ $const_relu, DX")
	s.op("JZ store")
	zero := k.factor(0)
	k.clear(s, zero)
	for i := range mr * nv {
		// The maximum of zero and a NaN is the second operand, here the NaN.
		s.op("VMAXPS %s%d, %s%d, %s%d", k.reg, i, k.reg, zero, k.reg, i)
	}
	s.line("store:")
	s.op("MOVQ tile_c(DI), AX")
	for i := range mr {
		for v := range nv {
			k.store(s, acc(i, v), mem(v, "AX"), hidden(v))
		}
		if i < mr-1 {
			s.op("ADDQ CX, AX")
		}
	}
	s.op("VZEROUPPER")
	s.op("RET")
}
