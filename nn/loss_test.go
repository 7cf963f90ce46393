package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func TestTheFunctionsAreTheDefaults(t *testing.T) {
	r := tensor.NewRand(1)
	a, b := r.Normal(0, 1, 4, 3), r.Normal(0, 1, 4, 3)
	p, q := a.Sigmoid(), b.Sigmoid()
	classes := tensor.FromSlice([]int64{0, 2, -100, 1})
	classes4 := tensor.FromSlice([]int64{0, 2, 2, 1})
	pm := tensor.FromSlice([]float32{1, -1, 1, 1})
	x := r.Normal(0, 1, 4)
	for name, c := range map[string]struct {
		plain, with Loss
		x, target   *tensor.Tensor
	}{
		"CrossEntropy":   {CrossEntropy, CrossEntropyWith(), a, classes},
		"NLL":            {NLL, NLLWith(), a.LogSoftmax(1), classes},
		"MultiMargin":    {MultiMargin, MultiMarginWith(), a, classes4},
		"BCE":            {BCE, BCEWith(), p, q},
		"BCEWithLogits":  {BCEWithLogits, BCEWithLogitsWith(), a, q},
		"SoftMargin":     {SoftMargin, SoftMarginWith(), x, pm},
		"HingeEmbedding": {HingeEmbedding, HingeEmbeddingWith(), x, pm},
		"MSE":            {MSE, MSEWith(), a, b},
		"MAE":            {MAE, MAEWith(), a, b},
		"Huber":          {Huber, HuberWith(), a, b},
		"SmoothL1":       {SmoothL1, SmoothL1With(), a, b},
		"KLDiv":          {KLDiv, KLDivWith(), a.LogSoftmax(1), b.Softmax(1)},
		"GaussianKL":     {GaussianKL, GaussianKLWith(), a, b},
	} {
		y := c.plain(c.x, c.target)
		if y.NDim() != 0 || math.IsNaN(y.Item()) || y.Item() == 0 {
			t.Errorf("%s is %v", name, y.Float64s())
		}
		near(t, name, y, c.with(c.x, c.target), 0)
	}
	for name, c := range map[string]struct {
		plain, with Loss3
		target      *tensor.Tensor
	}{
		"CosineEmbedding":  {CosineEmbedding, CosineEmbeddingWith(), pm},
		"Contrastive":      {Contrastive, ContrastiveWith(), tensor.FromSlice([]int64{1, 0, 0, 1})},
		"TripletMargin":    {TripletMargin, TripletMarginWith(), a.Add(b)},
		"NegativeSampling": {NegativeSampling, NegativeSamplingWith(), r.Normal(0, 1, 4, 2, 3)},
		"MarginRanking":    {MarginRanking, MarginRankingWith(), tensor.Ones(4, 3)},
	} {
		near(t, name, c.plain(a, b, c.target), c.with(a, b, c.target), 0)
	}
}

func TestIgnoringClassZero(t *testing.T) {
	logits := tensor.NewRand(1).Normal(0, 1, 4, 3)
	classes := tensor.FromSlice([]int64{1, 0, 2, 0})
	kept := tensor.Concat(0, logits.Narrow(0, 0, 1), logits.Narrow(0, 2, 1))
	near(t, "mean", CrossEntropyWith(IgnoreIndex(0))(logits, classes), CrossEntropy(kept, tensor.FromSlice([]int64{1, 2})), 1e-6)
	near(t, "weighted", CrossEntropyWith(IgnoreIndex(0), Weight(tensor.Ones(3)), LabelSmoothing(0.1))(logits, classes),
		CrossEntropyWith(LabelSmoothing(0.1))(kept, tensor.FromSlice([]int64{1, 2})), 1e-6)
}

func TestDistancesOfOtherPowers(t *testing.T) {
	a, b, c := tensor.FromSlice([]float32{0, 0}, 1, 2), tensor.FromSlice([]float32{1, 2}, 1, 2), tensor.FromSlice([]float32{3, 1}, 1, 2)
	near(t, "1", TripletMarginWith(Power(1), Margin(2))(a, b, c), tensor.Scalar(1, tensor.Float32), 1e-5) // 3 - 4 + 2
	want := math.Cbrt(9) - math.Cbrt(28) + 2
	near(t, "3", TripletMarginWith(Power(3), Margin(2))(a, b, c), tensor.Scalar(want, tensor.Float32), 1e-5)
}

// Rounding may take a probability a little out of [0, 1]; NaN is for Fit to find.
func TestBCEOfRoundedProbabilities(t *testing.T) {
	p := tensor.FromSlice([]float32{-1e-7, 1 + 1.2e-7})
	near(t, "right", BCE(p, tensor.FromSlice([]float32{0, 1})), tensor.Scalar(0, tensor.Float32), 1e-6)
	near(t, "wrong", BCE(p, tensor.FromSlice([]float32{1, 0})), tensor.Scalar(100, tensor.Float32), 0)
	if y := BCE(tensor.FromSlice([]float64{math.NaN()}), tensor.FromSlice([]float64{1})).Item(); !math.IsNaN(y) {
		t.Errorf("NaN gives %v", y)
	}
}

