package language

import (
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

func TestTraits(t *testing.T) {
	text := []rune("hi\n\nBO:\nso it\n\nA")
	for i, want := range [][]float64{
		{0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		{1, 2, 0, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 0, 0, 1},
		{1, 2, 0, 0, 1, 2, 0, 0, 1, 2, 0, 1, 2, 0, 0, 1},
		{1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1},
	} {
		if got := traits[i].of(text); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", traits[i].name, got, want)
		}
	}
	if at := speech(text, 0); text[at] != 'B' {
		t.Errorf("the first speech begins with %q", text[at])
	}
	if at := speech(text, 5); text[at] != 'A' {
		t.Errorf("the second speech begins with %q", text[at])
	}
	if at := speech([]rune("no speech"), 4); at != 4 {
		t.Errorf("without a speech it begins at %d", at)
	}
}

func TestCorrelation(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	for _, c := range []struct {
		y    []float64
		want float64
	}{
		{[]float64{5, 7, 9, 11}, 1},
		{[]float64{4, 3, 2, 1}, -1},
		{[]float64{2, 1, 4, 3}, 0.6},
		{[]float64{7, 7, 7, 7}, 0},
	} {
		if got := correlation(x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("with %v: %g, want %g", c.y, got, c.want)
		}
	}
	// The mean of x is 2.5, its deviation sqrt(1.25).
	if got, want := centred(x, -1)[3], -1.5/(2*math.Sqrt(1.25)); math.Abs(got-want) > 1e-12 {
		t.Errorf("4 lies at %g, want %g", got, want)
	}
	if got := centred([]float64{7, 7}, 1); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("what never changes lies at %v", got)
	}
}

// The units that are traced are those of the last layer, after each character.
func TestTrace(t *testing.T) {
	ids := []int64{0, 3, 1, 2, 2}
	for _, z := range cells() {
		m := NewCharRNN(nn.NewInit(1), z, 4, 0.5, 0.5)
		units := m.trace(ids)
		if len(units) != z.Hidden || len(units[0]) != len(ids) {
			t.Fatalf("%s: %d units at %d places", z.Cell, len(units), len(units[0]))
		}
		for n := 1; n <= len(ids); n++ {
			_, state := m.Run(nn.Inference(), tensor.FromSlice(ids[:n], n, 1), State{})
			want := state.H.Select(0, z.Layers-1).Float64s()
			if z.Cell == "lstm" {
				want = state.C.Tanh().Select(0, z.Layers-1).Float64s()
			}
			for u := range want {
				if math.Abs(units[u][n-1]-want[u]) > 1e-6 {
					t.Fatalf("%s: unit %d is %g after %d characters, want %g", z.Cell, u, units[u][n-1], n, want[u])
				}
			}
		}
	}
}
