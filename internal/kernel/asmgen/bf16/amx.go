package main

import "fmt"

// Tile registers. A block of C is two tiles by two, so that four multiplications
// share four loads: a multiplication takes sixteen cycles and a load eight.
const (
	tileC = 0 // to 3, row by row
	tileA = 4 // and 5
	tileB = 6 // and 7
)

// fetched is how many cache lines of the next A and of the next B each step
// fetches: a block of two tiles by two uses up 32 of each, sixteen blocks share a
// panel of B, and sixteen panels a slab of A.
const fetched = 2

// amx writes the function that multiplies on tiles.
//
//	DI  the job                    R8   bytes from a row of A to the next
//	AX  A, upper row of tiles      R9   bytes from a row of a tile of B to the next
//	BX  A, lower row of tiles      R10  bytes from a row of C to the next
//	SI  B                          R11  rows of C to fetch next
//	R15 B, right tile              R12  the entry of the list of rows of tiles
//	DX  steps of k to go           R13  what of A to fetch next
//	CX  sums to fetch next         R14  what of B to fetch next
func amx(s *source) {
	s.line("")
	s.line("// func runAMX(j *job)")
	s.line("TEXT ·runAMX(SB), NOSPLIT, $8-8")
	s.op("MOVQ j+0(FP), DI")
	s.op("LEAQ job_config(DI), AX")
	s.loadConfig("AX")
	s.op("MOVQ job_rsa(DI), R8")
	s.op("MOVQ $64, R9")
	s.op("MOVQ job_rsc(DI), R10")
	s.op("MOVQ job_rows(DI), R12")
	s.op("MOVQ job_nextA(DI), R13")
	s.op("MOVQ job_nextB(DI), R14")
	for i := range 2 {
		s.op("MOVL job_mask+%d(DI), AX", 4*i)
		s.op("KMOVW AX, K%d", i+1)
	}
	s.op("MOVQ job_nextFrom(DI), CX")
	s.op("TESTQ $const_fetchC, job_flags(DI)")
	s.op("JNZ fetch")
	s.op("TESTQ $const_streamA, job_flags(DI)")
	s.op("JNZ stream")
	for _, how := range []string{"", "stream", "fetch"} {
		if how != "" {
			s.line("%s:", how)
		}
		s.op("CMPQ job_width(DI), $1")
		s.op("JE rows2x1%s", how)
		columns(s, 2, how)
		columns(s, 1, how)
	}
	s.line("end:")
	s.tileRelease()
	s.op("VZEROUPPER")
	s.op("RET")
	peak(s)
}

// columns goes down a panel of C that is nt tiles wide: two rows of tiles at a
// time, then the odd one. How memory is read is part of the labels: "", or "stream"
// and "fetch" for the flags streamA and fetchC of a job.
func columns(s *source, nt int, how string) {
	for mt := 2; mt >= 1; mt-- {
		label := func(name string) string { return fmt.Sprintf("%s%dx%d%s", name, mt, nt, how) }
		s.line("%s:", label("rows"))
		s.op("CMPQ job_count(DI), $%d", mt)
		if mt == 2 {
			s.op("JLT rows1x%d%s", nt, how)
		} else {
			s.op("JLT end")
		}
		block(s, mt, nt, how, label)
		s.op("ADDQ $(%d*row__size), R12", mt)
		s.op("SUBQ $%d, job_count(DI)", mt)
		s.op("JMP %s", label("rows"))
	}
}

