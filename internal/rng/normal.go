package rng

import "math"

// This file turns random words into samples. It must give the same bits on
// every architecture, so it uses nothing but +, -, *, / and square roots,
// which IEEE 754 defines exactly. math.Log and its like are assembly on some
// machines and Go on others. Every product that is added to something stands
// in float64(...), because the compiler may otherwise fuse the two into one
// rounding on machines that can (arm64) and not on the others.

func uniform32(word uint32) float32 { return float32(word>>8) * 0x1p-24 }

func uniform64(word uint64) float64 { return float64(word>>11) * 0x1p-53 }

// normal32 spends one 32-bit word on a sample; the largest is 6.3.
func normal32(word uint32) float32 {
	return float32(quantile((float64(word) - 0x7FFFFFFF.8p0) * 0x1p-32))
}

// normal64 spends one 64-bit word on a sample, of which 53 bits count; the
// largest is 8.3.
func normal64(word uint64) float64 {
	// Odd multiples of 2^-54: symmetric, and never the 0 and 1 whose quantiles are infinite.
	return quantile((float64(word>>11)-0x1p52)*0x1p-53 + 0x1p-54)
}

// quantile returns x with P(X < x) = q + 1/2 for a standard normal X and
// |q| < 1/2. One word gives one sample, so element i of a parallel fill needs
// no neighbour, as it would with the method of Box and Muller; and six samples
// in seven need no logarithm. The rational approximations are those of M.
// Wichura, "Algorithm AS 241: the percentage points of the normal
// distribution", Applied Statistics 37, 1988 (PPND16, relative error 1e-16).
func quantile(q float64) float64 {
	if math.Abs(q) <= 0.425 {
		r := 0.180625 - float64(q*q)
		return q * ratio(r, &centreNum, &centreDen)
	}
	tail := 0.5 - math.Abs(q)
	r := math.Sqrt(-logarithm(tail))
	var x float64
	if r <= 5 {
		x = ratio(r-1.6, &middleNum, &middleDen)
	} else {
		x = ratio(r-5, &farNum, &farDen)
	}
	return math.Copysign(x, q)
}

// ratio evaluates two polynomials, lowest coefficient first, and divides.
func ratio(r float64, num, den *[8]float64) float64 {
	n, d := num[7], den[7]
	for i := 6; i >= 0; i-- {
		n = float64(n*r) + num[i]
		d = float64(d*r) + den[i]
	}
	return n / d
}

var (
	centreNum = [8]float64{
		3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
		4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3,
	}
	centreDen = [8]float64{
		1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
		2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3,
	}
	middleNum = [8]float64{
		1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
		1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
	}
	middleDen = [8]float64{
		1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
		1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
	}
	farNum = [8]float64{
		6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
		2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
	}
	farDen = [8]float64{
		1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
		7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
	}
)

// logarithm returns the natural logarithm of a positive normal number to
// within two units in the last place. With x = 2^e m, m in [1/sqrt 2, sqrt 2),
// and s = (m-1)/(m+1), it is e ln 2 + 2 artanh(s), and the series of artanh in
// s^2 <= 0.0295 is exact enough after eleven terms.
func logarithm(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := (m - 1) / (m + 1)
	s2 := s * s
	sum := 0.0
	for n := 21; n >= 1; n -= 2 {
		sum = float64(sum*s2) + artanh[n/2]
	}
	return float64(float64(e)*math.Ln2) + float64(2*s*sum)
}

// artanh[n] is the coefficient of s^(2n+1).
var artanh = [11]float64{1, 1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15, 1. / 17, 1. / 19, 1. / 21}
