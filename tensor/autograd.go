package tensor

import (
	"fmt"
	"slices"
)

// GradCall is one step of the backward pass: the recorded call, the gradients
// of its outputs, and the place for those of its operands.
type GradCall struct {
	*Call
	gradOut        []*Tensor
	gradIn         []*Tensor
	differentiable bool // the gradient itself must be differentiable
}

// Gy returns the gradient of output i. When nothing came back for it, it is zero.
func (g *GradCall) Gy(i int) *Tensor {
	if g.gradOut[i] == nil {
		g.gradOut[i] = zerosLike(g.Out[i])
		for _, o := range g.gradOut {
			if o != nil {
				g.gradOut[i].noGrad = o.noGrad
			}
		}
	}
	return g.gradOut[i]
}

// Needs reports whether operand i wants a gradient.
func (g *GradCall) Needs(i int) bool { return i < len(g.In) && g.In[i] != nil && g.In[i].tracked }

// Set gives operand i its gradient. A gradient with the shape before
// broadcasting is summed back.
func (g *GradCall) Set(i int, t *Tensor) {
	if !slices.Equal(t.shape, g.In[i].shape) {
		t = t.SumTo(g.In[i].shape...)
	}
	g.gradIn[i] = t
}

// Backward computes the gradient of t, a scalar, with respect to every leaf
// that requires one, and adds it to what those leaves already hold.
func (t *Tensor) Backward() {
	if t.Len() != 1 {
		misfit("backward", []*Tensor{t}, "only a scalar has a gradient of its own; reduce the loss with Mean or Sum, or call BackwardWith")
	}
	t.BackwardWith(onesLike(t))
}

// BackwardWith is Backward for a tensor of any shape, given the gradient of
// the final quantity with respect to it.
func (t *Tensor) BackwardWith(gy *Tensor) {
	if !slices.Equal(gy.shape, t.shape) {
		misfit("backward", []*Tensor{t, gy}, "the given gradient must have the shape of the tensor")
	}
	if !t.tracked {
		panic(&UseError{"backward", "nothing requires a gradient: mark the parameters with RequireGrad"})
	}
	pass{leaf: accumulate}.run([]*Tensor{t}, []*Tensor{gy.NoGrad()})
}

// GradOption changes what [Grad] does.
type GradOption int

// CreateGraph records the computation of the gradient, so that it can be
// differentiated again.
const CreateGraph GradOption = 1

// Grad returns the gradient of y, summed over its elements, with respect to
// each of xs, which may be leaves or results. A tensor that y does not depend
// on has a gradient of zero. Leaves keep the gradients they had.
func Grad(y *Tensor, xs []*Tensor, options ...GradOption) []*Tensor {
	return GradWith(y, onesLike(y), xs, options...)
}

// GradWith is Grad given the gradient gy of the final quantity with respect to y.
func GradWith(y, gy *Tensor, xs []*Tensor, options ...GradOption) []*Tensor {
	if !slices.Equal(gy.shape, y.shape) {
		misfit("grad", []*Tensor{y, gy}, "the given gradient must have the shape of the tensor")
	}
	graph := slices.Contains(options, CreateGraph)
	if !graph {
		gy = gy.NoGrad()
	}
	found := make(map[*Tensor]*Tensor, len(xs))
	for _, x := range xs {
		if !x.tracked {
			panic(&UseError{"grad", "a tensor that does not require a gradient was asked for one; call RequireGrad before it is used"})
		}
		found[x] = nil
	}
	if y.tracked {
		pass{wanted: found, graph: graph}.run([]*Tensor{y}, []*Tensor{gy})
	}
	out := make([]*Tensor, len(xs))
	for i, x := range xs {
		out[i] = found[x]
		if out[i] == nil {
			out[i] = zerosLike(x)
		} else if !graph {
			out[i] = out[i].alias()
		}
	}
	return out
}

// accumulate adds g to the gradient of a leaf. The leaf's gradient outlives
// every scope and keeps its memory from step to step.
func accumulate(leaf, g *Tensor) {
	old := leaf.grad
	if old == nil || old.dtype != leaf.dtype || !old.isDense() { // SetGrad takes any type, and repeated elements
		leaf.grad = newTensor(nil, leaf.dtype, leaf.shape, sameAs(leaf).Stride)
		if old != nil && !leaf.stale {
			copyInto(leaf.grad, old)
		}
	}
	if old == nil || leaf.stale {
		copyInto(leaf.grad, g)
	} else {
		leaf.grad.checkUsable("backward")
		addInto(leaf.grad, g)
	}
	leaf.grad.store.root().version++ // a tape may have read the old one
	leaf.stale = false
}

// ClearGrad forgets the gradient and keeps its memory for the next one.
func (t *Tensor) ClearGrad() { t.stale = true }

// pass is one walk back along the tape.
type pass struct {
	leaf   func(leaf, g *Tensor) // what to do with the gradient of a leaf, or nil
	wanted map[*Tensor]*Tensor   // tensors whose gradients are collected
	graph  bool
}

