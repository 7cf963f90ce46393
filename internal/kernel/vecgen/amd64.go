package main

import (
	"fmt"
	"slices"
	"strings"
)

// amd64 writes AVX2 with FMA3, or AVX-512 (F, BW, DQ, VL). F16C and BMI2, which
// every such processor has, are taken for granted.
//
// Register use: AX is the index of the current element, CX and BX count
// elements and rows down (BX is scratch in kernels without rows), K7 or Y15 masks the tail, K6 is scratch. Uniform
// values that found no register are operands in memory: constants in a table,
// scalar arguments in the argument frame (AVX-512, which can repeat a scalar
// operand) or repeated in the local frame (AVX2).
type amd64 struct {
	k     *kernel
	wide  bool
	table *table
	kept  int // uniform values to keep in registers

	out     strings.Builder
	vectors *registers
	masks   *registers
	where   map[*argument]string // registers of pointers
	start   [2]string            // registers or frame slots that counters start from
	stride  string
	span    string
	spare   []string
	slots   []*value // uniform values in the local frame
	accs    map[*accumulator][]int
}

func newAMD64(k *kernel, wide bool, t *table, kept int) *amd64 {
	return &amd64{k: k, wide: wide, table: t, kept: kept, where: map[*argument]string{}, accs: map[*accumulator][]int{}}
}

func (e *amd64) suffix() string {
	if e.wide {
		return "AVX512"
	}
	return "AVX2"
}

func (e *amd64) lanes() int {
	if e.wide {
		return 16
	}
	return 8
}

// tail is a mask, but AVX2 can mask only 32-bit elements.
func (e *amd64) tail() mode {
	if !e.wide && e.k.narrow() {
		return single
	}
	return masked
}

func (e *amd64) ins(mnemonic string, operands ...string) {
	fmt.Fprintf(&e.out, "\t%s\n", strings.TrimSpace(mnemonic+" "+strings.Join(operands, ", ")))
}

// vec names a vector register in this machine's full width.
func (e *amd64) vec(r int) string {
	if e.wide {
		return fmt.Sprintf("Z%d", r)
	}
	return fmt.Sprintf("Y%d", r)
}

func xmm(r int) string { return fmt.Sprintf("X%d", r) }
func ymm(r int) string { return fmt.Sprintf("Y%d", r) }

const (
	tailMaskYMM = 15
	tailMask    = "K7"
	scratchMask = "K6"
)

func frame(a *argument) string { return fmt.Sprintf("%s+%d(FP)", a.name, a.offset) }

func (e *amd64) begin() {
	k := e.k
	n := 16
	if e.wide {
		n = 32
	}
	e.vectors = newRegisters(n)
	if e.wide {
		e.masks = newRegisters(6)
		e.masks.used[0] = true // K0 means no mask
	} else {
		e.vectors.used[tailMaskYMM] = true
	}
	e.spare = []string{"DI", "SI", "DX", "R8", "R9", "R10", "R11", "R12", "R13"}
	general := func() string {
		if len(e.spare) == 0 {
			panic("kernel " + k.name + " has too many arguments")
		}
		r := e.spare[0]
		e.spare = e.spare[1:]
		return r
	}
	for _, a := range k.args {
		switch {
		case a.pointer:
			e.where[a] = general()
			e.ins("MOVQ", frame(a), e.where[a])
		case a.name == "n" || a.name == "cols":
			e.start[elements] = frame(a)
		case a.name == "rows":
			e.start[rows] = frame(a)
		case a.name == "stride":
			e.stride = general()
			e.ins("MOVQ", frame(a), e.stride)
			e.ins("SHLQ", "$2", e.stride)
		}
	}
	if k.shape == overColumns {
		e.span = general()
		e.ins("MOVQ", e.start[rows], e.span)
		e.ins("IMULQ", e.stride, e.span)
	}
	e.uniforms()
	if e.tail() == masked {
		e.ins("MOVQ", e.start[elements], "CX")
		if e.wide {
			e.ins("ANDL", "$15", "CX")
			e.ins("MOVL", "$-1", "AX")
			e.ins("BZHIL", "CX", "AX", "AX")
			e.ins("KMOVW", "AX", tailMask)
		} else {
			// The table has eight words of ones and eight of zeros.
			e.ins("ANDL", "$7", "CX")
			e.ins("NEGQ", "CX")
			e.ins("LEAQ", e.table.maskName()+"+32(SB)", "AX")
			e.ins("VMOVDQU", "(AX)(CX*4)", ymm(tailMaskYMM))
		}
	}
	e.ins("XORL", "AX", "AX")
	if k.shape == overSlice {
		e.reload(elements)
	}
}

