package nn_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// rememberer reads symbols and says at the end which one came first.
type rememberer struct {
	Embed *nn.Embedding
	LSTM  *nn.LSTM
	Out   *nn.Linear
}

func (m *rememberer) Forward(c *nn.Context, ids *tensor.Tensor) *tensor.Tensor { // (T, B)
	_, last := m.LSTM.RunIDs(c, m.Embed, ids, nn.LSTMState{}, nil)
	return m.Out.Forward(c, last.H.Select(0, 0)) // (B, symbols)
}

// An LSTM learns to remember the first symbol of a sequence while others pass.
func ExampleLSTM() {
	const symbols, steps, batch = 4, 6, 32
	init, random := nn.NewInit(1), tensor.NewRand(1)
	m := &rememberer{nn.NewEmbedding(init, symbols, 8), nn.NewLSTM(init, 8, 24), nn.NewLinear(init, 24, symbols)}
	opt := optim.New(optim.Adam(0.02), nn.Parameters(m))
	draw := func() (ids, first *tensor.Tensor) {
		ids = random.Uniform(0, symbols, steps, batch).Floor().To(tensor.Int64)
		return ids, ids.Select(0, 0)
	}
	for step := range 120 {
		ids, first := draw()
		nn.CrossEntropy(m.Forward(nn.Training(uint64(step)), ids), first).Backward()
		opt.Step()
	}
	ids, first := draw()
	right := m.Forward(nn.Inference(), ids).ArgMax(1).Equal(first).To(tensor.Float32).Mean().Item()
	fmt.Printf("%.0f%% of the first symbols are remembered\n", 100*right)
	// Output: 100% of the first symbols are remembered
}

// Sequences of different lengths share a batch: each has its last state at its
// own end.
func ExampleGRU_Run() {
	gru := nn.NewGRU(nn.NewInit(1), 3, 5, nn.Bidirectional())
	x := tensor.NewRand(1).Normal(0, 1, 7, 2, 3) // (T, B, features)
	y, last := gru.Run(nn.Inference(), x, nil, []int{7, 4})
	fmt.Println(y.Shape(), last.Shape())
	fmt.Println(y.Select(1, 1).Narrow(0, 4, 3).Abs().Sum().Item()) // behind the end of the second
	// Output:
	// [7 2 10] [2 2 5]
	// 0
}
