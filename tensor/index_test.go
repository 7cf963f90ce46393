package tensor

import (
	"math"
	"slices"
	"testing"
)

func wantInts(t *testing.T, what string, got *Tensor, shape []int, want ...int64) {
	t.Helper()
	if !slices.Equal(got.Shape(), shape) || !slices.Equal(got.Int64s(), want) {
		t.Errorf("%s is %v of %v, want %v of %v", what, got.Int64s(), got.Shape(), want, shape)
	}
}

func TestIndexTakesPartsLikeNumPy(t *testing.T) {
	x := Arange(0, 24, 1, Int64).Reshape(2, 3, 4)
	wantInts(t, "x[1, 2, 3]", x.Index(Int(1), Int(2), Int(3)), []int{}, 23)
	wantInts(t, "x[-1, 0]", x.Index(Int(-1), Int(0)), []int{4}, 12, 13, 14, 15)
	wantInts(t, "x[:, 1, 1:3]", x.Index(All, Int(1), Range(1, 3)), []int{2, 2}, 5, 6, 17, 18)
	wantInts(t, "x[..., 0]", x.Index(Ellipsis, Int(0)), []int{2, 3}, 0, 4, 8, 12, 16, 20)
	wantInts(t, "x[0, ..., -1]", x.Index(Int(0), Ellipsis, Int(-1)), []int{3}, 3, 7, 11)
	wantInts(t, "x[0, 0, None, ::2]", x.Index(Int(0), Int(0), NewAxis, RangeBy(0, End, 2)), []int{1, 2}, 0, 2)
	wantInts(t, "x[0, None, ..., None, 1]", x.Index(Int(0), NewAxis, Ellipsis, NewAxis, Int(1)), []int{1, 3, 1}, 1, 5, 9)
	wantInts(t, "x[1, -2:, -1:]", x.Index(Int(1), Range(-2, End), Range(-1, End)), []int{2, 1}, 19, 23)
	wantInts(t, "x[...]", x.Index(Ellipsis).Index(Int(0), Int(0), Int(0)), []int{}, 0)
}

func TestSetIndexWritesThroughToTheTensor(t *testing.T) {
	x := Full(0, Int64, 2, 3)
	x.SetIndex(FromSlice([]int64{1, 2}), All, Int(1))
	wantInts(t, "after x[:, 1] = [1, 2]", x, []int{2, 3}, 0, 1, 0, 0, 2, 0)
	x.SetIndex(Scalar(9, Float32), Int(0), Range(1, End))
	wantInts(t, "after x[0, 1:] = 9", x, []int{2, 3}, 0, 9, 9, 0, 2, 0)
	x.Index(Int(1)).Fill(5)
	wantInts(t, "after x[1] is filled through the view", x, []int{2, 3}, 0, 9, 9, 5, 5, 5)
}

func TestIndexHasAGradient(t *testing.T) {
	x := Zeros(2, 3).RequireGrad()
	x.Index(Int(1), RangeBy(0, End, 2)).Sum().Backward()
	wantInts(t, "the gradient", x.Grad().To(Int64), []int{2, 3}, 0, 0, 0, 1, 0, 1)
}

func TestScatterOfEqualIndicesGivesTheGradientToTheLast(t *testing.T) {
	x, source := Zeros(3).RequireGrad(), FromSlice([]float32{1, 2, 3}).RequireGrad()
	y := x.Scatter(0, FromSlice([]int64{1, 1, 0}), source)
	wantInts(t, "the result", y.To(Int64), []int{3}, 3, 2, 0)
	y.Sum().Backward()
	wantInts(t, "the source's gradient", source.Grad().To(Int64), []int{3}, 0, 1, 1)
	wantInts(t, "the target's gradient", x.Grad().To(Int64), []int{3}, 0, 0, 1)
}

