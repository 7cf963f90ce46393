package tensor_test

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

func ExampleTensor_String() {
	fmt.Println(tensor.FromSlice([]float32{1, 2.5, -3, 1000}, 2, 2))
	// Output:
	// [[   1.     2.5]
	//  [  -3.  1000. ]]
}

func ExampleTensor_Backward() {
	x := tensor.FromSlice([]float64{1, 2, 3}).RequireGrad()
	x.Square().Sum().Backward()
	fmt.Println(x.Grad())
	// Output: [2. 4. 6.]
}

func ExampleGrad() {
	// The second derivative of x³ at 2.
	x := tensor.Scalar(2, tensor.Float64).RequireGrad()
	slope := tensor.Grad(x.PowScalar(3), []*tensor.Tensor{x}, tensor.CreateGraph)[0]
	curvature := tensor.Grad(slope, []*tensor.Tensor{x})[0]
	fmt.Println(slope, curvature)
	// Output: 12.0 12.0
}

func ExampleTensor_Index() {
	x := tensor.Arange(0, 12, 1, tensor.Int64).Reshape(3, 4)
	fmt.Println(x.Index(tensor.Int(-1)))                                    // x[-1]
	fmt.Println(x.Index(tensor.Ellipsis, tensor.RangeBy(0, tensor.End, 2))) // x[..., ::2]
	// Output:
	// [ 8  9 10 11]
	// [[ 0  2]
	//  [ 4  6]
	//  [ 8 10]]
}

func ExampleTensor_SetIndex() {
	x := tensor.Zeros(2, 3)
	x.SetIndex(tensor.Scalar(1, tensor.Float32), tensor.All, tensor.Int(0)) // x[:, 0] = 1
	fmt.Println(x)
	// Output:
	// [[1. 0. 0.]
	//  [1. 0. 0.]]
}

func ExampleTensor_Gather() {
	scores := tensor.FromSlice([]float32{0.1, 0.7, 0.2, 0.5, 0.3, 0.2}, 2, 3)
	classes := tensor.FromSlice([]int64{1, 0}, 2, 1)
	fmt.Println(scores.Gather(1, classes))
	// Output:
	// [[0.7]
	//  [0.5]]
}

func ExampleTensor_TopK() {
	x := tensor.FromSlice([]int64{3, 9, 4, 1})
	values, places := x.TopK(2, 0, true)
	fmt.Println(values, places)
	// Output: [9 4] [1 2]
}

func ExampleTensor_OneHot() {
	fmt.Println(tensor.FromSlice([]int64{2, 0}).OneHot(3, tensor.Float32))
	// Output:
	// [[0. 0. 1.]
	//  [1. 0. 0.]]
}

func ExampleEinsum() {
	a := tensor.FromSlice([]float32{1, 2, 3, 4}, 2, 2)
	fmt.Println(tensor.Einsum("ij,jk->ik", a, a)) // the matrix product
	fmt.Println(tensor.Einsum("ii->", a))         // the trace
	// Output:
	// [[ 7. 10.]
	//  [15. 22.]]
	// 5.0
}

func ExampleConcat() {
	a, b := tensor.Ones(2, 1), tensor.Zeros(2, 2)
	fmt.Println(tensor.Concat(1, a, b))
	// Output:
	// [[1. 0. 0.]
	//  [1. 0. 0.]]
}

func ExampleTensor_Pad() {
	image := tensor.Ones(1, 1, 2, 2)
	fmt.Println(image.Pad(0, [2]int{1, 0}, [2]int{0, 1})) // a row above, a column on the right
	// Output:
	// [[[[0. 0. 0.]
	//    [1. 1. 0.]
	//    [1. 1. 0.]]]]
}

func ExampleScope_SetAutocast() {
	weight := tensor.FromSlice([]float32{1.001, 3}).Reshape(1, 2)
	step := tensor.NewScope()
	step.SetAutocast(tensor.BFloat16)
	x := step.View(tensor.FromSlice([]float32{1, 1}).Reshape(1, 2))
	y := tensor.Linear(x, weight, nil)
	// 1.001 has been rounded to 1; the result is float32 all the same.
	fmt.Println(y.Item(), y.DType())
	step.Release()
	// Output: 4 float32
}
