package main

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// This file is the language that kernels are described in: straight-line code
// over vectors of 32-bit elements, one value per operation.

// opcode says how a value is computed from its operands a, b and c.
type opcode int

const (
	opConst   opcode = iota // the same 32 bits in each element
	opParam                 // a scalar argument of the kernel, in each element
	opPattern               // four words, repeated
	opCarried               // a vector that lives from one body to the next

	opLoad   // elements of a matrix or slice
	opColumn // elements of a vector with one element per column
	opStore  // a to a matrix or slice

	opAdd
	opSub
	opMul
	opDiv
	opMaxOf // greater of a and b; b when they are unordered
	opMinOf // lesser of a and b; b when they are unordered
	opMax   // greater of a and b; NaN when either is
	opMin   // lesser of a and b; NaN when either is
	opFMA   // a*b + c, rounded once
	opFNMA  // c - a*b, rounded once
	opSqrt
	opRound // to the nearest integer, ties to even
	opToInt // to int32
	opToFloat
	opScale // a * 2^b for integral b from -252 to 254; c is the integer 127

	opIntAdd
	opIntSub
	opAnd
	opOr
	opXor
	opShiftLeft  // by imm bits
	opShiftRight // by imm bits, zeros enter
	opShiftSign  // by imm bits, copies of the sign enter

	opLess     // a < b, a mask
	opEqual    // a == b, a mask
	opSelect   // where mask a: b, elsewhere c
	opKeep     // where mask a: b, elsewhere 0
	opNotBelow // a >= b as unsigned integers, a mask

	opMulEven // products of unsigned words 0 and 2 of each four, 64 bits each
	opReverse // words 3, 2, 1, 0 of each four
	opOddWord // words 1 and 3 of each four, into places 0 and 2
	opCount   // add to the 64-bit number in words 0 and 1 of carried value a the fours in a vector

	opAccumulate // into an accumulator
)

// value is the result of one operation.
type value struct {
	op      opcode
	a, b, c *value
	arg     *argument    // of a load, store or parameter; of a pattern in memory
	bits    uint32       // of a constant
	words   [4]uint32    // of a pattern that is constant
	imm     int          // of a shift; of a pattern or carried value, its place in memory
	into    *accumulator // of an accumulation
	last    int          // index in the body of the last use
}

// stays reports whether v is there before the first body and after the last.
func (v *value) stays() bool { return v.op <= opCarried }

func (v *value) mask() bool {
	return v.op == opLess || v.op == opEqual || v.op == opNotBelow
}

func (v *value) operands() []*value {
	var list []*value
	for _, x := range []*value{v.a, v.b, v.c} {
		if x != nil {
			list = append(list, x)
		}
	}
	return list
}

// encoding is how the elements of an argument lie in memory. In registers an
// element always has 32 bits.
type encoding int

const (
	f32 encoding = iota
	f16          // IEEE binary16, converted
	u16          // the low half, zero-extended
	u8           // the low byte, zero-extended
)

func (f encoding) size() int { return [...]int{f32: 4, f16: 2, u16: 2, u8: 1}[f] }

// argument is a parameter or result of the kernel's Go function.
type argument struct {
	name    string
	goType  string
	offset  int // in the argument frame
	pointer bool
	format  encoding
	// column is set on pointers to one element per column, which do not move
	// from row to row, and fixed on those that never move.
	column, fixed bool
}

// accumulator is a running sum, maximum or minimum over elements.
type accumulator struct {
	op     opcode // opAdd, opMax or opMin
	start  uint32 // neutral element
	result *argument
	output *argument // of a column reduction: where the row of results goes
}

// shape is the loop around the body of a kernel.
type shape int

const (
	overSlice   shape = iota // n elements
	overRows                 // rows rows of cols elements, stride apart
	overColumns              // the same, but a column at a time, to reduce it
)

// kernel is the description of one function.
type kernel struct {
	name      string
	signature string // without the name
	shape     shape
	unroll    int // vectors per iteration
	args      []*argument
	results   []*argument
	argBytes  int
	body      []*value
	uniforms  []*value // the same in every iteration
	carried   []*value
	accs      []*accumulator
	loads     map[string]*value
}

