package main

import (
	"fmt"
	"slices"
	"strings"
)

// arm64 writes NEON. Go's assembler has no names for most vector instructions
// on floating-point numbers, so they are written as words, each with its name
// in a comment.
//
// Register use: R0 and up hold the pointers, R19 and R20 count elements and
// rows down, R22 points to the constants. What is left after the last full
// vector is done one element at a time in lane 0.
type arm64 struct {
	k     *kernel
	table *table
	kept  int

	out     strings.Builder
	vectors *registers
	where   map[*argument]string
	start   [2]string
	slots   []*value
	accs    map[*accumulator][]int
}

func newARM64(k *kernel, t *table, kept int) *arm64 {
	return &arm64{k: k, table: t, kept: kept, vectors: newRegisters(32), where: map[*argument]string{}, accs: map[*accumulator][]int{}}
}

const (
	elementsLeft  = "R19"
	rowsLeft      = "R20"
	scratchR      = "R21"
	constantsR    = "R22"
	strideR       = "R23" // bytes from row to row
	backR         = "R24" // bytes of a row, or of all rows in a column reduction
	gapR          = "R25" // bytes from the end of a row to the next
	slotsAt       = 16    // what lies below belongs to the calling convention
	vectorBytes   = 16
	pointersLimit = 16
)

func (e *arm64) lanes() int { return 4 }
func (e *arm64) tail() mode { return single }

func (e *arm64) ins(mnemonic string, operands ...string) {
	fmt.Fprintf(&e.out, "\t%s\n", strings.TrimSpace(mnemonic+" "+strings.Join(operands, ", ")))
}

// instruction is the encoding of a vector instruction without its registers.
type instruction struct {
	name  string
	code  uint32
	shape [3]string // of destination and sources
}

func threeSame(name string, code uint32) instruction {
	return instruction{name, code, [3]string{"4s", "4s", "4s"}}
}

func bitwise(name string, code uint32) instruction {
	return instruction{name, code, [3]string{"16b", "16b", "16b"}}
}

// The encodings are those of the Arm Architecture Reference Manual for
// A-profile, section C7.2.
var (
	fadd   = threeSame("fadd", 0x4E20D400)
	fsub   = threeSame("fsub", 0x4EA0D400)
	fmul   = threeSame("fmul", 0x6E20DC00)
	fdiv   = threeSame("fdiv", 0x6E20FC00)
	fmax   = threeSame("fmax", 0x4E20F400)
	fmin   = threeSame("fmin", 0x4EA0F400)
	fmla   = threeSame("fmla", 0x4E20CC00)
	fmls   = threeSame("fmls", 0x4EA0CC00)
	faddp  = threeSame("faddp", 0x6E20D400)
	fmaxp  = threeSame("fmaxp", 0x6E20F400)
	fminp  = threeSame("fminp", 0x6EA0F400)
	fcmgt  = threeSame("fcmgt", 0x6EA0E400)
	fcmeq  = threeSame("fcmeq", 0x4E20E400)
	intAdd = threeSame("add", 0x4EA08400)
	intSub = threeSame("sub", 0x6EA08400)
	and    = bitwise("and", 0x4E201C00)
	orr    = bitwise("orr", 0x4EA01C00)
	eor    = bitwise("eor", 0x6E201C00)
	bsl    = bitwise("bsl", 0x6E601C00)

	fsqrt  = instruction{"fsqrt", 0x6EA1F800, [3]string{"4s", "4s"}}
	frintn = instruction{"frintn", 0x4E218800, [3]string{"4s", "4s"}}
	fcvtns = instruction{"fcvtns", 0x4E21A800, [3]string{"4s", "4s"}}
	scvtf  = instruction{"scvtf", 0x4E21D800, [3]string{"4s", "4s"}}
	xtn    = instruction{"xtn", 0x0E612800, [3]string{"4h", "4s"}}
	fcvtn  = instruction{"fcvtn", 0x0E216800, [3]string{"4h", "4s"}}
	fcvtl  = instruction{"fcvtl", 0x0E217800, [3]string{"4s", "4h"}}
	widen8 = instruction{"ushll", 0x2F08A400, [3]string{"8h", "8b", "#0"}}
	cmhs   = threeSame("cmhs", 0x6EA03C00)
	add64  = instruction{"add", 0x4EE08400, [3]string{"2d", "2d", "2d"}}
	narrow = instruction{"xtn", 0x0EA12800, [3]string{"2s", "2d"}}
	umull  = instruction{"umull", 0x2EA0C000, [3]string{"2d", "2s", "2s"}}
	rev64  = instruction{"rev64", 0x4EA00800, [3]string{"4s", "4s"}}
	odd    = instruction{"ushr", 0x6F600400, [3]string{"2d", "2d", "#32"}}
	widen  = instruction{"ushll", 0x2F10A400, [3]string{"4s", "4h", "#0"}}
)

