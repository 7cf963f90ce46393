package tensor

import "slices"

// GradCall is one step of the backward pass: the recorded call, the gradients
// of its outputs, and the place for those of its operands.
type GradCall struct {
	*Call
	gradOut        []*Tensor
	gradIn         []*Tensor
	scope          *Scope // of the gradients; nil: that of the outputs
	differentiable bool   // the gradient itself must be differentiable
}

// Gy returns the gradient of output i. When nothing came back for it, it is zero.
func (g *GradCall) Gy(i int) *Tensor {
	if g.gradOut[i] == nil {
		out, scope := g.Out[i], g.scope
		if scope == nil {
			scope = out.store.scope
		}
		g.gradOut[i] = newTensor(scope, out.dtype, out.shape, sameAs(out).Stride)
		g.gradOut[i].fill(0)
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
	t.backward(gy, nil, false)
}

// ClearGrad forgets the gradient and keeps its memory for the next one.
func (t *Tensor) ClearGrad() { t.stale = true }

// BackwardOnce is Backward for the last time: it gives back what the tape holds
// as soon as the gradients are past it. Afterwards the tape cannot be walked
// again, and of the results in a scope that led to t only t itself and those
// named in keep can be read. A training step that ends with it needs about half
// of the memory.
func (t *Tensor) BackwardOnce(keep ...*Tensor) {
	if t.Len() != 1 {
		misfit("backward", []*Tensor{t}, "only a scalar has a gradient of its own; reduce the loss with Mean or Sum, or call BackwardWith")
	}
	t.backward(onesLike(t), append(keep, t), true)
}

func (t *Tensor) backward(gy *Tensor, keep []*Tensor, once bool) {
	if !t.tracked {
		panic(&UseError{"backward", "nothing requires a gradient: mark the parameters with RequireGrad"})
	}
	newPass(pass{op: "backward", leaves: true, once: once, keep: keep}).run([]*Tensor{t}, []*Tensor{gy.NoGrad()})
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
		newPass(pass{op: "grad", wanted: found, graph: graph}).run([]*Tensor{y}, []*Tensor{gy})
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
		newPass(pass{op: "grad", wanted: found, graph: g.differentiable}).runUntil(ys, gys, found)
	}
	done := make(map[*Tensor]bool)
	for i, t := range g.In {
		if t != nil && found[t] != nil && !done[t] {
			g.gradIn[i], done[t] = found[t], true
		}
	}
}

// runUntil is run on the part of the tape between the given tensors and ys.
func (p *pass) runUntil(ys, gys []*Tensor, stop map[*Tensor]*Tensor) {
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
