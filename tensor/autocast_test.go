package tensor

import (
	"math"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

// network is a small one with every operation that SetAutocast is for, and its
// gradients: the loss, then those of its leaves.
func network(scope *Scope) []*Tensor {
	r := NewRand(1)
	x := r.Normal(0, 1, 4, 16, 9, 9).ChannelsLast().RequireGrad()
	kernel, bias := r.Normal(0, 0.1, 24, 16, 3, 3).RequireGrad(), r.Normal(0, 1, 24).RequireGrad()
	weight, last := r.Normal(0, 0.1, 40, 24).RequireGrad(), r.Normal(0, 0.1, 40, 33).RequireGrad()
	leaves := []*Tensor{x, kernel, bias, weight, last}
	y := Conv2dReLU(scope.View(x), kernel, bias, ConvOptions{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
	y = LinearReLU(y.Mean(2, 3), weight, nil).MatMul(last)
	loss := y.Mul(y).Mean()
	out := []*Tensor{loss.Keep()}
	for _, g := range Grad(loss, leaves) {
		out = append(out, g.Keep())
	}
	return out
}

func TestAutocastIsNearFloat32(t *testing.T) {
	want := network(NewScope())
	for _, isa := range cpu.SupportedMatrix() {
		restore := cpu.Force(isa)
		scope := NewScope()
		scope.SetAutocast(BFloat16)
		have := network(scope)
		restore()
		differs := false
		for i, w := range want {
			if have[i].DType() != Float32 {
				t.Fatalf("%v: result %d is %v", isa, i, have[i].DType())
			}
			// A factor is off by at most one part in 256, and mostly by a third of that;
			// and a ReLU whose operand changes its sign lets other gradients through.
			a, b := have[i].Float64s(), w.Float64s()
			distance, size := 0.0, 0.0
			for k := range a {
				distance, size = distance+(a[k]-b[k])*(a[k]-b[k]), size+b[k]*b[k]
			}
			if error := math.Sqrt(distance / size); error > 0.1 {
				t.Errorf("%v: result %d is off by %.2g of its size", isa, i, error)
			}
			differs = differs || distance > 0
		}
		if !differs {
			t.Errorf("%v: nothing was rounded", isa)
		}
	}
}

func sameBits(t *testing.T, name string, a, b []*Tensor) {
	t.Helper()
	for i := range a {
		x, y := Data[float32](a[i]), Data[float32](b[i])
		for k := range x {
			if math.Float32bits(x[k]) != math.Float32bits(y[k]) {
				t.Fatalf("%s: result %d differs at element %d: %g, %g", name, i, k, x[k], y[k])
			}
		}
	}
}

func TestAutocastOffLeavesTheBits(t *testing.T) {
	want := network(NewScope())
	scope := NewScope()
	scope.SetAutocast(BFloat16)
	network(scope)
	scope.SetAutocast(Float32)
	if scope.Autocast() != Float32 {
		t.Errorf("turned off, it says %v", scope.Autocast())
	}
	scope.Release()
	sameBits(t, "turned off again", network(scope), want)
}

func TestAutocastHasTheSameBitsForAnyNumberOfThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	scope := NewScope()
	scope.SetAutocast(BFloat16)
	par.SetThreads(1)
	want := network(scope)
	for _, threads := range []int{2, 5} {
		par.SetThreads(threads)
		scope.Release()
		sameBits(t, "with more threads", network(scope), want)
	}
}

func TestAutocastIsForFloats(t *testing.T) {
	defer func() {
		if _, ok := recover().(*UseError); !ok {
			t.Error("a cast to int64 was accepted")
		}
	}()
	NewScope().SetAutocast(Int64)
}
