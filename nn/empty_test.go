package nn

import (
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// TestBatchesOfNone takes no samples at all through layers in inference.
func TestBatchesOfNone(t *testing.T) {
	init := NewInit(1)
	vector, sequence, images := []int{0, 4}, []int{0, 4, 6}, []int{0, 4, 6, 6}
	for name, c := range map[string]struct {
		layer Module
		in    []int
		out   []int
	}{
		"linear":                  {NewLinear(init, 4, 3), vector, []int{0, 3}},
		"conv1d":                  {NewConv1d(init, 4, 3, 3), sequence, []int{0, 3, 4}},
		"conv2d":                  {NewConv2d(init, 4, 3, 3), images, []int{0, 3, 4, 4}},
		"conv transpose":          {NewConvTranspose2d(init, 4, 3, 3), images, []int{0, 3, 8, 8}},
		"batch norm of vectors":   {NewBatchNorm1d(4), vector, vector},
		"batch norm of sequences": {NewBatchNorm1d(4), sequence, sequence},
		"batch norm of images":    {NewBatchNorm2d(4), images, images},
		"layer norm":              {NewLayerNorm(4), vector, vector},
		"group norm":              {NewGroupNorm(2, 4), images, images},
		"max pooling":             {MaxPool2d{Kernel: 2}, images, []int{0, 4, 3, 3}},
		"flatten":                 {Flatten{}, images, []int{0, 144}},
	} {
		if y := c.layer.Forward(Inference(), tensor.Zeros(c.in...)); !slices.Equal(y.Shape(), c.out) {
			t.Errorf("%s of %v gives %v, want %v", name, c.in, y.Shape(), c.out)
		}
	}
}
