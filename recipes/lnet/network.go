// Package lnet has the recipe of the L-layer network, written as the courses
// write it: a forward pass that keeps caches, a backward pass by hand, and an
// update rule. It is there to be read; package nn is what to build with, and
// package tensor takes derivatives by itself.
//
// Names and shapes are those of Ng, Deep Learning Specialization, course 1: a
// column is an example, X is (n[0], m) for m examples of n[0] features, and layer
// l = 1 ... L has W[l] (n[l], n[l-1]) and b[l] (n[l], 1).
package lnet

import (
	"math"

	"github.com/hadal-ml/hadal/tensor"
)

// Network tells two classes apart. Hidden layers are A[l] = ReLU(Z[l]) with
// Z[l] = W[l] A[l-1] + b[l] and A[0] = X; the last one is a single sigmoid, the
// probability of class 1. With one layer it is logistic regression.
type Network struct {
	Layers []Layer
}

// Layer has the parameters of a layer, or their derivatives.
type Layer struct {
	W *tensor.Tensor // (n[l], n[l-1])
	B *tensor.Tensor // (n[l], 1)
}

// Cache is what the forward pass of a layer keeps for the backward pass.
type Cache struct {
	Input *tensor.Tensor // A[l-1] (n[l-1], m)
	Z     *tensor.Tensor // (n[l], m)
}

// New returns a network with sizes n[0], n[1], ..., n[L] = 1. Weights are normal
// with variance 2/n[l-1], so that ReLU keeps the size of the signals from layer to
// layer (He et al., arXiv 1502.01852); biases are zero.
func New(random *tensor.Rand, sizes ...int) *Network {
	n := &Network{}
	for l := 1; l < len(sizes); l++ {
		n.Layers = append(n.Layers, Layer{
			W: random.Normal(0, math.Sqrt(2/float64(sizes[l-1])), sizes[l], sizes[l-1]),
			B: tensor.Zeros(sizes[l], 1),
		})
	}
	return n
}

// Forward maps examples X (n[0], m) to the probabilities A[L] (1, m) of class 1.
func (n *Network) Forward(x *tensor.Tensor) (al *tensor.Tensor, caches []Cache) {
	a := x
	for l, layer := range n.Layers {
		z := layer.W.MatMul(a).Add(layer.B) // (n[l], m)
		caches = append(caches, Cache{a, z})
		if l < len(n.Layers)-1 {
			a = z.ReLU()
		} else {
			a = z.Sigmoid()
		}
	}
	return a, caches
}

// Cost is the mean cross-entropy, -y log a - (1-y) log(1-a), of labels Y (1, m)
// that are 0 or 1. With a = σ(z) that is log(1+eᶻ) - yz, which stays a number
// where a has been rounded to 0 or 1.
func Cost(y *tensor.Tensor, caches []Cache) float64 {
	z := caches[len(caches)-1].Z
	return z.Softplus().Sub(y.Mul(z)).Mean().Item()
}

// Backward returns the derivatives of the cost of examples with labels Y (1, m),
// layer by layer, from what Forward returned: the chain rule from the last layer
// to the first.
func (n *Network) Backward(al, y *tensor.Tensor, caches []Cache) []Layer {
	gradients := make([]Layer, len(n.Layers))
	m := float64(y.Dim(1))
	dz := al.Sub(y) // (1, m): sigmoid and cross-entropy in one, as their derivatives cancel
	for l := len(n.Layers) - 1; l >= 0; l-- {
		gradients[l] = Layer{
			W: dz.MatMul(caches[l].Input.T()).MulScalar(1 / m), // (n[l], n[l-1])
			B: dz.SumKeep(1).MulScalar(1 / m),                  // (n[l], 1)
		}
		if l > 0 {
			da := n.Layers[l].W.T().MatMul(dz) // (n[l-1], m)
			below := caches[l-1].Z
			dz = da.Mul(below.GreaterScalar(0).To(da.DType())) // ReLU passes on what it let through
		}
	}
	return gradients
}

// Update takes a step of gradient descent: W[l] -= α dW[l], b[l] -= α db[l].
func (n *Network) Update(gradients []Layer, rate float64) {
	for l, layer := range n.Layers {
		layer.W.CopyFrom(layer.W.Sub(gradients[l].W.MulScalar(rate)))
		layer.B.CopyFrom(layer.B.Sub(gradients[l].B.MulScalar(rate)))
	}
}
