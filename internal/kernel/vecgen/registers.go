package main

// noRegister is the panic of an allocation that finds no register free.
type noRegister struct{}

// registers hands out vector registers to the values of a body. Accumulators
// and as many uniform values as fit keep theirs for the whole kernel.
type registers struct {
	used    []bool
	reg     map[*value]int
	borrows []int // for the current operation only
}

func newRegisters(n int) *registers {
	return &registers{used: make([]bool, n), reg: map[*value]int{}}
}

func (r *registers) take() int {
	for i, used := range r.used {
		if !used {
			r.used[i] = true
			return i
		}
	}
	panic(noRegister{})
}

// borrow takes a register until release.
func (r *registers) borrow() int {
	i := r.take()
	r.borrows = append(r.borrows, i)
	return i
}

// release frees what operation number at borrowed, and the operands that no
// later operation uses, but for the one whose register the result took over.
func (r *registers) release(v *value, at int, heir *value) {
	for _, i := range r.borrows {
		r.used[i] = false
	}
	r.borrows = r.borrows[:0]
	for _, x := range v.operands() {
		if i, ok := r.reg[x]; ok && dies(x, at) {
			delete(r.reg, x)
			if x != heir {
				r.used[i] = false
			}
		}
	}
}

// dies reports whether operation number at is the last to use v.
func dies(v *value, at int) bool { return !v.stays() && v.last == at }

// fit calls build with ever fewer uniform values kept in registers until the
// rest of the kernel finds enough of them.
func fit(k *kernel, build func(kept int) string) (text string) {
	for kept := len(k.uniforms); kept >= 0; kept-- {
		if attempt(func() { text = build(kept) }) {
			return text
		}
	}
	panic("kernel " + k.name + " does not fit into the registers; unroll it less")
}

func attempt(f func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, short := r.(noRegister); !short {
				panic(r)
			}
			ok = false
		}
	}()
	f()
	return true
}
