package conv

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

// drawShape makes any valid shape, small enough for the oracle.
func drawShape(t *rapid.T) Shape {
	draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	groups := rapid.SampledFrom([]int{1, 1, 1, 2, 3, 7}).Draw(t, "groups")
	cg, kg := draw("c", 1, 20), draw("k", 1, 70)
	if groups > 1 {
		kg = draw("kg", 1, 5)
	}
	if rapid.Bool().Draw(t, "depthwise") {
		groups, cg, kg = draw("channels", 1, 40), 1, 1
	}
	s := Shape{
		N: rapid.SampledFrom([]int{0, 1, 2, 3, 9, 17, 30}).Draw(t, "n"), H: draw("h", 1, 9), W: draw("w", 1, 9), C: cg * groups, K: kg * groups,
		KH: draw("kh", 1, 4), KW: draw("kw", 1, 4), StrideH: draw("sh", 1, 3), StrideW: draw("sw", 1, 3),
		PadH: draw("ph", 0, 4), PadW: draw("pw", 0, 4), DilationH: draw("dh", 1, 3), DilationW: draw("dw", 1, 3), Groups: groups,
		Planar: rapid.Bool().Draw(t, "planar"),
	}
	if s.Validate() != nil {
		t.Skip("the kernel does not fit into the image")
	}
	return s
}

// operands are random x, w and gy of a shape.
func operands(s Shape, seed uint64) (x, w, gy []float32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	return fill(s.N * s.H * s.W * s.C), fill(s.K * s.C / s.Groups * s.KH * s.KW), fill(s.N * s.OutH() * s.OutW() * s.K)
}

func double(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// canary stands behind every result; a kernel must not touch it.
const canary = 12345

// guarded returns n elements of garbage with canaries behind them.
func guarded(n int) []float32 {
	v := slices.Repeat([]float32{float32(math.NaN())}, n)
	return append(v, canary, canary, canary, canary)[:n]
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// same fails unless have equals want up to the rounding of sums of terms
// products of unit variance, and the canaries behind have are alive.
func same(t failer, name string, s Shape, have []float32, want []float64, terms int) {
	t.Helper()
	limit := 4e-7 * float64(10+terms)
	for i, v := range have {
		if !(math.Abs(float64(v)-want[i]) <= limit) {
			t.Fatalf("%s of %+v: element %d is %v, the oracle says %v", name, s, i, v, want[i])
		}
	}
	for _, v := range have[:len(have)+4][len(have):] {
		if v != canary {
			t.Fatalf("%s of %+v wrote past its result", name, s)
		}
	}
}

// checkAll holds all three passes of s, on every instruction set, against the
// oracles in float64.
func checkAll(t failer, s Shape, seed uint64) {
	t.Helper()
	x, w, gy := operands(s, seed)
	wantY, wantX, wantW := make([]float64, len(gy)), make([]float64, len(x)), make([]float64, len(w))
	ForwardPortable(s, double(x), double(w), wantY)
	InputGradPortable(s, double(gy), double(w), wantX)
	WeightGradPortable(s, double(x), double(gy), wantW)
	bias := make([]float32, s.K)
	for k := range bias {
		bias[k] = w[k%len(w)]
	}
	wantReLU := make([]float64, len(wantY))
	for i, v := range wantY {
		wantReLU[i] = max(0, 2*v+float64(bias[i%s.K]))
	}
	for _, isa := range cpu.Supported() {
		restore := cpu.Force(isa)
		y, gx, gw := guarded(len(gy)), guarded(len(x)), guarded(len(w))
		name := isa.String() + " "
		Forward(s, x, w, y, gemm.Epilogue{})
		same(t, name+"Forward", s, y, wantY, s.KH*s.KW*s.C/s.Groups)
		InputGrad(s, gy, w, gx)
		same(t, name+"InputGrad", s, gx, wantX, s.KH*s.KW*s.K/s.Groups)
		WeightGrad(s, x, gy, gw)
		same(t, name+"WeightGrad", s, gw, wantW, s.N*s.OutH()*s.OutW())
		held := slices.Clone(y)
		ForwardPacked(s, x, Pack(s, w), y, gemm.Epilogue{Bias: bias, ReLU: true, Accumulate: true})
		same(t, name+"ForwardPacked with epilogue", s, y, wantReLU, 2*s.KH*s.KW*s.C/s.Groups)
		added := guarded(len(gy))
		Forward(s, x, w, added, gemm.Epilogue{Bias: bias, ReLU: true, Add: held})
		same(t, name+"Forward with an addend", s, added, wantReLU, 2*s.KH*s.KW*s.C/s.Groups)
		restore()
	}
}

func TestEveryShapeOnEveryISA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkAll(t, drawShape(t), rapid.Uint64().Draw(t, "seed"))
	})
}

