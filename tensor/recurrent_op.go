package tensor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/rnn"
)

// recurrentAttr are the settings of an operation over the steps of sequences.
type recurrentAttr struct {
	cell   rnn.Cell
	hidden int
	batch  int
	steps  rnn.Steps
}

var opRNN, opGRU, opLSTM *Op

// Operands of the operations over steps; c0 is an LSTM's only.
const (
	recurrentInput = iota // (rows, gates*H), projected
	recurrentWeight
	recurrentBias
	recurrentH0
	recurrentC0
)

// Operands of their gradients. The cells' kernels read what a pass kept.
const (
	recurrentGradWeight = iota
	recurrentGradOutput // result of the pass
	recurrentGradGates  // kept by the pass, as is inner
	recurrentGradInner
	recurrentGradH0
	recurrentGradC0
	recurrentGradGy // gradients of output, hn and cn, or nil
	recurrentGradGhn
	recurrentGradGcn
)

func init() {
	opRNN = recurrentOps("rnn", "RNN runs plain recurrent units over projected inputs.", rnn.Tanh, rnn.ReLU)
	opGRU = recurrentOps("gru", "GRU runs gated recurrent units over projected inputs.", rnn.GRU)
	opLSTM = recurrentOps("lstm", "LSTM runs a long short-term memory over projected inputs.", rnn.LSTM)
}

// recurrentOps registers the operation of a kind of cell and its gradient. Its
// outputs are those of all steps (rows, H), the last states (B, H), of an LSTM
// the last cells (B, H), and what the gradient needs.
func recurrentOps(name, doc string, cells ...rnn.Cell) *Op {
	states := 1
	if cells[0] == rnn.LSTM {
		states = 2
	}
	auxiliary := 2 // gates and inner
	if cells[0].Gates() == 1 {
		auxiliary = 0
	}
	saved := &Saved{In: []int{recurrentWeight, recurrentH0}, Out: []int{0}}
	if states == 2 {
		saved.In = append(saved.In, recurrentC0)
	}
	for i := range auxiliary {
		saved.Out = append(saved.Out, 1+states+i)
	}
	var grad *Op
	op := register(&Op{Name: name, Doc: doc, Saved: saved, Auxiliary: auxiliary,
		Infer: func(c *Call) []Spec {
			a, x := c.Attr.(recurrentAttr), c.In[0]
			wantWide(c)
			w := a.cell.Gates() * a.hidden
			rows := 0
			for _, n := range a.steps.Rows {
				rows += n
			}
			if !slices.Equal(x.shape, []int{rows, w}) || !slices.Equal(c.In[recurrentWeight].shape, []int{w, a.hidden}) {
				misfit(name, c.In, "%d hidden units need a recurrent weight (%d, %d) and projected inputs (%d, %d)", a.hidden, w, a.hidden, rows, w)
			}
			if b := c.In[recurrentBias]; b != nil && !slices.Equal(b.shape, []int{w}) {
				misfit(name, c.In, "the bias must have %d elements", w)
			}
			for _, s := range c.In[recurrentH0:] {
				if s != nil && !slices.Equal(s.shape, []int{a.batch, a.hidden}) {
					misfit(name, c.In, "the initial states must be (%d, %d), without the axis of layers", a.batch, a.hidden)
				}
			}
			out := []Spec{{[]int{rows, a.hidden}, x.dtype, nil}}
			for range states {
				out = append(out, Spec{[]int{a.batch, a.hidden}, x.dtype, nil})
			}
			if auxiliary > 0 {
				if !wantsGrad(c) {
					rows = 0 // nobody will ask for them
				}
				out = append(out, Spec{[]int{rows, w}, x.dtype, nil}, Spec{[]int{rows, a.hidden}, x.dtype, nil})
			}
			return out
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				runSteps[float32](c)
			} else {
				runSteps[float64](c)
			}
		},
		Define: defineSteps,
		Cost: func(c *Call) (int64, int64) {
			rows, a := int64(c.In[0].shape[0]), c.Attr.(recurrentAttr)
			w := int64(a.cell.Gates() * a.hidden)
			moved := rows*(2*w+int64(a.hidden)) + w*int64(a.hidden)
			return rows * (2*w*int64(a.hidden) + 4*w), moved * int64(c.In[0].dtype.Size())
		},
		Samples: func(s *Sampler) []Sample { return recurrentSamples(s, cells) }})
	op.Grad = func(g *GradCall) {
		in := make([]*Tensor, recurrentGradGcn+1)
		in[recurrentGradWeight], in[recurrentGradOutput], in[recurrentGradH0] = g.In[recurrentWeight], g.Out[0], g.In[recurrentH0]
		if auxiliary > 0 {
			in[recurrentGradGates], in[recurrentGradInner] = g.Out[1+states], g.Out[2+states]
		}
		if states == 2 {
			in[recurrentGradC0] = g.In[recurrentC0]
		}
		copy(in[recurrentGradGy:], g.gradOut[:1+states])
		for i, t := range applyAll(grad, g.Attr, in...) {
			if g.Needs(i) {
				g.Set(i, t)
			}
		}
	}
	grad = register(&Op{Name: name + "_grad", Doc: "The gradients of the " + name + " operation, back through all steps.",
		NoGrad: "second derivatives go through the definition of " + name,
		Infer: func(c *Call) []Spec {
			a, weight := c.Attr.(recurrentAttr), c.In[recurrentGradWeight]
			rows := c.In[recurrentGradOutput].shape[0]
			w := a.cell.Gates() * a.hidden
			out := []Spec{{[]int{rows, w}, weight.dtype, nil}, {weight.shape, weight.dtype, nil}, {[]int{w}, weight.dtype, nil}}
			for range states {
				out = append(out, Spec{[]int{a.batch, a.hidden}, weight.dtype, nil})
			}
			return out
		},
		Run: func(c *Call) {
			if c.In[0].dtype == Float32 {
				runStepsBack[float32](c)
			} else {
				runStepsBack[float64](c)
			}
		},
		Samples: func(s *Sampler) []Sample {
			var out []Sample
			for _, f := range recurrentSamples(s, cells) {
				a, rows := f.Attr.(recurrentAttr), f.In[0].shape[0]
				in := make([]*Tensor, recurrentGradGcn+1)
				in[recurrentGradWeight], in[recurrentGradOutput] = f.In[recurrentWeight], s.Normal(rows, a.hidden)
				in[recurrentGradGy], in[recurrentGradGhn] = s.Normal(rows, a.hidden), s.Normal(a.batch, a.hidden)
				copy(in[recurrentGradH0:], f.In[recurrentH0:])
				if auxiliary > 0 {
					in[recurrentGradGates], in[recurrentGradInner] = s.Normal(rows, a.cell.Gates()*a.hidden), s.Normal(rows, a.hidden)
				}
				if states == 2 {
					in[recurrentGradGcn] = s.Normal(a.batch, a.hidden)
				}
				out = append(out, Sample{f.Name, in, f.Attr})
			}
			return out
		}})
	return op
}

