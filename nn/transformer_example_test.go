package nn_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// sorter puts the digits of a sequence in order: a transformer encoder of one
// layer that answers for all positions at once.
type sorter struct {
	Embedding *nn.Embedding
	Positions *nn.PositionalEncoding
	Layer     *nn.TransformerEncoderLayer
	Out       *nn.Linear
}

func (m *sorter) Forward(c *nn.Context, digits *tensor.Tensor) *tensor.Tensor { // (B, T)
	x := m.Positions.Forward(c, m.Embedding.Forward(c, digits)) // (B, T, 32)
	return m.Out.Forward(c, m.Layer.Forward(c, x))              // (B, T, 10)
}

// digits draws sequences of six digits.
func digits(r *tensor.Rand, batch int) *tensor.Tensor {
	return r.Uniform(0, 10, batch, 6).To(tensor.Int64)
}

func ExampleTransformerEncoderLayer() {
	init, r := nn.NewInit(1), tensor.NewRand(1)
	config := nn.TransformerConfig{Width: 32, Heads: 4, Hidden: 64, NormFirst: true, GELU: true}
	m := &sorter{nn.NewEmbedding(init, 10, 32), nn.NewPositionalEncoding(init, 6, 32),
		nn.NewTransformerEncoderLayer(init, config), nn.NewLinear(init, 32, 10)}
	opt := optim.New(optim.Adam(3e-3), nn.Parameters(m))
	for step := range 250 {
		x := digits(r, 64)
		sorted, _ := x.Sort(1, false)
		logits := m.Forward(nn.Training(uint64(step)), x)
		nn.CrossEntropy(logits.Reshape(-1, 10), sorted.Reshape(-1)).Backward()
		opt.Step()
	}
	unseen := digits(r, 1000)
	sorted, _ := unseen.Sort(1, false)
	right := m.Forward(nn.Inference(), unseen).ArgMax(2).Equal(sorted).To(tensor.Float32).Mean().Item()
	fmt.Println("nine of ten digits are in place:", right > 0.9)
	answer := m.Forward(nn.Inference(), tensor.FromSlice([]int64{7, 2, 9, 4, 1, 5}, 1, 6)).ArgMax(2)
	fmt.Println(answer.Int64s())
	// Output:
	// nine of ten digits are in place: true
	// [1 2 4 5 7 9]
}

// With a cache each step of a generation computes its own row only, and gives
// what one pass over the whole sequence gives.
func ExampleKVCache() {
	layer := nn.NewTransformerEncoderLayer(nn.NewInit(1), nn.TransformerConfig{Width: 16, Heads: 2})
	x := tensor.NewRand(1).Normal(0, 1, 1, 5, 16) // (B, T, width)
	whole := layer.Attend(nn.Inference(), x, nn.AttendOptions{Causal: true})
	var cache nn.KVCache
	for t := range 5 {
		row := layer.Attend(nn.Inference(), x.Narrow(1, t, 1), nn.AttendOptions{Causal: true, Cache: &cache})
		difference := row.Sub(whole.Narrow(1, t, 1)).Abs().Max().Item()
		fmt.Println(cache.Len(), row.Shape(), difference < 1e-5)
	}
	// Output:
	// 1 [1 1 16] true
	// 2 [1 1 16] true
	// 3 [1 1 16] true
	// 4 [1 1 16] true
	// 5 [1 1 16] true
}
