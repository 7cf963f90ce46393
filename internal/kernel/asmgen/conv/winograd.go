package main

// winograd writes the transforms of Winograd's F(2x2, 3x3), sixteen channels at a
// time. Matrices of vectors are in registers, row by row, from a first one on.
func winograd(s *source) {
	winogradInput(s)
	winogradOutput(s)
	winogradFilter(s)
	winogradGrad(s)
	winogradFilterGrad(s)
}

// arithmetic in Intel's order of operands: dst = a op b.
func (s *source) sub(dst, a, b int) { s.op("VSUBPS Z%d, Z%d, Z%d", b, a, dst) }
func (s *source) add(dst, a, b int) { s.op("VADDPS Z%d, Z%d, Z%d", b, a, dst) }
func (s *source) mul(dst, a, b int) { s.op("VMULPS Z%d, Z%d, Z%d", b, a, dst) }

// winogradInput writes V = BᵀdB for a row of tiles, each two pixels after the one
// before it.
//
//	SI R9 R10 R11  the four rows of d   R8 R12  bytes from pixel to pixel, times 3
//	DI  V of the tile   R13  bytes from component to component   CX tiles to go
func winogradInput(s *source) {
	s.line("")
	s.line("// func winogradInputAVX512(dst, src unsafe.Pointer, component, tile, row, pixel, tiles int)")
	s.line("TEXT ·winogradInputAVX512(SB), NOSPLIT, $0-56")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ component+16(FP), R13")
	s.op("MOVQ tile+24(FP), BX")
	s.op("MOVQ row+32(FP), AX")
	s.op("MOVQ pixel+40(FP), R8")
	s.op("MOVQ tiles+48(FP), CX")
	s.op("LEAQ (R8)(R8*2), R12")
	s.op("LEAQ (SI)(AX*1), R9")
	s.op("LEAQ (SI)(AX*2), R10")
	s.op("LEAQ (R9)(AX*2), R11")
	s.op("PCALIGN $32")
	s.line("tile:")
	rows := []string{"SI", "R9", "R10", "R11"}
	for i, base := range rows {
		for j, index := range []string{"", "(R8*1)", "(R8*2)", "(R12*1)"} {
			s.op("VMOVUPS (%s)%s, Z%d", base, index, 4*i+j)
		}
	}
	// combine sets four registers from four others by Bᵀ.
	combine := func(from, to func(i int) int) {
		s.sub(to(0), from(0), from(2))
		s.add(to(1), from(1), from(2))
		s.sub(to(2), from(2), from(1))
		s.sub(to(3), from(1), from(3))
	}
	for j := range 4 {
		combine(func(i int) int { return 4*i + j }, func(i int) int { return 16 + 4*i + j })
	}
	for i := range 4 {
		combine(func(j int) int { return 16 + 4*i + j }, func(j int) int { return 4*i + j })
	}
	s.op("MOVQ DI, AX")
	for t := range 16 {
		s.op("VMOVUPS Z%d, (AX)", t)
		if t < 15 {
			s.op("ADDQ R13, AX")
		}
	}
	for _, base := range rows {
		s.op("LEAQ (%s)(R8*2), %s", base, base)
	}
	s.op("ADDQ BX, DI")
	s.op("DECQ CX")
	s.op("JNZ tile")
	s.op("VZEROUPPER")
	s.op("RET")
}

