package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

// canary fills memory around C. A kernel that writes there changes it, one that
// adds to it and stores makes it a NaN.
var canary = math.Float32frombits(0x7fc0dead)

// each runs a test once for every instruction set of this machine.
func each(t *testing.T, test func(t *testing.T)) {
	for _, isa := range cpu.Supported() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			test(t)
		})
	}
}

// product is a multiplication with memory around it that must not be used: NaN
// around and between the elements of A and B, canaries around those of C.
type product struct {
	m, n, k          int
	a, b, c, bias    []float32
	aoff, boff       []int
	rsa, csa         int
	rsb, csb, rsc    int
	relu, accumulate bool
	add              []float32 // laid out as C; nil: none

	sums, bounds []float64 // what want returned
}

const guard = 67 // elements before and after each matrix

func (p *product) String() string {
	return fmt.Sprintf("m=%d n=%d k=%d taps=%d A(%d,%d) B(%d,%d) C(%d) bias=%t relu=%t accumulate=%t add=%t",
		p.m, p.n, p.k, len(p.aoff), p.rsa, p.csa, p.rsb, p.csb, p.rsc, p.bias != nil, p.relu, p.accumulate, p.add != nil)
}

// newProduct lays out a random product of random strides. A has contiguous rows,
// or columns, or neither; so has B when transposeB is set.
func newProduct(rng *rand.Rand, m, n, k, taps int, transposeB bool) *product {
	slack := func() int { return rng.IntN(3) * rng.IntN(4) }
	rsa, csa := max(1, k)+slack(), 1
	switch rng.IntN(4) {
	case 0:
		rsa, csa = 1, m+slack()
	case 1:
		rsa, csa = 2*max(1, k)+slack(), 2
	}
	rsb, csb := n+slack(), 1
	if transposeB {
		rsb, csb = 1, max(1, k)+slack()
		if rng.IntN(4) == 0 {
			rsb, csb = 3, 3*max(1, k)
		}
	}
	return layout(rng, m, n, k, taps, rsa, csa, rsb, csb, max(1, n+slack()))
}

// layout makes a random product of the given strides.
func layout(rng *rand.Rand, m, n, k, taps, rsa, csa, rsb, csb, rsc int) *product {
	p := &product{m: m, n: n, k: k, rsa: rsa, csa: csa, rsb: rsb, csb: csb, rsc: rsc, relu: rng.IntN(2) == 0, accumulate: rng.IntN(2) == 0}
	var asize, bsize int
	if k > 0 && m > 0 {
		asize = (m-1)*p.rsa + (k-1)*p.csa + 1
	}
	if k > 0 && n > 0 {
		bsize = (n-1)*p.csb + (k-1)*p.rsb + 1
	}
	p.a, p.aoff = scatter(rng, taps, asize, func(base int, set func(int)) {
		for i := range m {
			for q := range k {
				set(base + i*p.rsa + q*p.csa)
			}
		}
	})
	p.b, p.boff = scatter(rng, taps, bsize, func(base int, set func(int)) {
		for q := range k {
			for j := range n {
				set(base + q*p.rsb + j*p.csb)
			}
		}
	})
	if rng.IntN(2) == 0 {
		p.bias = make([]float32, n)
		for i := range p.bias {
			p.bias[i] = rng.Float32() - 0.5
		}
	}
	if !p.accumulate && rng.IntN(2) == 0 {
		p.add = make([]float32, max(0, m-1)*p.rsc+n)
		for i := range p.add {
			p.add[i] = rng.Float32() - 0.5
		}
	}
	p.c = make([]float32, guard+max(0, m-1)*p.rsc+n+guard)
	for i := range p.c {
		p.c[i] = canary
	}
	for i := range m {
		for j := range n {
			p.c[guard+i*p.rsc+j] = rng.Float32() - 0.5
		}
	}
	return p
}

// scatter places one matrix a tap, in random order, into memory full of NaN.
func scatter(rng *rand.Rand, taps, size int, fill func(base int, set func(int))) (data []float32, off []int) {
	data = make([]float32, guard+taps*(size+guard))
	nan := float32(math.NaN())
	for i := range data {
		data[i] = nan
	}
	off = make([]int, taps)
	for i, t := range rng.Perm(taps) {
		off[i] = guard + t*(size+guard)
		fill(off[i], func(at int) { data[at] = rng.Float32() - 0.5 })
	}
	return data, off
}

