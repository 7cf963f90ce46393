package main

import "fmt"

// Go's assembler for arm64 has no mnemonics for these vector instructions, so
// they are written as words: "Arm Architecture Reference Manual", C7.2, with
// Vm in bits 16-20, Vn in 5-9, Vd in 0-4, on four lanes of 32 bits.
const (
	fadd  = 0x4E20D400
	faddp = 0x6E20D400
	fmax  = 0x4E20F400
)

// word writes Vd = Vn op Vm.
func word(s *source, op uint32, name string, m, n, d int) {
	s.op("WORD $0x%08X // %s V%d.S4, V%d.S4, V%d.S4", op|uint32(m)<<16|uint32(n)<<5|uint32(d), name, m, n, d)
}

// neonRows is the greatest number of rows, by vectors-1.
var neonRows = []int{8, 8, 8, 4}

// neon writes the kernels of arm64. Those of C work as their x86 relatives do;
// instead of index registers each row of A has a pointer, which the broadcasting
// load moves on by csa. For vectors that are used in part there is a kernel for
// each number of lanes, for arm64 has no masks before SVE.
//
//	R1-R8  rows of A   R9   csa   R10  B   R11  rsb
//	R0     the tile    R12  steps of k to go
//	V0-V3  B           V4-V7  broadcasts   V8-V31  sums
func neon(s *source) {
	table := ""
	for v, rows := range neonRows {
		nv := v + 1
		for tail := range 4 {
			for mr := 1; mr <= rows; mr++ {
				name := fmt.Sprintf("tileNEON%dx%d", mr, 4*nv)
				if tail > 0 {
					name = fmt.Sprintf("tileNEON%dx%d", mr, 4*(nv-1)+tail)
				}
				neonTile(s, name, mr, nv, tail)
				table += fmt.Sprintf("DATA tilesNEON<>+%d(SB)/8, $%s<>(SB)\n", 8*(((nv-1)*4+tail)*neonRows[0]+mr-1), name)
			}
		}
	}
	s.line("")
	s.WriteString(table)
	s.line("GLOBL tilesNEON<>(SB), RODATA, $%d", 8*len(neonRows)*4*neonRows[0])
	neonEntry(s, "run", "t", "tile")

	for _, shape := range dotShapes {
		neonDots(s, fmt.Sprintf("dotsNEON%dx%d", shape[0], shape[1]), shape[0], shape[1])
	}
	s.line("")
	for i, shape := range dotShapes {
		s.line("DATA dotsNEON<>+%d(SB)/8, $dotsNEON%dx%d<>(SB)", 8*i, shape[0], shape[1])
	}
	s.line("GLOBL dotsNEON<>(SB), RODATA, $%d", 8*len(dotShapes))
	neonEntry(s, "runDots", "d", "dots")
	neonTranspose(s)
	neonPeak(s)
}

// neonEntry writes the function that Go calls: it jumps to the kernel.
func neonEntry(s *source, prefix, arg, typ string) {
	table := map[string]string{"tile": "tilesNEON", "dots": "dotsNEON"}[typ]
	s.line("")
	s.line("// func %sNEON(%s *%s)", prefix, arg, typ)
	s.line("TEXT ·%sNEON(SB), NOSPLIT|NOFRAME, $0-8", prefix)
	s.op("MOVD %s+0(FP), R0", arg)
	s.op("MOVD %s_kernel(R0), R1", typ)
	s.op("MOVD $%s<>(SB), R2", table)
	s.op("MOVD (R2)(R1<<3), R1")
	s.op("JMP (R1)")
}

// neonLoad loads a vector, or its first lanes: the others become zero. R14 is
// lost.
func neonLoad(s *source, base string, offset, v, lanes int) {
	switch lanes {
	case 0:
		s.op("FMOVQ %d(%s), F%d", offset, base, v)
	case 1:
		s.op("FMOVS %d(%s), F%d", offset, base, v)
	case 2:
		s.op("FMOVD %d(%s), F%d", offset, base, v)
	case 3:
		s.op("FMOVD %d(%s), F%d", offset, base, v)
		s.op("ADD $%d, %s, R14", offset+8, base)
		s.op("VLD1 (R14), V%d.S[2]", v)
	}
}

// neonStore is the inverse of neonLoad.
func neonStore(s *source, v int, base string, offset, lanes int) {
	switch lanes {
	case 0:
		s.op("FMOVQ F%d, %d(%s)", v, offset, base)
	case 1:
		s.op("FMOVS F%d, %d(%s)", v, offset, base)
	case 2:
		s.op("FMOVD F%d, %d(%s)", v, offset, base)
	case 3:
		s.op("FMOVD F%d, %d(%s)", v, offset, base)
		s.op("ADD $%d, %s, R14", offset+8, base)
		s.op("VST1 V%d.S[2], (R14)", v)
	}
}