// square is a convolution with a square kernel of a square image.
func square(n, side, c, k, kernel, stride, pad int) Shape {
	return Shape{N: n, H: side, W: side, C: c, K: k, KH: kernel, KW: kernel, StrideH: stride, StrideW: stride,
		PadH: pad, PadW: pad, DilationH: 1, DilationW: 1, Groups: 1}
}

func depthwise(n, side, c, kernel, stride, pad int) Shape {
	s := square(n, side, c, c, kernel, stride, pad)
	s.Groups = c
	return s
}

// TestShapesThatAreCutDifferently are shapes that the random ones are too small
// for: several tasks across, down and deep, wide kernels, large weights.
func TestShapesThatAreCutDifferently(t *testing.T) {
	shapes := []Shape{
		square(3, 28, 16, 16, 3, 1, 1),
		square(30, 8, 9, 16, 3, 1, 1),
		square(9, 7, 10, 80, 3, 1, 1),                        // last panel of 48
		square(1, 3, 300, 80, 3, 1, 1),                       // too many weights for one task
		square(8, 2, 300, 81, 3, 1, 1),                       // the same with many images
		square(1, 3, 80, 200, 3, 2, 1),                       // one image: weight gradient cut along the weights
		square(2, 40, 3, 20, 7, 2, 3),                        // first layer of a residual network
		square(13, 9, 40, 24, 1, 1, 0),                       // a plain matrix product
		square(2, 9, 40, 24, 1, 2, 0),                        // one that skips pixels
		square(2, 9, 20, 24, 1, 1, 2),                        // one whose border is all padding
		square(1, 3, 4, 5, 2, 1, 6),                          // more padding than image
		{1, 1, 500, 6, 7, 1, 5, 1, 1, 0, 2, 1, 1, 1, false},  // one-dimensional
		{1, 1, 900, 6, 7, 1, 5, 1, 2, 0, 40, 1, 9, 1, false}, // and dilated
		{2, 30, 31, 12, 18, 3, 5, 2, 3, 4, 0, 3, 2, 3, false},
		depthwise(2, 20, 24, 3, 2, 1),
		depthwise(1, 33, 19, 5, 1, 2),
		{1, 1, 300, 10, 10, 1, 5, 1, 1, 0, 2, 1, 1, 10, false}, // both one-dimensional and depthwise
		square(1, 19, 8, 9, 3, 1, 1),                           // one image: weight gradient in bands
		square(5, 20, 8, 9, 3, 2, 1),
		square(2, 40, 3, 20, 7, 2, 3),                      // input gradient by patches, in bands,
		square(1, 150, 15, 17, 3, 1, 2),                    // more of them,
		square(3, 14, 1, 64, 4, 2, 1),                      // and into one channel
		square(5, 13, 48, 50, 4, 2, 1),                     // weight gradient by copies with a stride,
		square(3, 15, 64, 48, 3, 3, 1),                     // and with another
		square(17, 7, 40, 33, 7, 1, 0),                     // kernel as large as the image
		square(9, 8, 32, 48, 3, 1, 1),                      // all passes by Winograd's method,
		square(9, 7, 48, 32, 3, 1, 1),                      // with odd sides
		square(1, 8, 32, 16, 3, 1, 1),                      // kept weights go by Winograd's method, component by component,
		square(1, 7, 32, 80, 3, 1, 1),                      // with odd sides,
		square(1, 56, 16, 32, 3, 1, 1),                     // in a few tasks
		{2, 9, 9, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 6, false}, // two outputs to a channel
	}
	for i, s := range shapes {
		checkAll(t, s, uint64(i))
		s.Planar = true
		checkAll(t, s, uint64(i))
	}
}