// want computes the product in float64, and for each element a bound on the
// rounding errors of float32 (Higham, Accuracy and Stability of Numerical
// Algorithms, §3.1: the terms' magnitudes times their number times the unit
// roundoff).
func (p *product) want() (want, bound []float64) {
	if p.sums != nil {
		return p.sums, p.bounds
	}
	want = make([]float64, p.m*p.n)
	bound = make([]float64, p.m*p.n)
	for i := range p.m {
		sum := make([]float64, p.n)
		size := make([]float64, p.n)
		for j := range sum {
			switch {
			case p.accumulate:
				sum[j] = float64(p.c[guard+i*p.rsc+j])
			case p.add != nil:
				sum[j] = float64(p.add[i*p.rsc+j])
			}
		}
		for t := range p.aoff {
			for q := range p.k {
				a := float64(p.a[p.aoff[t]+i*p.rsa+q*p.csa])
				b := p.boff[t] + q*p.rsb
				for j := range sum {
					term := a * float64(p.b[b+j*p.csb])
					sum[j] += term
					size[j] += math.Abs(term)
				}
			}
		}
		for j, v := range sum {
			if p.bias != nil {
				v += float64(p.bias[j])
			}
			if p.relu {
				v = max(0, v)
			}
			want[i*p.n+j] = v
			bound[i*p.n+j] = (size[j] + 1) * float64(p.k*len(p.aoff)+4) * 0x1p-24
		}
	}
	p.sums, p.bounds = want, bound
	return want, bound
}

func (p *product) epilogue() Epilogue {
	return Epilogue{Bias: p.bias, ReLU: p.relu, Accumulate: p.accumulate, Add: p.add}
}

// verify runs the product and compares every element of C, and every element
// around C.
func (p *product) verify(t *testing.T, run func(c []float32)) {
	t.Helper()
	want, bound := p.want()
	c := append([]float32(nil), p.c...)
	run(c[guard : len(c)-guard])
	for at, v := range c {
		i, j := (at-guard)/p.rsc, (at-guard)%p.rsc
		if at < guard || i >= p.m || j >= p.n {
			if math.Float32bits(v) != math.Float32bits(canary) {
				t.Fatalf("%v: wrote %v outside of C, %d elements from its start", p, v, at-guard)
			}
			continue
		}
		w, tolerance := want[i*p.n+j], bound[i*p.n+j]
		if !(math.Abs(float64(v)-w) <= tolerance) {
			t.Fatalf("%v: C[%d,%d] = %v, want %v ± %.1g", p, i, j, v, w, tolerance)
		}
	}
}

// oddSizes are zero, one, and both sides of every width of vector.
var oddSizes = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 16, 17, 23, 24, 25, 28, 29, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80}

func pick(rng *rand.Rand, from []int) int { return from[rng.IntN(len(from))] }

func TestBatchReduce(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 400 {
			p := newProduct(rng, pick(rng, oddSizes), pick(rng, oddSizes), pick(rng, oddSizes[:12]), rng.IntN(5), false)
			p.verify(t, func(c []float32) {
				BatchReduce(p.m, p.n, p.k, p.a, p.aoff, p.rsa, p.csa, p.b, p.boff, p.rsb, c, p.rsc, p.epilogue())
			})
		}
	})
}

// Every kernel of the tables is used: all heights, all widths, with all tails.
func TestBatchReduceEveryTile(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for m := 1; m <= 29; m++ {
			for n := 1; n <= 65; n++ {
				p := newProduct(rng, m, n, 1+rng.IntN(3), 1+rng.IntN(2), false)
				p.verify(t, func(c []float32) {
					BatchReduce(p.m, p.n, p.k, p.a, p.aoff, p.rsa, p.csa, p.b, p.boff, p.rsb, c, p.rsc, p.epilogue())
				})
			}
		}
	})
}

func TestMul(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		sizes := append([]int{100, 129, 200, 257}, oddSizes...)
		for range 200 {
			p := newProduct(rng, pick(rng, sizes), pick(rng, sizes), pick(rng, sizes), 1, rng.IntN(2) == 0)
			p.verify(t, func(c []float32) {
				Mul(p.m, p.n, p.k, p.a[p.aoff[0]:], p.rsa, p.csa, p.b[p.boff[0]:], p.rsb, p.csb, c, p.rsc, p.epilogue())
			})
		}
	})
}

