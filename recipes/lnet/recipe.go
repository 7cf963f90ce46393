package lnet

import (
	"context"
	"fmt"
	"strings"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/fashionmnist"
	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// Recipe trains three networks side by side, on the same mini-batches.
var Recipe = recipe.Recipe{
	Name: "lnet", Summary: "Logistic regression, a 2-layer and an L-layer network by hand tell shirts from pullovers",
	Source: "Ng, Deep Learning Specialization, courses 1 and 2",
	Data:   "fashion-mnist, two of its classes", Expect: "logistic regression < 2 layers <= 5 layers on the test pictures", Minutes: 0.5,
	Epochs: 30, BatchSize: 100, Rate: 0.05,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true},
	Train: run,
}

// The classes, which look alike: label 0 and label 1.
const pullover, shirt = 2, 6

// networks are what is compared, by the sizes of their hidden layers.
var networks = []struct {
	name   string
	hidden []int
}{
	{"logistic", nil},
	{"2-layer", []int{64}},
	{"5-layer", []int{128, 64, 32, 16}},
}

// Examples are flattened images as rows (m, n[0]) and their labels, 0 or 1. A
// mini-batch of rows is turned into the columns that a Network takes.
type Examples struct {
	Rows, Labels *tensor.Tensor // (m, n[0]), (m)
}

// Columns returns X (n[0], k) and Y (1, k) of the examples with those numbers (k).
func (e Examples) Columns(which *tensor.Tensor) (x, y *tensor.Tensor) {
	return e.Rows.IndexSelect(0, which).T(), e.Labels.IndexSelect(0, which).Unsqueeze(0)
}

// ofTwoClasses flattens the images of two classes of a data set, at most limit of
// them unless it is 0.
func ofTwoClasses(ds data.Dataset, class0, class1 int64, limit int) (Examples, error) {
	var rows, labels []float32
	for sample, err := range data.Samples(ds) {
		if err != nil {
			return Examples{}, err
		}
		label := sample.Y.Class
		if label != class0 && label != class1 || limit > 0 && len(labels) == limit {
			continue
		}
		rows = append(rows, sample.X...)
		labels = append(labels, 0)
		if label == class1 {
			labels[len(labels)-1] = 1
		}
	}
	return Examples{tensor.FromSlice(rows, len(labels), data.Size(ds.InputShape())), tensor.FromSlice(labels)}, nil
}

func run(ctx context.Context, s *recipe.Session) error {
	train, test, err := fashionmnist.Load()
	if err != nil {
		return err
	}
	learn, judge, err := recipe.Share{HoldOut: s.HoldOut, Seed: s.Seed}.Of(train, test) // the limit is for the two classes
	if err != nil {
		return err
	}
	learned, err := ofTwoClasses(learn, pullover, shirt, s.Limit)
	if err != nil {
		return err
	}
	tested, err := ofTwoClasses(judge, pullover, shirt, s.Limit)
	if err != nil {
		return err
	}
	return compare(ctx, s, learned, tested)
}

// centred subtracts the mean picture of what is learned from from all: features
// that are all positive pull the weights of a unit to and fro together.
func centred(learned, tested Examples) (Examples, Examples) {
	mean := learned.Rows.Mean(0)
	return Examples{learned.Rows.Sub(mean), learned.Labels}, Examples{tested.Rows.Sub(mean), tested.Labels}
}

// decay is how fast the learning rate falls, as in course 2: in epoch e it is
// α / (1 + decay e).
const decay = 0.1

// compare trains the networks on some examples and measures them on others.
func compare(ctx context.Context, s *recipe.Session, learned, tested Examples) error {
	learned, tested = centred(learned, tested)
	random := tensor.NewRand(s.Seed)
	m := learned.Labels.Dim(0)
	if s.BatchSize > m {
		return fmt.Errorf("a mini-batch of %d pictures is larger than the training data (%d of the two classes); use --batch %d or less", s.BatchSize, m, m)
	}
	var models []*Network
	state := map[string]any{}
	for _, n := range networks {
		sizes := append(append([]int{learned.Rows.Dim(1)}, n.hidden...), 1)
		models = append(models, New(random.Split(n.name), sizes...))
		state[n.name] = models[len(models)-1]
	}
	batches := (m + s.BatchSize - 1) / s.BatchSize // an epoch
	steps := s.Epochs * batches
	scope := tensor.NewInferenceScope()
	err := s.Run(ctx, recipe.Loop{Steps: steps, State: state, Step: func(step int) ([]recipe.Value, error) {
		defer scope.Release()
		epoch, batch := step/batches, step%batches
		order := random.Split(fmt.Sprintf("epoch %d", epoch)).Perm(m)
		first := batch * s.BatchSize
		x, y := learned.Columns(order.Narrow(0, first, min(s.BatchSize, m-first)))
		x, y = scope.View(x), scope.View(y)
		rate := s.Rate / (1 + decay*float64(epoch))
		var values []recipe.Value
		for i, n := range models {
			al, caches := n.Forward(x)
			values = append(values, recipe.Value{Name: "cost_" + networks[i].name, Value: Cost(y, caches)})
			n.Update(n.Backward(al, y, caches), rate)
		}
		if done := step + 1; done%measureEvery == 0 || done == steps {
			for i, n := range models {
				values = append(values,
					recipe.Value{Name: "train_" + networks[i].name, Value: Accuracy(n, learned)},
					recipe.Value{Name: s.Judged(networks[i].name), Value: Accuracy(n, tested)})
			}
		}
		return values, nil
	}})
	if err != nil {
		return err
	}
	return report(s, models, tested, batches)
}

// measureEvery is how many steps there are from one point of the learning curves
// to the next: an epoch of the whole data.
const measureEvery = 120

// Accuracy is the share of examples whose class a network finds likelier than not.
func Accuracy(n *Network, e Examples) float64 {
	scope := tensor.NewInferenceScope()
	defer scope.Release()
	al, _ := n.Forward(scope.View(e.Rows.T())) // (1, m)
	right := al.Squeeze(0).GreaterScalar(0.5).Equal(e.Labels.GreaterScalar(0.5))
	return right.CountNonzero().Item() / float64(right.Len())
}

// report notes what came out and draws all learning curves in one picture.
func report(s *recipe.Session, models []*Network, tested Examples, batches int) error {
	var sentence []string
	var curves []plot.Series
	for i, n := range models {
		name := networks[i].name
		accuracy := Accuracy(n, tested)
		s.Metric(s.Judged("accuracy_"+name), accuracy)
		sentence = append(sentence, fmt.Sprintf("%s %.2f%%", name, 100*accuracy))
		for _, of := range [][2]string{{"train_" + name, "train"}, {s.Judged(name), s.JudgeName()}} {
			steps, values, err := s.Curve(of[0])
			if err != nil {
				return err
			}
			for k := range steps {
				steps[k] /= float64(batches)
				values[k] *= 100
			}
			curves = append(curves, plot.Series{Name: name + ", " + of[1], X: steps, Y: values})
		}
	}
	s.Conclude("%s accuracy: %s", s.JudgeName(), strings.Join(sentence, ", "))
	f, err := plot.Lines(plot.Chart{Title: "lnet: shirts and pullovers", Subtitle: "accuracy on what was learned from and on the " + s.JudgeName() + " pictures",
		XLabel: "epoch", YLabel: "% right", Series: curves})
	if err := s.Picture("curves.png", f, err); err != nil {
		return err
	}
	return s.Save("", &models)
}
