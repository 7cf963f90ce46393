package nn

import (
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/fixtures"
	"github.com/hadal-ml/hadal/tensor"
)

// goldenTensor is a fixture's array as a tensor of its type.
func goldenTensor(a fixtures.Array) *tensor.Tensor {
	types := map[string]tensor.DType{"float64": tensor.Float64, "float32": tensor.Float32, "int64": tensor.Int64}
	return tensor.FromSlice(a.Data, a.Shape...).Reshape(a.Shape...).To(types[a.DType])
}

// goldenInputs are the inputs of a case; those with a gradient are tracked.
func goldenInputs(c fixtures.Case) map[string]*tensor.Tensor {
	in := map[string]*tensor.Tensor{}
	for name, a := range c.Inputs {
		in[name] = goldenTensor(a)
		if _, ok := c.Grads[name]; ok {
			in[name].RequireGrad()
		}
	}
	return in
}

func goldenLimits(a fixtures.Array) (relative, absolute float64) {
	if a.DType == "float32" {
		return 2e-5, 2e-5
	}
	return 1e-10, 1e-11
}

func checkGolden(t *testing.T, what string, got *tensor.Tensor, want fixtures.Array) {
	t.Helper()
	relative, absolute := goldenLimits(want)
	if err := fixtures.Check(want, got.Shape(), got.Float64s(), relative, absolute); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// checkGoldenGrads compares the gradients of sum(output*weight), summed over
// the outputs, with respect to the inputs.
func checkGoldenGrads(t *testing.T, c fixtures.Case, in, out map[string]*tensor.Tensor) {
	t.Helper()
	var total *tensor.Tensor
	for name, weight := range c.GradOutputs {
		y := out[name].Mul(goldenTensor(weight)).Sum()
		if total != nil {
			y = y.Add(total)
		}
		total = y
	}
	if total == nil {
		return
	}
	for name, want := range c.Grads {
		checkGolden(t, "gradient of "+name, tensor.Grad(total, []*tensor.Tensor{in[name]})[0], want)
	}
}

func TestLayersEqualPyTorch(t *testing.T) {
	f, err := fixtures.Load("layers")
	if err != nil {
		t.Fatal(err)
	}
	init := NewInit(1)
	convOptions := func(c fixtures.Case) []Option {
		o := []Option{Stride(c.Int("stride", 1)), Padding(c.Int("padding", 0)), Dilation(c.Int("dilation", 1)), Groups(c.Int("groups", 1))}
		if c.Has("output_padding") {
			o = append(o, OutputPadding(c.Int("output_padding", 0)))
		}
		if !c.Bool("bias", true) {
			o = append(o, NoBias())
		}
		return o
	}
	conv2d := func(c fixtures.Case) Module {
		return NewConv2d(init, c.Int("in_channels", 0), c.Int("out_channels", 0), c.Int("kernel_size", 0), convOptions(c)...)
	}
	embedding := func(c fixtures.Case) Module {
		var o []Option
		if c.Has("padding_idx") {
			o = append(o, PaddingIndex(c.Int("padding_idx", 0)))
		}
		return NewEmbedding(init, c.Int("num_embeddings", 0), c.Int("embedding_dim", 0), o...)
	}
	normOptions := func(c fixtures.Case) []Option {
		return []Option{Eps(c.Float("eps", 1e-5)), Momentum(c.Float("momentum", 0.1))}
	}
	norm1d := func(c fixtures.Case) Module { return NewBatchNorm1d(c.Int("num_features", 0), normOptions(c)...) }
	layers := map[string]func(c fixtures.Case) Module{
		"linear": func(c fixtures.Case) Module {
			return NewLinear(init, c.Int("in_features", 0), c.Int("out_features", 0))
		},
		"conv2d":        conv2d,
		"conv2d-groups": conv2d,
		"conv1d": func(c fixtures.Case) Module {
			return NewConv1d(init, c.Int("in_channels", 0), c.Int("out_channels", 0), c.Int("kernel_size", 0), convOptions(c)...)
		},
		"conv_transpose2d": func(c fixtures.Case) Module {
			return NewConvTranspose2d(init, c.Int("in_channels", 0), c.Int("out_channels", 0), c.Int("kernel_size", 0), convOptions(c)...)
		},
		"layer_norm": func(c fixtures.Case) Module {
			return NewLayerNorm(c.Int("normalized_shape", 0), Eps(c.Float("eps", 1e-5)))
		},
		"group_norm": func(c fixtures.Case) Module {
			return NewGroupNorm(c.Int("num_groups", 0), c.Int("num_channels", 0), Eps(c.Float("eps", 1e-5)))
		},
		"embedding":             embedding,
		"embedding-padding":     embedding,
		"prelu":                 func(c fixtures.Case) Module { return NewPReLU(c.Int("num_parameters", 1)) },
		"batch_norm1d":          norm1d,
		"batch_norm1d-sequence": norm1d,
		"batch_norm2d-no_affine": func(c fixtures.Case) Module {
			return NewBatchNorm2d(c.Int("num_features", 0), NoAffine(), Eps(c.Float("eps", 0)))
		},
		"batch_norm2d": func(c fixtures.Case) Module { return NewBatchNorm2d(c.Int("num_features", 0), normOptions(c)...) },
	}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			build, ok := layers[c.Op()]
			if !ok {
				t.Fatal("no layer is compared with this case")
			}
			layer := build(c)
			in := goldenInputs(c)
			like := in["weight"]
			if like == nil { // a layer without parameters
				like = in["input"]
			}
			To(layer, like.DType())
			// The parameters are replaced by the inputs of the same names,
			// so that the gradients come back to these.
			for _, e := range walk(layer) {
				if p, ok := in[e.name]; ok {
					if !slices.Equal(p.Shape(), e.tensor.Shape()) {
						t.Fatalf("%s has shape %v, PyTorch's %v", e.name, e.tensor.Shape(), p.Shape())
					}
					e.replace(p)
				}
			}
			out := map[string]*tensor.Tensor{}
			if x, ok := in["input"]; ok {
				out["output"] = layer.Forward(Training(1), x)
			} else {
				for _, step := range []string{"0", "1", "2"} {
					out["train"+step] = layer.Forward(Training(1), in["batch"+step])
				}
				out["eval"] = layer.Forward(Evaluation(), in["eval"])
				for _, e := range walk(layer) {
					if e.buffer {
						out[e.name] = e.tensor
					}
				}
			}
			for name, want := range c.Outputs {
				if out[name] == nil {
					t.Fatalf("the layer has no %s", name)
				}
				checkGolden(t, name, out[name], want)
			}
			checkGoldenGrads(t, c, in, out)
		})
	}
}

