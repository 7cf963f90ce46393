package tensor

import (
	"fmt"
	"slices"
	"testing"
)

// layouts are copies of a tensor that lie differently in memory.
var layouts = map[string]func(t *Tensor) *Tensor{
	"axes reversed": func(t *Tensor) *Tensor {
		last := len(t.shape) - 1
		return t.Transpose(0, last).Contiguous().Transpose(0, last)
	},
	"with gaps": func(t *Tensor) *Tensor {
		wide := t.RepeatInterleave(2, -1)
		return wide.Slice(-1, 0, wide.Dim(-1), 2)
	},
	"in the middle of a larger one": func(t *Tensor) *Tensor {
		return Concat(0, t, t, t).Narrow(0, t.shape[0], t.shape[0])
	},
}

// wantsLayout are the operations whose kernels read one layout, which the
// functions that apply them establish; TestFunctionsTakeAnyLayout tests those.
// Dropout draws its mask in the order of the memory, so that layouts differ.
var wantsLayout = []string{
	"reshape", "linear", "conv2d", "conv2d_norm", "conv2d_input_grad", "conv2d_weight_grad",
	"max_pool2d", "max_pool2d_grad", "max_pool2d_pick", "avg_pool2d", "avg_pool2d_grad",
	"adaptive_avg_pool2d", "adaptive_avg_pool2d_grad", "adaptive_max_pool2d", "adaptive_max_pool2d_grad", "adaptive_max_pool2d_pick",
	"upsample_nearest", "upsample_nearest_grad", "upsample_bilinear", "upsample_bilinear_grad",
	"softmax", "softmax_grad", "log_softmax", "log_softmax_grad", "softmax_cross_entropy", "softmax_cross_entropy_grad",
	"dropout", "batch_norm", "batch_norm_grad", "scale_shift", "layer_norm", "layer_norm_grad", "add_layer_norm", "add_layer_norm_grad", "rms_norm", "rms_norm_grad", "embedding", "embedding_grad",
}

func TestOperationsTakeAnyLayout(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if slices.Contains(wantsLayout, op.Name) {
			return
		}
		want := applyAll(op, s.Attr, s.In...)
		for name, lay := range layouts {
			in := slices.Clone(s.In)
			for i, x := range in {
				if x != nil && len(x.shape) > 0 && x.Len() > 0 {
					in[i] = lay(x)
				}
			}
			for i, y := range applyAll(op, s.Attr, in...) {
				wantClose(t, fmt.Sprintf("%s: output %d", name, i), y, want[i], 1e-12)
			}
		}
	})
}

// TestOperationsTakeRepeatedElements gives operands whose first axis is one
// element that is repeated, and gradients that repeat one number.
func TestOperationsTakeRepeatedElements(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if slices.Contains(wantsLayout, op.Name) {
			return
		}
		run := func(lay func(x *Tensor) *Tensor) (outs, grads []*Tensor) {
			in := slices.Clone(s.In)
			var leaves []*Tensor
			for i, x := range in {
				if x == nil || len(x.shape) == 0 || x.Len() == 0 {
					continue
				}
				in[i] = lay(x.Narrow(0, 0, 1).Expand(x.shape...)).Detach()
				if x.dtype.IsFloat() {
					leaves = append(leaves, in[i].RequireGrad())
				}
			}
			outs = applyAll(op, s.Attr, in...)
			if y := outs[0]; y.RequiresGrad() {
				gy := lay(Full(0.7, y.dtype).Expand(y.shape...))
				grads = GradWith(y, gy, leaves)
			}
			return outs, grads
		}
		wantOuts, wantGrads := run((*Tensor).Contiguous)
		outs, grads := run(func(x *Tensor) *Tensor { return x })
		for i, y := range outs {
			wantClose(t, fmt.Sprintf("output %d", i), y, wantOuts[i], 1e-12)
		}
		for i, g := range grads {
			wantClose(t, fmt.Sprintf("gradient %d", i), g, wantGrads[i], 1e-12)
		}
	})
}

func TestNamesOfLayoutOperationsExist(t *testing.T) {
	for _, name := range wantsLayout {
		if !slices.ContainsFunc(Ops(), func(op *Op) bool { return op.Name == name }) {
			t.Errorf("there is no operation %s", name)
		}
	}
}

