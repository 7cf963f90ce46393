//go:build !noasm

#include "go_asm.h"
#include "textflag.h"

// The kernels share their registers:
//
//	SI x   DI y   DX arg    R8 offsets   R9 taps
//	R10 channels  R11 pixels to go   R12 xstep   R13 pixel
//	CX channels done   R14 tap   AX BX scratch

#define LOAD_ARGS \
	MOVQ a+0(FP), AX \
	MOVQ maxArgs_x(AX), SI \
	MOVQ maxArgs_y(AX), DI \
	MOVQ maxArgs_arg(AX), DX \
	LEAQ maxArgs_offsets(AX), R8 \
	LEAQ maxArgs_codes(AX), R15 \
	MOVQ maxArgs_taps(AX), R9 \
	MOVQ maxArgs_channels(AX), R10 \
	MOVQ maxArgs_pixels(AX), R11 \
	MOVQ maxArgs_xstep(AX), R12 \
	MOVQ maxArgs_pixel(AX), R13

// MASK sets K1 to the channels of the vector at CX.
#define MASK(ready) \
	KXNORW K1, K1, K1 \
	MOVQ R10, AX \
	SUBQ CX, AX \
	CMPQ AX, $16 \
	JGE ready \
	MOVL $1, BX \
	SHLXQ AX, BX, BX \
	DECQ BX \
	KMOVW BX, K1

// An element replaces the maximum so far if it is greater or NaN: two
// comparisons, because no single one keeps a NaN that was found before.

// func maxAVX512(a *maxArgs)
TEXT ·maxAVX512(SB), NOSPLIT, $0-8
	LOAD_ARGS
	MOVL         $0xff800000, AX // -Inf
	VPBROADCASTD AX, Z31

pixel:
	XORQ CX, CX

vector:
	MASK(ready)
ready:
	LEAQ         (SI)(CX*4), BX
	VMOVAPS      Z31, Z0
	VPBROADCASTD (R15), Z1
	XORQ         R14, R14

tap:
	MOVLQSX      (R8)(R14*4), AX
	VMOVUPS.Z    (BX)(AX*1), K1, Z2
	VCMPPS       $0x1e, Z0, Z2, K2 // greater
	VCMPPS       $3, Z2, Z2, K3    // NaN
	KORW         K2, K3, K2
	VMOVAPS      Z2, K2, Z0
	VPBROADCASTD (R15)(R14*4), K2, Z1
	INCQ         R14
	CMPQ         R14, R9
	JLT          tap
	VMOVUPS      Z0, K1, (DI)(CX*4)
	TESTQ        DX, DX
	JZ           next
	VPMOVDB      Z1, K1, (DX)(CX*1)

next:
	ADDQ  $16, CX
	CMPQ  CX, R10
	JLT   vector
	ADDQ  R12, SI
	LEAQ  (DI)(R13*4), DI
	TESTQ DX, DX
	JZ    last
	ADDQ  R13, DX

last:
	DECQ R11
	JNZ  pixel
	VZEROUPPER
	RET

// func maxAVX2(a *maxArgs)
TEXT ·maxAVX2(SB), NOSPLIT, $0-8
	LOAD_ARGS
	MOVL         $0xff800000, AX
	VMOVD        AX, X15
	VPBROADCASTD X15, Y15

pixel:
	XORQ CX, CX

vector:
	LEAQ         (SI)(CX*4), BX
	VMOVAPS      Y15, Y0
	VPBROADCASTD (R15), Y1
	XORQ         R14, R14

tap:
	MOVLQSX      (R8)(R14*4), AX
	VMOVUPS      (BX)(AX*1), Y2
	VCMPPS       $0x1e, Y0, Y2, Y3
	VCMPPS       $3, Y2, Y2, Y4
	VORPS        Y3, Y4, Y3
	VPBROADCASTD (R15)(R14*4), Y4
	VBLENDVPS    Y3, Y2, Y0, Y0
	VBLENDVPS    Y3, Y4, Y1, Y1
	INCQ         R14
	CMPQ         R14, R9
	JLT          tap
	VMOVUPS      Y0, (DI)(CX*4)
	TESTQ        DX, DX
	JZ           next
	VEXTRACTI128 $1, Y1, X2
	VPACKUSDW    X2, X1, X1
	VPACKUSWB    X1, X1, X1
	VMOVQ        X1, (DX)(CX*1)

next:
	ADDQ  $8, CX
	CMPQ  CX, R10
	JLT   vector
	ADDQ  R12, SI
	LEAQ  (DI)(R13*4), DI
	TESTQ DX, DX
	JZ    last
	ADDQ  R13, DX

