package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
)

// eachISA runs test once for every instruction set that the machine has.
func eachISA(t *testing.T, test func(t *testing.T)) {
	for _, isa := range cpu.Supported() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			test(t)
		})
	}
}

// operation is an element-wise function under test. Its float64 instance is
// the oracle of its float32 instance.
type operation[T Float] struct {
	name   string
	inputs int
	// ulps is the greatest error allowed, in units in the last place of the
	// float32 result, or of least where the result is smaller.
	ulps, least float64
	// domain makes float32 inputs; nil stands for anything, special values
	// included.
	domain func(r *rand.Rand) float32
	run    func(dst []T, in [][]T)
}

func operations[T Float]() []operation[T] {
	binary := func(name string, f func(dst, a, b []T)) operation[T] {
		return operation[T]{name, 2, 0.5, 0, nil, func(dst []T, in [][]T) { f(dst, in[0], in[1]) }}
	}
	scalar := func(name string, f func(dst, x []T, s T)) operation[T] {
		return operation[T]{name, 1, 0.5, 0, nil, func(dst []T, in [][]T) { f(dst, in[0], -1.375) }}
	}
	unary := func(name string, ulps float64, f func(dst, x []T)) operation[T] {
		return operation[T]{name, 1, ulps, 0, nil, func(dst []T, in [][]T) { f(dst, in[0]) }}
	}
	gradient := func(name string, ulps, least float64, domain func(*rand.Rand) float32, f func(dst, gy, x []T)) operation[T] {
		return operation[T]{name, 2, ulps, least, domain, func(dst []T, in [][]T) { f(dst, in[0], in[1]) }}
	}
	return []operation[T]{
		binary("Add", Add[T]), binary("Sub", Sub[T]), binary("Mul", Mul[T]), binary("Div", Div[T]),
		binary("Max", Max[T]), binary("Min", Min[T]),
		scalar("AddScalar", AddScalar[T]), scalar("SubScalar", SubScalar[T]), scalar("RSubScalar", RSubScalar[T]),
		scalar("MulScalar", MulScalar[T]), scalar("DivScalar", DivScalar[T]), scalar("RDivScalar", RDivScalar[T]),
		scalar("MaxScalar", MaxScalar[T]), scalar("MinScalar", MinScalar[T]),
		{"Axpy", 2, 1, 0, positive, func(dst []T, in [][]T) { copy(dst, in[0]); Axpy(dst, 0.375, in[1]) }},
		{"ScaleAdd", 2, 1.5, 0, positive, func(dst []T, in [][]T) { ScaleAdd(dst, 0.75, in[0], 3, in[1]) }},
		{"ScaleShift", 1, 1, 0, positive, func(dst []T, in [][]T) { ScaleShift(dst, in[0], 1.25, 3) }},
		{"Fill", 1, 0, 0, nil, func(dst []T, in [][]T) { Fill(dst, 0.625) }},
		unary("Neg", 0, Neg[T]), unary("Abs", 0, Abs[T]), unary("Sqrt", 0.5, Sqrt[T]),
		unary("Square", 0.5, Square[T]), unary("Reciprocal", 0.5, Reciprocal[T]),
		unary("Exp", 1.5, Exp[T]), unary("Log", 1.5, Log[T]), unary("Tanh", 3, Tanh[T]), unary("Erf", 3, Erf[T]),
		unary("Sigmoid", 3, Sigmoid[T]), unary("ReLU", 0, ReLU[T]), {"GELU", 1, 7, 0x1p-100, nil, func(dst []T, in [][]T) { GELU(dst, in[0]) }},
		{"GELUTanh", 1, 5, 0x1p-4, nil, func(dst []T, in [][]T) { GELUTanh(dst, in[0]) }}, {"SiLU", 1, 3.5, 0x1p-100, nil, func(dst []T, in [][]T) { SiLU(dst, in[0]) }}, unary("Softplus", 3, Softplus[T]),
		{"LeakyReLU", 1, 0.5, 0, nil, func(dst []T, in [][]T) { LeakyReLU(dst, in[0], 0.125) }},
		{"ELU", 1, 3, 0, nil, func(dst []T, in [][]T) { ELU(dst, in[0], 1.25) }},
		gradient("ReLUGrad", 0, 0, nil, ReLUGrad[T]),
		gradient("SigmoidGrad", 2, 0x1p-3, fraction, SigmoidGrad[T]),
		gradient("TanhGrad", 2, 0.5, fraction, TanhGrad[T]),
		// The terms of these slopes cancel near their zeros.
		gradient("GELUGrad", 4, 1, moderate, GELUGrad[T]),
		gradient("GELUTanhGrad", 4, 1, moderate, GELUTanhGrad[T]),
		gradient("SiLUGrad", 4, 1, moderate, SiLUGrad[T]),
		gradient("SoftplusGrad", 3, 0, moderate, SoftplusGrad[T]),
		{"LeakyReLUGrad", 2, 0.5, 0, nil, func(dst []T, in [][]T) { LeakyReLUGrad(dst, in[0], in[1], 0.125) }},
		{"ELUGrad", 2, 1.5, 0, fraction, func(dst []T, in [][]T) { ELUGrad(dst, in[0], in[1], 1.25) }},
	}
}

func positive(r *rand.Rand) float32 { return 0.01 + 10*r.Float32() }
func fraction(r *rand.Rand) float32 { return 0.999 * r.Float32() }
func moderate(r *rand.Rand) float32 { return 5 * float32(r.NormFloat64()) }

var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	0x1p-126, 0x1.fffffcp-127, 88.7, 88.8, -87.4, -103.9, -104.1, 20, -20, 0.5, 1e-5, -1e-5,
}