func neonTile(s *source, name string, mr, nv, tail int) {
	acc := func(i, v int) int { return 8 + i*nv + v }
	lanes := func(v int) int {
		if v == nv-1 {
			return tail
		}
		return 0
	}
	s.line("")
	s.line("TEXT %s<>(SB), NOSPLIT|NOFRAME, $0-0", name)
	s.op("MOVD tile_rsa(R0), R15")
	s.op("MOVD tile_csa(R0), R9")
	s.op("MOVD tile_rsb(R0), R11")
	s.op("MOVD $0, R13")
	for i := range mr {
		for v := range nv {
			s.op("VEOR V%d.B16, V%d.B16, V%d.B16", acc(i, v), acc(i, v), acc(i, v))
		}
	}
	s.line("tap:")
	s.op("MOVD tile_taps(R0), R14")
	s.op("CMP R14, R13")
	s.op("BGE done")
	s.op("MOVD tile_aoff(R0), R14")
	s.op("MOVD (R14)(R13<<3), R14")
	s.op("MOVD tile_a(R0), R1")
	s.op("ADD R14<<2, R1, R1")
	for i := 1; i < mr; i++ {
		s.op("ADD R15, R%d, R%d", i, i+1)
	}
	s.op("MOVD tile_boff(R0), R14")
	s.op("MOVD (R14)(R13<<3), R14")
	s.op("MOVD tile_b(R0), R10")
	s.op("ADD R14<<2, R10, R10")
	s.op("MOVD tile_k(R0), R12")
	s.op("ADD $1, R13, R13")
	s.line("step:")
	for v := range nv {
		neonLoad(s, "R10", 16*v, v, lanes(v))
	}
	s.op("ADD R11, R10, R10")
	for i := range mr {
		f := 4 + i%4
		s.op("VLD1R.P (R%d)(R9), [V%d.S4]", i+1, f)
		for v := range nv {
			s.op("VFMLA V%d.S4, V%d.S4, V%d.S4", f, v, acc(i, v))
		}
	}
	s.op("SUBS $1, R12, R12")
	s.op("BNE step")
	s.op("B tap")

	s.line("done:")
	s.op("MOVD tile_rsc(R0), R2")
	s.op("MOVD tile_flags(R0), R3")
	s.op("MOVD tile_plus(R0), R1")
	s.op("CBZ R1, bias")
	for i := range mr {
		for v := range nv {
			neonLoad(s, "R1", 16*v, v, lanes(v))
			word(s, fadd, "FADD", v, acc(i, v), acc(i, v))
		}
		if i < mr-1 {
			s.op("ADD R2, R1, R1")
		}
	}
	s.line("bias:")
	s.op("MOVD tile_bias(R0), R1")
	s.op("CBZ R1, relu")
	for v := range nv {
		neonLoad(s, "R1", 16*v, v, lanes(v))
	}
	for i := range mr {
		for v := range nv {
			word(s, fadd, "FADD", v, acc(i, v), acc(i, v))
		}
	}
	s.line("relu:")
	s.op("TST $const_relu, R3")
	s.op("BEQ store")
	s.op("VEOR V0.B16, V0.B16, V0.B16")
	for i := range mr {
		for v := range nv {
			word(s, fmax, "FMAX", 0, acc(i, v), acc(i, v))
		}
	}
	s.line("store:")
	s.op("MOVD tile_c(R0), R1")
	for i := range mr {
		for v := range nv {
			neonStore(s, acc(i, v), "R1", 16*v, lanes(v))
		}
		if i < mr-1 {
			s.op("ADD R2, R1, R1")
		}
	}
	s.op("RET")
}