// shiftBy is a shift by an immediate number of bits.
func shiftBy(op opcode, bits int) instruction {
	shape := [3]string{"4s", "4s", fmt.Sprintf("#%d", bits)}
	switch op {
	case opShiftLeft:
		return instruction{"shl", 0x4F005400 | uint32(32+bits)<<16, shape}
	case opShiftRight:
		return instruction{"ushr", 0x6F000400 | uint32(64-bits)<<16, shape}
	}
	return instruction{"sshr", 0x4F000400 | uint32(64-bits)<<16, shape}
}

// word writes an instruction with destination d and sources n and m.
func (e *arm64) word(i instruction, d, n int, m ...int) {
	code := i.code | uint32(n)<<5 | uint32(d)
	text := fmt.Sprintf("%s v%d.%s, v%d.%s", i.name, d, i.shape[0], n, i.shape[1])
	if len(m) > 0 {
		code |= uint32(m[0]) << 16
		text += fmt.Sprintf(", v%d.%s", m[0], i.shape[2])
	} else if i.shape[2] != "" {
		text += ", " + i.shape[2]
	}
	fmt.Fprintf(&e.out, "\tWORD $%#08x // %s\n", code, text)
}

func (e *arm64) move(d, n int) {
	e.ins("VMOV", fmt.Sprintf("V%d.B16", n), fmt.Sprintf("V%d.B16", d))
}

func fpr(r int) string { return fmt.Sprintf("F%d", r) }

func (e *arm64) begin() {
	k := e.k
	var next int
	for _, a := range k.args {
		switch {
		case a.pointer:
			if next == pointersLimit {
				panic("kernel " + k.name + " has too many arguments")
			}
			e.where[a] = fmt.Sprintf("R%d", next)
			next++
			e.ins("MOVD", frame(a), e.where[a])
		case a.name == "n" || a.name == "cols":
			e.start[elements] = frame(a)
		case a.name == "rows":
			e.start[rows] = frame(a)
		case a.name == "stride":
			e.ins("MOVD", frame(a), strideR)
			e.ins("LSL", "$2", strideR)
		}
	}
	switch k.shape {
	case overSlice:
		e.reload(elements)
	case overRows:
		e.ins("MOVD", e.start[elements], backR)
		e.ins("LSL", "$2", backR)
		e.ins("SUB", backR, strideR, gapR)
	case overColumns:
		e.ins("MOVD", e.start[rows], backR)
		e.ins("MUL", strideR, backR)
	}
	e.ins("MOVD", "$"+e.table.name+"<>(SB)", constantsR)
	e.uniforms()
}

// uniforms puts the values that stay where they do.
func (e *arm64) uniforms() {
	for _, v := range e.k.carried {
		r := e.vectors.take()
		e.vectors.reg[v] = r
		e.ins("FMOVQ", fmt.Sprintf("%d(%s)", 4*v.imm, e.where[v.arg]), fpr(r))
	}
	for i, v := range e.k.uniforms {
		if i < e.kept {
			r := e.vectors.take()
			e.vectors.reg[v] = r
			e.spread(v, r)
		} else if v.op == opParam {
			r := e.vectors.take()
			e.spread(v, r)
			e.ins("FMOVQ", fpr(r), e.slot(len(e.slots)))
			e.vectors.used[r] = false
			e.slots = append(e.slots, v)
		}
	}
}

// spread fills a register with a uniform value.
func (e *arm64) spread(v *value, r int) {
	switch {
	case v.op == opParam:
		e.ins("FMOVS", frame(v.arg), fpr(r))
		e.ins("VDUP", fmt.Sprintf("V%d.S[0]", r), fmt.Sprintf("V%d.S4", r))
	case v.op == opConst:
		e.constant(repeated(v.bits), r)
	case v.arg != nil:
		e.ins("FMOVQ", fmt.Sprintf("%d(%s)", 4*v.imm, e.where[v.arg]), fpr(r))
	default:
		e.constant(v.words, r)
	}
}

