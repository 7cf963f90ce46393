package main

import (
	"fmt"
	"slices"
)

// dotShapes are the kernels of scalar products: so many rows of A times so many
// columns of B. What remains of the columns is done one at a time.
var dotShapes = [][2]int{{1, 8}, {1, 4}, {2, 4}, {1, 1}, {2, 1}}

// highDotShapes follow them where there are 32 registers and there is a use for
// them: sixteen sums from eight loads keep the multipliers busy, eight from six
// do not.
var highDotShapes = [][2]int{{4, 4}, {4, 1}}

// dots writes the kernels for operands that both run along k in memory. Each
// lane sums every width-th product, then the lanes are added: one order of
// summation for all shapes.
//
//	SI  rows of A      R8 R9            rsa times 1 3
//	DX  columns of B   R10 R11 R12 R13  csb times 1 3 5 7
//	DI  the arguments  BX               steps of k to go
func (k *x86) dots(s *source) {
	shapes := dotShapes
	if k.reg == "Z" {
		shapes = append(slices.Clone(shapes), highDotShapes...)
	}
	for _, shape := range shapes {
		mr, nc := shape[0], shape[1]
		k.dotKernel(s, fmt.Sprintf("dots%s%dx%d", k.name, mr, nc), mr, nc)
	}
	s.line("")
	for i, shape := range shapes {
		s.line("DATA dots%s<>+%d(SB)/8, $dots%s%dx%d<>(SB)", k.name, 8*i, k.name, shape[0], shape[1])
	}
	s.line("GLOBL dots%s<>(SB), RODATA, $%d", k.name, 8*len(shapes))
	s.line("")
	s.line("// func runDots%s(d *dots)", k.name)
	s.line("TEXT ·runDots%s(SB), NOSPLIT, $0-8", k.name)
	s.op("MOVQ d+0(FP), DI")
	s.op("MOVQ dots_kernel(DI), AX")
	s.op("LEAQ dots%s<>(SB), BX", k.name)
	s.op("MOVQ (BX)(AX*8), AX")
	s.op("JMP AX")
}

func (k *x86) dotKernel(s *source, name string, mr, nc int) {
	// Sums are numbered from 0, then come the vectors of A and one of B.
	sums := mr * nc
	va := func(i int) int { return sums + i }
	vb := sums + mr
	s.line("")
	s.line("TEXT %s<>(SB), NOSPLIT, $0-0", name)
	s.op("MOVQ dots_a(DI), SI")
	s.op("MOVQ dots_rsa(DI), R8")
	if mr > 3 {
		s.op("LEAQ (R8)(R8*2), R9")
	}
	s.op("MOVQ dots_b(DI), DX")
	s.op("MOVQ dots_csb(DI), R10")
	s.op("LEAQ (R10)(R10*2), R11")
	s.op("LEAQ (R10)(R10*4), R12")
	s.op("LEAQ (R11)(R10*4), R13")
	s.op("MOVQ dots_k(DI), BX")
	for i := range sums {
		k.clear(s, i)
	}
	step := func(masked bool) {
		for i := range mr {
			k.load(s, scaled("SI", []string{"R8", "R9"}, i), va(i), masked)
		}
		for j := range nc {
			k.load(s, scaled("DX", []string{"R10", "R11", "R12", "R13"}, j), vb, masked)
			for i := range mr {
				s.op("VFMADD231PS %s%d, %s%d, %s%d", k.reg, vb, k.reg, va(i), k.reg, i*nc+j)
			}
		}
	}
	s.op("SUBQ $%d, BX", k.width)
	s.op("JLT rest")
	s.op("PCALIGN $32")
	s.line("step:")
	step(false)
	s.op("ADDQ $%d, SI", 4*k.width)
	s.op("ADDQ $%d, DX", 4*k.width)
	s.op("SUBQ $%d, BX", k.width)
	s.op("JGE step")
	s.line("rest:")
	s.op("ADDQ $%d, BX", k.width)
	s.op("JZ done")
	s.op("MOVQ BX, CX")
	k.mask(s)
	step(true)
	s.line("done:")
	s.op("MOVQ dots_out(DI), AX")
	x := sums // free now
	for i := range sums {
		if k.reg == "Z" {
			s.op("VEXTRACTF64X4 $1, Z%d, Y%d", i, x)
			s.op("VADDPS Y%d, Y%d, Y%d", x, i, i)
		}
		if k.reg == "Z" {
			s.op("VEXTRACTF32X4 $1, Y%d, X%d", i, x)
		} else {
			s.op("VEXTRACTF128 $1, Y%d, X%d", i, x)
		}
		s.op("VADDPS X%d, X%d, X%d", x, i, i)
	}
	if nc == 1 {
		for i := range sums {
			s.op("VHADDPS X%d, X%d, X%d", i, i, i)
			s.op("VHADDPS X%d, X%d, X%d", i, i, i)
			s.op("VMOVSS X%d, %d(AX)", i, 4*i)
		}
	} else {
		// Horizontal additions of pairs leave four sums side by side.
		for i := 0; i < sums; i += 4 {
			s.op("VHADDPS X%d, X%d, X%d", i+1, i, i)
			s.op("VHADDPS X%d, X%d, X%d", i+3, i+2, i+2)
			s.op("VHADDPS X%d, X%d, X%d", i+2, i, i)
			s.op("VMOVUPS X%d, %d(AX)", i, 4*i)
		}
	}
	s.op("VZEROUPPER")
	s.op("RET")
}