// uniforms puts the values that stay where they do.
func (e *amd64) uniforms() {
	for _, v := range e.k.carried {
		r := e.vectors.take()
		e.vectors.reg[v] = r
		e.ins("VMOVUPS", fmt.Sprintf("%d(%s)", 4*v.imm, e.where[v.arg]), e.vec(r))
	}
	for i, v := range e.k.uniforms {
		if i < e.kept {
			r := e.vectors.take()
			e.vectors.reg[v] = r
			e.spread(v, r)
		} else if !e.wide && v.arg != nil {
			r := e.vectors.take()
			e.spread(v, r)
			e.ins("VMOVUPS", e.vec(r), e.slot(len(e.slots)))
			e.vectors.used[r] = false
			e.slots = append(e.slots, v)
		}
	}
}

// spread fills a register with a uniform value.
func (e *amd64) spread(v *value, r int) {
	switch {
	case v.op == opParam:
		e.ins("VBROADCASTSS", frame(v.arg), e.vec(r))
	case v.op == opPattern:
		from := e.table.at(v.words)
		if v.arg != nil {
			from = fmt.Sprintf("%d(%s)", 4*v.imm, e.where[v.arg])
		}
		e.ins(e.pick([2]string{"VBROADCASTI32X4", "VBROADCASTI128"}), from, e.vec(r))
	case v.bits == 0:
		e.zero(r)
	default:
		e.ins("VBROADCASTSS", e.table.at(repeated(v.bits)), e.vec(r))
	}
}

func (e *amd64) zero(r int) {
	e.ins(e.pick(binaries[opXor]), e.vec(r), e.vec(r), e.vec(r))
}

func (e *amd64) slot(i int) string { return fmt.Sprintf("%d(SP)", 32*i) }

// operand is v as the last source of an instruction, and the suffix that the
// mnemonic then needs.
func (e *amd64) operand(v *value) (text, suffix string) {
	if r, ok := e.vectors.reg[v]; ok {
		return e.vec(r), ""
	}
	switch {
	case e.wide && v.op == opParam:
		return frame(v.arg), ".BCST"
	case e.wide && v.op == opConst:
		return e.table.at(repeated(v.bits)), ".BCST"
	case e.wide && v.op == opPattern:
		return e.vec(e.register(v)), ""
	case v.op == opConst:
		return e.table.at(repeated(v.bits)), ""
	case v.op == opPattern && v.arg == nil:
		return e.table.at(v.words), ""
	case v.stays():
		return e.slot(slices.Index(e.slots, v)), ""
	}
	panic("kernel " + e.k.name + ": a value is used after its last use")
}

func (e *amd64) inMemory(v *value) bool {
	_, ok := e.vectors.reg[v]
	return !ok
}

// register is v in a register, which for a uniform value in memory is borrowed.
func (e *amd64) register(v *value) int {
	if r, ok := e.vectors.reg[v]; ok {
		return r
	}
	r := e.vectors.borrow()
	if e.wide {
		e.spread(v, r)
	} else {
		text, _ := e.operand(v)
		e.ins("VMOVUPS", text, e.vec(r))
	}
	return r
}

// address is the place of the at-th vector of a from here.
func (e *amd64) address(a *argument, at int) string {
	size := a.format.size()
	offset := at * e.lanes() * size
	s := fmt.Sprintf("(%s)(AX*%d)", e.where[a], size)
	if offset != 0 {
		s = fmt.Sprint(offset) + s
	}
	return s
}

