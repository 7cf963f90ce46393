package nn

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// Option changes how a layer is built. Every constructor takes any number; an
// option that means nothing to a layer panics.
type Option struct {
	name  string
	apply func(o *options)
}

type options struct {
	layer                     string // that is built, for errors
	weight, bias              Initializer
	noBias, noAffine          bool
	stride, padding, dilation [2]int
	outputPadding             [2]int
	groups                    int
	eps, momentum             float64
	paddingIndex              int
	recurrentOptions
}

// WithInit draws the weight from f.
func WithInit(f Initializer) Option { return Option{"WithInit", func(o *options) { o.weight = f }} }

// WithBiasInit draws the bias from f.
func WithBiasInit(f Initializer) Option {
	return Option{"WithBiasInit", func(o *options) { o.bias = f }}
}

// NoBias leaves the bias out.
func NoBias() Option { return Option{"NoBias", func(o *options) { o.noBias = true }} }

// NoAffine leaves the learned scale and shift of a normalisation out.
func NoAffine() Option { return Option{"NoAffine", func(o *options) { o.noAffine = true }} }

// Stride sets the stride in both directions, at least 1.
func Stride(n int) Option {
	atLeast("Stride", n, 1)
	return Option{"Stride", func(o *options) { o.stride = [2]int{n, n} }}
}

// Padding pads with n zeros on all sides.
func Padding(n int) Option {
	atLeast("Padding", n, 0)
	return Option{"Padding", func(o *options) { o.padding = [2]int{n, n} }}
}

// Dilation sets the distance between the elements of a filter, at least 1.
func Dilation(n int) Option {
	atLeast("Dilation", n, 1)
	return Option{"Dilation", func(o *options) { o.dilation = [2]int{n, n} }}
}

// OutputPadding makes the output of a transposed convolution larger by n on one
// side, less than the stride or the dilation.
func OutputPadding(n int) Option {
	atLeast("OutputPadding", n, 0)
	return Option{"OutputPadding", func(o *options) { o.outputPadding = [2]int{n, n} }}
}

// Groups cuts the channels into n groups that do not mix.
func Groups(n int) Option { return Option{"Groups", func(o *options) { o.groups = n }} }

// Eps sets what a normalisation adds to the variance; it is not negative.
func Eps(e float64) Option {
	if !(e >= 0) {
		panic(&tensor.UseError{Op: "nn.Eps", Reason: fmt.Sprintf("it is %v; it must not be negative", e)})
	}
	return Option{"Eps", func(o *options) { o.eps = e }}
}

// Momentum sets the share in [0, 1] of a batch in the running statistics, as in
// PyTorch: running = (1-m)*running + m*batch.
func Momentum(m float64) Option {
	if !(m >= 0 && m <= 1) {
		panic(&tensor.UseError{Op: "nn.Momentum", Reason: fmt.Sprintf("the share of a batch is %v; it must be in [0, 1]", m)})
	}
	return Option{"Momentum", func(o *options) { o.momentum = m }}
}

// PaddingIndex names the row of an embedding that starts at zero and is not
// learned. It counts from the first row; PyTorch's negative ones count from the
// last.
func PaddingIndex(i int) Option {
	atLeast("PaddingIndex", i, 0)
	return Option{"PaddingIndex", func(o *options) { o.paddingIndex = i }}
}

// atLeast panics when the number of an option is too small.
func atLeast(option string, n, least int) {
	if n < least {
		panic(&tensor.UseError{Op: "nn." + option, Reason: fmt.Sprintf("it is %d; it must be at least %d", n, least)})
	}
}

// build applies options, of which only the named ones are allowed.
func build(layer string, list []Option, allowed ...string) options {
	o := options{layer: layer, weight: FanInUniform, bias: FanInUniform, groups: 1, eps: 1e-5, momentum: 0.1, paddingIndex: -1,
		recurrentOptions: recurrentOptions{layers: 1}}
	for _, opt := range list {
		if !slices.Contains(allowed, opt.name) {
			panic(&tensor.UseError{Op: "nn.New" + layer, Reason: "the layer does not take the option " + opt.name})
		}
		opt.apply(&o)
	}
	return o
}

// weightAndBias draws the parameters of a layer; the bias is nil with NoBias.
func (o options) weightAndBias(init *Init, fanIn, fanOut, outputs int, shape ...int) (weight, bias *tensor.Tensor) {
	if slices.Min(shape) < 1 { // a fan of none would draw NaN
		panic(&tensor.ShapeError{Op: "nn.New" + o.layer, Want: "a weight " + tensor.ShapeString(shape) + " has no elements; all sizes must be at least 1"})
	}
	weight = o.weight(init.next(), fanIn, fanOut, shape...).RequireGrad()
	if !o.noBias {
		bias = o.bias(init.next(), fanIn, fanOut, outputs).RequireGrad()
	}
	return weight, bias
}

// conv returns the settings of a convolution. Channels that do not divide into
// the groups are found here rather than at the first input.
func (o options) conv(in, out int) tensor.ConvOptions {
	if o.groups < 1 || in%o.groups != 0 || out%o.groups != 0 {
		panic(&tensor.ShapeError{Op: "nn.New" + o.layer, Want: fmt.Sprintf("%d input and %d output channels do not divide into %d groups", in, out, o.groups)})
	}
	return tensor.ConvOptions{Stride: o.stride, Padding: o.padding, Dilation: o.dilation, Groups: o.groups, OutputPadding: o.outputPadding}
}
