package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// shapeErrorOf runs f, which must panic with a ShapeError.
func shapeErrorOf(t *testing.T, f func()) (e *tensor.ShapeError) {
	t.Helper()
	defer func() {
		t.Helper()
		var ok bool
		if e, ok = recover().(*tensor.ShapeError); !ok {
			t.Fatal("no ShapeError")
		}
	}()
	f()
	return nil
}

// useErrorOf runs f, which must panic with a UseError.
func useErrorOf(t *testing.T, f func()) (e *tensor.UseError) {
	t.Helper()
	defer func() {
		t.Helper()
		var ok bool
		if e, ok = recover().(*tensor.UseError); !ok {
			t.Fatal("no UseError")
		}
	}()
	f()
	return nil
}

// Every activation as a module against its formula, one value at a time.
func TestActivationsEqualTheirFormulas(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	elu := func(x, a float64) float64 {
		if x > 0 {
			return x
		}
		return a * math.Expm1(x)
	}
	leaky := func(x, s float64) float64 { return max(x, 0) + s*min(x, 0) }
	hard := func(x float64) float64 { return min(max(x/6+0.5, 0), 1) }
	for name, c := range map[string]struct {
		module Module
		f      func(x float64) float64
	}{
		"ReLU":          {ReLU{}, func(x float64) float64 { return max(x, 0) }},
		"Sigmoid":       {Sigmoid{}, sigmoid},
		"Tanh":          {Tanh{}, math.Tanh},
		"LeakyReLU":     {LeakyReLU{}, func(x float64) float64 { return leaky(x, 0.01) }},
		"LeakyReLU 0.2": {LeakyReLU{0.2}, func(x float64) float64 { return leaky(x, 0.2) }},
		"PReLU":         {NewPReLU(1), func(x float64) float64 { return leaky(x, 0.25) }},
		"ELU":           {ELU{}, func(x float64) float64 { return elu(x, 1) }},
		"ELU 0.5":       {ELU{0.5}, func(x float64) float64 { return elu(x, 0.5) }},
		"SELU":          {SELU{}, func(x float64) float64 { return 1.0507009873554805 * elu(x, 1.6732632423543772) }},
		"GELU":          {GELU{}, func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }},
		"GELU tanh": {GELU{Tanh: true}, func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}},
		"SiLU":        {SiLU{}, func(x float64) float64 { return x * sigmoid(x) }},
		"Softplus":    {Softplus{}, func(x float64) float64 { return math.Log1p(math.Exp(x)) }},
		"HardSigmoid": {HardSigmoid{}, hard},
		"HardSwish":   {HardSwish{}, func(x float64) float64 { return x * hard(x) }},
		"HardTanh":    {HardTanh{}, func(x float64) float64 { return min(max(x, -1), 1) }},
		"HardTanh 6":  {HardTanh{0, 6}, func(x float64) float64 { return min(max(x, 0), 6) }},
		"Identity":    {Identity{}, func(x float64) float64 { return x }},
		"Func":        {Func(func(c *Context, x *tensor.Tensor) *tensor.Tensor { return x.Neg() }), func(x float64) float64 { return -x }},
	} {
		x := tensor.Linspace(-7, 7, 30).Reshape(5, 6)
		want := x.Float64s()
		for i, v := range want {
			want[i] = c.f(v)
		}
		near(t, name, c.module.Forward(Inference(), x), tensor.FromSlice(want, 5, 6), 3e-6)
	}
}

func TestSoftmaxIsOverTheLastAxisUnlessNamed(t *testing.T) {
	x := tensor.NewRand(1).Normal(0, 1, 2, 3, 4)
	near(t, "Softmax", Softmax{}.Forward(Inference(), x).Sum(2), tensor.Ones(2, 3), 1e-6)
	near(t, "Softmax 1", Softmax{Axis: 1}.Forward(Inference(), x).Sum(1), tensor.Ones(2, 4), 1e-6)
	near(t, "LogSoftmax", LogSoftmax{}.Forward(Inference(), x).Exp(), Softmax{Axis: -1}.Forward(Inference(), x), 1e-6)
}

