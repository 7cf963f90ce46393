package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/fixtures"
	"github.com/hadal-ml/hadal/tensor"
)

func TestTransformersEqualPyTorch(t *testing.T) {
	f, err := fixtures.Load("transformers")
	if err != nil {
		t.Fatal(err)
	}
	init := NewInit(1)
	optional := func(c fixtures.Case) []Option {
		if !c.Bool("elementwise_affine", true) {
			return []Option{NoAffine(), Eps(c.Float("eps", 0))}
		}
		return []Option{Eps(c.Float("eps", 0))}
	}
	config := func(c fixtures.Case) TransformerConfig {
		return TransformerConfig{Width: c.Int("d_model", 0), Heads: c.Int("nhead", 0), Hidden: c.Int("dim_feedforward", 0),
			Dropout: c.Float("dropout", 1), NormFirst: c.Bool("norm_first", false), GELU: c.String("activation", "") == "gelu"}
	}
	type forward func(c *Context, in map[string]*tensor.Tensor) *tensor.Tensor
	ofInput := func(m Module) (any, forward) {
		return m, func(c *Context, in map[string]*tensor.Tensor) *tensor.Tensor { return m.Forward(c, in["input"]) }
	}
	models := map[string]func(c fixtures.Case) (any, forward){
		"multihead_attention": func(c fixtures.Case) (any, forward) {
			var o []Option
			if !c.Bool("bias", true) {
				o = append(o, NoBias())
			}
			m := NewMultiheadAttention(init, c.Int("embed_dim", 0), c.Int("num_heads", 0), o...)
			return m, func(ctx *Context, in map[string]*tensor.Tensor) *tensor.Tensor {
				a := AttendOptions{KeyPadding: in["key_padding_mask"]}
				if hidden := in["attn_mask"]; hidden != nil {
					a.Mask = hidden.Not()
				}
				key, value := in["query"], in["value"]
				if in["key"] != nil {
					key = in["key"]
				}
				if value == nil {
					value = key
				}
				return m.Attend(ctx, in["query"], key, value, a)
			}
		},
		"transformer_encoder_layer": func(c fixtures.Case) (any, forward) {
			m := NewTransformerEncoderLayer(init, config(c))
			return m, func(ctx *Context, in map[string]*tensor.Tensor) *tensor.Tensor { return m.Forward(ctx, in["src"]) }
		},
		"transformer_decoder_layer": func(c fixtures.Case) (any, forward) {
			m := NewTransformerDecoderLayer(init, config(c))
			return m, func(ctx *Context, in map[string]*tensor.Tensor) *tensor.Tensor {
				return m.Attend(ctx, in["tgt"], in["memory"], DecodeOptions{Self: AttendOptions{Mask: in["tgt_mask"].Not()}})
			}
		},
		"layer_norm": func(c fixtures.Case) (any, forward) {
			return ofInput(NewLayerNormOver(c.Ints("normalized_shape", 1), optional(c)...))
		},
		"rms_norm": func(c fixtures.Case) (any, forward) {
			return ofInput(NewRMSNorm(c.Ints("normalized_shape", 1), optional(c)...))
		},
	}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			build, ok := models[c.Op()]
			if !ok {
				t.Fatal("no layer is compared with this case")
			}
			in := map[string]*tensor.Tensor{}
			for name, a := range c.Inputs {
				if a.DType == "bool" {
					in[name] = tensor.FromSlice(a.Bools(), a.Shape...)
					continue
				}
				in[name] = goldenTensor(a)
				if _, ok := c.Grads[name]; ok {
					in[name].RequireGrad()
				}
			}
			m, run := build(c)
			parameters := 0
			for _, e := range walk(m) {
				p := in[e.name]
				if p == nil || !slices.Equal(p.Shape(), e.tensor.Shape()) {
					t.Fatalf("PyTorch has no %s %v", e.name, e.tensor.Shape())
				}
				e.replace(p)
				parameters++
			}
			if parameters == 0 && c.Bool("elementwise_affine", true) {
				t.Fatal("the layer has no parameters")
			}
			y := run(Training(1), in)
			checkGolden(t, "output", y, c.Outputs["output"])
			checkGoldenGrads(t, c, in, map[string]*tensor.Tensor{"output": y})
		})
	}
}

