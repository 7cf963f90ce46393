package main

// copyRows writes the kernel that copies rows of one or two cache lines. The
// rows of a matrix lie far apart, where no hardware prefetcher looks for the
// next one; so it asks for them itself.
func copyRows(s *source) {
	s.line("")
	s.line("// func copyRowsAVX2(dst, src unsafe.Pointer, dstStride, srcStride, rows, lines int)")
	s.line("TEXT ·copyRowsAVX2(SB), NOSPLIT, $0-48")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ dstStride+16(FP), R10")
	s.op("MOVQ srcStride+24(FP), R8")
	s.op("MOVQ rows+32(FP), CX")
	s.op("MOVQ lines+40(FP), AX")
	s.op("CMPQ AX, $1")
	s.op("JEQ single")
	for _, label := range []string{"double", "single"} {
		s.op("PCALIGN $32")
		s.line("%s:", label)
		for i := range map[string]int{"double": 4, "single": 2}[label] {
			s.op("VMOVUPS %d(SI), Y%d", 32*i, i)
		}
		s.op("PREFETCHT0 (SI)(R8*8)")
		if label == "double" {
			s.op("PREFETCHT0 64(SI)(R8*8)")
		}
		for i := range map[string]int{"double": 4, "single": 2}[label] {
			s.op("VMOVUPS Y%d, %d(DI)", i, 32*i)
		}
		s.op("ADDQ R8, SI")
		s.op("ADDQ R10, DI")
		s.op("DECQ CX")
		s.op("JNZ %s", label)
		s.op("VZEROUPPER")
		s.op("RET")
	}
}

// transpose writes the kernel that turns eight rows into eight columns, eight
// by eight elements at a time. AVX-512 uses it too: it moves as many bytes as
// the stores can take.
//
//	SI BX  rows 0 and 4, R8 R9  their stride times 1 3
//	DI AX  columns 0 and 4, R10 R11  their stride times 1 3
func transpose(s *source) {
	s.line("")
	s.line("// func transposeAVX2(dst, src unsafe.Pointer, dstStride, srcStride, blocks int)")
	s.line("TEXT ·transposeAVX2(SB), NOSPLIT, $0-40")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ dstStride+16(FP), R10")
	s.op("MOVQ srcStride+24(FP), R8")
	s.op("MOVQ blocks+32(FP), CX")
	s.op("LEAQ (R8)(R8*2), R9")
	s.op("LEAQ (R10)(R10*2), R11")
	s.op("LEAQ (SI)(R8*4), BX")
	s.op("LEAQ (DI)(R10*4), AX")
	s.op("PCALIGN $32")
	s.line("block:")
	line := func(base, stride, triple string, i int) string {
		return []string{"(" + base + ")", "(" + base + ")(" + stride + "*1)", "(" + base + ")(" + stride + "*2)", "(" + base + ")(" + triple + "*1)"}[i]
	}
	for half := range 2 {
		disp := ""
		if half == 1 {
			disp = "16"
		}
		for i := range 4 {
			s.op("VMOVUPS %s%s, X%d", disp, line("SI", "R8", "R9", i), i)
			s.op("VINSERTF128 $1, %s%s, Y%d, Y%d", disp, line("BX", "R8", "R9", i), i, i)
		}
		s.op("VUNPCKLPS Y1, Y0, Y4 // 00 10 01 11 | 40 50 41 51")
		s.op("VUNPCKHPS Y1, Y0, Y5 // 02 12 03 13 | 42 52 43 53")
		s.op("VUNPCKLPS Y3, Y2, Y6 // 20 30 21 31 | 60 70 61 71")
		s.op("VUNPCKHPS Y3, Y2, Y7 // 22 32 23 33 | 62 72 63 73")
		s.op("VUNPCKLPD Y6, Y4, Y0 // 00 10 20 30 | 40 50 60 70")
		s.op("VUNPCKHPD Y6, Y4, Y1")
		s.op("VUNPCKLPD Y7, Y5, Y2")
		s.op("VUNPCKHPD Y7, Y5, Y3")
		base := []string{"DI", "AX"}[half]
		for i := range 4 {
			s.op("VMOVUPS Y%d, %s", i, line(base, "R10", "R11", i))
		}
	}
	s.op("ADDQ $32, SI")
	s.op("ADDQ $32, BX")
	s.op("LEAQ (DI)(R10*8), DI")
	s.op("LEAQ (AX)(R10*8), AX")
	s.op("DECQ CX")
	s.op("JNZ block")
	s.op("VZEROUPPER")
	s.op("RET")
}
