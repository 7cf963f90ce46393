package nn

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// Weights are the parameters of a recurrent layer by PyTorch's names, such as
// weight_ih_l0 and bias_hh_l1_reverse.
type Weights map[string]*Parameter

// Parameter is one entry of [Weights].
type Parameter struct{ *tensor.Tensor }

// recurrent is what RNN, LSTM and GRU have in common: a stack of layers, each
// in one or two directions.
type recurrent struct {
	kind          string // for errors
	gates         int
	features      int
	hidden        int
	layers        int
	bidirectional bool
	batchFirst    bool
	dropout       float64
	weightDropout float64
}

// recurrentOptions are the settings that only recurrent layers have.
type recurrentOptions struct {
	layers         int
	bidirectional  bool
	batchFirst     bool
	dropoutBetween float64
	weightDropout  float64
}

// NumLayers stacks n recurrent layers: each reads the output of the one below.
func NumLayers(n int) Option { return Option{"NumLayers", func(o *options) { o.layers = n }} }

// Bidirectional adds to each recurrent layer one that runs from the end of the
// sequences to their beginning; the outputs of the two stand side by side.
func Bidirectional() Option {
	return Option{"Bidirectional", func(o *options) { o.bidirectional = true }}
}

// BatchFirst makes a recurrent layer take and give (B, T, ...) where it would
// (T, B, ...). States keep their shape.
func BatchFirst() Option { return Option{"BatchFirst", func(o *options) { o.batchFirst = true }} }

// DropoutBetween drops elements of the outputs of all but the last of stacked
// recurrent layers with probability p while training.
func DropoutBetween(p float64) Option {
	return Option{"DropoutBetween", func(o *options) { o.dropoutBetween = p }}
}

// WeightDropout drops elements of the weights between a recurrent layer's own
// units with probability p while training, the same for all steps of a call and
// all sequences (Merity et al., arXiv 1708.02182, section 2).
func WeightDropout(p float64) Option {
	return Option{"WeightDropout", func(o *options) { o.weightDropout = p }}
}

// newRecurrent draws the weights of a stack uniformly from ±1/sqrt(hidden), as
// PyTorch does, unless told otherwise.
func newRecurrent(init *Init, kind string, gates, features, hidden int, list []Option) (recurrent, Weights) {
	o := build(kind, list, "NumLayers", "Bidirectional", "BatchFirst", "DropoutBetween", "WeightDropout", "NoBias", "WithInit", "WithBiasInit")
	r := recurrent{kind: kind, gates: gates, features: features, hidden: hidden, layers: o.layers,
		bidirectional: o.bidirectional, batchFirst: o.batchFirst, dropout: o.dropoutBetween, weightDropout: o.weightDropout}
	if features < 1 || hidden < 1 || o.layers < 1 || !(r.dropout >= 0 && r.dropout < 1) || !(r.weightDropout >= 0 && r.weightDropout < 1) {
		panic(&tensor.UseError{Op: "nn.New" + kind, Reason: fmt.Sprintf("%d features, %d hidden units, %d layers and dropout %v and %v cannot be; sizes are at least 1 and dropout is in [0, 1)", features, hidden, o.layers, r.dropout, r.weightDropout)})
	}
	w := Weights{}
	r.each(func(layer int, reverse bool) {
		in := features
		if layer > 0 {
			in = hidden * r.directions()
		}
		// The fan-in is that of a unit's state, for both weights.
		draw := func(name string, f Initializer, shape ...int) {
			w[parameterName(name, layer, reverse)] = &Parameter{f(init.next(), hidden, hidden, shape...).RequireGrad()}
		}
		draw("weight_ih", o.weight, gates*hidden, in)
		draw("weight_hh", o.weight, gates*hidden, hidden)
		if !o.noBias {
			draw("bias_ih", o.bias, gates*hidden)
			draw("bias_hh", o.bias, gates*hidden)
		}
	})
	return r, w
}

func parameterName(name string, layer int, reverse bool) string {
	name = fmt.Sprintf("%s_l%d", name, layer)
	if reverse {
		name += "_reverse"
	}
	return name
}

func (r *recurrent) directions() int {
	if r.bidirectional {
		return 2
	}
	return 1
}

// each calls f for every layer and direction, in the order of the states.
func (r *recurrent) each(f func(layer int, reverse bool)) {
	for layer := range r.layers {
		f(layer, false)
		if r.bidirectional {
			f(layer, true)
		}
	}
}

// cell runs one layer in one direction; start and last are its states.
type cell func(x *tensor.Tensor, w tensor.RecurrentWeights, start []*tensor.Tensor, o tensor.RecurrentOptions) (y *tensor.Tensor, last []*tensor.Tensor)

