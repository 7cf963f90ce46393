package bf16

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hadal-ml/hadal/internal/kernel/conv"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// operand returns numbers in memory like that of large tensors.
func operand(n int) []float32 {
	s, rng := mem.Lasting(n), rand.New(rand.NewPCG(1, 1))
	for i := range s {
		s[i] = rng.Float32() - 0.5
	}
	return s
}

// BenchmarkMul reports the share of the peak measured right after.
func BenchmarkMul(b *testing.B) {
	for _, s := range [][3]int{{512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}, {128, 1024, 784}, {1024, 784, 128}} {
		m, n, k := s[0], s[1], s[2]
		for _, transposed := range []bool{false, true} {
			name := fmt.Sprintf("%dx%dx%d", m, n, k)
			rsb, csb := n, 1
			if transposed {
				name += "-transposed"
				rsb, csb = 1, k
			}
			b.Run(name, func(b *testing.B) {
				x, y, z := operand(m*k), operand(k*n), operand(m*n)
				for b.Loop() {
					Mul(m, n, k, x, k, 1, y, rsb, csb, z, n, gemm.Epilogue{})
				}
				rate := 2 * float64(m) * float64(n) * float64(k) * float64(b.N) / float64(b.Elapsed().Nanoseconds())
				b.ReportMetric(rate, "GFLOP/s")
				b.ReportMetric(100*rate/Peak(20*time.Millisecond), "%peak")
			})
		}
	}
}

// BenchmarkConv times the three passes of the layers of a ResNet-18 for a batch of
// sixteen images.
func BenchmarkConv(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range []conv.Shape{square(16, 56, 64, 64, 3, 1, 1), square(16, 28, 128, 128, 3, 1, 1), square(16, 14, 256, 256, 3, 1, 1),
		square(16, 7, 512, 512, 3, 1, 1), square(16, 56, 64, 128, 3, 2, 1), square(16, 56, 64, 128, 1, 2, 0), square(128, 32, 16, 16, 3, 1, 1)} {
		x, w, gy := normal(rng, s.N*s.H*s.W*s.C), normal(rng, s.K*s.C*s.KH*s.KW), normal(rng, s.N*s.OutH()*s.OutW()*s.K)
		y := make([]float32, len(gy))
		gx, gw := make([]float32, len(x)), make([]float32, len(w))
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"Forward", func() { Forward(s, x, w, y, gemm.Epilogue{}) }},
			{"InputGrad", func() { InputGrad(s, gy, w, gx) }},
			{"WeightGrad", func() { WeightGrad(s, x, gy, gw) }},
		} {
			b.Run(fmt.Sprintf("%dx%d-%d-%dx%d-s%d/%s", s.H, s.W, s.C, s.K, s.KH, s.StrideH, pass.name), func(b *testing.B) {
				for b.Loop() {
					pass.run()
				}
				rate := float64(s.FLOPs()) * float64(b.N) / float64(b.Elapsed().Nanoseconds())
				b.ReportMetric(rate, "GFLOP/s")
				b.ReportMetric(100*rate/Peak(20*time.Millisecond), "%peak")
			})
		}
	}
}
