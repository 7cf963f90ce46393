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
	sums   []T // (Batch, gates*Hidden), of the step in work, over the states before it
	zeros  []T // a row of states
}

// Forward runs all steps.
func (n *Net[T]) Forward(p *Pass[T]) {
	n.check(p.Steps, p.Batch, [][]T{p.Input, p.Gates}, [][]T{p.Output, p.Inner}, [][]T{p.H0, p.C0, p.HN, p.CN})
	h := n.Hidden
	if h == 0 || p.Batch == 0 {
		return
	}
	f := &forward[T]{Net: n, Pass: p, zeros: make([]T, h)}
	s := newSchedule(h, n.width(), p.Batch, p.Steps.total())
	f.weight = newFactor(n.Weight, h, h, n.Cell.Gates(), 1, h, s, p.Steps.total())
	defer f.weight.release()
	if n.Cell.Gates() > 1 {
		f.sums = take[T](p.Batch * n.width())
		defer give(f.sums)
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
// The sums over the states before grow where they are needed next: with one
// gate in the output itself, else in a buffer that every step uses again, for a
// product waits for each row that is far away. The cells stream through the
// inputs and, if they are kept, the gates.
func (f *forward[T]) units(t task) {
	first := f.Steps.First[t.step]
	t.b1 = min(t.b1, f.Steps.Rows[t.step])
	lo, hi := t.lo, t.hi
	h, w := f.Hidden, f.width()
	sums := f.sums
	if w == h {
		sums = f.Output[first*h:]
	}
	f.recur(t, sums)
	for b := t.b0; b < t.b1; b++ {
		at := (first+b)*h + lo
		x, sum, out := f.Input[(first+b)*w+lo:(first+b+1)*w], sums[b*w+lo:(b+1)*w], f.Output[at:at+hi-lo]
		gates := sum
		if f.Gates != nil {
			gates = f.Gates[(first+b)*w+lo : (first+b+1)*w]
		}
		switch f.Cell {
		case Tanh:
			vec.Add(out, out, x[:hi-lo])
			vec.Tanh(out, out)
		case ReLU:
			vec.Add(out, out, x[:hi-lo])
			vec.ReLU(out, out)
		case LSTM:
			c := f.CN[b*h+lo : b*h+hi]
			before := c
			if f.Inner != nil {
				before, c = f.before(t.step, f.Inner, f.C0, b)[lo:hi], f.Inner[at:at+hi-lo]
			}
			vec.LSTMCell(gates, sum, x, h, before, c, out)
		case GRU:
			hidden := sum[2*h:][:hi-lo]
			if f.Inner != nil {
				hidden = f.Inner[at : at+hi-lo]
			}
			vec.GRUCell(gates, hidden, sum, x, h, f.before(t.step, f.Output, f.H0, b)[lo:hi], out)
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

// recur multiplies the states before the step by the weight, into rows of sums.
func (f *forward[T]) recur(t task, sums []T) {
	h, w, e := f.Hidden, f.width(), gemm.EpilogueOf[T]{Bias: f.Bias}
	ran := min(t.b1, f.Steps.rows(t.step-1)) // sequences that ran before
	if ran > t.b0 {
		a := f.Output[(f.Steps.First[t.step-1]+t.b0)*h:]
		f.weight.multiply(ran-t.b0, a, h, t.lo, t.hi, sums[t.b0*w:], w, e)
	}
	if b := max(ran, t.b0); t.b1 > b {
		var a []T
		if f.H0 != nil {
			a = f.H0[b*h:]
		}
		f.weight.multiply(t.b1-b, a, h, t.lo, t.hi, sums[b*w:], w, e)
	}
}
