package tensor

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

var opLeakyReLU, opLeakyReLUGrad, opELU, opELUGrad, opGELU, opGELUGrad, opGELUTanh, opGELUTanhGrad *Op
var opSiLU, opSiLUGrad, opSoftplus, opSoftplusGrad, opClamp, opClampGrad *Op

// The constants of the tanh form of GELU (arXiv 1606.08415): the argument of
// the tanh is geluInner*(x + geluCubic*x³).
const (
	geluInner = 0.79788456080286535588 // sqrt(2/pi)
	geluCubic = 0.044715
)

func init() {
	opLeakyReLU = unaryOp(Op{Name: "leaky_relu", Doc: "LeakyReLU returns x where x > 0, else slope*x.", ONNX: "LeakyRelu", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opLeakyReLUGrad, g.Attr, g.Gy(0), g.In[0])) },
		Samples: samplesOf1With(params{0.1}, awayFromZero)},
		unaryKernel{f64: func(x float64, p params) float64 {
			if x > 0 {
				return x
			}
			return p[0] * x
		}, f32: withSetting(vec.LeakyReLU[float32]), v64: withSetting(vec.LeakyReLU[float64])})
	opLeakyReLUGrad = gradientOpWith(Op{Name: "leaky_relu_grad", Doc: "The gradient of LeakyReLU: gy where x > 0, else slope*gy.",
		Define: func(c *Call) []*Tensor {
			gy, x, s := c.In[0], c.In[1], c.Attr.(params)[0]
			return []*Tensor{Where(x.Detach().GreaterScalar(0), gy, gy.MulScalar(s))}
		},
		Samples: samplesOf2SameWith(params{0.1}, anyReal, awayFromZero)},
		func(gy, x, s float64) float64 {
			if x > 0 {
				return gy
			}
			return s * gy
		}, vec.LeakyReLUGrad[float32], vec.LeakyReLUGrad[float64])

	opELU = unaryOp(Op{Name: "elu", Doc: "ELU returns x where x > 0, else alpha*(exp(x)-1).", ONNX: "Elu", Saved: savesOut,
		Grad:    func(g *GradCall) { g.Set(0, apply(opELUGrad, g.Attr, g.Gy(0), g.Out[0])) },
		Samples: samplesOf1With(params{0.7}, awayFromZero)},
		unaryKernel{f64: func(x float64, p params) float64 {
			if x > 0 {
				return x
			}
			return p[0] * math.Expm1(x)
		}, f32: withSetting(vec.ELU[float32])})
	opELUGrad = gradientOpWith(Op{Name: "elu_grad", Doc: "The gradient of ELU from its output: gy where y > 0, else gy*(y+alpha).",
		Define: func(c *Call) []*Tensor {
			gy, y, alpha := c.In[0], c.In[1], c.Attr.(params)[0]
			return []*Tensor{Where(y.Detach().GreaterScalar(0), gy, gy.Mul(y.AddScalar(alpha)))}
		},
		Samples: samplesOf2SameWith(params{0.7}, anyReal, awayFromZero)},
		func(gy, y, alpha float64) float64 {
			if y > 0 {
				return gy
			}
			return gy * (y + alpha)
		}, vec.ELUGrad[float32], vec.ELUGrad[float64])

	opGELU = unaryOp(Op{Name: "gelu", Doc: "GELU returns x times the standard normal distribution function of x.", ONNX: "Gelu", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opGELUGrad, nil, g.Gy(0), g.In[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: one(vec.GELU[float64]), f32: plain(vec.GELU[float32]), v64: plain(vec.GELU[float64])})
	opGELUGrad = gradientOp(Op{Name: "gelu_grad", Doc: "The gradient of GELU: gy*(Phi(x) + x*phi(x)).",
		Define: func(c *Call) []*Tensor {
			gy, x := c.In[0], c.In[1]
			cdf := x.MulScalar(-math.Sqrt2 / 2).Erfc().MulScalar(0.5)
			pdf := x.Square().MulScalar(-0.5).Exp().MulScalar(1 / math.Sqrt(2*math.Pi))
			return []*Tensor{gy.Mul(cdf.Add(x.Mul(pdf)))}
		},
		Samples: samplesOf2Same(anyReal, anyReal)},
		gradientKernel(vec.GELUGrad[float32], vec.GELUGrad[float64]))

	opGELUTanh = unaryOp(Op{Name: "gelu_tanh", Doc: "GELUTanh is the approximation of GELU by tanh.", ONNX: "Gelu", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opGELUTanhGrad, nil, g.Gy(0), g.In[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: one(vec.GELUTanh[float64]), f32: plain(vec.GELUTanh[float32]), v64: plain(vec.GELUTanh[float64])})
	opGELUTanhGrad = gradientOp(Op{Name: "gelu_tanh_grad", Doc: "The gradient of GELUTanh.",
		Define: func(c *Call) []*Tensor {
			gy, x := c.In[0], c.In[1]
			squares := x.Square()
			u := x.Add(x.Mul(squares).MulScalar(geluCubic)).MulScalar(2 * geluInner)
			s := u.Sigmoid()
			slope := squares.MulScalar(3 * geluCubic).AddScalar(1).MulScalar(2 * geluInner) // du/dx
			return []*Tensor{gy.Mul(s.Add(x.Mul(slope).Mul(s.Sub(s.Square()))))}
		},
		Samples: samplesOf2Same(anyReal, anyReal)},
		gradientKernel(vec.GELUTanhGrad[float32], vec.GELUTanhGrad[float64]))

	opSiLU = unaryOp(Op{Name: "silu", Doc: "SiLU returns x*sigmoid(x), also called swish.", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opSiLUGrad, nil, g.Gy(0), g.In[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: one(vec.SiLU[float64]), f32: plain(vec.SiLU[float32]), v64: plain(vec.SiLU[float64])})
	opSiLUGrad = gradientOp(Op{Name: "silu_grad", Doc: "The gradient of SiLU: gy*s*(1 + x*(1-s)) with s = sigmoid(x).",
		Define: func(c *Call) []*Tensor {
			gy, x := c.In[0], c.In[1]
			s := x.Sigmoid()
			return []*Tensor{gy.Mul(s.Add(x.Mul(s.Sub(s.Square()))))}
		},
		Samples: samplesOf2Same(anyReal, anyReal)},
		gradientKernel(vec.SiLUGrad[float32], vec.SiLUGrad[float64]))

	opSoftplus = unaryOp(Op{Name: "softplus", Doc: "Softplus returns log(1+exp(x)).", ONNX: "Softplus", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opSoftplusGrad, nil, g.Gy(0), g.In[0])) },
		Samples: samplesOf1(anyReal)},
		unaryKernel{f64: one(vec.Softplus[float64]), f32: plain(vec.Softplus[float32]), v64: plain(vec.Softplus[float64])})
	opSoftplusGrad = gradientOp(Op{Name: "softplus_grad", Doc: "The gradient of Softplus: gy*sigmoid(x).",
		Define:  func(c *Call) []*Tensor { return []*Tensor{c.In[0].Mul(c.In[1].Sigmoid())} },
		Samples: samplesOf2Same(anyReal, anyReal)},
		gradientKernel(vec.SoftplusGrad[float32], vec.SoftplusGrad[float64]))

	opClamp = unaryOp(Op{Name: "clamp", Doc: "Clamp limits x to an interval; its derivative at the ends is 0.", ONNX: "Clip", Saved: savesIn,
		Grad:    func(g *GradCall) { g.Set(0, apply(opClampGrad, g.Attr, g.Gy(0), g.In[0])) },
		Samples: samplesOf1With(params{-0.51, 0.52}, anyReal)},
		unaryKernel{f64: func(x float64, p params) float64 { return math.Min(math.Max(x, p[0]), p[1]) },
			i64: func(x int64, p params) int64 {
				if float64(x) < p[0] {
					x = int64(p[0])
				}
				if float64(x) > p[1] {
					x = int64(p[1])
				}
				return x
			},
			f32: clampRun[float32], v64: clampRun[float64]})
	opClampGrad = binaryOpWith(Op{Name: "clamp_grad", Doc: "The gradient of Clamp: gy where x lies inside the interval, else 0.",
		Grad: GradByDefinition,
		Define: func(c *Call) []*Tensor {
			gy, x, p := c.In[0], c.In[1].Detach(), c.Attr.(params)
			inside := x.GreaterScalar(p[0]).And(x.LessScalar(p[1]))
			return []*Tensor{Where(inside, gy, Scalar(0, gy.dtype))}
		},
		Samples: samplesOf2SameWith(params{-0.51, 0.52}, anyReal, anyReal)},
		func(p params) binaryKernel {
			return binaryKernel{f64: func(gy, x float64) float64 {
				if p[0] < x && x < p[1] {
					return gy
				}
				return 0
			}, s32: stretches[float32]{vv: clampGradRun[float32](p)}, s64: stretches[float64]{vv: clampGradRun[float64](p)}}
		})
}