func TestMovingElementsOfEveryType(t *testing.T) {
	places := FromSlice([]int64{2, 0})
	for d := Float32; d <= Bool; d++ {
		x := FromSlice([]int64{0, 1, 1}).To(d)
		wantInts(t, d.String()+" gather", x.Gather(0, places).To(Int64), []int{2}, 1, 0)
		wantInts(t, d.String()+" scatter", x.Scatter(0, places, FromSlice([]int64{0, 1}).To(d)).To(Int64), []int{3}, 1, 1, 0)
		wantInts(t, d.String()+" concat", Concat(0, x, x).To(Int64), []int{6}, 0, 1, 1, 0, 1, 1)
		wantInts(t, d.String()+" pad", x.Pad(1, [2]int{2, 0}).To(Int64), []int{5}, 1, 1, 0, 1, 1)
		wantInts(t, d.String()+" where", Where(FromSlice([]bool{true, false, true}), x, x.Roll(1, 0)).To(Int64), []int{3}, 0, 0, 1)
		wantInts(t, d.String()+" argsort", x.ArgSort(0, true), []int{3}, 1, 2, 0)
		wantInts(t, d.String()+" argmin", x.ArgMin(), []int{}, 0)
		wantInts(t, d.String()+" equal", x.Equal(x.Flip()).To(Int64), []int{3}, 0, 1, 0)
		if d == Bool {
			continue
		}
		wantInts(t, d.String()+" scatter_add", x.ScatterAdd(0, FromSlice([]int64{1, 1}), FromSlice([]int64{3, 4}).To(d)).To(Int64), []int{3}, 0, 8, 1)
		wantInts(t, d.String()+" cumsum", x.CumSum(0).To(Int64), []int{3}, 0, 1, 2)
		wantInts(t, d.String()+" cumprod", x.AddScalar(2).CumProd(0).To(Int64), []int{3}, 2, 6, 18)
		wantInts(t, d.String()+" prod", x.AddScalar(2).Prod().To(Int64), []int{}, 18)
		wantInts(t, d.String()+" max and min", Stack(0, x.Max(), x.Min()).To(Int64), []int{2}, 1, 0)
		wantInts(t, d.String()+" maximum", x.Maximum(x.Flip()).To(Int64), []int{3}, 1, 1, 1)
		wantInts(t, d.String()+" clamp", x.Clamp(1, 1).To(Int64), []int{3}, 1, 1, 1)
		wantInts(t, d.String()+" isfinite", x.IsFinite().To(Int64), []int{3}, 1, 1, 1)
	}
}

func TestSortPutsNaNWhereItBelongs(t *testing.T) {
	x := FromSlice([]float64{2, math.NaN(), -1, 2, math.NaN()})
	_, up := x.Sort(0, false)
	wantInts(t, "ascending", up, []int{5}, 2, 0, 3, 1, 4)
	_, down := x.Sort(0, true)
	wantInts(t, "descending", down, []int{5}, 1, 4, 0, 3, 2)
	wantInts(t, "argmax", x.ArgMax(), []int{}, 1)
	wantInts(t, "argmin", x.ArgMin(), []int{}, 1)
	if m := x.Median(0).Item(); m == m {
		t.Errorf("the median with NaN is %g", m)
	}
	if m := FromSlice([]float64{4, 1, 3, 2}).Median(0).Item(); m != 2 {
		t.Errorf("the median of 1 to 4 is %g, want the lower middle 2", m)
	}
	one, place := Scalar(5, Float64).Sort(0, false)
	if one.Item() != 5 || place.Item() != 0 {
		t.Errorf("a scalar sorts to %v at %v", one, place)
	}
}

func TestSelections(t *testing.T) {
	x := Arange(1, 7, 1, Int64).Reshape(2, 3)
	wantInts(t, "nonzero", FromSlice([]int64{0, 3, 0, 4}, 2, 2).NonZero(), []int{2, 2}, 0, 1, 1, 1)
	wantInts(t, "masked_select with a row", x.MaskedSelect(FromSlice([]bool{true, false, true})), []int{4}, 1, 3, 4, 6)
	grid := MeshGrid(FromSlice([]int64{1, 2}), FromSlice([]int64{3, 4, 5}))
	wantInts(t, "meshgrid rows", grid[0], []int{2, 3}, 1, 1, 1, 2, 2, 2)
	wantInts(t, "meshgrid columns", grid[1], []int{2, 3}, 3, 4, 5, 3, 4, 5)
	wantInts(t, "outer", FromSlice([]int64{1, 2}).Outer(FromSlice([]int64{3, 4})), []int{2, 2}, 3, 4, 6, 8)
	wantInts(t, "dot", FromSlice([]float32{1, 2}).Dot(FromSlice([]float32{3, 4})).To(Int64), []int{}, 11)
	parts := x.Chunk(1, 2)
	wantInts(t, "first chunk", parts[0], []int{2, 2}, 1, 2, 4, 5)
	wantInts(t, "last chunk", parts[1], []int{2, 1}, 3, 6)
	wantInts(t, "maxout", FromSlice([]int64{1, 5, 7, 2}, 1, 4).Maxout(2), []int{1, 2}, 5, 7)
	shuffled := Arange(0, 8, 1, Int64).Reshape(1, 4, 1, 2).PixelShuffle(2)
	wantInts(t, "pixel_shuffle", shuffled, []int{1, 1, 2, 4}, 0, 2, 1, 3, 4, 6, 5, 7)
	wantInts(t, "xor", FromSlice([]bool{true, true}).Xor(FromSlice([]bool{true, false})).To(Int64), []int{2}, 0, 1)
	wantInts(t, "or", FromSlice([]bool{false, true}).Or(Full(0, Bool)).To(Int64), []int{2}, 0, 1)
}
