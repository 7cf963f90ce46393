package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hadal-ml/hadal/tensor"
)

// flat is a batch without tensors, to compare.
type flat struct {
	x           []float32
	y           []int64
	index       []int
	epoch, step int
}

func flatten(b Batch) flat {
	return flat{b.X.Float32s(), b.Y.Int64s(), b.Index, b.Epoch, b.Step}
}

func equal(a, b flat) bool {
	return slices.Equal(a.x, b.x) && slices.Equal(a.y, b.y) && slices.Equal(a.index, b.index) && a.epoch == b.epoch && a.step == b.step
}

func newLoader(t testing.TB, ds Dataset, cfg LoaderConfig) *Loader {
	t.Helper()
	l, err := NewLoader(ds, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// batches collects an epoch from a step on.
func batches(t testing.TB, l *Loader, epoch, step int) (all []flat) {
	t.Helper()
	for b := range l.EpochFrom(epoch, step) {
		all = append(all, flatten(b))
	}
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	return all
}

var augment = Compose(Warp{Rotate: 10, Elastic: 0.5, Smoothness: 3}, Cutout(2), RandomApply(0.5, Mirror()))

func TestABatchHoldsTheSamplesOfItsIndex(t *testing.T) {
	ds := rampSet(t, 10, 2, 3, 4)
	for _, c := range []struct {
		cfg   LoaderConfig
		sizes []int
	}{
		{LoaderConfig{BatchSize: 4}, []int{4, 4, 2}},
		{LoaderConfig{BatchSize: 4, DropLast: true}, []int{4, 4}},
		{LoaderConfig{BatchSize: 5, Shuffle: true, Seed: 3}, []int{5, 5}},
		{LoaderConfig{BatchSize: 10, Shuffle: true, Seed: 3}, []int{10}},
		{LoaderConfig{BatchSize: 1, Workers: 3, Prefetch: 1}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		l := newLoader(t, ds, c.cfg)
		if l.Steps() != len(c.sizes) {
			t.Errorf("%+v: %d steps, want %d", c.cfg, l.Steps(), len(c.sizes))
		}
		x, y := make([]float32, 24), Target{}
		var seen []int
		step := 0
		for b := range l.Epoch(2) {
			if b.Step != step || b.Epoch != 2 || !slices.Equal(b.X.Shape(), []int{c.sizes[step], 2, 3, 4}) || !slices.Equal(b.Y.Shape(), []int{c.sizes[step]}) {
				t.Fatalf("%+v: step %d of epoch %d has shapes %v, %v", c.cfg, b.Step, b.Epoch, b.X.Shape(), b.Y.Shape())
			}
			f := flatten(b)
			for j, i := range b.Index {
				if err := ds.Read(i, x, &y); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(f.x[24*j:24*(j+1)], x) || f.y[j] != y.Class {
					t.Fatalf("%+v: row %d is not sample %d", c.cfg, j, i)
				}
			}
			seen = append(seen, b.Index...)
			step++
		}
		if l.Err() != nil || step != len(c.sizes) || len(seen) != l.Samples() {
			t.Errorf("%+v: %d batches, %d samples, error %v", c.cfg, step, len(seen), l.Err())
		}
		if slices.IsSorted(seen) == c.cfg.Shuffle {
			t.Errorf("%+v: order %v", c.cfg, seen)
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != l.Samples() {
			t.Errorf("%+v: a sample came twice", c.cfg)
		}
	}
}

func TestReplacementDrawsFromAllSamples(t *testing.T) {
	const n = 1000
	l := newLoader(t, rampSet(t, n, 1, 1, 1), LoaderConfig{BatchSize: 30, Shuffle: true, Replacement: true, Seed: 5})
	epoch := func(i int) (drawn []int) {
		for b := range l.Epoch(i) {
			drawn = append(drawn, b.Index...)
		}
		return drawn
	}
	first := epoch(0)
	if !slices.Equal(first, epoch(0)) || slices.Equal(first, epoch(1)) {
		t.Error("the draws do not follow from the epoch")
	}
	if len(first) != n {
		t.Fatalf("%d samples in an epoch, want %d", len(first), n)
	}
	slices.Sort(first)
	// Of n draws from n, a share of 1 - 1/e is expected to differ: 632 with a
	// standard deviation of 10.
	if distinct := len(slices.Compact(first)); distinct < 582 || distinct > 682 {
		t.Errorf("%d of %d samples came", distinct, n)
	}
}

func TestBatchesOfValues(t *testing.T) {
	ds, err := FromValues([]float32{1, 2, 3}, []int{1}, []float32{1, 10, 2, 20, 3, 30}, []int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for b := range newLoader(t, ds, LoaderConfig{BatchSize: 3}).Epoch(0) {
		if b.Y.DType() != tensor.Float32 || !slices.Equal(b.Y.Shape(), []int{3, 1, 2}) || !slices.Equal(b.Y.Float32s(), []float32{1, 10, 2, 20, 3, 30}) {
			t.Errorf("targets %v %v", b.Y.Shape(), b.Y.Float32s())
		}
	}
}

func TestBatchesDoNotDependOnWorkers(t *testing.T) {
	ds := rampSet(t, 37, 1, 6, 6)
	cfg := LoaderConfig{BatchSize: 5, Shuffle: true, Seed: 7, Transform: augment, Workers: 1, Prefetch: 1}
	want := batches(t, newLoader(t, ds, cfg), 3, 0)
	for _, workers := range []int{1, 2, 5} {
		for _, prefetch := range []int{1, 2, 9} {
			cfg.Workers, cfg.Prefetch = workers, prefetch
			if got := batches(t, newLoader(t, ds, cfg), 3, 0); !slices.EqualFunc(got, want, equal) {
				t.Errorf("%d workers, %d ahead: other batches", workers, prefetch)
			}
		}
	}
}

func TestAnEpochResumesAtAnyStep(t *testing.T) {
	l := newLoader(t, rampSet(t, 37, 1, 6, 6), LoaderConfig{BatchSize: 5, Shuffle: true, Seed: 7, Transform: augment})
	all := batches(t, l, 1, 0)
	for step := range l.Steps() + 2 {
		got := batches(t, l, 1, step)
		if want := all[min(step, len(all)):]; !slices.EqualFunc(got, want, equal) {
			t.Errorf("from step %d: other batches", step)
		}
	}
}

func TestOrderAndAugmentationDependOnSeedAndEpoch(t *testing.T) {
	ds := rampSet(t, 30, 1, 6, 6)
	cfg := LoaderConfig{BatchSize: 30, Shuffle: true, Seed: 7, Transform: augment}
	a := newLoader(t, ds, cfg)
	cfg.Seed = 8
	b := newLoader(t, ds, cfg)
	// byIndex undoes the shuffle, so that only the augmentation remains.
	byIndex := func(f flat) []float32 {
		x := make([]float32, len(f.x))
		for j, i := range f.index {
			copy(x[36*i:], f.x[36*j:36*(j+1)])
		}
		return x
	}
	first := batches(t, a, 0, 0)[0]
	if again := batches(t, a, 0, 0)[0]; !equal(first, again) {
		t.Error("the same epoch twice gave other batches")
	}
	for name, other := range map[string]flat{"epoch": batches(t, a, 1, 0)[0], "seed": batches(t, b, 0, 0)[0]} {
		if slices.Equal(first.index, other.index) {
			t.Errorf("another %s: the same order", name)
		}
		if slices.Equal(byIndex(first), byIndex(other)) {
			t.Errorf("another %s: the same augmentation", name)
		}
	}
	cfg.Seed, cfg.Shuffle, cfg.BatchSize = 7, false, 4
	var x []float32
	for _, f := range batches(t, newLoader(t, ds, cfg), 0, 0) {
		x = append(x, f.x...)
	}
	if !slices.Equal(x, byIndex(first)) {
		t.Error("a sample's augmentation depends on its place in the epoch")
	}
}

func TestALoopThatBreaksLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The bubble waits for every goroutine started in it and fails when one is stuck. Counting the goroutines
		// of the process instead would count those of other tests, too.
		l := newLoader(t, rampSet(t, 100, 1, 4, 4), LoaderConfig{BatchSize: 2, Workers: 4, Prefetch: 6, Transform: augment})
		for range l.Epoch(0) {
			break
		}
		for b := range l.Epoch(0) {
			if b.Step == 7 {
				break
			}
		}
		func() {
			defer func() { _ = recover() }()
			for range l.Epoch(0) {
				panic("in the loop")
			}
		}()
		if l.Err() != nil {
			t.Errorf("a break is no error, but Err is %v", l.Err())
		}
	})
}

// counting counts how many samples were read.
type counting struct {
	Dataset
	reads atomic.Int64
}

func (c *counting) Read(i int, x []float32, y *Target) error {
	c.reads.Add(1)
	return c.Dataset.Read(i, x, y)
}

func TestWorkersAreAheadButNotFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ds := &counting{Dataset: numbered(t, 100)}
		l := newLoader(t, ds, LoaderConfig{BatchSize: 5, Workers: 3, Prefetch: 4})
		for b := range l.Epoch(0) {
			synctest.Wait() // until the workers wait for the loop
			if got, want := int(ds.reads.Load()), min(100, 5*(b.Step+1+4)); got != want {
				t.Errorf("at step %d %d samples were read, want %d", b.Step, got, want)
			}
		}
	})
}