func (e *amd64) body(at, set int, m mode) {
	for i, v := range e.k.body {
		e.operation(v, i, at, set, m)
	}
}

// binaries are the operations of two sources and one instruction, with the
// mnemonic for AVX-512 and for AVX2.
var binaries = map[opcode][2]string{
	opAdd:    {"VADDPS", "VADDPS"},
	opSub:    {"VSUBPS", "VSUBPS"},
	opMul:    {"VMULPS", "VMULPS"},
	opDiv:    {"VDIVPS", "VDIVPS"},
	opMaxOf:  {"VMAXPS", "VMAXPS"},
	opMinOf:  {"VMINPS", "VMINPS"},
	opIntAdd: {"VPADDD", "VPADDD"},
	opIntSub: {"VPSUBD", "VPSUBD"},
	opAnd:    {"VPANDD", "VPAND"},
	opOr:     {"VPORD", "VPOR"},
	opXor:    {"VPXORD", "VPXOR"},

	opMulEven: {"VPMULUDQ", "VPMULUDQ"},
}

var commutative = map[opcode]bool{opAdd: true, opMul: true, opIntAdd: true, opAnd: true, opOr: true, opXor: true}

// comparisons are the predicates of VCMPPS, those that raise no exception, and
// of VPCMPUD.
var comparisons = map[opcode]string{opLess: "$17", opEqual: "$0", opNotBelow: "$5"}

// compare writes an operation that makes a mask.
func (e *amd64) compare(v *value, i int) {
	a := e.register(v.a)
	b, suffix := e.operand(v.b)
	if e.wide {
		name := "VCMPPS"
		if v.op == opNotBelow {
			name = "VPCMPUD"
		}
		e.vectors.release(v, i, nil)
		r := e.masks.take()
		e.masks.reg[v] = r
		e.ins(name+suffix, comparisons[v.op], b, e.vec(a), fmt.Sprintf("K%d", r))
		return
	}
	if v.op == opNotBelow {
		d := e.vectors.take() // AVX2 compares signed integers only
		e.ins("VPMAXUD", b, e.vec(a), e.vec(d))
		e.ins("VPCMPEQD", e.vec(a), e.vec(d), e.vec(d))
		e.vectors.release(v, i, nil)
		e.vectors.reg[v] = d
		return
	}
	e.vectors.release(v, i, nil)
	e.ins("VCMPPS", comparisons[v.op], b, e.vec(a), e.vec(e.result(v)))
}

func (e *amd64) pick(pair [2]string) string {
	if e.wide {
		return pair[0]
	}
	return pair[1]
}

