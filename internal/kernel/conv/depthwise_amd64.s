//go:build !noasm

#include "go_asm.h"
#include "textflag.h"

// The kernels share their registers:
//
//	DI y      SI x       DX w        R8 xoff    R13 woff
//	R9 taps   R10 bytes of channels to do       R11 pixels to go
//	R12 xstep R15 ystep  CX bytes of channels done
//	AX BX R14 scratch
//
// Channels are the inner loop and pixels the outer one, because channels are
// neighbours in memory. Four pixels share each load of weights.

#define LOAD_RUN \
	MOVQ r+0(FP), AX \
	MOVQ depthwiseRun_y(AX), DI \
	MOVQ depthwiseRun_x(AX), SI \
	MOVQ depthwiseRun_w(AX), DX \
	MOVQ depthwiseRun_xoff(AX), R8 \
	MOVQ depthwiseRun_woff(AX), R13 \
	MOVQ depthwiseRun_taps(AX), R9 \
	MOVQ depthwiseRun_channels(AX), R10 \
	SHLQ $2, R10 \
	MOVQ depthwiseRun_pixels(AX), R11 \
	MOVQ depthwiseRun_xstep(AX), R12 \
	MOVQ depthwiseRun_ystep(AX), R15

// MASK sets K1 to the channels of the vector at CX.
#define MASK(ready) \
	KXNORW K1, K1, K1 \
	MOVQ R10, AX \
	SUBQ CX, AX \
	CMPQ AX, $64 \
	JGE ready \
	SHRQ $2, AX \
	MOVL $1, BX \
	SHLXQ AX, BX, BX \
	DECQ BX \
	KMOVW BX, K1

// func depthwisePixelsAVX512(r *depthwiseRun)
TEXT ·depthwisePixelsAVX512(SB), NOSPLIT, $0-8
	LOAD_RUN
	VPXORQ Z31, Z31, Z31

four:
	CMPQ R11, $4
	JLT  one
	XORQ CX, CX

fourVector:
	MASK(ready4)
ready4:
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	XORQ   R14, R14

fourTap:
	CMPQ         R14, R9
	JGE          fourStore
	MOVQ         (R13)(R14*8), AX
	LEAQ         (DX)(AX*4), AX
	VMOVUPS.Z    (AX)(CX*1), K1, Z4
	MOVQ         (R8)(R14*8), AX
	LEAQ         (SI)(AX*4), AX
	ADDQ         CX, AX
	VFMADD231PS  (AX), Z4, K1, Z0
	VFMADD231PS  (AX)(R12*1), Z4, K1, Z1
	VFMADD231PS  (AX)(R12*2), Z4, K1, Z2
	LEAQ         (AX)(R12*2), AX
	VFMADD231PS  (AX)(R12*1), Z4, K1, Z3
	INCQ         R14
	JMP          fourTap

fourStore:
	LEAQ  (DI)(CX*1), BX
	LEAQ  (BX)(R15*2), R14
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseAccumulate, depthwiseRun_flags(AX)
	JZ    fourBias
	VADDPS (BX), Z0, K1, Z0
	VADDPS (BX)(R15*1), Z1, K1, Z1
	VADDPS (R14), Z2, K1, Z2
	VADDPS (R14)(R15*1), Z3, K1, Z3

fourBias:
	MOVQ  depthwiseRun_bias(AX), AX
	TESTQ AX, AX
	JZ    fourReLU
	VMOVUPS.Z (AX)(CX*1), K1, Z4
	VADDPS Z4, Z0, Z0
	VADDPS Z4, Z1, Z1
	VADDPS Z4, Z2, Z2
	VADDPS Z4, Z3, Z3

fourReLU:
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseReLU, depthwiseRun_flags(AX)
	JZ    fourDone
	// Of zero and NaN, VMAXPS gives its first operand here: NaN stays.
	VMAXPS Z0, Z31, Z0
	VMAXPS Z1, Z31, Z1
	VMAXPS Z2, Z31, Z2
	VMAXPS Z3, Z31, Z3

fourDone:
	VMOVUPS Z0, K1, (BX)
	VMOVUPS Z1, K1, (BX)(R15*1)
	VMOVUPS Z2, K1, (R14)
	VMOVUPS Z3, K1, (R14)(R15*1)
	ADDQ    $64, CX
	CMPQ    CX, R10
	JLT     fourVector
	LEAQ    (SI)(R12*4), SI
	LEAQ    (DI)(R15*4), DI
	SUBQ    $4, R11
	JMP     four

