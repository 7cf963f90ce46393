package tensor

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// panicOf runs f and returns the error it panics with.
func panicOf(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, _ = r.(error)
			if err == nil {
				err = fmt.Errorf("%v", r)
			}
		}
	}()
	f()
	return nil
}

func TestMisfitsNameTheOperationAndTheShapes(t *testing.T) {
	a, b := Zeros(2, 3), Zeros(4)
	ids := FromSlice([]int64{0, 7})
	for want, f := range map[string]func(){
		"add: the shapes do not broadcast: axes must be equal or 1, counted from the end; got (2, 3) and (4,)": func() { a.Add(b) },
		"matmul: the columns of the first must equal the rows of the second; got (2, 3) and (2, 3)":            func() { a.MatMul(a) },
		"concat: the operands must have the same sizes but for axis 0; got (2, 3) and (2, 4)":                  func() { Concat(0, a, Zeros(2, 4)) },
		"concat: needs at least one tensor":                                                                                     func() { Concat(0) },
		"stack: the operands must have the same shape; got (2, 3) and (4,)":                                                     func() { Stack(0, a, b) },
		"gather: index 7 is out of range for axis 0 with size 4; got (4,) and (2,) int64":                                       func() { b.Gather(0, ids) },
		"gather: index -1 is out of range for axis 0 with size 4; got (4,) and (1,) int64":                                      func() { b.IndexSelect(0, FromSlice([]int64{-1})) },
		"index: index 3 is out of range for axis 1 with size 3; got (2, 3)":                                                     func() { a.Index(All, Int(3)) },
		"index: index -5 is out of range for axis 1 with size 3; got (2, 3)":                                                    func() { a.Index(NewAxis, Int(0), Int(-5)) },
		"index: 3 positions or ranges were given for 2 axes; got (2, 3)":                                                        func() { a.Index(All, All, All) },
		"index: only one Ellipsis is possible; got (2, 3)":                                                                      func() { a.Index(Ellipsis, Ellipsis) },
		"split: the sizes [1 1] do not add up to the size of axis 1; got (2, 3)":                                                func() { a.Split(1, 1, 1) },
		"split: the sizes [4] do not add up to the size of axis 1; got (2, 3)":                                                  func() { a.Split(1, 4) },
		"chunk: needs at least one part, got 0; got (2, 3)":                                                                     func() { a.Chunk(0, 0) },
		"pad: 3 pairs were given for 2 axes; got (2, 3)":                                                                        func() { a.Pad(0, [2]int{}, [2]int{}, [2]int{}) },
		"pad: axis 1 is cropped by more than its size; got (2, 3)":                                                              func() { a.Pad(0, [2]int{-2, -2}) },
		"pad reflect: axis 1 with 3 elements cannot be padded by 3 and 0; got (2, 3)":                                           func() { a.PadReflect([2]int{3, 0}) },
		"repeat: needs a count for each of the 2 axes, got [2]; got (2, 3)":                                                     func() { a.Repeat(2) },
		"argmax: takes one axis or none, got [0 1]; got (2, 3)":                                                                 func() { a.ArgMax(0, 1) },
		"argmax: there is no largest or smallest of nothing; got (0,)":                                                          func() { Zeros(0).ArgMax() },
		"max: there is no max of nothing; got (0, 2)":                                                                           func() { Zeros(0, 2).Max(0) },
		"median: there is no median of nothing; got (0,)":                                                                       func() { Zeros(0).Median(0) },
		"topk: axis 1 has no 4 elements; got (2, 3)":                                                                            func() { a.TopK(4, 1, true) },
		"diagonal: the two axes must differ; got (2, 3)":                                                                        func() { a.Diagonal(0, 1, -1) },
		"tril: needs at least two axes; got (4,)":                                                                               func() { b.Tril(0) },
		"and: needs bool operands; compare first; got (2, 3) and (4,)":                                                          func() { a.And(b) },
		"masked_select: the mask must be bool and its shape broadcast; got (2, 3) and (4,)":                                     func() { a.MaskedSelect(b) },
		"index_add: the index must be a vector with one element for each slice of the source; got (4,) and (2,) int64 and (3,)": func() { b.IndexAdd(0, ids, Zeros(3)) },
		"index_select: the index must be a vector; got (2, 3) and (2, 3)":                                                       func() { a.IndexSelect(0, a) },
		"scatter: the source must have the shape of the index and the element type of the target; got (4,) and (1,) int64 and (2,)": func() {
			b.Scatter(0, FromSlice([]int64{1}), Zeros(2))
		},
		"scatter: index 4 is out of range for axis 1 with size 4; got (1, 4) int64 and (1, 1) int64 and (1, 1) int64": func() { FromSlice([]int64{4}).OneHot(4, Int64) },
		"glu: axis 1 must have an even size; got (2, 3)":                                                              func() { a.GLU(1) },
		"maxout: the channels (axis 1) must be a multiple of the 2 pieces; got (2, 3)":                                func() { a.Maxout(2) },
		"prelu: the weight must have one element, or one for each channel (axis 1); got (2, 3) and (4,)":              func() { a.PReLU(b) },
		"elu: alpha must not be negative, got -1; got (2, 3)":                                                         func() { a.ELU(-1) },
		"celu: alpha must be positive, got 0; got (2, 3)":                                                             func() { a.CELU(0) },
		"dot: the operands must be vectors; got (2, 3) and (4,)":                                                      func() { a.Dot(b) },
		"outer: the operands must be vectors; got (2, 3) and (4,)":                                                    func() { a.Outer(b) },
		"meshgrid: the operands must be vectors; got (2, 3)":                                                          func() { MeshGrid(a) },
		"avg_pool2d: needs images (N, C, H, W); got (2, 3)":                                                           func() { a.AvgPool2d(2) },
		"max_pool1d: needs sequences (N, C, L); got (2, 3)":                                                           func() { a.MaxPool1d(2) },
		"upsample_nearest: pool: output of 0x2 pixels has no elements; got (1, 1, 2, 2)":                              func() { Zeros(1, 1, 2, 2).UpsampleNearest(0, 2) },
		"pixel_shuffle: the channels must be a multiple of 4; got (1, 3, 2, 2)":                                       func() { Zeros(1, 3, 2, 2).PixelShuffle(2) },
		"cumsum: there is no axis 2 in 2 axes; got (2, 3)":                                                            func() { a.CumSum(2) },
		"log: the operands must be floating-point; got (2,) int64":                                                    func() { ids.Log() },
		`einsum: "ij,jk" is for 2 operands, there are 1; got (2, 3)`:                                                  func() { Einsum("ij,jk", a) },
		`einsum: the term "i" does not fit an operand with 2 axes; got (2, 3)`:                                        func() { Einsum("i->i", a) },
		`einsum: the result "ii" repeats a letter; got (2, 3)`:                                                        func() { Einsum("ij->ii", a) },
		`einsum: the result "k" has a letter that no operand has; got (2, 3)`:                                         func() { Einsum("ij->k", a) },
		`einsum: "ii" repeats a letter for axes of the sizes 2 and 3; got (2, 3)`:                                     func() { Einsum("ii", a) },
		`einsum: "i1" is no term: terms have letters and at most one "..."; got (2, 3)`:                               func() { Einsum("i1", a) },
		"einsum: an axis with one label has the sizes 3 and 2; got (2, 3) and (2, 3)":                                 func() { Einsum("ij,jk", a, a) },
		"div: an integer was divided by zero; convert to a float type for Inf and NaN":                                func() { ids.FloorDiv(FromSlice([]int64{0})) },
		"set index: a tensor on the tape cannot be changed in place; call Detach or Clone first": func() {
			Zeros(2).RequireGrad().Neg().SetIndex(Scalar(1, Float32), Int(0))
		},
	} {
		err := panicOf(f)
		if err == nil {
			t.Errorf("no panic, want %q", want)
			continue
		}
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		var shape *ShapeError
		var use *UseError
		if !errors.As(err, &shape) && !errors.As(err, &use) {
			t.Errorf("%q is a %T", want, err)
		}
	}
}