// winogradOutput writes max(AᵀmA + plus + bias, least) for a row of tiles.
//
//	SI  m of the tile   R13 R12 bytes from component to component, times 3
//	DI R9 the two rows of pixels   R8 bytes from pixel to pixel   CX tiles to go
//	R10 R11  the two rows of what is added, if R10 is not nil
func winogradOutput(s *source) {
	s.line("")
	s.line("// func winogradOutputAVX512(dst, src, bias, plus unsafe.Pointer, component, tile, row, pixel, tiles int, least float32)")
	s.line("TEXT ·winogradOutputAVX512(SB), NOSPLIT, $0-76")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ bias+16(FP), AX")
	s.op("MOVQ plus+24(FP), R10")
	s.op("MOVQ component+32(FP), R13")
	s.op("MOVQ tile+40(FP), BX")
	s.op("MOVQ row+48(FP), R9")
	s.op("MOVQ pixel+56(FP), R8")
	s.op("MOVQ tiles+64(FP), CX")
	s.op("VBROADCASTSS least+72(FP), Z31")
	s.op("VPXORQ Z30, Z30, Z30")
	s.op("TESTQ AX, AX")
	s.op("JZ begin")
	s.op("VMOVUPS (AX), Z30")
	s.line("begin:")
	s.op("LEAQ (R10)(R9*1), R11")
	s.op("ADDQ DI, R9")
	s.op("LEAQ (R13)(R13*2), R12")
	s.op("PCALIGN $32")
	s.line("tile:")
	s.op("MOVQ SI, AX")
	for i := range 4 {
		for j, index := range []string{"", "(R13*1)", "(R13*2)", "(R12*1)"} {
			s.op("VMOVUPS (AX)%s, Z%d", index, 4*i+j)
		}
		if i < 3 {
			s.op("LEAQ (AX)(R13*4), AX")
		}
	}
	// combine sets two registers from four others by Aᵀ.
	combine := func(from func(i int) int, to0, to1 int) {
		s.add(to0, from(0), from(1))
		s.sub(to1, from(1), from(2))
		s.add(to0, to0, from(2))
		s.sub(to1, to1, from(3))
	}
	for j := range 4 {
		combine(func(i int) int { return 4*i + j }, 16+j, 20+j)
	}
	for i := range 2 {
		combine(func(j int) int { return 16 + 4*i + j }, 2*i, 2*i+1)
	}
	s.op("TESTQ R10, R10")
	s.op("JZ bias")
	for i, base := range []string{"R10", "R11"} {
		s.op("VADDPS (%s), Z%d, Z%d", base, 2*i, 2*i)
		s.op("VADDPS (%s)(R8*1), Z%d, Z%d", base, 2*i+1, 2*i+1)
		s.op("LEAQ (%s)(R8*2), %s", base, base)
	}
	s.line("bias:")
	for i := range 4 {
		s.add(i, i, 30)
	}
	for i := range 4 {
		// Of a bound and a NaN the instruction gives the second operand, the NaN.
		s.op("VMAXPS Z%d, Z31, Z%d", i, i)
	}
	for i, base := range []string{"DI", "R9"} {
		s.op("VMOVUPS Z%d, (%s)", 2*i, base)
		s.op("VMOVUPS Z%d, (%s)(R8*1)", 2*i+1, base)
		s.op("LEAQ (%s)(R8*2), %s", base, base)
	}
	s.op("ADDQ BX, SI")
	s.op("DECQ CX")
	s.op("JNZ tile")
	s.op("VZEROUPPER")
	s.op("RET")
}

// winogradFilter writes U = GgGᵀ for filters that lie side by side.
//
//	SI R9 R10  rows of g   R8 bytes from one weight of a filter to the next
//	DI  U   R13  bytes from component to component   CX vectors to go
func winogradFilter(s *source) {
	s.line("")
	s.line("// func winogradFilterAVX512(dst, src unsafe.Pointer, component, weight, vectors int)")
	s.line("TEXT ·winogradFilterAVX512(SB), NOSPLIT, $0-40")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ component+16(FP), R13")
	s.op("MOVQ weight+24(FP), R8")
	s.op("MOVQ vectors+32(FP), CX")
	s.op("LEAQ (R8)(R8*2), AX")
	s.op("LEAQ (SI)(AX*1), R9")
	s.op("LEAQ (SI)(AX*2), R10")
	s.op("MOVL $0x3f000000, AX // 0.5")
	s.op("VPBROADCASTD AX, Z31")
	s.op("PCALIGN $32")
	s.line("vector:")
	for i, base := range []string{"SI", "R9", "R10"} {
		for j, index := range []string{"", "(R8*1)", "(R8*2)"} {
			s.op("VMOVUPS (%s)%s, Z%d", base, index, 3*i+j)
		}
		s.op("ADDQ $64, %s", base)
	}
	// halves sets two registers to the inner rows of G times three others.
	halves := func(g0, g1, g2, to1, to2 int) {
		s.add(30, g0, g2)
		s.add(to1, 30, g1)
		s.sub(to2, 30, g1)
		s.mul(to1, to1, 31)
		s.mul(to2, to2, 31)
	}
	// Rows 1 and 2 of Gg go to Z9 and on; rows 0 and 3 are those of g.
	for j := range 3 {
		halves(j, 3+j, 6+j, 9+j, 12+j)
	}
	s.op("MOVQ DI, AX")
	for _, row := range []int{0, 9, 12, 6} {
		halves(row, row+1, row+2, 16, 17)
		for _, r := range []int{row, 16, 17, row + 2} {
			s.op("VMOVUPS Z%d, (AX)", r)
			s.op("ADDQ R13, AX")
		}
	}
	s.op("ADDQ $64, DI")
	s.op("DECQ CX")
	s.op("JNZ vector")
	s.op("VZEROUPPER")
	s.op("RET")
}

