//go:build !noasm

package cpu

import (
	"encoding/binary"
	"runtime"
	"strings"
)

func cpuid(leaf uint32) (eax, ebx, ecx, edx uint32)

// Leaves of CPUID: the greatest extended leaf, and the first of three with the
// brand string (Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2, CPUID).
const (
	leafExtended = 0x80000000
	leafBrand    = 0x80000002
)

// Name returns what the maker calls the processor, or the architecture when
// that is not known.
func Name() string {
	if most, _, _, _ := cpuid(leafExtended); most < leafBrand+2 {
		return runtime.GOARCH
	}
	var brand []byte
	for leaf := range uint32(3) {
		a, b, c, d := cpuid(leafBrand + leaf)
		for _, word := range []uint32{a, b, c, d} {
			brand = binary.LittleEndian.AppendUint32(brand, word)
		}
	}
	name, _, _ := strings.Cut(string(brand), "\x00")
	if name = strings.Join(strings.Fields(name), " "); name == "" {
		return runtime.GOARCH
	}
	return name
}
