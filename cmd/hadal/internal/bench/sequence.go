package bench

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// recurrentLM is a language model: embedding, recurrent layers, scores of the
// next word. It looks embeddings up first, as the peers do; for few characters
// GRU.RunIDs would do the same with half the work.
type recurrentLM struct {
	Embed *nn.Embedding
	RNN   nn.Module
	Out   *nn.Linear
}

// Forward maps ids (T, B) to scores (T*B, words).
func (m recurrentLM) Forward(c *nn.Context, ids *tensor.Tensor) *tensor.Tensor {
	y := m.RNN.Forward(c, m.Embed.Forward(c, ids)) // (T, B, width)
	return m.Out.Forward(c, y.Reshape(ids.Len(), -1))
}

// lstmLM is about the small model of Zaremba et al. (arXiv 1409.2329).
func lstmLM(init *nn.Init) nn.Module {
	const words, width = 10000, 200
	return recurrentLM{nn.NewEmbedding(init, words, width), nn.NewLSTM(init, width, width, nn.NumLayers(2)), nn.NewLinear(init, width, words)}
}

func gruChar(init *nn.Init) nn.Module {
	const characters, width = 65, 512
	return recurrentLM{nn.NewEmbedding(init, characters, width), nn.NewGRU(init, width, width), nn.NewLinear(init, width, characters)}
}

// sequenceWorkloads are the recurrent ones.
func sequenceWorkloads() []Workload {
	return []Workload{
		{"train-lstm-lm-2x200-b20-t35-v10000", func() (func(), float64) {
			return training(lstmLM(nn.NewInit(seed)), plain, classes(35*20, 10000).Reshape(35, 20), classes(35*20, 10000))
		}},
		{"train-gru-char-1x512-b64-t100-v65", func() (func(), float64) {
			return training(gruChar(nn.NewInit(seed)), adam, classes(100*64, 65).Reshape(100, 64), classes(100*64, 65))
		}},
		{"infer-lstm-lm-2x200-b1-t1", func() (func(), float64) {
			return inference(lstmLM(nn.NewInit(seed)), classes(1, 10000).Reshape(1, 1)), 0
		}},
	}
}