// Sizes at which Mul packs B, packs A, cuts k, packs several slabs, walks along
// strips of B, gives parts of k to tasks, packs panels twice, meets rows of A a
// page apart, and turns the product over, in every layout.
func TestMulLarge(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, s := range []struct {
		m, n, k  int
		rsa, csa int
		rsb, csb int
	}{
		{24, 701, 480, 480, 1, 701, 1},
		{25, 1285, 257, 260, 1, 1290, 1},
		{1030, 131, 40, 1, 1031, 131, 1},
		{1300, 410, 258, 258, 1, 1, 259},
		{30, 75, 300, 300, 1, 1, 300},
		{61, 75, 700, 703, 1, 1, 701},
		{90, 30, 600, 600, 1, 1, 600},
		{30, 75, 300, 300, 1, 2, 601},
		{13, 33, 513, 3, 40, 33, 1},
		{11, 1000, 130, 130, 1, 1, 131},
		{1, 1000, 300, 300, 1, 1000, 1},
		{1, 601, 701, 3, 5, 604, 1},
		{1, 512, 5000, 5000, 1, 512, 1},
		{900, 1, 500, 1, 900, 7, 1},
		{61, 13, 1030, 2048, 1, 13, 1},
		{100, 40, 70, 1024, 1, 40, 1},
		{1000, 1, 300, 300, 1, 2, 7},
		{1000, 1, 300, 1, 1000, 1, 1},
		{27, 203, 2100, 2100, 1, 203, 1},
		{24, 2050, 2100, 2100, 1, 2050, 1},
		{5, 700, 600, 600, 1, 705, 1},
		{8, 701, 600, 1, 8, 701, 1},
		{17, 700, 601, 601, 1, 700, 1},
		{16, 99, 130, 1, 16, 1, 130},
		{7, 101, 131, 133, 1, 1, 131},
		{300, 16, 130, 130, 1, 16, 1},
		{301, 7, 131, 1, 301, 7, 1},
		{300, 3, 129, 1, 300, 1, 129},
		{303, 11, 100, 2, 700, 1, 103},
	} {
		p := layout(rng, s.m, s.n, s.k, 1, s.rsa, s.csa, s.rsb, s.csb, s.n+3)
		each(t, func(t *testing.T) {
			p.verify(t, func(c []float32) {
				Mul(p.m, p.n, p.k, p.a[p.aoff[0]:], p.rsa, p.csa, p.b[p.boff[0]:], p.rsb, p.csb, c, p.rsc, p.epilogue())
			})
		})
	}
}

func TestTranspose(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {8, 8}, {16, 24}, {9, 7}, {7, 33}, {33, 17}, {0, 5}, {5, 0}} {
			rows, cols := s[0], s[1]
			lds, ldd := cols+3, rows+2
			src, dst := random(rows*lds+1), make([]float32, cols*ldd+1)
			want := make([]float32, len(dst))
			for j := range rows {
				for p := range cols {
					want[p*ldd+j] = src[j*lds+p]
				}
			}
			Transpose(dst, ldd, src, lds, rows, cols)
			if !slices.Equal(dst, want) {
				t.Errorf("%d rows of %d are not turned, or more than they", rows, cols)
			}
			wide, turned := make([]float64, len(src)), make([]float64, len(dst))
			for i, v := range src {
				wide[i] = float64(v)
			}
			Transpose(turned, ldd, wide, lds, rows, cols)
			for i, v := range turned {
				if v != float64(want[i]) {
					t.Fatalf("%d rows of %d: element %d is %v, want %v", rows, cols, i, v, want[i])
				}
			}
		}
	})
}

func TestPortable(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		p := newProduct(rng, pick(rng, oddSizes), pick(rng, oddSizes), pick(rng, oddSizes), rng.IntN(4), rng.IntN(2) == 0)
		p.verify(t, func(c []float32) {
			Portable(p.m, p.n, p.k, p.a, p.aoff, p.rsa, p.csa, p.b, p.boff, p.rsb, p.csb, c, p.rsc, p.epilogue())
		})
	}
}

func TestMulDoesNotDependOnThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, s := range [][3]int{{1, 1000, 300}, {1, 1000, 700}, {1000, 1, 300}, {5, 300, 300}, {300, 10, 100}, {130, 140, 300}, {61, 75, 300}, {64, 64, 600}, {300, 16, 100}, {16, 900, 500}, {40, 90, 2100}} {
			for _, transposed := range []bool{false, true} {
				p := newProduct(rng, s[0], s[1], s[2], 1, transposed)
				var first []float32
				for _, threads := range []int{1, 2, 5} {
					par.SetThreads(threads)
					c := append([]float32(nil), p.c...)
					Mul(p.m, p.n, p.k, p.a[p.aoff[0]:], p.rsa, p.csa, p.b[p.boff[0]:], p.rsb, p.csb, c[guard:], p.rsc, p.epilogue())
					if first == nil {
						first = c
					}
					for i := range c {
						if math.Float32bits(c[i]) != math.Float32bits(first[i]) {
							t.Fatalf("%v: element %d is %v with %d threads, %v with one", p, i-guard, c[i], threads, first[i])
						}
					}
				}
			}
		}
	})
}

func TestNaNAndInfinityPass(t *testing.T) {
	each(t, func(t *testing.T) {
		inf := float32(math.Inf(1))
		a := []float32{1, float32(math.NaN()), inf, -inf, -1}
		b := []float32{1, 0, 2}
		c := make([]float32, len(a)*len(b))
		BatchReduce(len(a), len(b), 1, a, zero, 1, 1, b, zero, len(b), c, len(b), Epilogue{ReLU: true})
		want := []string{"1 0 2", "NaN NaN NaN", "+Inf NaN +Inf", "0 NaN 0", "0 0 0"}
		for i, w := range want {
			row := c[i*len(b):]
			// Whether the zero of a negative product has a sign is left open.
			if got := fmt.Sprint(row[0]+0, row[1]+0, row[2]+0); got != w {
				t.Errorf("relu(%v * %v) = %s, want %s", a[i], b, got, w)
			}
		}
	})
}

func TestNothingToDo(t *testing.T) {
	each(t, func(t *testing.T) {
		BatchReduce(0, 3, 2, nil, nil, 0, 0, nil, nil, 0, nil, 0, Epilogue{})
		Mul(3, 0, 2, nil, 0, 0, nil, 0, 0, nil, 0, Epilogue{})
		Portable(0, 0, 0, []float64(nil), nil, 0, 0, nil, nil, 0, 0, nil, 0, EpilogueOf[float64]{})
	})
}

func TestWrongShapesPanic(t *testing.T) {
	x := make([]float32, 100)
	two := []int{0, 1}
	for name, call := range map[string]func(){
		"A too short":        func() { BatchReduce(11, 2, 10, x, zero, 10, 1, x, zero, 2, x, 2, Epilogue{}) },
		"A by an offset":     func() { BatchReduce(10, 2, 10, x, []int{1}, 10, 1, x, zero, 2, x, 2, Epilogue{}) },
		"A by a step":        func() { BatchReduce(10, 2, 10, x, zero, 10, 2, x, zero, 2, x, 2, Epilogue{}) },
		"negative offset":    func() { BatchReduce(2, 2, 2, x, []int{-1}, 2, 1, x, zero, 2, x, 2, Epilogue{}) },
		"B too short":        func() { BatchReduce(2, 10, 11, x, zero, 11, 1, x, zero, 10, x, 10, Epilogue{}) },
		"B by an offset":     func() { BatchReduce(2, 10, 10, x, zero, 10, 1, x, []int{1}, 10, x, 10, Epilogue{}) },
		"C too short":        func() { BatchReduce(11, 10, 1, x, zero, 1, 1, x, zero, 10, x, 10, Epilogue{}) },
		"rows of C overlap":  func() { BatchReduce(2, 10, 1, x, zero, 1, 1, x, zero, 10, x, 9, Epilogue{}) },
		"bias too short":     func() { BatchReduce(2, 10, 1, x, zero, 1, 1, x, zero, 10, x, 10, Epilogue{Bias: x[:9]}) },
		"addend too short":   func() { BatchReduce(2, 10, 1, x, zero, 1, 1, x, zero, 10, x, 10, Epilogue{Add: x[:19]}) },
		"two addends":        func() { Mul(2, 10, 1, x, 1, 1, x, 10, 1, x, 10, Epilogue{Add: x, Accumulate: true}) },
		"taps differ":        func() { BatchReduce(2, 2, 2, x, two, 2, 1, x, zero, 2, x, 2, Epilogue{}) },
		"negative stride":    func() { BatchReduce(2, 2, 2, x, zero, -2, 1, x, zero, 2, x, 2, Epilogue{}) },
		"negative k":         func() { BatchReduce(2, 2, -1, x, zero, 2, 1, x, zero, 2, x, 2, Epilogue{}) },
		"Mul, B too short":   func() { Mul(2, 10, 11, x, 11, 1, x, 1, 11, x, 10, Epilogue{}) },
		"Portable, C absent": func() { Portable(2, 2, 2, x, zero, 2, 1, x, zero, 2, 1, nil, 2, Epilogue{}) },
	} {
		func() {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.HasPrefix(message, "gemm: ") {
					t.Errorf("%s: panicked with %q", name, message)
				}
			}()
			call()
		}()
	}
}

