package vec

import "math"

// The cells of recurrent networks, for one sequence and one step. The gates
// arrive as sums of products and leave as activations, in the same memory; the
// gradients replace copies of the activations by the gradients of those sums.

// LSTMCell is the step of a long short-term memory (Hochreiter and Schmidhuber
// 1997, with the forget gate of Gers et al. 2000):
//
//	input, forget, output = sigmoid(input, forget, output)   fresh = tanh(fresh)
//	c = forget*before + input*fresh                         h = output*tanh(c)
//
// before is the cell state of the step before; c may be the same slice.
func LSTMCell[T Float](input, forget, fresh, output, before, c, h []T) {
	const op = "LSTMCell"
	n := len(h)
	sameLengths(op, n, len(input), len(forget))
	sameLengths(op, n, len(fresh), len(output))
	sameLengths(op, n, len(before), len(c))
	if isFloat32[T]() && lstmCellKernel(ptr(input), ptr(forget), ptr(fresh), ptr(output), ptr(before), ptr(c), ptr(h), n) {
		return
	}
	for j := range h {
		i, f, o := sigmoid(float64(input[j])), sigmoid(float64(forget[j])), sigmoid(float64(output[j]))
		g := math.Tanh(float64(fresh[j]))
		state := f*float64(before[j]) + i*g
		input[j], forget[j], fresh[j], output[j] = T(i), T(f), T(g), T(o)
		c[j] = T(state)
		h[j] = T(o * math.Tanh(state))
	}
}

// LSTMCellGrad is the gradient of [LSTMCell]. The gates hold the
// activations and receive the gradients of the sums; gy and dh add up to the
// gradient of h; dc holds the gradient of c and receives that of before.
func LSTMCellGrad[T Float](input, forget, fresh, output, before, c, gy, dh, dc []T) {
	const op = "LSTMCellGrad"
	n := len(c)
	sameLengths(op, n, len(input), len(forget))
	sameLengths(op, n, len(fresh), len(output))
	sameLengths(op, n, len(before), len(gy))
	sameLengths(op, n, len(dh), len(dc))
	if isFloat32[T]() && lstmCellGradKernel(ptr(input), ptr(forget), ptr(fresh), ptr(output), ptr(before), ptr(c), ptr(gy), ptr(dh), ptr(dc), n) {
		return
	}
	for j := range c {
		i, f, g, o := input[j], forget[j], fresh[j], output[j]
		squashed := T(math.Tanh(float64(c[j])))
		through := (gy[j] + dh[j]) * o
		d := dc[j] + through*(1-squashed*squashed)
		input[j] = d * g * i * (1 - i)
		forget[j] = d * before[j] * f * (1 - f)
		fresh[j] = d * i * (1 - g*g)
		output[j] = through * squashed * (1 - o)
		dc[j] = d * f
	}
}

// GRUCell is the step of a gated recurrent unit in the form that PyTorch and
// cuDNN compute (Cho et al. 2014, with the reset gate after the product):
//
//	reset, update = sigmoid(reset, update)   fresh = tanh(fresh + reset*hidden)
//	h = (1-update)*fresh + update*before
//
// hidden is the product of before with the candidate's weights, bias included.
func GRUCell[T Float](reset, update, fresh, hidden, before, h []T) {
	const op = "GRUCell"
	n := len(h)
	sameLengths(op, n, len(reset), len(update))
	sameLengths(op, n, len(fresh), len(hidden))
	sameLength(op, n, len(before))
	if isFloat32[T]() && gruCellKernel(ptr(reset), ptr(update), ptr(fresh), ptr(hidden), ptr(before), ptr(h), n) {
		return
	}
	for j := range h {
		r, z := sigmoid(float64(reset[j])), sigmoid(float64(update[j]))
		candidate := math.Tanh(float64(fresh[j]) + r*float64(hidden[j]))
		reset[j], update[j], fresh[j] = T(r), T(z), T(candidate)
		h[j] = T(candidate + z*(float64(before[j])-candidate))
	}
}

// GRUCellGrad is the gradient of [GRUCell]. reset, update, fresh and hidden
// hold what that left and receive the gradients of the sums; gy and dh add up
// to the gradient of h; dh receives the part of the gradient of before that
// goes past the gates.
func GRUCellGrad[T Float](reset, update, fresh, hidden, before, gy, dh []T) {
	const op = "GRUCellGrad"
	n := len(dh)
	sameLengths(op, n, len(reset), len(update))
	sameLengths(op, n, len(fresh), len(hidden))
	sameLengths(op, n, len(before), len(gy))
	if isFloat32[T]() && gruCellGradKernel(ptr(reset), ptr(update), ptr(fresh), ptr(hidden), ptr(before), ptr(gy), ptr(dh), n) {
		return
	}
	for j := range dh {
		r, z, candidate := reset[j], update[j], fresh[j]
		d := gy[j] + dh[j]
		dCandidate := d * (1 - z) * (1 - candidate*candidate)
		dh[j] = d * z
		update[j] = d * z * (before[j] - candidate) * (1 - z)
		fresh[j] = dCandidate
		reset[j] = dCandidate * hidden[j] * r * (1 - r)
		hidden[j] = dCandidate * r
	}
}
