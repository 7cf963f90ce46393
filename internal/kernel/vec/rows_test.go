package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// compareRows runs f on float32 and on float64 copies of the same matrices and
// vectors, and compares what f left in them. Everything is random; canaries
// behind each slice must live.
func compareRows(t *testing.T, name string, tolerance float64, sizes []int, seed uint64,
	f32 func(x [][]float32), f64 func(x [][]float64)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 6))
	narrow, wide := make([][]float32, len(sizes)), make([][]float64, len(sizes))
	alive := make([]func() bool, len(sizes))
	for i, n := range sizes {
		narrow[i], alive[i] = guarded(n, r.IntN(4))
		for j := range narrow[i] {
			narrow[i][j] = float32(r.NormFloat64()) + 0.5
		}
		wide[i] = widen(narrow[i])
	}
	f32(narrow)
	f64(wide)
	for i := range narrow {
		if !alive[i]() {
			t.Fatalf("%s: slice %d of sizes %v was overrun", name, i, sizes)
		}
		for j, v := range narrow[i] {
			if d := math.Abs(float64(v) - wide[i][j]); !(d <= tolerance*(1+math.Abs(wide[i][j]))) {
				t.Fatalf("%s: slice %d of sizes %v, element %d is %v, want %v", name, i, sizes, j, v, wide[i][j])
			}
		}
	}
}

// rowFunction is a function of matrices and vectors: matrices, row vectors
// (one element per column) and column vectors (one per row), in that order.
type rowFunction[T Float] struct {
	name              string
	matrices, columns int
	perRow            int
	run               func(x [][]T, rows, cols, stride int)
}

func rowFunctions[T Float]() []rowFunction[T] {
	sums := func(n int) []float64 { return make([]float64, n) }
	toT := func(dst []T, x []float64, over float64) {
		for i, v := range x {
			dst[i] = T(v / over)
		}
	}
	positive := func(x []T) {
		for i, v := range x {
			x[i] = T(math.Abs(float64(v))) + 0.5
		}
	}
	return []rowFunction[T]{
		{"SumRows", 1, 1, 0, func(x [][]T, r, c, s int) { SumRows(x[1], x[0], r, c, s) }},
		{"AddRow", 2, 1, 0, func(x [][]T, r, c, s int) { AddRow(x[0], x[1], x[2], r, c, s, false) }},
		{"AddRow with ReLU", 2, 1, 0, func(x [][]T, r, c, s int) { AddRow(x[0], x[1], x[2], r, c, s, true) }},
		{"AddRow in place", 1, 1, 0, func(x [][]T, r, c, s int) { AddRow(x[0], x[0], x[1], r, c, s, true) }},
		{"MulAddRow", 2, 2, 0, func(x [][]T, r, c, s int) { MulAddRow(x[0], x[1], x[2], x[3], nil, r, c, s, false) }},
		{"MulAddRow with ReLU", 2, 2, 0, func(x [][]T, r, c, s int) { MulAddRow(x[0], x[1], x[2], x[3], nil, r, c, s, true) }},
		{"MulAddRow with residual", 3, 2, 0, func(x [][]T, r, c, s int) { MulAddRow(x[0], x[1], x[3], x[4], x[2], r, c, s, false) }},
		{"MulAddRow with all", 3, 2, 0, func(x [][]T, r, c, s int) { MulAddRow(x[0], x[1], x[3], x[4], x[2], r, c, s, true) }},
		{"ColumnMoments", 1, 3, 0, func(x [][]T, r, c, s int) {
			a, b := sums(c), sums(c)
			ColumnMoments(a, b, x[0], x[1], r, c, s)
			toT(x[2], a, float64(r+1))
			toT(x[3], b, float64(r+1))
		}},
		{"BatchNormGradSums", 2, 3, 0, func(x [][]T, r, c, s int) {
			a, b := sums(c), sums(c)
			BatchNormGradSums(a, b, x[0], x[1], x[2], r, c, s)
			toT(x[3], a, float64(r+1))
			toT(x[4], b, float64(r+1))
		}},
		{"BatchNormReLUGradSums", 2, 5, 0, func(x [][]T, r, c, s int) {
			a, b := sums(c), sums(c)
			BatchNormReLUGradSums(a, b, x[0], x[1], x[2], x[3], x[4], r, c, s)
			toT(x[5], a, float64(r+1))
			toT(x[6], b, float64(r+1))
		}},
		{"BatchNormAddReLUGradSums", 4, 3, 0, func(x [][]T, r, c, s int) {
			a, b := sums(c), sums(c)
			BatchNormAddReLUGradSums(x[0], a, b, x[1], x[2], x[3], x[4], r, c, s)
			toT(x[5], a, float64(r+1))
			toT(x[6], b, float64(r+1))
		}},
		{"BatchNormGrad", 3, 4, 0, func(x [][]T, r, c, s int) {
			BatchNormGrad(x[0], x[1], x[2], x[3], x[4], x[5], x[6], r, c, s)
		}},
		{"BatchNormReLUGrad", 3, 5, 0, func(x [][]T, r, c, s int) {
			BatchNormReLUGrad(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], r, c, s)
		}},
		{"SoftmaxRows", 2, 0, 0, func(x [][]T, r, c, s int) { SoftmaxRows(x[0], x[1], r, c, s) }},
		{"SoftmaxRows in place", 1, 0, 0, func(x [][]T, r, c, s int) { SoftmaxRows(x[0], x[0], r, c, s) }},
		{"LogSoftmaxRows", 2, 0, 0, func(x [][]T, r, c, s int) { LogSoftmaxRows(x[0], x[1], r, c, s) }},
		{"SoftmaxGradRows", 3, 0, 0, func(x [][]T, r, c, s int) { SoftmaxGradRows(x[0], x[1], x[2], r, c, s) }},
		{"LogSoftmaxGradRows", 3, 0, 0, func(x [][]T, r, c, s int) { LogSoftmaxGradRows(x[0], x[1], x[2], r, c, s) }},
		{"LayerNormRows", 2, 2, 2, func(x [][]T, r, c, s int) { LayerNormRows(x[0], x[1], x[2], x[3], x[4], x[5], r, c, s, 1e-5) }},
		{"LayerNormRows, scale only", 2, 1, 2, func(x [][]T, r, c, s int) {
			LayerNormRows(x[0], x[1], x[2], nil, x[3], x[4], r, c, s, 1e-5)
		}},
		{"LayerNormRows, plain", 2, 0, 2, func(x [][]T, r, c, s int) {
			LayerNormRows(x[0], x[1], nil, nil, x[2], x[3], r, c, s, 1e-5)
		}},
		{"LayerNormGradRows", 3, 3, 2, func(x [][]T, r, c, s int) {
			positive(x[7])
			LayerNormGradRows(x[0], x[3], x[4], x[1], x[2], x[5], x[6], x[7], r, c, s)
		}},
		{"LayerNormGradRows, plain", 3, 0, 2, func(x [][]T, r, c, s int) {
			positive(x[4])
			LayerNormGradRows(x[0], nil, nil, x[1], x[2], nil, x[3], x[4], r, c, s)
		}},
	}
}