// neonDots is dotKernel for arm64.
//
//	R1 R2   rows of A   R3-R10  columns of B   R11  steps of k to go
//	V0 V1   A           V2-V3   B              V8-V15  sums
func neonDots(s *source, name string, mr, nc int) {
	s.line("")
	s.line("TEXT %s<>(SB), NOSPLIT|NOFRAME, $0-0", name)
	s.op("MOVD dots_a(R0), R1")
	s.op("MOVD dots_rsa(R0), R14")
	s.op("ADD R14, R1, R2")
	s.op("MOVD dots_b(R0), R3")
	s.op("MOVD dots_csb(R0), R14")
	for j := 1; j < nc; j++ {
		s.op("ADD R14, R%d, R%d", j+2, j+3)
	}
	s.op("MOVD dots_k(R0), R11")
	for i := range mr * nc {
		s.op("VEOR V%d.B16, V%d.B16, V%d.B16", 8+i, 8+i, 8+i)
	}
	step := func(load string) {
		for i := range mr {
			s.op(load, i+1, i)
		}
		for j := range nc {
			b := 2 + j%2
			s.op(load, j+3, b)
			for i := range mr {
				s.op("VFMLA V%d.S4, V%d.S4, V%d.S4", b, i, 8+i*nc+j)
			}
		}
	}
	s.op("SUBS $4, R11, R11")
	s.op("BLT rest")
	s.line("step:")
	step("FMOVQ.P 16(R%d), F%d")
	s.op("SUBS $4, R11, R11")
	s.op("BGE step")
	s.line("rest:")
	s.op("ADDS $4, R11, R11")
	s.op("BEQ done")
	s.line("one:")
	// The lanes that a scalar load leaves zero add nothing.
	step("FMOVS.P 4(R%d), F%d")
	s.op("SUBS $1, R11, R11")
	s.op("BNE one")
	s.line("done:")
	s.op("MOVD dots_out(R0), R1")
	for i := 0; i < mr*nc; i++ {
		switch {
		case nc == 1:
			word(s, faddp, "FADDP", 8+i, 8+i, 8+i)
			word(s, faddp, "FADDP", 8+i, 8+i, 8+i)
			s.op("FMOVS F%d, %d(R1)", 8+i, 4*i)
		case i%4 == 0:
			word(s, faddp, "FADDP", 9+i, 8+i, 8+i)
			word(s, faddp, "FADDP", 11+i, 10+i, 10+i)
			word(s, faddp, "FADDP", 10+i, 8+i, 8+i)
			s.op("FMOVQ F%d, %d(R1)", 8+i, 4*i)
		}
	}
	s.op("RET")
}

// neonTranspose turns four rows into four columns, four by four elements at a
// time.
func neonTranspose(s *source) {
	s.line("")
	s.line("// func transposeNEON(dst, src unsafe.Pointer, dstStride, srcStride, blocks int)")
	s.line("TEXT ·transposeNEON(SB), NOSPLIT|NOFRAME, $0-40")
	s.op("MOVD dst+0(FP), R0")
	s.op("MOVD src+8(FP), R1")
	s.op("MOVD dstStride+16(FP), R5")
	s.op("MOVD srcStride+24(FP), R6")
	s.op("MOVD blocks+32(FP), R7")
	for i := range 3 {
		s.op("ADD R6, R%d, R%d", i+1, i+2)
	}
	s.line("block:")
	for i := range 4 {
		s.op("FMOVQ.P 16(R%d), F%d", i+1, i)
	}
	s.op("VZIP1 V1.S4, V0.S4, V4.S4 // 00 10 01 11")
	s.op("VZIP2 V1.S4, V0.S4, V5.S4 // 02 12 03 13")
	s.op("VZIP1 V3.S4, V2.S4, V6.S4 // 20 30 21 31")
	s.op("VZIP2 V3.S4, V2.S4, V7.S4 // 22 32 23 33")
	s.op("VZIP1 V6.D2, V4.D2, V0.D2 // 00 10 20 30")
	s.op("VZIP2 V6.D2, V4.D2, V1.D2")
	s.op("VZIP1 V7.D2, V5.D2, V2.D2")
	s.op("VZIP2 V7.D2, V5.D2, V3.D2")
	for i := range 4 {
		s.op("FMOVQ F%d, (R0)", i)
		s.op("ADD R5, R0, R0")
	}
	s.op("SUBS $1, R7, R7")
	s.op("BNE block")
	s.op("RET")
}

// neonPeak is the loop that measures what the processor can do at best.
func neonPeak(s *source) {
	s.line("")
	s.line("// func peakNEON(n int)")
	s.line("TEXT ·peakNEON(SB), NOSPLIT|NOFRAME, $0-8")
	s.op("MOVD n+0(FP), R0")
	for i := range peakSums + 2 {
		s.op("VEOR V%d.B16, V%d.B16, V%d.B16", i, i, i)
	}
	s.line("loop:")
	for i := range peakSums {
		s.op("VFMLA V%d.S4, V%d.S4, V%d.S4", peakSums, peakSums+1, i)
	}
	s.op("SUBS $1, R0, R0")
	s.op("BNE loop")
	s.op("RET")
}
