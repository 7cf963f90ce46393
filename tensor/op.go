package tensor

import (
	"fmt"
	"slices"
)

// Op is everything that is known about one operation, in one place. The table
// of all of them is [Ops]; whatever holds for every operation (gradient
// checks, golden comparisons, documentation, cost) loops over it.
type Op struct {
	Name string // the field's name for it, as error messages show it
	Doc  string // one sentence
	ONNX string // name of the ONNX operator, empty when it takes several

	// Infer is the shape rule: it checks the operands and describes the
	// outputs. It panics with a ShapeError when they do not fit.
	Infer func(c *Call) []Spec

	// Run computes the outputs from the operands. Exactly one of Run and View
	// is set; View describes outputs that share the first operand's elements.
	Run  func(c *Call)
	View func(c *Call) *Tensor

	// Grad turns the gradients of the outputs into those of the operands, by
	// operations. NoGrad says instead why there is none.
	Grad   func(g *GradCall)
	NoGrad string

	// Saved says which values Grad reads, so that overwriting any other is
	// allowed. Nil means all operands and no output.
	Saved *Saved

	// Auxiliary is how many of the last outputs are by-products without a
	// gradient, such as the statistics that a gradient needs again.
	Auxiliary int

	// Define computes the same from simpler operations, for fused ones: it is
	// the oracle of the tests and the road for second derivatives.
	Define func(c *Call) []*Tensor

	// Cost counts the floating-point operations and the bytes moved; nil means
	// one operation an output element, each operand read and output written once.
	Cost func(c *Call) (flops, bytes int64)

	// Samples draws operands for the generic tests, in float64 and away from
	// points where the derivative jumps.
	Samples func(s *Sampler) []Sample
}

// Saved names the operands (In) and outputs (Out) whose values a gradient reads.
type Saved struct{ In, Out []int }

// Spec describes one output: its shape, element type and, unless row-major,
// the stride with which it lies in memory.
type Spec struct {
	Shape  []int
	DType  DType
	Stride []int
}

// Call is one application of an operation.
type Call struct {
	Op   *Op
	In   []*Tensor
	Out  []*Tensor
	Attr any // the operation's settings, of a type of its own
}

// Sample is one set of operands and settings for the generic tests.
type Sample struct {
	Name string
	In   []*Tensor
	Attr any
}

var table []*Op

// register adds an operation to the table; a package variable holds it.
func register(op *Op) *Op {
	table = append(table, op)
	return op
}