func TestRowsEqualFloat64(t *testing.T) {
	wide := rowFunctions[float64]()
	shapes := [][3]int{{0, 3, 3}, {1, 1, 1}, {3, 2, 5}, {5, 10, 10}, {7, 16, 16}, {9, 17, 20}, {4, 31, 31}, {6, 64, 64}, {5, 65, 70}, {3, 100, 100}, {2, 300, 301}, {300, 6, 6}, {700, 20, 24}}
	eachISA(t, func(t *testing.T) {
		for i, f := range rowFunctions[float32]() {
			for _, shape := range shapes {
				rows, cols, stride := shape[0], shape[1], shape[2]
				if cols == 1 && f.perRow > 0 {
					continue // a single element has no variance
				}
				var sizes []int
				for range f.matrices {
					sizes = append(sizes, max(0, (rows-1)*stride+cols))
				}
				sizes = append(sizes, slices.Repeat([]int{cols}, f.columns)...)
				sizes = append(sizes, slices.Repeat([]int{rows}, f.perRow)...)
				compareRows(t, f.name, 3e-5, sizes, uint64(i),
					func(x [][]float32) { f.run(x, rows, cols, stride) },
					func(x [][]float64) { wide[i].run(x, rows, cols, stride) })
			}
		}
	})
}

// TestSmallRowsEqualFloat64 covers every tail of the row kernels.
func TestSmallRowsEqualFloat64(t *testing.T) {
	wide := rowFunctions[float64]()
	eachISA(t, func(t *testing.T) {
		for i, f := range rowFunctions[float32]()[:14] {
			for cols := range 71 {
				rows, stride := 1+cols%6, cols+cols%3
				sizes := slices.Repeat([]int{(rows-1)*stride + cols}, f.matrices)
				sizes = append(sizes, slices.Repeat([]int{cols}, f.columns)...)
				compareRows(t, f.name, 1e-5, sizes, uint64(i),
					func(x [][]float32) { f.run(x, rows, cols, stride) },
					func(x [][]float64) { wide[i].run(x, rows, cols, stride) })
			}
		}
	})
}

