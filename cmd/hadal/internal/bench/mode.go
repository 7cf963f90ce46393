package bench

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/bf16"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/tensor"
)

const (
	modeEager = "eager" // everything in float32
	modeBF16  = "bf16"  // products in bfloat16, see tensor.Scope.SetAutocast
)

// mode is how workloads run.
var mode = modeEager

// SetMode chooses how workloads run: "eager" or "bf16".
func SetMode(name string) error {
	if !slices.Contains([]string{modeEager, modeBF16}, name) {
		return fmt.Errorf("there is no mode %q; eager and bf16 are known", name)
	}
	mode = name
	return nil
}

// casting makes a scope compute as the mode says, and returns it.
func casting(s *tensor.Scope) *tensor.Scope {
	if mode == modeBF16 {
		s.SetAutocast(tensor.BFloat16)
	}
	return s
}

// corePeak is what one core can do at best in the mode, in GFLOP/s.
func corePeak() float64 {
	if mode == modeBF16 {
		return bf16.Peak(peakTime)
	}
	return gemm.PeakFMA(peakTime)
}

// isa is the instruction set that products of the mode run on.
func isa() string {
	if mode == modeBF16 {
		return cpu.ActiveMatrix().String()
	}
	return cpu.Active().String()
}