// block computes mt by nt tiles.
func block(s *source, mt, nt int, how string, label func(string) string) {
	sums := func(do func(i, j int)) {
		for i := range mt {
			for j := range nt {
				do(i, j)
			}
		}
	}
	sum := func(i, j int) int { return tileC + 2*i + j }
	a, b := []string{"AX", "BX"}, []string{"SI", "R15"}
	// Where the tiles are: in AX and BX.
	address := func(base string) {
		for i := range mt {
			s.op("MOVQ (%d*row__size+row_%s)(R12), %s", i, base, a[i])
			s.op("ADDQ job_%s(DI), %s", base, a[i])
		}
	}

	// The sums begin with those of an earlier call, the bias, or nothing.
	s.op("MOVQ job_from(DI), AX")
	s.op("TESTQ AX, AX")
	s.op("JZ %s", label("bias"))
	address("from")
	s.op("MOVQ job_rsf(DI), DX")
	sums(func(i, j int) { s.tileLoad(64*j, a[i], "DX", sum(i, j)) })
	s.op("JMP %s", label("begin"))
	s.line("%s:", label("bias"))
	s.op("MOVQ job_bias(DI), AX")
	s.op("TESTQ AX, AX")
	s.op("JZ %s", label("zero"))
	s.op("XORQ DX, DX")
	sums(func(i, j int) { s.tileLoad(64*j, "AX", "DX", sum(i, j)) })
	s.op("JMP %s", label("begin"))
	s.line("%s:", label("zero"))
	sums(func(i, j int) { s.tileZero(sum(i, j)) })

	s.line("%s:", label("begin"))
	s.op("MOVQ $0, tap-8(SP)")
	if how == "fetch" {
		// The next rows of tiles follow these in C, sixteen rows a tile.
		address("c")
		s.op("MOVQ R10, R11")
		s.op("SHLQ $%d, R11", 3+mt)
		s.op("ADDQ AX, R11")
	}
	s.op("MOVQ job_b(DI), SI")
	s.line("%s:", label("tap"))
	address("a")
	s.op("MOVQ job_taps(DI), DX")
	s.op("MOVQ tap-8(SP), R15")
	s.op("MOVQ (DX)(R15*8), DX")
	for i := range mt {
		s.op("ADDQ DX, %s", a[i])
	}
	if nt == 2 {
		s.op("MOVQ job_stepB(DI), R15")
		s.op("ADDQ SI, R15")
	}
	s.op("MOVQ job_steps(DI), DX")
	s.op("PCALIGN $32")
	s.line("%s:", label("step"))
	for j := range nt {
		s.tileLoad(0, b[j], "R9", tileB+j)
	}
	for i := range mt {
		if how != "" {
			s.tileStream(0, a[i], "R8", tileA+i)
		} else {
			s.tileLoad(0, a[i], "R8", tileA+i)
		}
		for j := range nt {
			s.tileMultiply(sum(i, j), tileA+i, tileB+j)
		}
	}
	if how != "" {
		prefetch(s, mt, nt, how == "fetch")
	}
	for i := range mt {
		s.op("ADDQ job_stepA(DI), %s", a[i])
	}
	for j := range nt {
		s.op("ADDQ $1024, %s", b[j])
	}
	s.op("DECQ DX")
	s.op("JNZ %s", label("step"))
	s.op("INCQ tap-8(SP)")
	s.op("MOVQ tap-8(SP), DX")
	s.op("CMPQ DX, job_tapCount(DI)")
	s.op("JLT %s", label("tap"))

	address("c")
	sums(func(i, j int) { s.tileStore(sum(i, j), 64*j, a[i], "R10") })
	s.op("TESTQ $const_relu, job_flags(DI)")
	s.op("JZ %s", label("done"))
	s.op("VPXORD Z0, Z0, Z0")
	s.op("MOVQ job_height(DI), DX")
	s.line("%s:", label("relu"))
	sums(func(i, j int) {
		s.op("VMOVUPS.Z %d(%s), K%d, Z1", 64*j, a[i], j+1)
		// The maximum of zero and a NaN is the second operand, here the NaN.
		s.op("VMAXPS Z1, Z0, Z1")
		s.op("VMOVUPS Z1, K%d, %d(%s)", j+1, 64*j, a[i])
	})
	for i := range mt {
		s.op("ADDQ R10, %s", a[i])
	}
	s.op("DECQ DX")
	s.op("JNZ %s", label("relu"))
	s.line("%s:", label("done"))
}

// prefetch brings a step's share of memory near that is needed soon: the sums that
// the next rows of tiles begin with into the first-level cache; into the second the
// next panel of B, and the next slab of A or, when there is none, the rows of C that
// follow. C has the most to gain: its rows lie apart, no hardware guesses them, and
// a tile that is stored waits for sixteen of them.
func prefetch(s *source, mt, nt int, ofC bool) {
	next := []string{"R13", "R14"}
	if ofC {
		next = next[1:]
		for r := range mt {
			for j := range nt {
				s.op("PREFETCHT1 %d(R11)%s", 64*j, []string{"", "(R10*1)"}[r])
			}
		}
		s.op("LEAQ (R11)(R10*%d), R11", mt)
	}
	for _, from := range next {
		for i := range fetched {
			s.op("PREFETCHT1 %d(%s)", 64*i, from)
		}
		s.op("ADDQ $%d, %s", 64*fetched, from)
	}
	for i := range 2 * mt {
		s.op("PREFETCHT0 %d(CX)", 64*i)
	}
	s.op("ADDQ job_fromStep(DI), CX")
}

// peak writes the loop that measures what the processor can do at best: nothing
// but multiplications, of numbers with digits (zeros need less power and raise the
// clock).
func peak(s *source) {
	s.line("")
	s.line("// func peakAMX(config, data unsafe.Pointer, n int)")
	s.line("TEXT ·peakAMX(SB), NOSPLIT, $0-24")
	s.op("MOVQ config+0(FP), AX")
	s.op("MOVQ data+8(FP), SI")
	s.op("MOVQ n+16(FP), CX")
	s.loadConfig("AX")
	s.op("MOVQ $64, R9")
	for i := range 4 {
		s.tileZero(tileC + i)
		s.tileLoad(1024*i, "SI", "R9", tileA+i)
	}
	s.op("PCALIGN $32")
	s.line("loop:")
	for i := range 2 {
		for j := range 2 {
			s.tileMultiply(tileC+2*i+j, tileA+i, tileB+j)
		}
	}
	s.op("DECQ CX")
	s.op("JNZ loop")
	s.tileRelease()
	s.op("RET")
}
