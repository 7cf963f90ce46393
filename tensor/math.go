package tensor

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

var opRsqrt, opSin, opCos, opTan, opAsin, opAcos, opAtan, opSinh, opCosh, opLog1p, opExpm1, opLog2, opLog10 *Op
var opErf, opErfc, opFloor, opCeil, opRound, opTrunc, opAtan2, opFloorDiv, opRemainder, opFmod *Op

func init() {
	// smooth registers a function with the derivative slope(x, y), given as
	// operations on the operand and the result.
	smooth := func(name, onnx, doc string, d domain, f func(float64) float64, saved *Saved, slope func(x, y *Tensor) *Tensor) *Op {
		return unaryOp(Op{Name: name, ONNX: onnx, Doc: doc, Saved: saved, Samples: samplesOf1(d),
			Grad: func(g *GradCall) { g.Set(0, g.Gy(0).Mul(slope(g.In[0], g.Out[0]))) }},
			unaryKernel{f64: func(x float64, _ params) float64 { return f(x) }})
	}
	opRsqrt = unaryOp(Op{Name: "rsqrt", Doc: "Rsqrt returns 1/sqrt(x).", Saved: savesOut, Samples: samplesOf1(positive),
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).Mul(g.Out[0].Mul(g.Out[0].Square())).MulScalar(-0.5)) }},
		unaryKernel{f64: func(x float64, _ params) float64 { return 1 / math.Sqrt(x) }, f32: rsqrtRun[float32], v64: rsqrtRun[float64]})
	opSin = smooth("sin", "Sin", "Sin returns the sine.", anyReal, math.Sin, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Cos() })
	opCos = smooth("cos", "Cos", "Cos returns the cosine.", anyReal, math.Cos, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Sin().Neg() })
	opTan = smooth("tan", "Tan", "Tan returns the tangent.", sine, math.Tan, savesOut,
		func(_, y *Tensor) *Tensor { return y.Square().AddScalar(1) })
	opAsin = smooth("asin", "Asin", "Asin returns the angle in [-pi/2, pi/2] whose sine is x.", sine, math.Asin, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Square().Neg().AddScalar(1).Rsqrt() })
	opAcos = smooth("acos", "Acos", "Acos returns the angle in [0, pi] whose cosine is x.", sine, math.Acos, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Square().Neg().AddScalar(1).Rsqrt().Neg() })
	opAtan = smooth("atan", "Atan", "Atan returns the angle in (-pi/2, pi/2) whose tangent is x.", anyReal, math.Atan, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Square().AddScalar(1).Reciprocal() })
	opSinh = smooth("sinh", "Sinh", "Sinh returns the hyperbolic sine.", anyReal, math.Sinh, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Cosh() })
	opCosh = smooth("cosh", "Cosh", "Cosh returns the hyperbolic cosine.", anyReal, math.Cosh, savesIn,
		func(x, _ *Tensor) *Tensor { return x.Sinh() })
	opLog1p = smooth("log1p", "", "Log1p returns log(1+x), exact near 0.", positive, math.Log1p, savesIn,
		func(x, _ *Tensor) *Tensor { return x.AddScalar(1).Reciprocal() })
	opExpm1 = smooth("expm1", "", "Expm1 returns exp(x)-1, exact near 0.", anyReal, math.Expm1, savesOut,
		func(_, y *Tensor) *Tensor { return y.AddScalar(1) })
	opLog2 = smooth("log2", "", "Log2 returns the logarithm to base 2.", positive, math.Log2, savesIn,
		func(x, _ *Tensor) *Tensor { return x.MulScalar(math.Ln2).Reciprocal() })
	opLog10 = smooth("log10", "", "Log10 returns the logarithm to base 10.", positive, math.Log10, savesIn,
		func(x, _ *Tensor) *Tensor { return x.MulScalar(math.Ln10).Reciprocal() })
	bell := func(x *Tensor) *Tensor { return x.Square().Neg().Exp().MulScalar(2 / math.Sqrt(math.Pi)) }
	opErf = unaryOp(Op{Name: "erf", Doc: "Erf returns the error function.", ONNX: "Erf", Saved: savesIn, Samples: samplesOf1(anyReal),
		Grad: func(g *GradCall) { g.Set(0, g.Gy(0).Mul(bell(g.In[0]))) }},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Erf(x) }, f32: plain(vec.Erf[float32])})
	opErfc = smooth("erfc", "", "Erfc returns 1 - erf(x), exact where erf is nearly 1.", anyReal, math.Erfc, savesIn,
		func(x, _ *Tensor) *Tensor { return bell(x).Neg() })

	step := func(name, onnx, doc string, f func(float64) float64) *Op {
		return unaryOp(Op{Name: name, ONNX: onnx, Doc: doc, Saved: savesNothing, Samples: samplesOf1(betweenIntegers), Grad: zeroGradient},
			unaryKernel{f64: func(x float64, _ params) float64 { return f(x) }, i64: func(x int64, _ params) int64 { return x }})
	}
	opFloor = step("floor", "Floor", "Floor returns the largest integer not above x.", math.Floor)
	opCeil = step("ceil", "Ceil", "Ceil returns the smallest integer not below x.", math.Ceil)
	opRound = step("round", "Round", "Round returns the nearest integer; halves go to the even one.", math.RoundToEven)
	opTrunc = step("trunc", "", "Trunc drops the fraction.", math.Trunc)

	opAtan2 = binaryOp(Op{Name: "atan2", Doc: "Atan2 returns the angle of the point (b, a).",
		Grad: func(g *GradCall) {
			a, b := g.In[0], g.In[1]
			scaled := g.Gy(0).Div(a.Square().Add(b.Square()))
			if g.Needs(0) {
				g.Set(0, scaled.Mul(b))
			}
			if g.Needs(1) {
				g.Set(1, scaled.Mul(a).Neg())
			}
		},
		Samples: samplesOf2(awayFromZero, awayFromZero)},
		binaryKernel{f64: math.Atan2})
	opFloorDiv = binaryOp(Op{Name: "floor_div", Doc: "FloorDiv returns the largest integer not above a/b.", Saved: savesNothing,
		NoGrad:  "it is flat wherever it is continuous",
		Samples: samplesOf2(anyReal, awayFromZero)},
		binaryKernel{f64: func(a, b float64) float64 { return math.Floor(a / b) }, i64: floorDivide})
	// The two remainders are a - n*b with the whole number n that their sign
	// rule asks for.
	modulo := func(name, doc, onnx string, n func(a, b *Tensor) *Tensor, k binaryKernel) *Op {
		return binaryOp(Op{Name: name, Doc: doc, ONNX: onnx, Samples: samplesOf2(anyReal, awayFromZero),
			Grad: func(g *GradCall) {
				if g.Needs(0) {
					g.Set(0, g.Gy(0))
				}
				if g.Needs(1) {
					g.Set(1, g.Gy(0).Mul(n(g.In[0].Detach(), g.In[1].Detach())).Neg())
				}
			}}, k)
	}
	opRemainder = modulo("remainder", "Remainder returns a - b*floor(a/b), which has the sign of b.", "",
		func(a, b *Tensor) *Tensor { return a.FloorDiv(b) },
		binaryKernel{f64: remainder, i64: func(a, b int64) int64 { return a - floorDivide(a, b)*b }})
	opFmod = modulo("fmod", "Fmod returns a - b*trunc(a/b), which has the sign of a.", "Mod",
		func(a, b *Tensor) *Tensor { return a.Div(b).Trunc() },
		binaryKernel{f64: math.Mod, i64: func(a, b int64) int64 { return a - divideIntegers(a, b)*b }})
}

