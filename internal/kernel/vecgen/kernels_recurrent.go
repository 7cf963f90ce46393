package main

// recurrentKernels are the cells of recurrent networks: what happens to the
// gates of one sequence at one step between two matrix products.
func recurrentKernels() []*kernel {
	return []*kernel{
		define("lstmCell(input, forget, fresh, output, before, c, h *float32, n int)", overSlice, 1, func(k *kernel) {
			in := k.gate("input", (*kernel).sigmoid)
			candidate := k.gate("fresh", (*kernel).tanh)
			added := k.mul(in, candidate)
			forget := k.gate("forget", (*kernel).sigmoid)
			c := k.fma(forget, k.load("before"), added)
			k.store("c", c)
			out := k.gate("output", (*kernel).sigmoid)
			k.store("h", k.mul(out, k.tanh(c)))
		}),
		define("lstmCellGrad(input, forget, fresh, output, before, c, gy, dh, dc *float32, n int)", overSlice, 1, func(k *kernel) {
			one := k.num(1)
			squashed := k.tanh(k.load("c"))
			dh := k.add(k.load("gy"), k.load("dh"))
			out := k.load("output")
			throughOut := k.mul(dh, out)
			dc := k.fma(throughOut, k.fnma(squashed, squashed, one), k.load("dc"))
			k.store("output", k.mul(k.mul(throughOut, squashed), k.sub(one, out)))
			in, candidate := k.load("input"), k.load("fresh")
			dIn := k.mul(dc, in)
			k.store("fresh", k.mul(dIn, k.fnma(candidate, candidate, one)))
			k.store("input", k.mul(k.mul(dIn, candidate), k.sub(one, in)))
			forget := k.load("forget")
			kept := k.mul(dc, forget)
			k.store("dc", kept)
			k.store("forget", k.mul(k.mul(kept, k.load("before")), k.sub(one, forget)))
		}),
		define("gruCell(reset, update, fresh, hidden, before, h *float32, n int)", overSlice, 1, func(k *kernel) {
			reset := k.gate("reset", (*kernel).sigmoid)
			candidate := k.tanh(k.fma(reset, k.load("hidden"), k.load("fresh")))
			k.store("fresh", candidate)
			update := k.gate("update", (*kernel).sigmoid)
			k.store("h", k.fma(update, k.sub(k.load("before"), candidate), candidate))
		}),
		define("gruCellGrad(reset, update, fresh, hidden, before, gy, dh *float32, n int)", overSlice, 1, func(k *kernel) {
			one := k.num(1)
			dh := k.add(k.load("gy"), k.load("dh"))
			update, candidate := k.load("update"), k.load("fresh")
			kept := k.mul(dh, update)
			k.store("dh", kept)
			rest := k.sub(one, update)
			k.store("update", k.mul(k.mul(kept, k.sub(k.load("before"), candidate)), rest))
			dn := k.mul(k.mul(dh, rest), k.fnma(candidate, candidate, one))
			k.store("fresh", dn)
			reset := k.load("reset")
			through := k.mul(dn, reset)
			dr := k.mul(k.mul(through, k.load("hidden")), k.sub(one, reset))
			k.store("hidden", through)
			k.store("reset", dr)
		}),
	}
}

// gate squashes what is in a slice and leaves it there.
func (k *kernel) gate(name string, squash func(k *kernel, x *value) *value) *value {
	y := squash(k, k.load(name))
	k.store(name, y)
	return y
}
