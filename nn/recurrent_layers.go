package nn

import "github.com/hadal-ml/hadal/tensor"

// LSTM is a stack of long short-term memories (Hochreiter and Schmidhuber
// 1997), with PyTorch's equations, parameters and order of gates.
//
// All three recurrent layers take sequences (T, B, features) and give the
// states of the top layer (T, B, H), with two directions (T, B, 2H). States
// have the shape (layers*directions, B, H), the directions of a layer next to
// each other; a nil state is zero. To go on where a sequence stopped, or to
// generate step by step, give the states of one call to the next.
//
// Lengths, where given, are those of the sequences, each from 1 to T: a
// sequence then ends at its own length. Its last state is the one there, its
// other direction begins there, and the output behind it is zero.
type LSTM struct {
	Weights
	stack recurrent
}

// NewLSTM returns a layer with the given numbers of input features and hidden
// units. Options: NumLayers, Bidirectional, BatchFirst, DropoutBetween,
// WeightDropout, NoBias, WithInit, WithBiasInit (both are told the number of
// hidden units as fan-in and fan-out of every weight).
func NewLSTM(init *Init, features, hidden int, list ...Option) *LSTM {
	l := &LSTM{}
	l.stack, l.Weights = newRecurrent(init, "LSTM", 4, features, hidden, list)
	return l
}

// LSTMState is what an LSTM remembers between calls.
type LSTMState struct {
	H *tensor.Tensor // (layers*directions, B, H), or nil
	C *tensor.Tensor // the same of the cells
}

// Forward starts from zero and returns the states after each step.
func (l *LSTM) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	y, _ := l.Run(c, x, LSTMState{}, nil)
	return y
}

// Run is Forward from given states, and returns the last ones too. lengths may
// be nil.
func (l *LSTM) Run(c *Context, x *tensor.Tensor, start LSTMState, lengths []int) (y *tensor.Tensor, last LSTMState) {
	return l.run(c, x, nil, start, lengths)
}

// RunIDs is Run on the embeddings of ids (T, B), int64. It gives what
// embedding first and running then gives, but when the table has fewer entries
// than there are ids, as with characters, it multiplies the table by the
// weights instead of the embeddings.
func (l *LSTM) RunIDs(c *Context, e *Embedding, ids *tensor.Tensor, start LSTMState, lengths []int) (y *tensor.Tensor, last LSTMState) {
	if x := l.stack.embedded(c, e, ids); x != nil {
		return l.run(c, x, nil, start, lengths)
	}
	return l.run(c, l.stack.table(c, e, ids), ids, start, lengths)
}

func (l *LSTM) run(c *Context, x, ids *tensor.Tensor, start LSTMState, lengths []int) (*tensor.Tensor, LSTMState) {
	y, last := l.stack.run(c, l.Weights, x, ids, []*tensor.Tensor{start.H, start.C}, lengths,
		func(x *tensor.Tensor, w tensor.RecurrentWeights, start []*tensor.Tensor, o tensor.RecurrentOptions) (*tensor.Tensor, []*tensor.Tensor) {
			y, h, c := tensor.LSTM(x, w, start[0], start[1], o)
			return y, []*tensor.Tensor{h, c}
		})
	return c.did(l, x, y), LSTMState{last[0], last[1]}
}

// GRU is a stack of gated recurrent units (Cho et al. 2014). Shapes, options,
// states and lengths are as with [LSTM].
type GRU struct {
	Weights
	stack recurrent
}

// NewGRU returns a layer; the options are those of [NewLSTM].
func NewGRU(init *Init, features, hidden int, list ...Option) *GRU {
	l := &GRU{}
	l.stack, l.Weights = newRecurrent(init, "GRU", 3, features, hidden, list)
	return l
}

// Forward starts from zero and returns the states after each step.
func (l *GRU) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	y, _ := l.Run(c, x, nil, nil)
	return y
}

// Run is Forward from given states, and returns the last ones too.
func (l *GRU) Run(c *Context, x, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	return l.run(c, x, nil, start, lengths)
}

// RunIDs is Run on the embeddings of ids (T, B); see [LSTM.RunIDs].
func (l *GRU) RunIDs(c *Context, e *Embedding, ids, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	if x := l.stack.embedded(c, e, ids); x != nil {
		return l.run(c, x, nil, start, lengths)
	}
	return l.run(c, l.stack.table(c, e, ids), ids, start, lengths)
}

func (l *GRU) run(c *Context, x, ids, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	y, states := l.stack.run(c, l.Weights, x, ids, []*tensor.Tensor{start}, lengths,
		func(x *tensor.Tensor, w tensor.RecurrentWeights, start []*tensor.Tensor, o tensor.RecurrentOptions) (*tensor.Tensor, []*tensor.Tensor) {
			y, h := tensor.GRU(x, w, start[0], o)
			return y, []*tensor.Tensor{h}
		})
	return c.did(l, x, y), states[0]
}

// RNN is a stack of plain recurrent units with tanh, or with ReLU (Elman
// 1990). Shapes, options, states and lengths are as with [LSTM].
type RNN struct {
	Weights
	ReLU  bool
	stack recurrent
}

// NewRNN returns a layer with tanh; the options are those of [NewLSTM].
func NewRNN(init *Init, features, hidden int, list ...Option) *RNN {
	l := &RNN{}
	l.stack, l.Weights = newRecurrent(init, "RNN", 1, features, hidden, list)
	return l
}

// Forward starts from zero and returns the states after each step.
func (l *RNN) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	y, _ := l.Run(c, x, nil, nil)
	return y
}

// Run is Forward from given states, and returns the last ones too.
func (l *RNN) Run(c *Context, x, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	return l.run(c, x, nil, start, lengths)
}

// RunIDs is Run on the embeddings of ids (T, B); see [LSTM.RunIDs].
func (l *RNN) RunIDs(c *Context, e *Embedding, ids, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	if x := l.stack.embedded(c, e, ids); x != nil {
		return l.run(c, x, nil, start, lengths)
	}
	return l.run(c, l.stack.table(c, e, ids), ids, start, lengths)
}

func (l *RNN) run(c *Context, x, ids, start *tensor.Tensor, lengths []int) (y, last *tensor.Tensor) {
	y, states := l.stack.run(c, l.Weights, x, ids, []*tensor.Tensor{start}, lengths,
		func(x *tensor.Tensor, w tensor.RecurrentWeights, start []*tensor.Tensor, o tensor.RecurrentOptions) (*tensor.Tensor, []*tensor.Tensor) {
			o.ReLU = l.ReLU
			y, h := tensor.RNN(x, w, start[0], o)
			return y, []*tensor.Tensor{h}
		})
	return c.did(l, x, y), states[0]
}