func TestFunctionsTakeAnyLayout(t *testing.T) {
	s := NewSampler(5)
	img, seq, matrix := s.Normal(2, 4, 5, 6), s.Normal(2, 4, 7), s.Normal(3, 4)
	pooled := []PoolOptions{{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}}}
	ids := FromSlice([]int64{2, 0, 1, 1, 0, 2}, 2, 3)
	calls := []struct {
		name string
		f    func(in []*Tensor) *Tensor
		in   []*Tensor
	}{
		{"reshape", func(in []*Tensor) *Tensor { return in[0].Reshape(6, -1) }, []*Tensor{img}},
		{"linear", func(in []*Tensor) *Tensor { return LinearReLU(in[0], in[1], in[2]) }, []*Tensor{matrix, s.Normal(2, 4), s.Normal(2)}},
		{"conv2d", func(in []*Tensor) *Tensor { return Conv2d(in[0], in[1], in[2], ConvOptions{Groups: 2}) }, []*Tensor{img, s.Normal(2, 2, 3, 3), s.Normal(2)}},
		{"conv2d_norm", func(in []*Tensor) *Tensor {
			return Conv2dNormAddReLU(in[0], in[1], in[2], nil, ConvOptions{}, FixedNorm{Mean: in[3], Var: in[4].Square(), Gamma: in[5], Eps: 1})
		}, []*Tensor{img, s.Normal(2, 3, 3, 4), s.Normal(3, 4, 3, 3), s.Normal(3), s.Normal(3), s.Normal(3)}},
		{"conv1d", func(in []*Tensor) *Tensor { return Conv1d(in[0], in[1], in[2], ConvOptions{}) }, []*Tensor{seq, s.Normal(2, 4, 3), s.Normal(2)}},
		{"conv_transpose2d", func(in []*Tensor) *Tensor {
			return ConvTranspose2d(in[0], in[1], in[2], ConvOptions{Stride: [2]int{2, 2}})
		}, []*Tensor{img, s.Normal(4, 2, 3, 3), s.Normal(2)}},
		{"conv_transpose1d", func(in []*Tensor) *Tensor { return ConvTranspose1d(in[0], in[1], in[2], ConvOptions{}) }, []*Tensor{seq, s.Normal(4, 2, 3), s.Normal(2)}},
		{"max_pool2d", func(in []*Tensor) *Tensor { return in[0].MaxPool2d(2, pooled...) }, []*Tensor{img}},
		{"avg_pool2d", func(in []*Tensor) *Tensor { return in[0].AvgPool2d(2, pooled...) }, []*Tensor{img}},
		{"max_pool1d", func(in []*Tensor) *Tensor { return in[0].MaxPool1d(2) }, []*Tensor{seq}},
		{"avg_pool1d", func(in []*Tensor) *Tensor { return in[0].AvgPool1d(2) }, []*Tensor{seq}},
		{"adaptive_avg_pool2d", func(in []*Tensor) *Tensor { return in[0].AdaptiveAvgPool2d(2, 4) }, []*Tensor{img}},
		{"adaptive_max_pool2d", func(in []*Tensor) *Tensor { return in[0].AdaptiveMaxPool2d(2, 4) }, []*Tensor{img}},
		{"adaptive_avg_pool1d", func(in []*Tensor) *Tensor { return in[0].AdaptiveAvgPool1d(3) }, []*Tensor{seq}},
		{"adaptive_max_pool1d", func(in []*Tensor) *Tensor { return in[0].AdaptiveMaxPool1d(3) }, []*Tensor{seq}},
		{"upsample_nearest", func(in []*Tensor) *Tensor { return in[0].UpsampleNearest(7, 9) }, []*Tensor{img}},
		{"upsample_bilinear", func(in []*Tensor) *Tensor { return in[0].UpsampleBilinear(7, 9, false) }, []*Tensor{img}},
		{"pixel_shuffle", func(in []*Tensor) *Tensor { return in[0].PixelShuffle(2) }, []*Tensor{img}},
		{"softmax", func(in []*Tensor) *Tensor { return in[0].Softmax(1) }, []*Tensor{img}},
		{"log_softmax", func(in []*Tensor) *Tensor { return in[0].LogSoftmax(-1) }, []*Tensor{matrix}},
		{"cross_entropy", func(in []*Tensor) *Tensor { return SoftmaxCrossEntropy(in[0], in[1], CrossEntropyOptions{}) }, []*Tensor{matrix, FromSlice([]int64{0, 3, 1})}},
		{"batch_norm", func(in []*Tensor) *Tensor { y, _, _ := BatchNorm(in[0], in[1], in[2], 1e-5); return y }, []*Tensor{img, s.Normal(4), s.Normal(4)}},
		{"batch_norm, add, relu", func(in []*Tensor) *Tensor {
			y, _, _ := BatchNormAddReLU(in[0], in[3], in[1], in[2], 1e-5)
			return y
		}, []*Tensor{img, s.Normal(4), s.Normal(4), s.Normal(img.shape...)}},
		{"scale_shift", func(in []*Tensor) *Tensor { return ScaleShift(in[0], in[1], in[2]) }, []*Tensor{img, s.Normal(4), s.Normal(4)}},
		{"scale_shift, add, relu", func(in []*Tensor) *Tensor { return ScaleShiftAddReLU(in[0], in[3], in[1], in[2]) },
			[]*Tensor{img, s.Normal(4), s.Normal(4), s.Normal(img.shape...)}},
		{"layer_norm", func(in []*Tensor) *Tensor { return LayerNorm(in[0], in[1], in[2], 1e-5) }, []*Tensor{matrix, s.Normal(4), s.Normal(4)}},
		{"layer_norm over two axes", func(in []*Tensor) *Tensor { return LayerNorm(in[0], in[1], in[2], 1e-5) }, []*Tensor{seq, s.Normal(4, 7), s.Normal(4, 7)}},
		{"add_layer_norm", func(in []*Tensor) *Tensor {
			sum, y := AddLayerNorm(in[0], in[1], in[2], in[3], 1e-5)
			return sum.Mul(y)
		}, []*Tensor{matrix, s.Normal(3, 4), s.Normal(4), s.Normal(4)}},
		{"rms_norm", func(in []*Tensor) *Tensor { return RMSNorm(in[0], in[1], 1e-5) }, []*Tensor{matrix, s.Normal(4)}},
		{"scaled_dot_product_attention", func(in []*Tensor) *Tensor {
			return ScaledDotProductAttention(in[0], in[1], in[2], AttentionOptions{Causal: true})
		}, []*Tensor{img, s.Normal(2, 4, 3, 6), s.Normal(2, 4, 3, 6)}},
		{"self_attention", func(in []*Tensor) *Tensor { return SelfAttention(in[0], 2, AttentionOptions{Causal: true}) }, []*Tensor{s.Normal(2, 5, 12)}},
		{"group_norm", func(in []*Tensor) *Tensor { return GroupNorm(in[0], 2, in[1], in[2], 1e-5) }, []*Tensor{img, s.Normal(4), s.Normal(4)}},
		{"embedding", func(in []*Tensor) *Tensor { return Embedding(in[0], in[1], -1) }, []*Tensor{s.Normal(3, 4), ids}},
	}
	limits := map[DType]float64{Float64: 1e-12, Float32: 1e-5}
	for _, c := range calls {
		// The gradient is compared as well: it meets the layouts too.
		run := func(in []*Tensor, gy func(y *Tensor) *Tensor) (*Tensor, []*Tensor) {
			var leaves []*Tensor
			for i, x := range in {
				in[i] = x.Detach()
				if x.dtype.IsFloat() {
					leaves = append(leaves, in[i].RequireGrad())
				}
			}
			y := c.f(in)
			return y, GradWith(y, gy(y), leaves)
		}
		for d, limit := range limits {
			typed := slices.Clone(c.in)
			for i, x := range typed {
				if x.dtype.IsFloat() {
					typed[i] = x.To(d)
				}
			}
			normal := func(y *Tensor) *Tensor { return NewSampler(99).Normal(y.shape...).To(d) }
			want, wantGrads := run(slices.Clone(typed), normal)
			for name, lay := range layouts {
				t.Run(fmt.Sprintf("%s/%v/%s", c.name, d, name), func(t *testing.T) {
					in := slices.Clone(typed)
					for i, x := range in {
						in[i] = lay(x)
					}
					y, grads := run(in, normal)
					wantClose(t, "output", y, want, limit)
					for i, g := range grads {
						wantClose(t, fmt.Sprintf("gradient %d", i), g, wantGrads[i], limit)
					}
				})
			}
			_, wantGrads = run(slices.Clone(typed), func(y *Tensor) *Tensor { return Full(0.7, d, y.shape...) })
			_, grads := run(slices.Clone(typed), func(y *Tensor) *Tensor { return Scalar(0.7, d).Expand(y.shape...) })
			for i, g := range grads {
				wantClose(t, fmt.Sprintf("%s/%v: gradient %d of one repeated number", c.name, d, i), g, wantGrads[i], limit)
			}
		}
	}
}

