package gemm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

// report adds GFLOP/s and their share, in percent, of the peak of as many cores
// as there were threads, measured right after: the clock that the load has set
// holds for some milliseconds.
func report(b *testing.B, flops float64, threads int) {
	gflops := flops * float64(b.N) / float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(gflops, "gflops")
	b.ReportMetric(100*gflops/(PeakFMA(3*time.Millisecond)*float64(threads)), "%peak")
}

// eachVector runs a benchmark with every instruction set that has kernels.
func eachVector(b *testing.B, bench func(b *testing.B)) {
	for _, isa := range cpu.Supported() {
		if isa != cpu.Generic {
			b.Run(isa.String(), func(b *testing.B) {
				defer cpu.Force(isa)()
				bench(b)
			})
		}
	}
}

// random returns n numbers; memory that was never written would be one page of
// zeros many times over, and always in the cache.
func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = rng.Float32() - 0.5
	}
	return x
}

func BenchmarkBatchReduce(b *testing.B) {
	eachVector(b, func(b *testing.B) {
		for _, s := range []struct{ m, n, k, taps int }{
			{14, 32, 64, 9}, {14, 32, 16, 9}, {14, 32, 16, 3}, {14, 32, 256, 1}, {28, 16, 16, 9}, {12, 16, 64, 9}, {7, 64, 64, 9}, {6, 64, 64, 9}, {1, 1, 1, 1},
		} {
			b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/taps=%d", s.m, s.n, s.k, s.taps), func(b *testing.B) {
				// Taps of A are neighbours in one image, as in a convolution.
				x := random((s.m+s.taps)*s.k + 16)
				y := random(s.n * s.k * s.taps)
				c := random(s.m * s.n)
				aoff, boff := make([]int, s.taps), make([]int, s.taps)
				for t := range s.taps {
					aoff[t], boff[t] = t*s.k, t*s.k*s.n
				}
				for b.Loop() {
					BatchReduce(s.m, s.n, s.k, x, aoff, s.k, 1, y, boff, s.n, c, s.n, Epilogue{})
				}
				report(b, 2*float64(s.m*s.n*s.k*s.taps), 1)
			})
		}
	})
}

func BenchmarkMul(b *testing.B) {
	eachVector(b, func(b *testing.B) {
		for _, n := range []int{32, 64, 128, 256, 512, 1024, 2048} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("n=%d/threads=%d", n, threads), func(b *testing.B) {
					benchmarkMul(b, threads, n, n, n, false, false)
				})
			}
		}
	})
}

// Layers as networks have them: forward, gradient of the input, of the weights.
func BenchmarkMulLayer(b *testing.B) {
	eachVector(b, func(b *testing.B) {
		for _, s := range []struct {
			name    string
			m, n, k int
			ta, tb  bool
		}{
			{"forward", 100, 50, 784, false, true},
			{"input", 100, 784, 50, false, false},
			{"weights", 50, 784, 100, true, false},
			{"forward", 128, 1024, 1024, false, true},
			{"input", 128, 1024, 1024, false, false},
			{"weights", 1024, 1024, 128, true, false},
			{"one-row", 1, 1024, 1024, false, true},
			{"matrix-vector", 1024, 1, 1024, false, false},
		} {
			b.Run(fmt.Sprintf("%s/m=%d/n=%d/k=%d", s.name, s.m, s.n, s.k), func(b *testing.B) {
				benchmarkMul(b, 1, s.m, s.n, s.k, s.ta, s.tb)
			})
		}
	})
}

func benchmarkMul(b *testing.B, threads, m, n, k int, transposeA, transposeB bool) {
	defer par.SetThreads(par.Threads())
	par.SetThreads(threads)
	x, y, c := random(m*k), random(n*k), random(m*n)
	rsa, csa, rsb, csb := k, 1, n, 1
	if transposeA {
		rsa, csa = 1, m
	}
	if transposeB {
		rsb, csb = 1, k
	}
	for b.Loop() {
		Mul(m, n, k, x, rsa, csa, y, rsb, csb, c, n, Epilogue{})
	}
	report(b, 2*float64(m)*float64(n)*float64(k), threads)
}
