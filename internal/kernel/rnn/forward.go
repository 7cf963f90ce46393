package rnn

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// Pass is what one call of [Net.Forward] reads and writes.
type Pass[T gemm.Float] struct {
	Steps Steps
	Batch int
	Input []T // (rows, gates*Hidden), the projected inputs
	H0    []T // (Batch, Hidden), the state before the first step; nil: zeros
	C0    []T // the same of an LSTM's cells

	Output []T // (rows, Hidden), the state after each step
	HN     []T // (Batch, Hidden), after the last step of each sequence
	CN     []T // the same of an LSTM's cells

	// Gates (rows, gates*Hidden) and Inner (rows, Hidden) receive what
	// [Net.Backward] needs: the gates' activations, and an LSTM's cells or the
	// hidden part of a GRU's candidate. With nil they are not kept.
	Gates, Inner []T
}

// forward is a running call of Forward.
type forward[T gemm.Float] struct {
	*Net[T]
	*Pass[T]
	weight *factor[T]
	gates  []T // kept, or of the step in work
	inner  []T // the same; of an LSTM only if kept
	zeros  []T // a row of states
}

// Forward runs all steps.
func (n *Net[T]) Forward(p *Pass[T]) {
	n.check(p.Steps, p.Batch, [][]T{p.Input, p.Gates}, [][]T{p.Output, p.Inner}, [][]T{p.H0, p.C0, p.HN, p.CN})
	h := n.Hidden
	if h == 0 || p.Batch == 0 {
		return
	}
	f := &forward[T]{Net: n, Pass: p, gates: p.Gates, inner: p.Inner, zeros: make([]T, h)}
	s := newSchedule(h, n.width(), p.Batch, p.Steps.total())
	f.weight = newFactor(n.Weight, h, h, n.Cell.Gates(), 1, h, s, p.Steps.total())
	defer f.weight.release()
	if n.Cell.Gates() > 1 && p.Gates == nil {
		f.gates = take[T](p.Batch * n.width())
		defer give(f.gates)
	}
	if n.Cell == GRU && p.Inner == nil {
		f.inner = take[T](p.Batch * h)
		defer give(f.inner)
	}
	if n.Cell == LSTM && p.Inner == nil { // the cells change in place
		copyOrClear(p.CN, p.C0)
	}
	s.run(0, len(p.Steps.Rows), 1, f.units)
	collect(p.HN, p.Output, p.Steps, h)
	if n.Cell == LSTM && p.Inner != nil {
		collect(p.CN, p.Inner, p.Steps, h)
	}
}

// collect copies the row of the last step of each sequence.
func collect[T gemm.Float](last, rows []T, s Steps, h int) {
	for i, first := range s.First {
		for b := s.rows(i + 1); b < s.Rows[i]; b++ {
			copy(last[b*h:(b+1)*h], rows[(first+b)*h:])
		}
	}
}

func copyOrClear[T gemm.Float](dst, src []T) {
	if src == nil {
		clear(dst)
		return
	}
	copy(dst, src)
}

// units computes a task: units of the sequences that still run at the step.
func (f *forward[T]) units(t task) {
	first := f.Steps.First[t.step]
	t.b1 = min(t.b1, f.Steps.Rows[t.step])
	lo, hi := t.lo, t.hi
	h, w := f.Hidden, f.width()
	// The sums grow where they are needed next: with one gate in the output
	// itself, else in the gates.
	gates, inner := f.gates, f.inner
	if w == h {
		gates = f.Output
	}
	if w == h || f.Gates != nil {
		gates = gates[first*w:]
	}
	if f.Inner != nil {
		inner = inner[first*h:]
	}
	for b := t.b0; b < t.b1; b++ {
		from, to := f.Input[(first+b)*w:][:w], gates[b*w:][:w]
		for at := 0; at < w; at += h {
			copy(to[at+lo:at+hi], from[at+lo:at+hi])
		}
	}
	e := gemm.EpilogueOf[T]{Bias: f.Bias, Accumulate: true, ReLU: f.Cell == ReLU}
	if f.Cell == GRU {
		f.recur(t, 0, 2, gates, w, e)
		e = gemm.EpilogueOf[T]{}
		if f.Bias != nil {
			e.Bias = f.Bias[2*h:]
		}
		f.recur(t, 2, 1, inner, h, e)
	} else {
		f.recur(t, 0, f.Cell.Gates(), gates, w, e)
	}
	if f.Cell == ReLU {
		return
	}
	for b := t.b0; b < t.b1; b++ {
		row := gates[b*w:][:w]
		gate := func(i int) []T { return row[i*h+lo : i*h+hi] }
		out := f.Output[(first+b)*h+lo : (first+b)*h+hi]
		switch f.Cell {
		case Tanh:
			vec.Tanh(out, out)
		case LSTM:
			var before, c []T
			if f.Inner != nil {
				before, c = f.before(t.step, f.Inner, f.C0, b)[lo:hi], inner[b*h+lo:b*h+hi]
			} else {
				c = f.CN[b*h+lo : b*h+hi]
				before = c
			}
			vec.LSTMCell(gate(0), gate(1), gate(2), gate(3), before, c, out)
		case GRU:
			vec.GRUCell(gate(0), gate(1), gate(2), inner[b*h+lo:b*h+hi], f.before(t.step, f.Output, f.H0, b)[lo:hi], out)
		}
	}
}

// before is the row of sequence b before a step: in rows if it ran already,
// else in start, or zeros.
func (f *forward[T]) before(step int, rows, start []T, b int) []T {
	h := f.Hidden
	switch {
	case b < f.Steps.rows(step-1):
		return rows[(f.Steps.First[step-1]+b)*h:][:h]
	case start != nil:
		return start[b*h:][:h]
	}
	return f.zeros
}

// recur multiplies the states before the step by parts of the weight.
func (f *forward[T]) recur(t task, part, parts int, c []T, rsc int, e gemm.EpilogueOf[T]) {
	h := f.Hidden
	ran := min(t.b1, f.Steps.rows(t.step-1)) // sequences that ran before
	if ran > t.b0 {
		a := f.Output[(f.Steps.First[t.step-1]+t.b0)*h:]
		f.weight.multiply(ran-t.b0, a, h, part, parts, t.lo, t.hi, c[t.b0*rsc:], rsc, e)
	}
	if b := max(ran, t.b0); t.b1 > b {
		var a []T
		if f.H0 != nil {
			a = f.H0[b*h:]
		}
		f.weight.multiply(t.b1-b, a, h, part, parts, t.lo, t.hi, c[b*rsc:], rsc, e)
	}
}
