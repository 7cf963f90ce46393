package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func randomSlice(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestReductionsEqualFloat64(t *testing.T) {
	reductions := []struct {
		name string
		f32  func(a, b []float32) float64
		f64  func(a, b []float64) float64
	}{
		{"Sum", func(a, _ []float32) float64 { return Sum(a) }, func(a, _ []float64) float64 { return Sum(a) }},
		{"SumAbs", func(a, _ []float32) float64 { return SumAbs(a) }, func(a, _ []float64) float64 { return SumAbs(a) }},
		{"SumSquares", func(a, _ []float32) float64 { return SumSquares(a) }, func(a, _ []float64) float64 { return SumSquares(a) }},
		{"Dot", func(a, b []float32) float64 { return Dot(a, b) }, func(a, b []float64) float64 { return Dot(a, b) }},
	}
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 4))
		for _, n := range append(lengths(), 4097, 300_000) {
			offset := r.IntN(4)
			a, b := randomSlice(r, n+offset)[offset:], randomSlice(r, n+offset)[offset:]
			for i := range a {
				a[i] += 3 // a mean away from zero is what naive sums lose
			}
			wideA, wideB := widen(a), widen(b)
			for _, red := range reductions {
				got, want := red.f32(a, b), red.f64(wideA, wideB)
				var magnitude float64
				for i := range a {
					magnitude += math.Abs(wideA[i]) * max(1, math.Abs(wideA[i]), math.Abs(wideB[i]))
				}
				if math.Abs(got-want) > 1e-6*magnitude {
					t.Errorf("%s of %d = %v, want %v", red.name, n, got, want)
				}
			}
		}
	})
}

func TestLongSumIsAccurate(t *testing.T) {
	x := make([]float32, 1<<22)
	Fill(x, 0.1)
	want := float64(float32(0.1)) * float64(len(x))
	eachISA(t, func(t *testing.T) {
		if got := Sum(x); math.Abs(got/want-1) > 1e-6 {
			t.Errorf("Sum = %v, want %v", got, want)
		}
	})
}

func TestExtremesAndNaN(t *testing.T) {
	nan := float32(math.NaN())
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 5))
		for n := 1; n <= 150; n++ {
			x := randomSlice(r, n)
			lowest, highest := x[0], x[0]
			for _, v := range x {
				lowest, highest = min(lowest, v), max(highest, v)
			}
			if got := MaxValue(x); got != highest {
				t.Fatalf("MaxValue of %d = %v, want %v", n, got, highest)
			}
			if got := MinValue(x); got != lowest {
				t.Fatalf("MinValue of %d = %v, want %v", n, got, lowest)
			}
			at := r.IntN(n)
			x[at] = nan
			if a, b := MaxValue(x), MinValue(x); a == a || b == b {
				t.Fatalf("NaN at %d of %d: MaxValue = %v, MinValue = %v", at, n, a, b)
			}
		}
		negative := []float32{-3, -2, -5}
		if got := MaxValue(negative); got != -2 {
			t.Errorf("MaxValue = %v, want -2", got)
		}
	})
}

func TestMaxValueOfNothingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MaxValue([]float32{})
}
