package pool

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

func drawShape(t *rapid.T) Shape {
	draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	s := Shape{
		N: draw("n", 0, 3), H: draw("h", 1, 12), W: draw("w", 1, 12), C: rapid.SampledFrom([]int{1, 3, 8, 16, 17, 40}).Draw(t, "c"),
		KH: draw("kh", 1, 4), KW: draw("kw", 1, 4), StrideH: draw("sh", 1, 3), StrideW: draw("sw", 1, 3),
		DilationH: draw("dh", 1, 3), DilationW: draw("dw", 1, 3), Ceil: rapid.Bool().Draw(t, "ceil"),
	}
	s.PadH, s.PadW = draw("ph", 0, (s.DilationH*(s.KH-1)+1)/2), draw("pw", 0, (s.DilationW*(s.KW-1)+1)/2)
	if s.Validate() != nil {
		t.Skip("the window does not fit into the image")
	}
	return s
}

func drawResize(t *rapid.T) Resize {
	draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	return Resize{N: draw("n", 0, 3), H: draw("h", 1, 9), W: draw("w", 1, 9), C: rapid.SampledFrom([]int{1, 3, 70}).Draw(t, "c"),
		OutH: draw("outh", 1, 12), OutW: draw("outw", 1, 12)}
}

// fill makes n values, few enough different ones that maxima are often shared.
func fill[T Float](rng *rand.Rand, n int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(rng.IntN(9) - 4)
	}
	return v
}

// sprinkle puts NaN and -Inf into x.
func sprinkle[T Float](rng *rand.Rand, x []T) {
	for i := range x {
		switch rng.IntN(12) {
		case 0:
			x[i] = T(math.NaN())
		case 1:
			x[i] = T(math.Inf(-1))
		}
	}
}

// guarded returns n elements of garbage with a canary behind them.
func guarded[T any](n int, garbage, canary T) []T {
	return append(slices.Repeat([]T{garbage}, n), canary, canary)[:n]
}

func mustLive[T comparable](t *rapid.T, name string, v []T, canary T) {
	if tail := v[:len(v)+2][len(v):]; tail[0] != canary || tail[1] != canary {
		t.Fatalf("%s wrote past its end", name)
	}
}

// equal compares bit for bit, except that all NaN are one and so are both zeros.
func equal[T Float](a, b []T) bool {
	return slices.EqualFunc(a, b, func(x, y T) bool { return x == y || x != x && y != y })
}

// window calls visit for each pixel that the window of output (i, j) meets,
// with the window position and the offset of the pixel in its image.
func window(s Shape, i, j int, visit func(position, pixel int)) {
	for kh := range s.KH {
		for kw := range s.KW {
			h, w := i*s.StrideH-s.PadH+kh*s.DilationH, j*s.StrideW-s.PadW+kw*s.DilationW
			if h >= 0 && h < s.H && w >= 0 && w < s.W {
				visit(kh*s.KW+kw, h*s.W+w)
			}
		}
	}
}

func checkMax[T Float, I Index](t *rapid.T, s Shape, rng *rand.Rand) {
	oh, ow := s.OutH(), s.OutW()
	x, gy := fill[T](rng, s.N*s.H*s.W*s.C), fill[T](rng, s.N*oh*ow*s.C)
	sprinkle(rng, x)
	wantY, wantArg, wantX := make([]T, len(gy)), make([]I, len(gy)), make([]T, len(x))
	for p := range wantY {
		c, j, i, n := p%s.C, p/s.C%ow, p/s.C/ow%oh, p/s.C/ow/oh
		best, winner, pixelOf := T(math.Inf(-1)), -1, -1
		window(s, i, j, func(position, pixel int) {
			if v := x[(n*s.H*s.W+pixel)*s.C+c]; winner < 0 || v > best || v != v {
				best, winner, pixelOf = v, position, pixel
			}
		})
		wantY[p], wantArg[p] = best, I(max(winner, 0))
		if winner >= 0 {
			wantX[(n*s.H*s.W+pixelOf)*s.C+c] += gy[p]
		}
	}
	y, arg, gx := guarded[T](len(gy), 7, 99), guarded[I](len(gy), 7, 99), guarded[T](len(x), 7, 99)
	Max(s, x, y, arg)
	if !equal(y, wantY) || !slices.Equal(arg, wantArg) {
		t.Fatalf("Max of %+v:\n%v %v\nthe definition says\n%v %v", s, y, arg, wantY, wantArg)
	}
	mustLive(t, "Max y", y, 99)
	mustLive(t, "Max arg", arg, 99)
	Max[T, I](s, x, y, nil)
	if !equal(y, wantY) {
		t.Fatalf("Max of %+v without arg: %v, want %v", s, y, wantY)
	}
	MaxGrad(s, gy, arg, gx)
	if !equal(gx, wantX) {
		t.Fatalf("MaxGrad of %+v: %v, want %v", s, gx, wantX)
	}
	mustLive(t, "MaxGrad", gx, 99)
	picked := guarded[T](len(gy), 7, 99)
	MaxPick(s, x, arg, picked)
	for p, v := range wantY {
		missed := true
		window(s, p/s.C/ow%oh, p/s.C%ow, func(_, _ int) { missed = false })
		if missed {
			v = 0
		}
		if !equal(picked[p:p+1], []T{v}) {
			t.Fatalf("MaxPick of %+v: element %d is %v, want %v", s, p, picked[p], v)
		}
	}
}