one:
	TESTQ R11, R11
	JZ    end
	XORQ  CX, CX

oneVector:
	MASK(ready1)
ready1:
	VPXORQ Z0, Z0, Z0
	XORQ   R14, R14

oneTap:
	CMPQ        R14, R9
	JGE         oneStore
	MOVQ        (R13)(R14*8), AX
	LEAQ        (DX)(AX*4), AX
	VMOVUPS.Z   (AX)(CX*1), K1, Z4
	MOVQ        (R8)(R14*8), AX
	LEAQ        (SI)(AX*4), AX
	VFMADD231PS (AX)(CX*1), Z4, K1, Z0
	INCQ        R14
	JMP         oneTap

oneStore:
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseAccumulate, depthwiseRun_flags(AX)
	JZ    oneBias
	VADDPS (DI)(CX*1), Z0, K1, Z0

oneBias:
	MOVQ  depthwiseRun_bias(AX), BX
	TESTQ BX, BX
	JZ    oneReLU
	VADDPS (BX)(CX*1), Z0, K1, Z0

oneReLU:
	TESTQ $const_depthwiseReLU, depthwiseRun_flags(AX)
	JZ    oneDone
	VMAXPS Z0, Z31, Z0

oneDone:
	VMOVUPS Z0, K1, (DI)(CX*1)
	ADDQ    $64, CX
	CMPQ    CX, R10
	JLT     oneVector
	ADDQ    R12, SI
	ADDQ    R15, DI
	DECQ    R11
	JMP     one

end:
	VZEROUPPER
	RET

// func depthwisePixelsAVX2(r *depthwiseRun)
TEXT ·depthwisePixelsAVX2(SB), NOSPLIT, $0-8
	LOAD_RUN
	VXORPS Y15, Y15, Y15

four:
	CMPQ R11, $4
	JLT  one
	XORQ CX, CX

fourVector:
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	XORQ   R14, R14

fourTap:
	CMPQ        R14, R9
	JGE         fourStore
	MOVQ        (R13)(R14*8), AX
	LEAQ        (DX)(AX*4), AX
	VMOVUPS     (AX)(CX*1), Y4
	MOVQ        (R8)(R14*8), AX
	LEAQ        (SI)(AX*4), AX
	ADDQ        CX, AX
	VFMADD231PS (AX), Y4, Y0
	VFMADD231PS (AX)(R12*1), Y4, Y1
	VFMADD231PS (AX)(R12*2), Y4, Y2
	LEAQ        (AX)(R12*2), AX
	VFMADD231PS (AX)(R12*1), Y4, Y3
	INCQ        R14
	JMP         fourTap

fourStore:
	LEAQ  (DI)(CX*1), BX
	LEAQ  (BX)(R15*2), R14
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseAccumulate, depthwiseRun_flags(AX)
	JZ    fourBias
	VADDPS (BX), Y0, Y0
	VADDPS (BX)(R15*1), Y1, Y1
	VADDPS (R14), Y2, Y2
	VADDPS (R14)(R15*1), Y3, Y3

fourBias:
	MOVQ  depthwiseRun_bias(AX), AX
	TESTQ AX, AX
	JZ    fourReLU
	VMOVUPS (AX)(CX*1), Y4
	VADDPS Y4, Y0, Y0
	VADDPS Y4, Y1, Y1
	VADDPS Y4, Y2, Y2
	VADDPS Y4, Y3, Y3

fourReLU:
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseReLU, depthwiseRun_flags(AX)
	JZ    fourDone
	VMAXPS Y0, Y15, Y0
	VMAXPS Y1, Y15, Y1
	VMAXPS Y2, Y15, Y2
	VMAXPS Y3, Y15, Y3

fourDone:
	VMOVUPS Y0, (BX)
	VMOVUPS Y1, (BX)(R15*1)
	VMOVUPS Y2, (R14)
	VMOVUPS Y3, (R14)(R15*1)
	ADDQ    $32, CX
	CMPQ    CX, R10
	JLT     fourVector
	LEAQ    (SI)(R12*4), SI
	LEAQ    (DI)(R15*4), DI
	SUBQ    $4, R11
	JMP     four

