package main

// pack writes the conversion of blocks of sixteen rows of 32 float32, or of 32
// rows of sixteen, to tiles of bfloat16: sixteen rows of sixteen pairs. The halves
// do so with 32 rows of sixteen that are bfloat16 already.
//
//	AX  src        R8   bytes from a row of src to the next
//	BX  dst        R9   bytes from a row of dst to the next
//	CX  blocks     R10  bytes from a block of src to the next
//	               R11  bytes from a block of dst to the next
func pack(s *source) {
	s.line("")
	s.line("// Interleaves the halves of a vector of 32 words.")
	for i := range 16 {
		s.line("DATA interleave<>+%d(SB)/4, $0x%04x%04x", 4*i, i+16, i)
	}
	s.line("GLOBL interleave<>(SB), RODATA|NOPTR, $64")
	for _, f := range []struct {
		name                    string
		pairs, transpose, ready bool
	}{
		{"rows", false, false, false}, {"rowsTransposed", false, true, false},
		{"pairs", true, false, false}, {"pairsTransposed", true, true, false},
		{"halfPairs", true, false, true}, {"halfPairsTransposed", true, true, true},
	} {
		s.line("")
		s.line("// func %s(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)", f.name)
		s.line("TEXT ·%s(SB), NOSPLIT, $0-56", f.name)
		for i, r := range []string{"dst BX", "src AX", "dstRow R9", "srcRow R8", "dstBlock R11", "srcBlock R10", "blocks CX"} {
			var name, reg string
			for k, c := range r {
				if c == ' ' {
					name, reg = r[:k], r[k+1:]
				}
			}
			s.op("MOVQ %s+%d(FP), %s", name, 8*i, reg)
		}
		const index = 31
		if f.pairs && !f.transpose {
			s.op("VMOVDQU32 interleave<>(SB), Z%d", index)
		}
		s.op("PCALIGN $32")
		s.line("block:")
		s.op("MOVQ AX, SI")
		if f.pairs && f.transpose {
			s.op("VMOVDQU32 interleave<>(SB), Z%d", index)
		}
		for i := range 16 {
			switch {
			case f.ready:
				s.op("VMOVDQU (SI), Y%d", i)
				s.op("VINSERTI64X4 $1, (SI)(R8*1), Z%d, Z%d", i, i)
				s.op("LEAQ (SI)(R8*2), SI")
			case f.pairs:
				s.op("VMOVUPS (SI), Z16")
				s.op("VMOVUPS (SI)(R8*1), Z17")
				s.op("LEAQ (SI)(R8*2), SI")
				s.roundPair(16, 17, i)
			default:
				s.op("VMOVUPS (SI), Z16")
				s.op("VMOVUPS 64(SI), Z17")
				s.op("ADDQ R8, SI")
				s.roundPair(16, 17, i)
			}
			if f.pairs {
				s.op("VPERMW Z%d, Z%d, Z%d", i, index, i)
			}
		}
		if f.transpose {
			transpose(s)
		}
		s.op("MOVQ BX, DX")
		for i := range 16 {
			s.op("VMOVDQU32 Z%d, (DX)", i)
			s.op("ADDQ R9, DX")
		}
		s.op("ADDQ R10, AX")
		s.op("ADDQ R11, BX")
		s.op("DECQ CX")
		s.op("JNZ block")
		s.op("VZEROUPPER")
		s.op("RET")
	}
	line(s)
}

// transpose exchanges rows and columns of sixteen by sixteen pairs in Z0 to Z15:
// first within quarters of a register, by pairs of rows and then by pairs of
// pairs, then quarters among registers.
func transpose(s *source) {
	for i := 0; i < 16; i += 2 {
		s.op("VPUNPCKLDQ Z%d, Z%d, Z%d", i+1, i, 16+i)
		s.op("VPUNPCKHDQ Z%d, Z%d, Z%d", i+1, i, 17+i)
	}
	for i := 0; i < 16; i += 4 {
		for k := range 2 {
			s.op("VPUNPCKLQDQ Z%d, Z%d, Z%d", 16+i+k+2, 16+i+k, i+2*k)
			s.op("VPUNPCKHQDQ Z%d, Z%d, Z%d", 16+i+k+2, 16+i+k, i+2*k+1)
		}
	}
	// Register 4g+c holds, in quarter q, column 4q+c of rows 4g to 4g+3.
	for c := range 4 {
		for half := range 2 { // rows 0-7, then 8-15
			s.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 8*half+4+c, 8*half+c, 16+8*half+c)   // quarters 0 and 2
			s.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 8*half+4+c, 8*half+c, 16+8*half+4+c) // quarters 1 and 3
		}
	}
	for c := range 4 {
		for odd := range 2 {
			s.op("VSHUFI32X4 $0x88, Z%d, Z%d, Z%d", 24+4*odd+c, 16+4*odd+c, 4*odd+c)
			s.op("VSHUFI32X4 $0xdd, Z%d, Z%d, Z%d", 24+4*odd+c, 16+4*odd+c, 8+4*odd+c)
		}
	}
}

// line writes the conversion of rows of any length.
func line(s *source) {
	s.line("")
	s.line("// func roundRows(dst, src unsafe.Pointer, dstRow, srcRow, rows, n int)")
	s.line("TEXT ·roundRows(SB), NOSPLIT, $0-48")
	s.op("MOVQ dst+0(FP), BX")
	s.op("MOVQ src+8(FP), AX")
	s.op("MOVQ dstRow+16(FP), R9")
	s.op("MOVQ srcRow+24(FP), R8")
	s.op("MOVQ rows+32(FP), R10")
	s.op("MOVQ n+40(FP), R11")
	// The mask of what is left after whole vectors of 32, in two halves.
	s.op("MOVQ R11, CX")
	s.op("ANDQ $31, CX")
	s.op("MOVQ $1, DX")
	s.op("SHLQ CX, DX")
	s.op("DECQ DX")
	s.op("KMOVD DX, K3")
	s.op("KMOVW DX, K1")
	s.op("SHRQ $16, DX")
	s.op("KMOVW DX, K2")
	s.op("SHRQ $5, R11")
	s.line("row:")
	s.op("MOVQ AX, SI")
	s.op("MOVQ BX, DI")
	s.op("MOVQ R11, DX")
	s.op("TESTQ DX, DX")
	s.op("JZ tail")
	s.op("PCALIGN $32")
	s.line("vector:")
	s.op("VMOVUPS (SI), Z0")
	s.op("VMOVUPS 64(SI), Z1")
	s.roundPair(0, 1, 0)
	s.op("VMOVDQU32 Z0, (DI)")
	s.op("ADDQ $128, SI")
	s.op("ADDQ $64, DI")
	s.op("DECQ DX")
	s.op("JNZ vector")
	s.line("tail:")
	s.op("TESTQ CX, CX")
	s.op("JZ next")
	s.op("VMOVUPS.Z (SI), K1, Z0")
	s.op("VMOVUPS.Z 64(SI), K2, Z1")
	s.roundPair(0, 1, 0)
	s.op("VMOVDQU16 Z0, K3, (DI)")
	s.line("next:")
	s.op("ADDQ R8, AX")
	s.op("ADDQ R9, BX")
	s.op("DECQ R10")
	s.op("JNZ row")
	s.op("VZEROUPPER")
	s.op("RET")
}
