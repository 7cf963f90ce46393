package metrics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/metrics"
)

// symmetric returns a matrix XᵀX/rows of normal numbers; of fewer rows than n it
// is singular.
func symmetric(seed uint64, rows, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, rows*n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	a := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range rows {
				a[i*n+j] += x[k*n+i] * x[k*n+j] / float64(rows)
			}
		}
	}
	return a
}

// graded returns a matrix whose eigenvalues fall from 50 to far below what
// rounding makes of 0, as those of the covariance of images do.
func graded(n int) []float64 {
	_, axes, err := metrics.SymmetricEigen(symmetric(3, n, n), n)
	if err != nil {
		panic(err)
	}
	a := make([]float64, n*n)
	for k := range n {
		value := 50 * math.Pow(0.3, float64(k))
		for i := range n {
			for j := range n {
				a[i*n+j] += value * axes[k*n+i] * axes[k*n+j]
			}
		}
	}
	return a
}

func TestEigenvectorsDiagonaliseTheMatrix(t *testing.T) {
	matrices := map[string][]float64{
		"1x1": {-3}, "2x2": {2, 1, 1, 2}, "zero": make([]float64, 25), "identity": {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"equal":       {1, 1, 1, 1, 1, 1, 1, 1, 1},
		"of all size": {1e-12, 1e-6, 0, 1e-6, 1, 1e6, 0, 1e6, 1e12},
		"coupled":     {1, 2, 0, 0, 2, 1, 0, 0, 0, 0, 5, -3, 0, 0, -3, 5},
		"random":      symmetric(1, 90, 40), "singular": symmetric(2, 7, 33), "hardly any rank": graded(60),
	}
	for name, a := range matrices {
		n := int(math.Sqrt(float64(len(a))))
		values, v, err := metrics.SymmetricEigen(a, n)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		size := 0.0
		for _, x := range a {
			size = max(size, math.Abs(x))
		}
		for i := range n {
			if i > 0 && values[i] > values[i-1] {
				t.Errorf("%s: the eigenvalues %v are out of order", name, values)
			}
			for j := range n {
				image, product := 0.0, 0.0 // (Av)_j, vᵢ·vⱼ
				for k := range n {
					image += a[j*n+k] * v[i*n+k]
					product += v[i*n+k] * v[j*n+k]
				}
				if d := math.Abs(image - values[i]*v[i*n+j]); !(d <= 1e-13*size*float64(n)) {
					t.Errorf("%s: A v%d differs from %g v%d by %g", name, i, values[i], i, d)
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if !(math.Abs(product-want) < 1e-13*float64(n)) {
					t.Errorf("%s: v%d·v%d is %g", name, i, j, product)
				}
			}
		}
	}
}

func TestEigenvaluesOfAKnownMatrix(t *testing.T) {
	// The second difference has the eigenvalues 2 - 2cos(kπ/(n+1)).
	const n = 12
	a := make([]float64, n*n)
	for i := range n {
		a[i*n+i] = 2
		if i > 0 {
			a[i*n+i-1] = -1
		}
	}
	values, _, err := metrics.SymmetricEigen(a, n)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if want := 2 - 2*math.Cos(float64(n-i)*math.Pi/(n+1)); math.Abs(v-want) > 1e-14 {
			t.Errorf("eigenvalue %d is %.17g, want %.17g", i, v, want)
		}
	}
}

func TestFrechetDistance(t *testing.T) {
	distance := func(a, b *metrics.Gaussian) float64 {
		t.Helper()
		d, err := a.Frechet(b)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	nearly := func(what string, got, want float64) {
		t.Helper()
		// Where C has an eigenvalue 0, rounding makes it 1e-16, and its root 1e-8.
		if !(math.Abs(got-want) < 1e-7*max(1, want)) {
			t.Errorf("%s: %.15g, want %.15g", what, got, want)
		}
	}
	exactly := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) < 1e-12*max(1, want)) {
			t.Errorf("%s: %.15g, want %.15g", what, got, want)
		}
	}
	exactly("one feature: (1-4)² + (2-3)²", distance(&metrics.Gaussian{Mean: []float64{1}, Covariance: []float64{4}}, &metrics.Gaussian{Mean: []float64{4}, Covariance: []float64{9}}), 10)

	// Two features have a closed form: tr (AB)^½ = √(tr AB + 2√det AB).
	a := &metrics.Gaussian{Mean: []float64{0.5, -1}, Covariance: []float64{2, 0.7, 0.7, 1}}
	b := &metrics.Gaussian{Mean: []float64{0, 1}, Covariance: []float64{1.5, -0.4, -0.4, 3}}
	trace, determinant := 2*1.5-2*0.7*0.4+1*3, (2*1-0.49)*(1.5*3-0.16)
	want := 0.25 + 4 + 2 + 1 + 1.5 + 3 - 2*math.Sqrt(trace+2*math.Sqrt(determinant))
	exactly("two features", distance(a, b), want)
	exactly("the other way round", distance(b, a), want)

	many := &metrics.Gaussian{Mean: make([]float64, 30), Covariance: symmetric(5, 12, 30)} // singular
	nearly("of itself", distance(many, many), 0)
	wider := &metrics.Gaussian{Mean: many.Mean, Covariance: make([]float64, 900)}
	total := 0.0
	for i, v := range many.Covariance {
		wider.Covariance[i] = 9 * v
		if i%31 == 0 {
			total += v
		}
	}
	nearly("three times as wide: (3-1)² tr C", distance(many, wider), 4*total)
}

