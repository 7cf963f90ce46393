package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rampSet is a data set of n images whose pixels tell their number.
func rampSet(t testing.TB, n, c, h, w int) *Images {
	pixels, labels := make([]byte, n*c*h*w), make([]uint8, n)
	for i := range pixels {
		pixels[i] = byte(7*i + i*i/50)
	}
	for i := range labels {
		labels[i] = uint8(i % 3)
	}
	ds, err := NewImages(pixels, c, h, w, labels, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// numbered is a data set whose sample i has input i, class i mod 3.
func numbered(t testing.TB, n int) *Slices {
	x, classes := make([]float32, n), make([]int64, n)
	for i := range n {
		x[i], classes[i] = float32(i), int64(i%3)
	}
	ds, err := FromClasses(x, []int{1}, classes, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// broken is a data set with one sample that is not as it should be.
type broken struct {
	Dataset
	at     int
	damage func(x []float32, y *Target) error
}

func (b broken) Read(i int, x []float32, y *Target) error {
	if err := b.Dataset.Read(i, x, y); err != nil || i != b.at {
		return err
	}
	return b.damage(x, y)
}

// inputs returns the first input value of every sample.
func inputs(t testing.TB, ds Dataset) []int {
	t.Helper()
	out := []int{}
	for s, err := range Samples(ds) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int(s.X[0]))
	}
	return out
}

func TestImagesAreReadAsZeroToOne(t *testing.T) {
	ds, err := NewImages([]byte{0, 255, 51, 128}, 1, 1, 2, []uint8{1, 0}, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	var y Target
	x := make([]float32, 2)
	if err := ds.Read(1, x, &y); err != nil || x[0] != 0.2 || x[1] != float32(128)/255 || y.Class != 0 {
		t.Errorf("sample 1 is %v, %v (%v)", x, y, err)
	}
	if err := ds.Read(0, x, &y); err != nil || x[0] != 0 || x[1] != 1 || y.Class != 1 {
		t.Errorf("sample 0 is %v, %v (%v)", x, y, err)
	}
	if ds.Len() != 2 || !slices.Equal(ds.InputShape(), []int{1, 1, 2}) || len(ds.TargetShape()) != 0 || ds.Label(0) != 1 {
		t.Errorf("%d samples of %v, %v", ds.Len(), ds.InputShape(), ds.TargetShape())
	}
}

func TestValuesAreCopied(t *testing.T) {
	ds, err := FromValues([]float32{1, 2, 3, 4, 5, 6}, []int{3}, []float32{10, 20, 30, 40}, []int{2, 1})
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, 3), Target{Values: make([]float32, 2)}
	if err := ds.Read(1, x, &y); err != nil || !slices.Equal(x, []float32{4, 5, 6}) || !slices.Equal(y.Values, []float32{30, 40}) {
		t.Errorf("sample 1 is %v, %v (%v)", x, y, err)
	}
	if ds.Len() != 2 || ds.Classes() != nil || !slices.Equal(ds.TargetShape(), []int{2, 1}) {
		t.Errorf("%d samples, classes %v, targets %v", ds.Len(), ds.Classes(), ds.TargetShape())
	}
}

func TestSlicesThatDoNotFitAreErrors(t *testing.T) {
	ab := []string{"a", "b"}
	for name, f := range map[string]func() error{
		"pixels":      func() error { _, err := NewImages(make([]byte, 5), 1, 1, 2, make([]uint8, 2), ab); return err },
		"no height":   func() error { _, err := NewImages(nil, 1, 0, 2, nil, ab); return err },
		"image label": func() error { _, err := NewImages(make([]byte, 2), 1, 1, 2, []uint8{2}, ab); return err },
		"inputs":      func() error { _, err := FromClasses(make([]float32, 5), []int{2}, make([]int64, 2), ab); return err },
		"no shape":    func() error { _, err := FromClasses(nil, nil, nil, ab); return err },
		"label":       func() error { _, err := FromClasses(make([]float32, 2), []int{2}, []int64{2}, ab); return err },
		"minus":       func() error { _, err := FromClasses(make([]float32, 2), []int{2}, []int64{-1}, ab); return err },
		"values": func() error {
			_, err := FromValues(make([]float32, 2), []int{1}, make([]float32, 3), []int{2})
			return err
		},
		"value shape":   func() error { _, err := FromValues(nil, []int{1}, nil, nil); return err },
		"empty targets": func() error { _, err := FromValues(nil, []int{1}, nil, []int{0}); return err },
		"value inputs": func() error {
			_, err := FromValues(make([]float32, 3), []int{1}, make([]float32, 2), []int{1})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnIndexOutOfRangePanicsWithTheLength(t *testing.T) {
	ds := numbered(t, 5)
	both, err := Concat(ds, ds)
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, 1), Target{}
	for name, f := range map[string]func(){
		"Read":        func() { _ = ds.Read(5, x, &y) },
		"Images.Read": func() { _ = rampSet(t, 5, 1, 1, 1).Read(-1, x, &y) },
		"Subset":      func() { Subset(ds, []int{1, 5}) },
		"Subset.Read": func() { _ = Subset(ds, []int{1}).Read(1, x, &y) },
		"Concat.Read": func() { _ = both.Read(10, x, &y) },
		"Limit":       func() { Limit(ds, -1) },
		"Apply":       func() { (&Standardizer{Mean: make([]float32, 2)}).Apply(ds) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "data: ") {
					t.Errorf("%s: panic %v", name, r)
				}
			}()
			f()
		}()
	}
}

func TestSubsetLimitConcatMap(t *testing.T) {
	ds := numbered(t, 10)
	empty := Limit(ds, 0)
	a, b := Subset(ds, []int{7, 2, 2}), Limit(ds, 3)
	both, err := Concat(empty, a, empty, b, empty)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ds   Dataset
		want []int
	}{
		"Subset": {a, []int{7, 2, 2}},
		"nested": {Subset(a, []int{2, 0}), []int{2, 7}},
		"Limit":  {b, []int{0, 1, 2}},
		"all":    {Limit(ds, 99), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"none":   {empty, []int{}},
		"Concat": {both, []int{7, 2, 2, 0, 1, 2}},
		"Map":    {Map(a, func(x []float32, y *Target) { x[0] = 10 * float32(y.Class) }), []int{10, 20, 20}},
	} {
		if got := inputs(t, c.ds); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	other, err := FromClasses([]float32{1, 2}, []int{2}, []int64{0}, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Concat(ds, other); err == nil {
		t.Error("two shapes concatenated")
	}
	if _, err := Concat(); err == nil {
		t.Error("nothing concatenated")
	}
	bad := errors.New("bad sector")
	m := Map(broken{ds, 4, func([]float32, *Target) error { return bad }}, func([]float32, *Target) {})
	for s, err := range Samples(m) {
		if (s.Index == 4) != errors.Is(err, bad) || s.Index > 4 {
			t.Errorf("sample %d: %v", s.Index, err)
		}
	}
}

func TestSplitsArePartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 60).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		stratified := rapid.Bool().Draw(t, "stratified")
		x, classes := make([]float32, n), make([]int64, n)
		for i := range n {
			x[i], classes[i] = float32(i), int64(rapid.IntRange(0, 1).Draw(t, "class"))
		}
		ds, err := FromClasses(x, []int{1}, classes, []string{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		f := Split
		if stratified {
			f = StratifiedSplit
		}
		parts, err := f(ds, seed, 0.5, 0.3, 0.2)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]bool{}
		for k, part := range parts {
			count := [2]int{}
			last := -1
			for s, err := range Samples(part) {
				if err != nil {
					t.Fatal(err)
				}
				i := int(s.X[0])
				if seen[i] || i <= last {
					t.Fatalf("sample %d is there twice or out of order", i)
				}
				seen[i], last = true, i
				count[s.Y.Class]++
			}
			share := []float64{0.5, 0.3, 0.2}[k]
			slack := 1.0 // of the rounding of both ends
			if stratified {
				slack = 2 // in each of the two classes
				for class, c := range count {
					all := 0
					for _, v := range classes {
						if int(v) == class {
							all++
						}
					}
					if math.Abs(float64(c)-share*float64(all)) > 1 {
						t.Fatalf("part %d has %d of %d samples of class %d", k, c, all, class)
					}
				}
			}
			if math.Abs(float64(part.Len())-share*float64(n)) > slack {
				t.Fatalf("part %d has %d of %d samples", k, part.Len(), n)
			}
		}
		if len(seen) != n {
			t.Fatalf("%d of %d samples are in a part", len(seen), n)
		}
	})
}

func TestSplitDependsOnTheSeedAlone(t *testing.T) {
	ds := numbered(t, 100)
	part := func(seed uint64) []int {
		parts, err := Split(ds, seed, 0.25)
		if err != nil {
			t.Fatal(err)
		}
		return inputs(t, parts[0])
	}
	if !slices.Equal(part(1), part(1)) || slices.Equal(part(1), part(2)) || len(part(1)) != 25 {
		t.Errorf("seed 1 gives %v and %v, seed 2 %v", part(1), part(1), part(2))
	}
}

func TestSplitsThatCannotBeAreErrors(t *testing.T) {
	ds := numbered(t, 10)
	values, err := FromValues(make([]float32, 4), []int{1}, make([]float32, 4), []int{1})
	if err != nil {
		t.Fatal(err)
	}
	damaged := broken{ds, 3, func(x []float32, y *Target) error { y.Class = 3; return nil }}
	for name, f := range map[string]func() error{
		"too much":      func() error { _, err := Split(ds, 1, 0.7, 0.4); return err },
		"negative":      func() error { _, err := Split(ds, 1, 0.7, -0.1); return err },
		"NaN":           func() error { _, err := Split(ds, 1, math.NaN()); return err },
		"empty part":    func() error { _, err := Split(ds, 1, 0.97, 0.03); return err },
		"no classes":    func() error { _, err := StratifiedSplit(values, 1, 0.5); return err },
		"unknown class": func() error { _, err := StratifiedSplit(damaged, 1, 0.5); return err },
		"one fold":      func() error { _, err := KFold(ds, 1, 1); return err },
		"11 folds":      func() error { _, err := KFold(ds, 11, 1); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKFoldValidatesOnEverySampleOnce(t *testing.T) {
	ds := numbered(t, 11)
	folds, err := KFold(ds, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	var seen []int
	for _, f := range folds {
		train, val := inputs(t, f.Train), inputs(t, f.Val)
		if len(val) < 3 || len(val) > 4 {
			t.Errorf("a fold of %d samples", len(val))
		}
		all := slices.Concat(train, val)
		slices.Sort(all)
		if !slices.Equal(all, inputs(t, ds)) {
			t.Errorf("train %v and val %v are not the data set", train, val)
		}
		seen = append(seen, val...)
	}
	slices.Sort(seen)
	if !slices.Equal(seen, inputs(t, ds)) {
		t.Errorf("validated on %v", seen)
	}
}

func TestStandardizerAgreesWithTheDefinition(t *testing.T) {
	// Columns: 1e6 + (-1, 0, 1), where a naive sum of squares would fail; a
	// constant; and 0, 3, 6.
	x := []float32{999999, 5, 0, 1000000, 5, 3, 1000001, 5, 6}
	train, err := FromClasses(x, []int{3}, []int64{0, 0, 0}, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	z, err := FitStandardizer(train)
	if err != nil {
		t.Fatal(err)
	}
	s := float32(math.Sqrt(2. / 3))
	if !slices.Equal(z.Mean, []float32{1e6, 5, 3}) || !slices.Equal(z.Std, []float32{s, 1, 3 * s}) {
		t.Errorf("mean %v, std %v", z.Mean, z.Std)
	}
	test, err := FromClasses([]float32{1000002, 6, 3}, []int{3}, []int64{0}, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	for sample := range Samples(z.Apply(test)) {
		if want := []float32{2 / s, 1, 0}; !slices.Equal(sample.X, want) {
			t.Errorf("test sample became %v, want %v", sample.X, want)
		}
	}
	if _, err := FitStandardizer(Limit(train, 0)); err == nil {
		t.Error("fitted to nothing")
	}
}

func TestMeanStdOfEachChannel(t *testing.T) {
	// Two images of two channels and two pixels.
	x := []float32{1, 3, 10, 10, 5, 7, 10, 10}
	ds, err := FromClasses(x, []int{2, 1, 2}, []int64{0, 0}, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	mean, std, err := MeanStd(ds)
	if err != nil || mean[0] != 4 || mean[1] != 10 || math.Abs(float64(std[0])-math.Sqrt(5)) > 1e-6 || std[1] != 1 {
		t.Errorf("mean %v, std %v (%v)", mean, std, err)
	}
	if _, _, err := MeanStd(Limit(ds, 0)); err == nil {
		t.Error("statistics of nothing")
	}
	if _, _, err := MeanStd(numbered(t, 3)); err == nil {
		t.Error("channel statistics of numbers")
	}
	if _, err := FitPCAColor(ds, 0.1); err == nil {
		t.Error("colours of two channels")
	}
}

func TestSamplesNamesTheBadSample(t *testing.T) {
	ds := numbered(t, 5)
	for _, c := range []struct {
		damage func(x []float32, y *Target) error
		want   string
	}{
		{func(x []float32, _ *Target) error { x[0] = float32(math.NaN()); return nil }, "input value 0 of sample 3 is NaN"},
		{func(x []float32, _ *Target) error { x[0] = float32(math.Inf(-1)); return nil }, "input value 0 of sample 3 is -Inf"},
		{func(_ []float32, y *Target) error { y.Class = 3; return nil }, "sample 3 has label 3, but there are 3 classes (0 to 2)"},
		{func(_ []float32, y *Target) error { y.Class = -1; return nil }, "sample 3 has label -1"},
		{func([]float32, *Target) error { return errors.New("bad sector") }, "cannot read sample 3: bad sector"},
	} {
		var last error
		for _, err := range Samples(broken{ds, 3, c.damage}) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("error %v, want %q", last, c.want)
		}
	}
	values, err := FromValues([]float32{1}, []int{1}, []float32{0, float32(math.NaN())}, []int{2})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range Samples(values) {
		if err == nil || !strings.Contains(err.Error(), "target value 1 of sample 0 is NaN") {
			t.Errorf("error %v", err)
		}
	}
}

func TestNotFiniteFindsEveryPlace(t *testing.T) {
	for n := range 14 {
		x := make([]float32, n)
		for i := range x {
			x[i] = math.MaxFloat32
		}
		if k := notFinite(x); k != -1 {
			t.Errorf("found %d in %v", k, x)
		}
		for i := range x {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				y := slices.Clone(x)
				y[i] = float32(bad)
				if k := notFinite(y); k != i {
					t.Errorf("found %d in %v", k, y)
				}
			}
		}
	}
}

func ExampleStratifiedSplit() {
	x := []float32{5.1, 4.9, 6.3, 5.8, 7.1, 4.7, 5.0, 6.5}
	ds, err := FromClasses(x, []int{1}, []int64{0, 0, 1, 1, 1, 0, 0, 1}, []string{"setosa", "virginica"})
	if err != nil {
		panic(err)
	}
	parts, err := StratifiedSplit(ds, 42, 0.5, 0.5)
	if err != nil {
		panic(err)
	}
	train, val := parts[0], parts[1]
	z, err := FitStandardizer(train) // on the training part only
	if err != nil {
		panic(err)
	}
	train, val = z.Apply(train), z.Apply(val)
	for _, part := range []Dataset{train, val} {
		counts := map[int64]int{}
		for s := range Samples(part) {
			counts[s.Y.Class]++
		}
		fmt.Println(part.Len(), counts)
	}
	// Output:
	// 4 map[0:2 1:2]
	// 4 map[0:2 1:2]
}

// TestHoldOutTakesExactlyThatManyOfEveryClass in proportion, whatever the sizes.
func TestHoldOutTakesExactlyThatManyOfEveryClass(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(2, 200).Draw(rt, "samples")
		n := rapid.IntRange(1, total-1).Draw(rt, "held out")
		seed := rapid.Uint64().Draw(rt, "seed")
		labels := make([]uint8, total)
		for i := range labels {
			labels[i] = uint8(rapid.IntRange(0, 3).Draw(rt, "class"))
		}
		pixels := make([]byte, total)
		for i := range pixels {
			pixels[i] = byte(i)
		}
		ds, err := NewImages(pixels, 1, 1, 1, labels, []string{"a", "b", "c", "d"})
		if err != nil {
			rt.Fatal(err)
		}
		learn, held, err := HoldOut(ds, seed, n)
		if err != nil {
			rt.Fatal(err)
		}
		if held.Len() != n || learn.Len() != total-n {
			rt.Fatalf("%d held out and %d left of %d, want %d held out", held.Len(), learn.Len(), total, n)
		}
		seen := map[float32]bool{}
		count := func(ds Dataset) (classes [4]int) {
			last := float32(-1)
			for s, err := range Samples(ds) {
				if err != nil {
					rt.Fatal(err)
				}
				if seen[s.X[0]] || s.X[0] <= last {
					rt.Fatalf("sample %v is in both parts or out of order", s.X[0])
				}
				seen[s.X[0]], last = true, s.X[0]
				classes[s.Y.Class]++
			}
			return classes
		}
		of, out := count(learn), count(held)
		for c := range of {
			if exact := float64(n) * float64(of[c]+out[c]) / float64(total); math.Abs(float64(out[c])-exact) >= 1 {
				rt.Fatalf("%d of class %d are held out, their share is %v", out[c], c, exact)
			}
		}
	})
}

func TestHoldOutDependsOnTheSeedAlone(t *testing.T) {
	ds := rampSet(t, 120, 1, 2, 2)
	parts := func(seed uint64) []int {
		_, held, err := HoldOut(ds, seed, 30)
		if err != nil {
			t.Fatal(err)
		}
		return held.(*subset).indices
	}
	if !slices.Equal(parts(5), parts(5)) {
		t.Error("the same seed held out other samples")
	}
	if slices.Equal(parts(5), parts(6)) {
		t.Error("another seed held out the same samples")
	}
	for _, n := range []int{-1, 0, 120, 121} {
		if _, _, err := HoldOut(ds, 1, n); err == nil || !strings.Contains(err.Error(), "held out") {
			t.Errorf("%d of 120 held out: %v", n, err)
		}
	}
}
