package rnn

import (
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
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
	step   int
}

// Forward runs all steps.
func (n *Net[T]) Forward(p *Pass[T]) {
	n.check(p.Steps, p.Batch, [][]T{p.Input, p.Gates}, [][]T{p.Output, p.Inner}, [][]T{p.H0, p.C0, p.HN, p.CN})
	h := n.Hidden
	if h == 0 || p.Batch == 0 {
		return
	}
	f := &forward[T]{Net: n, Pass: p, gates: p.Gates, inner: p.Inner, zeros: make([]T, h)}
	f.weight = newFactor(n.Weight, h, h, n.Cell.Gates(), 1, h, p.Batch, p.Steps.total())
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
	task := f.units // made once, so that a step allocates nothing
	for f.step = range p.Steps.Rows {
		par.For(h, f.weight.chunk, task)
	}
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

// units computes hidden units [lo, hi) of all sequences of the step.
func (f *forward[T]) units(lo, hi int) {
	rows, first := f.Steps.Rows[f.step], f.Steps.First[f.step]
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
	for b := range rows {
		from, to := f.Input[(first+b)*w:][:w], gates[b*w:][:w]
		for at := 0; at < w; at += h {
			copy(to[at+lo:at+hi], from[at+lo:at+hi])
		}
	}
	e := gemm.EpilogueOf[T]{Bias: f.Bias, Accumulate: true, ReLU: f.Cell == ReLU}
	if f.Cell == GRU {
		f.recur(0, 2, lo, hi, gates, w, e)
		e = gemm.EpilogueOf[T]{}
		if f.Bias != nil {
			e.Bias = f.Bias[2*h:]
		}
		f.recur(2, 1, lo, hi, inner, h, e)
	} else {
		f.recur(0, f.Cell.Gates(), lo, hi, gates, w, e)
	}
	if f.Cell == ReLU {
		return
	}
	for b := range rows {
		row := gates[b*w:][:w]
		gate := func(i int) []T { return row[i*h+lo : i*h+hi] }
		out := f.Output[(first+b)*h+lo : (first+b)*h+hi]
		switch f.Cell {
		case Tanh:
			vec.Tanh(out, out)
		case LSTM:
			var before, c []T
			if f.Inner != nil {
				before, c = f.before(f.Inner, f.C0, b)[lo:hi], inner[b*h+lo:b*h+hi]
			} else {
				c = f.CN[b*h+lo : b*h+hi]
				before = c
			}
			vec.LSTMCell(gate(0), gate(1), gate(2), gate(3), before, c, out)
		case GRU:
			vec.GRUCell(gate(0), gate(1), gate(2), inner[b*h+lo:b*h+hi], f.before(f.Output, f.H0, b)[lo:hi], out)
		}
	}
}

// before is the row of sequence b before the step: in rows if it ran already,
// else in start, or zeros.
func (f *forward[T]) before(rows, start []T, b int) []T {
	h := f.Hidden
	switch {
	case b < f.Steps.rows(f.step-1):
		return rows[(f.Steps.First[f.step-1]+b)*h:][:h]
	case start != nil:
		return start[b*h:][:h]
	}
	return f.zeros
}

// recur multiplies the states before the step by parts of the weight.
func (f *forward[T]) recur(part, parts, lo, hi int, c []T, rsc int, e gemm.EpilogueOf[T]) {
	rows := f.Steps.Rows[f.step]
	old := min(rows, f.Steps.rows(f.step-1)) // sequences that ran before
	h := f.Hidden
	if old > 0 {
		f.weight.multiply(old, f.Output[f.Steps.First[f.step-1]*h:], h, part, parts, lo, hi, c, rsc, e)
	}
	if rows > old {
		var a []T
		if f.H0 != nil {
			a = f.H0[old*h:]
		}
		f.weight.multiply(rows-old, a, h, part, parts, lo, hi, c[old*rsc:], rsc, e)
	}
}
