package nn_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// Texts of different lengths lie behind each other; offsets say where each
// begins. Word 0 is padding and counts for nothing.
func ExampleEmbeddingBag_RunWeighted() {
	votes := nn.NewEmbeddingBag(nn.NewInit(1), 4, 1, tensor.BagSum, nn.PaddingIndex(0), nn.WithInit(nn.Ones))
	ids := tensor.FromSlice([]int64{1, 2, 0, 3, 3})
	offsets := tensor.FromSlice([]int64{0, 3}) // words 1 2 0, and 3 3
	fmt.Println(votes.Run(nn.Inference(), ids, offsets).Float32s())
	rarity := tensor.FromSlice([]float32{0.5, 0.25, 9, 2, 2})
	fmt.Println(votes.RunWeighted(nn.Inference(), ids, offsets, rarity).Float32s())
	// Output:
	// [2 2]
	// [0.75 4]
}

// Words 0 to 2 stand beside each other, and words 3 to 5 do. Their vectors learn
// it from pairs and noise.
func ExampleNegativeSampling() {
	const words, pairs, noise = 6, 32, 4
	init, r := nn.NewInit(1), tensor.NewRand(1)
	m := &struct{ Centre, Beside *nn.Embedding }{nn.NewEmbedding(init, words, 8), nn.NewEmbedding(init, words, 8)}
	opt := optim.New(optim.Adam(0.05), nn.Parameters(m))
	draw := func(limit float64, shape ...int) *tensor.Tensor { return r.Uniform(0, limit, shape...).Floor() }
	for step := range uint64(100) {
		c, group := nn.Training(step), draw(2, pairs).MulScalar(3)
		centre, beside := group.Add(draw(3, pairs)).To(tensor.Int64), group.Add(draw(3, pairs)).To(tensor.Int64)
		others := draw(words, pairs, noise).To(tensor.Int64)
		nn.NegativeSampling(m.Centre.Forward(c, centre), m.Beside.Forward(c, beside), m.Beside.Forward(c, others)).Backward()
		opt.Step()
	}
	scores := m.Centre.Weight.Detach().MatMul(m.Beside.Weight.Detach().T()) // (words, words)
	for i := range words {
		fmt.Print(scores.Select(0, i).ArgMax(0).Item() >= 3, " ")
	}
	// Output: false false false true true true
}
