package tensor

import "sync/atomic"

// node records how a tensor was made. The nodes that a result reaches are its tape.
type node struct {
	call     *Call    // nil once a pass was the last
	versions []uint64 // of the operands, then of the outputs, when recorded
	walk     uint64   // the last walk that came by, and
	first    int      // its slot for the first output
}

// walks counts the walks along any tape.
var walks atomic.Uint64

// walk is the order in which a pass goes along a tape, and a number for every
// tensor of it. One goroutine at a time walks a tape; leaves may be shared.
type walk struct {
	order    []*node           // each after those it depends on
	tensors  int               // how many have a slot
	leaves   map[*Tensor]int32 // their slots
	operands []int32           // the slots of the operands of each node, one node after the other
	stack    []visit
}

// visit is a node whose operands are being looked at.
type visit struct {
	n    *node
	next int
}

// noSlot stands for an operand that needs no gradient.
const noSlot = -1

// follow walks from ys to the leaves.
func (w *walk) follow(op string, ys []*Tensor) {
	w.visit(op, ys)
	if w.leaves == nil {
		w.leaves = make(map[*Tensor]int32)
	}
	for _, n := range w.order {
		n.first = w.tensors
		w.tensors += len(n.call.Out)
	}
	for _, n := range w.order {
		for _, t := range n.call.In {
			s := int32(noSlot)
			if t != nil && t.tracked {
				s = w.slot(t)
			}
			w.operands = append(w.operands, s)
		}
	}
	for _, y := range ys {
		w.slot(y) // which may be a leaf itself
	}
}

// slot returns the number of a tracked tensor.
func (w *walk) slot(t *Tensor) int32 {
	if t.node != nil {
		return int32(t.node.first + t.place)
	}
	s, ok := w.leaves[t]
	if !ok {
		s = int32(w.tensors)
		w.leaves[t] = s
		w.tensors++
	}
	return s
}

// reset forgets the tape and keeps the memory of the lists.
func (w *walk) reset() {
	clear(w.order)
	clear(w.leaves)
	*w = walk{order: w.order[:0], leaves: w.leaves, operands: w.operands[:0], stack: w.stack[:0]}
}

// tape lists the nodes that ys depend on, each after those it depends on.
func tape(op string, ys []*Tensor) []*node {
	var w walk
	w.visit(op, ys)
	return w.order
}

// visit fills order.
func (w *walk) visit(op string, ys []*Tensor) {
	id := walks.Add(1)
	for _, y := range ys {
		w.push(op, id, y)
		for len(w.stack) > 0 {
			f := &w.stack[len(w.stack)-1]
			if f.next < len(f.n.call.In) {
				f.next++
				w.push(op, id, f.n.call.In[f.next-1])
				continue
			}
			w.order = append(w.order, f.n)
			w.stack = w.stack[:len(w.stack)-1]
		}
	}
}

// push notes that the node of t, if there is one that was not seen, is to be visited.
func (w *walk) push(op string, id uint64, t *Tensor) {
	if t == nil || !t.tracked || t.node == nil || t.node.walk == id {
		return
	}
	if t.node.call == nil {
		panic(&UseError{op, "BackwardOnce has given this tape back; call Backward there if the tape is needed again"})
	}
	t.node.walk = id
	w.stack = append(w.stack, visit{n: t.node})
}

// eachRead calls f for every operand and result whose value the gradient of a
// call reads.
func (c *Call) eachRead(f func(t *Tensor)) {
	s := c.Op.Saved
	if s == nil {
		for _, t := range c.In {
			if t != nil {
				f(t)
			}
		}
		return
	}
	for _, i := range s.In {
		if i < len(c.In) && c.In[i] != nil {
			f(c.In[i])
		}
	}
	for _, i := range s.Out {
		f(c.Out[i])
	}
}

// Tape returns the calls that y was computed by, each after those it depends
// on, for reading. It holds what was recorded: calls that lead from tensors
// that require a gradient.
func Tape(y *Tensor) []*Call {
	nodes := tape("tape", []*Tensor{y})
	calls := make([]*Call, len(nodes))
	for i, n := range nodes {
		calls[i] = n.call
	}
	return calls
}

// Window returns the window, (height, width), that a convolution or a pooling
// moves over its images. ok is false for other operations.
func (c *Call) Window() (kernel, stride, dilation, padding [2]int, ok bool) {
	switch a := c.Attr.(type) {
	case convAttr:
		if c.Op == opConv2d {
			w := c.In[1].shape
			return [2]int{w[2], w[3]}, a.Stride, a.Dilation, a.Padding, true
		}
	case poolAttr:
		if c.Op == opMaxPool2d || c.Op == opAvgPool2d {
			return a.kernel, a.Stride, a.Dilation, a.Padding, true
		}
	}
	return kernel, stride, dilation, padding, false
}