last:
	DECQ R11
	JNZ  pixel
	VZEROUPPER
	RET

// func maxGradAVX512(a *maxArgs)
TEXT ·maxGradAVX512(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), AX
	MOVQ  maxArgs_fresh(AX), BX
	LOAD_ARGS
	TESTQ BX, BX
	JNZ   freshPixel

pixel:
	XORQ CX, CX

vector:
	MASK(ready)
ready:
	LEAQ        (SI)(CX*4), BX
	VMOVUPS.Z   (DI)(CX*4), K1, Z0
	VPMOVZXBD.Z (DX)(CX*1), K1, Z1
	XORQ        R14, R14

tap:
	MOVLQSX       (R8)(R14*4), AX
	VPCMPEQD.BCST (R15)(R14*4), Z1, K1, K2
	VMOVUPS.Z     (BX)(AX*1), K1, Z2
	VADDPS        Z0, Z2, K2, Z2
	VMOVUPS       Z2, K1, (BX)(AX*1)
	INCQ          R14
	CMPQ          R14, R9
	JLT           tap
	ADDQ          $16, CX
	CMPQ          CX, R10
	JLT           vector
	ADDQ          R12, SI
	LEAQ          (DI)(R13*4), DI
	ADDQ          R13, DX
	DECQ          R11
	JNZ           pixel
	VZEROUPPER
	RET

freshPixel:
	XORQ CX, CX

freshVector:
	MASK(freshReady)
freshReady:
	LEAQ        (SI)(CX*4), BX
	VMOVUPS.Z   (DI)(CX*4), K1, Z0
	VPMOVZXBD.Z (DX)(CX*1), K1, Z1
	XORQ        R14, R14

freshTap:
	MOVLQSX       (R8)(R14*4), AX
	VPCMPEQD.BCST (R15)(R14*4), Z1, K2
	VMOVAPS.Z     Z0, K2, Z2
	VMOVUPS       Z2, K1, (BX)(AX*1)
	INCQ          R14
	CMPQ          R14, R9
	JLT           freshTap
	ADDQ          $16, CX
	CMPQ          CX, R10
	JLT           freshVector
	ADDQ          R12, SI
	LEAQ          (DI)(R13*4), DI
	ADDQ          R13, DX
	DECQ          R11
	JNZ           freshPixel
	VZEROUPPER
	RET

// func maxGradAVX2(a *maxArgs)
TEXT ·maxGradAVX2(SB), NOSPLIT, $0-8
	MOVQ  a+0(FP), AX
	MOVQ  maxArgs_fresh(AX), BX
	LOAD_ARGS
	TESTQ BX, BX
	JNZ   freshPixel

pixel:
	XORQ CX, CX

vector:
	LEAQ      (SI)(CX*4), BX
	VMOVUPS   (DI)(CX*4), Y0
	VPMOVZXBD (DX)(CX*1), Y1
	XORQ      R14, R14

tap:
	MOVLQSX      (R8)(R14*4), AX
	VPBROADCASTD (R15)(R14*4), Y2
	VPCMPEQD     Y2, Y1, Y2
	VANDPS       Y0, Y2, Y2
	VADDPS       (BX)(AX*1), Y2, Y2
	VMOVUPS      Y2, (BX)(AX*1)
	INCQ         R14
	CMPQ         R14, R9
	JLT          tap
	ADDQ         $8, CX
	CMPQ         CX, R10
	JLT          vector
	ADDQ         R12, SI
	LEAQ         (DI)(R13*4), DI
	ADDQ         R13, DX
	DECQ         R11
	JNZ          pixel
	VZEROUPPER
	RET

freshPixel:
	XORQ CX, CX

freshVector:
	LEAQ      (SI)(CX*4), BX
	VMOVUPS   (DI)(CX*4), Y0
	VPMOVZXBD (DX)(CX*1), Y1
	XORQ      R14, R14

freshTap:
	MOVLQSX      (R8)(R14*4), AX
	VPBROADCASTD (R15)(R14*4), Y2
	VPCMPEQD     Y2, Y1, Y2
	VANDPS       Y0, Y2, Y2
	VMOVUPS      Y2, (BX)(AX*1)
	INCQ         R14
	CMPQ         R14, R9
	JLT          freshTap
	ADDQ         $8, CX
	CMPQ         CX, R10
	JLT          freshVector
	ADDQ         R12, SI
	LEAQ         (DI)(R13*4), DI
	ADDQ         R13, DX
	DECQ         R11
	JNZ          freshPixel
	VZEROUPPER
	RET
