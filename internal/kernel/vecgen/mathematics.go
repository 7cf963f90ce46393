package main

import "math"

// This file holds the elementary functions of the kernels. The polynomials
// were fitted with Remez's exchange algorithm, in float64, to least greatest
// relative error of the function they are part of; the figure with each is
// that error, before the rounding of coefficients and steps.

var (
	// exp(r) = 1 + r + r²*q(r) for |r| <= ln(2)/2; 1.3e-8 relative to exp(r)-1.
	expTail = []float32{0.5, 0.16666543, 0.04166628, 0.008366584, 0.0013946451}

	// log(1+f) = f - f²/2 + f³*p(f) for sqrt(1/2) <= 1+f < sqrt(2); 5.8e-9.
	logTail = []float32{0.3333333, -0.2500082, 0.20001227, -0.16623357, 0.14201757, -0.13160183, 0.12761578, -0.076345}

	// erf(z) = z*p(z²) for |z| <= 0.75; 1.4e-9.
	erfNear = []float32{1.1283791, -0.3761262, 0.11283377, -0.026834624, 0.005114346, -0.00067495136}

	// Phi(-a) = exp(-a²/2)*t*p(t-0.5) for a >= 0 and t = 1/(1+0.24*a), Phi the
	// standard normal distribution function; 3.2e-9. Counting from 0.5 keeps
	// the terms small beside the first.
	normalTail = []float32{0.18196867, 0.2974254, 0.3918668, 0.4018984, 0.29496312, 0.11596465, -0.029525436, -0.06332797, -0.009797553, 0.025550248}
)

const normalScale = 0.24

// ln(2) in two parts: the first has its last nine bits zero, so that its product
// with a small integer is exact.
const (
	ln2High = float32(0x1.62e4p-1)
	ln2Low  = float32(math.Ln2 - 0x1.62e4p-1)
)

// reduce returns n and r with x = n*ln(2) + r, n an integer, |r| <= ln(2)/2.
func (k *kernel) reduce(x *value) (n, r *value) {
	n = k.op(opRound, k.mul(x, k.num(float32(math.Log2E))))
	r = k.fnma(n, k.num(ln2High), x)
	r = k.fnma(n, k.num(ln2Low), r)
	return n, r
}

// powerOfTwo returns 2^n for integers n from -126 to 127.
func (k *kernel) powerOfTwo(n *value) *value {
	return k.shift(opShiftLeft, k.op(opIntAdd, k.op(opToInt, n), k.bits(127)), 23)
}

// exp is e^x. Beyond the clamp all is infinite or rounds to zero; with x as
// the second operand, NaN passes it.
func (k *kernel) exp(x *value) *value {
	x = k.op(opMinOf, k.num(89), x)
	x = k.op(opMaxOf, k.num(-104), x)
	n, r := k.reduce(x)
	p := k.horner(r, expTail)
	p = k.fma(p, k.mul(r, r), r)
	p = k.add(p, k.num(1))
	return k.op(opScale, p, n, k.bits(127))
}

// expMinusOne is e^x - 1 for x <= 0, accurate near 0.
func (k *kernel) expMinusOne(x *value) *value {
	x = k.op(opMaxOf, k.num(-30), x) // -1 to the last bit from -17 on
	n, r := k.reduce(x)
	p := k.horner(r, expTail)
	p = k.fma(p, k.mul(r, r), r)
	s := k.powerOfTwo(n)
	return k.fma(p, s, k.sub(s, k.num(1)))
}

// logOf1p is log(1+f) + n*ln(2) for f as logTail wants it.
func (k *kernel) logOf1p(f, n *value) *value {
	square := k.mul(f, f)
	p := k.mul(k.horner(f, logTail), f)
	p = k.fma(n, k.num(ln2Low), k.mul(p, square))
	p = k.fnma(square, k.num(0.5), p)
	p = k.add(p, f)
	return k.fma(n, k.num(ln2High), p)
}