var (
	signatureForm = regexp.MustCompile(`^(\w+)(\(.*?\))( \w+| \(.*\))?$`)
	listForm      = regexp.MustCompile(`[,\s]+`)
)

// define makes a kernel from its Go signature, such as
// "add(dst, a, b *float32, n int)", and the function that writes its body.
func define(signature string, s shape, unroll int, body func(k *kernel)) *kernel {
	m := signatureForm.FindStringSubmatch(signature)
	if m == nil {
		panic("cannot read signature " + signature)
	}
	k := &kernel{name: m[1], signature: m[2] + m[3], shape: s, unroll: unroll, loads: map[string]*value{}}
	offset := 0
	place := func(list string) []*argument {
		var args []*argument
		var pending []*argument
		for field := range strings.SplitSeq(strings.Trim(list, "() "), ",") {
			words := listForm.Split(strings.TrimSpace(field), -1)
			a := &argument{name: words[0]}
			args, pending = append(args, a), append(pending, a)
			if len(words) == 2 {
				for _, p := range pending {
					p.goType = words[1]
				}
				pending = nil
			}
		}
		for _, a := range args {
			a.pointer = strings.HasPrefix(a.goType, "*")
			size := 8
			if a.goType == "float32" || a.goType == "uint32" {
				size = 4
			}
			switch a.goType {
			case "*uint16":
				a.format = u16
			case "*uint8":
				a.format = u8
			}
			offset = (offset + size - 1) &^ (size - 1)
			a.offset = offset
			offset += size
		}
		return args
	}
	k.args = place(m[2])
	offset = (offset + 7) &^ 7
	if m[3] != "" {
		if !strings.Contains(m[3], "(") {
			m[3] = "ret" + m[3]
		}
		k.results = place(m[3])
	}
	k.argBytes = offset
	body(k)
	for i, v := range k.body {
		for _, x := range v.operands() {
			x.last = i
		}
	}
	return k
}

func (k *kernel) arg(name string) *argument {
	for _, a := range k.args {
		if a.name == name {
			return a
		}
	}
	panic(fmt.Sprintf("kernel %s has no argument %s", k.name, name))
}

// narrow reports whether any argument has elements of less than 32 bits.
func (k *kernel) narrow() bool {
	for _, a := range k.args {
		if a.pointer && a.format != f32 {
			return true
		}
	}
	return false
}

func (k *kernel) emit(v *value) *value {
	v.last = -1
	k.body = append(k.body, v)
	return v
}

func (k *kernel) op(op opcode, operands ...*value) *value {
	v := &value{op: op}
	for i, x := range operands {
		*[]**value{&v.a, &v.b, &v.c}[i] = x
	}
	return k.emit(v)
}

func (k *kernel) shift(op opcode, a *value, bits int) *value {
	return k.emit(&value{op: op, a: a, imm: bits})
}

// load returns the elements of a slice or matrix; loading twice costs nothing.
func (k *kernel) load(name string) *value { return k.read(opLoad, name) }

// column returns the elements of a vector with one element per column.
func (k *kernel) column(name string) *value {
	k.arg(name).column = true
	return k.read(opColumn, name)
}

func (k *kernel) read(op opcode, name string) *value {
	if v, ok := k.loads[name]; ok {
		return v
	}
	v := k.emit(&value{op: op, arg: k.arg(name)})
	k.loads[name] = v
	return v
}

// loadHalf is load of IEEE half-precision elements.
func (k *kernel) loadHalf(name string) *value {
	k.arg(name).format = f16
	return k.load(name)
}

func (k *kernel) store(name string, v *value) {
	k.emit(&value{op: opStore, a: v, arg: k.arg(name)})
}

func (k *kernel) storeHalf(name string, v *value) {
	k.arg(name).format = f16
	k.store(name, v)
}

// bits returns the constant with these bits.
func (k *kernel) bits(b uint32) *value {
	for _, v := range k.uniforms {
		if v.op == opConst && v.bits == b {
			return v
		}
	}
	v := &value{op: opConst, bits: b}
	k.uniforms = append(k.uniforms, v)
	return v
}

