package nn

import (
	"math"
	"strconv"

	"github.com/hadal-ml/hadal/tensor"
)

// Init is the source of initial weights that constructors take. Layers made in
// the same order from the same seed have the same weights.
type Init struct {
	rand  *tensor.Rand
	count int
}

// NewInit returns the source of a seed.
func NewInit(seed uint64) *Init { return &Init{rand: tensor.NewRand(seed).Split("init")} }

// next returns the generator of the next tensor.
func (i *Init) next() *tensor.Rand {
	i.count++
	return i.rand.Split(strconv.Itoa(i.count))
}

// Initializer draws the initial values of one weight. fanIn and fanOut are the
// numbers of inputs to and outputs from one unit.
type Initializer func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor

// HeNormal draws from a normal distribution with variance 2/fanIn, for layers
// before ReLU (He et al. 2015).
func HeNormal(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return r.Normal(0, math.Sqrt(2/float64(fanIn)), shape...)
}

// FanInUniform draws uniformly from ±1/sqrt(fanIn): what PyTorch's Linear and
// Conv2d start with.
func FanInUniform(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	b := 1 / math.Sqrt(float64(fanIn))
	return r.Uniform(-b, b, shape...)
}

// Zeros starts with zeros.
func Zeros(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return tensor.Zeros(shape...)
}

// Option changes how a layer is built. Every constructor takes any number; an
// option that means nothing to a layer panics.
type Option struct {
	name  string
	apply func(o *options)
}

type options struct {
	weight, bias              Initializer
	noBias                    bool
	stride, padding, dilation [2]int
	outputPadding             [2]int
	groups                    int
}

// WithInit draws the weight from f.
func WithInit(f Initializer) Option { return Option{"WithInit", func(o *options) { o.weight = f }} }

// WithBiasInit draws the bias from f.
func WithBiasInit(f Initializer) Option {
	return Option{"WithBiasInit", func(o *options) { o.bias = f }}
}

// NoBias leaves the bias out.
func NoBias() Option { return Option{"NoBias", func(o *options) { o.noBias = true }} }

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

// build applies options, of which only the named ones are allowed.
func build(layer string, list []Option, allowed ...string) options {
	o := options{weight: FanInUniform, bias: FanInUniform, groups: 1}
next:
	for _, opt := range list {
		for _, a := range allowed {
			if opt.name == a {
				opt.apply(&o)
				continue next
			}
		}
		panic("nn: " + layer + " does not take the option " + opt.name)
	}
	return o
}