func TestMaxoutTakesTheLargestPiece(t *testing.T) {
	x := tensor.FromSlice([]float32{1, 5, 4, 2}, 1, 4)
	near(t, "Maxout", Maxout{2}.Forward(Inference(), x), tensor.FromSlice([]float32{5, 4}, 1, 2), 0)
}

func TestPoolingModules(t *testing.T) {
	x := tensor.Arange(0, 16, 1, tensor.Float32).Reshape(1, 1, 4, 4)
	line := tensor.FromSlice([]float32{3, 1, 2, 8}, 1, 1, 4)
	four := func(v ...float32) *tensor.Tensor { return tensor.FromSlice(v, 1, 1, 2, 2) }
	two := func(v ...float32) *tensor.Tensor { return tensor.FromSlice(v, 1, 1, 2) }
	for name, c := range map[string]struct {
		module  Module
		x, want *tensor.Tensor
	}{
		"MaxPool2d": {MaxPool2d{Kernel: 2}, x, four(5, 7, 13, 15)},
		"MaxPool2d stride 1": {MaxPool2d{Kernel: 3, Options: tensor.PoolOptions{Stride: [2]int{1, 1}}}, x,
			four(10, 11, 14, 15)},
		"AvgPool2d":         {AvgPool2d{Kernel: 2}, x, four(2.5, 4.5, 10.5, 12.5)},
		"AdaptiveAvgPool2d": {AdaptiveAvgPool2d{2, 2}, x, four(2.5, 4.5, 10.5, 12.5)},
		"AdaptiveMaxPool2d": {AdaptiveMaxPool2d{2, 2}, x, four(5, 7, 13, 15)},
		"MaxPool1d":         {MaxPool1d{Kernel: 2}, line, two(3, 8)},
		"AvgPool1d":         {AvgPool1d{Kernel: 2}, line, two(2, 5)},
		"AdaptiveAvgPool1d": {AdaptiveAvgPool1d{2}, line, two(2, 5)},
		"AdaptiveMaxPool1d": {AdaptiveMaxPool1d{2}, line, two(3, 8)},
		"GlobalAvgPool":     {GlobalAvgPool{}, x, tensor.FromSlice([]float32{7.5}, 1, 1)},
		"Upsample": {Upsample{Scale: 2}, four(1, 2, 3, 4),
			tensor.FromSlice([]float32{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}, 1, 1, 4, 4)},
		"Upsample bilinear, aligned": {Upsample{2, true, true}, tensor.FromSlice([]float32{0, 3, 0, 3}, 1, 1, 2, 2),
			tensor.FromSlice([]float32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}, 1, 1, 4, 4)},
	} {
		near(t, name, c.module.Forward(Inference(), c.x), c.want, 1e-6)
	}
	if e := shapeErrorOf(t, func() { GlobalAvgPool{}.Forward(Inference(), tensor.Ones(2, 3)) }); e.Op != "global_avg_pool" {
		t.Error(e)
	}
	if e := shapeErrorOf(t, func() { Upsample{Scale: 2}.Forward(Inference(), tensor.Ones(2, 3)) }); e.Op != "upsample" {
		t.Error(e)
	}
}

func TestDropoutKeepsTheMeanAndOnlyWorksInTraining(t *testing.T) {
	x := tensor.Ones(100, 100)
	y := Dropout{0.3}.Forward(Training(1), x)
	zeros := 0
	for _, v := range y.Float64s() {
		if v == 0 {
			zeros++
		} else if math.Abs(v-1/0.7) > 1e-6 {
			t.Fatalf("an element that stays is %v", v)
		}
	}
	if share := float64(zeros) / 1e4; math.Abs(share-0.3) > 0.02 {
		t.Errorf("%v of the elements are zero", share)
	}
	near(t, "same seed", Dropout{0.3}.Forward(Training(1), x), y, 0)
	if Dropout.Forward(Dropout{0.3}, Inference(), x) != x || (Dropout2d{0.3}).Forward(Evaluation(), x) != x {
		t.Error("dropout works in inference")
	}
}

