package vec_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

func ExampleAddRow() {
	x := []float32{1, -2, 3, -4, 5, -6} // 2 rows of 3 columns
	bias := []float32{10, 0, -10}
	vec.AddRow(x, x, bias, 2, 3, 3, true)
	fmt.Println(x)
	// Output: [11 0 0 6 5 0]
}

func ExampleSoftmaxRows() {
	x := []float64{0, 0, 0, 0}
	vec.SoftmaxRows(x, x, 2, 2, 2)
	fmt.Println(x)
	// Output: [0.5 0.5 0.5 0.5]
}

func ExampleColumnMoments() {
	x := []float32{1, 10, 2, 20, 3, 30} // 3 rows of 2 columns
	shift := x[:2]
	sum, sumSquares := make([]float64, 2), make([]float64, 2)
	vec.ColumnMoments(sum, sumSquares, x, shift, 3, 2, 2)
	for j := range sum {
		mean := float64(shift[j]) + sum[j]/3
		variance := sumSquares[j]/3 - sum[j]/3*sum[j]/3
		fmt.Printf("mean %.0f variance %.2f\n", mean, variance)
	}
	// Output:
	// mean 2 variance 0.67
	// mean 20 variance 66.67
}

func ExampleDropout() {
	x := []float32{1, 1, 1, 1, 1, 1, 1, 1}
	y, again := make([]float32, 8), make([]float32, 8)
	vec.Dropout(y, x, 1, 0, 0, 0.5, 2)
	vec.Dropout(again, x, 1, 0, 0, 0.5, 2) // the backward pass makes the same mask
	fmt.Println(fmt.Sprint(y) == fmt.Sprint(again))
	// Output: true
}