func TestMisfitsNameTheLayer(t *testing.T) {
	w := Zeros(2, 5).SetName("FC1.Weight")
	err := panicOf(func() { Linear(Zeros(1, 4), w, nil) })
	want := "linear in FC1: the last axis of the input must equal the columns of the weight (out, in); got (1, 4) and FC1.Weight (2, 5)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestOverwrittenOperandIsCaught(t *testing.T) {
	for name, change := range map[string]func(x *Tensor){
		"fill":         func(x *Tensor) { x.Fill(1) },
		"copy":         func(x *Tensor) { x.CopyFrom(Scalar(2, Float64)) },
		"set index":    func(x *Tensor) { x.SetIndex(Scalar(2, Float64), Int(0)) },
		"through data": func(x *Tensor) { MutableData[float64](x)[0] = 3 },
		"through view": func(x *Tensor) { x.Detach().Slice(0, 1, 2, 1).Fill(0) },
	} {
		x := FromSlice([]float64{1, 2}).RequireGrad()
		y := x.Square().Sum() // its gradient reads x
		change(x)
		var use *UseError
		if err := panicOf(y.Backward); !errors.As(err, &use) || !strings.Contains(err.Error(), "was overwritten") {
			t.Errorf("%s: Backward gave %v, want a UseError that says the operand was overwritten", name, err)
		}
	}
	x := FromSlice([]float64{1, 2}).RequireGrad()
	y := x.AddScalar(1).Sum() // its gradient reads nothing
	x.Fill(7)
	y.Backward()
	if g := x.Grad().Float64s(); !slices.Equal(g, []float64{1, 1}) {
		t.Errorf("the gradient is %v, want ones", g)
	}
}