// As PyTorch, which computes target*log(target).
func TestKLDivOfNegativeTargetsIsNaN(t *testing.T) {
	x := tensor.FromSlice([]float32{-1, -2})
	if y := KLDiv(x, tensor.FromSlice([]float32{1.5, -0.5})).Item(); !math.IsNaN(y) {
		t.Errorf("a negative target gives %v", y)
	}
	near(t, "zero", KLDiv(x, tensor.FromSlice([]float32{1, 0})), tensor.Scalar(0.5, tensor.Float32), 1e-6)
}

func TestWhereAllRowsAreIgnoredTheMeanIsNaNAndTheGradientZero(t *testing.T) {
	x := tensor.NewRand(1).Normal(0, 1, 2, 3).RequireGrad()
	for name, loss := range map[string]Loss{"CrossEntropy": CrossEntropy, "smoothed": CrossEntropyWith(LabelSmoothing(0.1)), "NLL": NLL} {
		y := loss(x, tensor.FromSlice([]int64{-100, -100}))
		if !math.IsNaN(y.Item()) {
			t.Errorf("%s: the mean is %v", name, y.Item())
		}
	}
	none := CrossEntropyWith(Reduce(ReduceSum))(x, tensor.FromSlice([]int64{-100, -100}))
	near(t, "sum", none, tensor.Scalar(0, tensor.Float32), 0)
	near(t, "gradient", tensor.Grad(none, []*tensor.Tensor{x})[0], tensor.Zeros(2, 3), 0)
}

