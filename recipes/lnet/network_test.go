package lnet

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// small is a network in float64 with examples and labels.
func small(sizes ...int) (n *Network, x, y *tensor.Tensor) {
	n = New(tensor.NewRand(1), sizes...)
	nn.To(n, tensor.Float64)
	s := tensor.NewSampler(2)
	for _, layer := range n.Layers {
		layer.B.CopyFrom(s.Normal(layer.B.Shape()...))
	}
	return n, s.Normal(sizes[0], 7), tensor.FromSlice([]float64{1, 0, 0, 1, 1, 0, 1}, 1, 7)
}

var shapes = map[string][]int{"logistic": {5, 1}, "two layers": {5, 4, 1}, "five layers": {5, 6, 4, 3, 3, 1}}

func TestBackwardEqualsCentralDifferences(t *testing.T) {
	for name, sizes := range shapes {
		n, x, y := small(sizes...)
		al, caches := n.Forward(x)
		gradients := n.Backward(al, y, caches)
		cost := func() float64 {
			_, caches := n.Forward(x)
			return Cost(y, caches)
		}
		compare := func(what string, p, gradient *tensor.Tensor) {
			if !slices.Equal(p.Shape(), gradient.Shape()) {
				t.Fatalf("%s: the derivative of %s has shape %v, not %v", name, what, gradient.Shape(), p.Shape())
			}
			values, g := tensor.MutableData[float64](p), gradient.Float64s()
			var apart, size float64
			for i, v := range values {
				const h = 1e-6
				values[i] = v + h
				above := cost()
				values[i] = v - h
				below := cost()
				values[i] = v
				want := (above - below) / (2 * h)
				apart, size = apart+(g[i]-want)*(g[i]-want), size+g[i]*g[i]+want*want
			}
			if relative := math.Sqrt(apart / size); !(relative < 1e-7) {
				t.Errorf("%s: the derivative of %s differs by %g", name, what, relative)
			}
		}
		for l, layer := range n.Layers {
			compare(fmt.Sprintf("W[%d]", l+1), layer.W, gradients[l].W)
			compare(fmt.Sprintf("b[%d]", l+1), layer.B, gradients[l].B)
		}
	}
}

func TestBackwardEqualsAutograd(t *testing.T) {
	for name, sizes := range shapes {
		n, x, y := small(sizes...)
		al, caches := n.Forward(x)
		gradients := n.Backward(al, y, caches)

		a := x
		var parameters []*tensor.Tensor
		for l, layer := range n.Layers {
			a = layer.W.RequireGrad().MatMul(a).Add(layer.B.RequireGrad())
			if l < len(n.Layers)-1 {
				a = a.ReLU()
			}
			parameters = append(parameters, layer.W, layer.B)
		}
		loss := nn.BCEWithLogits(a, y)
		if cost := Cost(y, caches); math.Abs(cost-loss.Item()) > 1e-13 {
			t.Errorf("%s: a cost of %v, the loss is %v", name, cost, loss.Item())
		}
		for i, want := range tensor.Grad(loss, parameters) {
			got := gradients[i/2].W
			if i%2 == 1 {
				got = gradients[i/2].B
			}
			if d := got.Sub(want).Abs().Max().Item(); !(d < 1e-14) {
				t.Errorf("%s: parameter %d: autograd's derivative differs by %g", name, i, d)
			}
		}
	}
}

func TestUpdateGoesDownhill(t *testing.T) {
	for name, sizes := range shapes {
		n, x, y := small(sizes...)
		al, caches := n.Forward(x)
		before := Cost(y, caches)
		w := n.Layers[0].W.At(0, 0)
		gradients := n.Backward(al, y, caches)
		n.Update(gradients, 0.01)
		if got, want := n.Layers[0].W.At(0, 0), w-0.01*gradients[0].W.At(0, 0); math.Abs(got-want) > 1e-15 {
			t.Errorf("%s: a weight became %v, not %v", name, got, want)
		}
		_, caches = n.Forward(x)
		if after := Cost(y, caches); !(after < before) {
			t.Errorf("%s: a small step takes the cost from %v to %v", name, before, after)
		}
	}
}

func TestCostStaysANumberWhereTheSigmoidIsSaturated(t *testing.T) {
	n := &Network{Layers: []Layer{{W: tensor.Ones(1, 1), B: tensor.Zeros(1, 1)}}}
	al, caches := n.Forward(tensor.FromSlice([]float32{1000, -1000}, 1, 2))
	if a := al.Float64s(); a[0] != 1 || a[1] != 0 {
		t.Fatalf("probabilities %v", a)
	}
	if c := Cost(tensor.FromSlice([]float32{0, 0}, 1, 2), caches); c != 500 {
		t.Errorf("the cost is %v, not (1000 + 0) / 2", c)
	}
}