// Ops returns the table of all operations, sorted by name.
func Ops() []*Op {
	out := slices.Clone(table)
	slices.SortFunc(out, func(a, b *Op) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// record is a call, its place on the tape and their lists in one allocation.
type record struct {
	call     Call
	node     node
	in       [4]*Tensor
	out      [2]*Tensor
	versions [6]uint64
}

// apply runs an operation with one output.
func apply(op *Op, attr any, in ...*Tensor) *Tensor { return applyAll(op, attr, in...)[0] }

// applyAll checks the operands, runs the operation and records it when a
// gradient may have to come back this way.
func applyAll(op *Op, attr any, in ...*Tensor) []*Tensor {
	r := &record{}
	c := &r.call
	c.Op, c.In, c.Attr = op, append(r.in[:0], in...), attr
	var scope *Scope
	tracked, quiet, dropped := false, false, op == opDropout
	for _, t := range in {
		if t == nil {
			continue // an optional operand that is absent
		}
		t.checkUsable(op.Name)
		scope = inner(scope, t.store.scope)
		tracked = tracked || t.tracked
		quiet = quiet || t.noGrad
		dropped = dropped || t.dropped
	}
	if op.View != nil {
		c.Out = append(r.out[:0], op.View(c))
	} else {
		specs := op.Infer(c)
		c.Out = r.out[:0]
		for _, s := range specs {
			checkShape(op.Name, s.Shape)
			t := newTensor(scope, s.DType, s.Shape, s.Stride)
			t.store.result = scope != nil
			c.Out = append(c.Out, t)
		}
		op.Run(c)
	}
	tracked = tracked && !quiet && op.Grad != nil
	for i, t := range c.Out {
		t.place = i
		t.noGrad = quiet || t.noGrad
		t.dropped = dropped
		t.tracked = tracked && t.dtype.IsFloat() && i < len(c.Out)-op.Auxiliary
	}
	if tracked {
		n := &r.node
		n.call, n.versions = c, r.versions[:0]
		for _, t := range c.In {
			n.versions = append(n.versions, versionOf(t))
		}
		for _, t := range c.Out {
			n.versions = append(n.versions, versionOf(t))
			if t.tracked {
				t.node = n
			}
		}
	}
	return c.Out
}

func versionOf(t *Tensor) uint64 {
	if t == nil {
		return 0
	}
	return t.store.root().version
}

// checkVersions panics when a value that the gradient reads was overwritten. A
// gradient by way of the definition computes anew from every operand.
func (n *node) checkVersions(byDefinition bool) {
	c := n.call
	if s := c.Op.Saved; s != nil && !byDefinition {
		for _, i := range s.In {
			if i < len(c.In) {
				n.checkVersion(c.In[i], n.versions[i], "the operand")
			}
		}
		for _, i := range s.Out {
			n.checkVersion(c.Out[i], n.versions[len(c.In)+i], "the result")
		}
		return
	}
	for i, t := range c.In {
		n.checkVersion(t, n.versions[i], "the operand")
	}
}

func (n *node) checkVersion(t *Tensor, recorded uint64, what string) {
	if t == nil || t.store.root().data != nil && versionOf(t) == recorded {
		return
	}
	t.checkUsable("backward of " + n.call.Op.Name)
	if versionOf(t) != recorded {
		name := t.name
		if name != "" {
			name += " "
		}
		panic(&UseError{"backward of " + n.call.Op.Name, fmt.Sprintf("%s %s%s was overwritten after the forward pass used it; clone it before changing it in place, or call Backward first", what, name, ShapeString(t.shape))})
	}
}

// FLOPs returns the floating-point operations and the bytes moved by a call.
func (c *Call) FLOPs() (flops, bytes int64) {
	if c.Op.Cost != nil {
		return c.Op.Cost(c)
	}
	for _, t := range c.Out {
		flops += int64(t.Len())
		bytes += int64(t.Len() * t.dtype.Size())
	}
	for _, t := range c.In {
		if t != nil {
			bytes += int64(t.Len() * t.dtype.Size())
		}
	}
	if c.Op.View != nil {
		return 0, 0
	}
	return flops, bytes
}

// sameAs describes an output with the shape, type and layout of t.
func sameAs(t *Tensor) Spec {
	if t.isDense() {
		return Spec{t.shape, t.dtype, t.stride}
	}
	return Spec{t.shape, t.dtype, nil}
}

// wantFloat panics unless every operand is a float tensor of one type.
func wantFloat(c *Call) {
	for _, t := range c.In {
		switch {
		case t == nil:
		case !t.dtype.IsFloat():
			misfit(c.Op.Name, c.In, "the operands must be floating-point")
		case t.dtype != c.In[0].dtype:
			misfit(c.Op.Name, c.In, "the operands must be of one floating-point type; convert with To")
		}
	}
}

// wantWide is wantFloat for kernels that there are for float32 and float64 only.
func wantWide(c *Call) {
	wantFloat(c)
	if d := c.In[0].dtype; d != Float32 && d != Float64 {
		misfit(c.Op.Name, c.In, "not defined for %v; convert to float32", d)
	}
}

// wantsGrad reports whether a gradient will come back through a call that is
// being inferred, so that what only the gradient needs is not computed in vain.
func wantsGrad(c *Call) bool {
	tracked := false
	for _, t := range c.In {
		if t != nil {
			if t.noGrad {
				return false
			}
			tracked = tracked || t.tracked
		}
	}
	return tracked
}
