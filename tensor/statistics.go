package tensor

import "math"

var opProd *Op

func init() {
	opProd = reduceOp(Op{Name: "prod", Doc: "Prod multiplies the elements along axes; the product of nothing is 1.", ONNX: "ReduceProd", Saved: savesIn,
		Grad: func(g *GradCall) {
			// Dividing the product by each element fails at zeros. The product
			// of all others is the one of those before times the one of those after.
			r, x := g.Attr.(reduceAttr), g.In[0]
			order, back := r.last(len(x.shape))
			kept := len(x.shape) - len(r.axes)
			rows := x.Permute(order...)
			shape := rows.Shape()
			rows = rows.Flatten(kept)
			others := rows.othersBefore().Mul(rows.Flip(-1).othersBefore().Flip(-1))
			others = others.Reshape(shape...).Permute(back...)
			g.Set(0, others.Mul(r.restore(g.Gy(0), x.shape)))
		},
		Samples: func(s *Sampler) []Sample {
			withZeros := s.Normal(2, 4)
			withZeros.SetIndex(Scalar(0, Float64), Int(0), Int(1))
			withZeros.SetIndex(Scalar(0, Float64), Int(1), Range(1, 3))
			return append(reduceSamples(awayFromZero)(s), Sample{Name: "zeros", In: []*Tensor{withZeros}, Attr: reduceAttr{[]int{1}, false}})
		}},
		fold(1, multiply[float32]), fold(1, multiply[float64]), fold(1, multiply[int64]), fold(1, multiply[int32]), fold(1, multiply[uint8]))
}

func multiply[T number](a, b T) T { return a * b }

// last returns the order of axes that puts the reduced ones last, and the
// order that undoes it.
func (r reduceAttr) last(n int) (order, back []int) {
	reduced := make([]bool, n)
	for _, a := range r.axes {
		reduced[a] = true
	}
	for _, want := range []bool{false, true} {
		for a := range n {
			if reduced[a] == want {
				order = append(order, a)
			}
		}
	}
	back = make([]int, n)
	for i, a := range order {
		back[a] = i
	}
	return order, back
}

// Prod multiplies the elements along the named axes, or all. Axes disappear.
// Integers and bools are multiplied as int64.
func (t *Tensor) Prod(axes ...int) *Tensor {
	return apply(opProd, reduceAttr{axesOf("prod", t, axes), false}, t.widest())
}

// ProdKeep is Prod with the reduced axes kept at size 1.
func (t *Tensor) ProdKeep(axes ...int) *Tensor {
	return apply(opProd, reduceAttr{axesOf("prod", t, axes), true}, t.widest())
}

// Var is the variance along the named axes, or all: the sum of the squared
// distances from the mean, divided by the number of elements less correction.
// Correction 1 (PyTorch's default) is Bessel's, 0 is NumPy's default.
func (t *Tensor) Var(correction int, axes ...int) *Tensor {
	return t.variance(correction, reduceAttr{axesOf("var", t, axes), false})
}

// VarKeep is Var with the reduced axes kept at size 1.
func (t *Tensor) VarKeep(correction int, axes ...int) *Tensor {
	return t.variance(correction, reduceAttr{axesOf("var", t, axes), true})
}

// Std is the standard deviation, the root of Var. Where it is 0 so is its
// derivative.
func (t *Tensor) Std(correction int, axes ...int) *Tensor { return t.Var(correction, axes...).root() }

// StdKeep is Std with the reduced axes kept at size 1.
func (t *Tensor) StdKeep(correction int, axes ...int) *Tensor {
	return t.VarKeep(correction, axes...).root()
}

func (t *Tensor) variance(correction int, r reduceAttr) *Tensor {
	n := 1
	for _, a := range r.axes {
		n *= t.shape[a]
	}
	centred := t.Sub(t.mean(reduceAttr{r.axes, true}))
	// Dividing by a tensor, not multiplying by its inverse, makes 0/0 NaN.
	return apply(opSum, r, centred.Square()).Div(Scalar(float64(max(0, n-correction)), t.dtype))
}

// root is Sqrt with derivative 0 at 0.
func (t *Tensor) root() *Tensor {
	zero := t.Detach().EqualScalar(0)
	return Where(zero, Scalar(0, t.dtype), Where(zero, Scalar(1, t.dtype), t).Sqrt())
}