func (e *amd64) operation(v *value, i, at, set int, m mode) {
	switch v.op {
	case opLoad, opColumn:
		r := e.vectors.take()
		e.vectors.reg[v] = r
		e.load(v.arg, r, at, m)
		return
	case opStore:
		e.store(v.arg, e.register(v.a), at, m)
		e.vectors.release(v, i, nil)
		return
	case opAccumulate:
		e.accumulate(v, e.accs[v.into][set], m)
		e.vectors.release(v, i, nil)
		return
	case opFMA, opFNMA:
		e.fused(v, i)
		return
	case opMax, opMin:
		e.propagate(v, i)
		return
	case opScale:
		e.scale(v, i)
		return
	}
	if v.op == opCount {
		step := &value{op: opPattern, words: [4]uint32{uint32(e.lanes() / 4)}}
		text, _ := e.operand(step)
		r := e.vec(e.register(v.a))
		e.ins("VPADDQ", text, r, r)
		e.vectors.release(v, i, nil)
		return
	}
	if v.mask() {
		e.compare(v, i)
		return
	}
	var emit func(dst string)
	if names, ok := binaries[v.op]; ok {
		a, b := v.a, v.b
		if commutative[v.op] && e.inMemory(a) && !e.inMemory(b) {
			a, b = b, a
		}
		ra := e.register(a)
		tb, suffix := e.operand(b)
		emit = func(dst string) { e.ins(e.pick(names)+suffix, tb, e.vec(ra), dst) }
	} else {
		switch v.op {
		case opSelect:
			c := e.register(v.c)
			b, suffix := e.operand(v.b)
			mask := e.mask(v.a)
			emit = func(dst string) {
				if e.wide {
					e.ins("VBLENDMPS"+suffix, b, e.vec(c), mask, dst)
				} else {
					e.ins("VBLENDVPS", mask, b, e.vec(c), dst)
				}
			}
		case opKeep:
			b := e.register(v.b)
			mask := e.mask(v.a)
			emit = func(dst string) {
				if e.wide {
					e.ins("VMOVAPS.Z", e.vec(b), mask, dst)
				} else {
					e.ins("VANDPS", e.vec(b), mask, dst)
				}
			}
		case opRound:
			a := e.register(v.a)
			emit = func(dst string) { e.ins(e.pick([2]string{"VRNDSCALEPS", "VROUNDPS"}), "$8", e.vec(a), dst) }
		case opReverse:
			a := e.register(v.a)
			emit = func(dst string) { e.ins("VPSHUFD", "$0x1B", e.vec(a), dst) }
		case opOddWord:
			a := e.register(v.a)
			emit = func(dst string) { e.ins("VPSRLQ", "$32", e.vec(a), dst) }
		case opShiftLeft, opShiftRight, opShiftSign:
			a := e.register(v.a)
			name := map[opcode]string{opShiftLeft: "VPSLLD", opShiftRight: "VPSRLD", opShiftSign: "VPSRAD"}[v.op]
			emit = func(dst string) { e.ins(name, fmt.Sprintf("$%d", v.imm), e.vec(a), dst) }
		default:
			name := map[opcode]string{opSqrt: "VSQRTPS", opToInt: "VCVTPS2DQ", opToFloat: "VCVTDQ2PS"}[v.op]
			a := e.register(v.a)
			emit = func(dst string) { e.ins(name, e.vec(a), dst) }
		}
	}
	// An instruction reads its sources before it writes, so the result may
	// take the register of one that dies.
	e.vectors.release(v, i, nil)
	if e.wide {
		e.masks.release(v, i, nil)
	}
	emit(e.vec(e.result(v)))
}

// mask names the register that a comparison left its result in.
func (e *amd64) mask(v *value) string {
	if e.wide {
		return fmt.Sprintf("K%d", e.masks.reg[v])
	}
	return e.vec(e.vectors.reg[v])
}

// result takes a register for v.
func (e *amd64) result(v *value) int {
	r := e.vectors.take()
	e.vectors.reg[v] = r
	return r
}

// fused writes a*b+c or c-a*b. The instruction overwrites one of its sources:
// one that dies here, if there is one, else a copy.
func (e *amd64) fused(v *value, i int) {
	name := "VFMADD"
	if v.op == opFNMA {
		name = "VFNMADD"
	}
	a, b, c := v.a, v.b, v.c
	if e.inMemory(a) || dies(b, i) && !dies(a, i) && !e.inMemory(b) {
		a, b = b, a
	}
	ra := e.register(a)
	var heir *value
	switch {
	case dies(c, i) && c != a && c != b:
		tb, suffix := e.operand(b)
		e.ins(name+"231PS"+suffix, tb, e.vec(ra), e.vec(e.vectors.reg[c]))
		heir = c
	case dies(a, i) && a != b && a != c && e.inMemory(b):
		tb, suffix := e.operand(b)
		e.ins(name+"132PS"+suffix, tb, e.vec(e.register(c)), e.vec(ra))
		heir = a
	case dies(a, i) && a != b && a != c:
		tc, suffix := e.operand(c)
		e.ins(name+"213PS"+suffix, tc, e.vec(e.register(b)), e.vec(ra))
		heir = a
	default:
		d := e.vectors.take()
		tc, suffix := e.operand(c)
		if suffix != "" {
			e.ins("VBROADCASTSS", tc, e.vec(d))
		} else {
			e.ins("VMOVUPS", tc, e.vec(d))
		}
		tb, suffix := e.operand(b)
		e.ins(name+"231PS"+suffix, tb, e.vec(ra), e.vec(d))
		e.vectors.release(v, i, nil)
		e.vectors.reg[v] = d
		return
	}
	r := e.vectors.reg[heir]
	e.vectors.release(v, i, heir)
	e.vectors.reg[v] = r
}

