package conv

import (
	"fmt"
	"testing"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

// workloads are the convolutions that networks spend their time on.
var workloads = []struct {
	name string
	s    Shape
}{
	{"deep-1", square(100, 28, 1, 16, 3, 1, 1)},
	{"deep-2", square(100, 28, 16, 16, 3, 1, 1)},
	{"deep-3", square(100, 14, 16, 32, 3, 1, 1)},
	{"deep-4", square(100, 14, 32, 32, 3, 1, 2)},
	{"deep-5", square(100, 8, 32, 64, 3, 1, 1)},
	{"deep-6", square(100, 8, 64, 64, 3, 1, 1)},
	{"cifar-16", square(128, 32, 16, 16, 3, 1, 1)},
	{"cifar-32", square(128, 16, 32, 32, 3, 1, 1)},
	{"cifar-64", square(128, 8, 64, 64, 3, 1, 1)},
	{"vgg-64", square(16, 56, 64, 64, 3, 1, 1)},
	{"vgg-128", square(16, 28, 128, 128, 3, 1, 1)},
	{"vgg-256", square(16, 14, 256, 256, 3, 1, 1)},
	{"vgg-512", square(16, 7, 512, 512, 3, 1, 1)},
	{"cifar-vgg-512", square(64, 4, 512, 512, 3, 1, 1)},
	{"stem-7x7", square(16, 224, 3, 64, 7, 2, 3)},
	{"point-256", square(16, 56, 256, 64, 1, 1, 0)},
	{"depthwise-96", depthwise(16, 56, 96, 3, 1, 1)},
	{"down-3x3", square(16, 56, 64, 128, 3, 2, 1)},
}

func BenchmarkConv(b *testing.B) {
	for _, wl := range workloads {
		x, w, gy := operands(wl.s, 1)
		y, gx, gw := make([]float32, len(gy)), make([]float32, len(x)), make([]float32, len(w))
		for _, threads := range []int{1, 2} {
			for _, pass := range []struct {
				name string
				run  func()
			}{
				{"forward", func() { Forward(wl.s, x, w, y, gemm.Epilogue{}) }},
				{"inputgrad", func() { InputGrad(wl.s, gy, w, gx) }},
				{"weightgrad", func() { WeightGrad(wl.s, x, gy, gw) }},
			} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", wl.name, pass.name, threads), func(b *testing.B) {
					before := par.Threads()
					par.SetThreads(threads)
					defer par.SetThreads(before)
					b.ReportAllocs()
					for b.Loop() {
						pass.run()
					}
					b.ReportMetric(float64(wl.s.FLOPs())*float64(b.N)/b.Elapsed().Seconds()/1e9, "gflops")
				})
			}
		}
	}
}