func TestReleasedScopeIsCaught(t *testing.T) {
	scope := NewScope()
	x := scope.Adopt(FromSlice([]float64{1, 2}))
	y := x.Exp().CumSum(0)
	kept := y.Keep()
	scope.Release()
	for name, f := range map[string]func(){
		"an operation": func() { y.Neg() }, "reading": func() { y.Float64s() }, "printing": func() { _ = y.String() }, "a view": func() { y.Index(Int(0)) },
	} {
		var use *UseError
		if err := panicOf(f); !errors.As(err, &use) {
			t.Errorf("%s after release gave %v, want a UseError", name, err)
		}
	}
	if got, want := kept.At(1), math.E+math.E*math.E; math.Abs(got-want) > 1e-12 {
		t.Errorf("the kept copy holds %g, want %g", got, want)
	}
}

// wantMisuse reports a function that does not panic with an error of this package.
func wantMisuse(t *testing.T, what string, f func()) {
	t.Helper()
	var shape *ShapeError
	var use *UseError
	if err := panicOf(f); !errors.As(err, &shape) && !errors.As(err, &use) {
		t.Errorf("%s gave %v, want a ShapeError or a UseError", what, err)
	}
}

func TestViewsOfAnotherScope(t *testing.T) {
	a, b := NewScope(), NewScope()
	view := b.View(a.Adopt(Ones(3)))
	a.Release()
	wantMisuse(t, "a view after release of what it shows", func() { view.Sum() })
	wantMisuse(t, "a view of that view", func() { b.View(view).Sum() })
	x, w := Ones(3).NoGrad(), Ones(3).RequireGrad()
	if b.View(x).Mul(w).RequiresGrad() || b.Adopt(x).Mul(w).RequiresGrad() {
		t.Error("a scope forgets that its member is not to be recorded")
	}
}

