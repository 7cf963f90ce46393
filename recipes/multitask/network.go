// Package multitask has the recipe of one network with two heads, which reads
// digits and says whether they have a closed loop, beside two networks of the
// same size that do one of the two each (Caruana, Multitask Learning, Machine
// Learning 28, 1997).
package multitask

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

const classes = 10

// closed says of each digit whether it has a closed loop as it is usually written.
var closed = [classes]bool{0: true, 6: true, 8: true, 9: true}

// Network is a small convolutional network, the trunk, with a head for each task.
type Network struct {
	Conv1, Conv2 *nn.Conv2d
	Hidden       *nn.Linear
	Digit, Loop  *nn.Linear // the heads; nil: the task is not learned
}

// Tasks are those that a network learns.
type Tasks struct{ Digit, Loop bool }

// New returns a network for the tasks.
func New(init *nn.Init, tasks Tasks) *Network {
	m := &Network{
		Conv1:  nn.NewConv2d(init, 1, 16, 5, nn.WithInit(nn.HeNormal)),
		Conv2:  nn.NewConv2d(init, 16, 32, 5, nn.WithInit(nn.HeNormal)),
		Hidden: nn.NewLinear(init, 32*4*4, 128, nn.WithInit(nn.HeNormal)),
	}
	if tasks.Digit {
		m.Digit = nn.NewLinear(init, 128, classes)
	}
	if tasks.Loop {
		m.Loop = nn.NewLinear(init, 128, 1)
	}
	return m
}

// Forward maps images (B, 1, 28, 28) to the logits of the digits (B, 10) and of a
// closed loop (B); nil without the head.
func (m *Network) Forward(c *nn.Context, x *tensor.Tensor) (digits, loops *tensor.Tensor) {
	x = m.Conv1.ForwardReLU(c, x).MaxPool2d(2) // (B, 16, 12, 12)
	x = m.Conv2.ForwardReLU(c, x).MaxPool2d(2) // (B, 32, 4, 4)
	x = m.Hidden.ForwardReLU(c, x.Flatten(1))  // (B, 128)
	if m.Digit != nil {
		digits = m.Digit.Forward(c, x)
	}
	if m.Loop != nil {
		loops = m.Loop.Forward(c, x).Squeeze(1)
	}
	return digits, loops
}

// loopWeight is the weight of the second task's loss where both are learned.
const loopWeight = 1

// Loss is the cross-entropy of the digits plus the weighted one of the loops, of
// images that show the given digits (B), int64: gradients of both meet in the
// trunk. Where there is one task it is the loss of that alone.
func (m *Network) Loss(c *nn.Context, x, shown *tensor.Tensor) *tensor.Tensor {
	digits, loops := m.Forward(c, x)
	switch {
	case loops == nil:
		return nn.CrossEntropy(digits, shown)
	case digits == nil:
		return nn.BCEWithLogits(loops, haveLoops(shown))
	}
	return nn.CrossEntropy(digits, shown).Add(nn.BCEWithLogits(loops, haveLoops(shown)).MulScalar(loopWeight))
}

// haveLoops turns digits (B) into 1 where they have a closed loop, else 0.
func haveLoops(digits *tensor.Tensor) *tensor.Tensor {
	return tensor.FromSlice(closed[:]).To(tensor.Float32).IndexSelect(0, digits)
}
