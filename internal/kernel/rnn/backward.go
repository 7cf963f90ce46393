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
	states []T // before each step; nil: they are rows of the output, apart away
	apart  int
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
	var uniform bool
	if k.apart, uniform = p.Steps.apart(p.Batch); !uniform {
		k.states = take[T](total * h)
		defer give(k.states)
	}
	if n.Cell == GRU {
		k.inner = take[T](total * h)
		defer give(k.inner)
	}
	s.run(len(p.Steps.Rows)-1, -2, -1, k.units)
	if !k.addsBias() {
		par.For(h, sumColumns, func(lo, hi int) { k.addBias(0, total, lo, hi) })
	}
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
		at := (first+b)*h + lo
		of := func(rows []T) []T { return rows[at:][:hi-lo] }
		dh, before := g.H0[b*h+lo:b*h+hi], k.before(t.step, k.Output, k.H0, b)[lo:hi]
		if k.states != nil {
			copy(of(k.states), before)
		}
		gy := k.zeros[lo:hi]
		if g.Output != nil {
			gy = of(g.Output)
		}
		var gates []T // activations
		if k.Gates != nil {
			gates = k.Gates[(first+b)*w+lo : (first+b+1)*w]
		}
		dGates := g.Input[(first+b)*w+lo : (first+b+1)*w]
		switch k.Cell {
		case Tanh:
			vec.Add(dh, dh, gy)
			vec.TanhGrad(dGates[:hi-lo], dh, of(k.Output))
		case ReLU:
			vec.Add(dh, dh, gy)
			vec.ReLUGrad(dGates[:hi-lo], dh, of(k.Output))
		case LSTM:
			before := k.before(t.step, k.Inner, k.C0, b)[lo:hi]
			vec.LSTMCellGrad(dGates, gates, h, before, of(k.Inner), gy, dh, g.C0[b*h+lo:b*h+hi])
		case GRU:
			vec.GRUCellGrad(dGates, of(k.inner), gates, of(k.Inner), h, before, gy, dh)
		}
	}
	if rows := k.Steps.Rows[t.step]; rows > 0 && k.addsBias() {
		k.addBias(first, rows, lo, hi)
	}
}

// addsBias reports whether each step adds its rows to the gradient of the bias,
// while they are near. Small nets are near afterwards too, and then more rows go
// into one call.
func (k *backward[T]) addsBias() bool { return k.weight.chunk < k.Hidden }

// addBias adds rows of the gates' gradients to the gradient of the bias, for
// units [lo, hi). The order of additions depends on how many columns are added
// at a time, so those are of one task, however tasks are put together.
func (k *backward[T]) addBias(first, rows, lo, hi int) {
	h, w := k.Hidden, k.width()
	for at := 0; at < w; at += h {
		x, stride := k.grad.Input[first*w+at:], w
		if k.Cell == GRU && at == 2*h {
			x, stride = k.inner[first*h:], h
		}
		bias := k.grad.Bias[at : at+h]
		for from := lo; from < hi; from += k.weight.chunk {
			to := min(from+k.weight.chunk, hi)
			vec.SumRows(bias[from:to], x[from:], rows, to-from, stride)
		}
	}
}

// sumColumns is how many columns to sum are worth a task.
const sumColumns = 64

// send computes the gradients of the states before a step from those of its
// gates, in rows rows from first on.
func (k *backward[T]) send(rows, first int, t task) {
	h, w := k.Hidden, k.width()
	gates, dh := k.grad.Input[first*w:], k.grad.H0[t.b0*h:]
	if k.Cell != GRU {
		k.weight.multiply(rows, gates, w, t.lo, t.hi, dh, h, gemm.EpilogueOf[T]{})
		return
	}
	// A GRU's candidate meets the weight in its hidden part, and some of the
	// gradient is there already: what went past the gates.
	e := gemm.EpilogueOf[T]{Accumulate: true}
	k.weight.multiplyDepth(0, 2*h, rows, gates, w, t.lo, t.hi, dh, h, e)
	k.weight.multiplyDepth(2*h, w, rows, k.inner[first*h:], h, t.lo, t.hi, dh, h, e)
}

// weights computes the gradients of the weight: products over the rows of all
// steps.
func (k *backward[T]) weights() {
	g, h, w := k.grad, k.Hidden, k.width()
	if k.Cell != GRU {
		k.outer(g.Weight, g.Input, w, w)
		return
	}
	k.outer(g.Weight, g.Input, 2*h, w)
	k.outer(g.Weight[2*h*h:], k.inner, h, h)
}

// outer computes the product of the transpose of m columns of x, whose rows are
// stride apart, and of the states before each step.
func (k *backward[T]) outer(dst, x []T, m, stride int) {
	h, total := k.Hidden, k.Steps.total()
	if k.states != nil {
		transposedMul(m, h, total, x, stride, k.states, h, dst, false)
		return
	}
	// Every step but the first has as its states the output of the step before.
	now, before := max(k.apart, 0), max(-k.apart, 0)
	transposedMul(m, h, total-k.Batch, x[now*stride:], stride, k.Output[before*h:], h, dst, false)
	if k.H0 != nil {
		transposedMul(m, h, k.Batch, x[k.Steps.First[0]*stride:], stride, k.H0, h, dst, true)
	}
}
