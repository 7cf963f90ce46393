//go:build !noasm

package cpu

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"
)

// detect lists the assembly paths that this processor, and the operating
// system's saving of its registers, allow, and returns the fastest.
//
// That is the last one, except for AVX512BF16 on processors of Intel: theirs (tried
// on Sapphire Rapids) begin a VDPBF16PS every second cycle, so that it multiplies
// half as much as the two multiply-adds of float32 in each.
func detect() (isas []ISA, fastest ISA) {
	x := &cpu.X86
	add := func(isa ISA, present bool) bool {
		if present {
			isas = append(isas, isa)
			if isa != AVX512BF16 || vendor() != "GenuineIntel" {
				fastest = isa
			}
		}
		return present
	}
	// Each needs those before it; the kernels for tiles round with AVX512BF16.
	_ = add(AVX2, x.HasAVX2 && x.HasFMA) &&
		add(AVX512, x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL) &&
		add(AVX512BF16, x.HasAVX512BF16) &&
		add(AMX, x.HasAMXTile && x.HasAMXBF16 && allowTiles())
	return isas, fastest
}

// vendor returns who made the processor, in the twelve letters of leaf 0 of CPUID.
func vendor() string {
	_, b, c, d := cpuid(0)
	var name []byte
	for _, word := range []uint32{b, d, c} {
		name = binary.LittleEndian.AppendUint32(name, word)
	}
	return string(name)
}
