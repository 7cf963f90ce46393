package tensor

// The lifetimes of what a pass makes and of what it reads. Every storage counts
// who still needs it: a gradient the slots that refer to it, a result of the
// forward pass the calls to come whose gradients read it.

// open prepares for giving memory back, and returns the scope to which the
// wanted gradients go.
func (p *pass) open(ys, gys []*Tensor) (to *Scope) {
	for i := range ys {
		to = inner(inner(to, gys[i].store.scope), ys[i].store.scope)
	}
	p.scope = &Scope{noGrad: true, depth: 1, stores: p.stores}
	if to != nil {
		to.mu.Lock()
		p.scope.arena, p.scope.lent = to.memory(), true
		to.mu.Unlock()
		p.scope.depth, p.scope.bfloat16 = to.depth+1, to.bfloat16
	}
	for i, gy := range gys {
		gys[i] = p.scope.View(gy)
	}
	if !p.once {
		return to
	}
	for _, n := range p.walk.order {
		for _, list := range [][]*Tensor{n.call.In, n.call.Out} {
			for _, t := range list {
				if t == nil {
					continue
				}
				if st := t.store.root(); st.result && st.holders == 0 {
					st.holders = 1 // until all readers are counted
					p.read = append(p.read, st)
				}
			}
		}
	}
	for _, n := range p.walk.order {
		n.call.eachRead(func(t *Tensor) { t.store.root().holders++ })
	}
	for _, t := range p.keep {
		t.store.root().holders++
	}
	for _, st := range p.read {
		p.unread(st)
	}
	return to
}

// close gives back what is left but for the wanted gradients, which go to a scope.
func (p *pass) close(to *Scope) {
	for _, g := range p.wanted {
		if g != nil && g.store.root().scope == p.scope {
			g.store.root().moveTo(to)
		}
	}
	p.scope.Release()
	for _, st := range p.read {
		st.holders = 0
	}
}

// hold and drop count the slots that refer to a gradient that the pass made.
func (p *pass) hold(t *Tensor) {
	if st := t.store.root(); p.scope != nil && st.scope == p.scope {
		st.holders++
	}
}

func (p *pass) drop(t *Tensor) {
	if st := t.store.root(); p.scope != nil && st.scope == p.scope {
		if st.holders--; st.holders == 0 {
			st.giveBack(released)
		}
	}
}

// alone reports whether one slot holds a gradient and nobody else can see it.
func (p *pass) alone(t *Tensor) bool {
	st := t.store
	return p.scope != nil && st.scope == p.scope && st.shared == nil && st.holders == 1 && t.isDense()
}

// unread counts one reader of a result of the forward pass less.
func (p *pass) unread(st *storage) {
	if !st.result {
		return
	}
	if st.holders--; st.holders == 0 && st.data != nil {
		st.giveBack(consumed)
	}
}

// setApart has gradients that may become those of leaves made in memory of
// their own, so that accumulate need not copy them.
func (p *pass) setApart(c *Call, operands []int32) {
	if p.scope == nil || !p.leaves {
		return
	}
	p.scope.apart = p.scope.apart[:0]
	for k, t := range c.In {
		if operands[k] != noSlot && t.node == nil && t.grad != nil && t.stale && p.slots[operands[k]].uses == 1 {
			p.scope.apart = append(p.scope.apart, len(t.grad.store.data))
		}
	}
}
