package rng

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
)

// The known answers are those that the authors of Philox publish with their
// Random123 library.
func TestPhiloxGivesTheKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, [2]uint32{0xffffffff, 0xffffffff},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		a, b, d, e := philox(c.counter[0], c.counter[1], c.counter[2], c.counter[3], c.key[0], c.key[1])
		if got := [4]uint32{a, b, d, e}; got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
	if got, want := New(0).Block(0), ([4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}); got != want {
		t.Errorf("New(0).Block(0) = %x, want %x", got, want)
	}
}

func TestWordsAreAFunctionOfKeyAndIndex(t *testing.T) {
	k := New(7).Split(3)
	s := k.Stream()
	for i := range uint64(41) {
		if got, want := s.Uint32(), k.Uint32At(i); got != want {
			t.Fatalf("word %d: stream %x, Uint32At %x", i, got, want)
		}
	}
	s.Reset(k)
	for i := range uint64(41) {
		if got, want := s.Uint64(), k.Uint64At(i); got != want {
			t.Fatalf("number %d: stream %x, Uint64At %x", i, got, want)
		}
	}
}

func TestKeysOfOneFamilyAreAllDifferent(t *testing.T) {
	seen := map[Key]string{}
	add := func(k Key, how string) {
		if old, ok := seen[k]; ok {
			t.Fatalf("%s and %s are the same key", old, how)
		}
		seen[k] = how
	}
	for seed := range uint64(20) {
		k := New(seed)
		add(k, fmt.Sprintf("New(%d)", seed))
		for i := range uint64(200) {
			add(k.Split(i), fmt.Sprintf("New(%d).Split(%d)", seed, i))
			add(k.Split(i).Split(seed), fmt.Sprintf("New(%d).Split(%d).Split", seed, i))
		}
		for _, name := range []string{"", "\x00", "a", "ab", "abcdefgh", "abcdefgh\x00", "abcdefghi", "weights", "shuffle"} {
			add(k.SplitString(name), fmt.Sprintf("New(%d).SplitString(%q)", seed, name))
		}
	}
}

// Children must look independent: the correlation of siblings' first
// samples with their neighbours' is that of noise.
func TestSiblingsAreUncorrelated(t *testing.T) {
	const n = 100_000
	parent := New(11)
	var sum float64
	previous := normal64(parent.Split(0).Uint64At(0))
	for i := uint64(1); i <= n; i++ {
		x := normal64(parent.Split(i).Uint64At(0))
		sum += x * previous
		previous = x
	}
	if r := sum / n; math.Abs(r) > 4/math.Sqrt(n) {
		t.Errorf("correlation %g, want 0 within %g", r, 4/math.Sqrt(n))
	}
}

func TestFillsAreTheSameForAnyNumberOfThreads(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	const n = 3*fillChunk + 7
	fill := func(threads int) (a, b []float32, c, d []float64) {
		par.SetThreads(threads)
		a, b, c, d = make([]float32, n), make([]float32, n), make([]float64, n), make([]float64, n)
		FillUniform(New(1), a, -1, 1)
		FillNormal(New(2), b, 3, 0.5)
		FillUniform(New(3), c, -1, 1)
		FillNormal(New(4), d, 3, 0.5)
		return
	}
	a1, b1, c1, d1 := fill(1)
	for _, threads := range []int{2, 5} {
		a, b, c, d := fill(threads)
		if !slices.Equal(a, a1) || !slices.Equal(b, b1) || !slices.Equal(c, c1) || !slices.Equal(d, d1) {
			t.Errorf("%d threads gave other numbers than one", threads)
		}
	}
	// A shorter slice is a prefix of a longer one.
	short := make([]float64, 11)
	FillNormal(New(4), short, 3, 0.5)
	if !slices.Equal(short, d1[:11]) {
		t.Error("element i depends on the length")
	}
}

// The figures pin the bits: they hold on amd64 and arm64 alike, and a change
// of them would change everybody's runs.
func TestSamplesKeepTheirBits(t *testing.T) {
	h := fnv.New64a()
	x32, x64 := make([]float32, 1000), make([]float64, 1000)
	FillNormal(New(42), x32, 1, 2)
	FillNormal(New(42), x64, 1, 2)
	for i := range x32 {
		fmt.Fprintf(h, "%08x %016x\n", math.Float32bits(x32[i]), math.Float64bits(x64[i]))
	}
	FillUniform(New(42), x32, -1, 2)
	FillUniform(New(42), x64, -1, 2)
	for i := range x32 {
		fmt.Fprintf(h, "%08x %016x\n", math.Float32bits(x32[i]), math.Float64bits(x64[i]))
	}
	fmt.Fprint(h, New(42).SplitString("order").Stream().Perm(100))
	if got, want := h.Sum64(), uint64(0xff1c07845858228f); got != want {
		t.Errorf("hash of the samples %#x, want %#x", got, want)
	}
}

