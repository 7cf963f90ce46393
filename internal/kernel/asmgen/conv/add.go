package main

// add writes the kernel that adds one run of n elements, n > 0, to another. What
// does not fill a vector is done under a mask.
func add(s *source) {
	const vectors = 4
	s.line("")
	s.line("// func addAVX512(dst, src unsafe.Pointer, n int)")
	s.line("TEXT ·addAVX512(SB), NOSPLIT, $0-24")
	s.op("MOVQ dst+0(FP), DI")
	s.op("MOVQ src+8(FP), SI")
	s.op("MOVQ n+16(FP), CX")
	s.op("SUBQ $%d, CX", 16*vectors)
	s.op("JLT single")
	s.op("PCALIGN $32")
	s.line("several:")
	for v := range vectors {
		s.op("VMOVUPS %d(DI), Z%d", 64*v, v)
	}
	for v := range vectors {
		s.op("VADDPS %d(SI), Z%d, Z%d", 64*v, v, v)
	}
	for v := range vectors {
		s.op("VMOVUPS Z%d, %d(DI)", v, 64*v)
	}
	s.op("ADDQ $%d, SI", 64*vectors)
	s.op("ADDQ $%d, DI", 64*vectors)
	s.op("SUBQ $%d, CX", 16*vectors)
	s.op("JGE several")
	s.line("single:")
	s.op("ADDQ $%d, CX", 16*vectors)
	s.op("JZ done")
	s.op("KXNORW K1, K1, K1")
	s.line("next:")
	s.op("CMPQ CX, $16")
	s.op("JGE ready")
	s.op("MOVL $1, AX")
	s.op("SHLL CX, AX")
	s.op("DECL AX")
	s.op("KMOVW AX, K1")
	s.line("ready:")
	s.op("VMOVUPS.Z (DI), K1, Z0")
	s.op("VADDPS (SI), Z0, K1, Z0")
	s.op("VMOVUPS Z0, K1, (DI)")
	s.op("ADDQ $64, SI")
	s.op("ADDQ $64, DI")
	s.op("SUBQ $16, CX")
	s.op("JGT next")
	s.line("done:")
	s.op("VZEROUPPER")
	s.op("RET")
}
