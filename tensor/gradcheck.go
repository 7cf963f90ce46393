package tensor

import (
	"fmt"
	"math"
)

// GradCheckLimit is the default limit of GradCheck: with central differences
// in float64, an error below it means that the gradient is right.
const GradCheckLimit = 1e-7

// GradCheck compares the gradients that Backward would give for f with central
// differences, (f(x+h)-f(x-h))/2h, and returns the largest relative difference
//
//	‖g-g'‖ / (‖g‖+‖g'‖)
//
// over the operands that require a gradient (Ng, Deep Learning
// Specialization, course 2). f must return a scalar and be a function of its
// operands: a network with dropout on, of elements or of channels, is refused even
// when its seed is fixed. Operands must be float64.
// The error is not nil when a difference is above the limit (GradCheckLimit
// unless one is given).
func GradCheck(f func(in []*Tensor) *Tensor, in []*Tensor, limit ...float64) (float64, error) {
	bar := GradCheckLimit
	if len(limit) > 0 {
		bar = limit[0]
	}
	return gradCheck(f, in, bar, false)
}

// gradCheck is GradCheck that may be told to accept dropout, for the test of
// dropout itself, whose random numbers are the same in every call.
func gradCheck(f func(in []*Tensor) *Tensor, in []*Tensor, bar float64, dropout bool) (float64, error) {
	var checked []*Tensor
	for i, t := range in {
		if t == nil || !t.tracked {
			continue
		}
		if t.dtype != Float64 {
			return 0, fmt.Errorf("gradient check: operand %d is %v; differences are only exact enough in float64", i, t.dtype)
		}
		checked = append(checked, t)
	}
	if len(checked) == 0 {
		return 0, fmt.Errorf("gradient check: no operand requires a gradient")
	}
	y := f(in)
	if y.Len() != 1 {
		return 0, fmt.Errorf("gradient check: the function returns %s, it must return a scalar", ShapeString(y.shape))
	}
	if y.dropped && !dropout {
		return 0, fmt.Errorf("gradient check: the function drops elements at random; turn dropout off first, as nn.Evaluation does")
	}
	if again := f(in).Item(); again != y.Item() {
		return 0, fmt.Errorf("gradient check: two calls gave %v and %v; turn dropout and other randomness off first", y.Item(), again)
	}
	grads := Grad(y, checked)
	worst := 0.0
	for k, x := range checked {
		analytic := grads[k].Float64s()
		numeric := differences(f, in, x)
		d := relativeDifference(analytic, numeric)
		if d > worst || math.IsNaN(d) {
			worst = d
		}
		if !(d <= bar) {
			i := worstElement(analytic, numeric)
			return worst, fmt.Errorf("gradient check: operand %d %s: relative difference %.3g is above %.3g; element %d is %.9g by the tape and %.9g by differences",
				k, ShapeString(x.shape), d, bar, i, analytic[i], numeric[i])
		}
	}
	return worst, nil
}

// differences estimates the gradient with respect to x.
func differences(f func(in []*Tensor) *Tensor, in []*Tensor, x *Tensor) []float64 {
	const h = 1e-5 // the cube root of float64's precision, about where both errors are least
	data := elements[float64](x)
	var out []float64
	newLoop(x.shape, contiguousStride(x.shape), x.stride).serial(func(off [4]int) {
		p := &data[off[1]]
		old := *p
		*p = old + h
		up := f(in).Item()
		*p = old - h
		down := f(in).Item()
		*p = old
		out = append(out, (up-down)/(2*h))
	})
	return out
}

func relativeDifference(a, b []float64) float64 {
	var diff, na, nb float64
	for i := range a {
		diff += (a[i] - b[i]) * (a[i] - b[i])
		na += a[i] * a[i]
		nb += b[i] * b[i]
	}
	diff, sum := math.Sqrt(diff), math.Sqrt(na)+math.Sqrt(nb)
	if sum < 1e-8 { // both vanish: what is left is rounding
		return diff
	}
	return diff / sum
}

func worstElement(a, b []float64) int {
	worst := 0
	for i := range a {
		if d := math.Abs(a[i] - b[i]); !(d <= math.Abs(a[worst]-b[worst])) {
			worst = i
		}
	}
	return worst
}
