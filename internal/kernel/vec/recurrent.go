package vec

import (
	"fmt"
	"math"
)

// The cells of recurrent networks, for one sequence and one step. A slice of
// gates holds those of n units, the first n elements of each stride: a row of
// gates from some unit on.

// gatesOf panics unless a slice of length elements holds that many gates of n
// units.
func gatesOf(op string, length, gates, n, stride int) {
	if stride < n || length < (gates-1)*stride+n {
		panic(fmt.Sprintf("vec.%s: %d elements do not hold %d gates of %d units with stride %d", op, length, gates, n, stride))
	}
}

// LSTMCell is the step of a long short-term memory (Hochreiter and Schmidhuber
// 1997, with the forget gate of Gers et al. 2000):
//
//	input, forget, output = sigmoid(sums + x)   fresh = tanh(sums + x)
//	c = forget*before + input*fresh             h = output*tanh(c)
//
// sums and x hold the gates' sums over the state before and over the input;
// gates receives the activations and may be the same slice as sums. The order
// is input, forget, fresh, output. before is the cell state of the step before;
// c may be the same slice.
func LSTMCell[T Float](gates, sums, x []T, stride int, before, c, h []T) {
	const op = "LSTMCell"
	n := len(h)
	sameLengths(op, n, len(before), len(c))
	for _, g := range [][]T{gates, sums, x} {
		gatesOf(op, len(g), 4, n, stride)
	}
	if n == 0 {
		return
	}
	input, forget, fresh, output := 0, stride, 2*stride, 3*stride
	if isFloat32[T]() && lstmInputKernel(ptr(sums), ptr(sums[fresh:]), ptr(x), ptr(x[fresh:]), ptr(gates), ptr(gates[fresh:]), ptr(h), n) {
		lstmOutputKernel(ptr(sums[forget:]), ptr(sums[output:]), ptr(x[forget:]), ptr(x[output:]), ptr(gates[forget:]), ptr(gates[output:]), ptr(before), ptr(c), ptr(h), n)
		return
	}
	for j := range h {
		sum := func(gate int) float64 { return float64(sums[gate+j] + x[gate+j]) }
		i, f, g, o := sigmoid(sum(input)), sigmoid(sum(forget)), math.Tanh(sum(fresh)), sigmoid(sum(output))
		state := f*float64(before[j]) + i*g
		gates[input+j], gates[forget+j], gates[fresh+j], gates[output+j] = T(i), T(f), T(g), T(o)
		c[j] = T(state)
		h[j] = T(o * math.Tanh(state))
	}
}

// LSTMCellGrad is the gradient of [LSTMCell], whose activations gates holds.
// dGates receives the gradients of the sums and may be the same slice. gy and
// dh add up to the gradient of h; dc holds the gradient of c and receives that
// of before.
func LSTMCellGrad[T Float](dGates, gates []T, stride int, before, c, gy, dh, dc []T) {
	const op = "LSTMCellGrad"
	n := len(c)
	gatesOf(op, len(dGates), 4, n, stride)
	gatesOf(op, len(gates), 4, n, stride)
	sameLengths(op, n, len(before), len(gy))
	sameLengths(op, n, len(dh), len(dc))
	if n == 0 {
		return
	}
	input, forget, fresh, output := 0, stride, 2*stride, 3*stride
	if isFloat32[T]() && lstmOutputGradKernel(ptr(gates[output:]), ptr(c), ptr(gy), ptr(dh), ptr(dc), ptr(dGates[output:]), n) {
		lstmInputGradKernel(ptr(gates), ptr(gates[forget:]), ptr(gates[fresh:]), ptr(before), ptr(dc), ptr(dGates), ptr(dGates[forget:]), ptr(dGates[fresh:]), n)
		return
	}
	for j := range c {
		i, f, g, o := gates[input+j], gates[forget+j], gates[fresh+j], gates[output+j]
		squashed := T(math.Tanh(float64(c[j])))
		through := (gy[j] + dh[j]) * o
		d := dc[j] + through*(1-squashed*squashed)
		dGates[input+j] = d * g * i * (1 - i)
		dGates[forget+j] = d * before[j] * f * (1 - f)
		dGates[fresh+j] = d * i * (1 - g*g)
		dGates[output+j] = through * squashed * (1 - o)
		dc[j] = d * f
	}
}