// TestGradientsAreTransposes needs no oracle: a convolution is linear in x and in
// w, and its gradients are the transposed maps, so that
// <gy, conv(x, w)> = <InputGrad, x> = <WeightGrad, w>.
func TestGradientsAreTransposes(t *testing.T) {
	inner := func(a, b []float32) (sum, size float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
			size += math.Abs(float64(a[i]) * float64(b[i]))
		}
		return sum, size
	}
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		x, w, gy := operands(s, rapid.Uint64().Draw(t, "seed"))
		y, gx, gw := guarded(len(gy)), guarded(len(x)), guarded(len(w))
		Forward(s, x, w, y, gemm.Epilogue{})
		InputGrad(s, gy, w, gx)
		WeightGrad(s, x, gy, gw)
		a, size := inner(gy, y)
		if s.Planar {
			x = channelsLastPortable(s, x)
		}
		b, _ := inner(gx, x)
		c, _ := inner(gw, w)
		if limit := 1e-5 * (size + 1); math.Abs(a-b) > limit || math.Abs(a-c) > limit {
			t.Fatalf("%+v: <gy, y> = %v, <gx, x> = %v, <gw, w> = %v", s, a, b, c)
		}
	})
}

func TestSameBitsOnAnyNumberOfThreads(t *testing.T) {
	for _, s := range []Shape{
		square(21, 14, 16, 32, 3, 1, 2), square(2, 30, 3, 70, 3, 2, 1), square(1, 6, 300, 100, 3, 1, 1), depthwise(5, 20, 24, 3, 2, 1),
		{3, 12, 12, 12, 18, 3, 3, 1, 1, 1, 1, 1, 1, 3, false}, square(50, 6, 20, 30, 1, 1, 0),
		square(9, 8, 64, 64, 3, 1, 1), square(13, 7, 64, 112, 3, 1, 1), square(9, 7, 272, 400, 3, 1, 1), // by Winograd's method
		square(1, 8, 32, 64, 3, 1, 1), square(1, 56, 16, 64, 3, 1, 1), // with kept weights
	} {
		x, w, gy := operands(s, 1)
		run := func(threads int) [4][]float32 {
			before := par.Threads()
			defer par.SetThreads(before)
			par.SetThreads(threads)
			y, gx, gw := guarded(len(gy)), guarded(len(x)), guarded(len(w))
			Forward(s, x, w, y, gemm.Epilogue{})
			InputGrad(s, gy, w, gx)
			WeightGrad(s, x, gy, gw)
			packed := guarded(len(gy))
			ForwardPacked(s, x, Pack(s, w), packed, gemm.Epilogue{Add: gy})
			return [4][]float32{y, gx, gw, packed}
		}
		one := run(1)
		for _, threads := range []int{2, 3, 8} {
			for i, v := range run(threads) {
				if !slices.Equal(v, one[i]) {
					t.Errorf("%+v: result %d differs between 1 and %d threads", s, i, threads)
				}
			}
		}
	}
}