func TestMaxIsTheDefinitionOnEveryISA(t *testing.T) {
	for _, isa := range cpu.Supported() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			rapid.Check(t, func(t *rapid.T) {
				s, rng := drawShape(t), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				checkMax[float32, uint8](t, s, rng)
				checkMax[float32, int32](t, s, rng)
				checkMax[float64, uint8](t, s, rng)
			})
		})
	}
}

func TestMaxWithAWindowLargerThanTheKernelsTake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shape{N: 2, H: 20, W: 21, C: 8, KH: 18, KW: rapid.IntRange(3, 20).Draw(t, "kw"), StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
		rng := rand.New(rand.NewPCG(1, 2))
		if s.IndexFitsUint8() {
			checkMax[float32, uint8](t, s, rng)
		} else {
			checkMax[float32, int32](t, s, rng)
		}
	})
}

func TestAverageIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, rng := drawShape(t), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		s.DilationH, s.DilationW = 1, 1
		s.PadH, s.PadW = min(s.PadH, s.KH/2), min(s.PadW, s.KW/2)
		if s.Validate() != nil {
			t.Skip("the window does not fit into the image")
		}
		oh, ow := s.OutH(), s.OutW()
		x := fill[float64](rng, s.N*s.H*s.W*s.C)
		gy := fill[float64](rng, s.N*oh*ow*s.C)
		y, gx := guarded(len(gy), 7., 99), guarded(len(x), 7., 99)
		for _, includePad := range []bool{false, true} {
			Average(s, x, y, includePad)
			mustLive(t, "Average", y, 99)
			for p, v := range y {
				c, j, i, n := p%s.C, p/s.C%ow, p/s.C/ow%oh, p/s.C/ow/oh
				sum, count := 0.0, 0
				window(s, i, j, func(_, pixel int) {
					sum += x[(n*s.H*s.W+pixel)*s.C+c]
					count++
				})
				if includePad {
					h0, w0 := i*s.StrideH-s.PadH, j*s.StrideW-s.PadW
					count = (min(h0+s.KH, s.H+s.PadH) - h0) * (min(w0+s.KW, s.W+s.PadW) - w0)
				}
				want := sum / float64(max(count, 1))
				if math.Abs(v-want) > 1e-12 {
					t.Fatalf("Average(%+v, %v): element %d is %v, want %v", s, includePad, p, v, want)
				}
			}
			AverageGrad(s, gy, gx, includePad)
			mustLive(t, "AverageGrad", gx, 99)
			mustBeAdjoint(t, x, y, gx, gy)
		}
	})
}

// mustBeAdjoint holds a gradient against its linear map: <gy, f(x)> = <gx, x>.
func mustBeAdjoint(t *rapid.T, x, y, gx, gy []float64) {
	t.Helper()
	a, b, size := 0.0, 0.0, 1.0
	for i := range y {
		a += y[i] * gy[i]
		size += math.Abs(y[i] * gy[i])
	}
	for i := range x {
		b += x[i] * gx[i]
	}
	if math.Abs(a-b) > 1e-12*size {
		t.Fatalf("the gradient is not the transpose of the map: <gy, f(x)> = %v, <gx, x> = %v", a, b)
	}
}

func TestAdaptiveIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, rng := drawResize(t), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		if rapid.Bool().Draw(t, "global") {
			s.OutH, s.OutW = 1, 1
		}
		x, gy := fill[float64](rng, s.N*s.H*s.W*s.C), fill[float64](rng, s.N*s.OutH*s.OutW*s.C)
		y, gx := guarded(len(gy), 7., 99), guarded(len(x), 7., 99)
		// each calls visit for all pixels of the bin of output element p.
		each := func(p int, visit func(pixel int, at int)) {
			c, j, i, n := p%s.C, p/s.C%s.OutW, p/s.C/s.OutW%s.OutH, p/s.C/s.OutW/s.OutH
			lo := func(i, in, out int) int { return int(math.Floor(float64(i) * float64(in) / float64(out))) }
			hi := func(i, in, out int) int { return int(math.Ceil(float64((i+1)*in) / float64(out))) }
			for h := lo(i, s.H, s.OutH); h < hi(i, s.H, s.OutH); h++ {
				for w := lo(j, s.W, s.OutW); w < hi(j, s.W, s.OutW); w++ {
					visit(h*s.W+w, ((n*s.H+h)*s.W+w)*s.C+c)
				}
			}
		}
		AdaptiveAverage(s, x, y)
		mustLive(t, "AdaptiveAverage", y, 99)
		for p, v := range y {
			sum, count := 0.0, 0
			each(p, func(_, at int) { sum += x[at]; count++ })
			if math.Abs(v-sum/float64(count)) > 1e-12 {
				t.Fatalf("AdaptiveAverage(%+v): element %d is %v, want %v", s, p, v, sum/float64(count))
			}
		}
		AdaptiveAverageGrad(s, gy, gx)
		mustLive(t, "AdaptiveAverageGrad", gx, 99)
		mustBeAdjoint(t, x, y, gx, gy)

		sprinkle(rng, x)
		arg := guarded[int32](len(gy), 7, 99)
		AdaptiveMax(s, x, y, arg)
		mustLive(t, "AdaptiveMax y", y, 99)
		mustLive(t, "AdaptiveMax arg", arg, 99)
		wantX := make([]float64, len(x))
		for p, v := range y {
			best, winner, place := math.Inf(-1), -1, 0
			each(p, func(pixel, at int) {
				if winner < 0 || x[at] > best || x[at] != x[at] {
					best, winner, place = x[at], pixel, at
				}
			})
			if !equal([]float64{v}, []float64{best}) || int(arg[p]) != winner {
				t.Fatalf("AdaptiveMax(%+v): element %d is %v at %d, want %v at %d", s, p, v, arg[p], best, winner)
			}
			wantX[place] += gy[p]
		}
		AdaptiveMaxGrad(s, gy, arg, gx)
		if !equal(gx, wantX) {
			t.Fatalf("AdaptiveMaxGrad(%+v): %v, want %v", s, gx, wantX)
		}
		picked := make([]float64, len(y))
		AdaptiveMaxPick(s, x, arg, picked)
		if !equal(picked, y) {
			t.Fatalf("AdaptiveMaxPick(%+v): %v, want %v", s, picked, y)
		}
		AdaptiveMax(s, x, picked, nil)
		if !equal(picked, y) {
			t.Fatalf("AdaptiveMax(%+v) without arg: %v, want %v", s, picked, y)
		}
	})
}

func TestUpsampleIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, rng := drawResize(t), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		x, gy := fill[float64](rng, s.N*s.H*s.W*s.C), fill[float64](rng, s.N*s.OutH*s.OutW*s.C)
		y, gx := guarded(len(gy), 7., 99), guarded(len(x), 7., 99)
		UpsampleNearest(s, x, y)
		mustLive(t, "UpsampleNearest", y, 99)
		for p, v := range y {
			c, j, i, n := p%s.C, p/s.C%s.OutW, p/s.C/s.OutW%s.OutH, p/s.C/s.OutW/s.OutH
			if want := x[((n*s.H+i*s.H/s.OutH)*s.W+j*s.W/s.OutW)*s.C+c]; v != want {
				t.Fatalf("UpsampleNearest(%+v): element %d is %v, want %v", s, p, v, want)
			}
		}
		UpsampleNearestGrad(s, gy, gx)
		mustLive(t, "UpsampleNearestGrad", gx, 99)
		mustBeAdjoint(t, x, y, gx, gy)
		for _, alignCorners := range []bool{false, true} {
			UpsampleBilinear(s, x, y, alignCorners)
			mustLive(t, "UpsampleBilinear", y, 99)
			UpsampleBilinearGrad(s, gy, gx, alignCorners)
			mustLive(t, "UpsampleBilinearGrad", gx, 99)
			mustBeAdjoint(t, x, y, gx, gy)
		}
	})
}