// A generation step by step gives the rows of one pass over all.
func TestCacheGivesWhatOnePassGives(t *testing.T) {
	f := TransformerConfig{Width: 8, Heads: 2, Hidden: 12, NormFirst: true, GELU: true}
	r := tensor.NewRand(2)
	const length = 21 // more than the room that a cache starts with
	x, memory := r.Normal(0, 1, 3, length, 8), r.Normal(0, 1, 3, 5, 8)
	c := Inference()
	close := func(what string, got, want *tensor.Tensor) {
		t.Helper()
		g, w := got.Float64s(), want.Float64s()
		for i := range w {
			if !(math.Abs(g[i]-w[i]) <= 1e-5) {
				t.Fatalf("%s: element %d is %g, want %g", what, i, g[i], w[i])
			}
		}
	}

	encoder := NewTransformerEncoderLayer(NewInit(1), f)
	want := encoder.Attend(c, x, AttendOptions{Causal: true})
	var cache KVCache
	for at := 0; at < length; {
		n := min(1+2*(at%2), length-at) // one row, or three at once
		got := encoder.Attend(c, x.Narrow(1, at, n), AttendOptions{Causal: true, Cache: &cache})
		close("encoder", got, want.Narrow(1, at, n))
		at += n
	}
	if cache.Len() != length {
		t.Errorf("the cache holds %d positions, not %d", cache.Len(), length)
	}
	cache.Truncate(length - 1)
	close("after a step back", encoder.Attend(c, x.Narrow(1, length-1, 1), AttendOptions{Causal: true, Cache: &cache}), want.Narrow(1, length-1, 1))
	cache.Reset()
	close("after a reset", encoder.Attend(c, x.Narrow(1, 0, 1), AttendOptions{Causal: true, Cache: &cache}), want.Narrow(1, 0, 1))

	decoder := NewTransformerDecoderLayer(NewInit(1), f)
	want = decoder.Attend(c, x, memory, DecodeOptions{Self: AttendOptions{Causal: true}})
	var self, remembered KVCache
	source := memory
	for at := range length {
		o := DecodeOptions{Self: AttendOptions{Causal: true, Cache: &self}, Memory: AttendOptions{Cache: &remembered}}
		close("decoder", decoder.Attend(c, x.Narrow(1, at, 1), source, o), want.Narrow(1, at, 1))
		source = nil
	}
	if remembered.Len() != 5 {
		t.Errorf("the memory has %d positions, not 5", remembered.Len())
	}
}

// Padding hides keys whatever the mask is; a number of the mask is added.
func TestPaddingJoinsEveryMask(t *testing.T) {
	m := NewMultiheadAttention(NewInit(1), 8, 2)
	x := tensor.NewRand(1).Normal(0, 1, 2, 3, 8).RequireGrad()
	padding := tensor.FromSlice([]bool{false, true, false, false, false, true}, 2, 3)
	seen := tensor.FromSlice([]bool{true, true, false, true, true, true, false, true, true}, 3, 3)
	attend := func(o AttendOptions) *tensor.Tensor { return m.Attend(Evaluation(), x, x, x, o) }
	both := attend(AttendOptions{Mask: seen, KeyPadding: padding})
	bias := tensor.Where(seen, tensor.Scalar(0, tensor.Float32), tensor.Scalar(math.Inf(-1), tensor.Float32))
	near(t, "numbers", attend(AttendOptions{Mask: bias, KeyPadding: padding}), both, 1e-6)
	near(t, "one mask for both", attend(AttendOptions{Mask: padding.Not().Unsqueeze(1).Unsqueeze(1).And(seen)}), both, 0)
	near(t, "no mask", attend(AttendOptions{KeyPadding: padding}), attend(AttendOptions{KeyPadding: padding, Mask: tensor.Zeros(3, 3)}), 1e-6)

	none := attend(AttendOptions{KeyPadding: tensor.FromSlice([]bool{true, true, true, false, false, false}, 2, 3)})
	near(t, "a query that sees nothing", none.Select(0, 0), m.OutProj.Bias.Expand(3, 8), 0)
	g := tensor.Grad(none.Square().Sum(), append(Parameters(m), x))
	for _, v := range g {
		if !v.IsFinite().All().Bools()[0] {
			t.Error("a query that sees nothing has a gradient that is not finite")
		}
	}
	near(t, "gradient of what nobody sees", g[len(g)-1].Select(0, 0), tensor.Zeros(3, 8), 0)
}