// winogradGrad writes AgAᵀ, g being two by two, for a row of tiles.
//
//	SI R9  the two rows of g   R8 bytes from pixel to pixel
//	DI  the tile's place   R13  bytes from component to component   CX tiles to go
func winogradGrad(s *source) {
	s.line("")
	s.line("// func winogradGradAVX512(dst, src unsafe.Pointer, component, tile, row, pixel, tiles int)")
	s.line("TEXT ·winogradGradAVX512(SB), NOSPLIT, $0-56")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ component+16(FP), R13")
	s.op("MOVQ tile+24(FP), BX")
	s.op("MOVQ row+32(FP), R9")
	s.op("MOVQ pixel+40(FP), R8")
	s.op("MOVQ tiles+48(FP), CX")
	s.op("ADDQ SI, R9")
	s.op("VPXORQ Z31, Z31, Z31")
	s.op("PCALIGN $32")
	s.line("tile:")
	for i, base := range []string{"SI", "R9"} {
		s.op("VMOVUPS (%s), Z%d", base, 2*i)
		s.op("VMOVUPS (%s)(R8*1), Z%d", base, 2*i+1)
		s.op("LEAQ (%s)(R8*2), %s", base, base)
	}
	// combine sets three registers from two others by A; its first row is the
	// first of the two.
	combine := func(g0, g1, to1, to2, to3 int) {
		s.add(to1, g0, g1)
		s.sub(to2, g0, g1)
		s.sub(to3, 31, g1)
	}
	for j := range 2 {
		combine(j, 2+j, 4+j, 6+j, 8+j)
	}
	s.op("MOVQ DI, AX")
	for i, row := range []int{0, 4, 6, 8} {
		combine(row, row+1, 10, 11, 12)
		for j, r := range []int{row, 10, 11, 12} {
			s.op("VMOVUPS Z%d, (AX)", r)
			if 4*i+j < 15 {
				s.op("ADDQ R13, AX")
			}
		}
	}
	s.op("ADDQ BX, DI")
	s.op("DECQ CX")
	s.op("JNZ tile")
	s.op("VZEROUPPER")
	s.op("RET")
}

// winogradFilterGrad writes GᵀuG for filters that lie side by side.
//
//	SI  u   R13 R12  bytes from component to component, times 3
//	DI  the filter   R8  bytes from one weight to the next   CX vectors to go
func winogradFilterGrad(s *source) {
	s.line("")
	s.line("// func winogradFilterGradAVX512(dst, src unsafe.Pointer, weight, component, vectors int)")
	s.line("TEXT ·winogradFilterGradAVX512(SB), NOSPLIT, $0-40")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ weight+16(FP), R8")
	s.op("MOVQ component+24(FP), R13")
	s.op("MOVQ vectors+32(FP), CX")
	s.op("LEAQ (R13)(R13*2), R12")
	s.op("MOVL $0x3f000000, AX // 0.5")
	s.op("VPBROADCASTD AX, Z31")
	s.op("PCALIGN $32")
	s.line("vector:")
	s.op("MOVQ SI, AX")
	for i := range 4 {
		for j, index := range []string{"", "(R13*1)", "(R13*2)", "(R12*1)"} {
			s.op("VMOVUPS (AX)%s, Z%d", index, 4*i+j)
		}
		if i < 3 {
			s.op("LEAQ (AX)(R13*4), AX")
		}
	}
	// combine sets three registers from four others by Gᵀ.
	combine := func(u0, u1, u2, u3, to0, to1, to2 int) {
		s.add(30, u1, u2)
		s.sub(to1, u1, u2)
		s.mul(30, 30, 31)
		s.mul(to1, to1, 31)
		s.add(to0, u0, 30)
		s.add(to2, u3, 30)
	}
	for j := range 4 {
		combine(j, 4+j, 8+j, 12+j, 16+j, 20+j, 24+j)
	}
	s.op("MOVQ DI, AX")
	for i := range 3 {
		r := 16 + 4*i
		combine(r, r+1, r+2, r+3, 0, 1, 2)
		for j := range 3 {
			s.op("VMOVUPS Z%d, (AX)", j)
			if 3*i+j < 8 {
				s.op("ADDQ R8, AX")
			}
		}
	}
	s.op("ADDQ $64, SI")
	s.op("ADDQ $64, DI")
	s.op("DECQ CX")
	s.op("JNZ vector")
	s.op("VZEROUPPER")
	s.op("RET")
}
