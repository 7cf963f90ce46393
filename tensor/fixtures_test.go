package tensor

import (
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/fixtures"
)

// inputs are the operands of a fixture by PyTorch's names.
type inputs map[string]*Tensor

// golden computes the outputs of one fixture.
type golden func(c fixtures.Case, in inputs) map[string]*Tensor

func output(f func(c fixtures.Case, in inputs) *Tensor) golden {
	return func(c fixtures.Case, in inputs) map[string]*Tensor { return map[string]*Tensor{"output": f(c, in)} }
}

func ofOne(f func(x *Tensor) *Tensor) golden {
	return output(func(_ fixtures.Case, in inputs) *Tensor { return f(in["input"]) })
}

func ofTwo(f func(a, b *Tensor) *Tensor) golden {
	return output(func(_ fixtures.Case, in inputs) *Tensor { return f(in["input"], in["other"]) })
}

// dims are the axes of a reduction; none means all.
func dims(c fixtures.Case) []int { return c.Ints("dim", 1) }

func reduction(f, keep func(t *Tensor, axes ...int) *Tensor) golden {
	return output(func(c fixtures.Case, in inputs) *Tensor {
		if c.Bool("keepdim", false) {
			return keep(in["input"], dims(c)...)
		}
		return f(in["input"], dims(c)...)
	})
}

// extreme is PyTorch's max and min: with an axis, the values and positions.
func extreme(largest bool) golden {
	return func(c fixtures.Case, in inputs) map[string]*Tensor {
		x, place := in["input"], (*Tensor).ArgMin
		if largest {
			place = (*Tensor).ArgMax
		}
		if !c.Has("dim") {
			if largest {
				return map[string]*Tensor{"output": x.Max()}
			}
			return map[string]*Tensor{"output": x.Min()}
		}
		a := c.Int("dim", 0)
		places := place(x, a).Unsqueeze(a) // one gets the gradient, as in PyTorch's max with an axis
		if a < 0 {
			a += x.NDim()
		}
		values := x.Gather(a, places)
		if !c.Bool("keepdim", false) {
			values, places = values.Squeeze(a), places.Squeeze(a)
		}
		return map[string]*Tensor{"output0": values, "output1": places}
	}
}

func argExtreme(f func(t *Tensor, axes ...int) *Tensor) golden {
	return output(func(c fixtures.Case, in inputs) *Tensor {
		y := f(in["input"], dims(c)...)
		if c.Bool("keepdim", false) {
			return y.Unsqueeze(c.Int("dim", 0))
		}
		return y
	})
}

// pair reads an option of a convolution or pooling; otherwise where not given.
func pair(c fixtures.Case, name string, otherwise int) [2]int {
	v := c.Ints(name, 2)
	switch len(v) {
	case 0:
		return [2]int{otherwise, otherwise}
	case 1:
		return [2]int{v[0], v[0]}
	}
	return [2]int{v[0], v[1]}
}

func convOptions(c fixtures.Case) ConvOptions {
	return ConvOptions{Stride: pair(c, "stride", 1), Padding: pair(c, "padding", 0), Dilation: pair(c, "dilation", 1),
		OutputPadding: pair(c, "output_padding", 0), Groups: c.Int("groups", 1)}
}

func convolution(f func(x, weight, bias *Tensor, o ConvOptions) *Tensor) golden {
	return output(func(c fixtures.Case, in inputs) *Tensor {
		return f(in["input"], in["weight"], in["bias"], convOptions(c))
	})
}

func poolOptions(c fixtures.Case) PoolOptions {
	return PoolOptions{Stride: pair(c, "stride", 0), Padding: pair(c, "padding", 0), Dilation: pair(c, "dilation", 1),
		Ceil: c.Bool("ceil_mode", false), ExcludePadding: !c.Bool("count_include_pad", true)}
}

func operands(in inputs) []*Tensor {
	var list []*Tensor
	for _, name := range []string{"input", "other", "third"} {
		if in[name] != nil {
			list = append(list, in[name])
		}
	}
	return list
}

