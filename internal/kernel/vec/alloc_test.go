package vec

import "testing"

func TestKernelsAllocateNothing(t *testing.T) {
	const rows, cols = 40, 24
	x := make([][]float32, 8)
	for i := range x {
		x[i] = make([]float32, rows*cols)
		Fill(x[i], 0.5)
	}
	v := func(i int) []float32 { return x[i][:cols] }
	w := func(i int) []float32 { return x[i][:rows] }
	sum, squares := make([]float64, cols), make([]float64, cols)
	labels := make([]int64, rows)
	half := make([]uint16, rows*cols)
	eachISA(t, func(t *testing.T) {
		for name, f := range map[string]func(){
			"Add":            func() { Add(x[0], x[1], x[2]) },
			"Sum":            func() { Sum(x[0]) },
			"SumRows":        func() { SumRows(v(1), x[0], rows, cols, cols) },
			"AddRow":         func() { AddRow(x[0], x[1], v(2), rows, cols, cols, true) },
			"MulAddRow":      func() { MulAddRow(x[0], x[1], v(2), v(3), x[4], rows, cols, cols, true) },
			"ColumnMoments":  func() { ColumnMoments(sum, squares, x[0], v(1), rows, cols, cols) },
			"BatchNormGrad":  func() { BatchNormGrad(x[0], x[1], x[2], v(3), v(3), v(3), v(3), rows, cols, cols) },
			"SoftmaxRows":    func() { SoftmaxRows(x[0], x[1], rows, cols, cols) },
			"LogSoftmaxRows": func() { LogSoftmaxRows(x[0], x[1], rows, cols, cols) },
			"SoftmaxCrossEntropyRows": func() {
				SoftmaxCrossEntropyRows(w(0), x[1][:2*rows], x[2], labels, rows, cols, cols, -1, 0.1)
			},
			"LayerNormRows": func() { LayerNormRows(x[0], x[1], v(2), v(3), w(4), w(5), rows, cols, cols, 1e-5) },
			"LayerNormGradRows": func() {
				LayerNormGradRows(x[0], v(1), v(2), x[3], x[4], v(5), w(6), w(7), rows, cols, cols)
			},
			"BatchNormGradSums": func() {
				BatchNormGradSums(sum, squares, x[0], x[1], v(2), rows, cols, cols)
			},
			"SGD":              func() { SGD(x[0], x[1], x[2], SGDSettings{Momentum: 0.9}) },
			"RMSprop":          func() { RMSprop(x[0], x[1], x[2], x[3], x[4], RMSpropSettings{Eps: 1}) },
			"Dropout":          func() { Dropout(x[0], x[1], 1, 2, 3, 0.5, 2) },
			"Float32ToFloat16": func() { Float32ToFloat16(half, x[0]) },
		} {
			if n := testing.AllocsPerRun(5, f); n != 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
	})
}
