package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// cellStep runs all four cells on n units and returns what they leave behind,
// between gates too.
func cellStep[T Float](n int) map[string][]T {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	draw := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(float32(2 * r.NormFloat64()))
		}
		return x
	}
	const gap = 3 // between gates
	row := func(gates int) []T { return draw(gates * (n + gap)) }
	before, c, h, gy, dh, dc := draw(n), draw(n), draw(n), draw(n), draw(n), draw(n)
	gates, dGates := row(4), row(4)
	LSTMCell(gates, row(4), row(4), n+gap, before, c, h)
	out := map[string][]T{"gates": gates, "c": append([]T(nil), c...), "h": h}
	LSTMCellGrad(dGates, gates, n+gap, before, c, gy, dh, dc)
	out["gates' gradient"], out["dc"] = dGates, dc
	hidden, dHidden, state := draw(n), draw(n), draw(n)
	gates, dGates = row(3), row(3)
	GRUCell(gates, hidden, row(3), row(3), n+gap, before, state)
	out["GRU's gates"], out["hidden"], out["state"] = gates, hidden, state
	GRUCellGrad(dGates, dHidden, gates, hidden, n+gap, before, gy, dh)
	out["GRU's gates' gradient"], out["hidden's gradient"], out["dh"] = dGates, dHidden, dh
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

// A cell that keeps nothing works in the memory of its sums.
func TestRecurrentCellsInPlace(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		const n = 37
		r := rand.New(rand.NewPCG(1, 2))
		draw := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			return x
		}
		check := func(what string, got, want []float32) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s is %v in place, else %v", what, got, want)
			}
		}
		sums, x, before, gy, dh, dc := draw(4*n), draw(4*n), draw(n), draw(n), draw(n), draw(n)
		gates, c, h := make([]float32, 4*n), make([]float32, n), make([]float32, n)
		LSTMCell(gates, sums, x, n, before, c, h)
		inGates, inC, inH := slices.Clone(sums), slices.Clone(before), make([]float32, n)
		LSTMCell(inGates, inGates, x, n, inC, inC, inH)
		check("LSTM: the gates", inGates, gates)
		check("LSTM: the cell", inC, c)
		check("LSTM: the state", inH, h)
		inDC := slices.Clone(dc)
		dGates := make([]float32, 4*n)
		LSTMCellGrad(dGates, gates, n, before, c, gy, dh, dc)
		LSTMCellGrad(inGates, inGates, n, before, c, gy, dh, inDC)
		check("LSTM: the gradient of the gates", inGates, dGates)
		check("LSTM: the gradient of the cell", inDC, dc)

		hidden := make([]float32, n)
		gates, dGates = gates[:3*n], dGates[:3*n]
		GRUCell(gates, hidden, sums[:3*n], x[:3*n], n, before, h)
		inGates = slices.Clone(sums[:3*n])
		GRUCell(inGates, inGates[2*n:], inGates, x[:3*n], n, before, inH)
		check("GRU: the gates", inGates, gates)
		check("GRU: the state", inH, h)
		check("GRU: hidden", hidden, sums[2*n:3*n])
		dHidden, inDH := make([]float32, n), slices.Clone(dh)
		GRUCellGrad(dGates, dHidden, gates, hidden, n, before, gy, dh)
		GRUCellGrad(inGates, hidden, inGates, hidden, n, before, gy, inDH)
		check("GRU: the gradient of the gates", inGates, dGates)
		check("GRU: the gradient of hidden", hidden, dHidden)
		check("GRU: the gradient of the state", inDH, dh)
	})
}

// The order of the gates, and where an element lies does not matter.
func TestLSTMCellByHand(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		const n = 37
		sums, x := make([]float32, 4*n), make([]float32, 4*n)
		for gate, v := range []float32{0.3, -0.4, 1.1, 0.2} {
			Fill(sums[gate*n:][:n], v-0.25)
			Fill(x[gate*n:][:n], 0.25)
		}
		c, h := make([]float32, n), make([]float32, n)
		Fill(c, 0.7)
		LSTMCell(sums, sums, x, n, c, c, h)
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
		gates := []float32{inf, nan, -inf, 1, 200, 1, inf, 1}
		c, h := []float32{0, 0}, []float32{0, 0}
		LSTMCell(gates, gates, make([]float32, 8), 2, []float32{5, 1}, c, h)
		if got, want := fmt.Sprint(c, h[1]), "[1 NaN] NaN"; got != want {
			t.Errorf("cells and state are %s, want %s", got, want)
		}
		if want := math.Tanh(1); math.Abs(float64(h[0])-want) > 1e-6 {
			t.Errorf("the state is %v, want %v", h[0], want)
		}
	})
}

func TestRecurrentCellsThatDoNotFitPanic(t *testing.T) {
	x, short := make([]float32, 4), make([]float32, 3)
	row, low := make([]float32, 16), make([]float32, 11)
	for name, f := range map[string]func(){
		"LSTMCell, state":       func() { LSTMCell(row, row, row, 4, x, x, short) },
		"LSTMCell, gates":       func() { LSTMCell(row, row, low, 4, x, x, x) },
		"LSTMCell, stride":      func() { LSTMCell(row, row, row, 3, x, x, x) },
		"LSTMCellGrad, state":   func() { LSTMCellGrad(row, row, 4, x, x, x, x, short) },
		"LSTMCellGrad, gates":   func() { LSTMCellGrad(low, row, 4, x, x, x, x, x) },
		"GRUCell, state":        func() { GRUCell(row, x, row, row, 4, short, x) },
		"GRUCell, gates":        func() { GRUCell(low, x, row, row, 4, x, x) },
		"GRUCellGrad, hidden":   func() { GRUCellGrad(row, x, row, short, 4, x, x, x) },
		"GRUCellGrad, gates":    func() { GRUCellGrad(row, x, low, x, 4, x, x, x) },
		"GRUCellGrad, gradient": func() { GRUCellGrad(row, x, row, x, 4, x, short, x) },
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