// anything is a number of any usual size, now and then a special value.
func anything(r *rand.Rand) float32 {
	if r.IntN(4) == 0 {
		return specials[r.IntN(len(specials))]
	}
	return float32(r.NormFloat64() * math.Exp(2*r.NormFloat64()))
}

// ulps is the distance of got from want in units in the last place of want as
// a float32, or of least if that is greater.
func ulps(got float32, want, least float64) float64 {
	g, w := float64(got), float32(want)
	switch {
	case got != got || want != want:
		if got != got && want != want {
			return 0
		}
		return math.Inf(1)
	case math.IsInf(g, 0) || math.IsInf(float64(w), 0):
		// Rounding may decide either way between infinity and the greatest number.
		if got == w || math.Abs(want) > 0.9999999*math.MaxFloat32 && math.Abs(g) > 0.9999999*math.MaxFloat32 && g*want > 0 {
			return 0
		}
		return math.Inf(1)
	}
	_, exponent := math.Frexp(max(math.Abs(want), least, 0x1p-126))
	return math.Abs(g-want) / math.Ldexp(1, exponent-24)
}

const canary = 1234.5

// guarded returns a slice of n elements, offset elements into an array whose
// other elements are canaries, and a function that reports whether those live.
func guarded(n, offset int) (x []float32, alive func() bool) {
	all := make([]float32, offset+n+20)
	for i := range all {
		all[i] = canary
	}
	return all[offset : offset+n : offset+n], func() bool {
		for i, v := range all {
			if (i < offset || i >= offset+n) && v != canary {
				return false
			}
		}
		return true
	}
}

func widen(x []float32) []float64 {
	w := make([]float64, len(x))
	for i, v := range x {
		w[i] = float64(v)
	}
	return w
}

func lengths() []int {
	var ns []int
	for n := range 71 {
		ns = append(ns, n)
	}
	return append(ns, 127, 1000)
}

func TestElementwiseEqualsFloat64(t *testing.T) {
	oracle := operations[float64]()
	eachISA(t, func(t *testing.T) {
		for i, op := range operations[float32]() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			domain := op.domain
			if domain == nil {
				domain = anything
			}
			for _, n := range lengths() {
				in, wide := make([][]float32, op.inputs), make([][]float64, op.inputs)
				for j := range in {
					in[j], _ = guarded(n, r.IntN(5))
					for l := range in[j] {
						in[j][l] = domain(r)
					}
					wide[j] = widen(in[j])
				}
				want := make([]float64, n)
				oracle[i].run(want, wide)
				dst, alive := guarded(n, r.IntN(5))
				op.run(dst, in)
				if !alive() {
					t.Fatalf("%s of %d elements wrote outside its destination", op.name, n)
				}
				for l, v := range dst {
					args := make([]float32, op.inputs)
					for j := range in {
						args[j] = in[j][l]
					}
					if u := ulps(v, want[l], op.least); !(u <= op.ulps) {
						t.Fatalf("%s(%v) = %v, want %v (%.3g ulp), element %d of %d", op.name, args, v, want[l], u, l, n)
					}
				}
				if op.name == "Axpy" {
					continue // reads its destination
				}
				for j := range in {
					alias := make([][]float32, op.inputs)
					for l := range in {
						alias[l] = append([]float32(nil), in[l]...)
					}
					op.run(alias[j], alias)
					if !sameBits(alias[j], dst) {
						t.Fatalf("%s of %d elements differs when written over input %d", op.name, n, j)
					}
				}
			}
		}
	})
}

// sameBits treats all NaNs as one.
func sameBits(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) && (a[i] == a[i] || b[i] == b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

func TestElementwiseDoesNotDependOnPosition(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for i, op := range operations[float32]() {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			in := make([][]float32, op.inputs)
			for j := range in {
				in[j] = make([]float32, 133)
				for l := range in[j] {
					in[j][l] = anything(r)
				}
			}
			all := make([]float32, 133)
			op.run(all, in)
			for l := range all {
				one := make([][]float32, op.inputs)
				for j := range in {
					one[j] = in[j][l : l+1]
				}
				alone := []float32{0}
				op.run(alone, one)
				if !sameBits(alone, all[l:l+1]) {
					t.Fatalf("%s: element %d is %v in a slice and %v alone", op.name, l, all[l], alone[0])
				}
			}
		}
	})
}

// TestAccuracy sweeps all magnitudes of the elementary functions.
func TestAccuracy(t *testing.T) {
	oracle := operations[float64]()
	const step = 1<<15 - 1
	var x []float32
	for b := uint64(0); b < 1<<32; b += step {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 50000 {
		x = append(x, float32(r.NormFloat64()*8), float32(r.NormFloat64()))
	}
	wide := widen(x)
	want := make([]float64, len(x))
	got := make([]float32, len(x))
	for i, op := range operations[float32]() {
		if op.inputs != 1 || op.domain != nil {
			continue
		}
		oracle[i].run(want, [][]float64{wide})
		eachISA(t, func(t *testing.T) {
			op.run(got, [][]float32{x})
			worst, at := 0.0, 0
			for l, v := range got {
				if u := ulps(v, want[l], op.least); u > worst {
					worst, at = u, l
				}
			}
			if testing.Verbose() {
				t.Logf("%s: greatest error %.2f ulp", op.name, worst)
			}
			if !(worst <= op.ulps) {
				t.Errorf("%s(%v) = %v, want %v: %.2f ulp", op.name, x[at], got[at], want[at], worst)
			}
		})
	}
}

func TestMismatchedLengthsPanic(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "vec.Add: lengths 3, 3 and 2 differ"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	Add(make([]float32, 3), make([]float32, 3), make([]float32, 2))
}
