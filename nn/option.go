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

// Stride sets the stride in both directions.
func Stride(n int) Option {
	return Option{"Stride", func(o *options) { o.stride = [2]int{n, n} }}
}

// Padding pads with n zeros on all sides.
func Padding(n int) Option {
	return Option{"Padding", func(o *options) { o.padding = [2]int{n, n} }}
}

// Dilation sets the distance between the elements of a filter.
func Dilation(n int) Option {
	return Option{"Dilation", func(o *options) { o.dilation = [2]int{n, n} }}
}

// OutputPadding makes the output of a transposed convolution larger.
func OutputPadding(n int) Option {
	return Option{"OutputPadding", func(o *options) { o.outputPadding = [2]int{n, n} }}
}

// Groups cuts the channels into n groups that do not mix.
func Groups(n int) Option { return Option{"Groups", func(o *options) { o.groups = n }} }

// Eps sets what a normalisation adds to the variance.
func Eps(e float64) Option { return Option{"Eps", func(o *options) { o.eps = e }} }

// Momentum sets the share of a batch in the running statistics, as in PyTorch:
// running = (1-m)*running + m*batch.
func Momentum(m float64) Option { return Option{"Momentum", func(o *options) { o.momentum = m }} }

// PaddingIndex names the row of an embedding that starts at zero and is not
// learned.
func PaddingIndex(i int) Option {
	return Option{"PaddingIndex", func(o *options) { o.paddingIndex = i }}
}

// build applies options, of which only the named ones are allowed.
func build(layer string, list []Option, allowed ...string) options {
	o := options{weight: FanInUniform, bias: FanInUniform, groups: 1, eps: 1e-5, momentum: 0.1, paddingIndex: -1}
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
	weight = o.weight(init.next(), fanIn, fanOut, shape...).RequireGrad()
	if !o.noBias {
		bias = o.bias(init.next(), fanIn, fanOut, outputs).RequireGrad()
	}
	return weight, bias
}

// conv returns the settings of a convolution. Channels that do not divide into
// the groups are found here rather than at the first input.
func (o options) conv(layer string, in, out int) tensor.ConvOptions {
	if o.groups < 1 || in%o.groups != 0 || out%o.groups != 0 {
		panic(&tensor.ShapeError{Op: "nn.New" + layer, Want: fmt.Sprintf("%d input and %d output channels do not divide into %d groups", in, out, o.groups)})
	}
	return tensor.ConvOptions{Stride: o.stride, Padding: o.padding, Dilation: o.dilation, Groups: o.groups, OutputPadding: o.outputPadding}
}