func sorted(f func(c fixtures.Case, x *Tensor) (values, places *Tensor)) golden {
	return func(c fixtures.Case, in inputs) map[string]*Tensor {
		values, places := f(c, in["input"])
		return map[string]*Tensor{"output0": values, "output1": places}
	}
}

var goldens = map[string]golden{
	"neg": ofOne((*Tensor).Neg), "abs": ofOne((*Tensor).Abs), "exp": ofOne((*Tensor).Exp), "expm1": ofOne((*Tensor).Expm1),
	"log": ofOne((*Tensor).Log), "log1p": ofOne((*Tensor).Log1p), "log2": ofOne((*Tensor).Log2), "log10": ofOne((*Tensor).Log10),
	"sqrt": ofOne((*Tensor).Sqrt), "rsqrt": ofOne((*Tensor).Rsqrt), "square": ofOne((*Tensor).Square), "reciprocal": ofOne((*Tensor).Reciprocal),
	"sin": ofOne((*Tensor).Sin), "cos": ofOne((*Tensor).Cos), "tan": ofOne((*Tensor).Tan), "asin": ofOne((*Tensor).Asin), "acos": ofOne((*Tensor).Acos),
	"atan": ofOne((*Tensor).Atan), "sinh": ofOne((*Tensor).Sinh), "cosh": ofOne((*Tensor).Cosh), "tanh": ofOne((*Tensor).Tanh),
	"sigmoid": ofOne((*Tensor).Sigmoid), "logsigmoid": ofOne((*Tensor).LogSigmoid), "relu": ofOne((*Tensor).ReLU), "relu6": ofOne((*Tensor).ReLU6),
	"selu": ofOne((*Tensor).SELU), "silu": ofOne((*Tensor).SiLU), "mish": ofOne((*Tensor).Mish), "hardsigmoid": ofOne((*Tensor).HardSigmoid),
	"hardswish": ofOne((*Tensor).HardSwish), "softsign": ofOne((*Tensor).Softsign), "erf": ofOne((*Tensor).Erf), "erfc": ofOne((*Tensor).Erfc),
	"floor": ofOne((*Tensor).Floor), "ceil": ofOne((*Tensor).Ceil), "round": ofOne((*Tensor).Round), "trunc": ofOne((*Tensor).Trunc), "sign": ofOne((*Tensor).Sign),
	"isnan": ofOne((*Tensor).IsNaN), "isinf": ofOne((*Tensor).IsInf), "isfinite": ofOne((*Tensor).IsFinite), "logical_not": ofOne((*Tensor).Not),
	"leaky_relu": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].LeakyReLU(c.Float("negative_slope", 0)) }),
	"prelu":      output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].PReLU(in["weight"]) }),
	"elu":        output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].ELU(c.Float("alpha", 1)) }),
	"celu":       output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].CELU(c.Float("alpha", 1)) }),
	"glu":        output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].GLU(c.Int("dim", -1)) }),
	"hardtanh": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].HardTanh(c.Float("min_val", 0), c.Float("max_val", 0))
	}),
	"gelu": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.String("approximate", "none") == "tanh" {
			return in["input"].GELUTanh()
		}
		return in["input"].GELU()
	}),
	"softplus": output(func(c fixtures.Case, in inputs) *Tensor {
		x, beta, threshold := in["input"], c.Float("beta", 1), c.Float("threshold", 20)
		if beta == 1 {
			return x.Softplus()
		}
		scaled := x.MulScalar(beta)
		return Where(scaled.GreaterScalar(threshold), x, scaled.Softplus().MulScalar(1/beta))
	}),
	"clamp": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Clamp(c.Float("min", math.Inf(-1)), c.Float("max", math.Inf(1)))
	}),

	"add": ofTwo((*Tensor).Add), "sub": ofTwo((*Tensor).Sub), "mul": ofTwo((*Tensor).Mul), "maximum": ofTwo((*Tensor).Maximum), "minimum": ofTwo((*Tensor).Minimum),
	"atan2": ofTwo((*Tensor).Atan2), "remainder": ofTwo((*Tensor).Remainder), "fmod": ofTwo((*Tensor).Fmod), "eq": ofTwo((*Tensor).Equal), "ne": ofTwo((*Tensor).NotEqual),
	"lt": ofTwo((*Tensor).Less), "le": ofTwo((*Tensor).LessEqual), "gt": ofTwo((*Tensor).Greater), "ge": ofTwo((*Tensor).GreaterEqual),
	"div": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.String("rounding_mode", "") == "floor" {
			return in["input"].FloorDiv(in["other"])
		}
		return in["input"].Div(in["other"])
	}),
	"pow": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.Has("exponent") {
			return in["input"].PowScalar(c.Float("exponent", 0))
		}
		return in["input"].Pow(in["exponent"])
	}),
	"where": output(func(c fixtures.Case, in inputs) *Tensor { return Where(in["condition"], in["input"], in["other"]) }),

	"sum": reduction((*Tensor).Sum, (*Tensor).SumKeep), "mean": reduction((*Tensor).Mean, (*Tensor).MeanKeep), "prod": reduction((*Tensor).Prod, (*Tensor).ProdKeep),
	"amax": reduction((*Tensor).Max, (*Tensor).MaxKeep), "amin": reduction((*Tensor).Min, (*Tensor).MinKeep), "logsumexp": reduction((*Tensor).LogSumExp, (*Tensor).LogSumExpKeep),
	"any": reduction((*Tensor).Any, nil), "all": reduction((*Tensor).All, nil),
	"var": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.Bool("keepdim", false) {
			return in["input"].VarKeep(c.Int("correction", 1), dims(c)...)
		}
		return in["input"].Var(c.Int("correction", 1), dims(c)...)
	}),
	"std": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.Bool("keepdim", false) {
			return in["input"].StdKeep(c.Int("correction", 1), dims(c)...)
		}
		return in["input"].Std(c.Int("correction", 1), dims(c)...)
	}),
	"norm": output(func(c fixtures.Case, in inputs) *Tensor {
		if c.Bool("keepdim", false) {
			return in["input"].NormKeep(c.Float("ord", 2), dims(c)...)
		}
		return in["input"].Norm(c.Float("ord", 2), dims(c)...)
	}),
	"max": extreme(true), "min": extreme(false), "argmax": argExtreme((*Tensor).ArgMax), "argmin": argExtreme((*Tensor).ArgMin),
	"cumsum":      output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].CumSum(c.Int("dim", 0)) }),
	"cumprod":     output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].CumProd(c.Int("dim", 0)) }),
	"softmax":     output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Softmax(c.Int("dim", 0)) }),
	"log_softmax": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].LogSoftmax(c.Int("dim", 0)) }),

	"matmul": ofTwo((*Tensor).MatMul),
	"einsum": output(func(c fixtures.Case, in inputs) *Tensor { return Einsum(c.String("equation", ""), operands(in)...) }),
	"linear": output(func(c fixtures.Case, in inputs) *Tensor { return Linear(in["input"], in["weight"], in["bias"]) }),
	"conv1d": convolution(Conv1d), "conv2d": convolution(Conv2d), "conv_transpose1d": convolution(ConvTranspose1d), "conv_transpose2d": convolution(ConvTranspose2d),
	"max_pool2d": output(func(c fixtures.Case, in inputs) *Tensor {
		return MaxPool2d(in["input"], pair(c, "kernel_size", 0), poolOptions(c))
	}),
	"max_pool1d": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].MaxPool1d(c.Int("kernel_size", 0), poolOptions(c))
	}),
	"avg_pool2d": output(func(c fixtures.Case, in inputs) *Tensor {
		return AvgPool2d(in["input"], pair(c, "kernel_size", 0), poolOptions(c))
	}),
	"avg_pool1d": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].AvgPool1d(c.Int("kernel_size", 0), poolOptions(c))
	}),
	"adaptive_avg_pool2d": output(func(c fixtures.Case, in inputs) *Tensor {
		s := pair(c, "output_size", 0)
		return in["input"].AdaptiveAvgPool2d(s[0], s[1])
	}),
	"adaptive_max_pool2d": func(c fixtures.Case, in inputs) map[string]*Tensor {
		s := pair(c, "output_size", 0)
		made := applyAll(opAdaptiveMaxPool2d, resizeAttr{size: s}, in["input"].ChannelsLast())
		return map[string]*Tensor{"output": in["input"].AdaptiveMaxPool2d(s[0], s[1]), "indices": made[1].To(Int64)}
	},
	"interpolate": output(func(c fixtures.Case, in inputs) *Tensor {
		x, size := in["input"], c.Ints("size", 2)
		if size == nil {
			f := c.Float("scale_factor", 1)
			size = []int{int(f * float64(x.Dim(2))), int(f * float64(x.Dim(3)))}
		}
		if c.String("mode", "") == "nearest" {
			return x.UpsampleNearest(size[0], size[1])
		}
		return x.UpsampleBilinear(size[0], size[1], c.Bool("align_corners", false))
	}),

	"cat":     output(func(c fixtures.Case, in inputs) *Tensor { return Concat(c.Int("dim", 0), operands(in)...) }),
	"stack":   output(func(c fixtures.Case, in inputs) *Tensor { return Stack(c.Int("dim", 0), operands(in)...) }),
	"reshape": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Reshape(c.Ints("shape", 1)...) }),
	"permute": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Permute(c.Ints("dims", 1)...) }),
	"transpose": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Transpose(c.Int("dim0", 0), c.Int("dim1", 0))
	}),
	"expand": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Expand(c.Ints("size", 1)...) }),
	"repeat": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Repeat(c.Ints("repeats", 1)...) }),
	"repeat_interleave": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].RepeatInterleave(c.Int("repeats", 0), c.Int("dim", 0))
	}),
	"slice": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Slice(c.Int("dim", 0), c.Int("start", 0), c.Int("end", End), c.Int("step", 1))
	}),
	"select": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Select(c.Int("dim", 0), c.Int("index", 0))
	}),
	"split": func(c fixtures.Case, in inputs) map[string]*Tensor {
		parts := in["input"].Split(c.Int("dim", 0), c.Ints("split_size_or_sections", 1)...)
		return map[string]*Tensor{"output0": parts[0], "output1": parts[1], "output2": parts[2]}
	},
	"pad": output(func(c fixtures.Case, in inputs) *Tensor {
		flat := c.Ints("pad", 2) // PyTorch lists the last axis first
		var pairs [][2]int
		for i := len(flat) - 2; i >= 0; i -= 2 {
			pairs = append(pairs, [2]int{flat[i], flat[i+1]})
		}
		switch c.String("mode", "") {
		case "reflect":
			return in["input"].PadReflect(pairs...)
		case "replicate":
			return in["input"].PadReplicate(pairs...)
		}
		return in["input"].Pad(c.Float("value", 0), pairs...)
	}),
	"gather": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Gather(c.Int("dim", 0), in["index"]) }),
	"scatter_add": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].ScatterAdd(c.Int("dim", 0), in["index"], in["src"])
	}),
	"scatter": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Scatter(c.Int("dim", 0), in["index"], in["src"])
	}),
	"index_select": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].IndexSelect(c.Int("dim", 0), in["index"]) }),
	"index_add": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].IndexAdd(c.Int("dim", 0), in["index"], in["source"])
	}),
	"take_along_dim": output(func(c fixtures.Case, in inputs) *Tensor {
		x, a, shape := in["input"], c.Int("dim", 0), in["input"].Shape()
		shape[a] = in["indices"].Dim(a)
		return x.Gather(a, in["indices"].Expand(shape...))
	}),
	"masked_fill": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].MaskedFill(in["mask"], c.Float("value", 0))
	}),
	"flip": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Flip(c.Ints("dims", 1)...) }),
	"roll": output(func(c fixtures.Case, in inputs) *Tensor {
		x, shifts, axes := in["input"], c.Ints("shifts", 1), c.Ints("dims", 1)
		if axes == nil {
			return x.Reshape(-1).Roll(shifts[0], 0).Reshape(x.Shape()...)
		}
		for i, a := range axes {
			x = x.Roll(shifts[i], a)
		}
		return x
	}),
	"tril":     output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Tril(c.Int("diagonal", 0)) }),
	"triu":     output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Triu(c.Int("diagonal", 0)) }),
	"diagonal": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].Diagonal(c.Int("offset", 0), 0, 1) }),
	"sort": sorted(func(c fixtures.Case, x *Tensor) (values, places *Tensor) {
		return x.Sort(c.Int("dim", -1), c.Bool("descending", false))
	}),
	"topk": sorted(func(c fixtures.Case, x *Tensor) (values, places *Tensor) {
		return x.TopK(c.Int("k", 0), c.Int("dim", -1), c.Bool("largest", true))
	}),
	"argsort": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].ArgSort(c.Int("dim", -1), c.Bool("descending", false))
	}),
	"one_hot": output(func(c fixtures.Case, in inputs) *Tensor { return in["input"].OneHot(c.Int("num_classes", 0), Int64) }),
	"embedding": output(func(c fixtures.Case, in inputs) *Tensor {
		return Embedding(in["weight"], in["input"], c.Int("padding_idx", -1))
	}),
	"to": output(func(c fixtures.Case, in inputs) *Tensor {
		for d := Float32; d <= Bool; d++ {
			if d.String() == c.String("dtype", "") {
				if d == BFloat16 || d == Float16 {
					return in["input"].To(d).To(Float32)
				}
				return in["input"].To(d)
			}
		}
		return nil
	}),

	"batch_norm": func(c fixtures.Case, in inputs) map[string]*Tensor {
		x, eps, momentum := in["input"], c.Float("eps", 0), c.Float("momentum", 0)
		if !c.Bool("training", false) {
			scale, shift := fixedBatchNorm(in, eps)
			return map[string]*Tensor{"output": ScaleShift(x, scale, shift),
				"running_mean": in["running_mean"], "running_var": in["running_var"]}
		}
		y, mean, variance := BatchNorm(x, in["weight"], in["bias"], eps)
		n := float64(x.Len() / x.Dim(1))
		blend := func(running, batch *Tensor) *Tensor {
			return running.MulScalar(1 - momentum).Add(batch.MulScalar(momentum))
		}
		return map[string]*Tensor{"output": y, "running_mean": blend(in["running_mean"], mean),
			"running_var": blend(in["running_var"], variance.MulScalar(n/(n-1)))}
	},
	"batch_norm_relu": output(func(c fixtures.Case, in inputs) *Tensor {
		x, eps, shortcut := in["input"], c.Float("eps", 0), in["shortcut"]
		scale, shift := fixedBatchNorm(in, eps)
		var y *Tensor
		switch training := c.Bool("training", false); {
		case training && shortcut != nil:
			y, _, _ = BatchNormAddReLU(x, shortcut, in["weight"], in["bias"], eps)
		case training:
			y, _, _ = BatchNormReLU(x, in["weight"], in["bias"], eps)
		case shortcut != nil:
			y = ScaleShiftAddReLU(x, shortcut, scale, shift)
		default:
			y = ScaleShiftReLU(x, scale, shift)
		}
		return y
	}),
	"layer_norm": output(func(c fixtures.Case, in inputs) *Tensor {
		return LayerNorm(in["input"], in["weight"], in["bias"], c.Float("eps", 0))
	}),
	"group_norm": output(func(c fixtures.Case, in inputs) *Tensor {
		return GroupNorm(in["input"], c.Int("num_groups", 1), in["weight"], in["bias"], c.Float("eps", 0))
	}),
	"normalize": output(func(c fixtures.Case, in inputs) *Tensor {
		return in["input"].Normalize(c.Float("p", 2), c.Int("dim", 1), c.Float("eps", 0))
	}),
	"cosine_similarity": output(func(c fixtures.Case, in inputs) *Tensor {
		return CosineSimilarity(in["input"], in["other"], c.Int("dim", 1), c.Float("eps", 0))
	}),
	"scaled_dot_product_attention": output(func(c fixtures.Case, in inputs) *Tensor {
		return ScaledDotProductAttention(in["query"], in["key"], in["value"], AttentionOptions{Causal: c.Bool("is_causal", false), Mask: in["mask"], Scale: c.Float("scale", 0)})
	}),
}

