// Package rnn runs whole sequences through recurrent cells, forward and back
// through time. It is not a layer: it knows slices and row numbers, no tensors,
// and the products with the inputs are done before it is called.
//
// The cells are those of PyTorch and cuDNN. With x the projected input of a
// step (bias of the input included), h the state before, W and b the recurrent
// weight and bias:
//
//	Tanh, ReLU  h' = f(x + Wh + b)                       (Elman 1990)
//	LSTM        i, f, g, o = parts of x + Wh + b         (Hochreiter and Schmidhuber 1997)
//	            c' = sigmoid(f) c + sigmoid(i) tanh(g)
//	            h' = sigmoid(o) tanh(c')
//	GRU         r, z = parts of sigmoid(x + Wh + b)      (Cho et al. 2014)
//	            n = tanh(x + r (Wh + b))
//	            h' = (1-z) n + z h
//
// How it is fast: a step needs one pass over W, which is packed into panels once
// a call, and cells are finished while their sums are in a near cache. If W is
// small the batch is cut: each worker takes some sequences through all steps, and
// waits for nobody. If it is large its columns are cut into blocks of hidden
// units; the task of a block multiplies for all gates of its units, and a step
// waits for the workers once. Going back, the gradients of the biases are added
// up while those of a step are near, and those of the weights are single products
// over all rows after the last step. Rows of other steps come from far away and
// are touched by the cells alone, which stream through them without a copy.
package rnn

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// Cell is a kind of recurrent cell.
type Cell int

// The cells.
const (
	Tanh Cell = iota
	ReLU
	LSTM
	GRU
)

// Gates is the number of sums that a cell makes for each hidden unit.
func (c Cell) Gates() int { return [...]int{Tanh: 1, ReLU: 1, LSTM: 4, GRU: 3}[c] }

// Steps says which rows of the matrices belong to which step. At step s the
// first Rows[s] sequences of the batch run, and their rows lie together from
// row First[s] on. The rows of all steps cover each matrix exactly once.
//
// Sequences of one length have the same Rows at every step. Shorter ones come
// last in the batch: they drop out as steps go by or, when the steps run
// through time in reverse, join in.
type Steps struct {
	Rows, First []int
}

// Uniform is the batch of sequences that all have the same number of steps, in
// the order of time or in reverse.
func Uniform(steps, batch int, reverse bool) Steps {
	s := Steps{make([]int, steps), make([]int, steps)}
	for i := range steps {
		s.Rows[i], s.First[i] = batch, i*batch
		if reverse {
			s.First[i] = (steps - 1 - i) * batch
		}
	}
	return s
}

// total is the number of rows of all steps.
func (s Steps) total() (n int) {
	for _, r := range s.Rows {
		n += r
	}
	return n
}

// rows is the number of sequences that run at step i; none before the first
// step and after the last.
func (s Steps) rows(i int) int {
	if i < 0 || i >= len(s.Rows) {
		return 0
	}
	return s.Rows[i]
}

// apart is how many rows each step lies after the one before it, and whether
// that is the same for all and all of the batch runs at every step.
func (s Steps) apart(batch int) (rows int, uniform bool) {
	for i, r := range s.Rows {
		if i == 1 {
			rows = s.First[1] - s.First[0]
		}
		if r != batch || i > 0 && s.First[i]-s.First[i-1] != rows {
			return 0, false
		}
	}
	return rows, len(s.Rows) < 2 || rows == batch || rows == -batch
}

// Net is a recurrent cell with its weights. Matrices are dense and row-major.
type Net[T gemm.Float] struct {
	Cell   Cell
	Hidden int // units
	Weight []T // (gates*Hidden, Hidden), in the order of the package comment
	Bias   []T // (gates*Hidden), or nil
}

// width is the length of a row of gates.
func (n *Net[T]) width() int { return n.Cell.Gates() * n.Hidden }

// check panics unless the rows and slices fit together: behind it stands
// assembly. Optional slices may be nil.
func (n *Net[T]) check(s Steps, batch int, gates, rows, states [][]T) {
	total := s.total()
	if len(n.Weight) != n.width()*n.Hidden || n.Bias != nil && len(n.Bias) != n.width() {
		panic(fmt.Sprintf("rnn: %d weights and %d biases for %d units with %d gates", len(n.Weight), len(n.Bias), n.Hidden, n.Cell.Gates()))
	}
	for i, r := range s.Rows {
		if r < 0 || r > batch || s.First[i] < 0 || s.First[i]+r > total {
			panic(fmt.Sprintf("rnn: step %d has rows %d to %d of %d, in a batch of %d", i, s.First[i], s.First[i]+r, total, batch))
		}
	}
	for want, list := range map[int][][]T{total * n.width(): gates, total * n.Hidden: rows, batch * n.Hidden: states} {
		for _, x := range list {
			if x != nil && len(x) != want {
				panic(fmt.Sprintf("rnn: a slice has %d elements, needs %d", len(x), want))
			}
		}
	}
}