// recurrentSamples are sequences of one length and of several, forward and in
// reverse, with and without what is optional.
func recurrentSamples(s *Sampler, cells []rnn.Cell) []Sample {
	const hidden = 3
	packed := PackSequences([]int{2, 4, 1})
	var out []Sample
	for _, cell := range cells {
		w := cell.Gates() * hidden
		for _, v := range []struct {
			name   string
			rows   int
			batch  int
			steps  rnn.Steps
			states bool
		}{
			{"plain", 6, 2, rnn.Uniform(3, 2, false), false},
			{"one step", 2, 2, rnn.Uniform(1, 2, false), true},
			{"reverse with states", 6, 2, rnn.Uniform(3, 2, true), true},
			{"lengths", packed.Rows(), 3, packed.steps(false), true},
			{"lengths in reverse", packed.Rows(), 3, packed.steps(true), true},
			{"many rows", 16, 8, rnn.Uniform(2, 8, false), false},
		} {
			in := []*Tensor{s.Normal(v.rows, w), s.Normal(w, hidden), s.Normal(w), nil}
			if cell == rnn.LSTM {
				in = append(in, nil)
			}
			if v.states {
				for i := recurrentH0; i < len(in); i++ {
					in[i] = s.Normal(v.batch, hidden)
				}
			} else {
				in[recurrentBias] = nil
			}
			out = append(out, Sample{fmt.Sprintf("%s, cell %d", v.name, cell), in, recurrentAttr{cell, hidden, v.batch, v.steps}})
		}
	}
	return out
}

// rowMajor returns the elements of an operand in row-major order, or nil.
func rowMajor[T Element](t *Tensor) []T {
	if t == nil || t.Len() == 0 {
		return nil
	}
	return dense[T](t.Contiguous())
}

func netOf[T real](a recurrentAttr, weight, bias *Tensor) *rnn.Net[T] {
	return &rnn.Net[T]{Cell: a.cell, Hidden: a.hidden, Weight: rowMajor[T](weight), Bias: rowMajor[T](bias)}
}