// scale writes a*2^b. AVX2 applies 2^b in two factors, as one would overflow;
// only the last product rounds, so results below the normal numbers are right.
func (e *amd64) scale(v *value, i int) {
	a, b := e.register(v.a), e.register(v.b)
	if e.wide {
		e.vectors.release(v, i, nil)
		e.ins("VSCALEFPS", e.vec(b), e.vec(a), e.vec(e.result(v)))
		return
	}
	bias, _ := e.operand(v.c)
	half, rest := e.vec(e.vectors.borrow()), e.vec(e.vectors.borrow())
	d := e.vectors.take()
	e.ins("VCVTPS2DQ", e.vec(b), rest)
	e.ins("VPSRAD", "$1", rest, half)
	e.ins("VPSUBD", half, rest, rest)
	for _, r := range []string{half, rest} {
		e.ins("VPADDD", bias, r, r)
		e.ins("VPSLLD", "$23", r, r)
	}
	e.ins("VMULPS", half, e.vec(a), e.vec(d))
	e.ins("VMULPS", rest, e.vec(d), e.vec(d))
	e.vectors.release(v, i, nil)
	e.vectors.reg[v] = d
}

// extreme is the instruction of a maximum or minimum, which returns its
// second source when the two are unordered.
func extreme(op opcode) string {
	if op == opMax {
		return "VMAXPS"
	}
	return "VMINPS"
}

// propagate writes a maximum or minimum that is NaN when either operand is:
// the instruction takes care of the second, a blend of the first.
func (e *amd64) propagate(v *value, i int) {
	a := e.register(v.a)
	d := e.vectors.take()
	b, suffix := e.operand(v.b)
	e.ins(extreme(v.op)+suffix, b, e.vec(a), e.vec(d))
	if e.wide {
		e.ins("VCMPPS", "$3", e.vec(a), e.vec(a), scratchMask)
		e.ins("VMOVAPS", e.vec(a), scratchMask, e.vec(d))
	} else {
		t := e.vectors.borrow()
		e.ins("VCMPPS", "$3", e.vec(a), e.vec(a), e.vec(t))
		e.ins("VBLENDVPS", e.vec(t), e.vec(a), e.vec(d), e.vec(d))
	}
	e.vectors.release(v, i, nil)
	e.vectors.reg[v] = d
}

func (e *amd64) load(a *argument, r, at int, m mode) {
	from := e.address(a, at)
	if m == single {
		switch a.format {
		case f32:
			e.ins("VMOVSS", from, xmm(r))
		case u8:
			e.ins("MOVBLZX", from, "BX")
			e.ins("VMOVD", "BX", xmm(r))
		default:
			e.ins("MOVWLZX", from, "BX")
			e.ins("VMOVD", "BX", xmm(r))
			if a.format == f16 {
				e.ins("VCVTPH2PS", xmm(r), ymm(r))
			}
		}
		return
	}
	name := map[encoding]string{f32: "VMOVUPS", f16: "VCVTPH2PS", u16: "VPMOVZXWD", u8: "VPMOVZXBD"}[a.format]
	switch {
	case m == full:
		e.ins(name, from, e.vec(r))
	case e.wide:
		e.ins(name+".Z", from, tailMask, e.vec(r))
	default:
		e.ins("VMASKMOVPS", from, ymm(tailMaskYMM), e.vec(r))
	}
}

