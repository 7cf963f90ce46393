package tensor

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/rnn"
)

// RecurrentWeights are the parameters of one recurrent layer in one direction,
// under PyTorch's names and in its shapes. With H hidden units, rows of the
// weights and elements of the biases come gate by gate: H of an RNN; of an LSTM
// input, forget, candidate and output (4H); of a GRU reset, update and
// candidate (3H).
type RecurrentWeights struct {
	WeightIH *Tensor // (gates*H, features)
	WeightHH *Tensor // (gates*H, H)
	BiasIH   *Tensor // (gates*H), or nil
	BiasHH   *Tensor // (gates*H), or nil
}

// RecurrentOptions say how the steps of a recurrent layer run.
type RecurrentOptions struct {
	// Reverse runs from the last step of each sequence to its first.
	Reverse bool

	// Packing says that the input holds packed rows (see [PackSequences]); the
	// output does too. Initial and last states stay in the order of the batch.
	Packing *Packing

	// IDs, int64 (T, B) or packed (rows), says that the input is a table
	// (entries, features) of which each step looks up one entry, as from an
	// embedding. When the table has fewer entries than there are steps in all,
	// it is multiplied by WeightIH in their place: the product of a lookup is
	// the lookup of a product.
	IDs *Tensor

	// ReLU makes the activation of an RNN ReLU instead of tanh.
	ReLU bool
}

// LSTM runs a long short-term memory (Hochreiter and Schmidhuber 1997, in the
// form of PyTorch) over whole sequences: x (T, B, features) gives the states
// after each step (T, B, H), and the states (B, H) and cells (B, H) after the
// last. The initial states h0 and c0 (B, H) may be nil, for zeros.
func LSTM(x *Tensor, w RecurrentWeights, h0, c0 *Tensor, o RecurrentOptions) (output, hn, cn *Tensor) {
	out := recurrent(opLSTM, rnn.LSTM, x, w, []*Tensor{h0, c0}, o)
	return out[0], out[1], out[2]
}

// GRU is [LSTM] with gated recurrent units (Cho et al. 2014) in the form of
// PyTorch and cuDNN, whose reset gate acts after the product.
func GRU(x *Tensor, w RecurrentWeights, h0 *Tensor, o RecurrentOptions) (output, hn *Tensor) {
	out := recurrent(opGRU, rnn.GRU, x, w, []*Tensor{h0}, o)
	return out[0], out[1]
}

// RNN is [LSTM] with plain recurrent units (Elman 1990): the next state is
// tanh, or ReLU, of the sum of both products.
func RNN(x *Tensor, w RecurrentWeights, h0 *Tensor, o RecurrentOptions) (output, hn *Tensor) {
	cell := rnn.Tanh
	if o.ReLU {
		cell = rnn.ReLU
	}
	out := recurrent(opRNN, cell, x, w, []*Tensor{h0}, o)
	return out[0], out[1]
}

// recurrent projects the input of all steps at once and runs the steps.
func recurrent(op *Op, cell rnn.Cell, x *Tensor, w RecurrentWeights, start []*Tensor, o RecurrentOptions) []*Tensor {
	like := x // has an axis for the steps and one for the batch, or one for the rows
	if o.IDs != nil {
		like = o.IDs
	}
	axes := len(like.shape)
	if o.IDs == nil {
		axes--
	}
	if len(x.shape) < 2 || len(w.WeightHH.shape) != 2 || o.Packing == nil && axes != 2 || o.Packing != nil && (axes != 1 || like.shape[0] != o.Packing.Rows()) {
		misfit(op.Name, []*Tensor{x, w.WeightHH, o.IDs}, "needs steps (T, B, features), or as many packed rows (rows, features) as the lengths add up to; with ids those have the axes of the steps, and the input is a table")
	}
	attr := recurrentAttr{cell: cell, hidden: w.WeightHH.shape[1]}
	if p := o.Packing; p != nil {
		attr.batch, attr.steps = len(p.order), p.steps(o.Reverse)
	} else {
		attr.batch, attr.steps = like.shape[1], rnn.Uniform(like.shape[0], like.shape[1], o.Reverse)
	}
	in := []*Tensor{o.project(x, w), w.WeightHH, w.BiasHH}
	for _, s := range start {
		if s != nil && o.Packing != nil {
			s = o.Packing.sorted(s)
		}
		in = append(in, s)
	}
	out := slices.Clone(applyAll(op, attr, in...)) // the tape keeps the call's own list
	for i := 1; i <= len(start); i++ {
		if o.Packing != nil {
			out[i] = o.Packing.unsorted(out[i])
		}
	}
	if o.Packing == nil {
		out[0] = out[0].Reshape(like.shape[0], like.shape[1], attr.hidden)
	}
	return out
}

