package tensor

import "math"

var opIsNaN, opIsInf, opIsFinite, opNot, opAnd, opOr, opXor, opAny, opAll *Op

func init() {
	const flat = "a truth value is flat wherever it is defined"
	// classify registers a test of each element of a float tensor.
	classify := func(name, onnx, doc string, f func(float64) bool) *Op {
		return register(&Op{Name: name, Doc: doc, ONNX: onnx, NoGrad: flat, Samples: samplesOf1(anyReal),
			Infer: func(c *Call) []Spec {
				s := sameAs(c.In[0])
				s.DType = Bool
				return []Spec{s}
			},
			Run: func(c *Call) {
				switch x, y := c.In[0], c.Out[0]; {
				case x.dtype == Float64:
					convert(y, x, f)
				case x.dtype.IsFloat():
					convert(y, x.alias().To(Float32), func(v float32) bool { return f(float64(v)) })
				default: // integers are finite
					y.fill(0)
					if f(0) {
						y.fill(1)
					}
				}
			}})
	}
	opIsNaN = classify("isnan", "IsNaN", "IsNaN reports where x is not a number.", math.IsNaN)
	opIsInf = classify("isinf", "IsInf", "IsInf reports where x is infinite.", func(x float64) bool { return math.IsInf(x, 0) })
	opIsFinite = classify("isfinite", "", "IsFinite reports where x is neither infinite nor NaN.", func(x float64) bool { return x-x == 0 })

	wantBool := func(c *Call) {
		for _, t := range c.In {
			if t.dtype != Bool {
				misfit(c.Op.Name, c.In, "needs bool operands; compare first")
			}
		}
	}
	bools := func(s *Sampler) []Sample {
		return []Sample{{Name: "matrix", In: []*Tensor{s.Bools(3, 4), s.Bools(3, 4)}},
			{Name: "broadcast", In: []*Tensor{s.Bools(3, 1), s.Bools(4)}}}
	}
	opNot = register(&Op{Name: "not", Doc: "Not returns the opposite truth value.", ONNX: "Not", NoGrad: flat,
		Infer: func(c *Call) []Spec {
			wantBool(c)
			return []Spec{sameAs(c.In[0])}
		},
		Run:     func(c *Call) { convert(c.Out[0], c.In[0], func(v bool) bool { return !v }) },
		Samples: func(s *Sampler) []Sample { return []Sample{{Name: "matrix", In: []*Tensor{s.Bools(3, 4)}}} }})
	connective := func(name, onnx, doc string, f func(a, b bool) bool) *Op {
		return register(&Op{Name: name, Doc: doc, ONNX: onnx, NoGrad: flat, Samples: bools,
			Infer: func(c *Call) []Spec {
				wantBool(c)
				return []Spec{binarySpec(c, Bool)}
			},
			Run: func(c *Call) { runBinary(c.Out[0], c.In[0], c.In[1], f) }})
	}
	opAnd = connective("and", "And", "And reports where both are true.", func(a, b bool) bool { return a && b })
	opOr = connective("or", "Or", "Or reports where at least one is true.", func(a, b bool) bool { return a || b })
	opXor = connective("xor", "Xor", "Xor reports where exactly one is true.", func(a, b bool) bool { return a != b })

	// A bool is stored as 0 or 1, so that the largest is any and the smallest all.
	quantifier := func(name, doc string, f reducer[uint8]) *Op {
		return register(&Op{Name: name, Doc: doc, NoGrad: flat,
			Infer: func(c *Call) []Spec {
				wantBool(c)
				return []Spec{{c.Attr.(reduceAttr).outShape(c.In[0].shape), Bool, nil}}
			},
			Run: func(c *Call) { reduce(c.Out[0], c.In[0], c.Attr.(reduceAttr), f) },
			Samples: reduceSamples(func(s *Sampler, shape ...int) *Tensor {
				return s.Bools(shape...)
			})})
	}
	opAny = quantifier("any", "Any reports whether at least one element along axes is true.", fold(0, larger[uint8]))
	opAll = quantifier("all", "All reports whether every element along axes is true.", fold(1, smaller[uint8]))
}

// IsNaN reports where t is not a number.
func (t *Tensor) IsNaN() *Tensor { return apply(opIsNaN, nil, t) }

// IsInf reports where t is infinite, of either sign.
func (t *Tensor) IsInf() *Tensor { return apply(opIsInf, nil, t) }

// IsFinite reports where t is neither infinite nor NaN.
func (t *Tensor) IsFinite() *Tensor { return apply(opIsFinite, nil, t) }

// Not returns the opposite of a bool tensor.
func (t *Tensor) Not() *Tensor { return apply(opNot, nil, t) }

// And reports where both bool tensors are true, broadcast.
func (t *Tensor) And(b *Tensor) *Tensor { return apply(opAnd, nil, t, b) }

// Or reports where at least one of two bool tensors is true, broadcast.
func (t *Tensor) Or(b *Tensor) *Tensor { return apply(opOr, nil, t, b) }

// Xor reports where exactly one of two bool tensors is true, broadcast.
func (t *Tensor) Xor(b *Tensor) *Tensor { return apply(opXor, nil, t, b) }

// Any reports whether at least one element along the named axes, or all, is
// true; of nothing it is false. Elements other than bool are true unless zero.
func (t *Tensor) Any(axes ...int) *Tensor {
	return apply(opAny, reduceAttr{axesOf("any", t, axes), false}, t.To(Bool))
}

// All reports whether every element along the named axes, or all, is true; of
// nothing it is true. Elements other than bool are true unless zero.
func (t *Tensor) All(axes ...int) *Tensor {
	return apply(opAll, reduceAttr{axesOf("all", t, axes), false}, t.To(Bool))
}