// GRUCell is the step of a gated recurrent unit in the form that PyTorch and
// cuDNN compute (Cho et al. 2014, with the reset gate after the product):
//
//	reset, update = sigmoid(sums + x)   fresh = tanh(x + reset*hidden)
//	h = (1-update)*fresh + update*before
//
// sums and x hold the gates' sums over the state before and over the input, in
// the order reset, update, fresh; gates receives the activations. What sums
// has for fresh is called hidden and copied there. gates may be the same slice
// as sums, and then hidden that part of it, which is not kept.
func GRUCell[T Float](gates, hidden, sums, x []T, stride int, before, h []T) {
	const op = "GRUCell"
	n := len(h)
	sameLengths(op, n, len(before), len(hidden))
	for _, g := range [][]T{gates, sums, x} {
		gatesOf(op, len(g), 3, n, stride)
	}
	if n == 0 {
		return
	}
	reset, update, fresh := 0, stride, 2*stride
	if isFloat32[T]() && gruCandidateKernel(ptr(sums), ptr(sums[fresh:]), ptr(x), ptr(x[fresh:]), ptr(gates), ptr(hidden), ptr(gates[fresh:]), n) {
		gruUpdateKernel(ptr(sums[update:]), ptr(x[update:]), ptr(gates[update:]), ptr(gates[fresh:]), ptr(before), ptr(h), n)
		return
	}
	for j := range h {
		r, z := sigmoid(float64(sums[reset+j]+x[reset+j])), sigmoid(float64(sums[update+j]+x[update+j]))
		hidden[j] = sums[fresh+j]
		candidate := math.Tanh(float64(x[fresh+j]) + r*float64(hidden[j]))
		gates[reset+j], gates[update+j], gates[fresh+j] = T(r), T(z), T(candidate)
		h[j] = T(candidate + z*(float64(before[j])-candidate))
	}
}

// GRUCellGrad is the gradient of [GRUCell], which left gates and hidden. dGates
// and dHidden receive the gradients of the sums, of fresh that of x, and may be
// the same slices. gy and dh add up to the gradient of h; dh receives the part
// of the gradient of before that goes past the gates.
func GRUCellGrad[T Float](dGates, dHidden, gates, hidden []T, stride int, before, gy, dh []T) {
	const op = "GRUCellGrad"
	n := len(dh)
	gatesOf(op, len(dGates), 3, n, stride)
	gatesOf(op, len(gates), 3, n, stride)
	sameLengths(op, n, len(dHidden), len(hidden))
	sameLengths(op, n, len(before), len(gy))
	if n == 0 {
		return
	}
	reset, update, fresh := 0, stride, 2*stride
	if isFloat32[T]() && gruUpdateGradKernel(ptr(gates[update:]), ptr(gates[fresh:]), ptr(before), ptr(gy), ptr(dh), ptr(dGates[update:]), ptr(dGates[fresh:]), n) {
		gruResetGradKernel(ptr(gates), ptr(hidden), ptr(dGates[fresh:]), ptr(dGates), ptr(dHidden), n)
		return
	}
	for j := range dh {
		r, z, candidate := gates[reset+j], gates[update+j], gates[fresh+j]
		d := gy[j] + dh[j]
		dCandidate := d * (1 - z) * (1 - candidate*candidate)
		dh[j] = d * z
		dGates[update+j] = d * z * (before[j] - candidate) * (1 - z)
		dGates[fresh+j] = dCandidate
		dGates[reset+j] = dCandidate * hidden[j] * r * (1 - r)
		dHidden[j] = dCandidate * r
	}
}