func (e *arm64) constant(words [4]uint32, r int) {
	if words == [4]uint32{} {
		e.word(eor, r, r, r)
		return
	}
	e.ins("FMOVQ", fmt.Sprintf("%d(%s)", e.table.offsetOf(words), constantsR), fpr(r))
}

func (e *arm64) slot(i int) string { return fmt.Sprintf("%d(RSP)", slotsAt+vectorBytes*i) }

// register is v in a register, borrowed if v is a uniform value that has none.
func (e *arm64) register(v *value) int {
	if r, ok := e.vectors.reg[v]; ok {
		return r
	}
	if !v.stays() {
		panic("kernel " + e.k.name + ": a value is used after its last use")
	}
	r := e.vectors.borrow()
	e.fetch(v, r)
	return r
}

// fetch copies v into register r.
func (e *arm64) fetch(v *value, r int) {
	if from, ok := e.vectors.reg[v]; ok {
		e.move(r, from)
	} else if v.op == opParam {
		e.ins("FMOVQ", e.slot(slices.Index(e.slots, v)), fpr(r))
	} else {
		e.spread(v, r)
	}
}

func (e *arm64) body(at, set int, m mode) {
	for i, v := range e.k.body {
		e.operation(v, i, at, set, m)
	}
}

var neonBinaries = map[opcode]instruction{
	opAdd: fadd, opSub: fsub, opMul: fmul, opDiv: fdiv,
	opMaxOf: fmax, opMinOf: fmin, opMax: fmax, opMin: fmin, // these return NaN for any NaN
	opIntAdd: intAdd, opIntSub: intSub, opAnd: and, opOr: orr, opXor: eor,
	opEqual: fcmeq, opNotBelow: cmhs,
}

var neonUnaries = map[opcode]instruction{opSqrt: fsqrt, opRound: frintn, opToInt: fcvtns, opToFloat: scvtf, opOddWord: odd}

func (e *arm64) operation(v *value, i, at, set int, m mode) {
	switch v.op {
	case opLoad, opColumn:
		r := e.vectors.take()
		e.vectors.reg[v] = r
		e.load(v.arg, r, at, m)
	case opStore:
		e.store(v.arg, e.register(v.a), at, m)
		e.vectors.release(v, i, nil)
	case opAccumulate:
		e.accumulate(v, e.accs[v.into][set], m)
		e.vectors.release(v, i, nil)
	case opFMA, opFNMA:
		a, b := e.register(v.a), e.register(v.b)
		name := fmla
		if v.op == opFNMA {
			name = fmls
		}
		e.overwrite(v, i, v.c, func(d int) { e.word(name, d, a, b) })
	case opSelect:
		b, c := e.register(v.b), e.register(v.c)
		e.overwrite(v, i, v.a, func(d int) { e.word(bsl, d, b, c) })
	case opScale:
		e.scale(v, i)
	case opKeep:
		e.result(v, i, func(d, mask, b int) { e.word(and, d, mask, b) })
	case opLess:
		e.result(v, i, func(d, a, b int) { e.word(fcmgt, d, b, a) })
	case opMulEven:
		e.mulEven(v, i)
	case opReverse:
		e.result(v, i, func(d, a, _ int) {
			e.word(rev64, d, a)
			name := fmt.Sprintf("V%d.B16", d)
			e.ins("VEXT", "$8", name, name, name)
		})
	case opCount:
		r, step := e.register(v.a), e.vectors.borrow()
		e.constant([4]uint32{uint32(e.lanes() / 4)}, step)
		e.word(add64, r, r, step)
		e.vectors.release(v, i, nil)
	case opShiftLeft, opShiftRight, opShiftSign:
		e.result(v, i, func(d, a, _ int) { e.word(shiftBy(v.op, v.imm), d, a) })
	default:
		if name, ok := neonBinaries[v.op]; ok {
			e.result(v, i, func(d, a, b int) { e.word(name, d, a, b) })
			return
		}
		e.result(v, i, func(d, a, _ int) { e.word(neonUnaries[v.op], d, a) })
	}
}

