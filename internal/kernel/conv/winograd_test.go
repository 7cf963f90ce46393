package conv

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/mem"
)

// forwardByWinograd is Forward by Winograd's method, whether it pays or not.
func forwardByWinograd(s Shape, x, w, y []float32, e gemm.Epilogue) {
	p := s.forward()
	weights := p.winogradWeights(w, false)
	p.runWinograd(source{x, s.Planar}, weights, y, e)
	mem.PutFloat32s(weights)
}

// TestWinogradEqualsTheDirectSum holds the method against the oracle on every
// instruction set, for shapes that are cut into tasks in many ways.
func TestWinogradEqualsTheDirectSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
		s := Shape{N: draw("n", 1, 5), H: draw("h", 1, 13), W: draw("w", 1, 13), C: 16 * draw("c", 1, 5), K: 16 * draw("k", 1, 4),
			KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: draw("ph", 0, 3), PadW: draw("pw", 0, 3), DilationH: 1, DilationW: 1, Groups: 1,
			Planar: rapid.Bool().Draw(t, "planar")}
		p := s.forward()
		if s.Validate() != nil || !p.winogradFits() {
			t.Skip("not a shape for the method")
		}
		x, w, gy := operands(s, rapid.Uint64().Draw(t, "seed"))
		want := make([]float64, len(gy))
		ForwardPortable(s, double(x), double(w), want)
		wantW := make([]float64, len(w))
		WeightGradPortable(s, double(x), double(gy), wantW)
		bias := w[:s.K]
		for i := range want {
			want[i] = max(0, want[i]+float64(bias[i%s.K])+float64(gy[i]))
		}
		for _, isa := range cpu.Supported() {
			restore := cpu.Force(isa)
			y := guarded(len(gy))
			forwardByWinograd(s, x, w, y, gemm.Epilogue{Bias: bias, ReLU: true, Add: gy})
			same(t, isa.String()+" Winograd", s, y, want, 9*s.C)
			checkWinogradGrad(t, isa.String(), s, x, gy, wantW)
			restore()
		}
	})
}

// checkWinogradGrad holds both ways to the weight gradient by Winograd's method,
// whether they pay or not, against what the oracle says.
func checkWinogradGrad(t failer, name string, s Shape, x, gy []float32, want []float64) {
	t.Helper()
	p := s.forward()
	for way, sums := range map[string][]float32{
		" by blocks":     p.winogradGradByBlocks(source{x, s.Planar}, gy),
		" by components": p.winogradGradByComponents(source{x, s.Planar}, gy),
	} {
		gw := guarded(len(want))
		p.storeWinogradGrad(sums, gw)
		same(t, name+" Winograd weight gradient"+way, s, gw, want, 4*s.N*s.OutH()*s.OutW())
	}
}

// TestWinogradGradOfManyTiles is for more tiles than are transformed at once.
func TestWinogradGradOfManyTiles(t *testing.T) {
	s := square(1, 264, 16, 16, 3, 1, 1)
	x, w, gy := operands(s, 1)
	want := make([]float64, len(w))
	WeightGradPortable(s, double(x), double(gy), want)
	checkWinogradGrad(t, "", s, x, gy, want)
}

// TestWinogradWithLargeWeights is for weights that go by components, and for a
// transformed source that does not stay in a cache.
func TestWinogradWithLargeWeights(t *testing.T) {
	s := square(6, 7, 256, 400, 3, 1, 0)
	x, w, gy := operands(s, 1)
	want := make([]float64, len(gy))
	ForwardPortable(s, double(x), double(w), want)
	y := guarded(len(gy))
	forwardByWinograd(s, x, w, y, gemm.Epilogue{})
	same(t, "Winograd", s, y, want, 9*s.C)
	wantW := make([]float64, len(w))
	WeightGradPortable(s, double(x), double(gy), wantW)
	checkWinogradGrad(t, "", s, x, gy, wantW)
}

// TestWinogradLosesFewDigits bounds the error by what the direct sum could make
// of products as large: it must stay below 1e-6 of the sum of their magnitudes.
func TestWinogradLosesFewDigits(t *testing.T) {
	s := square(1, 16, 256, 64, 3, 1, 1)
	x, w, gy := operands(s, 1)
	magnitude := func(v []float64) []float64 {
		m := make([]float64, len(v))
		for i := range v {
			m[i] = math.Abs(v[i])
		}
		return m
	}
	want, scale := make([]float64, len(gy)), make([]float64, len(gy))
	ForwardPortable(s, double(x), double(w), want)
	ForwardPortable(s, magnitude(double(x)), magnitude(double(w)), scale)
	y := guarded(len(gy))
	forwardByWinograd(s, x, w, y, gemm.Epilogue{})
	for i, v := range y {
		if e := math.Abs(float64(v)-want[i]) / scale[i]; !(e < 1e-6) {
			t.Fatalf("element %d is %v, want %v: an error of %.1e of the sum of magnitudes", i, v, want[i], e)
		}
	}
}

func TestWinogradKeepsNaN(t *testing.T) {
	s := square(1, 8, 16, 16, 3, 1, 1)
	x, w, gy := operands(s, 1)
	x[0] = float32(math.NaN())
	for _, isa := range cpu.Supported() {
		restore := cpu.Force(isa)
		y := guarded(len(gy))
		forwardByWinograd(s, x, w, y, gemm.Epilogue{ReLU: true})
		restore()
		for i, v := range y {
			// The first tile reads the pixel, and no other.
			if first := i/s.K%s.W < 2 && i/s.K/s.W < 2; first != (v != v) {
				t.Fatalf("%v: element %d is %v", isa, i, v)
			}
		}
	}
}
