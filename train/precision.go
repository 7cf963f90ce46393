package train

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/tensor"
)

// Precision is the arithmetic of matrix products and convolutions and of their
// gradients. Weights, activations, gradients and everything else are float32
// either way: see [tensor.Scope.SetAutocast].
type Precision string

// The precisions. The empty one is F32.
const (
	F32  Precision = "f32"  // float32
	BF16 Precision = "bf16" // factors rounded to bfloat16, sums in float32
)

// Precisions lists them by name.
func Precisions() []string { return []string{string(F32), string(BF16)} }

// Check returns an error when there is no such precision.
func (p Precision) Check() error {
	switch p {
	case "", F32, BF16:
		return nil
	}
	return fmt.Errorf("there is no precision %q; f32 and bf16 are known", string(p))
}

// ISA names the instruction set that products of this precision run on.
func (p Precision) ISA() string {
	if p == BF16 {
		return cpu.ActiveMatrix().String()
	}
	return cpu.Active().String()
}

// In makes a scope compute in this precision, and returns it.
func (p Precision) In(s *tensor.Scope) *tensor.Scope {
	if p == BF16 {
		s.SetAutocast(tensor.BFloat16)
	}
	return s
}