// fromFixture makes a tensor of an array.
func fromFixture(a fixtures.Array) *Tensor {
	t := FromSlice(a.Data).Reshape(a.Shape...)
	for d := Float32; d <= Bool; d++ {
		if d.String() == a.DType {
			return t.To(d)
		}
	}
	panic("no such element type: " + a.DType)
}

// knownDifferences are the cases in which hadal and PyTorch differ, and why.
var knownDifferences = map[string]string{
	"sign/special-float64":      "the sign of NaN is NaN, as in NumPy; PyTorch says 0",
	"sign/special-float32":      "the sign of NaN is NaN, as in NumPy; PyTorch says 0",
	"hardswish/special-float32": "dividing by 6 first, 1e38 does not overflow",
}

// inexact are the cases in which PyTorch computes a float64 with a constant
// that was rounded to float32.
var inexact = []string{"hardsigmoid/float64", "celu/alpha"}

func TestOperationsAgreeWithPyTorch(t *testing.T) {
	var cases []fixtures.Case
	for _, topic := range []string{"ops", "attention"} {
		file, err := fixtures.Load(topic)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, file.Cases...)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			f := goldens[c.Op()]
			if f == nil {
				t.Fatalf("%s is not mapped to an operation", c.Op())
			}
			in := inputs{}
			single := false
			relative := 1e-9
			if slices.Contains(inexact, c.Name) {
				relative = 3e-8
			}
			var wanted []string
			for name, a := range c.Inputs {
				in[name] = fromFixture(a)
				single = single || a.DType == "float32"
				buffer := name == "running_mean" || name == "running_var" // PyTorch gives them gradients of zero
				if _, ok := c.Grads[name]; ok && !buffer {
					in[name].RequireGrad()
					wanted = append(wanted, name)
				}
			}
			slices.Sort(wanted)
			// In float32 a sum is as exact as its largest terms are.
			check := func(want fixtures.Array, got *Tensor) error {
				if !single {
					return fixtures.Check(want, got.Shape(), got.Float64s(), relative, 1e-12)
				}
				scale := 1.0
				for _, v := range want.Data {
					if abs := math.Abs(v); isFinite(v) && abs < 1e6 {
						scale = max(scale, abs)
					}
				}
				return fixtures.Check(want, got.Shape(), got.Float64s(), 3e-6, 3e-6*scale)
			}
			got := f(c, in)
			var total *Tensor
			for name, want := range c.Outputs {
				y := got[name]
				if y == nil {
					if name == "indices" {
						continue // what only gradients need stays inside
					}
					t.Fatalf("output %s is missing", name)
				}
				if y.DType().String() != want.DType {
					t.Errorf("%s is %v, PyTorch has %s", name, y.DType(), want.DType)
				}
				err := check(want, y)
				if reason := knownDifferences[c.Name]; reason != "" && err == nil {
					t.Errorf("%s agrees, though %s", name, reason)
				} else if reason == "" && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if g, ok := c.GradOutputs[name]; ok {
					part := y.Mul(fromFixture(g)).Sum()
					if total == nil {
						total = part
					} else {
						total = total.Add(part)
					}
				}
			}
			if len(wanted) == 0 {
				return
			}
			var leaves []*Tensor
			for _, name := range wanted {
				leaves = append(leaves, in[name])
			}
			for i, g := range Grad(total, leaves) {
				if err := check(c.Grads[wanted[i]], g); err != nil {
					t.Errorf("gradient of %s: %v", wanted[i], err)
				}
			}
		})
	}
}

func TestEveryGoldenOperationHasCases(t *testing.T) {
	file, err := fixtures.Load("ops")
	if err != nil {
		t.Fatal(err)
	}
	for name := range goldens {
		if len(file.Select(name)) == 0 {
			t.Errorf("there is no case of %s", name)
		}
	}
}

// fixedBatchNorm is what batch normalisation with running statistics multiplies
// and adds.
func fixedBatchNorm(in inputs, eps float64) (scale, shift *Tensor) {
	scale = in["weight"].Mul(in["running_var"].AddScalar(eps).Rsqrt())
	return scale, in["bias"].Sub(in["running_mean"].Mul(scale))
}