// result writes an instruction that reads a and b before it writes d.
func (e *arm64) result(v *value, i int, emit func(d, a, b int)) {
	a, b := e.register(v.a), 0
	if v.b != nil {
		b = e.register(v.b)
	}
	e.vectors.release(v, i, nil)
	d := e.vectors.take()
	e.vectors.reg[v] = d
	emit(d, a, b)
}

// overwrite writes an instruction that reads and writes the register of
// operand target: the register itself if target dies here, else a copy.
func (e *arm64) overwrite(v *value, i int, target *value, emit func(d int)) {
	others := 0
	for _, x := range v.operands() {
		if x == target {
			others++
		}
	}
	if dies(target, i) && others == 1 {
		d := e.vectors.reg[target]
		emit(d)
		e.vectors.release(v, i, target)
		e.vectors.reg[v] = d
		return
	}
	d := e.vectors.take()
	e.fetch(target, d)
	emit(d)
	e.vectors.release(v, i, nil)
	e.vectors.reg[v] = d
}

// mulEven multiplies words 0 and 2 of each operand, after moving them together.
func (e *arm64) mulEven(v *value, i int) {
	a, b := e.register(v.a), e.register(v.b)
	t, d := e.vectors.borrow(), e.vectors.take()
	e.word(narrow, d, a)
	e.word(narrow, t, b)
	e.word(umull, d, d, t)
	e.vectors.release(v, i, nil)
	e.vectors.reg[v] = d
}

// scale writes a*2^b in two factors, as one would overflow; only the last
// product rounds, so results below the normal numbers are right.
func (e *arm64) scale(v *value, i int) {
	a, b, bias := e.register(v.a), e.register(v.b), e.register(v.c)
	half, rest := e.vectors.borrow(), e.vectors.borrow()
	d := e.vectors.take()
	e.word(fcvtns, rest, b)
	e.word(shiftBy(opShiftSign, 1), half, rest)
	e.word(intSub, rest, rest, half)
	for _, r := range []int{half, rest} {
		e.word(intAdd, r, r, bias)
		e.word(shiftBy(opShiftLeft, 23), r, r)
	}
	e.word(fmul, d, a, half)
	e.word(fmul, d, d, rest)
	e.vectors.release(v, i, nil)
	e.vectors.reg[v] = d
}

// address is the place of the at-th vector of a from here.
func (e *arm64) address(a *argument, at int) string {
	return fmt.Sprintf("%d(%s)", at*e.lanes()*a.format.size(), e.where[a])
}

func (e *arm64) load(a *argument, r, at int, m mode) {
	from := e.address(a, at)
	if m == single && a.format != f32 {
		// A narrow element in lane 0 needs no widening.
		e.ins(map[encoding]string{f16: "MOVHU", u16: "MOVHU", u8: "MOVBU"}[a.format], from, scratchR)
		e.ins("FMOVS", scratchR, fpr(r))
		if a.format == f16 {
			e.word(fcvtl, r, r)
		}
		return
	}
	name := map[encoding]string{f32: "FMOVQ", f16: "FMOVD", u16: "FMOVD", u8: "FMOVS"}[a.format]
	if m == single {
		name = "FMOVS"
	}
	e.ins(name, from, fpr(r))
	switch a.format {
	case f16:
		e.word(fcvtl, r, r)
	case u8:
		e.word(widen8, r, r)
		e.word(widen, r, r)
	case u16:
		e.word(widen, r, r)
	}
}

func (e *arm64) store(a *argument, r, at int, m mode) {
	to := e.address(a, at)
	if a.format == f32 {
		if m == single {
			e.ins("FMOVS", fpr(r), to)
		} else {
			e.ins("FMOVQ", fpr(r), to)
		}
		return
	}
	t := e.vectors.borrow()
	if a.format == f16 {
		e.word(fcvtn, t, r)
	} else {
		e.word(xtn, t, r)
	}
	if m == single {
		e.ins("FMOVS", fpr(t), scratchR)
		e.ins("MOVH", scratchR, to)
	} else {
		e.ins("FMOVD", fpr(t), to)
	}
}

