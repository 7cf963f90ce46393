// Package cpu says which instruction set the kernels use on this machine. It
// is not a list of processor features: a kernel asks for [Active] and nothing
// else, so that one environment variable can move the whole library from one
// path to another.
package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// ISA is an instruction set that kernels are written for. Greater means wider,
// among those of one architecture.
type ISA int

const (
	Generic    ISA = iota // plain Go
	NEON                  // arm64: 128-bit vectors with fused multiply-add
	AVX2                  // amd64: 256-bit vectors with FMA3
	AVX512                // amd64: 512-bit vectors, the F, BW, DQ and VL subsets
	AVX512BF16            // amd64: AVX512, and scalar products of pairs of bfloat16
	AMX                   // amd64: AVX512BF16, and tile registers for matrices of bfloat16
)

var names = [...]string{Generic: "generic", NEON: "neon", AVX2: "avx2", AVX512: "avx512", AVX512BF16: "avx512bf16", AMX: "amx"}

// String returns the name that HADAL_ISA takes.
func (isa ISA) String() string {
	if isa < 0 || int(isa) >= len(names) {
		return fmt.Sprintf("ISA(%d)", int(isa))
	}
	return names[isa]
}

// Parse is the inverse of [ISA.String], in upper or lower case.
func Parse(name string) (ISA, error) {
	i := slices.Index(names[:], strings.ToLower(name))
	if i < 0 {
		return Generic, fmt.Errorf("unknown instruction set %q; known are %s", name, strings.Join(names[:], ", "))
	}
	return ISA(i), nil
}

// Variable is the environment variable that forces an instruction set.
const Variable = "HADAL_ISA"

var (
	active    atomic.Int64
	supported []ISA
	usual     ISA // the active one when nobody wishes another
	selectErr error
)

func init() {
	supported, usual = detect()
	supported = slices.Insert(supported, 0, Generic)
	isa, err := choose(os.Getenv(Variable))
	active.Store(int64(isa))
	selectErr = err
}

// choose picks the set that the environment asks for. A wish that cannot be
// granted gives the usual set, and an error for [Err].
func choose(wish string) (ISA, error) {
	if wish == "" {
		return usual, nil
	}
	isa, err := Parse(wish)
	if err != nil {
		return usual, fmt.Errorf("%s: %w", Variable, err)
	}
	if !slices.Contains(supported, isa) {
		return usual, fmt.Errorf("%s=%s: this processor or build has no %s; it can run %s", Variable, wish, isa, list(supported))
	}
	return isa, nil
}

func list(isas []ISA) string {
	s := make([]string, len(isas))
	for i, isa := range isas {
		s[i] = isa.String()
	}
	return strings.Join(s, ", ")
}

// Active returns the instruction set that kernels use: the fastest one supported,
// unless HADAL_ISA or [Force] says otherwise. It is never AVX512BF16 or AMX, which
// add nothing but bfloat16: where they are chosen, it is AVX512.
func Active() ISA { return min(ActiveMatrix(), AVX512) }

// ActiveMatrix returns the instruction set of kernels that multiply matrices of
// bfloat16: AMX or AVX512BF16 where it is supported and chosen, otherwise that of
// [Active].
func ActiveMatrix() ISA { return ISA(active.Load()) }

// Err reports why the value of HADAL_ISA was not followed, nil if it was or if
// the variable is not set. A library goes on with the best set; a command
// should print the error and stop.
func Err() error { return selectErr }

// Supported lists what this processor and this build can run, Generic first
// and the best last. It is without AVX512BF16 and AMX, which [SupportedMatrix]
// lists too.
func Supported() []ISA {
	return slices.DeleteFunc(SupportedMatrix(), func(isa ISA) bool { return isa > AVX512 })
}

// SupportedMatrix lists what kernels of bfloat16 can run on, in that order.
func SupportedMatrix() []ISA { return slices.Clone(supported) }

// Force makes isa the active set until restore is called; it is meant for tests
// and benchmarks, and must not be called while kernels run. It panics when isa
// is not supported.
func Force(isa ISA) (restore func()) {
	if !slices.Contains(supported, isa) {
		panic(fmt.Sprintf("cpu: cannot force %s; this processor or build can run %s", isa, list(supported)))
	}
	old := active.Swap(int64(isa))
	return func() { active.Store(old) }
}