// TestCopiesWithinOneTensor copies elements over others of the same tensor: what
// is read is what was there before, as in NumPy.
func TestCopiesWithinOneTensor(t *testing.T) {
	x := FromSlice([]float64{1, 2, 3, 4}, 2, 2)
	x.CopyFrom(x.T())
	floats(t, "a matrix transposed in place", x, 1, 3, 2, 4)
	x = FromSlice([]float64{1, 2, 3, 4, 5, 6}, 3, 2)
	x.SetIndex(x.Index(Range(0, 2), Int(0)), Range(1, End), Int(0))
	floats(t, "a shifted column", x, 1, 2, 1, 4, 3, 6)
}

// TestTypesThatKernelsDoNotTake gives fused operations operands of different
// float types, and of types that have no kernel.
func TestTypesThatKernelsDoNotTake(t *testing.T) {
	double := func(shape ...int) *Tensor { return Full(1, Float64, shape...) }
	x, img := Ones(2, 3), Ones(1, 3, 4, 4)
	for name, f := range map[string]func(){
		"linear, weight":           func() { Linear(x, double(4, 3), nil) },
		"linear, bias":             func() { Linear(x, Ones(4, 3), double(4)) },
		"linear, input":            func() { Linear(x.To(Float64), Ones(4, 3), nil) },
		"conv2d, weight":           func() { Conv2d(img, double(2, 3, 3, 3), nil, ConvOptions{}) },
		"conv2d, bias":             func() { Conv2d(img, Ones(2, 3, 3, 3), double(2), ConvOptions{}) },
		"conv_transpose2d, weight": func() { ConvTranspose2d(img, double(3, 2, 3, 3), nil, ConvOptions{}) },
		"batch_norm, scale":        func() { BatchNorm(x, double(3), Ones(3), 1e-5) },
		"layer_norm, scale":        func() { LayerNorm(x, double(3), nil, 1e-5) },
		"conv2d of halves":         func() { Conv2d(img.To(BFloat16), Ones(2, 3, 3, 3).To(BFloat16), nil, ConvOptions{}) },
		"conv_transpose2d of halves": func() {
			ConvTranspose2d(img.To(BFloat16), Ones(3, 2, 3, 3).To(BFloat16), nil, ConvOptions{})
		},
		"batch_norm of halves": func() { BatchNorm(x.To(Float16), Ones(3).To(Float16), Ones(3).To(Float16), 1e-5) },
		"layer_norm of halves": func() { LayerNorm(x.To(Float16), nil, nil, 1e-5) },
	} {
		wantMisuse(t, name, f)
	}
	w := Ones(3, 2).To(BFloat16).RequireGrad()
	Embedding(w, FromSlice([]int64{1, 2, 1}), -1).Sum().Backward()
	floats(t, "the gradient of an embedding of halves", w.Grad(), 0, 0, 2, 2, 1, 1)
}

// TestSizesThatOverflow asks for so many elements that their number does not
// fit an int.
func TestSizesThatOverflow(t *testing.T) {
	const big = 1 << 32
	for name, f := range map[string]func(){
		"reshape":       func() { Zeros(0).Reshape(big, big) },
		"reshape to -1": func() { Zeros(4).Reshape(-1, 1<<62, 4, 1) },
		"expand":        func() { Zeros(1).Expand(big, big) },
		"narrow":        func() { Zeros(5).Narrow(0, 1, math.MaxInt) },
		"add":           func() { Zeros(big, 0, 1).Add(Zeros(1, 0, big)) },
	} {
		wantMisuse(t, name, f)
	}
	for start := range 2 {
		floats(t, "a slice with the largest step", Ones(5).Slice(0, start, 5, math.MaxInt), 1)
	}
}

