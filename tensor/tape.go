package tensor

// Tape returns the calls that y was computed by, each after those it depends
// on, for reading. It holds what was recorded: calls that lead from tensors
// that require a gradient.
func Tape(y *Tensor) []*Call {
	nodes := tape([]*Tensor{y})
	calls := make([]*Call, len(nodes))
	for i, n := range nodes {
		calls[i] = n.call
	}
	return calls
}

// Window returns the window, (height, width), that a convolution or a pooling
// moves over its images. ok is false for other operations.
func (c *Call) Window() (kernel, stride, dilation, padding [2]int, ok bool) {
	switch a := c.Attr.(type) {
	case convAttr:
		if c.Op == opConv2d {
			w := c.In[1].shape
			return [2]int{w[2], w[3]}, a.Stride, a.Dilation, a.Padding, true
		}
	case poolAttr:
		if c.Op == opMaxPool2d || c.Op == opAvgPool2d {
			return a.kernel, a.Stride, a.Dilation, a.Padding, true
		}
	}
	return kernel, stride, dilation, padding, false
}