func TestImagesStayChannelsLast(t *testing.T) {
	x := NewSampler(2).Normal(2, 3, 4, 5).ChannelsLast()
	mask := x.GreaterScalar(0)
	for name, y := range map[string]*Tensor{
		"gelu": x.GELU(), "add": x.Add(Full(1, Float64, 3, 1, 1)), "where": Where(mask, x, Scalar(0, Float64)), "prelu": x.PReLU(Full(0.1, Float64, 3)),
		"clamp": x.Clamp(-1, 1), "concat": Concat(1, x, x), "max_pool2d": x.MaxPool2d(2), "avg_pool2d": x.AvgPool2d(2),
		"upsample": x.UpsampleNearest(8, 10), "adaptive": x.AdaptiveAvgPool2d(2, 2), "isnan": x.IsNaN(), "glu of copies": Concat(1, x, x).ReLU(),
	} {
		if !y.isChannelsLast() {
			t.Errorf("%s has the strides %v for the shape %v", name, y.Strides(), y.Shape())
		}
	}
}

// TestSoftmaxOverAnyAxisIsRowMajor, as the operations that read it want it.
func TestSoftmaxOverAnyAxisIsRowMajor(t *testing.T) {
	x := NewSampler(5).Normal(3, 4, 5)
	for axis := range 3 {
		for name, y := range map[string]*Tensor{"softmax": x.Softmax(axis), "log_softmax": x.LogSoftmax(axis)} {
			if !y.IsContiguous() {
				t.Errorf("%s over axis %d has strides %v", name, axis, y.Strides())
			}
		}
	}
}