// one makes the scalar definition of a function from its kernel.
func one(f func(dst, x []float64)) func(x float64, _ params) float64 {
	return func(x float64, _ params) float64 {
		y := [1]float64{x}
		f(y[:], y[:])
		return y[0]
	}
}

// gradientKernel makes a kernel from the two instances of a function of vec.
func gradientKernel(f32 func(dst, gy, x []float32), f64 func(dst, gy, x []float64)) binaryKernel {
	return binaryKernel{s32: stretches[float32]{vv: f32}, s64: stretches[float64]{vv: f64},
		f64: func(gy, x float64) float64 {
			y := [1]float64{}
			f64(y[:], []float64{gy}, []float64{x})
			return y[0]
		}}
}

func clampRun[T real](dst, x []T, p params) {
	lo, hi := T(p[0]), T(p[1])
	for i, v := range x {
		dst[i] = min(max(v, lo), hi)
	}
}

func clampGradRun[T real](p params) func(dst, gy, x []T) {
	lo, hi := T(p[0]), T(p[1])
	return func(dst, gy, x []T) {
		for i, v := range x {
			g := gy[i]
			if !(lo < v && v < hi) {
				g = 0
			}
			dst[i] = g
		}
	}
}

// samplesOf2SameWith is samplesOf2Same with settings.
func samplesOf2SameWith(attr any, a, b domain) func(*Sampler) []Sample {
	return func(s *Sampler) []Sample {
		out := samplesOf2Same(a, b)(s)
		for i := range out {
			out[i].Attr = attr
		}
		return out
	}
}