// run runs all layers on x or, when ids are given, on the rows of the table x.
// States have an axis of layers and directions in front, and may be nil.
func (r *recurrent) run(c *Context, weights Weights, x, ids *tensor.Tensor, start []*tensor.Tensor, lengths []int, one cell) (*tensor.Tensor, []*tensor.Tensor) {
	steps := x
	if ids != nil {
		if steps = ids; ids.NDim() != 2 {
			misfit(r.kind, "needs ids (T, B) with an axis each for steps and sequences; with BatchFirst (B, T)", ids)
		}
	} else if x.NDim() != 3 || x.Dim(2) != r.features {
		misfit(r.kind, fmt.Sprintf("needs (T, B, %d) with an axis each for steps and sequences; with BatchFirst (B, T, %d)", r.features, r.features), x)
	}
	if r.batchFirst {
		steps = steps.Transpose(0, 1)
	}
	time, batch := steps.Dim(0), steps.Dim(1)
	for _, s := range start {
		if s != nil && (s.NDim() != 3 || s.Dim(0) != r.layers*r.directions() || s.Dim(1) != batch || s.Dim(2) != r.hidden) {
			misfit(r.kind, fmt.Sprintf("needs initial states (layers*directions, B, hidden) = (%d, %d, %d)", r.layers*r.directions(), batch, r.hidden), s)
		}
	}
	o := tensor.RecurrentOptions{}
	if lengths != nil {
		o.Packing = r.packing(lengths, steps)
		steps = o.Packing.Pack(steps)
	}
	y := steps
	if ids != nil {
		y, o.IDs = x, steps
	}
	last := make([][]*tensor.Tensor, len(start))
	var sides []*tensor.Tensor
	at := 0
	r.each(func(layer int, reverse bool) {
		o.Reverse = reverse
		param := func(name string) *tensor.Tensor {
			if w := weights[parameterName(name, layer, reverse)]; w != nil {
				return c.param(w.Tensor)
			}
			return nil
		}
		first := make([]*tensor.Tensor, len(start))
		for i, s := range start {
			if s != nil {
				first[i] = s.Select(0, at)
			}
		}
		again := param("weight_hh")
		if c.training && r.weightDropout > 0 {
			again = again.Dropout(r.weightDropout, c.rand)
		}
		side, end := one(y, tensor.RecurrentWeights{WeightIH: param("weight_ih"), WeightHH: again, BiasIH: param("bias_ih"), BiasHH: param("bias_hh")}, first, o)
		for i, s := range end {
			last[i] = append(last[i], s)
		}
		at++
		if sides = append(sides, side); len(sides) < r.directions() {
			return
		}
		y, o.IDs = sides[0], nil
		if r.bidirectional {
			y = tensor.Concat(-1, sides...)
		}
		if c.training && r.dropout > 0 && layer < r.layers-1 {
			y = y.Dropout(r.dropout, c.rand)
		}
		sides = nil
	})
	if o.Packing != nil {
		y = o.Packing.Unpack(y, time)
	}
	if r.batchFirst {
		y = y.Transpose(0, 1)
	}
	states := make([]*tensor.Tensor, len(start))
	for i := range states {
		states[i] = tensor.Stack(0, last[i]...)
	}
	return y, states
}

// packing checks the lengths and packs by them.
func (r *recurrent) packing(lengths []int, steps *tensor.Tensor) *tensor.Packing {
	for _, n := range lengths {
		if n < 1 || n > steps.Dim(0) {
			misfit(r.kind, fmt.Sprintf("length %d is outside 1 to %d, the number of steps", n, steps.Dim(0)), steps)
		}
	}
	if len(lengths) != steps.Dim(1) {
		misfit(r.kind, fmt.Sprintf("%d lengths were given for %d sequences", len(lengths), steps.Dim(1)), steps)
	}
	return tensor.PackSequences(lengths)
}

// embedded looks ids up, or returns nil when the layer does better to multiply
// the table: see [LSTM.RunIDs]. A table with a row that is not learned is
// looked up, for its gradient ends there.
func (r *recurrent) embedded(c *Context, e *Embedding, ids *tensor.Tensor) *tensor.Tensor {
	if e.Weight.Dim(1) != r.features {
		misfit(r.kind, fmt.Sprintf("the embedding must be %d wide", r.features), e.Weight)
	}
	if e.Padding >= 0 || e.Weight.Dim(0) >= ids.Len() {
		return e.Forward(c, ids)
	}
	return nil
}

// table returns the rows of an embedding that is not looked up.
func (r *recurrent) table(c *Context, e *Embedding, ids *tensor.Tensor) *tensor.Tensor {
	return c.did(e, ids, c.param(e.Weight))
}