func (e *arm64) clear(n int) {
	for _, acc := range e.k.accs {
		for len(e.accs[acc]) < n {
			e.accs[acc] = append(e.accs[acc], e.vectors.take())
		}
		for _, r := range e.accs[acc][:n] {
			e.constant(repeated(acc.start), r)
		}
	}
}

// reducers are the instructions that combine two accumulators, and the
// neighbouring lanes of one.
var reducers = map[opcode][2]instruction{opAdd: {fadd, faddp}, opMax: {fmax, fmaxp}, opMin: {fmin, fminp}}

// accumulate adds v to the accumulator in register acc; in single mode the
// other lanes keep what they had.
func (e *arm64) accumulate(v *value, acc int, m mode) {
	a := e.register(v.a)
	if m == single {
		t := e.vectors.borrow()
		if v.into.op == opAdd {
			e.ins("FMOVS", fpr(a), fpr(t)) // clears the other lanes
		} else {
			e.move(t, acc)
			e.ins("VMOV", fmt.Sprintf("V%d.S[0]", a), fmt.Sprintf("V%d.S[0]", t))
		}
		a = t
	}
	if v.b != nil {
		// Loads have put zeros into the other lanes, so b is finite there.
		e.word(fmla, acc, a, e.register(v.b))
		return
	}
	e.word(reducers[v.into.op][0], acc, acc, a)
}

func (e *arm64) merge(n int) {
	for _, acc := range e.k.accs {
		sets := e.accs[acc][:n]
		for step := 1; step < n; step *= 2 {
			for i := 0; i+step < n; i += 2 * step {
				e.word(reducers[acc.op][0], sets[i], sets[i], sets[i+step])
			}
		}
	}
}

func (e *arm64) results() {
	for _, acc := range e.k.accs {
		r := e.accs[acc][0]
		e.word(reducers[acc.op][1], r, r, r)
		e.word(reducers[acc.op][1], r, r, r)
		e.ins("FMOVS", fpr(r), frame(acc.result))
	}
}

func (e *arm64) loadSet(at, set int, m mode) {
	for _, acc := range e.k.accs {
		e.load(acc.output, e.accs[acc][set], at, m)
	}
}

func (e *arm64) storeSet(at, set int, m mode) {
	for _, acc := range e.k.accs {
		e.store(acc.output, e.accs[acc][set], at, m)
	}
}

func (e *arm64) advance(n int) {
	for _, a := range e.k.args {
		if a.pointer && !a.fixed {
			e.ins("ADD", fmt.Sprintf("$%d", n*a.format.size()), e.where[a])
		}
	}
}

func (e *arm64) nextRow() {
	for _, a := range e.k.args {
		if a.pointer && a.column {
			e.ins("SUB", backR, e.where[a])
		}
	}
	e.matrices("ADD", gapR)
}

func (e *arm64) down() { e.matrices("ADD", strideR) }
func (e *arm64) top()  { e.matrices("SUB", backR) }

func (e *arm64) matrices(name, by string) {
	for _, a := range e.k.args {
		if a.pointer && !a.column {
			e.ins(name, by, e.where[a])
		}
	}
}

func (c counter) arm64() string { return [...]string{elements: elementsLeft, rows: rowsLeft}[c] }

func (e *arm64) reload(c counter) { e.ins("MOVD", e.start[c], c.arm64()) }

func (e *arm64) count(c counter, n int, jump condition, label string) {
	name := "SUBS"
	if n < 0 {
		name, n = "ADDS", -n
	}
	e.ins(name, fmt.Sprintf("$%d", n), c.arm64(), c.arm64())
	e.ins([...]string{less: "BLT", notLess: "BGE", zero: "BEQ", notZero: "BNE"}[jump], label)
}

func (e *arm64) align()            { e.ins("PCALIGN", "$16") }
func (e *arm64) label(name string) { fmt.Fprintf(&e.out, "\n%s:\n", name) }

func (e *arm64) end() string {
	fmt.Fprintf(&e.out, "\tRET\n")
	size := 0
	if len(e.slots) > 0 {
		size = vectorBytes*len(e.slots) + 8
	}
	return fmt.Sprintf("\n// func %sNEON%s\nTEXT ·%sNEON(SB), NOSPLIT, $%d-%d\n",
		e.k.name, e.k.signature, e.k.name, size, e.k.argBytes) + e.out.String()
}