func TestBadSamplesEndTheLoop(t *testing.T) {
	ds := rampSet(t, 20, 1, 2, 2)
	nan := float32(math.NaN())
	for _, c := range []struct {
		damage    func(x []float32, y *Target) error
		transform Transform
		want      string
	}{
		{func(x []float32, _ *Target) error { x[2] = nan; return nil }, nil, "input value 2 of sample 9 is NaN"},
		{func(x []float32, _ *Target) error { x[2] = nan; return nil }, Mirror(), "input value 2 of sample 9 is NaN"},
		{func(_ []float32, y *Target) error { y.Class = 3; return nil }, nil, "sample 9 has label 3"},
		{func([]float32, *Target) error { return errors.New("bad sector") }, Mirror(), "cannot read sample 9: bad sector"},
		{func([]float32, *Target) error { panic("oops") }, nil, "sample 9 could not be made: oops"},
		{func(x []float32, _ *Target) error { x[0] = math.MaxFloat32; return nil }, Normalize([]float32{0}, []float32{0.1}), "the transform made the value +Inf of sample 9"},
	} {
		l := newLoader(t, broken{ds, 9, c.damage}, LoaderConfig{BatchSize: 4, Workers: 2, Transform: c.transform})
		steps := 0
		for range l.Epoch(0) {
			steps++
		}
		if steps != 2 || l.Err() == nil || !strings.Contains(l.Err().Error(), c.want) {
			t.Errorf("%d good batches, error %v; want 2, %q", steps, l.Err(), c.want)
		}
		for range l.EpochFrom(0, 3) {
			steps++
		}
		if steps != 4 || l.Err() != nil {
			t.Errorf("behind the bad sample: %d batches, error %v", steps-2, l.Err())
		}
	}
}

