//go:build !noasm

#include "textflag.h"

DATA lanes<>+0(SB)/4, $0
DATA lanes<>+4(SB)/4, $1
DATA lanes<>+8(SB)/4, $2
DATA lanes<>+12(SB)/4, $3
DATA lanes<>+16(SB)/4, $4
DATA lanes<>+20(SB)/4, $5
DATA lanes<>+24(SB)/4, $6
DATA lanes<>+28(SB)/4, $7
DATA lanes<>+32(SB)/4, $8
DATA lanes<>+36(SB)/4, $9
DATA lanes<>+40(SB)/4, $10
DATA lanes<>+44(SB)/4, $11
DATA lanes<>+48(SB)/4, $12
DATA lanes<>+52(SB)/4, $13
DATA lanes<>+56(SB)/4, $14
DATA lanes<>+60(SB)/4, $15
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// func gatherAVX512(dst, src unsafe.Pointer, n, stride int)
TEXT ·gatherAVX512(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         src+8(FP), SI
	MOVQ         n+16(FP), R10
	MOVQ         stride+24(FP), R12
	SHLQ         $2, R12
	VPBROADCASTD R12, Z0
	VPMULLD      lanes<>(SB), Z0, Z0 // offsets of the lanes
	SHLQ         $4, R12             // bytes from one vector to the next

vector:
	KXNORW K1, K1, K1
	CMPQ   R10, $16
	JGE    ready
	MOVQ   R10, AX
	MOVL   $1, BX
	SHLXQ  AX, BX, BX
	DECQ   BX
	KMOVW  BX, K1

ready:
	KMOVW      K1, K2         // a gather clears its mask
	VPXORQ     Z1, Z1, Z1
	VGATHERDPS (SI)(Z0*1), K2, Z1
	VMOVUPS    Z1, K1, (DI)
	ADDQ       $64, DI
	ADDQ       R12, SI
	SUBQ       $16, R10
	JGT        vector
	VZEROUPPER
	RET
