package tensor

import (
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
)

// TestGradientsOfComposites checks functions that are made of several
// operations: their gradient, and the gradient of the gradient's weighted sum.
func TestGradientsOfComposites(t *testing.T) {
	s := NewSampler(12)
	mask := s.Bools(3, 4)
	ids := FromSlice([]int64{2, 0, 2})
	for name, f := range map[string]func(x, y *Tensor) *Tensor{
		"var":               func(x, _ *Tensor) *Tensor { return x.Var(1, 0) },
		"std kept":          func(x, _ *Tensor) *Tensor { return x.StdKeep(0, 1) },
		"norm 1.5":          func(x, _ *Tensor) *Tensor { return x.Norm(1.5, 1) },
		"norm 2":            func(x, _ *Tensor) *Tensor { return x.NormKeep(2, 0) },
		"norm -inf":         func(x, _ *Tensor) *Tensor { return x.Norm(math.Inf(-1), 0) },
		"logsumexp":         func(x, _ *Tensor) *Tensor { return x.LogSumExp(1) },
		"normalize":         func(x, _ *Tensor) *Tensor { return x.Normalize(2, 1, 1e-12) },
		"cosine similarity": func(x, y *Tensor) *Tensor { return CosineSimilarity(x, y, 1, 1e-8) },
		"prelu":             func(x, y *Tensor) *Tensor { return x.PReLU(y.Select(0, 0)) },
		"prelu of one":      func(x, y *Tensor) *Tensor { return x.PReLU(y.Index(Int(0), Range(0, 1))) },
		"glu":               func(x, _ *Tensor) *Tensor { return x.GLU(-1) },
		"mish":              func(x, _ *Tensor) *Tensor { return x.Mish() },
		"selu":              func(x, _ *Tensor) *Tensor { return x.SELU() },
		"celu":              func(x, _ *Tensor) *Tensor { return x.CELU(1.3) },
		"log sigmoid":       func(x, _ *Tensor) *Tensor { return x.LogSigmoid() },
		"hard swish":        func(x, _ *Tensor) *Tensor { return x.HardSwish() },
		"softsign":          func(x, _ *Tensor) *Tensor { return x.Softsign() },
		"maxout":            func(x, _ *Tensor) *Tensor { return x.Maxout(2) },
		"masked select":     func(x, _ *Tensor) *Tensor { return x.MaskedSelect(mask) },
		"masked fill":       func(x, _ *Tensor) *Tensor { return x.MaskedFill(mask, 2) },
		"index add":         func(x, y *Tensor) *Tensor { return x.IndexAdd(0, ids, y) },
		"pad reflect":       func(x, _ *Tensor) *Tensor { return x.PadReflect([2]int{1, 2}, [2]int{0, 3}) },
		"pad replicate":     func(x, _ *Tensor) *Tensor { return x.PadReplicate([2]int{-1, 2}) },
		"pad and crop":      func(x, _ *Tensor) *Tensor { return x.Pad(1, [2]int{-1, 2}, [2]int{1, -1}) },
		"repeat":            func(x, _ *Tensor) *Tensor { return x.Repeat(2, 1, 3) },
		"repeat interleave": func(x, _ *Tensor) *Tensor { return x.RepeatInterleave(2, 0) },
		"roll":              func(x, _ *Tensor) *Tensor { return x.Roll(-3, 1) },
		"sort":              func(x, _ *Tensor) *Tensor { v, _ := x.Sort(1, true); return v },
		"topk":              func(x, _ *Tensor) *Tensor { v, _ := x.TopK(2, 0, false); return v },
		"median":            func(x, _ *Tensor) *Tensor { return x.Median(1) },
		"triangles":         func(x, y *Tensor) *Tensor { return x.Tril(-1).Add(y.Triu(1)) },
		"stack and split":   func(x, y *Tensor) *Tensor { return Stack(1, x, y).Split(2, 1, 3)[1] },
		"einsum":            func(x, y *Tensor) *Tensor { return Einsum("ij,kj->ki", x, y) },
		"einsum of traces":  func(x, y *Tensor) *Tensor { return Einsum("ii,jk->k", x.Narrow(1, 0, 3), y) },
		"meshgrid":          func(x, y *Tensor) *Tensor { g := MeshGrid(x.Select(0, 0), y.Select(1, 0)); return g[0].Mul(g[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			in := []*Tensor{s.Nonzero(3, 4).RequireGrad(), s.Nonzero(3, 4).RequireGrad()}
			first := func(in []*Tensor) *Tensor { return weighted(&Op{}, []*Tensor{f(in[0], in[1]).Square()}) }
			if _, err := GradCheck(first, in, 2e-7); err != nil {
				t.Error(err)
			}
			second := func(in []*Tensor) *Tensor { return weighted(&Op{}, Grad(first(in), in, CreateGraph)) }
			if second(in).RequiresGrad() {
				if _, err := GradCheck(second, in, 1e-6); err != nil {
					t.Error("second derivative:", err)
				}
			}
		})
	}
}

// TestThreadsDoNotChangeBitsOfLargeTensors works on tensors that are cut into
// many pieces, unlike the samples of the table.
func TestThreadsDoNotChangeBitsOfLargeTensors(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	s := NewSampler(4)
	x := s.Normal(300, 257).To(Float32)
	ids := s.Ints(300, 300, 257)
	rows := s.Ints(20, 300)
	for name, f := range map[string]func() *Tensor{
		"scatter_add":      func() *Tensor { return x.ScatterAdd(0, ids, x) },
		"scatter":          func() *Tensor { return x.Scatter(0, ids, x.Neg()) },
		"gather":           func() *Tensor { return x.Gather(0, ids) },
		"index_add":        func() *Tensor { return Zeros(20, 257).IndexAdd(0, rows, x) },
		"index_select":     func() *Tensor { return x.IndexSelect(0, rows) },
		"cumsum of rows":   func() *Tensor { return x.CumSum(1) },
		"cumsum of column": func() *Tensor { return x.CumSum(0) },
		"sum":              func() *Tensor { return x.Sum() },
		"sum of columns":   func() *Tensor { return x.Sum(0) },
		"sum of rows":      func() *Tensor { return x.T().Sum(0) },
		"std":              func() *Tensor { return x.Std(1, 0) },
		"logsumexp":        func() *Tensor { return x.LogSumExp() },
		"prod of rows":     func() *Tensor { return x.Prod(1) },
		"argmax":           func() *Tensor { return x.ArgMax(0) },
		"argsort":          func() *Tensor { return x.ArgSort(1, false) },
		"gelu":             func() *Tensor { return x.GELU() },
		"transposed add":   func() *Tensor { return x.Narrow(1, 0, 250).T().Add(x.Index(Range(0, 250), Int(0)).Unsqueeze(1)) },
		"einsum":           func() *Tensor { return Einsum("ij,ik->jk", x, x) },
		"any":              func() *Tensor { return x.GreaterScalar(3).Any(0) },
	} {
		par.SetThreads(1)
		one := f()
		par.SetThreads(5)
		if five := f(); !slices.Equal(bits(one), bits(five)) {
			t.Errorf("%s differs between one thread and five", name)
		}
	}
	// And the results are right: a sum over the scattered elements keeps the total.
	moved := Zeros(20, 257).IndexAdd(0, rows, x)
	wantClose(t, "the sum of what IndexAdd moved", moved.Sum(0), x.To(Float64).Sum(0), 1e-5)
	wantClose(t, "CumSum's last row", x.CumSum(0).Select(0, -1), x.To(Float64).Sum(0), 1e-5)
}

func TestNumbersAtTheEdge(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct{ got, want []float64 }{
		"logsumexp does not overflow":    {FromSlice([]float64{1000, 1000}).LogSumExp().Float64s(), []float64{1000 + math.Ln2}},
		"logsumexp of infinities":        {FromSlice([]float64{inf, 0, -inf, -inf}, 2, 2).LogSumExp(1).Float64s(), []float64{inf, -inf}},
		"log sigmoid does not underflow": {FromSlice([]float64{-1000}).LogSigmoid().Float64s(), []float64{-1000}},
		"softplus of a large number":     {FromSlice([]float64{1000, -1000}).Softplus().Float64s(), []float64{1000, 0}},
		"variance far from zero":         {FromSlice([]float64{1e9, 1e9 + 2}).Var(0).Float64s(), []float64{1}},
		"var with too few elements":      {FromSlice([]float64{3}).Var(1).Float64s(), []float64{math.NaN()}},
		"clamp keeps NaN":                {FromSlice([]float64{math.NaN(), inf, -inf}).Clamp(-1, 1).Float64s(), []float64{math.NaN(), 1, -1}},
		"clamp with crossed limits":      {FromSlice([]float64{0}).Clamp(2, 1).Float64s(), []float64{1}},
		"round halves to even":           {FromSlice([]float64{0.5, 1.5, 2.5, -0.5}).Round().Float64s(), []float64{0, 2, 2, 0}},
		"max of a float32 NaN":           {FromSlice([]float32{1, float32(math.NaN()), 2}).Max().Float64s(), []float64{math.NaN()}},
		"minimum with NaN":               {FromSlice([]float64{1}).Minimum(FromSlice([]float64{math.NaN()})).Float64s(), []float64{math.NaN()}},
		"isinf of both signs":            {FromSlice([]float64{inf, -inf, 1}).IsInf().Float64s(), []float64{1, 1, 0}},
		"half precision isnan":           {FromSlice([]float32{float32(math.NaN()), 1}).To(Float16).IsNaN().Float64s(), []float64{1, 0}},
		"norm 0 counts":                  {FromSlice([]float64{0, 3, 4}).Norm(0).Float64s(), []float64{2}},
		"half precision sums in float32": {Full(1, BFloat16, 1000).Sum().Float64s(), []float64{1000}},
		"remainder of floats, sign of b": {FromSlice([]float64{-1}).Remainder(Scalar(3, Float64)).Float64s(), []float64{2}},
		"softplus in half precision":     {Full(0, Float16, 1).Softplus().To(Float32).Float64s(), []float64{float64(ToF16(float32(math.Ln2)).Float32())}},
		"recurrence in half precision":   {apply(opRecurrence, nil, Full(1, BFloat16, 3), Full(2, BFloat16, 3)).Float64s(), []float64{1, 3, 7}},
		"averages in half precision":     {Full(2, BFloat16, 1, 1, 2, 2).AvgPool2d(2).Float64s(), []float64{2}},
		"scatter_add in half precision":  {Full(1, Float16, 2).ScatterAdd(0, FromSlice([]int64{1}), Full(3, Float16, 1)).Float64s(), []float64{1, 4}},
		"argmax in half precision":       {FromSlice([]float32{1, 3, 2}).To(BFloat16).ArgMax().Float64s(), []float64{1}},
	} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
			continue
		}
		for i, w := range c.want {
			if g := c.got[i]; g != w && !(math.IsNaN(g) && math.IsNaN(w)) && !(math.Abs(g-w) <= 1e-12*math.Abs(w)) {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
	}
}
