package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// initialization shows what the spread of the initial weights does to the
// activations of one layer after the other. Too wide, and sigmoid and tanh
// saturate, where their gradient is nothing; too narrow, and all units say the
// same. The deviation that keeps the spread of activations from layer to layer
// follows from the number of inputs: Xavier's 1/sqrt(n) for activations that are
// nearly linear about zero, He's sqrt(2/n) for ReLU, which cuts off a half.
var initialization = Experiment{
	Name: "init", Summary: "Histograms of activations, layer by layer, for initial weights that are too wide, too narrow, Xavier's and He's",
	Source:  "Saitoh, Deep Learning from Scratch, ch. 6.2; Glorot and Bengio 2010; He et al., arXiv 1502.01852",
	Seconds: 8, Run: runInitialization,
}

// spread is a deviation of initial weights, as a function of the number of inputs.
type spread struct {
	name string
	std  func(inputs int) float64
}

var spreads = []spread{
	{"std 1", func(int) float64 { return 1 }},
	{"std 0.01", func(int) float64 { return 0.01 }},
	{"Xavier", func(n int) float64 { return math.Sqrt(1 / float64(n)) }},
	{"He", func(n int) float64 { return math.Sqrt(2 / float64(n)) }},
}

// activation is a function that units apply, and what to look at in its values.
type activation struct {
	name      string
	apply     func(x *tensor.Tensor) *tensor.Tensor
	shown     [2]float64           // range of the histograms
	saturated func(v float64) bool // the gradient is nearly nothing
}

var activations = []activation{
	{"sigmoid", (*tensor.Tensor).Sigmoid, [2]float64{0, 1}, func(v float64) bool { return v < 0.05 || v > 0.95 }},
	{"tanh", (*tensor.Tensor).Tanh, [2]float64{-1, 1}, func(v float64) bool { return math.Abs(v) > 0.95 }},
	{"ReLU", (*tensor.Tensor).ReLU, [2]float64{0, 2}, func(v float64) bool { return v == 0 }},
}

// pass returns the activations of some layers of 100 units, in order, for 1000
// samples of normally distributed inputs. There are no biases.
func pass(a activation, std func(int) float64, layers int, seed uint64) [][]float64 {
	const samples = 1000
	random := tensor.NewRand(seed)
	x := random.Split("inputs").Normal(0, 1, samples, units)
	var out [][]float64
	for i := range layers {
		w := random.Split(fmt.Sprint("layer ", i)).Normal(0, std(units), units, units)
		x = a.apply(x.MatMul(w))
		out = append(out, x.Float64s())
	}
	return out
}

// share is the share of values of which something holds.
func share(values []float64, holds func(float64) bool) float64 {
	n := 0
	for _, v := range values {
		if holds(v) {
			n++
		}
	}
	return float64(n) / float64(len(values))
}

// deviation is the standard deviation.
func deviation(values []float64) float64 {
	mean, square := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		square += (v - mean) * (v - mean) / float64(len(values))
	}
	return math.Sqrt(square)
}

// draw is the initialiser of a layer whose weights begin with that spread.
func (s spread) draw(r *tensor.Rand, fanIn, _ int, shape ...int) *tensor.Tensor {
	return r.Normal(0, s.std(fanIn), shape...)
}

func runInitialization(ctx context.Context, s Settings) (*Report, error) {
	const layers = 5
	r := &Report{}
	var rows [][]plot.Part
	for _, a := range activations {
		var row []plot.Part
		for _, w := range spreads {
			values := pass(a, w.std, layers, s.Seed)
			deep := values[layers-1]
			r.add(share(deep, a.saturated), "saturated_%s_%s", a.name, w.name)
			r.add(deviation(deep), "deviation_%s_%s", a.name, w.name)
			row = append(row, plot.Distributions{Title: fmt.Sprintf("%s, %s", a.name, w.name), XLabel: "layer", Values: values, Range: a.shown, Full: 0.1})
		}
		rows = append(rows, row)
	}
	steps := s.amount(2000, 100)
	d := some(0, s.amount(60000, 2000))
	var curves []plot.Series
	for i, w := range spreads {
		if err := s.progress(ctx, i, len(spreads), "training from "+w.name); err != nil {
			return nil, err
		}
		found, err := losses(ctx, fiveLayers(nn.NewInit(s.Seed), w.draw), optim.SGD(0.01), d, steps, 128, s.key("init"))
		if err != nil {
			return nil, err
		}
		curve := smooth(found, steps/40)
		r.add(last(curve), "mnist_loss_%s", w.name)
		curves = append(curves, plot.Series{Name: w.name, X: countFrom1(steps), Y: curve})
	}
	rows = append(rows, []plot.Part{plot.Chart{Title: "MNIST, five layers with ReLU, SGD 0.01: training loss", XLabel: "step", YRange: [2]float64{0, 3}, Series: curves}})
	r.Caption = fmt.Sprintf("Activations of five layers of 100 units: values upwards, and the longer a bar, the more of them, up to a tenth of all; what lies beyond the axis is counted at its end. "+
		"Std 1: in the fifth layer %.0f%% of the sigmoids and %.0f%% of the tanhs are saturated, and ReLUs have grown to a deviation of %.2g. Std 0.01: the deviation of tanh has shrunk to %.1g, and every sigmoid says nearly 0.5. "+
		"Xavier keeps that of tanh at %.2f; with ReLU, which cuts off a half, it has fallen to %.2f. He keeps it at %.2f. Below, what that means for learning: after %d steps the loss is %.2f from std 0.01, %.2f from Xavier and %.2f from He; from std 1 it is %s.",
		100*r.Get("saturated_sigmoid_std 1"), 100*r.Get("saturated_tanh_std 1"), r.Get("deviation_ReLU_std 1"), r.Get("deviation_tanh_std 0.01"),
		r.Get("deviation_tanh_Xavier"), r.Get("deviation_ReLU_Xavier"), r.Get("deviation_ReLU_He"),
		steps, r.Get("mnist_loss_std 0.01"), r.Get("mnist_loss_Xavier"), r.Get("mnist_loss_He"), inWords(r.Get("mnist_loss_std 1")))
	return r.draw(plot.Board{Title: "init: how wide the initial weights should be", Rows: rows, Heights: []float64{1, 1, 1, 1.15}, Height: 1700})
}