func TestPromotion(t *testing.T) {
	types := []DType{Float32, Float64, BFloat16, Float16, Int64, Int32, UInt8, Bool}
	// Row and column as in types; as torch.promote_types gives it.
	want := [][]DType{
		{Float32, Float64, Float32, Float32, Float32, Float32, Float32, Float32},
		{Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64},
		{Float32, Float64, BFloat16, Float32, BFloat16, BFloat16, BFloat16, BFloat16},
		{Float32, Float64, Float32, Float16, Float16, Float16, Float16, Float16},
		{Float32, Float64, BFloat16, Float16, Int64, Int64, Int64, Int64},
		{Float32, Float64, BFloat16, Float16, Int64, Int32, Int32, Int32},
		{Float32, Float64, BFloat16, Float16, Int64, Int32, UInt8, UInt8},
		{Float32, Float64, BFloat16, Float16, Int64, Int32, UInt8, Bool},
	}
	for i, a := range types {
		for j, b := range types {
			if got := promote(a, b); got != want[i][j] {
				t.Errorf("%v and %v give %v, want %v", a, b, got, want[i][j])
			}
			if a == Bool && b == Bool {
				continue
			}
			y := Full(1, a, 2).Add(Full(1, b, 2))
			if y.DType() != want[i][j] || !slices.Equal(y.Float64s(), []float64{2, 2}) {
				t.Errorf("1 of %v + 1 of %v is %v of %v", a, b, y, y.DType())
			}
		}
	}
}

// TestHalfPrecisionExhaustively goes through all patterns: each must survive
// the way to float32 and back, and each float32 halfway between two neighbours
// must go to the even one.
func TestHalfPrecisionExhaustively(t *testing.T) {
	for p := range 1 << 16 {
		h, b := F16(p), BF16(p)
		if v := h.Float32(); v != v {
			if back := ToF16(v).Float32(); back == back {
				t.Fatalf("F16 %#04x is NaN and comes back as %g", p, back)
			}
		} else if ToF16(v) != h {
			t.Fatalf("F16 %#04x is %g and comes back as %#04x", p, v, ToF16(v))
		}
		if v := b.Float32(); v != v {
			if back := ToBF16(v).Float32(); back == back {
				t.Fatalf("BF16 %#04x is NaN and comes back as %g", p, back)
			}
		} else if ToBF16(v) != b {
			t.Fatalf("BF16 %#04x is %g and comes back as %#04x", p, v, ToBF16(v))
		}
	}
	for p := range 0x7c00 - 1 {
		low, high := float64(F16(p).Float32()), float64(F16(p+1).Float32())
		middle := float32((low + high) / 2) // exact: it has one bit more
		even := F16(p + p&1)
		if got := ToF16(middle); got != even {
			t.Fatalf("%g lies between F16 %#04x and the next and goes to %#04x", middle, p, got)
		}
		if got := ToF16(-middle); got != even|0x8000 {
			t.Fatalf("%g goes to %#04x", -middle, got)
		}
		if got := ToF16(math.Nextafter32(middle, 0)); got != F16(p) {
			t.Fatalf("just below the middle above %#04x goes to %#04x", p, got)
		}
	}
	for p := range 0x7f80 - 1 {
		middle := math.Float32frombits(uint32(p)<<16 | 0x8000)
		if got, even := ToBF16(middle), BF16(p+p&1); got != even {
			t.Fatalf("%g lies between BF16 %#04x and the next and goes to %#04x", middle, p, got)
		}
	}
	for _, v := range []float32{65520, 1e30, float32(math.Inf(1))} {
		if got := ToF16(v); got != 0x7c00 {
			t.Errorf("%g as F16 is %#04x, want infinity", v, got)
		}
	}
	if got := ToF16(65519.99); got != 0x7bff {
		t.Errorf("65519.99 as F16 is %#04x, want the largest number", got)
	}
}