func TestLossesEqualPyTorch(t *testing.T) {
	f, err := fixtures.Load("losses")
	if err != nil {
		t.Fatal(err)
	}
	reductions := map[string]Reduction{"mean": ReduceMean, "sum": ReduceSum, "none": ReduceNone, "batchmean": ReduceBatchMean}
	// options translates every argument and weight of a case.
	options := func(t *testing.T, c fixtures.Case, in map[string]*tensor.Tensor) []LossOption {
		var o []LossOption
		for name := range c.Attrs {
			switch name {
			case "reduction":
				o = append(o, Reduce(reductions[c.String(name, "")]))
			case "ignore_index":
				o = append(o, IgnoreIndex(c.Int(name, 0)))
			case "label_smoothing":
				o = append(o, LabelSmoothing(c.Float(name, 0)))
			case "margin":
				o = append(o, Margin(c.Float(name, 0)))
			case "delta", "beta":
				o = append(o, Threshold(c.Float(name, 0)))
			case "p":
				o = append(o, Power(c.Float(name, 0)))
			case "swap":
				o = append(o, Swap())
			case "log_target":
				if c.Bool(name, false) {
					o = append(o, LogTarget())
				}
			case "eps":
				if c.Float(name, 0) != 1e-6 {
					t.Fatalf("eps is %v", c.Attrs[name])
				}
			case "note":
			default:
				t.Fatalf("unknown argument %s", name)
			}
		}
		if w := in["weight"]; w != nil {
			o = append(o, Weight(w))
		}
		if w := in["pos_weight"]; w != nil {
			o = append(o, PosWeight(w))
		}
		return o
	}
	two := map[string]func(...LossOption) Loss{
		"cross_entropy": CrossEntropyWith, "nll_loss": NLLWith, "binary_cross_entropy": BCEWith,
		"binary_cross_entropy_with_logits": BCEWithLogitsWith, "mse_loss": MSEWith, "l1_loss": MAEWith,
		"huber_loss": HuberWith, "smooth_l1_loss": SmoothL1With, "hinge_embedding_loss": HingeEmbeddingWith,
		"soft_margin_loss": SoftMarginWith, "multi_margin_loss": MultiMarginWith, "kl_div": KLDivWith,
		"gaussian_kl": GaussianKLWith,
	}
	three := map[string]func(...LossOption) Loss3{
		"margin_ranking_loss": MarginRankingWith, "cosine_embedding_loss": CosineEmbeddingWith,
		"triplet_margin_loss": TripletMarginWith, "contrastive_loss": ContrastiveWith,
		"negative_sampling": NegativeSamplingWith,
	}
	used := map[string]bool{}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			in := goldenInputs(c)
			o := options(t, c, in)
			used[c.Op()] = true
			var y *tensor.Tensor
			switch {
			case two[c.Op()] != nil:
				y = two[c.Op()](o...)(in["input"], in["target"])
			case c.Op() == "triplet_margin_loss":
				y = TripletMarginWith(o...)(in["anchor"], in["positive"], in["negative"])
			case c.Op() == "negative_sampling":
				y = NegativeSamplingWith(o...)(in["centre"], in["beside"], in["noise"])
			case three[c.Op()] != nil:
				y = three[c.Op()](o...)(in["input1"], in["input2"], in["target"])
			default:
				t.Fatal("no loss is compared with this case")
			}
			checkGolden(t, "output", y, c.Outputs["output"])
			checkGoldenGrads(t, c, in, map[string]*tensor.Tensor{"output": y})
		})
	}
	if len(used) != len(two)+len(three) {
		t.Errorf("only %d of %d losses have cases", len(used), len(two)+len(three))
	}
}