one:
	TESTQ R11, R11
	JZ    end
	XORQ  CX, CX

oneVector:
	VXORPS Y0, Y0, Y0
	XORQ   R14, R14

oneTap:
	CMPQ        R14, R9
	JGE         oneStore
	MOVQ        (R13)(R14*8), AX
	LEAQ        (DX)(AX*4), AX
	VMOVUPS     (AX)(CX*1), Y4
	MOVQ        (R8)(R14*8), AX
	LEAQ        (SI)(AX*4), AX
	VFMADD231PS (AX)(CX*1), Y4, Y0
	INCQ        R14
	JMP         oneTap

oneStore:
	MOVQ  r+0(FP), AX
	TESTQ $const_depthwiseAccumulate, depthwiseRun_flags(AX)
	JZ    oneBias
	VADDPS (DI)(CX*1), Y0, Y0

oneBias:
	MOVQ  depthwiseRun_bias(AX), BX
	TESTQ BX, BX
	JZ    oneReLU
	VADDPS (BX)(CX*1), Y0, Y0

oneReLU:
	TESTQ $const_depthwiseReLU, depthwiseRun_flags(AX)
	JZ    oneDone
	VMAXPS Y0, Y15, Y0

oneDone:
	VMOVUPS Y0, (DI)(CX*1)
	ADDQ    $32, CX
	CMPQ    CX, R10
	JLT     oneVector
	ADDQ    R12, SI
	ADDQ    R15, DI
	DECQ    R11
	JMP     one

end:
	VZEROUPPER
	RET

// The products take three taps at a time, those of one row of a 3x3 kernel, and
// two pixels, so that six chains of additions hide each other's latency. A lone
// tap that is left over is taken three times and counted once.
//
//	R13 first tap of the three
//	AX BX R14 x at the three taps
//	R8 gy     R9 pixels to go

// func depthwiseProductsAVX512(r *depthwiseRun)
TEXT ·depthwiseProductsAVX512(SB), NOSPLIT, $0-8
	LOAD_RUN
	XORQ R13, R13

taps:
	XORQ CX, CX

vector:
	MASK(ready)
ready:
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	MOVQ   r+0(FP), BX
	MOVQ   depthwiseRun_taps(BX), R9
	SUBQ   R13, R9            // taps left, this one included
	MOVQ   depthwiseRun_xoff(BX), R8
	LEAQ   (R8)(R13*8), R8
	MOVQ   (R8), AX
	LEAQ   (SI)(AX*4), AX
	ADDQ   CX, AX
	MOVQ   AX, BX
	MOVQ   AX, R14
	CMPQ   R9, $3
	JLT    loaded
	MOVQ   8(R8), BX
	LEAQ   (SI)(BX*4), BX
	ADDQ   CX, BX
	MOVQ   16(R8), R14
	LEAQ   (SI)(R14*4), R14
	ADDQ   CX, R14

loaded:
	LEAQ (DI)(CX*1), R8
	MOVQ R11, R9

pair:
	CMPQ        R9, $2
	JLT         last
	VMOVUPS.Z   (R8), K1, Z6
	VMOVUPS.Z   (R8)(R15*1), K1, Z7
	VFMADD231PS (AX), Z6, K1, Z0
	VFMADD231PS (BX), Z6, K1, Z1
	VFMADD231PS (R14), Z6, K1, Z2
	VFMADD231PS (AX)(R12*1), Z7, K1, Z3
	VFMADD231PS (BX)(R12*1), Z7, K1, Z4
	VFMADD231PS (R14)(R12*1), Z7, K1, Z5
	LEAQ        (AX)(R12*2), AX
	LEAQ        (BX)(R12*2), BX
	LEAQ        (R14)(R12*2), R14
	LEAQ        (R8)(R15*2), R8
	SUBQ        $2, R9
	JMP         pair

last:
	TESTQ       R9, R9
	JZ          store
	VMOVUPS.Z   (R8), K1, Z6
	VFMADD231PS (AX), Z6, K1, Z0
	VFMADD231PS (BX), Z6, K1, Z1
	VFMADD231PS (R14), Z6, K1, Z2