// TestConversionsBetweenAllTypes compares with the conversion through float64
// of numbers that every type holds.
func TestConversionsBetweenAllTypes(t *testing.T) {
	values := []float64{0, 1, 2, 100, 255}
	for from := Float32; from <= Bool; from++ {
		for to := Float32; to <= Bool; to++ {
			x := FromSlice(values).To(from)
			want := slices.Clone(values)
			if from == Bool || to == Bool {
				want = []float64{0, 1, 1, 1, 1}
			}
			for name, y := range map[string]*Tensor{"dense": x.To(to), "with gaps": layouts["with gaps"](x).To(to)} {
				if got := y.Float64s(); y.DType() != to || !slices.Equal(got, want) {
					t.Errorf("%v to %v, %s: %v, want %v", from, to, name, got, want)
				}
			}
		}
	}
	wide := FromSlice([]int64{1<<40 + 5, -1})
	if got := wide.To(Int32).Int64s(); !slices.Equal(got, []int64{5, -1}) {
		t.Errorf("int64 to int32 gives %v", got)
	}
	if got := wide.To(UInt8).Int64s(); !slices.Equal(got, []int64{5, 255}) {
		t.Errorf("int64 to uint8 gives %v", got)
	}
	if got := FromSlice([]float64{1.9, -1.9}).To(Int64).Int64s(); !slices.Equal(got, []int64{1, -1}) {
		t.Errorf("floats to integers give %v, want them truncated", got)
	}
}

func TestIntegerArithmetic(t *testing.T) {
	a, b := FromSlice([]int64{7, -7, 7, -7, 6}), FromSlice([]int64{3, 3, -3, -3, 3})
	for name, c := range map[string]struct {
		got  *Tensor
		want []int64
	}{
		"div truncates":                     {a.Div(b), []int64{2, -2, -2, 2, 2}},
		"floor_div rounds down":             {a.FloorDiv(b), []int64{2, -3, -3, 2, 2}},
		"remainder has the divisor's sign":  {a.Remainder(b), []int64{1, 2, -2, -1, 0}},
		"fmod has the dividend's sign":      {a.Fmod(b), []int64{1, -1, 1, -1, 0}},
		"clamp":                             {a.Clamp(-2.5, 6), []int64{6, -2, 6, -2, 6}},
		"floor of an integer":               {a.Floor(), a.Int64s()},
		"uint8 sums as int64":               {Full(200, UInt8, 2).Sum(), []int64{400}},
		"bools are counted":                 {FromSlice([]bool{true, false, true}).Sum(), []int64{2}},
		"int32 product as int64":            {Full(1<<20, Int32, 2).Prod(), []int64{1 << 40}},
		"cumsum of uint8":                   {Full(200, UInt8, 2).CumSum(0), []int64{200, 400}},
		"count of nonzero":                  {FromSlice([]float64{0, math.NaN(), 2}).CountNonzero(), []int64{2}},
		"int64 beyond float64's precision":  {FromSlice([]int64{1<<53 + 1, 5}).Max(), []int64{1<<53 + 1}},
		"argmax of int64 beyond precision":  {FromSlice([]int64{1 << 53, 1<<53 + 1}).ArgMax(), []int64{1}},
		"einsum of integers, nothing added": {Einsum("i,j->ij", a.Narrow(0, 0, 1), b.Narrow(0, 0, 2)), []int64{21, 21}},
	} {
		if got := c.got.Int64s(); !slices.Equal(got, c.want) || c.got.DType() != Int64 {
			t.Errorf("%s: %v of %v, want %v", name, got, c.got.DType(), c.want)
		}
	}
	f := FromSlice([]float64{5.5, -5.5}).Remainder(FromSlice([]float64{0, 2}))
	if !math.IsNaN(f.At(0)) || f.At(1) != 0.5 {
		t.Errorf("the float remainder is %v, want [nan 0.5]", f)
	}
}

