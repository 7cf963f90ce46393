package tensor

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// params are the settings of an element-wise operation, such as a slope.
type params [2]float64

// unaryKernel computes one element from one.
type unaryKernel struct {
	f64 func(x float64, p params) float64 // defines the function
	i64 func(x int64, p params) int64     // on integers, where it differs from rounding f64; nil: floats only
	f32 func(dst, x []float32, p params)  // vectorised, nil: by way of f64
	v64 func(dst, x []float64, p params)  // vectorised, nil: by way of f64
}

// unaryOp registers an element-wise operation of one operand. The output has
// the operand's layout.
func unaryOp(op Op, k unaryKernel) *Op {
	op.Infer = func(c *Call) []Spec {
		if k.i64 == nil {
			wantFloat(c)
		}
		return []Spec{sameAs(c.In[0])}
	}
	op.Run = func(c *Call) {
		p, _ := c.Attr.(params)
		x, y := c.In[0], c.Out[0]
		if !SameLayout(y, x) {
			x = x.alias().Contiguous() // y is row-major exactly then
		}
		switch x.dtype {
		case Float32:
			d, s := dense[float32](y), dense[float32](x)
			par.For(len(d), chunkElements, func(lo, hi int) {
				if k.f32 != nil {
					k.f32(d[lo:hi], s[lo:hi], p)
					return
				}
				for i := lo; i < hi; i++ {
					d[i] = float32(k.f64(float64(s[i]), p))
				}
			})
		case Float64:
			d, s := dense[float64](y), dense[float64](x)
			par.For(len(d), chunkElements, func(lo, hi int) {
				if k.v64 != nil {
					k.v64(d[lo:hi], s[lo:hi], p)
					return
				}
				for i := lo; i < hi; i++ {
					d[i] = k.f64(s[i], p)
				}
			})
		case BFloat16, Float16:
			widened(y, []*Tensor{x}, func(y *Tensor, in []*Tensor) {
				op.Run(&Call{Op: c.Op, In: in, Out: []*Tensor{y}, Attr: c.Attr})
			})
		case Int64:
			mapIntegers[int64](y, x, k.i64, p)
		case Int32:
			mapIntegers[int32](y, x, k.i64, p)
		case UInt8:
			mapIntegers[uint8](y, x, k.i64, p)
		default:
			misfit(c.Op.Name, c.In, "not defined for %v", x.dtype)
		}
	}
	return register(&op)
}

func mapIntegers[T int64 | int32 | uint8](y, x *Tensor, f func(int64, params) int64, p params) {
	d, s := dense[T](y), dense[T](x)
	for i, v := range s {
		d[i] = T(f(int64(v), p))
	}
}

// plain and withSetting fit the kernels of vec, which take no settings or one.
func plain[T real](f func(dst, x []T)) func(dst, x []T, _ params) {
	return func(dst, x []T, _ params) { f(dst, x) }
}

func withSetting[T real](f func(dst, x []T, s T)) func(dst, x []T, p params) {
	return func(dst, x []T, p params) { f(dst, x, T(p[0])) }
}

// widened runs a kernel on float32 copies of half-precision operands and
// rounds the result.
func widened(out *Tensor, in []*Tensor, run func(out *Tensor, in []*Tensor)) {
	wide := make([]*Tensor, len(in))
	for i, t := range in {
		wide[i] = t
		if t != nil && (t.dtype == BFloat16 || t.dtype == Float16) {
			wide[i] = newTensor(nil, Float32, t.shape, sameAs(t).Stride)
			copyInto(wide[i], t)
		}
	}
	w := newTensor(nil, Float32, out.shape, out.stride)
	run(w, wide)
	copyInto(out, w)
}

// savesIn and savesOut are the common cases of what a gradient reads.
var (
	savesIn      = &Saved{In: []int{0}}
	savesOut     = &Saved{Out: []int{0}}
	savesNothing = &Saved{}
)

var opNeg, opAbs, opSign, opExp, opLog, opSqrt, opSquare, opReciprocal, opTanh, opSigmoid, opReLU, opAddScalar, opMulScalar, opPowScalar *Op