// log is the natural logarithm.
func (k *kernel) log(x *value) *value {
	// A subnormal is scaled up by 2^23 first.
	small := k.less(x, k.num(0x1p-126))
	m := k.choose(small, k.mul(x, k.num(0x1p23)), x)
	bias := k.op(opKeep, small, k.num(23))
	// Counting from sqrt(1/2) makes the exponent that of a significand
	// between sqrt(1/2) and sqrt(2).
	root := k.bits(0x3f3504f3)
	d := k.op(opIntSub, m, root)
	n := k.sub(k.op(opToFloat, k.shift(opShiftSign, d, 23)), bias)
	f := k.op(opIntAdd, k.op(opAnd, d, k.bits(0x7fffff)), root)
	y := k.logOf1p(k.sub(f, k.num(1)), n)
	// +Inf and NaN stay what they are; zero and negative numbers follow.
	finite := k.less(x, k.num(float32(math.Inf(1))))
	y = k.choose(finite, y, x)
	y = k.choose(k.less(x, k.num(0)), k.num(float32(math.NaN())), y)
	return k.choose(k.op(opEqual, x, k.num(0)), k.num(float32(math.Inf(-1))), y)
}

// withSign gives a non-negative y the sign of x.
func (k *kernel) withSign(y, x *value) *value {
	return k.op(opOr, y, k.op(opAnd, x, k.bits(1<<31)))
}

// tanh(|x|) = -m/(m+2) with m = exp(-2|x|)-1, which is accurate near 0 too.
func (k *kernel) tanh(x *value) *value {
	a := k.abs(x)
	m := k.expMinusOne(k.mul(a, k.num(-2)))
	return k.withSign(k.abs(k.div(m, k.add(m, k.num(2)))), x)
}

// sigmoid is e/(1+e) for x < 0 and 1/(1+e) else, with e = exp(-|x|), so that
// nothing overflows and the lower tail is accurate.
func (k *kernel) sigmoid(x *value) *value {
	e := k.exp(k.op(opOr, x, k.bits(1<<31)))
	one := k.num(1)
	return k.div(k.choose(k.less(x, k.num(0)), e, one), k.add(e, one))
}

// lowerTail returns Phi(-a) and exp(-a²/2) for a >= 0, Phi the standard normal
// distribution function.
func (k *kernel) lowerTail(a *value) (tail, e *value) {
	a = k.op(opMinOf, k.num(20), a) // exp(-200) is 0
	square := k.mul(a, a)
	excess := k.fnma(a, a, square) // what rounding added to the square
	e = k.exp(k.mul(square, k.num(-0.5)))
	e = k.fma(k.mul(e, k.num(0.5)), excess, e)
	t := k.div(k.num(1), k.fma(a, k.num(normalScale), k.num(1)))
	p := k.horner(k.sub(t, k.num(0.5)), normalTail)
	return k.mul(k.mul(p, t), e), e
}

// normal returns Phi(x) and exp(-x²/2). Near 0 it is 1/2 + erf(x/sqrt(2))/2,
// where the other form loses the low bits of x.
func (k *kernel) normal(x *value) (phi, e *value) {
	a := k.abs(x)
	tail, e := k.lowerTail(a)
	far := k.choose(k.less(x, k.num(0)), tail, k.sub(k.num(1), tail))
	z := k.mul(x, k.num(math.Sqrt2/2))
	near := k.fma(k.horner(k.mul(z, z), erfNear), k.mul(z, k.num(0.5)), k.num(0.5))
	return k.choose(k.less(a, k.num(0.75*math.Sqrt2)), near, far), e
}

// erf is the error function: a polynomial near 0, 1-2*Phi(-|x|*sqrt(2)) else.
func (k *kernel) erf(x *value) *value {
	a := k.abs(x)
	near := k.mul(k.horner(k.mul(a, a), erfNear), a)
	tail, _ := k.lowerTail(k.mul(a, k.num(math.Sqrt2)))
	far := k.fnma(tail, k.num(2), k.num(1))
	return k.withSign(k.choose(k.less(a, k.num(0.75)), near, far), x)
}

// softplus is max(x, 0) + log(1+exp(-|x|)).
func (k *kernel) softplus(x *value) *value {
	e := k.exp(k.op(opOr, x, k.bits(1<<31)))
	// 1+e is halved where it exceeds sqrt(2).
	great := k.less(k.num(math.Sqrt2-1), e)
	f := k.choose(great, k.mul(k.sub(e, k.num(1)), k.num(0.5)), e)
	return k.add(k.relu(x), k.logOf1p(f, k.op(opKeep, great, k.num(1))))
}
