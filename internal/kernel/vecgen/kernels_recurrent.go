package main

// recurrentKernels are the cells of recurrent networks: what happens to the
// gates of one sequence at one step between two matrix products. Sums, projected
// inputs and activations lie in three places, and a machine has registers for
// nine pointers, so each cell comes in two halves.
func recurrentKernels() []*kernel {
	return []*kernel{
		// The first half leaves what enters the cell in added, the second reads
		// it there.
		define("lstmInput(sumInput, sumFresh, xInput, xFresh, input, fresh, added *float32, n int)", overSlice, 1, func(k *kernel) {
			in := k.gate("input", (*kernel).sigmoid, k.add(k.load("sumInput"), k.load("xInput")))
			candidate := k.gate("fresh", (*kernel).tanh, k.add(k.load("sumFresh"), k.load("xFresh")))
			k.store("added", k.mul(in, candidate))
		}),
		define("lstmOutput(sumForget, sumOutput, xForget, xOutput, forget, output, before, c, addedThenH *float32, n int)", overSlice, 1, func(k *kernel) {
			forget := k.gate("forget", (*kernel).sigmoid, k.add(k.load("sumForget"), k.load("xForget")))
			c := k.fma(forget, k.load("before"), k.load("addedThenH"))
			k.store("c", c)
			out := k.gate("output", (*kernel).sigmoid, k.add(k.load("sumOutput"), k.load("xOutput")))
			k.store("addedThenH", k.mul(out, k.tanh(c)))
		}),
		// The first half adds to dc what comes through the state, the second
		// leaves the gradient of the cell before there.
		define("lstmOutputGrad(output, c, gy, dh, dc, dOutput *float32, n int)", overSlice, 1, func(k *kernel) {
			one := k.num(1)
			squashed := k.tanh(k.load("c"))
			dh := k.add(k.load("gy"), k.load("dh"))
			out := k.load("output")
			throughOut := k.mul(dh, out)
			k.store("dc", k.fma(throughOut, k.fnma(squashed, squashed, one), k.load("dc")))
			k.store("dOutput", k.mul(k.mul(throughOut, squashed), k.sub(one, out)))
		}),
		define("lstmInputGrad(input, forget, fresh, before, dc, dInput, dForget, dFresh *float32, n int)", overSlice, 1, func(k *kernel) {
			one := k.num(1)
			dc, in, candidate := k.load("dc"), k.load("input"), k.load("fresh")
			dIn := k.mul(dc, in)
			forget := k.load("forget")
			kept := k.mul(dc, forget)
			k.store("dc", kept)
			k.store("dFresh", k.mul(dIn, k.fnma(candidate, candidate, one)))
			k.store("dInput", k.mul(k.mul(dIn, candidate), k.sub(one, in)))
			k.store("dForget", k.mul(k.mul(kept, k.load("before")), k.sub(one, forget)))
		}),
		define("gruCandidate(sumReset, sumHidden, xReset, xFresh, reset, hidden, fresh *float32, n int)", overSlice, 1, func(k *kernel) {
			hidden := k.load("sumHidden")
			x := k.load("xFresh")
			k.store("hidden", hidden)
			reset := k.gate("reset", (*kernel).sigmoid, k.add(k.load("sumReset"), k.load("xReset")))
			k.gate("fresh", (*kernel).tanh, k.fma(reset, hidden, x))
		}),
		define("gruUpdate(sumUpdate, xUpdate, update, fresh, before, h *float32, n int)", overSlice, 1, func(k *kernel) {
			update := k.gate("update", (*kernel).sigmoid, k.add(k.load("sumUpdate"), k.load("xUpdate")))
			candidate := k.load("fresh")
			k.store("h", k.fma(update, k.sub(k.load("before"), candidate), candidate))
		}),
		define("gruUpdateGrad(update, fresh, before, gy, dh, dUpdate, dFresh *float32, n int)", overSlice, 1, func(k *kernel) {
			one := k.num(1)
			dh := k.add(k.load("gy"), k.load("dh"))
			update, candidate := k.load("update"), k.load("fresh")
			kept := k.mul(dh, update)
			k.store("dh", kept)
			rest := k.sub(one, update)
			k.store("dUpdate", k.mul(k.mul(kept, k.sub(k.load("before"), candidate)), rest))
			k.store("dFresh", k.mul(k.mul(dh, rest), k.fnma(candidate, candidate, one)))
		}),
		define("gruResetGrad(reset, hidden, dFresh, dReset, dHidden *float32, n int)", overSlice, 1, func(k *kernel) {
			reset, hidden := k.load("reset"), k.load("hidden")
			through := k.mul(k.load("dFresh"), reset)
			k.store("dReset", k.mul(k.mul(through, hidden), k.sub(k.num(1), reset)))
			k.store("dHidden", through)
		}),
	}
}

// gate squashes a sum and keeps what comes of it.
func (k *kernel) gate(name string, squash func(k *kernel, x *value) *value, sum *value) *value {
	y := squash(k, sum)
	k.store(name, y)
	return y
}
