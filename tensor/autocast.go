package tensor

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/bf16"
	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// SetAutocast chooses the arithmetic of matrix products and convolutions, and of
// their gradients, for all that is computed in the scope: BFloat16, or Float32 as
// in a scope of which nothing was said. It is what torch.autocast is to PyTorch,
// with one difference: every tensor stays float32. Only the factors of a product
// are rounded, to the eight significant bits of bfloat16, on their way to the
// multipliers; products are summed in float32, and results, weights and gradients
// are float32. So no loss needs to be scaled, and no operation must be exempted.
// Operations on other types, convolutions in groups and those with fewer than
// sixteen channels are as without it.
//
// Training gains speed on processors that multiply bfloat16 (AMX), and results
// differ from one kind of processor to another by no more than the order of sums
// makes them. Choose before the first operation of a step: a gradient is computed
// as the scope says when it is computed. It panics for other types.
func (s *Scope) SetAutocast(d DType) {
	if d != Float32 && d != BFloat16 {
		panic(&UseError{"set autocast", fmt.Sprintf("products are computed in float32 or bfloat16, not in %v", d)})
	}
	s.bfloat16 = d == BFloat16
}

// Autocast returns what SetAutocast chose, Float32 if nothing was.
func (s *Scope) Autocast() DType {
	if s.bfloat16 {
		return BFloat16
	}
	return Float32
}

// casts reports whether y is to be computed from rounded factors. Leaves, such as
// weights, belong to no scope: what counts is the scope of the result.
func casts(y *Tensor) bool { return y.store.scope != nil && y.store.scope.bfloat16 }

// product32 returns the matrix product that makes y, of float32.
func product32(y *Tensor) mul[float32] {
	if casts(y) {
		return bf16.Mul
	}
	return gemm.Mul
}

// convForward32 computes y of float32, a convolution.
func convForward32(s conv.Shape, x, w, y *Tensor, e gemm.Epilogue) {
	switch {
	case casts(y):
		bf16.Forward(s, dense[float32](x), dense[float32](w), dense[float32](y), e)
	case y.noGrad && areLasting(w):
		packed, _ := packedFor(s, w, nil, nil)
		conv.ForwardPacked(s, dense[float32](x), packed, dense[float32](y), e)
	default:
		conv.Forward(s, dense[float32](x), dense[float32](w), dense[float32](y), e)
	}
}

// convInputGrad32 computes gx of float32, the input gradient of a convolution.
func convInputGrad32(s conv.Shape, gy, w, gx *Tensor) {
	run := conv.InputGrad
	if casts(gx) {
		run = bf16.InputGrad
	}
	run(s, dense[float32](gy), dense[float32](w), dense[float32](gx))
}

// convWeightGrad32 computes gw of float32, the weight gradient of a convolution.
func convWeightGrad32(s conv.Shape, x, gy, gw *Tensor) {
	run := conv.WeightGrad
	if casts(gw) {
		run = bf16.WeightGrad
	}
	run(s, dense[float32](x), dense[float32](gy), dense[float32](gw))
}
