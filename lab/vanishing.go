package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// vanishing shows how large the gradient of the loss is when it comes to the
// output of each layer, before the first step. On its way back it is multiplied
// in every layer by weights and by the slope of the activation; a sigmoid's slope
// is at most 1/4, so that of forty layers only the last ones learn. ReLU, weights
// to match, normalisation and shortcuts are ways to keep the product near 1.
var vanishing = Experiment{
	Name: "vanishing", Summary: "The gradient's norm in each layer, by depth and activation, and what keeps it from vanishing",
	Source:  "Hochreiter 1991; Glorot and Bengio 2010; Nielsen, Neural Networks and Deep Learning, ch. 5; He et al., arXiv 1512.03385",
	Seconds: 2, Run: runVanishing,
}

// tower is a kind of deep network.
type tower struct {
	title     string
	apply     func(x *tensor.Tensor) *tensor.Tensor
	init      nn.Initializer
	normalize bool // batch normalisation before each activation
	shortcut  bool // each layer adds to its input
}

var towers = []tower{
	{title: "sigmoid, Xavier", apply: (*tensor.Tensor).Sigmoid, init: nn.XavierNormal},
	{title: "tanh, Xavier", apply: (*tensor.Tensor).Tanh, init: nn.XavierNormal},
	{title: "ReLU, He", apply: (*tensor.Tensor).ReLU, init: nn.HeNormal},
	{title: "ReLU, Xavier", apply: (*tensor.Tensor).ReLU, init: nn.XavierNormal},
	{title: "sigmoid, batch norm", apply: (*tensor.Tensor).Sigmoid, init: nn.XavierNormal, normalize: true},
	{title: "sigmoid, shortcuts", apply: (*tensor.Tensor).Sigmoid, init: nn.XavierNormal, shortcut: true},
}

// hiddenLayer is one storey of a tower.
type hiddenLayer struct {
	Linear *nn.Linear
	Norm   *nn.BatchNorm1d // or nil
	tower  tower
}

// Forward maps (B, inputs) to (B, 100).
func (l *hiddenLayer) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	y := l.Linear.Forward(c, x)
	if l.Norm != nil {
		y = l.Norm.Forward(c, y)
	}
	y = l.tower.apply(y)
	if l.tower.shortcut && x.Dim(1) == y.Dim(1) {
		y = y.Add(x)
	}
	return y
}

// gradientNorms returns the norm of the loss's gradient with respect to the
// output of each hidden layer, the first layer first, for a batch of digits.
func gradientNorms(t tower, depth int, d digits, seed uint64) []float64 {
	init := nn.NewInit(seed)
	net := nn.Sequential{}
	inputs := pixels
	for range depth {
		l := &hiddenLayer{Linear: nn.NewLinear(init, inputs, units, nn.WithInit(t.init), nn.WithBiasInit(nn.Zeros)), tower: t}
		if t.normalize {
			l.Norm = nn.NewBatchNorm1d(units)
		}
		net, inputs = append(net, l), units
	}
	out := nn.NewLinear(init, inputs, classes, nn.WithInit(nn.XavierNormal), nn.WithBiasInit(nn.Zeros))
	nn.To(append(net, out), tensor.Float64) // in float32 the smallest of these gradients would be zero

	c, x := nn.Training(0), d.x.To(tensor.Float64)
	var outputs []*tensor.Tensor
	for _, l := range net {
		x = l.Forward(c, x)
		outputs = append(outputs, x)
	}
	var norms []float64
	for _, g := range tensor.Grad(nn.CrossEntropy(out.Forward(c, x), d.y), outputs) {
		norms = append(norms, g.Norm(2).Item())
	}
	return norms
}

func runVanishing(ctx context.Context, s Settings) (*Report, error) {
	r := &Report{}
	depths := []int{5, 10, 20, 40}
	d := some(0, 100)
	var parts []plot.Part
	for i, t := range towers {
		if err := s.progress(ctx, i, len(towers), t.title); err != nil {
			return nil, err
		}
		chart := plot.Chart{Title: t.title, XLabel: "layer, from the input", LogY: true, YRange: [2]float64{1e-30, 1e3}}
		for _, depth := range depths {
			norms := gradientNorms(t, depth, d, s.Seed)
			r.add(norms[0]/norms[depth-1], "first_to_last_%s_%d", t.title, depth)
			chart.Series = append(chart.Series, plot.Series{Name: fmt.Sprintf("%d layers", depth), X: countFrom1(depth), Y: norms})
		}
		parts = append(parts, chart)
	}
	perLayer := func(title string) float64 {
		return math.Pow(r.Get(fmt.Sprintf("first_to_last_%s_40", title)), 1./39)
	}
	r.Caption = fmt.Sprintf("Norm of the gradient of the loss with respect to each layer's output, for 100 digits before the first step; 100 units a layer. On its way back through forty layers it is multiplied in each, on average, by %.2f with sigmoid and %.2f with tanh, both with Xavier's weights, and by %.2f with ReLU and He's. "+
		"With Xavier's, ReLU multiplies it by %.2f: weights and activation must match. Sigmoid with batch normalisation has %.2f, with shortcuts around each layer %.2f.",
		perLayer("sigmoid, Xavier"), perLayer("tanh, Xavier"), perLayer("ReLU, He"), perLayer("ReLU, Xavier"), perLayer("sigmoid, batch norm"), perLayer("sigmoid, shortcuts"))
	return r.draw(plot.Board{Title: "vanishing: how much of the gradient comes back to the first layers", Rows: [][]plot.Part{parts[:3], parts[3:]}})
}
