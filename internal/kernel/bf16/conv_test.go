package bf16

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

func normal(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
	return s
}

func double(s []float32) []float64 {
	d := make([]float64, len(s))
	for i, v := range s {
		d[i] = float64(Round(v))
	}
	return d
}

func exact(s []float32) []float64 {
	d := make([]float64, len(s))
	for i, v := range s {
		d[i] = float64(v)
	}
	return d
}

// guarded returns n elements of garbage with canaries behind them.
func guarded(n int) []float32 {
	return append(filled(n, float32(math.NaN())), filled(guard, canary)...)[:n]
}

// same fails unless have is want up to the rounding of sums of terms products of
// unit variance, and the canaries behind have are alive.
func same(t *testing.T, name string, s conv.Shape, have []float32, want []float64, terms int) {
	t.Helper()
	limit := 4e-7 * float64(10+terms)
	for i, v := range have {
		if !(math.Abs(float64(v)-want[i]) <= limit) {
			t.Fatalf("%s of %+v: element %d is %v, the oracle says %v", name, s, i, v, want[i])
		}
	}
	for _, v := range have[:len(have)+guard][len(have):] {
		if math.Float32bits(v) != math.Float32bits(canary) {
			t.Fatalf("%s of %+v wrote past its result", name, s)
		}
	}
}

// checkConv holds all three passes of s, on every instruction set, against the
// definitions in float64 on rounded factors.
func checkConv(t *testing.T, rng *rand.Rand, s conv.Shape) {
	t.Helper()
	if err := s.Validate(); err != nil || !suitsForward(s) {
		t.Fatalf("%+v: %v", s, err)
	}
	x, w, gy := normal(rng, s.N*s.H*s.W*s.C), normal(rng, s.K*s.C*s.KH*s.KW), normal(rng, s.N*s.OutH()*s.OutW()*s.K)
	bias := normal(rng, s.K)
	wantY, wantX, wantW := make([]float64, len(gy)), make([]float64, len(x)), make([]float64, len(w))
	conv.ForwardPortable(s, double(x), double(w), wantY)
	factor := double
	if !Suits(s) { // the gradients stay in float32
		factor = exact
	}
	conv.InputGradPortable(s, factor(gy), factor(w), wantX)
	conv.WeightGradPortable(s, factor(x), factor(gy), wantW)
	wantReLU, wantSum := slices.Clone(wantY), slices.Clone(wantY)
	for i := range wantReLU {
		wantReLU[i] = max(0, wantReLU[i]+float64(bias[i%s.K]))
		wantSum[i] += float64(gy[i])
	}
	for _, isa := range cpu.SupportedMatrix() {
		restore := cpu.Force(isa)
		y, gx, gw := guarded(len(gy)), guarded(len(x)), guarded(len(w))
		name := isa.String() + " "
		Forward(s, x, w, y, gemm.Epilogue{Bias: bias, ReLU: true})
		same(t, name+"Forward with bias and ReLU", s, y, wantReLU, s.KH*s.KW*s.C)
		copy(y, gy)
		Forward(s, x, w, y, gemm.Epilogue{Accumulate: true})
		same(t, name+"Forward that accumulates", s, y, wantSum, s.KH*s.KW*s.C)
		Forward(s, x, w, y, gemm.Epilogue{})
		same(t, name+"Forward", s, y, wantY, s.KH*s.KW*s.C)
		InputGrad(s, gy, w, gx)
		same(t, name+"InputGrad", s, gx, wantX, s.KH*s.KW*s.K)
		WeightGrad(s, x, gy, gw)
		same(t, name+"WeightGrad", s, gw, wantW, s.N*s.OutH()*s.OutW())
		restore()
	}
}

// square is a convolution with a square kernel of a square image.
func square(n, side, c, k, kernel, stride, pad int) conv.Shape {
	return conv.Shape{N: n, H: side, W: side, C: c, K: k, KH: kernel, KW: kernel, StrideH: stride, StrideW: stride,
		PadH: pad, PadW: pad, DilationH: 1, DilationW: 1, Groups: 1}
}

func TestConvolutionsOfNetworks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range []conv.Shape{
		square(2, 14, 32, 64, 3, 1, 1),
		square(17, 7, 32, 48, 3, 1, 1), // side by side
		square(2, 14, 32, 64, 3, 2, 1),
		square(2, 14, 32, 64, 1, 2, 0),
		square(2, 14, 32, 64, 1, 1, 0),
		square(1, 40, 16, 16, 5, 1, 2), // pieces of one image
		square(32, 1, 20, 33, 1, 1, 0),
		square(3, 9, 16, 24, 3, 3, 0),
		square(2, 33, 3, 32, 7, 2, 3), // few channels, forward only
		square(1, 20, 5, 17, 4, 1, 0),
		square(17, 9, 3, 16, 7, 1, 3), // many images, never side by side
	} {
		checkConv(t, rng, s)
	}
}

func TestConvolutionsOfAnyShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		s := conv.Shape{
			N: 1 + rng.IntN(4), H: 1 + rng.IntN(12), W: 1 + rng.IntN(12), C: 16 + rng.IntN(20), K: 16 + rng.IntN(40),
			KH: 1 + rng.IntN(3), KW: 1 + rng.IntN(4), StrideH: 1 + rng.IntN(3), StrideW: 1 + rng.IntN(3),
			PadH: rng.IntN(3), PadW: rng.IntN(3), DilationH: 1 + rng.IntN(3), DilationW: 1 + rng.IntN(3), Groups: 1,
		}
		if rng.IntN(4) == 0 {
			s.N = 16 + rng.IntN(20)
		}
		if s.Validate() == nil {
			checkConv(t, rng, s)
		}
	}
}

func TestConvolutionsHaveTheSameBitsForAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	rng := rand.New(rand.NewPCG(9, 10))
	for _, s := range []conv.Shape{square(5, 20, 32, 64, 3, 2, 1), square(16, 6, 64, 96, 3, 1, 1)} {
		x, w, gy := normal(rng, s.N*s.H*s.W*s.C), normal(rng, s.K*s.C*s.KH*s.KW), normal(rng, s.N*s.OutH()*s.OutW()*s.K)
		for _, isa := range cpu.SupportedMatrix() {
			restore := cpu.Force(isa)
			var first []float32
			for _, threads := range []int{1, 2, 5} {
				par.SetThreads(threads)
				y, gx, gw := make([]float32, len(gy)), make([]float32, len(x)), make([]float32, len(w))
				Forward(s, x, w, y, gemm.Epilogue{})
				InputGrad(s, gy, w, gx)
				WeightGrad(s, x, gy, gw)
				all := slices.Concat(y, gx, gw)
				if first == nil {
					first = all
				}
				if !slices.Equal(all, first) {
					t.Errorf("%v: %+v has other bits with %d threads", isa, s, threads)
				}
			}
			restore()
		}
	}
}
