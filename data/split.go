package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/hadal-ml/hadal/internal/rng"
)

// subset is some samples of another data set.
type subset struct {
	Dataset
	indices []int
}

// Subset returns the samples of ds with those indices, in that order. It
// panics when an index is not in [0, ds.Len()).
func Subset(ds Dataset, indices []int) Dataset {
	for _, i := range indices {
		checkIndex(i, ds.Len())
	}
	return &subset{ds, slices.Clone(indices)}
}

func (s *subset) Len() int { return len(s.indices) }

func (s *subset) Read(i int, x []float32, y *Target) error {
	checkIndex(i, len(s.indices))
	return s.Dataset.Read(s.indices[i], x, y)
}

// Limit returns the first n samples of ds, or all when it has no more. It
// panics when n is negative.
func Limit(ds Dataset, n int) Dataset {
	if n < 0 {
		panic(fmt.Sprintf("data: Limit to %d samples", n))
	}
	if n >= ds.Len() {
		return ds
	}
	return Subset(ds, upTo(n))
}

func upTo(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// concat is several data sets, one after the other.
type concat struct {
	Dataset           // the first, for what all have in common
	sets    []Dataset // in order
	ends    []int     // ends[k] is the number of samples in sets[:k+1]
}

// Concat returns the samples of all sets, one set after the other. Their shapes
// and classes must be the same.
func Concat(sets ...Dataset) (Dataset, error) {
	if len(sets) == 0 {
		return nil, fmt.Errorf("data: Concat of no data set")
	}
	c := &concat{Dataset: sets[0], sets: slices.Clone(sets)}
	n := 0
	for k, ds := range sets {
		first := sets[0]
		if !slices.Equal(ds.InputShape(), first.InputShape()) || !slices.Equal(ds.TargetShape(), first.TargetShape()) ||
			!slices.Equal(ds.Classes(), first.Classes()) {
			return nil, fmt.Errorf("data: Concat: set %d has inputs %v, targets %v and %d classes, set 0 has inputs %v, targets %v and %d classes",
				k, ds.InputShape(), ds.TargetShape(), len(ds.Classes()), first.InputShape(), first.TargetShape(), len(first.Classes()))
		}
		n += ds.Len()
		c.ends = append(c.ends, n)
	}
	return c, nil
}

func (c *concat) Len() int { return c.ends[len(c.ends)-1] }

func (c *concat) Read(i int, x []float32, y *Target) error {
	checkIndex(i, c.Len())
	k, found := slices.BinarySearch(c.ends, i)
	for found { // sample ends[k] is the first one behind set k; empty sets are passed over
		k++
		found = c.ends[k] == i
	}
	if k > 0 {
		i -= c.ends[k-1]
	}
	return c.sets[k].Read(i, x, y)
}

// mapped is a data set whose samples are changed as they are read.
type mapped struct {
	Dataset
	change func(x []float32, y *Target)
}

// Map returns ds with every sample changed, in place, by the function, which
// must give the same result each time and may be called by several goroutines
// at once. For random changes see [LoaderConfig].
func Map(ds Dataset, change func(x []float32, y *Target)) Dataset {
	return &mapped{ds, change}
}

func (m *mapped) Read(i int, x []float32, y *Target) error {
	if err := m.Dataset.Read(i, x, y); err != nil {
		return err
	}
	m.change(x, y)
	return nil
}

// Split returns disjoint random parts of ds, one for each fraction of its
// samples: Split(ds, seed, 0.8, 0.2). The fractions are positive and their sum
// is at most 1. Each part keeps the order of ds.
func Split(ds Dataset, seed uint64, fractions ...float64) ([]Dataset, error) {
	return split(ds, [][]int{upTo(ds.Len())}, seed, fractions)
}

// StratifiedSplit is [Split] with the same mixture of classes in every part.
// It reads every sample once to learn its class.
func StratifiedSplit(ds Dataset, seed uint64, fractions ...float64) ([]Dataset, error) {
	if !isClassification(ds) {
		return nil, fmt.Errorf("data: a stratified split needs classes, but the targets are values of shape %v", ds.TargetShape())
	}
	strata, err := byClass(ds)
	if err != nil {
		return nil, err
	}
	return split(ds, strata, seed, fractions)
}

// byClass returns the indices of the samples of each class.
func byClass(ds Dataset) ([][]int, error) {
	strata := make([][]int, len(ds.Classes()))
	for s, err := range Samples(ds) {
		if err != nil {
			return nil, err
		}
		strata[s.Y.Class] = append(strata[s.Y.Class], s.Index)
	}
	return strata, nil
}

// HoldOut takes n samples out of ds at random, for choices that the test set
// must have no part in, and returns the others to learn from. Both parts keep
// the order of ds and, where the targets are classes, its mixture of them as
// closely as n allows; every sample is then read once to learn its class.
func HoldOut(ds Dataset, seed uint64, n int) (learn, held Dataset, err error) {
	if n < 1 || n >= ds.Len() {
		return nil, nil, fmt.Errorf("data: %d samples cannot be held out of %d; at least one must be, and one must be left", n, ds.Len())
	}
	strata := [][]int{upTo(ds.Len())}
	if isClassification(ds) {
		if strata, err = byClass(ds); err != nil {
			return nil, nil, err
		}
	}
	stream := rng.New(seed).SplitString("data held out").Stream()
	var rest, out []int
	for k, size := range shares(strata, n, ds.Len()) {
		stratum := strata[k]
		stream.Shuffle(len(stratum), func(i, j int) { stratum[i], stratum[j] = stratum[j], stratum[i] })
		out, rest = append(out, stratum[:size]...), append(rest, stratum[size:]...)
	}
	slices.Sort(out)
	slices.Sort(rest)
	return Subset(ds, rest), Subset(ds, out), nil
}

// shares divides n among the strata in proportion to their sizes, whose sum is
// total: each gets its share rounded down, and those with the largest
// remainders one more, until there are n (the method of Hare and Niemeyer).
func shares(strata [][]int, n, total int) []int {
	out, order := make([]int, len(strata)), upTo(len(strata))
	left := n
	for k, s := range strata {
		out[k] = n * len(s) / total
		left -= out[k]
	}
	remainder := func(k int) int { return n * len(strata[k]) % total }
	slices.SortStableFunc(order, func(a, b int) int { return remainder(b) - remainder(a) })
	for _, k := range order[:left] {
		out[k]++
	}
	return out
}

// split deals out each stratum in random order, in proportion to the fractions.
func split(ds Dataset, strata [][]int, seed uint64, fractions []float64) ([]Dataset, error) {
	sum := 0.0
	for _, f := range fractions {
		if !(f > 0) {
			return nil, fmt.Errorf("data: a part of %g of the data set; the fractions must be positive", f)
		}
		sum += f
	}
	const roundingSlack = 1e-9 // 0.7 + 0.2 + 0.1 is a little more than 1
	if sum > 1+roundingSlack {
		return nil, fmt.Errorf("data: the fractions %v add up to %g, more than the whole data set", fractions, sum)
	}
	parts := make([][]int, len(fractions))
	stream := rng.New(seed).SplitString("data split").Stream()
	for _, stratum := range strata {
		stream.Shuffle(len(stratum), func(i, j int) { stratum[i], stratum[j] = stratum[j], stratum[i] })
		from, end := 0, 0.0
		for k, f := range fractions {
			// Rounding the running sum, not each share, loses no sample.
			end += f
			to := min(len(stratum), int(math.Round(end*float64(len(stratum)))))
			parts[k] = append(parts[k], stratum[from:to]...)
			from = to
		}
	}
	sets := make([]Dataset, len(parts))
	for k, part := range parts {
		if len(part) == 0 {
			return nil, fmt.Errorf("data: a part of %g of %d samples is empty", fractions[k], ds.Len())
		}
		slices.Sort(part)
		sets[k] = Subset(ds, part)
	}
	return sets, nil
}

// Fold is one of the splits of a cross-validation.
type Fold struct {
	Train, Val Dataset
}

// KFold cuts ds into k random parts of equal size (to within one sample) and
// returns k splits, each with one part to validate on and the rest to train on.
func KFold(ds Dataset, k int, seed uint64) ([]Fold, error) {
	n := ds.Len()
	if k < 2 || k > n {
		return nil, fmt.Errorf("data: %d folds of %d samples; there must be at least two folds and a sample for each", k, n)
	}
	order := rng.New(seed).SplitString("data folds").Stream().Perm(n)
	folds := make([]Fold, k)
	for f := range folds {
		lo, hi := f*n/k, (f+1)*n/k
		val := slices.Sorted(slices.Values(order[lo:hi]))
		train := slices.Concat(order[:lo], order[hi:])
		slices.Sort(train)
		folds[f] = Fold{Subset(ds, train), Subset(ds, val)}
	}
	return folds, nil
}