func TestNegativeSamplingEqualsItsFormula(t *testing.T) {
	s := tensor.NewSampler(1)
	centre, beside, noise := s.Normal(3, 4), s.Normal(3, 4), s.Normal(3, 2, 4)
	dot := func(a, b *tensor.Tensor) float64 { return a.Mul(b).Sum().Item() }
	cost := func(x float64) float64 { return math.Log1p(math.Exp(-x)) } // -log(sigmoid(x))
	var want []float64
	for i := range 3 {
		c := centre.Select(0, i)
		v := cost(dot(c, beside.Select(0, i)))
		for k := range 2 {
			v += cost(-dot(c, noise.Select(0, i).Select(0, k)))
		}
		want = append(want, v)
	}
	losses := tensor.FromSlice(want)
	near(t, "losses", NegativeSamplingWith(Reduce(ReduceNone))(centre, beside, noise), losses, 1e-12)
	near(t, "mean", NegativeSampling(centre, beside, noise), losses.Mean(), 1e-12)
	near(t, "without noise", NegativeSampling(centre.Narrow(0, 0, 1), beside.Narrow(0, 0, 1), tensor.Full(0, tensor.Float64, 1, 0, 4)),
		tensor.FromSlice([]float64{cost(dot(centre.Select(0, 0), beside.Select(0, 0)))}).Sum(), 1e-12)
	in := []*tensor.Tensor{centre.RequireGrad(), beside.RequireGrad(), noise.RequireGrad()}
	if d, err := tensor.GradCheck(func(in []*tensor.Tensor) *tensor.Tensor { return NegativeSampling(in[0], in[1], in[2]) }, in); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

func TestEqualRowsHaveFiniteGradients(t *testing.T) {
	a, b := tensor.Ones(2, 3).RequireGrad(), tensor.Ones(2, 3)
	for name, y := range map[string]*tensor.Tensor{
		"Contrastive":     Contrastive(a, b, tensor.FromSlice([]float32{0, 1})),
		"TripletMargin":   TripletMargin(a, b, b),
		"CosineEmbedding": CosineEmbedding(a.MulScalar(0), b, tensor.FromSlice([]float32{-1, 1})),
	} {
		if g := tensor.Grad(y, []*tensor.Tensor{a})[0]; !g.IsFinite().All().Bools()[0] {
			t.Errorf("%s: gradient %v", name, g.Float64s())
		}
	}
}

func TestLossesOfTargetsThatDoNotFit(t *testing.T) {
	x, classes := tensor.Ones(3, 4), tensor.FromSlice([]int64{0, 4, 1})
	for name, c := range map[string]struct {
		run  func()
		want []string
	}{
		"class":          {func() { CrossEntropy(x, classes) }, []string{"class 4 in row 1", "0 to 3"}},
		"negative":       {func() { NLL(x, tensor.FromSlice([]int64{0, 0, -3})) }, []string{"class -3 in row 2", "nll"}},
		"no ignoring":    {func() { MultiMargin(x, tensor.FromSlice([]int64{0, 0, -100})) }, []string{"class -100 in row 2"}},
		"weighted":       {func() { CrossEntropyWith(Weight(tensor.Ones(4)))(x, classes) }, []string{"class 4 in row 1"}},
		"rows":           {func() { CrossEntropy(x, tensor.FromSlice([]int64{0})) }, []string{"cross_entropy", "(3, 4)", "(1,) int64"}},
		"positions":      {func() { CrossEntropy(tensor.Ones(2, 3, 4), tensor.FromSlice([]int64{0, 1}, 2, 1)) }, []string{"(2, 3, 4)", "(2, 1)"}},
		"probabilities":  {func() { CrossEntropy(x, tensor.Ones(3)) }, []string{"(3, 4)", "(3,)"}},
		"one axis":       {func() { CrossEntropy(tensor.Ones(3), tensor.Ones(3)) }, []string{"(N, C, ...)"}},
		"class weights":  {func() { NLLWith(Weight(tensor.Ones(3)))(x, tensor.FromSlice([]int64{0, 0, 0})) }, []string{"(4)", "(3,)"}},
		"mse":            {func() { MSE(tensor.Ones(3, 1), tensor.Ones(3)) }, []string{"mse", "(3, 1)", "(3,)"}},
		"gaussian kl":    {func() { GaussianKL(tensor.Ones(3, 1), tensor.Ones(3)) }, []string{"gaussian_kl", "(3, 1)", "(3,)"}},
		"bce":            {func() { BCE(tensor.Ones(3, 1), tensor.Ones(3)) }, []string{"bce", "(3, 1)", "(3,)"}},
		"bce weight":     {func() { BCEWith(Weight(tensor.Ones(3, 1)))(tensor.Ones(3), tensor.Ones(3)) }, []string{"bce", "(3,)", "(3, 1)"}},
		"positives":      {func() { BCEWithLogitsWith(PosWeight(tensor.Ones(3, 1)))(tensor.Ones(3), tensor.Ones(3)) }, []string{"bce_with_logits", "(3,)", "(3, 1)"}},
		"float classes":  {func() { NLL(x, tensor.Ones(3)) }, []string{"int64"}},
		"multi margin":   {func() { MultiMargin(tensor.Ones(1, 2, 3), classes) }, []string{"multi_margin", "(1, 2, 3)"}},
		"cosine":         {func() { CosineEmbedding(x, x, tensor.Ones(2)) }, []string{"cosine_embedding", "(3, 4)", "(2,)"}},
		"triplet":        {func() { TripletMargin(tensor.Ones(3), tensor.Ones(3), tensor.Ones(3)) }, []string{"triplet_margin", "(3,)"}},
		"margin ranking": {func() { MarginRanking(x, x, tensor.Ones(3)) }, []string{"margin_ranking", "(3, 4)", "(3,)"}},
		"noise":          {func() { NegativeSampling(x, x, tensor.Ones(4, 3, 4)) }, []string{"negative_sampling", "noise (N, K, D)", "(4, 3, 4)"}},
	} {
		e := shapeErrorOf(t, c.run)
		for _, want := range c.want {
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%s: %q does not have %q", name, e, want)
			}
		}
	}
	for name, c := range map[string]struct {
		run  func()
		want string
	}{
		"sign":       {func() { HingeEmbedding(tensor.Ones(2), tensor.FromSlice([]float32{1, 0})) }, "row 1 is 0"},
		"alike":      {func() { Contrastive(x, x, tensor.FromSlice([]float32{1, 0, -1})) }, "row 2 is -1"},
		"option":     {func() { MSEWith(Margin(1)) }, "Margin"},
		"batch mean": {func() { MSEWith(Reduce(ReduceBatchMean)) }, "KLDiv"},
		"smoothing":  {func() { CrossEntropyWith(LabelSmoothing(1)) }, "outside [0, 1)"},
		"power":      {func() { MultiMarginWith(Power(3)) }, "1 or 2"},
		"threshold":  {func() { HuberWith(Threshold(0)) }, "positive"},
		"logits":     {func() { BCE(tensor.FromSlice([]float32{0.5, -3}), tensor.Ones(2)) }, "element 1 of the probabilities is -3"},
		"above one":  {func() { BCE(tensor.FromSlice([]float32{1, 0, 2}), tensor.Ones(3)) }, "element 2 of the probabilities is 2"},
		"norm of 0":  {func() { TripletMarginWith(Power(0)) }, "above 0"},
		"max norm":   {func() { TripletMarginWith(Power(math.Inf(1))) }, "finite"},
		"ignored":    {func() { CrossEntropyWith(IgnoreIndex(1))(x, x) }, "class 1 is to be left out"},
	} {
		if e := useErrorOf(t, c.run); !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: %q does not have %q", name, e, c.want)
		}
	}
}
