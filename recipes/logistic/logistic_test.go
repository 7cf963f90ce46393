package logistic

import (
	"math"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/breastcancer"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
	"github.com/hadal-ml/hadal/train"
)

func TestTheSoftmaxOfTheLogitsIsASigmoid(t *testing.T) {
	m := New(nn.NewInit(1), 2)
	if n := nn.CountParameters(m); n != 3 {
		t.Errorf("two features have %d parameters", n)
	}
	copy(tensor.MutableData[float32](m.Linear.Weight), []float32{2, -1})
	copy(tensor.MutableData[float32](m.Linear.Bias), []float32{0.5})
	p := m.Forward(nn.Inference(), tensor.FromSlice([]float32{1, 3, 2, 0.5}, 2, 2)).Softmax(-1)
	for i, z := range []float64{2 - 3 + 0.5, 4 - 0.5 + 0.5} {
		if got, want := p.At(i, 1), 1/(1+math.Exp(-z)); math.Abs(got-want) > 1e-6 {
			t.Errorf("the probability of sample %d is %g, want %g", i, got, want)
		}
	}
}

func TestGradients(t *testing.T) {
	m := New(nn.NewInit(1), 3)
	nn.To(m, tensor.Float64)
	x, y := tensor.NewSampler(1).Normal(5, 3), tensor.FromSlice([]int64{0, 1, 1, 0, 1})
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return nn.CrossEntropy(m.Forward(nn.Training(0), x), y) }, nn.Parameters(m)); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

// TestOnlyWhatIsLearnedFromDecidesTheScale: its features have mean 0 and deviation
// 1, and those of the held-out third nearly so.
func TestOnlyWhatIsLearnedFromDecidesTheScale(t *testing.T) {
	learn, test, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if learn.Len() != 379 || test.Len() != 190 {
		t.Errorf("%d samples to learn from and %d to test on", learn.Len(), test.Len())
	}
	// moments are the largest mean of a feature, and the farthest deviation from 1.
	moments := func(ds data.Dataset) (mean, off float64) {
		var sums, squares [breastcancer.Features]float64
		for s, err := range data.Samples(ds) {
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range s.X {
				sums[i] += float64(v) / float64(ds.Len())
				squares[i] += float64(v) * float64(v) / float64(ds.Len())
			}
		}
		for i := range sums {
			mean = max(mean, math.Abs(sums[i]))
			off = max(off, math.Abs(math.Sqrt(squares[i]-sums[i]*sums[i])-1))
		}
		return mean, off
	}
	if mean, off := moments(learn); mean > 1e-5 || off > 1e-3 {
		t.Errorf("features that are learned from have means up to %g and deviations up to %g from 1", mean, off)
	}
	if mean, off := moments(test); mean < 1e-3 || off < 1e-3 {
		t.Errorf("the features of the test samples have means up to %g and deviations up to %g from 1: they were scaled by their own", mean, off)
	}
}

func TestDescentGoesDown(t *testing.T) {
	learn, test, err := load()
	if err != nil {
		t.Fatal(err)
	}
	const epochs = 40
	cfg := train.Config{Train: learn, Val: test, Loss: nn.CrossEntropy, Epochs: epochs, BatchSize: Recipe.BatchSize, Seed: 1}
	Recipe.Configure(&cfg, Recipe.Rate, epochs)
	result, err := train.Fit(t.Context(), Recipe.New(nn.NewInit(1)), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range result.History {
		if i > 0 && !(e.Loss < result.History[i-1].Loss) {
			t.Errorf("the loss rises from %g to %g in epoch %d", result.History[i-1].Loss, e.Loss, i+1)
		}
	}
	if first := result.History[0].Loss; math.Abs(first-math.Ln2) > 1e-6 {
		t.Errorf("from weights of zero the loss is %g, want ln 2", first)
	}
	if got := result.Last().ValAccuracy; got < 0.96 {
		t.Errorf("%d epochs read %.3f of the test samples", epochs, got)
	}
}
