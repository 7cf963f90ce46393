package train

import (
	"slices"
	"sync"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// TestTwoTrainingsAtOnce gives each the bits that it has alone.
func TestTwoTrainingsAtOnce(t *testing.T) {
	alone, both := make([][]float64, 2), make([][]float64, 2)
	run := func(i int) []float64 {
		m, cfg := newNet(uint64(i)), config(t, 2)
		cfg.Seed = uint64(i)
		fit(t, m, cfg)
		return weights(m)
	}
	var group sync.WaitGroup
	for i := range both {
		alone[i] = run(i)
		group.Go(func() { both[i] = run(i) })
	}
	group.Wait()
	for i := range both {
		if !slices.Equal(alone[i], both[i]) {
			t.Errorf("training %d has other weights beside another", i)
		}
	}
}

// TestOneModelServesManyGoroutines uses one model for predictions, gradients of
// its input, and lists of its parameters at the same time.
func TestOneModelServesManyGoroutines(t *testing.T) {
	m := newNet(1)
	fit(t, m, config(t, 1))
	x := tensor.NewRand(1).Normal(0, 1, 40, 2)
	want := m.Forward(nn.Inference(), x).Float32s()
	slope := func() []float32 {
		leaf := x.Detach().RequireGrad()
		y := m.Forward(nn.Evaluation(), leaf).GELU().Softmax(1).Square().Sum()
		return tensor.Grad(y, append(nn.Parameters(m), leaf), tensor.CreateGraph)[0].Float32s()
	}
	wantSlope := slope()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				if got := m.Forward(nn.Inference(), x).Float32s(); !slices.Equal(got, want) {
					t.Error("a prediction differs")
				}
				if got := slope(); !slices.Equal(got, wantSlope) {
					t.Error("a gradient differs")
				}
			}
		})
	}
	group.Wait()
}