func runSteps[T real](c *Call) {
	a := c.Attr.(recurrentAttr)
	p := &rnn.Pass[T]{Steps: a.steps, Batch: a.batch, Input: rowMajor[T](c.In[0]), H0: rowMajor[T](c.In[recurrentH0]),
		Output: dense[T](c.Out[0]), HN: dense[T](c.Out[1])}
	kept := c.Out[2:]
	if a.cell == rnn.LSTM {
		p.C0, p.CN = rowMajor[T](c.In[recurrentC0]), dense[T](c.Out[2])
		kept = c.Out[3:]
	}
	if len(kept) > 0 {
		p.Gates, p.Inner = rowMajor[T](kept[0]), rowMajor[T](kept[1])
	}
	netOf[T](a, c.In[recurrentWeight], c.In[recurrentBias]).Forward(p)
}

func runStepsBack[T real](c *Call) {
	a := c.Attr.(recurrentAttr)
	p := &rnn.Pass[T]{Steps: a.steps, Batch: a.batch, Output: rowMajor[T](c.In[recurrentGradOutput]),
		H0: rowMajor[T](c.In[recurrentGradH0]), C0: rowMajor[T](c.In[recurrentGradC0]),
		Gates: rowMajor[T](c.In[recurrentGradGates]), Inner: rowMajor[T](c.In[recurrentGradInner])}
	g := &rnn.Gradient[T]{Output: rowMajor[T](c.In[recurrentGradGy]), HN: rowMajor[T](c.In[recurrentGradGhn]), CN: rowMajor[T](c.In[recurrentGradGcn]),
		Input: dense[T](c.Out[0]), Weight: dense[T](c.Out[1]), Bias: dense[T](c.Out[2]), H0: dense[T](c.Out[3])}
	if a.cell == rnn.LSTM {
		g.C0 = dense[T](c.Out[4])
	}
	netOf[T](a, c.In[recurrentGradWeight], nil).Backward(p, g)
}

// defineSteps is the oracle: one step after the other, as the equations stand
// in the package comment of internal/kernel/rnn.
func defineSteps(c *Call) []*Tensor {
	a, x, weight, bias := c.Attr.(recurrentAttr), c.In[0], c.In[recurrentWeight], c.In[recurrentBias]
	var h, cells *Tensor
	start := func(i int) *Tensor {
		if i < len(c.In) && c.In[i] != nil {
			return c.In[i]
		}
		return Full(0, x.dtype, a.batch, a.hidden)
	}
	h, cells = start(recurrentH0), start(recurrentC0)
	parts := make([]int, a.cell.Gates())
	for i := range parts {
		parts[i] = a.hidden
	}
	type output struct {
		first int
		rows  *Tensor
	}
	var outputs []output
	for s, rows := range a.steps.Rows {
		first := a.steps.First[s]
		in, before := x.Narrow(0, first, rows), h.Narrow(0, 0, rows)
		back := before.MatMul(weight.T())
		if bias != nil {
			back = back.Add(bias)
		}
		var next *Tensor
		switch a.cell {
		case rnn.Tanh:
			next = in.Add(back).Tanh()
		case rnn.ReLU:
			next = in.Add(back).ReLU()
		case rnn.LSTM:
			g := in.Add(back).Split(1, parts...)
			cell := g[1].Sigmoid().Mul(cells.Narrow(0, 0, rows)).Add(g[0].Sigmoid().Mul(g[2].Tanh()))
			next = g[3].Sigmoid().Mul(cell.Tanh())
			cells = Concat(0, cell, cells.Narrow(0, rows, a.batch-rows))
		case rnn.GRU:
			g, b := in.Split(1, parts...), back.Split(1, parts...)
			reset, update := g[0].Add(b[0]).Sigmoid(), g[1].Add(b[1]).Sigmoid()
			candidate := g[2].Add(reset.Mul(b[2])).Tanh()
			next = candidate.Add(update.Mul(before.Sub(candidate)))
		}
		h = Concat(0, next, h.Narrow(0, rows, a.batch-rows))
		outputs = append(outputs, output{first, next})
	}
	slices.SortFunc(outputs, func(a, b output) int { return cmp.Compare(a.first, b.first) })
	all := []*Tensor{x.Narrow(0, 0, 0).Narrow(1, 0, a.hidden)}
	for _, o := range outputs {
		all = append(all, o.rows)
	}
	out := []*Tensor{Concat(0, all...), h}
	if a.cell == rnn.LSTM {
		out = append(out, cells)
	}
	return append(out, make([]*Tensor, c.Op.Auxiliary)...)
}