// LeakyReLU returns x where x > 0, else slope*x (Maas et al., 2013).
func (t *Tensor) LeakyReLU(slope float64) *Tensor { return apply(opLeakyReLU, params{slope}, t) }

// PReLU returns x where x > 0, else w*x with a learned w: one number, or one
// for each channel, axis 1 (He et al., arXiv 1502.01852).
func (t *Tensor) PReLU(weight *Tensor) *Tensor {
	if weight.Len() != 1 && (len(t.shape) < 2 || len(weight.shape) != 1 || weight.shape[0] != t.shape[1]) {
		misfit("prelu", []*Tensor{t, weight}, "the weight must have one element, or one for each channel (axis 1)")
	}
	if weight.Len() == 1 {
		weight = weight.Reshape()
	} else {
		weight = channelColumn(weight, len(t.shape))
	}
	return Where(t.Detach().GreaterScalar(0), t, t.Mul(weight))
}

// channelColumn gives a vector of channels the shape (C, 1, ..., 1) with which
// it broadcasts along axis 1 of a tensor of n axes.
func channelColumn(v *Tensor, n int) *Tensor {
	shape := make([]int, n-1)
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = v.shape[0]
	return v.restrideTo(shape)
}

// ELU returns x where x > 0, else alpha*(exp(x)-1) (Clevert et al., arXiv
// 1511.07289). Alpha must not be negative.
func (t *Tensor) ELU(alpha float64) *Tensor {
	if !(alpha >= 0) {
		misfit("elu", []*Tensor{t}, "alpha must not be negative, got %g", alpha)
	}
	return apply(opELU, params{alpha}, t)
}

