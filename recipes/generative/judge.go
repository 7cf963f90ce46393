package generative

import (
	"context"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/metrics"
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// judge says how near generated images are to those of a training set, by the
// features of a LeNet that learned to classify these: as Heusel et al. (arXiv
// 1706.08500) do it with an Inception network, of which 28x28 grey pixels know
// nothing. Distances are comparable within one judge only.
type judge struct {
	net     *models.LeNet
	real    *metrics.Gaussian // of the features of all training images
	classes int
}

// judgeDir is the folder of the judge's own training within that of the run.
const (
	judgeDir    = "judge"
	judgeEpochs = 4
)

// newJudge trains a LeNet, or reads back one that was trained in the run's folder.
func newJudge(ctx context.Context, s *recipe.Session, set, unseen data.Dataset) (*judge, error) {
	j := &judge{net: models.NewLeNet(nn.NewInit(s.Seed), len(set.Classes())), classes: len(set.Classes())}
	batch := min(128, set.Len())
	steps := (set.Len() + batch - 1) / batch * judgeEpochs
	_, err := s.Fit(ctx, judgeDir, 0, 1, j.net, train.Config{
		Train: set, Val: unseen, ValName: s.JudgeName(), Loss: nn.CrossEntropy,
		Optimizer: optim.Adam(3e-3), Schedule: optim.NewOneCycle(steps), Epochs: judgeEpochs, BatchSize: batch, Precision: train.F32, // one judge for all precisions
	})
	if err != nil {
		return nil, err
	}
	images, err := readAll(set)
	if err != nil {
		return nil, err
	}
	j.real, _, err = j.look(images)
	return j, err
}

// featureCount is the number of values that LeNet's last layer reads.
const featureCount = 84

// look returns the distribution of the features of images (n, 784) in 0..1, and
// how many of them look like each class.
func (j *judge) look(images *tensor.Tensor) (*metrics.Gaussian, []int, error) {
	var rows []float32
	counts := make([]int, j.classes)
	inBatches(images, func(x *tensor.Tensor, _, _ int) {
		f := j.net.Features(nn.Inference(), x.Reshape(x.Dim(0), 1, 28, 28)) // (B, 84)
		rows = append(rows, tensor.Data[float32](f)...)
		for _, class := range j.net.FC3.Forward(nn.Inference(), f).ArgMax(1).Int64s() {
			counts[class]++
		}
	})
	g, err := metrics.FitGaussian(rows, featureCount)
	return g, counts, err
}

// distance is the Fréchet distance of images (n, 784) from the training set, and
// the share of each class among them.
func (j *judge) distance(images *tensor.Tensor) (float64, []float64, error) {
	g, counts, err := j.look(images)
	if err != nil {
		return 0, nil, err
	}
	shares := make([]float64, len(counts))
	for class, n := range counts {
		shares[class] = float64(n) / float64(images.Dim(0))
	}
	d, err := j.real.Frechet(g)
	return d, shares, err
}
