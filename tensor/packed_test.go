package tensor

import (
	"slices"
	"sync"
	"testing"
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
