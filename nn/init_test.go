package nn

import (
	"math"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, variance
}

func TestInitializersHaveTheVarianceOfTheirPapers(t *testing.T) {
	const fanIn, fanOut = 200, 300
	cut := 0.7737413 // variance of a normal distribution cut off at two standard deviations
	for name, c := range map[string]struct {
		f              Initializer
		mean, variance float64
		bound          float64 // no value is larger; 0 for none
	}{
		"Zeros":            {Zeros, 0, 0, 0},
		"Ones":             {Ones, 1, 0, 1},
		"Constant":         {Constant(-2.5), -2.5, 0, 2.5},
		"Normal":           {Normal(1, 0.5), 1, 0.25, 0},
		"Uniform":          {Uniform(-1, 3), 1, 16.0 / 12, 3},
		"TruncatedNormal":  {TruncatedNormal(0, 0.5), 0, 0.25 * cut, 1},
		"XavierUniform":    {XavierUniform, 0, 2.0 / (fanIn + fanOut), math.Sqrt(6.0 / (fanIn + fanOut))},
		"XavierNormal":     {XavierNormal, 0, 2.0 / (fanIn + fanOut), 0},
		"HeUniform":        {HeUniform, 0, 2.0 / fanIn, math.Sqrt(6.0 / fanIn)},
		"HeNormal":         {HeNormal, 0, 2.0 / fanIn, 0},
		"LeCunUniform":     {LeCunUniform, 0, 1.0 / fanIn, math.Sqrt(3.0 / fanIn)},
		"LeCunNormal":      {LeCunNormal, 0, 1.0 / fanIn, 0},
		"FanInUniform":     {FanInUniform, 0, 1.0 / 3 / fanIn, math.Sqrt(1.0 / fanIn)},
		"Gain":             {Gain(3, LeCunNormal), 0, 9.0 / fanIn, 0},
		"Orthogonal, tall": {Orthogonal, 0, 1.0 / fanOut, 1},
	} {
		draw := func(seed uint64) []float64 {
			return c.f(tensor.NewRand(seed), fanIn, fanOut, fanOut, fanIn).Float64s()
		}
		v := draw(1)
		mean, variance := moments(v)
		// 60,000 values: the mean is known to 0.4% of the deviation, the variance to 0.6%.
		if math.Abs(mean-c.mean) > 0.02*math.Sqrt(c.variance)+1e-7 || math.Abs(variance-c.variance) > 0.03*c.variance+1e-12 {
			t.Errorf("%s: mean %v and variance %v, want %v and %v", name, mean, variance, c.mean, c.variance)
		}
		again, other, different := draw(1), draw(2), c.variance == 0
		for i := range v {
			if c.bound > 0 && math.Abs(v[i]) > c.bound*1.000001 {
				t.Fatalf("%s: %v is beyond %v", name, v[i], c.bound)
			}
			if v[i] != again[i] {
				t.Fatalf("%s: the same seed draws other values", name)
			}
			different = different || v[i] != other[i]
		}
		if !different {
			t.Errorf("%s: another seed draws the same values", name)
		}
	}
}

func TestOrthogonalIsOrthonormal(t *testing.T) {
	for _, shape := range [][]int{{5, 5}, {3, 8}, {8, 3}, {4, 2, 3, 3}, {40, 2, 3, 3}, {1, 1}} {
		w := Orthogonal(tensor.NewRand(7), 1, 1, shape...).To(tensor.Float64).Reshape(shape[0], -1)
		product, n := w.MatMul(w.T()), shape[0] // rows
		if shape[0] > w.Dim(1) {
			product, n = w.T().MatMul(w), w.Dim(1) // columns
		}
		near(t, tensor.ShapeString(shape), product, tensor.Eye(n), 1e-6)
	}
	if e := shapeErrorOf(t, func() { Orthogonal(tensor.NewRand(1), 1, 1, 3) }); e.Op != "orthogonal" {
		t.Error(e)
	}
}

func TestLayersOfOneSeedAreEqualAndIndependent(t *testing.T) {
	weights := func(seed uint64) []*tensor.Tensor {
		init := NewInit(seed)
		return []*tensor.Tensor{NewLinear(init, 4, 4).Weight, NewLinear(init, 4, 4).Weight}
	}
	a, b := weights(1), weights(1)
	near(t, "same seed", a[0], b[0], 0)
	near(t, "same seed", a[1], b[1], 0)
	if a[0].Sub(a[1]).Abs().Max().Item() == 0 || a[0].Sub(weights(2)[0]).Abs().Max().Item() == 0 {
		t.Error("two layers or two seeds have the same weights")
	}
}

func TestFanOfConvolutions(t *testing.T) {
	var in, out int
	record := WithInit(func(r *tensor.Rand, fanIn, fanOut int, shape ...int) *tensor.Tensor {
		in, out = fanIn, fanOut
		return tensor.Zeros(shape...)
	})
	init := NewInit(1)
	for name, c := range map[string]struct {
		make    func()
		in, out int
	}{
		"Linear":          {func() { NewLinear(init, 3, 5, record) }, 3, 5},
		"Conv2d":          {func() { NewConv2d(init, 4, 6, 3, record) }, 36, 54},
		"Conv2d groups":   {func() { NewConv2d(init, 4, 6, 3, Groups(2), record) }, 18, 27},
		"Conv1d":          {func() { NewConv1d(init, 4, 6, 3, record) }, 12, 18},
		"ConvTranspose2d": {func() { NewConvTranspose2d(init, 4, 6, 3, record) }, 54, 36},
		"ConvTranspose1d": {func() { NewConvTranspose1d(init, 4, 6, 3, Dilation(2), record) }, 18, 12},
	} {
		c.make()
		if in != c.in || out != c.out {
			t.Errorf("%s: fans %d and %d, want %d and %d", name, in, out, c.in, c.out)
		}
	}
}