// Norm is the p-norm of the elements along the named axes, or all:
// (sum |x|^p)^(1/p). For p = +Inf it is the largest |x|, for -Inf the
// smallest, for 0 the number of elements that are not zero. Where the 2-norm
// is 0 so is its derivative.
func (t *Tensor) Norm(p float64, axes ...int) *Tensor {
	return t.norm(p, reduceAttr{axesOf("norm", t, axes), false})
}

// NormKeep is Norm with the reduced axes kept at size 1.
func (t *Tensor) NormKeep(p float64, axes ...int) *Tensor {
	return t.norm(p, reduceAttr{axesOf("norm", t, axes), true})
}

func (t *Tensor) norm(p float64, r reduceAttr) *Tensor {
	wantFloat(&Call{Op: &Op{Name: "norm"}, In: []*Tensor{t}})
	switch {
	case p == 1:
		return apply(opSum, r, t.Abs())
	case p == 2:
		return apply(opSum, r, t.Square()).root()
	case p == 0:
		return apply(opSum, r, t.NotEqual(Scalar(0, t.dtype)).To(t.dtype))
	case math.IsInf(p, 1):
		return apply(opMax, t.extremeAttr("norm", r.axes, r.keep), t.Abs())
	case math.IsInf(p, -1):
		return apply(opMin, t.extremeAttr("norm", r.axes, r.keep), t.Abs())
	}
	return apply(opSum, r, t.Abs().PowScalar(p)).PowScalar(1 / p)
}

// Normalize divides by the p-norm along an axis, or by eps where the norm is
// less.
func (t *Tensor) Normalize(p float64, a int, eps float64) *Tensor {
	return t.Div(t.NormKeep(p, a).Clamp(eps, math.Inf(1)))
}

// CosineSimilarity is the cosine of the angle between a and b along an axis;
// each length counts as at least eps.
func CosineSimilarity(a, b *Tensor, axis int, eps float64) *Tensor {
	return a.Normalize(2, axis, eps).Mul(b.Normalize(2, axis, eps)).Sum(axis)
}

// LogSumExp is log(sum(exp(x))) along the named axes, or all, without
// overflow; of nothing it is -Inf.
func (t *Tensor) LogSumExp(axes ...int) *Tensor {
	return t.logSumExp(reduceAttr{axesOf("logsumexp", t, axes), false})
}

// LogSumExpKeep is LogSumExp with the reduced axes kept at size 1.
func (t *Tensor) LogSumExpKeep(axes ...int) *Tensor {
	return t.logSumExp(reduceAttr{axesOf("logsumexp", t, axes), true})
}

func (t *Tensor) logSumExp(r reduceAttr) *Tensor {
	wantFloat(&Call{Op: &Op{Name: "logsumexp"}, In: []*Tensor{t}})
	for _, a := range r.axes {
		if t.shape[a] == 0 {
			return apply(opSum, r, t.Exp()).Log()
		}
	}
	// An infinite largest element must not be subtracted from itself.
	largest := apply(opMax, reduceAttr{r.axes, true}, t.Detach())
	largest = Where(largest.IsFinite(), largest, Scalar(0, t.dtype))
	sum := apply(opSum, r, t.Sub(largest).Exp())
	return sum.Log().Add(largest.restrideTo(sum.shape))
}

// CountNonzero counts the elements that are not zero along the named axes, or
// all, as int64. NaN is not zero.
func (t *Tensor) CountNonzero(axes ...int) *Tensor {
	return apply(opSum, reduceAttr{axesOf("count nonzero", t, axes), false}, t.To(Bool).To(Int64))
}

// Median is the middle one of the sorted elements along an axis, the lower of
// two, as in PyTorch; NaN if there is a NaN. The axis disappears.
func (t *Tensor) Median(a int) *Tensor {
	a = axis("median", t, a)
	n := t.shape[a]
	if n == 0 {
		misfit("median", []*Tensor{t}, "there is no median of nothing")
	}
	values, _ := t.Sort(a, false)
	middle := values.Select(a, (n-1)/2)
	// NaN is sorted to the end.
	last := values.Select(a, n-1)
	return Where(last.IsNaN(), last, middle)
}
