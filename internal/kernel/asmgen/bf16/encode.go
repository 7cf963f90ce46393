package main

import (
	"fmt"
	"strings"
)

// The encodings follow the Intel 64 and IA-32 Architectures Software Developer's
// Manual, volume 2: 2.3 (VEX), 2.7 (EVEX) and the pages of the instructions.

// registers are the numbers of the general registers.
var registers = map[string]int{
	"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7,
	"R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15,
}

// Mandatory prefixes, as VEX and EVEX count them.
const (
	prefixNone = iota
	prefix66
	prefixF3
	prefixF2
)

// bytes writes machine code, with what it means as a comment.
func (s *source) bytes(code []byte, meaning string, args ...any) {
	var parts []string
	for len(code) > 0 {
		switch {
		case len(code) >= 4:
			parts = append(parts, fmt.Sprintf("LONG $0x%02x%02x%02x%02x", code[3], code[2], code[1], code[0]))
			code = code[4:]
		case len(code) >= 2:
			parts = append(parts, fmt.Sprintf("WORD $0x%02x%02x", code[1], code[0]))
			code = code[2:]
		default:
			parts = append(parts, fmt.Sprintf("BYTE $0x%02x", code[0]))
			code = code[1:]
		}
	}
	s.op("%s // %s", strings.Join(parts, "; "), fmt.Sprintf(meaning, args...))
}

// vex is an instruction of map 0F38 with a three-byte VEX prefix and W and L
// zero, up to its opcode. reg, index and base are registers of the ModRM and SIB
// bytes, of which the prefix holds the fourth bits; second is the one in vvvv.
func vex(prefix int, opcode byte, reg, second, index, base int) []byte {
	flags := byte(0xe0)
	for i, r := range []int{reg, index, base} {
		if r >= 8 {
			flags &^= 0x80 >> i
		}
	}
	return []byte{0xc4, flags | 2, byte(^second&15)<<3 | byte(prefix), opcode}
}

// atStride completes an instruction that takes the rows of a tile from base plus
// multiples of the register stride.
func atStride(code []byte, tile int, base, stride string, offset int) []byte {
	b, i := registers[base]&7, registers[stride]&7
	return append(code, 0x80|byte(tile)<<3|4, byte(i)<<3|byte(b),
		byte(offset), byte(offset>>8), byte(offset>>16), byte(offset>>24))
}

func (s *source) loadConfig(base string) {
	s.bytes(append(vex(prefixNone, 0x49, 0, 0, 0, registers[base]), byte(registers[base]&7)), "LDTILECFG (%s)", base)
}

func (s *source) tileRelease() {
	s.bytes(append(vex(prefixNone, 0x49, 0, 0, 0, 0), 0xc0), "TILERELEASE")
}

func (s *source) tileZero(tile int) {
	s.bytes(append(vex(prefixF2, 0x49, tile, 0, 0, 0), 0xc0|byte(tile)<<3), "TILEZERO T%d", tile)
}

func (s *source) tileLoad(offset int, base, stride string, tile int) {
	s.bytes(atStride(vex(prefixF2, 0x4b, tile, 0, registers[stride], registers[base]), tile, base, stride, offset),
		"TILELOADD %d(%s)(%s*1), T%d", offset, base, stride, tile)
}

// tileStream is tileLoad of what need not stay in the first-level cache.
func (s *source) tileStream(offset int, base, stride string, tile int) {
	s.bytes(atStride(vex(prefix66, 0x4b, tile, 0, registers[stride], registers[base]), tile, base, stride, offset),
		"TILELOADDT1 %d(%s)(%s*1), T%d", offset, base, stride, tile)
}

func (s *source) tileStore(tile, offset int, base, stride string) {
	s.bytes(atStride(vex(prefixF3, 0x4b, tile, 0, registers[stride], registers[base]), tile, base, stride, offset),
		"TILESTORED T%d, %d(%s)(%s*1)", tile, offset, base, stride)
}

// tileMultiply is sum += a b.
func (s *source) tileMultiply(sum, a, b int) {
	s.bytes(append(vex(prefixF3, 0x5c, sum, b, 0, a), 0xc0|byte(sum)<<3|byte(a)), "TDPBF16PS T%d, T%d, T%d", b, a, sum)
}

// evex is an instruction of map 0F38 on three 512-bit registers.
func evex(prefix int, opcode byte, dst, second, last int) []byte {
	p0 := byte(0xf0 | 2)
	for i, bit := range []int{dst & 8, last & 16, last & 8, dst & 16} { // R X B R'
		if bit != 0 {
			p0 &^= 0x80 >> i
		}
	}
	p1 := byte(^second&15)<<3 | 4 | byte(prefix)
	p2 := byte(0x48)
	if second&16 != 0 {
		p2 &^= 8
	}
	return []byte{0x62, p0, p1, p2, opcode, 0xc0 | byte(dst&7)<<3 | byte(last&7)}
}

// roundPair sets dst to the sixteen float32 of low, rounded to bfloat16, and then
// those of high.
func (s *source) roundPair(low, high, dst int) {
	s.bytes(evex(prefixF2, 0x72, dst, high, low), "VCVTNE2PS2BF16 Z%d, Z%d, Z%d", low, high, dst)
}

// dot adds to each of sixteen float32 of sum the products of a pair of a with a
// pair of b.
func (s *source) dot(sum, a, b int) {
	s.bytes(evex(prefixF3, 0x52, sum, b, a), "VDPBF16PS Z%d, Z%d, Z%d", a, b, sum)
}
