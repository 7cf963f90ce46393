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

// Initializer draws the initial values of one weight, in float32. fanIn and
// fanOut are the numbers of inputs to and outputs from one unit; where channels
// are cut into groups, those of its group (PyTorch counts the outputs of all). An
// initialiser is a function, so anyone can write one.
type Initializer func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor

// Zeros starts with zeros.
func Zeros(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return tensor.Zeros(shape...)
}

// Ones starts with ones.
func Ones(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return tensor.Ones(shape...)
}

// Constant starts with v everywhere.
func Constant(v float64) Initializer {
	return func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		return tensor.Full(v, tensor.Float32, shape...)
	}
}

// Normal draws from a normal distribution.
func Normal(mean, std float64) Initializer {
	return func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		return r.Normal(mean, std, shape...)
	}
}

// Uniform draws from [low, high).
func Uniform(low, high float64) Initializer {
	return func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		return r.Uniform(low, high, shape...)
	}
}

// TruncatedNormal draws from a normal distribution without its tails beyond two
// standard deviations. std is that of the distribution before they are cut off;
// what is left has 0.88 of it.
func TruncatedNormal(mean, std float64) Initializer {
	return func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		// u is uniform between the values of erf at -2 and 2 standard
		// deviations, so the inverse of erf makes it normal in between.
		edge := math.Erf(math.Sqrt2)
		t := r.Uniform(-edge, edge, shape...)
		v := tensor.MutableData[float32](t)
		for i, u := range v {
			z := math.Sqrt2 * math.Erfinv(float64(u))
			v[i] = float32(mean + std*min(max(z, -2), 2))
		}
		return t
	}
}

// XavierUniform draws uniformly with variance 2/(fanIn+fanOut), which keeps the
// variance about the same forward and back through tanh (Glorot and Bengio
// 2010).
func XavierUniform(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return uniformWith(r, 2/float64(fanIn+fanOut), shape)
}

// XavierNormal draws from a normal distribution with the variance of
// [XavierUniform].
func XavierNormal(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return normalWith(r, 2/float64(fanIn+fanOut), shape)
}

// HeUniform draws uniformly with variance 2/fanIn, for layers before ReLU (He
// et al., arXiv 1502.01852).
func HeUniform(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return uniformWith(r, 2/float64(fanIn), shape)
}

// HeNormal draws from a normal distribution with the variance of [HeUniform].
func HeNormal(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return normalWith(r, 2/float64(fanIn), shape)
}

// LeCunUniform draws uniformly with variance 1/fanIn, as SELU wants it (LeCun
// et al., Efficient BackProp, 1998; Klambauer et al., arXiv 1706.02515).
func LeCunUniform(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return uniformWith(r, 1/float64(fanIn), shape)
}

// LeCunNormal draws from a normal distribution with the variance of
// [LeCunUniform].
func LeCunNormal(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return normalWith(r, 1/float64(fanIn), shape)
}

// FanInUniform draws uniformly from ±1/sqrt(fanIn): what PyTorch's Linear and
// Conv2d start with, and ours.
func FanInUniform(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	return uniformWith(r, 1/(3*float64(fanIn)), shape)
}

func normalWith(r *tensor.Rand, variance float64, shape []int) *tensor.Tensor {
	return r.Normal(0, math.Sqrt(variance), shape...)
}

func uniformWith(r *tensor.Rand, variance float64, shape []int) *tensor.Tensor {
	bound := math.Sqrt(3 * variance)
	return r.Uniform(-bound, bound, shape...)
}

// Gain scales what f draws: 5/3 is usual before tanh, sqrt(2) before ReLU
// (which the He initialisers include), sqrt(2/(1+slope²)) before leaky ReLU.
func Gain(gain float64, f Initializer) Initializer {
	return func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		return f(r, fanIn, fanOut, shape...).MulScalar(gain)
	}
}

// Orthogonal draws a matrix (shape[0], rest) whose rows, or columns if there
// are fewer of them, are orthonormal (Saxe et al., arXiv 1312.6120). It is
// uniform over all such matrices: the Q of a normal matrix's QR decomposition,
// with the signs that make the diagonal of R positive (Mezzadri, Notices of the
// AMS 54, 2007).
func Orthogonal(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
	if len(shape) < 2 {
		panic(&tensor.ShapeError{Op: "orthogonal", Want: "needs at least two axes; got " + tensor.ShapeString(shape)})
	}
	rows, cols := shape[0], tensor.NumElements(shape[1:])
	wide := rows < cols
	short, long := min(rows, cols), max(rows, cols)
	vectors := make([][]float64, short)
	normal := r.Normal(0, 1, short, long).Float64s()
	for i := range vectors {
		vectors[i] = normal[i*long : (i+1)*long]
	}
	orthonormalise(vectors)
	out := tensor.Zeros(shape...)
	v := tensor.MutableData[float32](out)
	for i, vector := range vectors {
		for j, x := range vector {
			if wide {
				v[i*cols+j] = float32(x)
			} else {
				v[j*cols+i] = float32(x)
			}
		}
	}
	return out
}

// orthonormalise is the method of Gram and Schmidt. Doing it twice to each
// vector makes up for what rounding leaves after the first time.
func orthonormalise(vectors [][]float64) {
	for i, v := range vectors {
		for range 2 {
			for _, u := range vectors[:i] {
				along := dot(u, v)
				for j := range v {
					v[j] -= along * u[j]
				}
			}
		}
		length := math.Sqrt(dot(v, v))
		for j := range v {
			v[j] /= length
		}
	}
}

// dot adds in four sums, since one addition would wait for the one before.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
