package tensor

import "github.com/hadal-ml/hadal/internal/rng"

// Sampler draws the operands of the generic tests: float64 and reproducible.
type Sampler struct {
	key rng.Key
	n   uint64
}

// NewSampler returns the sampler of a seed.
func NewSampler(seed uint64) *Sampler { return &Sampler{key: rng.New(seed)} }

// Stream returns a new stream of random numbers.
func (s *Sampler) Stream() *rng.Stream {
	s.n++
	return s.key.Split(s.n).Stream()
}

func (s *Sampler) draw(shape []int, f func(r *rng.Stream) float64) *Tensor {
	r := s.Stream()
	v := make([]float64, NumElements(shape))
	for i := range v {
		v[i] = f(r)
	}
	return FromSlice(v).Reshape(shape...)
}

// Normal draws from the standard normal distribution.
func (s *Sampler) Normal(shape ...int) *Tensor {
	t := s.draw(shape, (*rng.Stream).Normal)
	return t
}

// Positive draws from [0.3, 1.8), where logarithms, roots and powers are smooth.
func (s *Sampler) Positive(shape ...int) *Tensor {
	return s.draw(shape, func(r *rng.Stream) float64 { return r.Uniform(0.3, 1.8) })
}

// Nonzero draws values of both signs at least 0.2 away from zero.
func (s *Sampler) Nonzero(shape ...int) *Tensor {
	return s.draw(shape, func(r *rng.Stream) float64 {
		v := r.Uniform(0.2, 1.7)
		if r.Bernoulli(0.5) {
			return -v
		}
		return v
	})
}

// Distinct draws values at least 0.05 apart in random order, for operations
// that compare elements with each other.
func (s *Sampler) Distinct(shape ...int) *Tensor {
	n := NumElements(shape)
	p := s.Stream().Perm(n)
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.05 * (float64(p[i]) - float64(n)/2 + 0.3)
	}
	return FromSlice(v).Reshape(shape...)
}

// Bools draws true and false.
func (s *Sampler) Bools(shape ...int) *Tensor {
	return s.draw(shape, func(r *rng.Stream) float64 { return float64(r.IntN(2)) }).To(Bool)
}

// Ints draws int64 values in [0, n).
func (s *Sampler) Ints(n int, shape ...int) *Tensor {
	return s.draw(shape, func(r *rng.Stream) float64 { return float64(r.IntN(n)) }).To(Int64)
}

// domain draws operands on which a function is smooth.
type domain func(s *Sampler, shape ...int) *Tensor

var (
	anyReal      domain = (*Sampler).Normal
	positive     domain = (*Sampler).Positive
	awayFromZero domain = (*Sampler).Nonzero
)

// samplesOf1 draws for an element-wise operation of one operand.
func samplesOf1(d domain) func(*Sampler) []Sample { return samplesOf1With(nil, d) }

func samplesOf1With(attr any, d domain) func(*Sampler) []Sample {
	return func(s *Sampler) []Sample {
		return []Sample{
			{Name: "matrix", In: []*Tensor{d(s, 3, 5)}, Attr: attr},
			{Name: "scalar", In: []*Tensor{d(s)}, Attr: attr},
			{Name: "channels last", In: []*Tensor{d(s, 2, 3, 2, 2).ChannelsLast()}, Attr: attr},
			{Name: "with gaps", In: []*Tensor{d(s, 4, 6).Slice(1, 1, 6, 2)}, Attr: attr},
		}
	}
}

// samplesOf2 draws for an element-wise operation of two operands.
func samplesOf2(a, b domain) func(*Sampler) []Sample {
	return func(s *Sampler) []Sample {
		return append(samplesOf2Same(a, b)(s),
			Sample{Name: "row", In: []*Tensor{a(s, 3, 4), b(s, 4)}},
			Sample{Name: "column", In: []*Tensor{a(s, 3, 1), b(s, 3, 4)}},
			Sample{Name: "scalar", In: []*Tensor{a(s), b(s, 2, 3)}},
			Sample{Name: "outer", In: []*Tensor{a(s, 3, 1, 2), b(s, 4, 1)}},
			Sample{Name: "transposed", In: []*Tensor{a(s, 3, 4), b(s, 4, 3).T()}},
			Sample{Name: "channels last and channel", In: []*Tensor{a(s, 2, 3, 2, 2).ChannelsLast(), b(s, 3, 1, 1)}},
		)
	}
}

// samplesOf2Same is samplesOf2 for operands that do not broadcast.
func samplesOf2Same(a, b domain) func(*Sampler) []Sample {
	return func(s *Sampler) []Sample {
		return []Sample{
			{Name: "same shape", In: []*Tensor{a(s, 3, 4), b(s, 3, 4)}},
			{Name: "vectors", In: []*Tensor{a(s, 7), b(s, 7)}},
		}
	}
}
