package tensor

import (
	"fmt"
	"slices"
	"sync"

	"github.com/hadal-ml/hadal/internal/mem"
)

// pass is one walk back along the tape.
//
// Unless the gradients are to be differentiated again, everything that the
// walk computes belongs to a scope of its own and is given back as soon as no
// slot holds it: the gradients of a deep network need the memory of a few
// layers only. A pass that is the last over its tape gives back the results of
// the forward pass too, as soon as no call that is still to come reads them.
type pass struct {
	op     string              // for errors
	leaves bool                // add to the gradients of the leaves
	wanted map[*Tensor]*Tensor // tensors whose gradients are collected
	graph  bool                // the gradients must be differentiable
	once   bool                // the tape is not needed again
	keep   []*Tensor           // what a pass that is the last leaves alone

	walk   walk
	slots  []slot
	call   GradCall
	scope  *Scope     // of what the pass computes; nil with graph
	stores []*storage // the memory of the list of that scope
	read   []*storage // results of the forward pass that are given back, when once
}

// passes keeps the lists of passes that are over for those to come.
var passes = sync.Pool{New: func() any { return new(pass) }}

// newPass returns a pass with the settings of p.
func newPass(p pass) *pass {
	q := passes.Get().(*pass)
	q.op, q.leaves, q.wanted, q.graph, q.once, q.keep = p.op, p.leaves, p.wanted, p.graph, p.once, p.keep
	return q
}

// recycle lets the next pass have the lists.
func (p *pass) recycle() {
	p.walk.reset()
	clear(p.slots)
	clear(p.read)
	clear(p.call.gradOut)
	clear(p.call.gradIn)
	stores := p.stores
	if p.scope != nil {
		stores = p.scope.stores
	}
	*p = pass{walk: p.walk, slots: p.slots[:0], read: p.read[:0], stores: stores, call: GradCall{gradOut: p.call.gradOut, gradIn: p.call.gradIn}}
	passes.Put(p)
}

// slot is the gradient of one tensor of the tape while it is being summed.
type slot struct {
	sum   *Tensor
	owned bool // sum is ours alone and may be added to in place
	uses  int  // by calls whose gradients are still to come
}

// run walks from ys, whose gradients are gys, to the leaves.
func (p *pass) run(ys, gys []*Tensor) {
	p.backward(ys, gys)
	p.recycle() // not after a panic, which may have left anything behind
}

func (p *pass) backward(ys, gys []*Tensor) {
	p.walk.follow(p.op, ys)
	p.slots = append(p.slots, make([]slot, p.walk.tensors)...)
	for _, s := range p.walk.operands {
		if s != noSlot {
			p.slots[s].uses++
		}
	}
	if !p.graph {
		to := p.open(ys, gys)
		defer p.close(to)
	}
	for i, y := range ys {
		p.give(p.walk.slot(y), gys[i])
	}
	for _, y := range ys {
		if s := p.walk.slot(y); y.node == nil && p.slots[s].uses == 0 {
			p.finish(y, &p.slots[s])
		}
	}
	p.call.scope, p.call.differentiable = p.scope, p.graph
	for i, at := len(p.walk.order)-1, len(p.walk.operands); i >= 0; i-- {
		n := p.walk.order[i]
		at -= len(n.call.In)
		p.back(&p.call, n, p.walk.operands[at:at+len(n.call.In)])
	}
}

// back computes the gradients of one call from those of its results.
func (p *pass) back(g *GradCall, n *node, operands []int32) {
	c := n.call
	g.Call = c
	g.gradOut, g.gradIn = resized(g.gradOut, len(c.Out)), resized(g.gradIn, len(c.In))
	results := p.slots[n.first : n.first+len(c.Out)]
	any := false
	for o, t := range c.Out {
		if s := &results[o]; s.sum != nil {
			if _, ok := p.wanted[t]; ok {
				p.wanted[t] = s.sum
				p.hold(s.sum)
			}
			g.gradOut[o], any = s.sum, true
		}
	}
	mark := 0
	if p.scope != nil {
		mark = len(p.scope.stores)
	}
	if any {
		p.setApart(c, operands)
		n.checkVersions(p.graph && c.Op.Define != nil)
		p.step(g)
	}
	for k, t := range c.In {
		if operands[k] == noSlot {
			continue
		}
		s := &p.slots[operands[k]]
		if g.gradIn[k] != nil {
			p.give(operands[k], g.gradIn[k])
		}
		if s.uses--; s.uses == 0 && t.node == nil {
			p.finish(t, s)
		}
	}
	for o := range results {
		if t := results[o].sum; t != nil {
			p.drop(t)
			results[o].sum = nil
		}
	}
	if p.scope != nil {
		p.scope.sweep(mark)
	}
	if p.once {
		c.eachRead(func(t *Tensor) { p.unread(t.store.root()) })
		clear(c.In) // what only the tape kept alive is garbage now
		clear(c.Out)
		n.call = nil
	}
}

// step computes the gradients of one call. A fused operation whose gradient
// is a kernel of its own is differentiated through its definition when the
// gradient must be differentiable.
func (p *pass) step(g *GradCall) {
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

// give adds a gradient to a slot.
func (p *pass) give(at int32, g *Tensor) {
	s := &p.slots[at]
	switch {
	case s.sum == nil:
		s.sum, s.owned = g, false
		p.hold(g)
	case p.graph:
		s.sum = s.sum.Add(g)
	case s.owned || p.alone(s.sum) && s.sum.dtype == g.dtype:
		addInto(s.sum, g)
		s.owned = true
	default:
		old := s.sum
		s.sum, s.owned = old.Add(g), true
		p.hold(s.sum)
		p.drop(old)
	}
}

// finish hands out the gradient of a leaf.
func (p *pass) finish(leaf *Tensor, s *slot) {
	if s.sum == nil {
		return
	}
	if _, ok := p.wanted[leaf]; ok {
		p.wanted[leaf] = s.sum
		return
	}
	if p.leaves {
		leaf.accumulate(s.sum, p.alone(s.sum))
	}
	p.drop(s.sum)
	s.sum = nil
}

// accumulate adds g to the gradient of a leaf, which outlives every scope. When
// nobody else can see g, the two exchange their memory and nothing is copied.
func (leaf *Tensor) accumulate(g *Tensor, alone bool) {
	old := leaf.grad
	if old == nil || old.dtype != leaf.dtype || !old.isDense() { // SetGrad takes any type, and repeated elements
		leaf.grad = newTensor(nil, leaf.dtype, leaf.shape, sameAs(leaf).Stride)
		leaf.grad.store.data = mem.Fresh(len(leaf.grad.store.data))
		if old != nil && !leaf.stale {
			copyInto(leaf.grad, old)
		}
	}
	mine := leaf.grad.store
	switch {
	case old != nil && !leaf.stale:
		leaf.grad.checkUsable("backward")
		addInto(leaf.grad, g)
	case alone && leaf.grad.dtype == g.dtype && SameLayout(leaf.grad, g) && g.store.pooled && cap(mine.data) == cap(g.store.data) && mine.scope == nil && mine.shared == nil:
		mine.data, g.store.data = g.store.data, mine.data
	default:
		copyInto(leaf.grad, g)
	}
	mine.root().version++ // a tape may have read the old one
	leaf.stale = false
}

// resized returns a slice of n nils, in the memory of s if it is enough.
func resized(s []*Tensor, n int) []*Tensor {
	if cap(s) < n {
		return make([]*Tensor, n)
	}
	s = s[:n]
	clear(s)
	return s
}
