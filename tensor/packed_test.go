package tensor

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/par"
)

// TestInferenceFollowsTheWeights runs the same convolution in inference, where
// packed weights are kept, and in training, where they are not, while the
// weights change and are used with other images.
func TestInferenceFollowsTheWeights(t *testing.T) {
	r := NewRand(1)
	w, b := r.Normal(0, 1, 20, 5, 3, 3).RequireGrad(), r.Normal(0, 1, 20).RequireGrad()
	infer := func(x *Tensor, o ConvOptions) []float32 {
		scope := NewInferenceScope()
		defer scope.Release()
		return slices.Clone(Data[float32](Conv2d(scope.View(x), w.Detach(), b.Detach(), o).Contiguous()))
	}
	check := func(what string, x *Tensor, o ConvOptions) {
		t.Helper()
		if want := Data[float32](Conv2d(x, w, b, o).Contiguous()); !slices.Equal(infer(x, o), want) {
			t.Errorf("%s: inference and training differ", what)
		}
	}
	small, large := r.Normal(0, 1, 1, 5, 7, 6), r.Normal(0, 1, 3, 5, 21, 17)
	check("the first time", small, ConvOptions{})
	check("again", small, ConvOptions{})
	check("another image", large, ConvOptions{Stride: [2]int{2, 1}, Padding: [2]int{1, 2}})
	MutableData[float32](w)[17] += 3
	check("changed weights", small, ConvOptions{})
	w.CopyFrom(r.Normal(0, 1, 20, 5, 3, 3))
	check("loaded weights", large, ConvOptions{Dilation: [2]int{2, 2}})

	want := infer(large, ConvOptions{})
	MutableData[float32](w)[0]++ // so that all goroutines find the packed weights stale
	MutableData[float32](w)[0]--
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if !slices.Equal(infer(large, ConvOptions{}), want) {
				t.Error("goroutines that share weights differ")
			}
		})
	}
	group.Wait()
}

// TestInferenceFollowsTheNorm runs a convolution with a normalisation folded into
// kept weights, and the two apart, while each tensor that was folded changes.
func TestInferenceFollowsTheNorm(t *testing.T) {
	for _, isa := range cpu.Supported() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			r := NewRand(2)
			w, b := r.Normal(0, 1, 48, 16, 3, 3), r.Normal(0, 1, 48)
			norm := FixedNorm{Mean: r.Normal(0, 1, 48), Var: r.Uniform(0.5, 2, 48), Gamma: r.Normal(1, 0.3, 48), Beta: r.Normal(0, 1, 48), Eps: 1e-3}
			o := ConvOptions{Padding: [2]int{1, 1}}
			// One image is large enough for Winograd's method, the other is not.
			images := []*Tensor{r.Normal(0, 1, 1, 16, 9, 8), r.Normal(0, 1, 2, 16, 3, 5)}
			check := func(what string, bias *Tensor) {
				t.Helper()
				for _, x := range images {
					plain := Conv2d(x, w, bias, o)
					shortcut := r.Normal(0, 1, plain.shape...)
					scale, shift := norm.ScaleShift()
					scope := NewInferenceScope()
					wantClose(t, what, Conv2dNorm(scope.View(x), w, bias, o, norm), ScaleShift(plain, scale, shift), 1e-5)
					wantClose(t, what+", ReLU", Conv2dNormReLU(scope.View(x), w, bias, o, norm), ScaleShiftReLU(plain, scale, shift), 1e-5)
					wantClose(t, what+", shortcut", Conv2dNormAddReLU(scope.View(x), shortcut, w, bias, o, norm),
						ScaleShiftAddReLU(plain, shortcut, scale, shift), 1e-5)
					scope.Release()
				}
			}
			check("the first time", b)
			check("again", b)
			check("without a bias", nil)
			for i, x := range []*Tensor{w, b, norm.Mean, norm.Var, norm.Gamma, norm.Beta} {
				for j, v := range Data[float32](x.Contiguous()) {
					MutableData[float32](x)[j] = 1.5*v + 0.1
				}
				check(fmt.Sprintf("operand %d changed", i), b)
			}
			norm.Eps = 0.5
			check("another epsilon", b)
			norm.Gamma, norm.Beta = nil, nil
			check("without scale and shift", b)
		})
	}
}

// TestFoldedNormDoesNotDependOnThreads compares the bits of folded convolutions of
// one image.
func TestFoldedNormDoesNotDependOnThreads(t *testing.T) {
	defer par.SetThreads(par.Threads())
	r := NewRand(3)
	for _, side := range []int{5, 7, 14, 57} {
		x, w := r.Normal(0, 1, 1, 32, side, side), r.Normal(0, 1, 64, 32, 3, 3)
		norm := FixedNorm{Mean: r.Normal(0, 1, 64), Var: r.Uniform(0.5, 2, 64), Eps: 1e-3}
		run := func(threads int) []float32 {
			par.SetThreads(threads)
			scope := NewInferenceScope()
			defer scope.Release()
			return slices.Clone(Data[float32](Conv2dNormReLU(scope.View(x), w, nil, ConvOptions{Padding: [2]int{1, 1}}, norm)))
		}
		one := run(1)
		for _, threads := range []int{2, 5} {
			if !slices.Equal(run(threads), one) {
				t.Errorf("%d pixels a side: 1 and %d threads differ", side, threads)
			}
		}
	}
}

// TestNormWithAGradientIsRecorded: folded weights must not take the gradient away.
func TestNormWithAGradientIsRecorded(t *testing.T) {
	r := NewRand(4)
	x, w := r.Normal(0, 1, 2, 3, 5, 4).To(Float64), r.Normal(0, 1, 4, 3, 3, 3).To(Float64).RequireGrad()
	norm := FixedNorm{Mean: r.Normal(0, 1, 4).To(Float64), Var: r.Uniform(0.5, 2, 4).To(Float64), Gamma: r.Normal(0, 1, 4).To(Float64).RequireGrad(), Eps: 1e-3}
	if _, err := GradCheck(func(in []*Tensor) *Tensor {
		n := norm
		n.Gamma = in[1]
		return Conv2dNormReLU(x, in[0], nil, ConvOptions{}, n).Square().Sum()
	}, []*Tensor{w, norm.Gamma}, GradCheckLimit); err != nil {
		t.Error(err)
	}
}