// project is the product of the inputs of all steps with their weight, (rows,
// gates*H).
func (o RecurrentOptions) project(x *Tensor, w RecurrentWeights) *Tensor {
	if o.IDs == nil {
		return Linear(x.Reshape(-1, x.shape[len(x.shape)-1]), w.WeightIH, w.BiasIH)
	}
	ids := o.IDs.Reshape(-1)
	if x.shape[0] < ids.shape[0] {
		return Embedding(Linear(x, w.WeightIH, w.BiasIH), ids, -1)
	}
	return Linear(Embedding(x, ids, -1), w.WeightIH, w.BiasIH)
}

// Packing is an order of the steps of sequences of different lengths without
// the padding: first the first steps of all sequences, from the longest to the
// shortest, then the second steps of those that have one, and so on. PyTorch's
// PackedSequence has the same order.
type Packing struct {
	order   []int   // sequence in the batch, by falling length
	inverse []int   // place in that order, by sequence
	rows    []int   // sequences that have a step
	places  []int64 // t*batch + b of each row
}

// PackSequences returns the packing of sequences of the given lengths, each at
// least 1.
func PackSequences(lengths []int) *Packing {
	p := &Packing{order: make([]int, len(lengths)), inverse: make([]int, len(lengths))}
	longest := 0
	for b, n := range lengths {
		if n < 1 {
			panic(&UseError{"pack sequences", fmt.Sprintf("sequence %d has length %d; a recurrent layer needs at least one step", b, n)})
		}
		p.order[b], longest = b, max(longest, n)
	}
	slices.SortStableFunc(p.order, func(a, b int) int { return lengths[b] - lengths[a] })
	for i, b := range p.order {
		p.inverse[b] = i
	}
	for t := range longest {
		n := 0
		for n < len(p.order) && lengths[p.order[n]] > t {
			p.places = append(p.places, int64(t*len(lengths)+p.order[n]))
			n++
		}
		p.rows = append(p.rows, n)
	}
	return p
}

// Rows is the number of rows of packed tensors: the sum of the lengths.
func (p *Packing) Rows() int { return len(p.places) }

// Pack takes the rows out of padded sequences: (T, B, ...) gives (rows, ...).
// What lies behind the end of a sequence is not looked at.
func (p *Packing) Pack(x *Tensor) *Tensor {
	if len(x.shape) < 2 || x.shape[1] != len(p.order) || x.shape[0] < len(p.rows) {
		misfit("pack sequences", []*Tensor{x}, "needs (T, B, ...) with %d sequences and room for %d steps", len(p.order), len(p.rows))
	}
	return x.Reshape(append([]int{x.shape[0] * x.shape[1]}, x.shape[2:]...)...).IndexSelect(0, p.index())
}

// Unpack is the reverse of Pack for sequences that are padded to the given
// number of steps: (rows, ...) gives (steps, B, ...), with zeros behind the end
// of each.
func (p *Packing) Unpack(x *Tensor, steps int) *Tensor {
	if len(x.shape) < 1 || x.shape[0] != len(p.places) || steps < len(p.rows) {
		misfit("unpack sequences", []*Tensor{x}, "needs %d packed rows and at least %d steps", len(p.places), len(p.rows))
	}
	rest := x.shape[1:]
	zeros := Full(0, x.dtype, append([]int{steps * len(p.order)}, rest...)...)
	return zeros.IndexAdd(0, p.index(), x).Reshape(append([]int{steps, len(p.order)}, rest...)...)
}

func (p *Packing) index() *Tensor { return FromSlice(p.places) }

// steps are the rows of each step.
func (p *Packing) steps(reverse bool) rnn.Steps {
	s := rnn.Steps{Rows: slices.Clone(p.rows), First: make([]int, len(p.rows))}
	for t := 1; t < len(p.rows); t++ {
		s.First[t] = s.First[t-1] + p.rows[t-1]
	}
	if reverse {
		slices.Reverse(s.Rows)
		slices.Reverse(s.First)
	}
	return s
}

// sorted puts states (B, H) in the order of the packing.
func (p *Packing) sorted(t *Tensor) *Tensor { return permuted(t, p.order) }

// unsorted puts them back in the order of the batch.
func (p *Packing) unsorted(t *Tensor) *Tensor { return permuted(t, p.inverse) }

func permuted(t *Tensor, order []int) *Tensor {
	if slices.IsSorted(order) {
		return t
	}
	if t.shape[0] != len(order) {
		misfit("pack sequences", []*Tensor{t}, "needs a state for each of %d sequences", len(order))
	}
	index := make([]int64, len(order))
	for i, b := range order {
		index[i] = int64(b)
	}
	return t.IndexSelect(0, FromSlice(index))
}