func TestALoaderThatCannotBeIsAnError(t *testing.T) {
	ds := rampSet(t, 10, 1, 4, 4)
	for _, c := range []struct {
		ds   Dataset
		cfg  LoaderConfig
		want string
	}{
		{Limit(ds, 0), LoaderConfig{BatchSize: 1}, "empty"},
		{ds, LoaderConfig{}, "batch size of 0"},
		{ds, LoaderConfig{BatchSize: 11}, "10 samples, less than one batch of 11"},
		{ds, LoaderConfig{BatchSize: 1, Workers: -1}, "negative"},
		{ds, LoaderConfig{BatchSize: 1, Transform: RandomCrop(5, 5)}, "cannot crop"},
		{numbered(t, 3), LoaderConfig{BatchSize: 1, Transform: Mirror()}, "needs images"},
		{Map(&Slices{inputShape: []int{1}, inputs: []float32{1}}, nil), LoaderConfig{BatchSize: 1}, "neither classes"},
	} {
		if _, err := NewLoader(c.ds, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a negative step did not panic")
		}
	}()
	newLoader(t, ds, LoaderConfig{BatchSize: 1}).EpochFrom(0, -1)
}

func TestATransformMayChangeTheShape(t *testing.T) {
	l := newLoader(t, rampSet(t, 6, 3, 8, 8), LoaderConfig{BatchSize: 3, Transform: Compose(Mirror(), RandomCrop(5, 6))})
	if !slices.Equal(l.InputShape(), []int{3, 5, 6}) {
		t.Errorf("input shape %v", l.InputShape())
	}
	for b := range l.Epoch(0) {
		if !slices.Equal(b.X.Shape(), []int{3, 3, 5, 6}) {
			t.Errorf("batch of shape %v", b.X.Shape())
		}
	}
}

func ExampleLoader() {
	ds, err := FromClasses([]float32{0, 1, 2, 3, 4}, []int{1}, []int64{0, 1, 0, 1, 0}, []string{"even", "odd"})
	if err != nil {
		panic(err)
	}
	loader, err := NewLoader(ds, LoaderConfig{BatchSize: 2})
	if err != nil {
		panic(err)
	}
	for batch := range loader.Epoch(0) {
		fmt.Println(batch.Step, batch.X.Float32s(), batch.Y.Int64s())
	}
	if err := loader.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 0 [0 1] [0 1]
	// 1 [2 3] [0 1]
	// 2 [4] [0]
}

func BenchmarkEpoch(b *testing.B) {
	ds := rampSet(b, 1000, 1, 28, 28)
	for name, transform := range map[string]Transform{
		"plain":     nil,
		"augmented": Warp{Rotate: 10, Shear: 5, Zoom: 0.1, Translate: 2, Elastic: 0.6, Smoothness: 4},
	} {
		b.Run(name, func(b *testing.B) {
			l := newLoader(b, ds, LoaderConfig{BatchSize: 100, Shuffle: true, Transform: transform})
			for b.Loop() {
				for range l.Epoch(0) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*ds.Len()), "µs/image")
		})
	}
}
