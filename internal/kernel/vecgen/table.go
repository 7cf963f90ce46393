package main

import (
	"fmt"
	"math"
	"strings"
)

// table collects the constants of one assembly file. Each fills 32 bytes, to
// be an operand of AVX2 and NEON as it is.
type table struct {
	name   string
	offset map[[4]uint32]int
	list   [][4]uint32
	masks  bool
}

const entryBytes = 32

func newTable(name string) *table { return &table{name: name, offset: map[[4]uint32]int{}} }

// offsetOf is where in the table these words are.
func (t *table) offsetOf(words [4]uint32) int {
	at, ok := t.offset[words]
	if !ok {
		at = len(t.list) * entryBytes
		t.offset[words] = at
		t.list = append(t.list, words)
	}
	return at
}

// repeated are the words of a constant.
func repeated(bits uint32) [4]uint32 { return [4]uint32{bits, bits, bits, bits} }

func (t *table) at(words [4]uint32) string {
	return fmt.Sprintf("%s<>+%d(SB)", t.name, t.offsetOf(words))
}

// maskName is the symbol of eight words of ones followed by eight of zeros.
func (t *table) maskName() string {
	t.masks = true
	return t.name + "Masks<>"
}

func (t *table) String() string {
	var s strings.Builder
	for i, w := range t.list {
		s.WriteString("\n")
		if w == repeated(w[0]) {
			fmt.Fprintf(&s, "// %v\n", math.Float32frombits(w[0]))
		}
		for j := range entryBytes / 8 {
			pair := uint64(w[2*j%4+1])<<32 | uint64(w[2*j%4])
			fmt.Fprintf(&s, "DATA %s<>+%d(SB)/8, $%#016x\n", t.name, i*entryBytes+8*j, pair)
		}
	}
	fmt.Fprintf(&s, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", t.name, len(t.list)*entryBytes)
	if t.masks {
		s.WriteString("\n")
		for j := range 4 {
			fmt.Fprintf(&s, "DATA %s+%d(SB)/8, $-1\n", t.maskName(), 8*j)
		}
		fmt.Fprintf(&s, "GLOBL %s(SB), RODATA|NOPTR, $64\n", t.maskName())
	}
	return s.String()
}