// CELU is ELU with a continuous derivative: x where x > 0, else
// alpha*(exp(x/alpha)-1) (Barron, arXiv 1704.07483). Alpha must be positive.
func (t *Tensor) CELU(alpha float64) *Tensor {
	if !(alpha > 0) {
		misfit("celu", []*Tensor{t}, "alpha must be positive, got %g", alpha)
	}
	return t.MulScalar(1 / alpha).ELU(1).MulScalar(alpha)
}

// SELU is a scaled ELU that keeps mean 0 and variance 1 from layer to layer
// (Klambauer et al., arXiv 1706.02515).
func (t *Tensor) SELU() *Tensor {
	const alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
	return t.ELU(alpha).MulScalar(scale)
}

// GELU returns x times the standard normal distribution function of x, in the
// exact form with erf (Hendrycks and Gimpel, arXiv 1606.08415).
func (t *Tensor) GELU() *Tensor { return apply(opGELU, nil, t) }

// GELUTanh is the approximation of GELU by tanh, as in GPT-2 and BERT.
func (t *Tensor) GELUTanh() *Tensor { return apply(opGELUTanh, nil, t) }

// SiLU returns x*sigmoid(x), also called swish (Elfwing et al., arXiv 1702.03118).
func (t *Tensor) SiLU() *Tensor { return apply(opSiLU, nil, t) }

// Mish returns x*tanh(softplus(x)) (Misra, arXiv 1908.08681).
func (t *Tensor) Mish() *Tensor { return t.Mul(t.Softplus().Tanh()) }

// Softplus returns log(1+exp(x)). PyTorch returns x itself above 20; here the
// formula holds everywhere, a difference of at most 2e-9.
func (t *Tensor) Softplus() *Tensor { return apply(opSoftplus, nil, t) }

// LogSigmoid returns log(sigmoid(x)) = -softplus(-x), which does not overflow.
func (t *Tensor) LogSigmoid() *Tensor { return t.Neg().Softplus().Neg() }

// HardSigmoid returns x/6 + 1/2 limited to [0, 1].
func (t *Tensor) HardSigmoid() *Tensor { return t.AddScalar(3).Clamp(0, 6).MulScalar(1.0 / 6) }

// HardSwish returns x*HardSigmoid(x) (Howard et al., arXiv 1905.02244).
func (t *Tensor) HardSwish() *Tensor { return t.Mul(t.HardSigmoid()) }

// HardTanh limits x to [lo, hi].
func (t *Tensor) HardTanh(lo, hi float64) *Tensor { return t.Clamp(lo, hi) }

// ReLU6 limits x to [0, 6] (Howard et al., arXiv 1704.04861).
func (t *Tensor) ReLU6() *Tensor { return t.Clamp(0, 6) }

// Softsign returns x/(1+|x|).
func (t *Tensor) Softsign() *Tensor { return t.Div(t.Abs().AddScalar(1)) }

// GLU splits an axis into halves a and b and returns a*sigmoid(b) (Dauphin et
// al., arXiv 1612.08083).
func (t *Tensor) GLU(a int) *Tensor {
	a = axis("glu", t, a)
	if t.shape[a]%2 != 0 {
		misfit("glu", []*Tensor{t}, "axis %d must have an even size", a)
	}
	half := t.shape[a] / 2
	return t.Narrow(a, 0, half).Mul(t.Narrow(a, half, half).Sigmoid())
}

// Maxout returns the largest of every pieces neighbouring channels, axis 1:
// (N, C, ...) becomes (N, C/pieces, ...) (Goodfellow et al., arXiv 1302.4389).
func (t *Tensor) Maxout(pieces int) *Tensor {
	if len(t.shape) < 2 || pieces < 1 || t.shape[1]%pieces != 0 {
		misfit("maxout", []*Tensor{t}, "the channels (axis 1) must be a multiple of the %d pieces", pieces)
	}
	shape := append([]int{t.shape[0], t.shape[1] / pieces, pieces}, t.shape[2:]...)
	return t.Reshape(shape...).Max(2)
}

// Clamp limits x to [lo, hi]; infinite limits are none. NaN stays NaN. The
// derivative at the ends is 0, as in PyTorch. Where lo > hi the result is hi.
func (t *Tensor) Clamp(lo, hi float64) *Tensor { return apply(opClamp, params{lo, hi}, t) }