func init() {
	opNeg = unaryOp(Op{Name: "neg", Doc: "Neg returns -x.", ONNX: "Neg", Saved: savesNothing,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Neg()) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: func(x float64, _ params) float64 { return -x }, i64: func(x int64, _ params) int64 { return -x },
			f32: plain(vec.Neg[float32]), v64: plain(vec.Neg[float64])})

	opAbs = unaryOp(Op{Name: "abs", Doc: "Abs returns the absolute value; its derivative at 0 is 0.", ONNX: "Abs",
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Mul(g.In[0].Sign())) },
		Samples: samplesOf1(awayFromZero)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Abs(x) }, i64: func(x int64, _ params) int64 { return max(x, -x) },
			f32: plain(vec.Abs[float32]), v64: plain(vec.Abs[float64])})

	opSign = unaryOp(Op{Name: "sign", Doc: "Sign returns -1, 0 or 1.", ONNX: "Sign", Saved: savesNothing,
		Grad:    zeroGradient,
		Samples: samplesOf1(awayFromZero)},
		unaryKernel{f64: sign, i64: func(x int64, _ params) int64 { return int64(sign(float64(x), params{})) }})

	opExp = unaryOp(Op{Name: "exp", Doc: "Exp returns e to the power of x.", ONNX: "Exp", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Mul(g.Out[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Exp(x) },
			f32: plain(vec.Exp[float32])})

	opLog = unaryOp(Op{Name: "log", Doc: "Log returns the natural logarithm: -Inf at 0, NaN below.", ONNX: "Log", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Div(g.In[0])) },
		Samples: samplesOf1(positive)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Log(x) },
			f32: plain(vec.Log[float32])})

	opSqrt = unaryOp(Op{Name: "sqrt", Doc: "Sqrt returns the square root, NaN below 0.", ONNX: "Sqrt", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Div(g.Out[0].MulScalar(2))) },
		Samples: samplesOf1(positive)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Sqrt(x) },
			f32: plain(vec.Sqrt[float32]), v64: plain(vec.Sqrt[float64])})

	opSquare = unaryOp(Op{Name: "square", Doc: "Square returns x times x.", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Mul(g.In[0]).MulScalar(2)) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: func(x float64, _ params) float64 { return x * x }, i64: func(x int64, _ params) int64 { return x * x },
			f32: plain(vec.Square[float32]), v64: plain(vec.Square[float64])})

	opReciprocal = unaryOp(Op{Name: "reciprocal", Doc: "Reciprocal returns 1/x.", ONNX: "Reciprocal", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).Mul(g.Out[0].Square()).Neg()) },
		Samples: samplesOf1(awayFromZero)},
		unaryKernel{f64: func(x float64, _ params) float64 { return 1 / x },
			f32: plain(vec.Reciprocal[float32]), v64: plain(vec.Reciprocal[float64])})

	opTanh = unaryOp(Op{Name: "tanh", Doc: "Tanh returns the hyperbolic tangent.", ONNX: "Tanh", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, apply(opTanhGrad, nil, g.Gy(0), g.Out[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Tanh(x) },
			f32: plain(vec.Tanh[float32])})

	opSigmoid = unaryOp(Op{Name: "sigmoid", Doc: "Sigmoid returns 1/(1+exp(-x)).", ONNX: "Sigmoid", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, apply(opSigmoidGrad, nil, g.Gy(0), g.Out[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: sigmoid,
			f32: plain(vec.Sigmoid[float32])})

	opReLU = unaryOp(Op{Name: "relu", Doc: "ReLU returns max(x, 0); its derivative at 0 is 0.", ONNX: "Relu", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, apply(opReLUGrad, nil, g.Gy(0), g.Out[0])) },
		Samples: samplesOf1(awayFromZero)},
		unaryKernel{f64: func(x float64, _ params) float64 { return math.Max(x, 0) }, i64: func(x int64, _ params) int64 { return max(x, 0) },
			f32: plain(vec.ReLU[float32]), v64: plain(vec.ReLU[float64])})

	opAddScalar = unaryOp(Op{Name: "add_scalar", Doc: "AddScalar returns x + s.", Saved: savesNothing,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0)) },
		Samples: samplesOf1With(params{1.7}, anyReal)},
		unaryKernel{f64: func(x float64, p params) float64 { return x + p[0] }, i64: func(x int64, p params) int64 { return x + int64(p[0]) },
			f32: withSetting(vec.AddScalar[float32]), v64: withSetting(vec.AddScalar[float64])})

	opMulScalar = unaryOp(Op{Name: "mul_scalar", Doc: "MulScalar returns x * s.", Saved: savesNothing,
		Grad:    func(g *GradCall) { g.Set(0, g.Gy(0).MulScalar(g.Attr.(params)[0])) },
		Samples: samplesOf1With(params{-2.5}, anyReal)},
		unaryKernel{f64: func(x float64, p params) float64 { return x * p[0] }, i64: func(x int64, p params) int64 { return x * int64(p[0]) },
			f32: withSetting(vec.MulScalar[float32]), v64: withSetting(vec.MulScalar[float64])})

	opPowScalar = unaryOp(Op{Name: "pow_scalar", Doc: "PowScalar returns x to the power of a constant.", Saved: savesIn,
		Grad: func(g *GradCall) {
			n := g.Attr.(params)[0]
			if n == 0 {
				g.Set(0, g.Gy(0).MulScalar(0))
				return
			}
			g.Set(0, g.Gy(0).Mul(g.In[0].PowScalar(n-1)).MulScalar(n))
		},
		Samples: samplesOf1With(params{2.5}, positive)},
		unaryKernel{f64: func(x float64, p params) float64 { return math.Pow(x, p[0]) }})
}