// The value is that of NumPy's cov and SciPy's sqrtm of the product of the
// covariances.
func TestFrechetDistanceEqualsSciPy(t *testing.T) {
	var a, b []float64
	for i := range 9 {
		for j := range 4 {
			a = append(a, math.Sin(1.7*float64(i*(j+1))+0.9*float64(j)))
			b = append(b, math.Cos(0.8*float64(i*(j+1)))+0.3*float64(j))
		}
	}
	near(t, "Fréchet distance", must[float64](t)(must[*metrics.Gaussian](t)(metrics.FitGaussian(a, 4)).Frechet(must[*metrics.Gaussian](t)(metrics.FitGaussian(b, 4)))), 2.5931271514413616)
}

func ExampleGaussian_Frechet() {
	real, err := metrics.FitGaussian([]float64{-1, 0, 1}, 1) // three samples of one feature
	if err != nil {
		panic(err)
	}
	generated, err := metrics.FitGaussian([]float64{3, 5, 7}, 1)
	if err != nil {
		panic(err)
	}
	d, err := real.Frechet(generated)
	if err != nil {
		panic(err)
	}
	fmt.Println(d) // the means are 5 apart, the deviations 1 and 2
	// Output: 26
}

func ExampleSymmetricEigen() {
	values, vectors, err := metrics.SymmetricEigen([]float64{2, 1, 1, 2}, 2)
	if err != nil {
		panic(err)
	}
	same := vectors[0]*vectors[1] > 0 // a vector may have either sign
	fmt.Printf("%.3f %.3f %v\n", values[0], values[1], same)
	// Output: 3.000 1.000 true
}

func TestGaussianOfASample(t *testing.T) {
	g, err := metrics.FitGaussian([]float32{1, 2, 3, 6, 5, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{3, 3, 4, -1, -1, 7} {
		if got := append(g.Mean, g.Covariance...)[i]; math.Abs(got-want) > 1e-14 {
			t.Errorf("value %d is %g, want %g", i, got, want)
		}
	}
}

func TestFrechetErrors(t *testing.T) {
	one := &metrics.Gaussian{Mean: []float64{0}, Covariance: []float64{1}}
	two := &metrics.Gaussian{Mean: []float64{0, 0}, Covariance: []float64{1, 0, 0, 1}}
	for name, c := range map[string]struct {
		call func() error
		want string
	}{
		"ragged":  {func() error { _, err := metrics.FitGaussian([]float64{1, 2, 3}, 2); return err }, "3 values are no whole number of rows of 2"},
		"one row": {func() error { _, err := metrics.FitGaussian([]float64{1, 2}, 2); return err }, "1 rows"},
		"NaN":     {func() error { _, err := metrics.FitGaussian([]float64{1, math.NaN()}, 1); return err }, "feature 1 is NaN"},
		"covariance": {func() error {
			_, err := one.Frechet(&metrics.Gaussian{Mean: []float64{0}})
			return err
		}, "a covariance has 0 values"},
		"own covariance": {func() error {
			_, err := (&metrics.Gaussian{Mean: []float64{0}}).Frechet(one)
			return err
		}, "no square matrix"},
		"features": {func() error { _, err := one.Frechet(two); return err }, "1 features on one side, 2 on the other"},
		"square":   {func() error { _, _, err := metrics.SymmetricEigen([]float64{1, 2, 3}, 2); return err }, "no square matrix"},
		"infinite": {func() error { _, _, err := metrics.SymmetricEigen([]float64{math.Inf(1)}, 1); return err }, "element 0 is +Inf"},
	} {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}