store:
	VADDPS  Z3, Z0, Z0
	VADDPS  Z4, Z1, Z1
	VADDPS  Z5, Z2, Z2
	MOVQ    r+0(FP), BX
	MOVQ    depthwiseRun_row(BX), AX
	MOVQ    depthwiseRun_taps(BX), R9
	SUBQ    R13, R9
	MOVQ    AX, R14
	IMULQ   R13, R14
	ADDQ    CX, R14
	ADDQ    DX, R14           // sum at the first tap
	VADDPS  (R14), Z0, K1, Z0
	VMOVUPS Z0, K1, (R14)
	CMPQ    R9, $3
	JLT     next
	VADDPS  (R14)(AX*1), Z1, K1, Z1
	VMOVUPS Z1, K1, (R14)(AX*1)
	VADDPS  (R14)(AX*2), Z2, K1, Z2
	VMOVUPS Z2, K1, (R14)(AX*2)

next:
	ADDQ $64, CX
	CMPQ CX, R10
	JLT  vector
	MOVQ $3, AX
	MOVQ $1, R14
	CMPQ R9, $3
	CMOVQLT R14, AX
	ADDQ AX, R13
	CMPQ R13, depthwiseRun_taps(BX)
	JLT  taps
	VZEROUPPER
	RET

// func depthwiseProductsAVX2(r *depthwiseRun)
TEXT ·depthwiseProductsAVX2(SB), NOSPLIT, $0-8
	LOAD_RUN
	XORQ R13, R13

taps:
	XORQ CX, CX

vector:
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	MOVQ   r+0(FP), BX
	MOVQ   depthwiseRun_taps(BX), R9
	SUBQ   R13, R9
	MOVQ   depthwiseRun_xoff(BX), R8
	LEAQ   (R8)(R13*8), R8
	MOVQ   (R8), AX
	LEAQ   (SI)(AX*4), AX
	ADDQ   CX, AX
	MOVQ   AX, BX
	MOVQ   AX, R14
	CMPQ   R9, $3
	JLT    loaded
	MOVQ   8(R8), BX
	LEAQ   (SI)(BX*4), BX
	ADDQ   CX, BX
	MOVQ   16(R8), R14
	LEAQ   (SI)(R14*4), R14
	ADDQ   CX, R14

loaded:
	LEAQ (DI)(CX*1), R8
	MOVQ R11, R9

pair:
	CMPQ        R9, $2
	JLT         last
	VMOVUPS     (R8), Y6
	VMOVUPS     (R8)(R15*1), Y7
	VFMADD231PS (AX), Y6, Y0
	VFMADD231PS (BX), Y6, Y1
	VFMADD231PS (R14), Y6, Y2
	VFMADD231PS (AX)(R12*1), Y7, Y3
	VFMADD231PS (BX)(R12*1), Y7, Y4
	VFMADD231PS (R14)(R12*1), Y7, Y5
	LEAQ        (AX)(R12*2), AX
	LEAQ        (BX)(R12*2), BX
	LEAQ        (R14)(R12*2), R14
	LEAQ        (R8)(R15*2), R8
	SUBQ        $2, R9
	JMP         pair

last:
	TESTQ       R9, R9
	JZ          store
	VMOVUPS     (R8), Y6
	VFMADD231PS (AX), Y6, Y0
	VFMADD231PS (BX), Y6, Y1
	VFMADD231PS (R14), Y6, Y2

store:
	VADDPS  Y3, Y0, Y0
	VADDPS  Y4, Y1, Y1
	VADDPS  Y5, Y2, Y2
	MOVQ    r+0(FP), BX
	MOVQ    depthwiseRun_row(BX), AX
	MOVQ    depthwiseRun_taps(BX), R9
	SUBQ    R13, R9
	MOVQ    AX, R14
	IMULQ   R13, R14
	ADDQ    CX, R14
	ADDQ    DX, R14
	VADDPS  (R14), Y0, Y0
	VMOVUPS Y0, (R14)
	CMPQ    R9, $3
	JLT     next
	VADDPS  (R14)(AX*1), Y1, Y1
	VMOVUPS Y1, (R14)(AX*1)
	VADDPS  (R14)(AX*2), Y2, Y2
	VMOVUPS Y2, (R14)(AX*2)

next:
	ADDQ $32, CX
	CMPQ CX, R10
	JLT  vector
	MOVQ $3, AX
	MOVQ $1, R14
	CMPQ R9, $3
	CMOVQLT R14, AX
	ADDQ AX, R13
	CMPQ R13, depthwiseRun_taps(BX)
	JLT  taps
	VZEROUPPER
	RET
