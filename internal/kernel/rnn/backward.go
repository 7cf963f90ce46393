package rnn

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
)

// Gradient is what one call of [Net.Backward] reads beside the pass, and what
// it writes.
type Gradient[T gemm.Float] struct {
	Output []T // (rows, Hidden), of the output; nil: zeros
	HN     []T // (Batch, Hidden), of the last states; nil: zeros
	CN     []T

	Input  []T // receives (rows, gates*Hidden)
	Weight []T // receives (gates*Hidden, Hidden)
	Bias   []T // receives (gates*Hidden)
	H0, C0 []T // receive (Batch, Hidden); C0 of an LSTM only
}

// backward is a running call of Backward.
type backward[T gemm.Float] struct {
	forward[T]
	grad   *Gradient[T]
	weight *factor[T]
	inner  []T // of a GRU, the gradient of the hidden part of the candidate
	states []T // before each step, the other factor of the weight's gradient
}

// Backward walks back through time over a pass whose gates were kept, and
// computes all gradients. H0 and C0 hold those of the running states meanwhile.
func (n *Net[T]) Backward(p *Pass[T], g *Gradient[T]) {
	n.check(p.Steps, p.Batch, [][]T{p.Gates, g.Input}, [][]T{p.Output, p.Inner, g.Output}, [][]T{p.H0, p.C0, g.HN, g.CN, g.H0, g.C0})
	h, w, total := n.Hidden, n.width(), p.Steps.total()
	copyOrClear(g.H0, g.HN)
	if n.Cell == LSTM {
		copyOrClear(g.C0, g.CN)
	}
	clear(g.Bias)
	if h == 0 || total == 0 {
		clear(g.Weight)
		return
	}
	k := &backward[T]{forward: forward[T]{Net: n, Pass: p, zeros: make([]T, h)}, grad: g}
	s := newSchedule(h, w, p.Batch, total)
	k.weight = newFactor(n.Weight, w, h, 1, h, 1, s, total)
	defer k.weight.release()
	k.states = take[T](total * h)
	defer give(k.states)
	if n.Cell == GRU {
		k.inner = take[T](total * h)
		defer give(k.inner)
	}
	s.run(len(p.Steps.Rows)-1, -2, -1, k.units)
	k.weights()
}

// units computes a task: the gradients of the gates of its units at the step, and
// before that the gradient that the step after it sends back: their product
// with the weight. Step -1 does only the latter.
func (k *backward[T]) units(t task) {
	lo, hi := t.lo, t.hi
	g, h, w := k.grad, k.Hidden, k.width()
	if b1 := min(t.b1, k.Steps.rows(t.step+1)); b1 > t.b0 {
		k.send(b1-t.b0, k.Steps.First[t.step+1]+t.b0, t)
	}
	if t.step < 0 {
		return
	}
	first := k.Steps.First[t.step]
	for b := t.b0; b < min(t.b1, k.Steps.Rows[t.step]); b++ {
		at := (first + b) * h
		row := g.Input[(first+b)*w:][:w]
		gate := func(i int) []T { return row[i*h+lo : i*h+hi] }
		dh := g.H0[b*h+lo : b*h+hi]
		state := k.states[at+lo : at+hi]
		copy(state, k.before(t.step, k.Output, k.H0, b)[lo:])
		gy := k.zeros[lo:hi]
		if g.Output != nil {
			gy = g.Output[at+lo : at+hi]
		}
		if k.Gates != nil { // the kernels turn activations into gradients in place
			from := k.Gates[(first+b)*w:][:w]
			for i := 0; i < w; i += h {
				copy(row[i+lo:i+hi], from[i+lo:i+hi])
			}
		}
		switch k.Cell {
		case Tanh:
			vec.Add(dh, dh, gy)
			vec.TanhGrad(gate(0), dh, k.Output[at+lo:at+hi])
		case ReLU:
			vec.Add(dh, dh, gy)
			vec.ReLUGrad(gate(0), dh, k.Output[at+lo:at+hi])
		case LSTM:
			before := k.before(t.step, k.Inner, k.C0, b)[lo:hi]
			vec.LSTMCellGrad(gate(0), gate(1), gate(2), gate(3), before, k.Inner[at+lo:at+hi], gy, dh, g.C0[b*h+lo:b*h+hi])
		case GRU:
			hidden := k.inner[at+lo : at+hi]
			copy(hidden, k.Inner[at+lo:at+hi])
			vec.GRUCellGrad(gate(0), gate(1), gate(2), hidden, state, gy, dh)
		}
	}
}

// send computes the gradients of the states before a step from those of its
// gates, in rows rows from first on.
func (k *backward[T]) send(rows, first int, t task) {
	h, w := k.Hidden, k.width()
	gates, dh := k.grad.Input[first*w:], k.grad.H0[t.b0*h:]
	if k.Cell != GRU {
		k.weight.multiply(rows, gates, w, 0, 1, t.lo, t.hi, dh, h, gemm.EpilogueOf[T]{})
		return
	}
	// A GRU's candidate meets the weight in its hidden part, and some of the
	// gradient is there already: what went past the gates.
	e := gemm.EpilogueOf[T]{Accumulate: true}
	k.weight.multiplyDepth(0, 2*h, rows, gates, w, 0, 1, t.lo, t.hi, dh, h, e)
	k.weight.multiplyDepth(2*h, w, rows, k.inner[first*h:], h, 0, 1, t.lo, t.hi, dh, h, e)
}

// weights computes the gradients of the weight and the bias: each is one
// product, or one sum, over the rows of all steps.
func (k *backward[T]) weights() {
	g, h, w, total := k.grad, k.Hidden, k.width(), k.Steps.total()
	sum := func(dst, x []T, stride int) {
		par.For(len(dst), sumColumns, func(lo, hi int) { vec.SumRows(dst[lo:hi], x[lo:], total, hi-lo, stride) })
	}
	outer := func(dst []T, x []T, m, stride int) {
		transposedMul(m, h, total, x, stride, k.states, h, dst)
	}
	if k.Cell != GRU {
		sum(g.Bias, g.Input, w)
		outer(g.Weight, g.Input, w, w)
		return
	}
	sum(g.Bias[:2*h], g.Input, w)
	sum(g.Bias[2*h:], k.inner, h)
	outer(g.Weight, g.Input, 2*h, w)
	outer(g.Weight[2*h*h:], k.inner, h, h)
}

// sumColumns is how many columns to sum are worth a task.
const sumColumns = 64