func TestDropout2dDropsWholeChannels(t *testing.T) {
	x := tensor.Ones(40, 50, 3, 2)
	y := Dropout2d{0.5}.Forward(Training(3), x)
	sums := y.Sum(2, 3).Float64s()
	dropped := 0
	for _, v := range sums {
		switch v {
		case 0:
			dropped++
		case 12: // 6 pixels, twice as large
		default:
			t.Fatalf("a channel has the sum %v", v)
		}
	}
	if share := float64(dropped) / 2000; math.Abs(share-0.5) > 0.05 {
		t.Errorf("%v of the channels are zero", share)
	}
	if e := shapeErrorOf(t, func() { Dropout2d{0.5}.Forward(Training(1), tensor.Ones(2, 3)) }); e.Op != "dropout2d" {
		t.Error(e)
	}
}

func TestEmbeddingPaddingStartsAtZeroAndIsNotLearned(t *testing.T) {
	l := NewEmbedding(NewInit(1), 4, 3, PaddingIndex(2))
	ids := tensor.FromSlice([]int64{2, 1}, 2)
	y := l.Forward(Training(1), ids)
	near(t, "row", y.Select(0, 0), tensor.Zeros(3), 0)
	y.Sum().Backward()
	near(t, "gradient", l.Weight.Grad().Sum(1), tensor.FromSlice([]float32{0, 3, 0, 0}), 0)
	if e := useErrorOf(t, func() { NewEmbedding(NewInit(1), 4, 3, PaddingIndex(4)) }); !strings.Contains(e.Error(), "4 is not one of the 4 rows") {
		t.Error(e)
	}
	if e := shapeErrorOf(t, func() { l.Forward(Training(1), tensor.FromSlice([]int64{4}, 1)) }); !strings.Contains(e.Error(), "id 4") {
		t.Error(e)
	}
}

func TestEmbeddingBagOfOneSizeIsARunOverItsRows(t *testing.T) {
	for _, mode := range []tensor.BagMode{tensor.BagSum, tensor.BagMean, tensor.BagMax} {
		l := NewEmbeddingBag(NewInit(1), 5, 3, mode, PaddingIndex(0))
		ids := tensor.FromSlice([]int64{1, 4, 0, 2, 2, 3, 0, 0, 0}, 3, 3)
		y := l.Forward(Training(1), ids)
		near(t, string(mode), y, l.Run(Training(1), ids.Reshape(9), tensor.FromSlice([]int64{0, 3, 6})), 0)
		near(t, string(mode)+" of padding", y.Select(0, 2), tensor.Zeros(3), 0)
		if g := tensor.Grad(y.Sum(), []*tensor.Tensor{l.Weight})[0]; g.Select(0, 0).Abs().Sum().Item() != 0 || g.Select(0, 1).Abs().Sum().Item() == 0 {
			t.Errorf("%s: the gradient is %v", mode, g.Float64s())
		}
		near(t, string(mode)+" of no ids", l.Forward(Training(1), ids.Narrow(1, 0, 0)), tensor.Zeros(3, 3), 0)
	}
	if e := useErrorOf(t, func() { NewEmbeddingBag(NewInit(1), 5, 3, "median") }); !strings.Contains(e.Error(), `no mode "median"`) {
		t.Error(e)
	}
	if e := useErrorOf(t, func() { NewEmbeddingBag(NewInit(1), 5, 3, tensor.BagSum, NoBias()) }); e.Op != "nn.NewEmbeddingBag" {
		t.Error(e)
	}
	if e := shapeErrorOf(t, func() {
		NewEmbeddingBag(NewInit(1), 5, 3, tensor.BagSum).Forward(Training(1), tensor.FromSlice([]int64{1}))
	}); e.Op != "embedding_bag" {
		t.Error(e)
	}
}

