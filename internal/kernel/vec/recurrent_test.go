package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// cellStep runs all four kernels on slices of n elements and returns what they
// leave behind.
func cellStep[T Float](n int) map[string][]T {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	draw := func() []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(float32(2 * r.NormFloat64()))
		}
		return x
	}
	i, f, g, o, before, c, h := draw(), draw(), draw(), draw(), draw(), draw(), draw()
	LSTMCell(i, f, g, o, before, c, h)
	gy, dh, dc := draw(), draw(), draw()
	out := map[string][]T{"c": append([]T(nil), c...), "h": h}
	LSTMCellGrad(i, f, g, o, before, c, gy, dh, dc)
	out["input"], out["forget"], out["fresh"], out["output"], out["dc"] = i, f, g, o, dc
	reset, update, fresh, hidden, state := draw(), draw(), draw(), draw(), draw()
	GRUCell(reset, update, fresh, hidden, before, state)
	out["state"] = state
	GRUCellGrad(reset, update, fresh, hidden, before, gy, dh)
	out["reset"], out["update"], out["candidate"], out["hidden"], out["dh"] = reset, update, fresh, hidden, dh
	return out
}

func TestRecurrentCells(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 3, 8, 15, 16, 17, 50} {
			want := cellStep[float64](n)
			for name, got := range cellStep[float32](n) {
				for j, w := range want[name] {
					if !(math.Abs(float64(got[j])-w) <= 3e-6*max(1, math.Abs(w))) {
						t.Fatalf("%s: element %d of %d is %v, want %v", name, j, n, got[j], w)
					}
				}
			}
		}
	})
}

// An element does not depend on its place, and the cells may change in place.
func TestLSTMCellInPlace(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		fill := func(v float32) []float32 {
			x := make([]float32, 37)
			Fill(x, v)
			return x
		}
		c, h := fill(0.7), fill(0)
		LSTMCell(fill(0.3), fill(-0.4), fill(1.1), fill(0.2), c, c, h)
		for j := range c {
			if c[j] != c[0] || h[j] != h[0] {
				t.Fatalf("element %d is %v and %v, the first %v and %v", j, c[j], h[j], c[0], h[0])
			}
		}
		want := 0.7/(1+math.Exp(0.4)) + math.Tanh(1.1)/(1+math.Exp(-0.3))
		if math.Abs(float64(c[0])-want) > 1e-6 {
			t.Errorf("the cell is %v, want %v", c[0], want)
		}
	})
}

// Sums far from zero saturate the gates; NaN does not vanish.
func TestRecurrentCellsAtTheEdges(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		inf, nan := float32(math.Inf(1)), float32(math.NaN())
		c, h := []float32{0, 0}, []float32{0, 0}
		LSTMCell([]float32{inf, nan}, []float32{-inf, 1}, []float32{200, 1}, []float32{inf, 1}, []float32{5, 1}, c, h)
		if got, want := fmt.Sprint(c, h[1]), "[1 NaN] NaN"; got != want {
			t.Errorf("cells and state are %s, want %s", got, want)
		}
		if want := math.Tanh(1); math.Abs(float64(h[0])-want) > 1e-6 {
			t.Errorf("the state is %v, want %v", h[0], want)
		}
	})
}

func TestRecurrentCellsOfDifferentLengthsPanic(t *testing.T) {
	x, short := make([]float32, 4), make([]float32, 3)
	for name, f := range map[string]func(){
		"LSTMCell":     func() { LSTMCell(x, x, short, x, x, x, x) },
		"LSTMCellGrad": func() { LSTMCellGrad(x, x, x, x, x, x, x, x, short) },
		"GRUCell":      func() { GRUCell(x, short, x, x, x, x) },
		"GRUCellGrad":  func() { GRUCellGrad(x, x, x, x, x, short, x) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
