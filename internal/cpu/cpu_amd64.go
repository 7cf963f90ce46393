//go:build !noasm

package cpu

import "golang.org/x/sys/cpu"

// detect lists the assembly paths that this processor, and the operating
// system's saving of its registers, allow.
func detect() []ISA {
	var isas []ISA
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA {
		isas = append(isas, AVX2)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
			isas = append(isas, AVX512)
			// The kernels for tiles round with vectors of bfloat16.
			if x.HasAVX512BF16 && x.HasAMXTile && x.HasAMXBF16 && allowTiles() {
				isas = append(isas, AMX)
			}
		}
	}
	return isas
}
