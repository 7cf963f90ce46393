package tensor

import "slices"

// compareOp registers a comparison: two operands in, bool out, no gradient.
func compareOp(name, doc, onnx string, f func(a, b float64) bool, i func(a, b int64) bool) *Op {
	op := Op{Name: name, Doc: doc, ONNX: onnx, NoGrad: "a comparison is flat wherever it is defined",
		Samples: samplesOf2(anyReal, anyReal)}
	op.Infer = func(c *Call) []Spec { return []Spec{binarySpec(c, Bool)} }
	op.Run = func(c *Call) {
		y, a, b := c.Out[0], c.In[0], c.In[1]
		switch a.dtype {
		case Float32:
			runBinary(y, a, b, func(a, b float32) bool { return f(float64(a), float64(b)) })
		case Float64:
			runBinary(y, a, b, f)
		case BFloat16, Float16:
			runBinary(y, a.To(Float32), b.To(Float32), func(a, b float32) bool { return f(float64(a), float64(b)) })
		case Int64:
			runBinary(y, a, b, i)
		case Int32:
			runBinary(y, a, b, func(a, b int32) bool { return i(int64(a), int64(b)) })
		default:
			runBinary(y, a.To(UInt8), b.To(UInt8), func(a, b uint8) bool { return i(int64(a), int64(b)) })
		}
	}
	return register(&op)
}

var opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual, opWhere *Op

func init() {
	opEqual = compareOp("equal", "Equal reports where a == b; NaN equals nothing.", "Equal",
		func(a, b float64) bool { return a == b }, func(a, b int64) bool { return a == b })
	opNotEqual = compareOp("not_equal", "NotEqual reports where a != b.", "",
		func(a, b float64) bool { return a != b }, func(a, b int64) bool { return a != b })
	opLess = compareOp("less", "Less reports where a < b.", "Less",
		func(a, b float64) bool { return a < b }, func(a, b int64) bool { return a < b })
	opLessEqual = compareOp("less_equal", "LessEqual reports where a <= b.", "LessOrEqual",
		func(a, b float64) bool { return a <= b }, func(a, b int64) bool { return a <= b })
	opGreater = compareOp("greater", "Greater reports where a > b.", "Greater",
		func(a, b float64) bool { return a > b }, func(a, b int64) bool { return a > b })
	opGreaterEqual = compareOp("greater_equal", "GreaterEqual reports where a >= b.", "GreaterOrEqual",
		func(a, b float64) bool { return a >= b }, func(a, b int64) bool { return a >= b })
	opWhere = register(&Op{Name: "where", Doc: "Where picks from a where the condition holds and from b elsewhere.", ONNX: "Where",
		Saved: savesIn,
		Infer: func(c *Call) []Spec {
			if c.In[0].dtype != Bool {
				misfit("where", c.In, "the condition must be bool")
			}
			shape, ok := broadcastShapes(c.In[1].shape, c.In[2].shape)
			if ok {
				shape, ok = broadcastShapes(shape, c.In[0].shape)
			}
			if !ok {
				misfit("where", c.In, "the shapes do not broadcast")
			}
			spec := Spec{Shape: shape, DType: c.In[1].dtype}
			for _, t := range c.In[1:] { // keep the layout of images
				if slices.Equal(t.shape, shape) && t.isDense() {
					spec.Stride = t.stride
					break
				}
			}
			return []Spec{spec}
		},
		Run: func(c *Call) {
			switch c.Out[0].dtype.Size() {
			case 1:
				pick[uint8](c)
			case 2:
				pick[BF16](c)
			case 4:
				pick[int32](c)
			case 8:
				pick[int64](c)
			}
		},
		Grad: func(g *GradCall) {
			zero := Scalar(0, g.Gy(0).dtype)
			if g.Needs(1) {
				g.Set(1, Where(g.In[0], g.Gy(0), zero))
			}
			if g.Needs(2) {
				g.Set(2, Where(g.In[0], zero, g.Gy(0)))
			}
		},
		Samples: func(s *Sampler) []Sample {
			return []Sample{
				{Name: "same shape", In: []*Tensor{s.Bools(3, 4), s.Normal(3, 4), s.Normal(3, 4)}},
				{Name: "broadcast", In: []*Tensor{s.Bools(3, 1), s.Normal(4), s.Normal(3, 4)}},
			}
		}})
}

func pick[T Element](c *Call) {
	y := c.Out[0]
	if y.Len() == 0 {
		return
	}
	ys, cs, as, bs := elements[T](y), elements[bool](c.In[0]), elements[T](c.In[1]), elements[T](c.In[2])
	strides := [][]int{y.stride}
	for _, t := range c.In {
		strides = append(strides, broadcastStride(t.shape, t.stride, y.shape))
	}
	l := newLoop(y.shape, strides...)
	_, step := l.inner()
	l.each(func(off [4]int, n int) {
		for i := range n {
			if cs[off[1]+i*step[1]] {
				ys[off[0]+i*step[0]] = as[off[2]+i*step[2]]
			} else {
				ys[off[0]+i*step[0]] = bs[off[3]+i*step[3]]
			}
		}
	})
}

func compare(op *Op, a, b *Tensor) *Tensor {
	if a.dtype != b.dtype {
		d := promote(a.dtype, b.dtype)
		a, b = a.To(d), b.To(d)
	}
	return apply(op, nil, a, b)
}

// Equal reports where t == b, broadcast; NaN equals nothing.
func (t *Tensor) Equal(b *Tensor) *Tensor { return compare(opEqual, t, b) }

// NotEqual reports where t != b, broadcast.
func (t *Tensor) NotEqual(b *Tensor) *Tensor { return compare(opNotEqual, t, b) }

// Less reports where t < b, broadcast.
func (t *Tensor) Less(b *Tensor) *Tensor { return compare(opLess, t, b) }

// LessEqual reports where t <= b, broadcast.
func (t *Tensor) LessEqual(b *Tensor) *Tensor { return compare(opLessEqual, t, b) }

// Greater reports where t > b, broadcast.
func (t *Tensor) Greater(b *Tensor) *Tensor { return compare(opGreater, t, b) }

// GreaterEqual reports where t >= b, broadcast.
func (t *Tensor) GreaterEqual(b *Tensor) *Tensor { return compare(opGreaterEqual, t, b) }

// GreaterScalar reports where t > s.
func (t *Tensor) GreaterScalar(s float64) *Tensor { return t.Greater(Scalar(s, t.dtype)) }

// LessScalar reports where t < s.
func (t *Tensor) LessScalar(s float64) *Tensor { return t.Less(Scalar(s, t.dtype)) }

// EqualScalar reports where t == s.
func (t *Tensor) EqualScalar(s float64) *Tensor { return t.Equal(Scalar(s, t.dtype)) }

// Where picks from a where the condition (bool) holds and from b elsewhere;
// all three broadcast.
func Where(condition, a, b *Tensor) *Tensor {
	if a.dtype != b.dtype {
		d := promote(a.dtype, b.dtype)
		a, b = a.To(d), b.To(d)
	}
	return apply(opWhere, nil, condition, a, b)
}
