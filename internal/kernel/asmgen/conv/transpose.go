package main

import "fmt"

// transpose writes the kernel that turns sixteen rows into columns, sixteen
// elements of each at a time:
//
//	dst[p*dstStride + i] = src[i*srcStride + p]   i<16, p<n
//
// Strides and n count bytes and elements. A square goes through the registers in
// three rounds: pairs of rows, pairs of pairs, then quarters of registers.
//
//	SI R9  rows 0 and 8, R8 R10 R11 R12 their stride times 1 3 5 7
//	DI  next column to write   R13 dstStride   CX elements to go
func transpose(s *source) {
	s.line("")
	s.line("// func transpose16AVX512(dst, src unsafe.Pointer, dstStride, srcStride, n int)")
	s.line("TEXT ·transpose16AVX512(SB), NOSPLIT, $0-40")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ dstStride+16(FP), R13")
	s.op("MOVQ srcStride+24(FP), R8")
	s.op("MOVQ n+32(FP), CX")
	s.op("LEAQ (R8)(R8*2), R10")
	s.op("LEAQ (R8)(R8*4), R11")
	s.op("LEAQ (R10)(R8*4), R12")
	s.op("LEAQ (SI)(R8*8), R9")
	s.op("SUBQ $16, CX")
	s.op("JLT rest")
	s.op("PCALIGN $32")
	s.line("square:")
	rows := []string{"(%s)", "(%s)(R8*1)", "(%s)(R8*2)", "(%s)(R10*1)", "(%s)(R8*4)", "(%s)(R11*1)", "(%s)(R10*2)", "(%s)(R12*1)"}
	load := func(op string) {
		for i := range 16 {
			base := "SI"
			if i >= 8 {
				base = "R9"
			}
			s.op(op, fmt.Sprintf(rows[i%8], base), i)
		}
	}
	load("VMOVUPS %s, Z%d")
	columns := turn(s)
	for _, r := range columns {
		s.op("VMOVUPS Z%d, (DI)", r)
		s.op("ADDQ R13, DI")
	}
	s.op("ADDQ $64, SI")
	s.op("ADDQ $64, R9")
	s.op("SUBQ $16, CX")
	s.op("JGE square")
	s.line("rest:")
	s.op("ADDQ $16, CX")
	s.op("JZ done")
	s.op("MOVL $1, AX")
	s.op("SHLL CX, AX")
	s.op("DECL AX")
	s.op("KMOVW AX, K1")
	load("VMOVUPS.Z %s, K1, Z%d")
	for _, r := range turn(s) {
		s.op("VMOVUPS Z%d, (DI)", r)
		s.op("ADDQ R13, DI")
		s.op("DECQ CX")
		s.op("JZ done")
	}
	s.line("done:")
	s.op("VZEROUPPER")
	s.op("RET")
}

// turn transposes the square in Z0 to Z15 and returns the registers of its
// columns. It uses all thirty-two.
func turn(s *source) (columns [16]int) {
	for i := 0; i < 16; i += 2 { // pairs of rows to Z16 and on
		s.op("VUNPCKLPS Z%d, Z%d, Z%d", i+1, i, 16+i)
		s.op("VUNPCKHPS Z%d, Z%d, Z%d", i+1, i, 17+i)
	}
	for q := 0; q < 16; q += 4 { // quarter L of Z(q+j): column 4L+j of rows q to q+3
		s.op("VUNPCKLPD Z%d, Z%d, Z%d", 18+q, 16+q, q)
		s.op("VUNPCKHPD Z%d, Z%d, Z%d", 18+q, 16+q, q+1)
		s.op("VUNPCKLPD Z%d, Z%d, Z%d", 19+q, 17+q, q+2)
		s.op("VUNPCKHPD Z%d, Z%d, Z%d", 19+q, 17+q, q+3)
	}
	for j := range 4 {
		even, odd := "$0x88", "$0xdd" // quarters 0 and 2, 1 and 3 of both operands
		a := 16 + 4*j
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, 4+j, j, a)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, 4+j, j, a+1)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, 12+j, 8+j, a+2)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, 12+j, 8+j, a+3)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, a+2, a, j)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", even, a+3, a+1, 4+j)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, a+2, a, 8+j)
		s.op("VSHUFF32X4 %s, Z%d, Z%d, Z%d", odd, a+3, a+1, 12+j)
		for l := range 4 {
			columns[4*l+j] = 4*l + j
		}
	}
	return columns
}
