package tensor

import (
	"math"
	"slices"
	"testing"
)

// TestEmptyTensors calls operations with an axis of size zero and compares the
// shape, and the only value that the result holds where it holds any, with
// what NumPy and PyTorch give. Float results are differentiated too.
func TestEmptyTensors(t *testing.T) {
	none := math.NaN() // compares as nothing where a result is empty
	x := func(shape ...int) *Tensor { return Full(1, Float64, shape...) }
	ids := Full(0, Int64, 0)
	img, seq := x(0, 2, 4, 4), x(0, 2, 4)
	no := Full(0, Bool, 0, 3)
	cases := []struct {
		name  string
		in    *Tensor
		f     func(x *Tensor) *Tensor
		shape []int
		value float64
	}{
		{"neg", x(0, 3), (*Tensor).Neg, []int{0, 3}, none},
		{"gelu", x(2, 0), (*Tensor).GELU, []int{2, 0}, none},
		{"clamp", x(0), func(x *Tensor) *Tensor { return x.Clamp(0, 1) }, []int{0}, none},
		{"isnan", x(0, 3), (*Tensor).IsNaN, []int{0, 3}, none},
		{"add broadcast", x(0, 3), func(y *Tensor) *Tensor { return y.Add(x(3)) }, []int{0, 3}, none},
		{"mul against one", x(0, 3), func(y *Tensor) *Tensor { return y.Mul(x(1, 3)) }, []int{0, 3}, none},
		{"where", x(0, 3), func(y *Tensor) *Tensor { return Where(no, y, y) }, []int{0, 3}, none},
		{"prelu", x(0, 3), func(y *Tensor) *Tensor { return y.PReLU(x(3)) }, []int{0, 3}, none},
		{"sum to scalar", x(0, 3), func(y *Tensor) *Tensor { return y.Sum() }, []int{}, 0},
		{"sum over the empty axis", x(0, 3), func(y *Tensor) *Tensor { return y.Sum(0) }, []int{3}, 0},
		{"sum over the other axis", x(0, 3), func(y *Tensor) *Tensor { return y.Sum(1) }, []int{0}, none},
		{"prod", x(0, 3), func(y *Tensor) *Tensor { return y.Prod(0) }, []int{3}, 1},
		{"mean", x(0, 3), func(y *Tensor) *Tensor { return y.Mean(0) }, []int{3}, math.NaN()},
		{"var", x(0, 3), func(y *Tensor) *Tensor { return y.Var(1, 0) }, []int{3}, math.NaN()},
		{"std", x(0, 3), func(y *Tensor) *Tensor { return y.StdKeep(1, 0) }, []int{1, 3}, math.NaN()},
		{"norm", x(0, 3), func(y *Tensor) *Tensor { return y.Norm(2, 0) }, []int{3}, 0},
		{"logsumexp", x(0, 3), func(y *Tensor) *Tensor { return y.LogSumExpKeep(0) }, []int{1, 3}, math.Inf(-1)},
		{"max over the other axis", x(0, 3), func(y *Tensor) *Tensor { return y.Max(1) }, []int{0}, none},
		{"any", x(0, 3), func(y *Tensor) *Tensor { return y.Any(0) }, []int{3}, 0},
		{"all", x(0, 3), func(y *Tensor) *Tensor { return y.All(0) }, []int{3}, 1},
		{"count", x(0, 3), func(y *Tensor) *Tensor { return y.CountNonzero() }, []int{}, 0},
		{"argmax over the other axis", x(0, 3), func(y *Tensor) *Tensor { return y.ArgMax(1) }, []int{0}, none},
		{"cumsum", x(2, 0), func(y *Tensor) *Tensor { return y.CumSum(1) }, []int{2, 0}, none},
		{"cumprod", x(2, 0), func(y *Tensor) *Tensor { return y.CumProd(1) }, []int{2, 0}, none},
		{"cumprod of no rows", x(0, 2), func(y *Tensor) *Tensor { return y.CumProd(1) }, []int{0, 2}, none},
		{"softmax", x(0, 3), func(y *Tensor) *Tensor { return y.Softmax(1) }, []int{0, 3}, none},
		{"softmax over nothing", x(3, 0), func(y *Tensor) *Tensor { return y.LogSoftmax(1) }, []int{3, 0}, none},
		{"matmul, nothing between", x(2, 0), func(y *Tensor) *Tensor { return y.MatMul(x(0, 3)) }, []int{2, 3}, 0},
		{"matmul, no rows", x(0, 2), func(y *Tensor) *Tensor { return y.MatMul(x(2, 3)) }, []int{0, 3}, none},
		{"matmul, no matrices", x(0, 2, 2), func(y *Tensor) *Tensor { return y.MatMul(x(2, 2)) }, []int{0, 2, 2}, none},
		{"linear", x(0, 2), func(y *Tensor) *Tensor { return Linear(y, x(3, 2), x(3)) }, []int{0, 3}, none},
		{"einsum", x(0, 2), func(y *Tensor) *Tensor { return Einsum("ij,jk->k", y, x(2, 3)) }, []int{3}, 0},
		{"max_pool2d", img, func(y *Tensor) *Tensor { return y.MaxPool2d(2) }, []int{0, 2, 2, 2}, none},
		{"avg_pool2d", img, func(y *Tensor) *Tensor { return y.AvgPool2d(2) }, []int{0, 2, 2, 2}, none},
		{"avg_pool1d", seq, func(y *Tensor) *Tensor { return y.AvgPool1d(2) }, []int{0, 2, 2}, none},
		{"adaptive_avg_pool2d", img, func(y *Tensor) *Tensor { return y.AdaptiveAvgPool2d(1, 1) }, []int{0, 2, 1, 1}, none},
		{"adaptive_max_pool2d", img, func(y *Tensor) *Tensor { return y.AdaptiveMaxPool2d(1, 1) }, []int{0, 2, 1, 1}, none},
		{"upsample_nearest", img, func(y *Tensor) *Tensor { return y.UpsampleNearest(2, 8) }, []int{0, 2, 2, 8}, none},
		{"upsample_bilinear", img, func(y *Tensor) *Tensor { return y.UpsampleBilinear(2, 8, true) }, []int{0, 2, 2, 8}, none},
		{"reshape", x(0, 3), func(y *Tensor) *Tensor { return y.Reshape(3, 0, 2) }, []int{3, 0, 2}, none},
		{"permute", x(0, 3), func(y *Tensor) *Tensor { return y.T() }, []int{3, 0}, none},
		{"expand", x(1, 0), func(y *Tensor) *Tensor { return y.Expand(4, 0) }, []int{4, 0}, none},
		{"slice to nothing", x(3), func(y *Tensor) *Tensor { return y.Index(Range(2, 1)) }, []int{0}, none},
		{"concat", x(0, 3), func(y *Tensor) *Tensor { return Concat(0, y, y) }, []int{0, 3}, none},
		{"concat with some", x(0, 3), func(y *Tensor) *Tensor { return Concat(0, y, x(1, 3)) }, []int{1, 3}, 1},
		{"stack", x(0, 3), func(y *Tensor) *Tensor { return Stack(-1, y, y) }, []int{0, 3, 2}, none},
		{"split", x(0, 3), func(y *Tensor) *Tensor { return y.Split(0, 0, 0)[1] }, []int{0, 3}, none},
		{"chunk", x(0, 3), func(y *Tensor) *Tensor { return y.Chunk(0, 3)[0] }, []int{0, 3}, none},
		{"pad", x(0, 3), func(y *Tensor) *Tensor { return y.Pad(7, [2]int{1, 0}, [2]int{}) }, []int{1, 3}, 7},
		{"pad replicate", x(0, 3), func(y *Tensor) *Tensor { return y.PadReplicate([2]int{1, 1}) }, []int{0, 5}, none},
		{"repeat", x(0, 3), func(y *Tensor) *Tensor { return y.Repeat(2, 2) }, []int{0, 6}, none},
		{"repeat zero times", x(2), func(y *Tensor) *Tensor { return y.Repeat(0) }, []int{0}, none},
		{"repeat interleave", x(0, 3), func(y *Tensor) *Tensor { return y.RepeatInterleave(2, 1) }, []int{0, 6}, none},
		{"flip", x(0, 3), func(y *Tensor) *Tensor { return y.Flip() }, []int{0, 3}, none},
		{"roll", x(0, 3), func(y *Tensor) *Tensor { return y.Roll(1, 0) }, []int{0, 3}, none},
		{"tril", x(0, 3, 3), func(y *Tensor) *Tensor { return y.Tril(0) }, []int{0, 3, 3}, none},
		{"triu of no rows", x(0, 3), func(y *Tensor) *Tensor { return y.Triu(0) }, []int{0, 3}, none},
		{"diagonal", x(0, 3), func(y *Tensor) *Tensor { return y.Diagonal(0, 0, 1) }, []int{0}, none},
		{"diagonal beyond", x(2, 3), func(y *Tensor) *Tensor { return y.Diagonal(5, 0, 1) }, []int{0}, none},
		{"gather nothing", x(2), func(y *Tensor) *Tensor { return y.Gather(0, ids) }, []int{0}, none},
		{"index_select nothing", x(2, 3), func(y *Tensor) *Tensor { return y.IndexSelect(0, ids) }, []int{0, 3}, none},
		{"scatter nothing", x(2), func(y *Tensor) *Tensor { return y.Scatter(0, ids, x(0)) }, []int{2}, 1},
		{"scatter_add nothing", x(2), func(y *Tensor) *Tensor { return y.ScatterAdd(0, ids, x(0)) }, []int{2}, 1},
		{"masked_select", x(0, 3), func(y *Tensor) *Tensor { return y.MaskedSelect(no) }, []int{0}, none},
		{"masked_select of nothing", x(2), func(y *Tensor) *Tensor { return y.MaskedSelect(Full(0, Bool, 2)) }, []int{0}, none},
		{"masked_fill", x(0, 3), func(y *Tensor) *Tensor { return y.MaskedFill(no, 1) }, []int{0, 3}, none},
		{"nonzero", x(0, 3), (*Tensor).NonZero, []int{0, 2}, none},
		{"one_hot", x(0), func(y *Tensor) *Tensor { return y.OneHot(3, Float32) }, []int{0, 3}, none},
		{"sort", x(0, 3), func(y *Tensor) *Tensor { v, _ := y.Sort(0, true); return v }, []int{0, 3}, none},
		{"argsort", x(2, 0), func(y *Tensor) *Tensor { return y.ArgSort(1, false) }, []int{2, 0}, none},
		{"topk of none", x(2, 3), func(y *Tensor) *Tensor { v, _ := y.TopK(0, 1, true); return v }, []int{2, 0}, none},
		{"to", x(0, 3), func(y *Tensor) *Tensor { return y.To(Float32) }, []int{0, 3}, none},
		{"meshgrid", x(0), func(y *Tensor) *Tensor { return MeshGrid(y, x(2))[1] }, []int{0, 2}, none},
		{"embedding", x(4, 2), func(y *Tensor) *Tensor { return Embedding(y, ids, -1) }, []int{0, 2}, none},
		{"layer norm", x(0, 3), func(y *Tensor) *Tensor { return LayerNorm(y, x(3), x(3), 1e-5) }, []int{0, 3}, none},
		{"group norm", x(0, 4, 2), func(y *Tensor) *Tensor { return GroupNorm(y, 2, x(4), x(4), 1e-5) }, []int{0, 4, 2}, none},
		{"linear", x(0, 3), func(y *Tensor) *Tensor { return LinearReLU(y, x(2, 3), x(2)) }, []int{0, 2}, none},
		{"cross-entropy", x(0, 3), func(y *Tensor) *Tensor { return SoftmaxCrossEntropy(y, ids, CrossEntropyOptions{}) }, []int{0}, none},
		{"dropout", x(0, 3), func(y *Tensor) *Tensor { return y.Dropout(0.5, NewRand(1)) }, []int{0, 3}, none},
		{"glu", x(0, 4), func(y *Tensor) *Tensor { return y.GLU(1) }, []int{0, 2}, none},
		{"maxout", x(0, 4), func(y *Tensor) *Tensor { return y.Maxout(2) }, []int{0, 2}, none},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := c.in.Detach().RequireGrad()
			y := c.f(in)
			if !slices.Equal(y.Shape(), c.shape) {
				t.Fatalf("the shape is %v, want %v", y.Shape(), c.shape)
			}
			for _, v := range y.Float64s() {
				if v != c.value && !(math.IsNaN(v) && math.IsNaN(c.value)) {
					t.Fatalf("it holds %g, want %g", v, c.value)
				}
			}
			if y.RequiresGrad() {
				if g := Grad(y, []*Tensor{in})[0]; !slices.Equal(g.Shape(), in.Shape()) {
					t.Errorf("the gradient has the shape %v", g.Shape())
				}
			}
		})
	}
}