func TestSmallProductsDoNotAllocate(t *testing.T) {
	a, b, c := make([]float32, 400), make([]float32, 400), make([]float32, 400)
	each(t, func(t *testing.T) {
		if cpu.Active() == cpu.Generic {
			return // its parallel loop has a closure
		}
		if n := testing.AllocsPerRun(100, func() {
			BatchReduce(20, 20, 20, a, zero, 20, 1, b, zero, 20, c, 20, Epilogue{Bias: a, ReLU: true})
			Mul(20, 20, 20, a, 20, 1, b, 20, 1, c, 20, Epilogue{Accumulate: true})
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// The order of summation does not depend on the tile: any cut of C gives the
// same bits, and so do all instruction sets with fused multiply-add.
func TestTilesDoNotChangeTheResult(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	p := newProduct(rng, 40, 70, 33, 3, false)
	var first []float32
	each(t, func(t *testing.T) {
		if cpu.Active() == cpu.Generic {
			return // rounds after the multiplication too
		}
		for _, rows := range []int{40, 1, 7} {
			c := append([]float32(nil), p.c...)
			for i := 0; i < p.m; i += rows {
				BatchReduce(min(rows, p.m-i), p.n, p.k, p.a[i*p.rsa:], p.aoff, p.rsa, p.csa, p.b, p.boff, p.rsb, c[guard+i*p.rsc:], p.rsc, p.epilogue())
			}
			if first == nil {
				first = c
			}
			for i := range c {
				if math.Float32bits(c[i]) != math.Float32bits(first[i]) {
					t.Fatalf("%d rows at once: element %d is %v, before %v", rows, i-guard, c[i], first[i])
				}
			}
		}
	})
}

// What a tile fetches ahead cannot be seen in C: it says itself how far it came.
// Nothing asked for is nothing fetched, whatever the other flags.
func TestTilesFetchWhatTheyAreTold(t *testing.T) {
	each(t, func(t *testing.T) {
		isa := cpu.Active()
		if isa == cpu.Generic {
			return // it has no tiles
		}
		s := &shapesOf[isa]
		const k, stride = 5, 64
		for vectors := 1; vectors < len(s.maxRows); vectors++ {
			for rows := 1; rows <= s.maxRows[vectors]; rows++ {
				n := vectors * s.width
				a, b, c := make([]float32, rows*k), make([]float32, k*n), make([]float32, rows*n)
				for _, flags := range []int{0, farC, relu} {
					for _, ahead := range []uintptr{0, uintptr(unsafe.Pointer(&b[0]))} {
						x := tile{
							a: unsafe.Pointer(&a[0]), aoff: unsafe.Pointer(&zero[0]), rsa: k * sizeofFloat, csa: sizeofFloat,
							b: unsafe.Pointer(&b[0]), boff: unsafe.Pointer(&zero[0]), rsb: n * sizeofFloat,
							c: unsafe.Pointer(&c[0]), rsc: n * sizeofFloat,
							k: k, taps: 1, ahead: ahead, stride: stride, flags: flags, kernel: kernelIndex(isa, rows, vectors, 0),
						}
						run(isa, &x)
						if moved := x.ahead - ahead; moved != 0 && (ahead == 0 || moved != k*stride) {
							t.Errorf("%dx%d, flags %d: moved from %#x by %d bytes", rows, n, flags, ahead, int(moved))
						}
					}
				}
			}
		}
	})
}