// zeroGradient is the gradient of a function that is flat where it is defined.
func zeroGradient(g *GradCall) { g.Set(0, g.Gy(0).MulScalar(0)) }

func sign(x float64, _ params) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, -0 and NaN are their own sign
}

func sigmoid(x float64, _ params) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x) // does not overflow on this side
	return e / (1 + e)
}

// Neg returns -x, element by element.
func (t *Tensor) Neg() *Tensor { return apply(opNeg, nil, t) }

// Abs returns |x|; its derivative at 0 is 0.
func (t *Tensor) Abs() *Tensor { return apply(opAbs, nil, t) }

// Sign returns -1, 0 or 1; NaN stays NaN.
func (t *Tensor) Sign() *Tensor { return apply(opSign, nil, t) }

// Exp returns e to the power of x.
func (t *Tensor) Exp() *Tensor { return apply(opExp, nil, t) }

// Log returns the natural logarithm: -Inf at 0, NaN below.
func (t *Tensor) Log() *Tensor { return apply(opLog, nil, t) }

// Sqrt returns the square root, NaN below 0.
func (t *Tensor) Sqrt() *Tensor { return apply(opSqrt, nil, t) }

// Square returns x*x.
func (t *Tensor) Square() *Tensor { return apply(opSquare, nil, t) }

// Reciprocal returns 1/x.
func (t *Tensor) Reciprocal() *Tensor { return apply(opReciprocal, nil, t) }

// Tanh returns the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return apply(opTanh, nil, t) }

// Sigmoid returns 1/(1+exp(-x)).
func (t *Tensor) Sigmoid() *Tensor { return apply(opSigmoid, nil, t) }

// ReLU returns max(x, 0); its derivative at 0 is 0.
func (t *Tensor) ReLU() *Tensor { return apply(opReLU, nil, t) }

// AddScalar returns x + s.
func (t *Tensor) AddScalar(s float64) *Tensor { return apply(opAddScalar, params{s}, t) }

// MulScalar returns x * s.
func (t *Tensor) MulScalar(s float64) *Tensor { return apply(opMulScalar, params{s}, t) }

// PowScalar returns x to the power of n; derivatives at 0 follow the formula.
func (t *Tensor) PowScalar(n float64) *Tensor { return apply(opPowScalar, params{n}, t) }