func (e *amd64) store(a *argument, r, at int, m mode) {
	to := e.address(a, at)
	switch {
	case m == single && a.format == f32:
		e.ins("VMOVSS", xmm(r), to)
	case m == single:
		t := e.vectors.borrow()
		if a.format == f16 {
			e.ins("VCVTPS2PH", "$0", xmm(r), xmm(t))
			r = t
		}
		e.ins("VMOVD", xmm(r), "BX")
		e.ins("MOVW", "BX", to)
	case e.wide:
		name := map[encoding]string{f32: "VMOVUPS", f16: "VCVTPS2PH", u16: "VPMOVDW"}[a.format]
		operands := []string{e.vec(r), to}
		if m == masked {
			operands = []string{e.vec(r), tailMask, to}
		}
		if a.format == f16 {
			operands = append([]string{"$0"}, operands...)
		}
		e.ins(name, operands...)
	case a.format == f32 && m == masked:
		e.ins("VMASKMOVPS", e.vec(r), ymm(tailMaskYMM), to)
	case a.format == f32:
		e.ins("VMOVUPS", e.vec(r), to)
	case a.format == f16:
		e.ins("VCVTPS2PH", "$0", e.vec(r), to)
	default:
		// Packing works within 128 bits, so the halves are gathered after it.
		t := e.vectors.borrow()
		e.ins("VPACKUSDW", e.vec(r), e.vec(r), e.vec(t))
		e.ins("VPERMQ", "$8", e.vec(t), e.vec(t))
		e.ins("VMOVDQU", xmm(t), to)
	}
}

func (e *amd64) clear(n int) {
	for _, acc := range e.k.accs {
		for len(e.accs[acc]) < n {
			// From the top, so that the reductions at the end have the lowest.
			r := len(e.vectors.used) - 1
			for e.vectors.used[r] {
				r--
				if r < 0 {
					panic(noRegister{})
				}
			}
			e.vectors.used[r] = true
			e.accs[acc] = append(e.accs[acc], r)
		}
		for _, r := range e.accs[acc][:n] {
			if acc.start == 0 {
				e.zero(r)
			} else {
				e.ins("VBROADCASTSS", e.table.at(repeated(acc.start)), e.vec(r))
			}
		}
	}
}

// accumulate adds v to the accumulator in register acc; under a mask, the
// other elements keep what they had.
func (e *amd64) accumulate(v *value, acc int, m mode) {
	a := e.register(v.a)
	if v.into.op != opAdd {
		e.extend(v.into.op, acc, a, e.vec, m)
		return
	}
	mask := []string{}
	if m == masked && e.wide {
		mask = []string{tailMask}
	} else if m == masked {
		t := e.vectors.borrow()
		e.ins("VANDPS", e.vec(a), ymm(tailMaskYMM), e.vec(t))
		a = t
	}
	if v.b == nil {
		e.ins("VADDPS", slices.Concat([]string{e.vec(a), e.vec(acc)}, mask, []string{e.vec(acc)})...)
		return
	}
	// Loads have put zeros where the mask is clear, so b is finite there.
	b := e.register(v.b)
	e.ins("VFMADD231PS", slices.Concat([]string{e.vec(b), e.vec(a)}, mask, []string{e.vec(acc)})...)
}

// extend sets acc to the maximum or minimum of acc and v, keeping a NaN in
// either. name gives registers their width.
func (e *amd64) extend(op opcode, acc, v int, name func(int) string, m mode) {
	t := e.vectors.borrow()
	e.ins(extreme(op), name(v), name(acc), name(t))
	if e.wide {
		operands := []string{"$7", name(acc), name(acc)}
		if m == masked {
			operands = append(operands, tailMask)
		}
		e.ins("VCMPPS", append(operands, scratchMask)...)
		e.ins("VMOVAPS", name(t), scratchMask, name(acc))
		return
	}
	ordered := e.vectors.borrow()
	e.ins("VCMPPS", "$7", name(acc), name(acc), name(ordered))
	if m == masked {
		e.ins("VANDPS", ymm(tailMaskYMM), name(ordered), name(ordered))
	}
	e.ins("VBLENDVPS", name(ordered), name(t), name(acc), name(acc))
}