func TestDropoutOfAttentionIsOffOutsideTraining(t *testing.T) {
	f := TransformerConfig{Width: 8, Heads: 2, Dropout: 0.5}
	l := NewTransformerEncoderLayer(NewInit(1), f)
	x := tensor.NewRand(1).Normal(0, 1, 2, 6, 8)
	once, again := l.Forward(Inference(), x).Float32s(), l.Forward(Evaluation(), x).Float32s()
	if !slices.Equal(once, again) {
		t.Error("inference and evaluation differ")
	}
	if trained := l.Forward(Training(1), x).Float32s(); slices.Equal(once, trained) {
		t.Error("training drops nothing")
	} else if !slices.Equal(trained, l.Forward(Training(1), x).Float32s()) {
		t.Error("the same seed drops other elements")
	}
}

func TestAttentionNamesWhatDoesNotFit(t *testing.T) {
	m := NewMultiheadAttention(NewInit(1), 8, 2)
	x := tensor.Ones(2, 3, 8)
	var cache KVCache
	for name, f := range map[string]func(){
		"width that heads do not divide": func() { NewMultiheadAttention(NewInit(1), 8, 3) },
		"query of another width":         func() { m.Forward(Inference(), tensor.Ones(2, 3, 7)) },
		"no key and no cache":            func() { m.Attend(Inference(), x, nil, nil, AttendOptions{}) },
		"no key and an empty cache":      func() { m.Attend(Inference(), x, nil, nil, AttendOptions{Cache: &cache}) },
		"mask of another length":         func() { m.Attend(Inference(), x, x, x, AttendOptions{Mask: tensor.Ones(3, 4).To(tensor.Bool)}) },
		"cache of another batch": func() {
			var c KVCache
			m.Attend(Inference(), x, x, x, AttendOptions{Cache: &c})
			m.Attend(Inference(), tensor.Ones(1, 1, 8), tensor.Ones(1, 1, 8), tensor.Ones(1, 1, 8), AttendOptions{Cache: &c})
		},
		"position beyond the table": func() {
			NewPositionalEncoding(NewInit(1), 4, 8).From(Inference(), x, 2)
		},
		"cut to more than there is": func() { cache.Truncate(1) },
		"cache in training":         func() { m.Attend(Training(1), x, x, x, AttendOptions{Cache: new(KVCache)}) },
		"cache in evaluation":       func() { m.Attend(Evaluation(), x, x, x, AttendOptions{Cache: new(KVCache)}) },
	} {
		func() {
			defer func() {
				switch r := recover().(type) {
				case *tensor.ShapeError, *tensor.UseError:
				default:
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}

func TestSinusoidalPositions(t *testing.T) {
	p := SinusoidalPositions(50, 6)
	for _, c := range []struct {
		t, i int
		want float64
	}{{0, 0, 0}, {0, 1, 1}, {7, 0, math.Sin(7)}, {7, 1, math.Cos(7)}, {49, 4, math.Sin(49 / math.Pow(10000, 4.0/6))}} {
		if got := p.At(c.t, c.i); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("position %d, column %d: %g, want %g", c.t, c.i, got, c.want)
		}
	}
	l := &PositionalEncoding{p}
	y := l.From(Inference(), tensor.Zeros(2, 3, 6), 4)
	if got, want := y.At(1, 2, 3), p.At(6, 3); got != want {
		t.Errorf("row 2 from position 4 on has %g, the table %g", got, want)
	}
}