// TestNaNReachesExactlyItsWindow: neither padding nor the layout may spread a
// NaN, and ReLU must not hide it.
func TestNaNReachesExactlyItsWindow(t *testing.T) {
	for _, s := range []Shape{square(16, 7, 16, 16, 3, 1, 1), square(1, 9, 3, 5, 3, 2, 1), depthwise(1, 9, 16, 3, 1, 1), depthwise(1, 9, 5, 3, 2, 1)} {
		for _, isa := range cpu.Supported() {
			restore := cpu.Force(isa)
			x, w, gy := operands(s, 1)
			x[(3*s.W+4)*s.C] = float32(math.NaN()) // image 0, row 3, column 4, channel 0
			y, want := make([]float32, len(gy)), make([]float32, len(gy))
			Forward(s, x, w, y, gemm.Epilogue{ReLU: true})
			ForwardPortable(s, x, w, want)
			restore()
			for i := range y {
				if nan, wantNaN := y[i] != y[i], want[i] != want[i]; nan != wantNaN {
					t.Fatalf("%v %+v: element %d is %v, want NaN %v", isa, s, i, y[i], wantNaN)
				}
			}
		}
	}
}

func TestForwardOfAnExampleDoneByHand(t *testing.T) {
	s := Shape{N: 1, H: 3, W: 3, C: 1, K: 1, KH: 2, KW: 2, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	y := make([]float32, 4)
	Forward(s, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, []float32{1, 10, 100, 1000}, y, gemm.Epilogue{Bias: []float32{0.5}})
	if want := []float32{5421.5, 6532.5, 8754.5, 9865.5}; !slices.Equal(y, want) {
		t.Errorf("got %v, want %v", y, want)
	}
	// Gradients of the sum of y: each weight sees the sum of its four pixels,
	// each pixel the sum of the weights that meet it.
	ones := []float32{1, 1, 1, 1}
	gw, gx := make([]float32, 4), make([]float32, 9)
	WeightGrad(s, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, ones, gw)
	if want := []float32{12, 16, 24, 28}; !slices.Equal(gw, want) {
		t.Errorf("weight gradient %v, want %v", gw, want)
	}
	InputGrad(s, ones, []float32{1, 10, 100, 1000}, gx)
	if want := []float32{1, 11, 10, 101, 1111, 1010, 100, 1100, 1000}; !slices.Equal(gx, want) {
		t.Errorf("input gradient %v, want %v", gx, want)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	good := square(1, 5, 4, 6, 3, 1, 1)
	for name, spoil := range map[string]func(*Shape){
		"batch":    func(s *Shape) { s.N = -1 },
		"input":    func(s *Shape) { s.W = 0 },
		"output":   func(s *Shape) { s.K = 0 },
		"kernel":   func(s *Shape) { s.KW = 0 },
		"stride":   func(s *Shape) { s.StrideH = 0 },
		"padding":  func(s *Shape) { s.PadW = -1 },
		"dilation": func(s *Shape) { s.DilationW = 0 },
		"groups":   func(s *Shape) { s.Groups = 0 },
		"divide":   func(s *Shape) { s.Groups = 4 },
		"fit":      func(s *Shape) { s.KH = 8 },
		"dilated":  func(s *Shape) { s.DilationW = 4 },
	} {
		s := good
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("%s: %+v is valid", name, s)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if have, want := good.FLOPs(), 2*25*6*9*4; have != want {
		t.Errorf("%d FLOPs, want %d", have, want)
	}
	x, w, gy := operands(good, 1)
	for name, call := range map[string]func(){
		"input":  func() { Forward(good, x[1:], w, gy, gemm.Epilogue{}) },
		"weight": func() { InputGrad(good, gy, w[1:], x) },
		"output": func() { WeightGrad(good, x, gy[1:], w) },
		"shape":  func() { Forward(Shape{}, nil, nil, nil, gemm.Epilogue{}) },
		"packed": func() { ForwardPacked(good, x, Pack(square(1, 5, 4, 6, 1, 1, 0), w[:24]), gy, gemm.Epilogue{}) },
		"add":    func() { Forward(good, x, w, gy, gemm.Epilogue{Add: x}) },
		"bias":   func() { Forward(good, x, w, gy, gemm.Epilogue{Bias: make([]float32, 5)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}
