package main

import "fmt"

// Rows that one pass of the vector kernel computes: with two columns of sixteen
// they are sixteen sums in flight, more than an addition takes cycles, and a tile
// has two such halves.
const dotRows = 8

// Vector registers. Sums are Z0 to Z15, row by row.
const (
	dotA = 28 // and 29: a pair of A in all places, by turns
	dotB = 30 // and 31: sixteen pairs of B
)

// dotUnroll is how many pairs of a step follow each other without a jump.
const dotUnroll = 4

// peakSums is how many sums the measuring loop works on; package bf16 has the same
// number.
const peakSums = 24

// dots writes the function that computes some rows of a panel with vectors. A
// vector holds sixteen columns; its instruction adds the products of a pair of A
// with sixteen pairs of B.
//
//	DI  the job                      R10  bytes to the right tile of B
//	AX  A, rows 0 to 3               R11  bytes from the end of a step in A to the next
//	BX  A, rows 4 to 7               R12  A, of the first row
//	R8  bytes from a row of A        R13  C, or the sums to begin with
//	    to the next                  R14  pairs of the step to go, by dotUnroll
//	R9  three times as many          CX   the tap
//	SI  B                            DX   steps to go
func dots(s *source) {
	s.line("")
	s.line("// func dots(j *job, a, from, c unsafe.Pointer, height int)")
	s.line("TEXT ·dots(SB), NOSPLIT, $0-40")
	s.op("MOVQ j+0(FP), DI")
	s.op("MOVQ a+8(FP), R12")
	s.op("MOVQ job_rsa(DI), R8")
	s.op("LEAQ (R8)(R8*2), R9")
	s.op("MOVQ job_b(DI), SI")
	s.op("MOVQ job_stepB(DI), R10")
	s.op("MOVQ job_stepA(DI), R11")
	s.op("SUBQ $64, R11")
	for i := range 2 {
		s.op("MOVL job_mask+%d(DI), AX", 4*i)
		s.op("KMOVW AX, K%d", i+1)
	}
	s.op("XORQ CX, CX")
	s.op("MOVQ height+32(FP), DX")
	s.op("CMPQ job_width(DI), $1")
	s.op("JE narrow")
	for nt := 2; nt >= 1; nt-- {
		if nt == 1 {
			s.line("narrow:")
		}
		for rows := dotRows; rows > 1; rows-- {
			s.op("CMPQ DX, $%d", rows)
			s.op("JE dots%dx%d", rows, nt)
		}
		s.op("JMP dots1x%d", nt)
	}
	for nt := 2; nt >= 1; nt-- {
		for rows := dotRows; rows >= 1; rows-- {
			dotBlock(s, rows, nt)
		}
	}
	dotPeak(s)
}

