package tensor

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
)

// weighted reduces any outputs to a scalar with fixed random weights, so that
// no gradient cancels by symmetry.
func weighted(op *Op, outs []*Tensor) *Tensor {
	s := NewSampler(99)
	var total *Tensor
	for _, o := range outs[:len(outs)-op.Auxiliary] {
		if !o.dtype.IsFloat() {
			continue
		}
		part := o.Mul(s.Normal(o.shape...).To(o.dtype)).Sum()
		if total == nil {
			total = part
		} else {
			total = total.Add(part)
		}
	}
	return total
}

// eachSample runs a test for every sample of every operation.
func eachSample(t *testing.T, f func(t *testing.T, op *Op, s Sample)) {
	for _, op := range Ops() {
		if op.Samples == nil {
			continue // TestTableIsComplete reports it
		}
		for _, s := range op.Samples(NewSampler(1)) {
			t.Run(op.Name+"/"+s.Name, func(t *testing.T) { f(t, op, s) })
		}
	}
}

func TestTableIsComplete(t *testing.T) {
	names := map[string]bool{}
	for _, op := range Ops() {
		if names[op.Name] {
			t.Errorf("%s is registered twice", op.Name)
		}
		names[op.Name] = true
		if op.Doc == "" {
			t.Errorf("%s has no doc line", op.Name)
		}
		if (op.Grad == nil) == (op.NoGrad == "") {
			t.Errorf("%s must have either a gradient or a reason to have none", op.Name)
		}
		if (op.Run == nil) == (op.View == nil) {
			t.Errorf("%s must have either a kernel or a view", op.Name)
		}
		if op.Run != nil && op.Infer == nil {
			t.Errorf("%s has no shape rule", op.Name)
		}
		if op.Samples == nil || len(op.Samples(NewSampler(1))) == 0 {
			t.Errorf("%s has no sample operands", op.Name)
		}
	}
}

func track(s Sample) []*Tensor {
	in := make([]*Tensor, len(s.In))
	for i, t := range s.In {
		if t == nil {
			continue
		}
		in[i] = t.Detach()
		if t.dtype.IsFloat() {
			in[i].RequireGrad()
		}
	}
	return in
}

func TestGradients(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if op.Grad == nil {
			return
		}
		if _, err := gradCheck(func(in []*Tensor) *Tensor { return weighted(op, applyAll(op, s.Attr, in...)) }, track(s), GradCheckLimit, true); err != nil {
			t.Error(err)
		}
	})
}

func TestGradientsOfGradients(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if op.Grad == nil {
			return
		}
		in := track(s)
		var leaves []*Tensor
		for _, x := range in {
			if x != nil && x.tracked {
				leaves = append(leaves, x)
			}
		}
		// The outputs are squared, so that even a linear operation has a second derivative.
		f := func([]*Tensor) *Tensor {
			outs := slices.Clone(applyAll(op, s.Attr, in...))
			for i, o := range outs[:len(outs)-op.Auxiliary] {
				if o.dtype.IsFloat() {
					outs[i] = o.Square()
				}
			}
			return weighted(opAdd, Grad(weighted(op, outs), leaves, CreateGraph))
		}
		if !f(nil).RequiresGrad() {
			return // the first derivative is constant
		}
		if _, err := gradCheck(f, in, 1e-6, true); err != nil {
			t.Error(err)
		}
	})
}

func TestDefinitions(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if op.Define == nil {
			return
		}
		got, want := applyAll(op, s.Attr, s.In...), op.Define(&Call{Op: op, In: s.In, Attr: s.Attr})
		for i, w := range want {
			if w != nil {
				wantClose(t, fmt.Sprintf("output %d", i), got[i], w, 1e-12)
			}
		}
	})
}

// TestFloat32 compares the float32 kernels, vectorised on this machine, with
// the float64 ones.
func TestFloat32(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		single := make([]*Tensor, len(s.In))
		exact := make([]*Tensor, len(s.In))
		for i, x := range s.In {
			single[i], exact[i] = x, x
			if x != nil && x.dtype == Float64 {
				single[i] = x.To(Float32)
				exact[i] = single[i].To(Float64) // the same numbers, so that comparisons agree
			}
		}
		if op.Name == "to" {
			return // the attribute names the type
		}
		got, want := applyAll(op, s.Attr, single...), applyAll(op, s.Attr, exact...)
		for i := range want {
			wantClose(t, fmt.Sprintf("output %d", i), got[i], want[i], 2e-5)
		}
	})
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		par.SetThreads(1)
		one := applyAll(op, s.Attr, s.In...)
		par.SetThreads(4)
		four := applyAll(op, s.Attr, s.In...)
		for i := range one {
			if !slices.Equal(bits(one[i]), bits(four[i])) {
				t.Errorf("output %d differs between one thread and four", i)
			}
		}
	})
}

func bits(t *Tensor) []uint64 {
	v := t.Float64s()
	out := make([]uint64, len(v))
	for i := range v {
		out[i] = math.Float64bits(v[i])
	}
	return out
}

// wantClose fails unless shapes are equal and elements differ by at most tol,
// relative to the largest.
func wantClose(t *testing.T, what string, got, want *Tensor, tol float64) {
	t.Helper()
	if !slices.Equal(got.shape, want.shape) {
		t.Fatalf("%s has shape %s, want %s", what, ShapeString(got.shape), ShapeString(want.shape))
	}
	g, w := got.Float64s(), want.Float64s()
	scale := 1.0
	for _, v := range w {
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			scale = max(scale, math.Abs(v))
		}
	}
	for i := range w {
		same := g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i])
		if !same && !(math.Abs(g[i]-w[i]) <= tol*scale) {
			t.Fatalf("%s: element %d is %.9g, want %.9g", what, i, g[i], w[i])
		}
	}
}
