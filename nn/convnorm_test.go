package nn

import (
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// trainedNorm is a normalisation with statistics and parameters that matter.
func trainedNorm(r *tensor.Rand, channels int) *BatchNorm2d {
	l := NewBatchNorm2d(channels, Eps(1e-3))
	l.Weight.CopyFrom(r.Normal(1, 0.5, channels))
	l.Bias.CopyFrom(r.Normal(0, 1, channels))
	l.RunningMean.CopyFrom(r.Normal(0, 1, channels))
	l.RunningVar.CopyFrom(r.Uniform(0.5, 2, channels))
	return l
}

// TestConvNormEqualsItsLayers compares the merged operation with the two layers:
// exactly in training, within rounding where the statistics are fixed.
func TestConvNormEqualsItsLayers(t *testing.T) {
	r := tensor.NewRand(1)
	conv, norm := NewConv2d(NewInit(1), 16, 32, 3, Padding(1)), trainedNorm(r, 32)
	x, shortcut := r.Normal(0, 1, 2, 16, 9, 8), r.Normal(0, 1, 2, 32, 9, 8)
	check := func(what string, context func() *Context, limit float64) {
		t.Helper()
		y := conv.Forward(context(), x)
		near(t, what, ConvNorm(context(), conv, norm, x), norm.Forward(context(), y), limit)
		near(t, what+", ReLU", ConvNormReLU(context(), conv, norm, x), norm.ForwardReLU(context(), y), limit)
		near(t, what+", shortcut", ConvNormAddReLU(context(), conv, norm, x, shortcut), norm.ForwardAddReLU(context(), y, shortcut), limit)
		near(t, what+", in a sequence", Sequential{conv, norm, ReLU{}}.Forward(context(), x), norm.ForwardReLU(context(), y), limit)
		near(t, what+", without ReLU", Sequential{conv, norm}.Forward(context(), x), norm.Forward(context(), y), limit)
	}
	check("evaluation", Evaluation, 0)
	check("inference", Inference, 2e-5)
	scope := tensor.NewInferenceScope()
	want := norm.ForwardReLU(Inference(), conv.Forward(Inference(), x))
	near(t, "inference in a scope", ConvNormReLU(Inference(), conv, norm, scope.View(x)), want, 2e-5)
	check("training", func() *Context { return Training(1) }, 0)
	// The training moved the running statistics, which were folded before.
	want = norm.ForwardReLU(Inference(), conv.Forward(Inference(), x))
	near(t, "inference after training", ConvNormReLU(Inference(), conv, norm, scope.View(x)), want, 2e-5)
	scope.Release()
}

// TestConvNormReportsBothLayers: a summary lists layers, merged or not.
func TestConvNormReportsBothLayers(t *testing.T) {
	m := Sequential{NewConv2d(NewInit(1), 3, 4, 3), NewBatchNorm2d(4), ReLU{}}
	rows := Summarize(m, tensor.NewRand(1).Normal(0, 1, 2, 3, 6, 6)).Rows
	if len(rows) < 2 || rows[0].Kind != "Conv2d" || rows[1].Kind != "BatchNorm2d" {
		t.Errorf("the summary has rows %+v, want a Conv2d and a BatchNorm2d first", rows)
	}
}