func TestQuantileIsTheInverseOfTheNormalDistribution(t *testing.T) {
	check := func(p float64) {
		got, want := quantile(p-0.5), -math.Sqrt2*math.Erfcinv(2*p)
		if math.Abs(got-want) > 4e-15*math.Max(1, math.Abs(want)) {
			t.Errorf("quantile for p = %g is %.17g, want %.17g", p, got, want)
		}
	}
	for p := 0x1p-10; p < 0.5; p += 0x1p-10 {
		check(p)
		check(1 - p)
	}
	for p := 0.5; p > 0x1p-53; p /= 2 {
		check(p) // far into the left tail; the right one is its mirror
	}
	if quantile(0.3) != -quantile(-0.3) || quantile(0.49) != -quantile(-0.49) {
		t.Error("not symmetric")
	}
	for _, word := range []uint64{0, 1, 1 << 63, math.MaxUint64} {
		if x := normal64(word); math.IsInf(x, 0) || math.IsNaN(x) || math.Abs(x) > 8.4 {
			t.Errorf("normal64(%x) = %g", word, x)
		}
		if x := float64(normal32(uint32(word >> 32))); math.IsInf(x, 0) || math.IsNaN(x) || math.Abs(x) > 6.4 {
			t.Errorf("normal32(%x) = %g", word>>32, x)
		}
	}
}

