package nn

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// A capsule is a group of units whose vector says one thing: its length, which
// Squash keeps below 1, how likely it is that something is there, and its
// direction in what pose. All of it is from Sabour, Frosst and Hinton, Dynamic
// Routing Between Capsules, 2017 (arXiv 1710.09829), whose equations are named.

// Squash scales the vectors along an axis to a length below 1, short ones to
// almost nothing, and keeps their direction: s |s| / (1 + |s|²) (equation 1).
// The shape stays; at s = 0 value and derivative are 0.
func Squash(s *tensor.Tensor, axis int) *tensor.Tensor {
	length := s.NormKeep(2, axis)
	return s.Mul(length.Div(length.Square().AddScalar(1)))
}

// PrimaryCapsules turns images into capsules by a convolution: at each place it
// has a number of types of capsules, Size numbers each, which share their
// weights with the capsules of that type at the other places.
type PrimaryCapsules struct {
	Conv *Conv2d // to Size * types channels; the first of each capsule's numbers come first
	Size int
}

// NewPrimaryCapsules returns a layer with types kinds of capsules of a size.
// Options are those of [NewConv2d].
func NewPrimaryCapsules(init *Init, in, types, size, kernel int, list ...Option) *PrimaryCapsules {
	if types < 1 || size < 1 {
		panic(&tensor.UseError{Op: "nn.NewPrimaryCapsules", Reason: fmt.Sprintf("%d types of capsules of size %d; both must be positive", types, size)})
	}
	return &PrimaryCapsules{NewConv2d(init, in, types*size, kernel, list...), size}
}

// Forward maps images (N, in, H, W) to capsules (N, types*OH*OW, Size), squashed.
func (l *PrimaryCapsules) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	s := l.Conv.Forward(c, x) // (N, Size*types, OH, OW)
	// In memory capsules come last, as Capsules wants it.
	u := Squash(s.Reshape(s.Dim(0), l.Size, -1), 1) // (N, Size, types*OH*OW)
	return u.Transpose(1, 2)
}

// Capsules is a layer in which every capsule below predicts every capsule above,
// and sends what it has to those whose other predictions agree with its own.
type Capsules struct {
	Weight     *tensor.Tensor // (out, out size, in size, in): W_ij of the paper is Weight[j, :, :, i]
	Iterations int            // of the routing; 1 gives every prediction the same share
}

// NewCapsules returns a layer from in capsules of size inSize to out capsules of
// outSize, with the paper's three iterations. It starts with normal weights of
// deviation 0.1, as the authors' program does. Options: WithInit (which is told
// a fan-in of inSize and a fan-out of outSize).
func NewCapsules(init *Init, in, inSize, out, outSize int, list ...Option) *Capsules {
	if min(in, inSize, out, outSize) < 1 {
		panic(&tensor.UseError{Op: "nn.NewCapsules", Reason: fmt.Sprintf("%d capsules of size %d to %d of size %d; all must be positive", in, inSize, out, outSize)})
	}
	o := build("Capsules", append([]Option{WithInit(Normal(0, 0.1))}, list...), "WithInit")
	o.noBias = true
	l := &Capsules{Iterations: 3}
	l.Weight, _ = o.weightAndBias(init, inSize, outSize, out, out, outSize, inSize, in)
	return l
}

// Forward maps capsules (N, in, in size) to capsules (N, out, out size), by
// procedure 1 of the paper: coupling coefficients c_ij, a softmax over the
// capsules above, begin equal, and grow by how well the prediction û_ij = W_ij u_i
// agrees with the output v_j that they led to.
//
// Gradients go through the coefficients of all iterations: nothing is held
// constant. The predictions are never made, which would be N * in * out * out
// size numbers: both of their uses are products with the weights, of the inputs
// scaled by their coefficients, Σ_i c_ij W_ij u_i, and of the outputs,
// û_ij·v_j = u_i·(W_ijᵀ v_j). So most arithmetic is in matrix products of
// the whole batch, one for each capsule above. The softmax is written out: over
// the first axis, Softmax would copy its operand and its result, both ways.
func (l *Capsules) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	weight := c.param(l.Weight)
	out, outSize, inSize, in := weight.Dim(0), weight.Dim(1), weight.Dim(2), weight.Dim(3)
	if x.NDim() != 3 || !slices.Equal(x.Shape()[1:], []int{in, inSize}) {
		misfit("capsules", fmt.Sprintf("needs capsules (N, %d, %d)", in, inSize), x, l.Weight)
	}
	if l.Iterations < 1 {
		panic(&tensor.UseError{Op: "nn.Capsules", Reason: fmt.Sprintf("%d iterations of routing; there must be at least 1", l.Iterations)})
	}
	n := x.Dim(0)
	u := x.Transpose(1, 2).Contiguous()           // (N, in size, in)
	w := weight.Reshape(out, outSize, inSize*in)  // (out, out size, in size * in)
	sum := u.Reshape(n, inSize*in).MatMul(w.T())  // (out, N, out size)
	v := Squash(sum.MulScalar(1/float64(out)), 2) // with equal coefficients
	logits := tensor.Scalar(0, x.DType())         // b_ij
	for range l.Iterations - 1 {
		back := v.MatMul(w).Reshape(out, n, inSize, in)       // W_ijᵀ v_j
		logits = logits.Add(back.Mul(u).Sum(2))               // (out, N, in)
		coupling := logits.Sub(logits.LogSumExpKeep(0)).Exp() // (out, N, in)
		scaled := coupling.Unsqueeze(2).Mul(u)                // (out, N, in size, in)
		sum = scaled.Reshape(out, n, inSize*in).MatMul(w.T()) // (out, N, out size)
		v = Squash(sum, 2)
	}
	return c.did(l, x, v.Transpose(0, 1))
}

// Margins and weight of CapsuleMargin, as in the paper.
const (
	capsulePresent = 0.9 // m+
	capsuleAbsent  = 0.1 // m-
	absentWeight   = 0.5 // λ
)

// CapsuleMargin is the margin loss of capsules (equation 4): lengths (N, C) and
// int64 classes (N) give the mean over rows of max(0, 0.9 - length)² of the
// class itself and half of max(0, length - 0.1)² of each other.
func CapsuleMargin(lengths, classes *tensor.Tensor) *tensor.Tensor {
	if lengths.NDim() != 2 {
		misfit("capsule_margin", "needs lengths (N, C) and int64 classes (N)", lengths, classes)
	}
	rows, classes := classRows("capsule_margin", lengths, classes, lossOptions{ignore: noClass})
	own := classes.OneHot(rows.Dim(1), rows.DType())
	missed := hinge(rows.Neg().AddScalar(capsulePresent)).Square().Mul(own)
	imagined := hinge(rows.AddScalar(-capsuleAbsent)).Square().Mul(oneMinus(own))
	return missed.Add(imagined.MulScalar(absentWeight)).Sum(1).Mean()
}