// pattern returns a constant of four words.
func (k *kernel) pattern(words [4]uint32) *value {
	v := &value{op: opPattern, words: words}
	k.uniforms = append(k.uniforms, v)
	return v
}

// patternAt returns the four words that begin at a word of a pointer argument.
func (k *kernel) patternAt(name string, word int) *value {
	v := &value{op: opPattern, arg: k.arg(name), imm: word}
	v.arg.fixed = true
	k.uniforms = append(k.uniforms, v)
	return v
}

// carriedFrom returns a value that starts as the words at a pointer argument.
func (k *kernel) carriedFrom(name string, word int) *value {
	v := &value{op: opCarried, arg: k.arg(name), imm: word}
	v.arg.fixed = true
	k.carried = append(k.carried, v)
	return v
}

func (k *kernel) num(f float32) *value { return k.bits(math.Float32bits(f)) }

// param returns a scalar argument.
func (k *kernel) param(name string) *value {
	a := k.arg(name)
	for _, v := range k.uniforms {
		if v.op == opParam && v.arg == a {
			return v
		}
	}
	v := &value{op: opParam, arg: a}
	k.uniforms = append(k.uniforms, v)
	return v
}

func (k *kernel) add(a, b *value) *value       { return k.op(opAdd, a, b) }
func (k *kernel) sub(a, b *value) *value       { return k.op(opSub, a, b) }
func (k *kernel) mul(a, b *value) *value       { return k.op(opMul, a, b) }
func (k *kernel) div(a, b *value) *value       { return k.op(opDiv, a, b) }
func (k *kernel) fma(a, b, c *value) *value    { return k.op(opFMA, a, b, c) }
func (k *kernel) fnma(a, b, c *value) *value   { return k.op(opFNMA, a, b, c) }
func (k *kernel) sqrt(a *value) *value         { return k.op(opSqrt, a) }
func (k *kernel) abs(a *value) *value          { return k.op(opAnd, a, k.bits(0x7fffffff)) }
func (k *kernel) neg(a *value) *value          { return k.op(opXor, a, k.bits(1<<31)) }
func (k *kernel) less(a, b *value) *value      { return k.op(opLess, a, b) }
func (k *kernel) choose(m, a, b *value) *value { return k.op(opSelect, m, a, b) }

// relu is max(v, 0). With v second, NaN stays NaN.
func (k *kernel) relu(v *value) *value { return k.op(opMaxOf, k.num(0), v) }

// horner evaluates the polynomial with these coefficients, lowest first.
func (k *kernel) horner(x *value, coefficients []float32) *value {
	p := k.num(coefficients[len(coefficients)-1])
	for i := len(coefficients) - 2; i >= 0; i-- {
		p = k.fma(p, x, k.num(coefficients[i]))
	}
	return p
}

// total adds v up over all elements into the result of that name.
func (k *kernel) total(result string, v *value) { k.accumulate(opAdd, 0, result, v, nil) }

// totalProduct adds a*b up with one rounding per step.
func (k *kernel) totalProduct(result string, a, b *value) { k.accumulate(opAdd, 0, result, a, b) }

// greatest keeps the maximum of v, NaN if any is NaN.
func (k *kernel) greatest(result string, v *value) {
	k.accumulate(opMax, math.Float32bits(float32(math.Inf(-1))), result, v, nil)
}

// least keeps the minimum of v, NaN if any is NaN.
func (k *kernel) least(result string, v *value) {
	k.accumulate(opMin, math.Float32bits(float32(math.Inf(1))), result, v, nil)
}

func (k *kernel) accumulate(op opcode, start uint32, result string, a, b *value) {
	acc := &accumulator{op: op, start: start}
	if k.shape == overColumns {
		acc.output = k.arg(result)
		acc.output.column = true
	} else {
		for _, r := range k.results {
			if r.name == result {
				acc.result = r
			}
		}
		if acc.result == nil {
			panic(fmt.Sprintf("kernel %s has no result %s", k.name, result))
		}
	}
	k.accs = append(k.accs, acc)
	k.emit(&value{op: opAccumulate, into: acc, a: a, b: b})
}
