package bf16

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

// each runs a test once for every instruction set of this machine.
func each(t *testing.T, test func(t *testing.T)) {
	for _, isa := range cpu.SupportedMatrix() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			test(t)
		})
	}
}

// canary fills memory around C. A kernel that writes there changes it, one that
// adds to it and stores makes it a NaN of another kind.
var canary = math.Float32frombits(0x7fc0dead)

const guard = 67 // elements before and after each matrix

func filled(n int, v float32) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// checkMul compares one product with its definition in float64 on rounded
// factors, in memory full of NaN.
func checkMul(t *testing.T, rng *rand.Rand, m, n, k int) {
	t.Helper()
	rsa, csa := k+rng.IntN(3), 1
	switch rng.IntN(4) {
	case 0:
		rsa, csa = 1, m+rng.IntN(3)
	case 1:
		rsa, csa = 2*k+1, 2
	}
	rsb, csb := n+rng.IntN(3), 1
	switch rng.IntN(4) {
	case 0, 1:
		rsb, csb = 1, k+rng.IntN(3)
	case 2:
		rsb, csb = 3*n, 3
	}
	rsc := n + rng.IntN(5)
	e := gemm.Epilogue{ReLU: rng.IntN(3) == 0, Accumulate: rng.IntN(3) == 0}
	name := fmt.Sprintf("m=%d n=%d k=%d A(%d,%d) B(%d,%d) C(%d) relu=%t accumulate=%t", m, n, k, rsa, csa, rsb, csb, rsc, e.ReLU, e.Accumulate)
	nan := float32(math.NaN())
	a, b := filled(extent(m, k, rsa, csa)+2*guard, nan), filled(extent(k, n, rsb, csb)+2*guard, nan)
	c := filled((m-1)*rsc+n+2*guard, canary)
	for p := range k {
		for i := range m {
			a[guard+i*rsa+p*csa] = float32(rng.NormFloat64())
		}
		for j := range n {
			b[guard+p*rsb+j*csb] = float32(rng.NormFloat64())
		}
	}
	if rng.IntN(2) == 0 {
		e.Bias = make([]float32, n)
		for j := range e.Bias {
			e.Bias[j] = float32(rng.NormFloat64())
		}
	}
	want, size := make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			sum, s := 0.0, 1.0
			if e.Accumulate {
				c[guard+i*rsc+j] = float32(rng.NormFloat64())
				sum = float64(c[guard+i*rsc+j])
			}
			for p := range k {
				v := float64(Round(a[guard+i*rsa+p*csa])) * float64(Round(b[guard+p*rsb+j*csb]))
				sum, s = sum+v, s+math.Abs(v)
			}
			if e.Bias != nil {
				sum += float64(e.Bias[j])
			}
			if e.ReLU {
				sum = max(sum, 0)
			}
			want[i*n+j], size[i*n+j] = sum, s
		}
	}
	inside := func(s []float32) []float32 { return s[guard : len(s)-guard] }
	Mul(m, n, k, inside(a), rsa, csa, inside(b), rsb, csb, inside(c), rsc, e)
	for at, v := range c {
		i, j := -1, 0
		if at >= guard && at < len(c)-guard {
			i, j = (at-guard)/rsc, (at-guard)%rsc
		}
		if i < 0 || j >= n {
			if math.Float32bits(v) != math.Float32bits(canary) {
				t.Fatalf("%s: wrote outside of C, %d elements from its beginning", name, at-guard)
			}
			continue
		}
		// Rounding errors of a sum grow like the root of its length, Higham 2002.
		bound := 8 * math.Sqrt(float64(k+2)) * 0x1p-24 * size[i*n+j]
		if d := math.Abs(float64(v) - want[i*n+j]); !(d <= bound) {
			t.Fatalf("%s: C[%d,%d] = %g, want %g (±%g)", name, i, j, v, want[i*n+j], bound)
		}
	}
}

func TestMulIsTheProductOfRoundedFactors(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, size := range [][3]int{{1, 1, 1}, {16, 16, 32}, {32, 32, 64}, {17, 33, 31}, {15, 48, 33}, {100, 10, 50}, {1, 70, 300}, {70, 1, 513}, {33, 65, 1030}, {530, 40, 70}, {600, 33, 530}} {
			for range 4 {
				checkMul(t, rng, size[0], size[1], size[2])
			}
		}
		for range 150 {
			checkMul(t, rng, 1+rng.IntN(70), 1+rng.IntN(70), 1+rng.IntN(100))
		}
	})
}

// TestSumsHaveTheStatedOrder holds the kernels to what the package comment says of
// sums that depend on their order, and of results below the smallest normal number.
func TestSumsHaveTheStatedOrder(t *testing.T) {
	const big, root = 1 << 24, 1 << 12 // big+1 rounds to big
	each(t, func(t *testing.T) {
		if !hasKernels() {
			return // the order is that of package gemm
		}
		pairs := cpu.ActiveMatrix() == cpu.AVX512BF16
		for _, test := range []struct {
			c    float32
			a, b [2]float32
			want float32
		}{
			{big, [2]float32{1, -root}, [2]float32{1, root}, 1},
			{big, [2]float32{-root, 1}, [2]float32{root, 1}, map[bool]float32{true: 0, false: 1}[pairs]},
			{0, [2]float32{0x1p-100, 0}, [2]float32{0x1p-40, 0}, 0},
		} {
			c := []float32{test.c}
			Mul(1, 1, 2, test.a[:], 2, 1, test.b[:], 1, 1, c, 1, gemm.Epilogue{Accumulate: true})
			if c[0] != test.want {
				t.Errorf("%g + %g·%g gave %g, want %g", test.c, test.a, test.b, c[0], test.want)
			}
		}
	})
}

func TestMulHasTheSameBitsForAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, size := range [][3]int{{128, 200, 600}, {600, 130, 600}} {
			m, n, k := size[0], size[1], size[2]
			a, b := make([]float32, m*k), make([]float32, k*n)
			for i := range a {
				a[i] = float32(rng.NormFloat64())
			}
			for i := range b {
				b[i] = float32(rng.NormFloat64())
			}
			var first []float32
			for _, threads := range []int{1, 2, 5} {
				par.SetThreads(threads)
				c := make([]float32, m*n)
				Mul(m, n, k, a, k, 1, b, n, 1, c, n, gemm.Epilogue{})
				if first == nil {
					first = c
				}
				for i := range c {
					if math.Float32bits(c[i]) != math.Float32bits(first[i]) {
						t.Fatalf("%v: element %d differs with %d threads", size, i, threads)
					}
				}
			}
		}
	})
}

func TestPeakIsPositive(t *testing.T) {
	each(t, func(t *testing.T) {
		if rate := Peak(time.Millisecond); !(rate > 0) {
			t.Errorf("%v GFLOP/s", rate)
		}
	})
}