func TestEmbeddingBagWithFactors(t *testing.T) {
	l := NewEmbeddingBag(NewInit(1), 5, 3, tensor.BagSum, PaddingIndex(3))
	To(l, tensor.Float64)
	ids, offsets := tensor.FromSlice([]int64{2, 0, 2, 3, 1, 3}), tensor.FromSlice([]int64{0, 3, 3, 5}) // the second bag is empty
	factors := tensor.FromSlice([]float64{2, -1, 0.5, 4, 3, 5}).RequireGrad()
	row := func(i int) *tensor.Tensor { return l.Weight.Select(0, i) }
	want := tensor.Stack(0, row(2).MulScalar(2.5).Sub(row(0)), row(0).MulScalar(0), row(1).MulScalar(3), row(0).MulScalar(0))
	run := func() *tensor.Tensor { return l.RunWeighted(Training(1), ids, offsets, factors) }
	near(t, "factors", run(), want, 1e-12)
	near(t, "factors of one", l.RunWeighted(Training(1), ids, offsets, tensor.Full(1, tensor.Float64, 6)), l.Run(Training(1), ids, offsets), 0)
	gy := tensor.NewSampler(2).Normal(4, 3)
	got := tensor.GradWith(run(), gy, []*tensor.Tensor{l.Weight})[0]
	near(t, "gradient of the table", got, tensor.GradWith(want, gy, []*tensor.Tensor{l.Weight})[0], 1e-12)
	g := tensor.GradWith(run(), gy, []*tensor.Tensor{factors})[0]
	near(t, "gradient of a factor", g.Select(0, 1), row(0).Mul(gy.Select(0, 0)).Sum(), 1e-12)
	near(t, "gradient of padding", g.Select(0, 3), tensor.Scalar(0, tensor.Float64), 0)

	l.Mode = tensor.BagMean
	if e := useErrorOf(t, func() { run() }); !strings.Contains(e.Error(), "a mean takes no factors") {
		t.Error(e)
	}
	l.Mode = tensor.BagSum
	if e := shapeErrorOf(t, func() { l.RunWeighted(Training(1), ids, offsets, tensor.Ones(5)) }); !strings.Contains(e.Error(), "a factor for each") {
		t.Error(e)
	}
}

func TestNormalisationsRefuseOtherShapes(t *testing.T) {
	c := Training(1)
	for want, f := range map[string]func(){
		"needs (N, 8, ...)":            func() { NewGroupNorm(1, 8).Forward(c, tensor.Ones(2, 1, 3)) },
		"8 channels":                   func() { NewGroupNorm(3, 8) },
		"into 0 groups":                func() { NewGroupNorm(0, 8) },
		"must have the same shape":     func() { NewLayerNorm(4).AddForward(c, tensor.Ones(2, 3, 4), tensor.Ones(3, 2, 4)) },
		"the last axes must be (2, 4)": func() { NewLayerNormOver([]int{2, 4}).Forward(c, tensor.Ones(2, 3, 4)) },
		"the last axes must be (5,)":   func() { NewRMSNorm([]int{5}, NoAffine()).Forward(c, tensor.Ones(2, 3, 4)) },
	} {
		if e := shapeErrorOf(t, f); !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e, want)
		}
	}
	x := tensor.NewRand(1).Normal(3, 2, 2, 4, 5)
	plain := NewGroupNorm(2, 4, NoAffine())
	if n := len(Parameters(plain)); n != 0 {
		t.Errorf("%d parameters, want none", n)
	}
	near(t, "without scale and shift", plain.Forward(c, x), NewGroupNorm(2, 4).Forward(c, x), 0)
}

