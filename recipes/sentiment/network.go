package sentiment

import (
	"slices"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Network reads a text word by word, once from its beginning and once from its
// end, and then says what it is. Every word is a learned vector; an LSTM in
// each direction remembers what it has read; what they remember, averaged over
// the text, decides.
type Network struct {
	Embedding *nn.Embedding
	DropIn    nn.Dropout
	LSTM      *nn.LSTM
	DropOut   nn.Dropout
	Out       *nn.Linear
}

// The sizes of the network.
const (
	width  = 64 // of the vector of a word
	hidden = 64 // units of the LSTM in each direction
)

// NewNetwork returns an untrained network for so many word numbers.
func NewNetwork(init *nn.Init, words int) *Network { return newNetwork(init, words, width, hidden) }

func newNetwork(init *nn.Init, words, width, hidden int) *Network {
	return &Network{
		Embedding: nn.NewEmbedding(init, words, width, nn.WithInit(nn.Normal(0, 0.1))),
		DropIn:    nn.Dropout{P: 0.3},
		LSTM:      nn.NewLSTM(init, width, hidden, nn.Bidirectional(), nn.BatchFirst()),
		DropOut:   nn.Dropout{P: 0.3},
		Out:       nn.NewLinear(init, 2*hidden, len(Classes)),
	}
}

// Forward maps texts (B, T) of word numbers, as float32 because that is what
// data sets hold, to logits (B, 2).
func (m *Network) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	lengths := lengthsOf(x)
	x = x.Narrow(1, 0, slices.Max(lengths)).To(tensor.Int64)  // (B, t)
	vectors := m.DropIn.Forward(c, m.Embedding.Forward(c, x)) // (B, t, width)
	y, _ := m.LSTM.Run(c, vectors, nn.LSTMState{}, lengths)   // (B, t, 2*hidden)
	share := make([]float64, len(lengths))
	for i, n := range lengths {
		share[i] = 1 / float64(n)
	}
	// Behind the end of a text the states are zero, so a sum is one over the text.
	mean := y.Sum(1).Mul(tensor.FromSlice(share, len(share), 1).To(y.DType())) // (B, 2*hidden)
	return m.Out.Forward(c, m.DropOut.Forward(c, mean))
}

// lengthsOf returns how long the texts (B, T) are; one without a word counts as
// one word of padding.
func lengthsOf(x *tensor.Tensor) []int {
	lengths := make([]int, x.Dim(0))
	numbers := tensor.Data[float32](x.Contiguous())
	for i := range lengths {
		row := numbers[i*x.Dim(1):][:x.Dim(1)]
		n := len(row)
		for n > 1 && row[n-1] == padding {
			n--
		}
		lengths[i] = n
	}
	return lengths
}

// BagOfWords is logistic regression on which words a text has, whatever their
// order and number: what the network must be better than.
type BagOfWords struct {
	Weight *nn.EmbeddingBag // (words, 2)
	Bias   *tensor.Tensor   // (2)
}

// NewBagOfWords returns a model that finds both classes equally likely.
func NewBagOfWords(init *nn.Init, words int) *BagOfWords {
	return &BagOfWords{
		nn.NewEmbeddingBag(init, words, len(Classes), tensor.BagSum, nn.WithInit(nn.Zeros), nn.PaddingIndex(padding)),
		tensor.Zeros(len(Classes)).RequireGrad(),
	}
}

// Forward maps texts (B, T) of word numbers to logits (B, 2).
func (m *BagOfWords) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	numbers := tensor.Data[float32](x.Contiguous())
	ids, offsets := []int64{}, make([]int64, x.Dim(0))
	for i := range offsets {
		offsets[i] = int64(len(ids))
		seen := map[float32]bool{}
		for _, id := range numbers[i*x.Dim(1):][:x.Dim(1)] {
			if !seen[id] {
				ids = append(ids, int64(id))
			}
			seen[id] = true
		}
	}
	return m.Weight.Run(c, tensor.FromSlice(ids), tensor.FromSlice(offsets)).Add(m.Bias)
}
