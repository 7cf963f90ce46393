// Command gopeers times matrix products and convolutions in other Go libraries:
// gonum's BLAS and GoMLX with its pure Go backend. It prints the JSON lines of
// hadal bench. It is a module of its own, so that hadal depends on neither.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// workload is one thing that is timed; its setting is that of hadal bench.
type workload struct {
	peer, module, name string
	prepare            func() func()
}

// convolution is (N, C, H, W, K, kernel, stride, padding), without groups.
type convolution struct{ n, c, h, w, k, kernel, stride, padding int }

var convolutions = map[string]convolution{
	"mnist-first": {100, 1, 28, 28, 16, 3, 1, 1},
	"cifar-16":    {128, 16, 32, 32, 16, 3, 1, 1},
	"cifar-32":    {128, 32, 16, 16, 32, 3, 1, 1},
	"cifar-64":    {128, 64, 8, 8, 64, 3, 1, 1},
}

func main() {
	threads := flag.Int("threads", runtime.NumCPU(), "threads that compute")
	only := flag.String("only", "", "regular expression over workload names")
	seconds := flag.Float64("seconds", 3, "time spent on each workload")
	flag.Parse()
	runtime.GOMAXPROCS(*threads)
	match := regexp.MustCompile(*only)
	for _, w := range workloads(*threads) {
		if match.MatchString(w.name) {
			measure(w, *threads, time.Duration(*seconds*float64(time.Second)))
		}
	}
}

func workloads(threads int) []workload {
	var out []workload
	for _, n := range []int{128, 256, 512, 1024, 2048} {
		name := fmt.Sprintf("gemm-%d", n)
		out = append(out,
			workload{"gonum", "gonum.org/v1/gonum", name, func() func() { return gonumGEMM(n) }},
			workload{"gomlx", "github.com/gomlx/gomlx", name, func() func() { return gomlxGEMM(n, threads) }})
	}
	for _, name := range []string{"mnist-first", "cifar-16", "cifar-32", "cifar-64"} {
		c := convolutions[name]
		out = append(out, workload{"gomlx", "github.com/gomlx/gomlx", "conv-" + name + "-forward", func() func() { return gomlxConv(c, threads) }})
	}
	return out
}

func normal(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rand.NormFloat64())
	}
	return x
}

func gonumGEMM(n int) func() {
	matrix := func() blas32.General {
		return blas32.General{Rows: n, Cols: n, Stride: n, Data: normal(n * n)}
	}
	a, b, c := matrix(), matrix(), matrix()
	return func() { blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c) }
}

// run compiles a function of two tensors and returns one call of it.
func run(threads int, f func(a, b *graph.Node) *graph.Node, a, b *tensors.Tensor) func() {
	backend, err := simplego.New(fmt.Sprintf("parallelism=%d", threads))
	if err != nil {
		panic(err)
	}
	exec := graph.MustNewExec(backend, f)
	return func() {
		for _, t := range exec.MustExec(a, b) {
			if err := t.FinalizeAll(); err != nil {
				panic(err)
			}
		}
	}
}

func gomlxGEMM(n, threads int) func() {
	a, b := tensors.FromFlatDataAndDimensions(normal(n*n), n, n), tensors.FromFlatDataAndDimensions(normal(n*n), n, n)
	return run(threads, func(a, b *graph.Node) *graph.Node { return graph.Dot(a, b) }, a, b)
}

func gomlxConv(c convolution, threads int) func() {
	x := tensors.FromFlatDataAndDimensions(normal(c.n*c.h*c.w*c.c), c.n, c.h, c.w, c.c)
	w := tensors.FromFlatDataAndDimensions(normal(c.kernel*c.kernel*c.c*c.k), c.kernel, c.kernel, c.c, c.k)
	return run(threads, func(x, w *graph.Node) *graph.Node {
		return graph.Convolve(x, w).Strides(c.stride).PaddingPerDim([][2]int{{c.padding, c.padding}, {c.padding, c.padding}}).Done()
	}, x, w)
}

// measure times a workload as hadal bench does: at least five runs after one
// that does not count.
func measure(w workload, threads int, budget time.Duration) {
	step := w.prepare()
	step()
	var times []float64
	for start := time.Now(); len(times) < 5 || time.Since(start) < budget && len(times) < 2000; {
		t := time.Now()
		step()
		times = append(times, float64(time.Since(t).Nanoseconds())/1e6)
	}
	slices.Sort(times)
	n := len(times)
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"peer": w.peer, "version": version(w.module), "workload": w.name, "threads": threads, "mode": "eager",
		"median_ms": (times[(n-1)/2] + times[n/2]) / 2, "min_ms": times[0], "runs": n, "peak_rss_mb": usage.Maxrss / 1024,
	})
}

func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == module {
				return d.Version
			}
		}
	}
	return "unknown"
}