func TestConvTranspose1dIsTheTransposeOfConv1d(t *testing.T) {
	r := tensor.NewRand(1)
	up := NewConvTranspose1d(NewInit(1), 3, 2, 4, Stride(2), Padding(1), NoBias())
	down := &Conv1d{Weight: up.Weight, Options: up.Options}
	x, y := r.Normal(0, 1, 2, 3, 5), r.Normal(0, 1, 2, 2, 10)
	a := up.Forward(Inference(), x).Mul(y).Sum().Item()
	b := down.Forward(Inference(), y).Mul(x).Sum().Item()
	if math.Abs(a-b) > 1e-4 {
		t.Errorf("<up(x), y> is %v, <x, down(y)> %v", a, b)
	}
}

func TestSequentialFusedEqualsUnfused(t *testing.T) {
	init := NewInit(3)
	norm := NewBatchNorm2d(4)
	norm.RunningMean.Fill(0.1)
	for name, c := range map[string]struct {
		layers Sequential
		shape  []int
	}{
		"linear":  {Sequential{NewLinear(init, 6, 5), ReLU{}, NewLinear(init, 5, 4), ReLU{}}, []int{3, 6}},
		"conv2d":  {Sequential{NewConv2d(init, 2, 4, 3), ReLU{}, norm, ReLU{}}, []int{2, 2, 6, 5}},
		"norm 1d": {Sequential{NewLinear(init, 6, 4), NewBatchNorm1d(4), ReLU{}}, []int{5, 6}},
		"last":    {Sequential{ReLU{}, NewLinear(init, 6, 4)}, []int{5, 6}},
	} {
		for mode, make := range map[string]func() *Context{"training": func() *Context { return Training(1) }, "evaluation": Evaluation} {
			x := tensor.NewRand(9).Normal(0, 1, c.shape...)
			fused := c.layers.Forward(make(), x)
			plain := x
			for _, l := range c.layers {
				plain = l.Forward(make(), plain)
			}
			near(t, name+" in "+mode, fused, plain, 1e-5)
			params := Parameters(c.layers)
			weight := tensor.NewRand(4).Normal(0, 1, fused.Shape()...)
			a, b := tensor.Grad(fused.Mul(weight).Sum(), params), tensor.Grad(plain.Mul(weight).Sum(), params)
			for i, p := range params {
				near(t, name+" gradient of "+p.Name()+" in "+mode, a[i], b[i], 2e-4)
			}
		}
	}
}

func TestInferenceRecordsNothing(t *testing.T) {
	m := newConvNet(NewInit(1))
	if m.Features.Forward(Inference(), tensor.Ones(1, 4, 28, 28)).RequiresGrad() {
		t.Error("inference is recorded")
	}
	if !m.Features.Forward(Evaluation(), tensor.Ones(1, 4, 28, 28)).RequiresGrad() {
		t.Error("evaluation is not recorded")
	}
}

func TestResidualAddsItsShortcut(t *testing.T) {
	x := tensor.Ones(2, 3)
	double := Func(func(c *Context, x *tensor.Tensor) *tensor.Tensor { return x.MulScalar(2) })
	near(t, "identity", Residual{Body: double}.Forward(Inference(), x), tensor.Full(3, tensor.Float32, 2, 3), 0)
	near(t, "shortcut", Residual{double, double}.Forward(Inference(), x), tensor.Full(4, tensor.Float32, 2, 3), 0)
}

type nested struct {
	Stem struct{ Conv1 *Conv2d }
	Head []*Linear
	Body *Sequential
}