// slot is the gradient of one output while it is being summed.
type slot struct {
	sum   *Tensor
	owned bool // sum is ours alone and may be added to in place
}

func (p pass) run(ys, gys []*Tensor) {
	order := tape(ys)
	slots := make(map[*Tensor]*slot, 2*len(order))
	give := func(t, g *Tensor) {
		s := slots[t]
		switch {
		case s == nil:
			slots[t] = &slot{sum: g}
		case p.graph:
			s.sum = s.sum.Add(g)
		case s.owned:
			addInto(s.sum, g)
		default:
			s.sum, s.owned = s.sum.Add(g), true
		}
	}
	finish := func(t *Tensor) {
		s := slots[t]
		if s == nil {
			return
		}
		if _, ok := p.wanted[t]; ok {
			p.wanted[t] = s.sum
		}
		if t.node == nil && p.leaf != nil {
			p.leaf(t, s.sum)
		}
	}
	for i, y := range ys {
		give(y, gys[i])
	}
	var leaves []*Tensor
	seen := make(map[*Tensor]bool)
	for _, y := range ys {
		if y.node == nil {
			leaves = append(leaves, y)
			seen[y] = true
		}
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		g := &GradCall{Call: n.call, gradOut: make([]*Tensor, len(n.call.Out)), gradIn: make([]*Tensor, len(n.call.In)), differentiable: p.graph}
		any := false
		for o, t := range n.call.Out {
			finish(t)
			if s := slots[t]; s != nil {
				g.gradOut[o], any = s.sum, true
				delete(slots, t)
			}
		}
		if !any {
			continue
		}
		n.checkVersions(p.graph && n.call.Op.Define != nil)
		p.step(g)
		for k, t := range n.call.In {
			if t == nil || !t.tracked || g.gradIn[k] == nil {
				continue
			}
			give(t, g.gradIn[k])
			if t.node == nil && !seen[t] {
				seen[t] = true
				leaves = append(leaves, t)
			}
		}
	}
	for _, t := range leaves {
		finish(t)
	}
}

// step computes the gradients of one call. A fused operation whose gradient
// is a kernel of its own is differentiated through its definition when the
// gradient must be differentiable.
func (p pass) step(g *GradCall) {
	if p.graph && g.Op.Define != nil {
		throughDefinition(g)
	} else {
		g.Op.Grad(g)
	}
	for i, t := range g.gradIn {
		if t != nil && !slices.Equal(t.shape, g.In[i].shape) {
			panic(fmt.Sprintf("tensor: the gradient of %s for operand %d has shape %s, the operand %s", g.Op.Name, i, ShapeString(t.shape), ShapeString(g.In[i].shape)))
		}
	}
}

// GradByDefinition is the gradient of an operation that has a definition in
// simpler ones and no faster way.
func GradByDefinition(g *GradCall) { throughDefinition(g) }

// throughDefinition computes the operation again from simpler ones and walks
// back through those.
func throughDefinition(g *GradCall) {
	again := &Call{Op: g.Op, Attr: g.Attr, In: g.In}
	outs := g.Op.Define(again)
	found := make(map[*Tensor]*Tensor)
	for _, t := range g.In {
		if t != nil && t.tracked {
			found[t] = nil
		}
	}
	var ys, gys []*Tensor
	for i, y := range outs {
		if y != nil && y.tracked && g.gradOut[i] != nil {
			ys, gys = append(ys, y), append(gys, g.gradOut[i])
		}
	}
	if len(ys) > 0 {
		// The definition starts from the operands, so the walk must stop there.
		pass{wanted: found, graph: g.differentiable}.runUntil(ys, gys, found)
	}
	done := make(map[*Tensor]bool)
	for i, t := range g.In {
		if t != nil && found[t] != nil && !done[t] {
			g.gradIn[i], done[t] = found[t], true
		}
	}
}

// runUntil is run on the part of the tape between the given tensors and ys.
func (p pass) runUntil(ys, gys []*Tensor, stop map[*Tensor]*Tensor) {
	// Cutting the operands off makes them leaves for the length of the walk.
	// Those that are leaves are only read: other goroutines may share them.
	saved := make(map[*Tensor]*node, len(stop))
	for t := range stop {
		if t.node != nil {
			saved[t], t.node = t.node, nil
		}
	}
	defer func() {
		for t, n := range saved {
			t.node = n
		}
	}()
	p.run(ys, gys)
}

// tape lists the nodes that ys depend on, each after those it depends on.
func tape(ys []*Tensor) []*node {
	type frame struct {
		n    *node
		next int
	}
	var order []*node
	seen := make(map[*node]bool)
	var stack []frame
	push := func(t *Tensor) {
		if t != nil && t.tracked && t.node != nil && !seen[t.node] {
			seen[t.node] = true
			stack = append(stack, frame{n: t.node})
		}
	}
	for _, y := range ys {
		push(y)
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next < len(f.n.call.In) {
				f.next++
				push(f.n.call.In[f.next-1])
				continue
			}
			order = append(order, f.n)
			stack = stack[:len(stack)-1]
		}
	}
	return order
}