func TestMomentsOfAFarMeanKeepTheirVariance(t *testing.T) {
	const rows, cols = 5000, 3
	r := rand.New(rand.NewPCG(7, 7))
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = 1000 + float32(r.NormFloat64())
	}
	eachISA(t, func(t *testing.T) {
		for j := range cols {
			sum, squares := make([]float64, cols), make([]float64, cols)
			ColumnMoments(sum, squares, x, x[:cols], rows, cols, cols)
			got := squares[j]/rows - sum[j]/rows*sum[j]/rows
			var mean, want float64
			for i := range rows {
				mean += float64(x[i*cols+j]) / rows
			}
			for i := range rows {
				d := float64(x[i*cols+j]) - mean
				want += d * d / rows
			}
			if math.Abs(got/want-1) > 1e-5 {
				t.Errorf("column %d: variance %v, want %v", j, got, want)
			}
		}
	})
}

func TestSoftmaxOfGreatLogits(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		x := []float32{1000, 1000, -1000, float32(math.Inf(-1))}
		p := make([]float32, 4)
		SoftmaxRows(p, x, 1, 4, 4)
		if want := []float32{0.5, 0.5, 0, 0}; !slices.Equal(p, want) {
			t.Errorf("softmax = %v, want %v", p, want)
		}
		LogSoftmaxRows(p, x, 1, 4, 4)
		if want := float32(-math.Ln2); math.Abs(float64(p[0]-want)) > 1e-6 || !math.IsInf(float64(p[3]), -1) {
			t.Errorf("log-softmax = %v, want %v first and -Inf last", p, want)
		}
	})
}

func TestSoftmaxCrossEntropy(t *testing.T) {
	const rows, cols = 5, 11
	labels := []int64{0, 10, -100, 3, 7}
	for _, smoothing := range []float64{0, 0.1} {
		eachISA(t, func(t *testing.T) {
			compareRows(t, "loss", 1e-6, []int{rows, 2 * rows, rows * cols}, 8,
				func(x [][]float32) {
					SoftmaxCrossEntropyRows(x[0], x[1], x[2], labels, rows, cols, cols, -100, float32(smoothing))
				},
				func(x [][]float64) {
					SoftmaxCrossEntropyRows(x[0], x[1], x[2], labels, rows, cols, cols, -100, smoothing)
				})
			compareRows(t, "gradient", 1e-6, []int{rows * cols, rows * cols, 2 * rows, rows, rows}, 9,
				func(x [][]float32) {
					SoftmaxCrossEntropyRows(x[4], x[2], x[1], labels, rows, cols, cols, -100, float32(smoothing))
					SoftmaxCrossEntropyGradRows(x[0], x[1], x[2], labels, x[3], rows, cols, cols, -100, float32(smoothing))
				},
				func(x [][]float64) {
					SoftmaxCrossEntropyRows(x[4], x[2], x[1], labels, rows, cols, cols, -100, smoothing)
					SoftmaxCrossEntropyGradRows(x[0], x[1], x[2], labels, x[3], rows, cols, cols, -100, smoothing)
				})
		})
	}
}

// TestSoftmaxCrossEntropyGradient checks loss and gradient against each other
// by central differences in float64.
func TestSoftmaxCrossEntropyGradient(t *testing.T) {
	logits := []float64{0.3, -1, 2, 0.5}
	labels := []int64{1}
	loss := func() float64 {
		l, p := []float64{0}, make([]float64, 2)
		SoftmaxCrossEntropyRows(l, p, logits, labels, 1, 4, 4, -1, 0.2)
		return l[0]
	}
	p, g := make([]float64, 2), make([]float64, 4)
	SoftmaxCrossEntropyRows([]float64{0}, p, logits, labels, 1, 4, 4, -1, 0.2)
	SoftmaxCrossEntropyGradRows(g, logits, p, labels, []float64{1}, 1, 4, 4, -1, 0.2)
	for j := range logits {
		const h = 1e-5
		old := logits[j]
		logits[j] = old + h
		up := loss()
		logits[j] = old - h
		want := (up - loss()) / (2 * h)
		logits[j] = old
		if math.Abs(g[j]-want) > 1e-8 {
			t.Errorf("gradient of logit %d is %v, want %v", j, g[j], want)
		}
	}
}

func TestLabelOutsideTheClassesPanics(t *testing.T) {
	defer func() {
		if got, want := recover(), "vec.SoftmaxCrossEntropyRows: label 2 is outside the 2 classes"; got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	SoftmaxCrossEntropyRows([]float32{0}, []float32{0, 0}, []float32{0, 0}, []int64{2}, 1, 2, 2, -1, 0)
}