// TestBroadcastingIsNumPys compares an addition with the index arithmetic that
// defines broadcasting.
func TestBroadcastingIsNumPys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape")
		operand := func(name string) (*Tensor, []int) {
			shape := slices.Clone(full[rapid.IntRange(0, len(full)).Draw(t, name+" drops"):])
			for i := range shape {
				if rapid.Bool().Draw(t, name+" stretches") {
					shape[i] = 1
				}
			}
			x := NewSampler(uint64(len(name) + NumElements(shape))).Normal(shape...)
			if lay := rapid.SampledFrom([]string{"", "axes reversed", "with gaps"}).Draw(t, name+" layout"); lay != "" && len(shape) > 0 && x.Len() > 0 {
				x = layouts[lay](x)
			}
			return x, shape
		}
		a, sa := operand("a")
		b, sb := operand("bb")
		want, ok := broadcastShapes(sa, sb)
		if !ok {
			t.Fatalf("%v and %v come from %v and should broadcast", sa, sb, full)
		}
		y := a.Sub(b)
		if !slices.Equal(y.Shape(), want) {
			t.Fatalf("%v and %v give %v, want %v", sa, sb, y.Shape(), want)
		}
		at := func(v []float64, shape, index []int) float64 {
			off := 0
			for i, d := range shape {
				k := index[len(index)-len(shape)+i]
				if d == 1 {
					k = 0
				}
				off = off*d + k
			}
			return v[off]
		}
		va, vb, index := a.Float64s(), b.Float64s(), make([]int, len(want))
		for i, got := range y.Float64s() {
			rest := i
			for k := len(want) - 1; k >= 0; k-- {
				index[k] = rest % want[k]
				rest /= want[k]
			}
			if naive := at(va, sa, index) - at(vb, sb, index); got != naive {
				t.Fatalf("element %v is %g, want %g", index, got, naive)
			}
		}
	})
}

// TestEinsumIsTheSumItSays compares with nested loops over all letters.
func TestEinsumIsTheSumItSays(t *testing.T) {
	s := NewSampler(8)
	size := map[byte]int{'a': 2, 'b': 3, 'c': 4, 'd': 2}
	for _, equation := range []string{
		"ab,bc->ac", "ab,bc->ca", "ab,bc", "a,a->a", "ab,ab->", "aab->b", "abca->cb", "ab,cd->dbca", "abc,bcd,ad->d",
		"ab,b->a", "abc->b", "abc,abc->bc", "ba,bc,bd->", "aa,aa->a", "a,b,c,d->badc", "ca,ab->b", "abd,abc->ad", "->", "b->b",
	} {
		left, right, explicit := strings.Cut(equation, "->")
		terms := strings.Split(left, ",")
		if !explicit {
			right = "ac"
		}
		var in []*Tensor
		letters := ""
		for _, term := range terms {
			var shape []int
			for i := range len(term) {
				shape = append(shape, size[term[i]])
				if !strings.Contains(letters, term[i:i+1]) {
					letters += term[i : i+1]
				}
			}
			in = append(in, s.Normal(shape...))
		}
		var shape []int
		for i := range len(right) {
			shape = append(shape, size[right[i]])
		}
		want := make([]float64, NumElements(shape))
		place := map[byte]int{}
		offset := func(term string) int {
			off := 0
			for i := range len(term) {
				off = off*size[term[i]] + place[term[i]]
			}
			return off
		}
		var walk func(k int)
		walk = func(k int) {
			if k < len(letters) {
				for i := range size[letters[k]] {
					place[letters[k]] = i
					walk(k + 1)
				}
				return
			}
			product := 1.0
			for i, term := range terms {
				product *= in[i].Float64s()[offset(term)]
			}
			want[offset(right)] += product
		}
		walk(0)
		wantClose(t, equation, Einsum(equation, in...), FromSlice(want).Reshape(shape...), 1e-12)
	}
	stretched := Einsum("...ij,...jk->...ik", s.Normal(3, 1, 2, 4), s.Normal(5, 4, 2))
	if !slices.Equal(stretched.Shape(), []int{3, 5, 2, 2}) {
		t.Errorf("the ellipsis broadcasts to %v", stretched.Shape())
	}
	x := s.Normal(2, 3, 4)
	wantClose(t, "implicit ellipsis", Einsum("...c", x), x, 0)
	wantClose(t, "sum over the ellipsis", Einsum("...c->c", x), x.Sum(0, 1), 1e-12)
}