// combine sets acc to acc op v.
func (e *amd64) combine(op opcode, acc, v int, name func(int) string) {
	if op == opAdd {
		e.ins("VADDPS", name(v), name(acc), name(acc))
		return
	}
	borrowed := len(e.vectors.borrows)
	e.extend(op, acc, v, name, full)
	for _, r := range e.vectors.borrows[borrowed:] {
		e.vectors.used[r] = false
	}
	e.vectors.borrows = e.vectors.borrows[:borrowed]
}

func (e *amd64) merge(n int) {
	for _, acc := range e.k.accs {
		sets := e.accs[acc][:n]
		for step := 1; step < n; step *= 2 {
			for i := 0; i+step < n; i += 2 * step {
				e.combine(acc.op, sets[i], sets[i+step], e.vec)
			}
		}
	}
}

func (e *amd64) results() {
	for _, acc := range e.k.accs {
		r := e.accs[acc][0]
		t := e.vectors.take()
		if e.wide {
			e.ins("VEXTRACTF64X4", "$1", e.vec(r), ymm(t))
			e.combine(acc.op, r, t, ymm)
			e.ins("VEXTRACTF32X4", "$1", ymm(r), xmm(t))
		} else {
			e.ins("VEXTRACTF128", "$1", ymm(r), xmm(t))
		}
		e.combine(acc.op, r, t, xmm)
		for _, order := range []string{"$0x4E", "$0xB1"} { // swap halves, swap neighbours
			e.ins("VPSHUFD", order, xmm(r), xmm(t))
			e.combine(acc.op, r, t, xmm)
		}
		e.ins("VMOVSS", xmm(r), frame(acc.result))
		e.vectors.used[t] = false
	}
}

func (e *amd64) loadSet(at, set int, m mode) {
	for _, acc := range e.k.accs {
		e.load(acc.output, e.accs[acc][set], at, m)
	}
}

func (e *amd64) storeSet(at, set int, m mode) {
	for _, acc := range e.k.accs {
		e.store(acc.output, e.accs[acc][set], at, m)
	}
}

func (e *amd64) advance(n int) { e.ins("ADDQ", fmt.Sprintf("$%d", n), "AX") }

func (e *amd64) nextRow() {
	e.ins("XORL", "AX", "AX")
	e.down()
}

func (e *amd64) down() { e.matrices("ADDQ", e.stride) }
func (e *amd64) top()  { e.matrices("SUBQ", e.span) }

func (e *amd64) matrices(name, by string) {
	for _, a := range e.k.args {
		if a.pointer && !a.column {
			e.ins(name, by, e.where[a])
		}
	}
}

func (c counter) amd64() string { return [...]string{elements: "CX", rows: "BX"}[c] }

func (e *amd64) reload(c counter) { e.ins("MOVQ", e.start[c], c.amd64()) }

func (e *amd64) count(c counter, n int, jump condition, label string) {
	if n < 0 {
		e.ins("ADDQ", fmt.Sprintf("$%d", -n), c.amd64())
	} else {
		e.ins("SUBQ", fmt.Sprintf("$%d", n), c.amd64())
	}
	e.ins([...]string{less: "JLT", notLess: "JGE", zero: "JEQ", notZero: "JNE"}[jump], label)
}

func (e *amd64) align()            { e.ins("PCALIGN", "$32") }
func (e *amd64) label(name string) { fmt.Fprintf(&e.out, "\n%s:\n", name) }

func (e *amd64) end() string {
	e.ins("VZEROUPPER")
	fmt.Fprintf(&e.out, "\tRET\n")
	size := 32 * len(e.slots)
	return fmt.Sprintf("\n// func %s%s%s\nTEXT ·%s%s(SB), NOSPLIT, $%d-%d\n",
		e.k.name, e.suffix(), e.k.signature, e.k.name, e.suffix(), size, e.k.argBytes) + e.out.String()
}