// dotBlock computes rows of nt vectors.
func dotBlock(s *source, rows, nt int) {
	label := func(name string) string { return fmt.Sprintf("%s%dx%d", name, rows, nt) }
	sum := func(i, j int) int { return nt*i + j }
	sums := func(do func(i, j int), after func()) {
		for i := range rows {
			for j := range nt {
				do(i, j)
			}
			if after != nil && i < rows-1 {
				after()
			}
		}
	}
	// The sums begin with those of an earlier call, the bias, or nothing.
	s.line("%s:", label("dots"))
	s.op("MOVQ from+16(FP), R13")
	s.op("TESTQ R13, R13")
	s.op("JZ %s", label("bias"))
	s.op("MOVQ job_rsf(DI), DX")
	sums(func(i, j int) { s.op("VMOVUPS.Z %d(R13), K%d, Z%d", 64*j, j+1, sum(i, j)) }, func() { s.op("ADDQ DX, R13") })
	s.op("JMP %s", label("tap"))
	s.line("%s:", label("bias"))
	s.op("MOVQ job_bias(DI), AX")
	s.op("TESTQ AX, AX")
	s.op("JZ %s", label("zero"))
	sums(func(i, j int) {
		if i == 0 {
			s.op("VMOVUPS.Z %d(AX), K%d, Z%d", 64*j, j+1, sum(i, j))
		} else {
			s.op("VMOVAPS Z%d, Z%d", sum(0, j), sum(i, j))
		}
	}, nil)
	s.op("JMP %s", label("tap"))
	s.line("%s:", label("zero"))
	sums(func(i, j int) { s.op("VPXORD Z%d, Z%d, Z%d", sum(i, j), sum(i, j), sum(i, j)) }, nil)

	s.line("%s:", label("tap"))
	s.op("MOVQ job_taps(DI), DX")
	s.op("MOVQ (DX)(CX*8), AX")
	s.op("ADDQ R12, AX")
	s.op("LEAQ (AX)(R8*4), BX")
	s.op("MOVQ job_steps(DI), DX")
	s.line("%s:", label("step"))
	s.op("MOVQ $%d, R14", 16/dotUnroll)
	s.op("PCALIGN $32")
	s.line("%s:", label("pair"))
	for p := range dotUnroll {
		s.op("VMOVUPS %d(SI), Z%d", 64*p, dotB)
		if nt == 2 {
			s.op("VMOVUPS %d(SI)(R10*1), Z%d", 64*p, dotB+1)
		}
		for i := range rows {
			row := []string{"(%s)", "(%s)(R8*1)", "(%s)(R8*2)", "(%s)(R9*1)"}[i%4]
			s.op("VPBROADCASTD %d"+row+", Z%d", 4*p, []string{"AX", "BX"}[i/4], dotA+i%2)
			for j := range nt {
				s.dot(sum(i, j), dotA+i%2, dotB+j)
			}
		}
	}
	s.op("ADDQ $%d, AX", 4*dotUnroll)
	s.op("ADDQ $%d, BX", 4*dotUnroll)
	s.op("ADDQ $%d, SI", 64*dotUnroll)
	s.op("DECQ R14")
	s.op("JNZ %s", label("pair"))
	s.op("ADDQ R11, AX")
	s.op("ADDQ R11, BX")
	s.op("DECQ DX")
	s.op("JNZ %s", label("step"))
	s.op("INCQ CX")
	s.op("CMPQ CX, job_tapCount(DI)")
	s.op("JLT %s", label("tap"))

	s.op("TESTQ $const_relu, job_flags(DI)")
	s.op("JZ %s", label("store"))
	s.op("VPXORD Z%d, Z%d, Z%d", dotB, dotB, dotB)
	// The maximum of zero and a NaN is the second operand, here the NaN.
	sums(func(i, j int) { s.op("VMAXPS Z%d, Z%d, Z%d", sum(i, j), dotB, sum(i, j)) }, nil)
	s.line("%s:", label("store"))
	s.op("MOVQ c+24(FP), R13")
	s.op("MOVQ job_rsc(DI), DX")
	sums(func(i, j int) { s.op("VMOVUPS Z%d, K%d, %d(R13)", sum(i, j), j+1, 64*j) }, func() { s.op("ADDQ DX, R13") })
	s.op("VZEROUPPER")
	s.op("RET")
}

// dotPeak writes the loop that measures what the instruction can do at best.
func dotPeak(s *source) {
	s.line("")
	s.line("// func peakDots(data unsafe.Pointer, n int)")
	s.line("TEXT ·peakDots(SB), NOSPLIT, $0-16")
	s.op("MOVQ data+0(FP), SI")
	s.op("MOVQ n+8(FP), CX")
	s.op("VMOVUPS (SI), Z%d", dotA)
	s.op("VMOVUPS 64(SI), Z%d", dotB)
	for i := range peakSums {
		s.op("VPXORD Z%d, Z%d, Z%d", i, i, i)
	}
	s.op("PCALIGN $32")
	s.line("loop:")
	for i := range peakSums {
		s.dot(i, dotA, dotB)
	}
	s.op("DECQ CX")
	s.op("JNZ loop")
	s.op("VZEROUPPER")
	s.op("RET")
}
