package tensor

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTopKIsTheBeginningOfSort for rows with many equal elements, infinities
// and NaN: the places are equal too, so that ties and NaN follow one rule.
func TestTopKIsTheBeginningOfSort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "elements")
		k := rapid.IntRange(0, n).Draw(t, "k")
		largest := rapid.Bool().Draw(t, "largest")
		x := Zeros(3, n, 2)
		values := MutableData[float32](x)
		for i := range values {
			values[i] = rapid.SampledFrom([]float32{0, 1, 2, 3, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}).Draw(t, "value")
		}
		wantValues, wantPlaces := x.Sort(1, largest)
		got, places := x.TopK(k, 1, largest)
		if want := wantPlaces.Narrow(1, 0, k).Int64s(); !slices.Equal(places.Int64s(), want) {
			t.Fatalf("TopK(%d, largest %v) of %v is at %v, Sort has %v", k, largest, x.Float32s(), places.Int64s(), want)
		}
		want := wantValues.Narrow(1, 0, k).Float32s()
		for i, v := range got.Float32s() {
			if v != want[i] && (v == v || want[i] == want[i]) {
				t.Fatalf("TopK(%d, largest %v) has %v, Sort %v", k, largest, got.Float32s(), want)
			}
		}
	})
}

func TestTopKSelectsIntegersExactly(t *testing.T) {
	// A float64 cannot tell the two largest apart.
	x := FromSlice([]int64{math.MaxInt64 - 1, math.MaxInt64, math.MinInt64})
	if v, places := x.TopK(2, 0, true); places.Int64s()[0] != 1 || places.Int64s()[1] != 0 || v.Int64s()[0] != math.MaxInt64 {
		t.Errorf("the largest two are %v at %v", v.Int64s(), places.Int64s())
	}
}

func BenchmarkTopK(b *testing.B) {
	x := NewRand(1).Normal(0, 1, 64, 50_000) // such as the scores of a vocabulary
	for b.Loop() {
		x.TopK(40, 1, true)
	}
}