func rsqrtRun[T real](dst, x []T, _ params) {
	vec.Sqrt(dst, x)
	vec.Reciprocal(dst, dst)
}

// sine draws from (-0.9, 0.9), where the inverse functions are smooth.
var sine domain = func(s *Sampler, shape ...int) *Tensor { return s.Positive(shape...).AddScalar(-1.05).MulScalar(1.1) }

// betweenIntegers draws values at least 0.2 away from every integer and half.
var betweenIntegers domain = func(s *Sampler, shape ...int) *Tensor {
	return s.Ints(6, shape...).To(Float64).AddScalar(-3).MulScalar(0.5).AddScalar(0.25)
}

// floorDivide rounds the quotient toward minus infinity.
func floorDivide(a, b int64) int64 {
	q := divideIntegers(a, b)
	if q*b != a && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// remainder gives math.Mod the sign of the divisor.
func remainder(a, b float64) float64 {
	r := math.Mod(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// Rsqrt returns 1/sqrt(x).
func (t *Tensor) Rsqrt() *Tensor { return apply(opRsqrt, nil, t) }

// Sin returns the sine of angles in radians.
func (t *Tensor) Sin() *Tensor { return apply(opSin, nil, t) }

// Cos returns the cosine of angles in radians.
func (t *Tensor) Cos() *Tensor { return apply(opCos, nil, t) }

// Tan returns the tangent of angles in radians.
func (t *Tensor) Tan() *Tensor { return apply(opTan, nil, t) }

// Asin returns the angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].
func (t *Tensor) Asin() *Tensor { return apply(opAsin, nil, t) }

// Acos returns the angle in [0, pi] whose cosine is x; NaN outside [-1, 1].
func (t *Tensor) Acos() *Tensor { return apply(opAcos, nil, t) }

// Atan returns the angle in [-pi/2, pi/2] whose tangent is x.
func (t *Tensor) Atan() *Tensor { return apply(opAtan, nil, t) }

// Sinh returns the hyperbolic sine.
func (t *Tensor) Sinh() *Tensor { return apply(opSinh, nil, t) }

// Cosh returns the hyperbolic cosine.
func (t *Tensor) Cosh() *Tensor { return apply(opCosh, nil, t) }

// Log1p returns log(1+x), exact near 0.
func (t *Tensor) Log1p() *Tensor { return apply(opLog1p, nil, t) }

// Expm1 returns exp(x)-1, exact near 0.
func (t *Tensor) Expm1() *Tensor { return apply(opExpm1, nil, t) }

// Log2 returns the logarithm to base 2.
func (t *Tensor) Log2() *Tensor { return apply(opLog2, nil, t) }

// Log10 returns the logarithm to base 10.
func (t *Tensor) Log10() *Tensor { return apply(opLog10, nil, t) }

// Erf returns the error function.
func (t *Tensor) Erf() *Tensor { return apply(opErf, nil, t) }

// Erfc returns 1 - erf(x), exact where erf is nearly 1.
func (t *Tensor) Erfc() *Tensor { return apply(opErfc, nil, t) }

// Floor returns the largest integer not above x. Integers stay as they are.
func (t *Tensor) Floor() *Tensor { return apply(opFloor, nil, t) }

// Ceil returns the smallest integer not below x. Integers stay as they are.
func (t *Tensor) Ceil() *Tensor { return apply(opCeil, nil, t) }

// Round returns the nearest integer; halves go to the even one.
func (t *Tensor) Round() *Tensor { return apply(opRound, nil, t) }

// Trunc drops the fraction.
func (t *Tensor) Trunc() *Tensor { return apply(opTrunc, nil, t) }

// Atan2 returns the angle of the point (b, t), broadcast.
func (t *Tensor) Atan2(b *Tensor) *Tensor { return binary(opAtan2, t, b) }

// FloorDiv returns floor(t/b), broadcast, for floats and integers. An integer
// divided by zero panics. It has no gradient.
func (t *Tensor) FloorDiv(b *Tensor) *Tensor { return binary(opFloorDiv, t, b) }

// Remainder returns t - b*floor(t/b), broadcast. The result has the sign of b,
// as in Python, NumPy's mod and PyTorch's remainder. A zero divisor panics for
// integers and gives NaN for floats.
func (t *Tensor) Remainder(b *Tensor) *Tensor { return binary(opRemainder, t, b) }

// Fmod returns t - b*trunc(t/b), broadcast. The result has the sign of t, as
// Go's % has.
func (t *Tensor) Fmod(b *Tensor) *Tensor { return binary(opFmod, t, b) }