func TestShapeErrorsNameOpPathAndBothShapes(t *testing.T) {
	init := NewInit(1)
	m := &nested{Head: []*Linear{NewLinear(init, 4, 3)}, Body: &Sequential{NewLinear(init, 4, 4), Sequential{Maxout{3}, NewLinear(init, 4, 4)}, NewBatchNorm2d(3)}}
	m.Stem.Conv1 = NewConv2d(init, 3, 8, 5)
	Parameters(m)
	c := Inference()
	for name, f := range map[string]struct {
		run  func()
		op   string
		path string
		want []string
	}{
		"conv2d":        {func() { m.Stem.Conv1.Forward(c, tensor.Ones(2, 1, 28, 28)) }, "conv2d", "stem.conv1", []string{"(2, 1, 28, 28)", "(8, 3, 5, 5)"}},
		"linear":        {func() { m.Head[0].Forward(c, tensor.Ones(2, 5)) }, "linear", "head.0", []string{"(2, 5)", "(3, 4)"}},
		"batch norm":    {func() { (*m.Body)[2].Forward(c, tensor.Ones(2, 5)) }, "batch_norm", "body.2", []string{"(2, 5)", "(3,)"}},
		"batch norm 1d": {func() { NewBatchNorm1d(3).Forward(c, tensor.Ones(2, 5)) }, "batch_norm", "", []string{"(2, 5)", "(N, 3, L)"}},
		"no parameters": {func() { m.Body.Forward(c, tensor.Ones(2, 4)) }, "maxout", "body.1.0", []string{"(2, 4)"}},
		"groups":        {func() { NewConv1d(init, 3, 4, 3, Groups(2)) }, "nn.NewConv1d", "", []string{"3 input", "2 groups"}},
		"unnamed":       {func() { Sequential{Identity{}, MaxPool2d{Kernel: 2}}.Forward(c, tensor.Ones(2, 4)) }, "max_pool2d", "1", []string{"(2, 4)"}},
	} {
		e := shapeErrorOf(t, f.run)
		if e.Op != f.op || e.Path != f.path {
			t.Errorf("%s: op %q in %q, want %q in %q", name, e.Op, e.Path, f.op, f.path)
		}
		for _, want := range f.want {
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%s: %q does not have %s", name, e, want)
			}
		}
	}
	// A panic of any other kind passes through unchanged.
	useErrorOf(t, func() { Sequential{Dropout{2}}.Forward(Training(1), tensor.Ones(1)) })
}

func TestOptionsOutOfRangePanic(t *testing.T) {
	for want, f := range map[string]func(){
		"nn.Stride: it is 0":         func() { Stride(0) },
		"nn.Padding: it is -1":       func() { Padding(-1) },
		"nn.Dilation: it is 0":       func() { Dilation(0) },
		"nn.OutputPadding: it is -1": func() { OutputPadding(-1) },
		"nn.PaddingIndex: it is -1":  func() { PaddingIndex(-1) },
		"nn.Eps: it is -1":           func() { Eps(-1) },
		"nn.Eps: it is NaN":          func() { Eps(math.NaN()) },
		"a batch is 1.5":             func() { Momentum(1.5) },
	} {
		if e := useErrorOf(t, f); !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e, want)
		}
	}
}

func TestLayersWithoutElementsPanic(t *testing.T) {
	init := NewInit(1)
	for name, f := range map[string]func(){
		"Linear":             func() { NewLinear(init, 0, 3) },
		"Conv2d":             func() { NewConv2d(init, 2, 3, 0) },
		"ConvTranspose1d":    func() { NewConvTranspose1d(init, 2, 0, 3) },
		"MultiheadAttention": func() { NewMultiheadAttention(init, 0, 1) },
	} {
		if e := shapeErrorOf(t, f); e.Op != "nn.New"+name || !strings.Contains(e.Error(), "at least 1") {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestOptionsThatMeanNothingPanic(t *testing.T) {
	init := NewInit(1)
	for name, f := range map[string]func(){
		"Linear":      func() { NewLinear(init, 2, 2, Stride(2)) },
		"BatchNorm1d": func() { NewBatchNorm1d(2, NoBias()) },
		"LayerNorm":   func() { NewLayerNorm(2, Momentum(0.5)) },
		"Embedding":   func() { NewEmbedding(init, 2, 2, NoBias()) },
	} {
		if e := useErrorOf(t, f); e.Op != "nn.New"+name {
			t.Errorf("%s: %v", name, e)
		}
	}
}
