package language

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// CharRNN reads a text character by character and says after each what comes
// next (Elman 1990; Karpathy 2015). What it remembers of everything it read is
// its state: a vector for a plain recurrent network and a GRU, two for an LSTM.
type CharRNN struct {
	Embed *nn.Embedding
	Cell  nn.Module // *nn.RNN, *nn.GRU or *nn.LSTM: the only difference
	Out   *nn.Linear
	Drop  nn.Dropout

	sizes RNNSizes
}

// State is what a [CharRNN] remembers: H, and C of an LSTM, each (layers, B,
// hidden); nil is having read nothing.
type State = nn.LSTMState

// RNNSizes are the sizes of a [CharRNN].
type RNNSizes struct {
	Cell      string `json:"cell"` // rnn, gru or lstm
	Embedding int    `json:"embedding"`
	Hidden    int    `json:"hidden"`
	Layers    int    `json:"layers"`
}

// gates is how many vectors each cell computes at a step.
var gates = map[string]int{"rnn": 1, "gru": 3, "lstm": 4}

// Parameters returns the number of parameters of a network for so many
// characters, or an error when there can be none.
func (z RNNSizes) Parameters(characters int) (int, error) {
	const most = 1 << 14
	if gates[z.Cell] == 0 || min(z.Embedding, z.Hidden, z.Layers) < 1 || max(z.Embedding, z.Hidden) > most || z.Layers > 100 {
		return 0, fmt.Errorf("a network of %d layers of %d units %q behind an embedding of %d cannot be", z.Layers, z.Hidden, z.Cell, z.Embedding)
	}
	n := characters*z.Embedding + z.Hidden*characters + characters
	in := z.Embedding
	for range z.Layers {
		n += gates[z.Cell] * z.Hidden * (in + z.Hidden + 2) // weights of input and state, a bias for each
		in = z.Hidden
	}
	return n, nil
}

// NewCharRNN returns an untrained network for so many characters. So that it
// does not learn its text by heart, training drops shares of what the cells say
// and of the weights by which they hear themselves (Merity et al., arXiv
// 1708.02182, section 2).
func NewCharRNN(init *nn.Init, z RNNSizes, characters int, dropOutput, dropWeights float64) *CharRNN {
	m := &CharRNN{Embed: nn.NewEmbedding(init, characters, z.Embedding), Drop: nn.Dropout{P: dropOutput}, sizes: z}
	options := []nn.Option{nn.NumLayers(z.Layers), nn.DropoutBetween(dropOutput), nn.WeightDropout(dropWeights)}
	switch z.Cell {
	case "rnn":
		m.Cell = nn.NewRNN(init, z.Embedding, z.Hidden, options...)
	case "gru":
		m.Cell = nn.NewGRU(init, z.Embedding, z.Hidden, options...)
	case "lstm":
		m.Cell = nn.NewLSTM(init, z.Embedding, z.Hidden, options...)
	default:
		panic(fmt.Sprintf("language.NewCharRNN: there are no cells %q; rnn, gru and lstm are possible", z.Cell))
	}
	m.Out = nn.NewLinear(init, z.Hidden, characters)
	return m
}

// Run maps characters (T, B) and the state before them to logits of those that
// come next (T*B, characters) and the state after them.
func (m *CharRNN) Run(c *nn.Context, ids *tensor.Tensor, s State) (*tensor.Tensor, State) {
	var y *tensor.Tensor // (T, B, hidden)
	switch cell := m.Cell.(type) {
	case *nn.RNN:
		y, s.H = cell.RunIDs(c, m.Embed, ids, s.H, nil)
	case *nn.GRU:
		y, s.H = cell.RunIDs(c, m.Embed, ids, s.H, nil)
	case *nn.LSTM:
		y, s = cell.RunIDs(c, m.Embed, ids, s, nil)
	}
	return m.Out.Forward(c, m.Drop.Forward(c, y).Reshape(ids.Len(), -1)), s
}

// blank returns the state of having read nothing.
func (m *CharRNN) blank(batch int) State {
	zero := func() *tensor.Tensor { return tensor.Zeros(m.sizes.Layers, batch, m.sizes.Hidden) }
	s := State{H: zero()}
	if m.sizes.Cell == "lstm" {
		s.C = zero()
	}
	return s
}

// kept returns a copy of a state that outlives its step and through which no
// gradient passes.
func kept(s State) State {
	s.H = s.H.Keep()
	if s.C != nil {
		s.C = s.C.Keep()
	}
	return s
}

// rnnReader reads with a trained network.
type rnnReader struct {
	model *CharRNN
	state State
}

func (r *rnnReader) read(ids []int64) []float32 {
	logits, state := r.model.Run(nn.Inference(), tensor.FromSlice(ids, len(ids), 1), r.state)
	r.state = state
	return logits.Select(0, len(ids)-1).Float32s()
}

// loss returns the mean cross-entropy in nats a character over a whole text,
// which is read in lanes that each begin with nothing.
func (m *CharRNN) loss(ids []int64) float64 {
	const batch, window = 32, 128
	lane := (len(ids) - 1 + batch - 1) / batch
	scope := tensor.NewInferenceScope()
	var state State
	total := 0.0
	for start := 0; start < lane; start += window {
		n := min(window, lane-start)
		x, y := make([]int64, n*batch), make([]int64, n*batch)
		counted := 0
		for i := range x {
			if at := i%batch*lane + start + i/batch; at+1 < len(ids) {
				x[i], y[i] = ids[at], ids[at+1]
				counted++
			} else {
				y[i] = -100 // behind the end: left out of the mean
			}
		}
		logits, last := m.Run(nn.Inference(), scope.View(tensor.FromSlice(x, n, batch)), state)
		total += float64(counted) * nn.CrossEntropy(logits, tensor.FromSlice(y)).Item()
		state = kept(last)
		scope.Release()
	}
	return total / float64(len(ids)-1)
}