func TestBilinearInterpolatesAlongALine(t *testing.T) {
	for _, c := range []struct {
		x            []float64
		out          int
		alignCorners bool
		want         []float64
	}{
		{[]float64{1, 2}, 4, false, []float64{1, 1.25, 1.75, 2}},
		{[]float64{1, 2}, 4, true, []float64{1, 4. / 3, 5. / 3, 2}},
		{[]float64{1, 2, 3, 4}, 2, false, []float64{1.5, 3.5}},
		{[]float64{1, 2, 3, 4}, 2, true, []float64{1, 4}},
		{[]float64{1, 2, 3}, 1, true, []float64{1}},
		{[]float64{1, 2, 3}, 1, false, []float64{2}},
		{[]float64{5}, 3, false, []float64{5, 5, 5}},
	} {
		y := make([]float64, c.out)
		for _, s := range []Resize{{N: 1, H: 1, W: len(c.x), C: 1, OutH: 1, OutW: c.out}, {N: 1, H: len(c.x), W: 1, C: 1, OutH: c.out, OutW: 1}} {
			UpsampleBilinear(s, c.x, y, c.alignCorners)
			for i := range y {
				if math.Abs(y[i]-c.want[i]) > 1e-12 {
					t.Errorf("%v to %d, alignCorners %v: %v, want %v", c.x, c.out, c.alignCorners, y, c.want)
				}
			}
		}
	}
}

func TestOutputSizes(t *testing.T) {
	for _, c := range []struct {
		in, kernel, stride, pad, dilation int
		ceil                              bool
		want                              int
	}{
		{28, 2, 2, 0, 1, false, 14},
		{7, 2, 2, 0, 1, false, 3},
		{7, 2, 2, 0, 1, true, 4},
		{112, 3, 2, 1, 1, false, 56},
		{5, 3, 3, 1, 1, true, 2}, // a third window would begin in the padding at the end
		{3, 1, 2, 0, 1, true, 2},
		{2, 3, 2, 1, 1, true, 2},
		{4, 2, 1, 0, 3, false, 1},
		{1, 2, 1, 0, 1, false, 0},
	} {
		s := Shape{N: 1, H: c.in, W: c.in, C: 1, KH: c.kernel, KW: c.kernel, StrideH: c.stride, StrideW: c.stride,
			PadH: c.pad, PadW: c.pad, DilationH: c.dilation, DilationW: c.dilation, Ceil: c.ceil}
		if s.OutH() != c.want || s.OutW() != c.want {
			t.Errorf("%+v has %dx%d outputs, want %d", c, s.OutH(), s.OutW(), c.want)
		}
	}
}

func TestGradsHaveTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	s := Shape{N: 3, H: 40, W: 41, C: 24, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1}
	r := Resize{N: 3, H: 40, W: 41, C: 24, OutH: 60, OutW: 13}
	rng := rand.New(rand.NewPCG(1, 1))
	normal := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	x, gy, gr := normal(s.N*s.H*s.W*s.C), normal(s.N*s.OutH()*s.OutW()*s.C), normal(r.N*r.OutH*r.OutW*r.C)
	run := func(threads int) [][]float32 {
		before := par.Threads()
		defer par.SetThreads(before)
		par.SetThreads(threads)
		y, arg := make([]float32, len(gy)), make([]uint8, len(gy))
		Max(s, x, y, arg)
		out := [][]float32{y}
		for _, grad := range []func(gx []float32){
			func(gx []float32) { MaxGrad(s, gy, arg, gx) },
			func(gx []float32) { AverageGrad(s, gy, gx, true) },
			func(gx []float32) { AdaptiveAverageGrad(r, gr, gx) },
			func(gx []float32) { UpsampleNearestGrad(r, gr, gx) },
			func(gx []float32) { UpsampleBilinearGrad(r, gr, gx, false) },
			func(gx []float32) {
				AdaptiveAverage(Resize{N: s.N, H: s.H, W: s.W, C: s.C, OutH: 1, OutW: 1}, x, gx[:s.N*s.C])
			},
		} {
			gx := make([]float32, len(x))
			grad(gx)
			out = append(out, gx)
		}
		return out
	}
	one := run(1)
	for _, threads := range []int{2, 3, 8} {
		for i, v := range run(threads) {
			if !slices.Equal(v, one[i]) {
				t.Errorf("result %d differs between 1 and %d threads", i, threads)
			}
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	good := Shape{N: 1, H: 4, W: 4, C: 2, KH: 2, KW: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1}
	for name, spoil := range map[string]func(*Shape){
		"batch":    func(s *Shape) { s.N = -1 },
		"input":    func(s *Shape) { s.C = 0 },
		"window":   func(s *Shape) { s.KH = 0 },
		"stride":   func(s *Shape) { s.StrideW = 0 },
		"dilation": func(s *Shape) { s.DilationH = 0 },
		"negative": func(s *Shape) { s.PadH = -1 },
		"half":     func(s *Shape) { s.PadH = 2 },
		"fit":      func(s *Shape) { s.KH = 5 },
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
	for name, call := range map[string]func(){
		"length":  func() { Max(good, make([]float32, 31), make([]float32, 8), make([]uint8, 8)) },
		"arg":     func() { Max(good, make([]float32, 32), make([]float32, 8), make([]uint8, 7)) },
		"resize":  func() { UpsampleNearest(Resize{N: 1, H: 1, W: 1, C: 1}, make([]float32, 1), nil) },
		"invalid": func() { Average(Shape{}, []float32{}, nil, true) },
		"uint8": func() {
			wide := Shape{N: 1, H: 17, W: 17, C: 1, KH: 17, KW: 17, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
			Max(wide, make([]float32, 289), make([]float32, 1), make([]uint8, 1))
		},
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

func BenchmarkPool(b *testing.B) {
	two := Shape{N: 100, H: 28, W: 28, C: 16, KH: 2, KW: 2, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1}
	three := Shape{N: 16, H: 112, W: 112, C: 64, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1}
	for _, c := range []struct {
		name string
		s    Shape
	}{{"2x2", two}, {"3x3", three}} {
		s := c.s
		x, y := make([]float32, s.N*s.H*s.W*s.C), make([]float32, s.N*s.OutH()*s.OutW()*s.C)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		arg := make([]uint8, len(y))
		Max(s, x, y, arg)
		gap := Resize{N: s.N, H: s.H, W: s.W, C: s.C, OutH: 1, OutW: 1}
		means := make([]float32, s.N*s.C)
		double := Resize{N: s.N, H: s.OutH(), W: s.OutW(), C: s.C, OutH: s.H, OutW: s.W}
		for _, threads := range []int{1, 2} {
			for _, op := range []struct {
				name  string
				bytes int
				run   func()
			}{
				{"max", 4*len(x) + 5*len(y), func() { Max(s, x, y, arg) }},
				{"maxgrad", 4*len(x) + 5*len(y), func() { MaxGrad(s, y, arg, x) }},
				{"average", 4*len(x) + 4*len(y), func() { Average(s, x, y, true) }},
				{"averagegrad", 4*len(x) + 4*len(y), func() { AverageGrad(s, y, x, true) }},
				{"global", 4 * len(x), func() { AdaptiveAverage(gap, x, means) }},
				{"globalgrad", 4 * len(x), func() { AdaptiveAverageGrad(gap, means, x) }},
				{"nearest", 4*len(x) + 4*len(y), func() { UpsampleNearest(double, y, x) }},
				{"bilinear", 4*len(x) + 4*len(y), func() { UpsampleBilinear(double, y, x, false) }},
			} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", c.name, op.name, threads), func(b *testing.B) {
					before := par.Threads()
					par.SetThreads(threads)
					defer par.SetThreads(before)
					b.ReportAllocs()
					b.SetBytes(int64(op.bytes))
					for b.Loop() {
						op.run()
					}
				})
			}
		}
	}
}
