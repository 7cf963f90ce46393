package capsnet

import (
	"fmt"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

// draw makes the pictures of a finished run.
func draw(s *recipe.Session, m *CapsNet, judge data.Dataset, e *train.Evaluation, result *train.Result) error {
	f, err := curves(s, result)
	if err := s.Picture("curves.png", f, err); err != nil {
		return err
	}
	f, err = reconstructions(m, judge, e)
	if err := s.Picture("reconstructions.png", f, err); err != nil {
		return err
	}
	f, err = dimensions(m, judge, perturbed)
	return s.Picture("dimensions.png", f, err)
}

// curves draws the training by step and by epoch.
func curves(s *recipe.Session, result *train.Result) (*plot.Figure, error) {
	r := plot.Run{Name: "capsnet", StepEvery: recipe.LogEvery, ValName: s.JudgeName()}
	var err error
	if _, r.StepLoss, err = s.Curve("loss"); err != nil {
		return nil, err
	}
	if _, r.LearningRate, err = s.Curve("learning_rate"); err != nil {
		return nil, err
	}
	for _, e := range result.History {
		r.TrainLoss, r.ValLoss = append(r.TrainLoss, e.Loss), append(r.ValLoss, e.ValLoss)
		r.TrainAccuracy, r.ValAccuracy = append(r.TrainAccuracy, e.Accuracy), append(r.ValAccuracy, e.ValAccuracy)
	}
	return plot.Curves(r)
}

// image reads image i of a data set as a batch of one (1, 1, 28, 28), and its class.
func image(ds data.Dataset, i int) (*tensor.Tensor, int, error) {
	pixels := make([]float32, side*side)
	var target data.Target
	err := ds.Read(i, pixels, &target)
	return tensor.FromSlice(pixels, 1, 1, side, side), int(target.Class), err
}

// tile is an image (1, 1, 28, 28) as a sheet takes it.
func tile(x *tensor.Tensor) plot.Image {
	return plot.Image{Channels: 1, Height: side, Width: side, Pixels: x.Float32s()}
}

// digit is a class as the decoder takes it.
func digit(class int) *tensor.Tensor { return tensor.FromSlice([]int64{int64(class)}, 1) }

// misreadShown is how many misread digits a sheet has.
const misreadShown = 10

// reconstructions pairs the first image of each class, and then the first
// misread ones, with what the decoder draws from the capsule of the digit that
// was read.
func reconstructions(m *CapsNet, judge data.Dataset, e *train.Evaluation) (*plot.Figure, error) {
	var first, misread []int
	seen := map[int]bool{}
	for i, truth := range e.True {
		switch read := e.Predicted[i]; {
		case read != truth && len(misread) < misreadShown:
			misread = append(misread, i)
		case read == truth && !seen[truth]:
			seen[truth] = true
			first = append(first, i)
		}
	}
	var images []plot.Image
	var captions []string
	for _, i := range append(first, misread...) {
		x, truth, err := image(judge, i)
		if err != nil {
			return nil, err
		}
		read := e.Predicted[i]
		c := nn.Inference()
		images = append(images, tile(x), tile(m.Reconstruct(c, m.Capsules(c, x), digit(read))))
		captions = append(captions, fmt.Sprintf("a %d", truth), fmt.Sprintf("drawn as %d", read))
	}
	return plot.Images(images, captions, "capsnet: digits, and what their capsules say of them; misread ones last", 10)
}

// perturbed is the digit whose capsule is turned.
const perturbed = 4

// A number is changed by ±0.25, the ends of the paper's range, and shown unchanged
// in between; four numbers make a row.
const (
	perturbations = 3
	perturbStep   = 0.25
	numbersInRow  = 4
)

// dimensions draws the first image of a class (the last image of all, where
// a small part of the data has none) again and again, with one number of its
// capsule after the other made smaller and larger.
func dimensions(m *CapsNet, judge data.Dataset, class int) (*plot.Figure, error) {
	i, x, err := 0, (*tensor.Tensor)(nil), error(nil)
	for ; i < judge.Len(); i++ {
		var of int
		if x, of, err = image(judge, i); err != nil {
			return nil, err
		}
		if of == class {
			break
		}
	}
	c := nn.Inference()
	v := m.Capsules(c, x) // (1, 10, 16)
	var images []plot.Image
	var captions []string
	for d := range digitSize {
		for step := range perturbations {
			by := perturbStep * float64(step-perturbations/2)
			turned := v.Clone()
			turned.SetIndex(tensor.Scalar(v.At(0, class, d)+by, tensor.Float32), tensor.All, tensor.Int(class), tensor.Int(d))
			images = append(images, tile(m.Reconstruct(c, turned, digit(class))))
			captions = append(captions, fmt.Sprintf("v%d %+.2f", d+1, by))
		}
	}
	return plot.Images(images, captions, fmt.Sprintf("capsnet: the capsule of a %d, with one of its %d numbers changed at a time", class, digitSize), numbersInRow*perturbations)
}