func TestLogarithm(t *testing.T) {
	for x := 0x1p-60; x < 4; x *= 1.01 {
		if got, want := logarithm(x), math.Log(x); math.Abs(got-want) > 4e-16*math.Max(1, math.Abs(want)) {
			t.Errorf("logarithm(%g) = %.17g, want %.17g", x, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	const n = 200_000
	u, z := make([]float64, n), make([]float64, n)
	u32, z32 := make([]float32, n), make([]float32, n)
	FillUniform(New(5), u, 0, 1)
	FillNormal(New(5), z, 0, 1)
	FillUniform(New(6), u32, 0, 1)
	FillNormal(New(6), z32, 0, 1)
	for i := range n {
		if u[i] < 0 || u[i] >= 1 || u32[i] < 0 || u32[i] >= 1 {
			t.Fatalf("uniform sample %d is %g and %g", i, u[i], u32[i])
		}
	}
	moment := func(n int, at func(int) float64, power float64) float64 {
		var sum float64
		for i := range n {
			sum += math.Pow(at(i), power)
		}
		return sum / float64(n)
	}
	for _, c := range []struct {
		name      string
		at        func(int) float64
		power     float64
		want, std float64 // of one sample's power
	}{
		{"uniform mean", func(i int) float64 { return u[i] }, 1, 1. / 2, math.Sqrt(1. / 12)},
		{"uniform square", func(i int) float64 { return u[i] }, 2, 1. / 3, math.Sqrt(4. / 45)},
		{"uniform32 mean", func(i int) float64 { return float64(u32[i]) }, 1, 1. / 2, math.Sqrt(1. / 12)},
		{"normal mean", func(i int) float64 { return z[i] }, 1, 0, 1},
		{"normal square", func(i int) float64 { return z[i] }, 2, 1, math.Sqrt(2)},
		{"normal cube", func(i int) float64 { return z[i] }, 3, 0, math.Sqrt(15)},
		{"normal fourth", func(i int) float64 { return z[i] }, 4, 3, math.Sqrt(96)},
		{"normal32 square", func(i int) float64 { return float64(z32[i]) }, 2, 1, math.Sqrt(2)},
		{"normal32 fourth", func(i int) float64 { return float64(z32[i]) }, 4, 3, math.Sqrt(96)},
		{"neighbours", func(i int) float64 { return z[i] * z[(i+1)%n] }, 1, 0, 1},
	} {
		if got := moment(n, c.at, c.power); math.Abs(got-c.want) > 4*c.std/math.Sqrt(n) {
			t.Errorf("%s is %g, want %g", c.name, got, c.want)
		}
	}
}

// chiSquare returns (sum - degrees of freedom) / its standard deviation for
// counts that should all be equal.
func chiSquare(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	want := float64(total) / float64(len(counts))
	sum := 0.0
	for _, c := range counts {
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	degrees := float64(len(counts) - 1)
	return (sum - degrees) / math.Sqrt(2*degrees)
}

func TestIntNBytesAndPermutationsAreEquallyLikely(t *testing.T) {
	s := New(9).Stream()
	digits, sevens, perms := make([]int, 256), make([]int, 7), map[string]int{}
	for range 100_000 {
		w := s.Uint32()
		for range 4 {
			digits[w&255]++
			w >>= 8
		}
		sevens[s.IntN(7)]++
	}
	for range 24_000 {
		perms[fmt.Sprint(s.Perm(4))]++
	}
	var permCounts []int
	for _, c := range perms {
		permCounts = append(permCounts, c)
	}
	if len(permCounts) != 24 {
		t.Errorf("%d of the 24 permutations came up", len(permCounts))
	}
	for name, counts := range map[string][]int{"bytes": digits, "IntN(7)": sevens, "Perm(4)": permCounts} {
		if x := chiSquare(counts); math.Abs(x) > 4 {
			t.Errorf("%s: chi-square is %g standard deviations off", name, x)
		}
	}
}

func TestScaleRejectsNothingElseThanTheSurplus(t *testing.T) {
	if _, ok := scale(0, 3); ok { // 2^64 mod 3 = 1: one word is too many
		t.Error("word 0 accepted for n = 3")
	}
	if v, ok := scale(math.MaxUint64, 3); !ok || v != 2 {
		t.Errorf("largest word gives %d, %v; want 2", v, ok)
	}
	if v, ok := scale(0, 4); !ok || v != 0 {
		t.Errorf("word 0 for n = 4 gives %d, %v; want 0", v, ok)
	}
}

func TestIntNPanicsWithoutRoom(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("IntN(0) did not panic")
		}
	}()
	New(0).Stream().IntN(0)
}

func TestPermIsAPermutation(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100} {
		p := New(uint64(n)).Stream().Perm(n)
		slices.Sort(p)
		for i, v := range p {
			if i != v {
				t.Fatalf("Perm(%d) sorted is %v", n, p)
			}
		}
	}
}

func TestBernoulli(t *testing.T) {
	s, hits := New(3).Stream(), 0
	for range 10_000 {
		if s.Bernoulli(0.25) {
			hits++
		}
	}
	if math.Abs(float64(hits)-2500) > 4*43.3 {
		t.Errorf("%d hits of 10,000 at p = 0.25", hits)
	}
}

func TestStateSurvivesSavingAtAnyWord(t *testing.T) {
	for skip := range 9 {
		s := New(77).SplitString("dropout").Stream()
		for range skip {
			s.Uint32()
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Stream
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		for i := range 9 {
			if got, want := back.Uint32(), s.Uint32(); got != want {
				t.Fatalf("saved after %d words: word %d is %x, want %x", skip, i, got, want)
			}
		}
	}
	k := New(5).Split(6)
	text, _ := k.MarshalText()
	var back Key
	if err := back.UnmarshalText(text); err != nil || back != k {
		t.Errorf("key %v came back as %v (%v)", k, back, err)
	}
}

func TestBrokenStateIsAnError(t *testing.T) {
	for _, text := range []string{"", "zz", string(make([]byte, 32)), string(make([]byte, 48))} {
		if err := new(Key).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("key %q accepted", text)
		}
		if err := new(Stream).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("stream %q accepted", text)
		}
	}
}

func FuzzStreamUnmarshalText(f *testing.F) {
	good, _ := New(1).Stream().MarshalText()
	f.Add(good)
	f.Add([]byte("00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Stream
		if s.UnmarshalText(text) != nil {
			return
		}
		again, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Stream
		if back.UnmarshalText(again) != nil || back != s {
			t.Fatalf("%q does not survive a round trip", text)
		}
	})
}

func BenchmarkFillNormal32(b *testing.B) {
	x := make([]float32, 1<<16)
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		FillNormal(New(1), x, 0, 1)
	}
}

func BenchmarkFillUniform32(b *testing.B) {
	x := make([]float32, 1<<16)
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		FillUniform(New(1), x, 0, 1)
	}
}
