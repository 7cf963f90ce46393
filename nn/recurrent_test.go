package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/fixtures"
	"github.com/hadal-ml/hadal/tensor"
)

// recurrentOutputs runs a case's layer with the case's parameters.
func recurrentOutputs(t *testing.T, c fixtures.Case, in map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	var o []Option
	for name := range c.Attrs {
		switch name {
		case "num_layers":
			o = append(o, NumLayers(c.Int(name, 1)))
		case "bidirectional":
			o = append(o, Bidirectional())
		case "batch_first":
			o = append(o, BatchFirst())
		case "bias":
			o = append(o, NoBias())
		case "input_size", "hidden_size", "lengths":
		case "nonlinearity":
			if c.String(name, "") != "relu" {
				t.Fatalf("unknown activation %s", c.String(name, ""))
			}
		default:
			t.Fatalf("unknown argument %s", name)
		}
	}
	features, hidden := c.Int("input_size", 0), c.Int("hidden_size", 0)
	// The parameters are replaced by the inputs of the same names.
	adopt := func(layer any) {
		To(layer, in["weight_ih_l0"].DType())
		found := 0
		for _, e := range walk(layer) {
			p := in[e.name]
			if p == nil || !slices.Equal(p.Shape(), e.tensor.Shape()) {
				t.Fatalf("%s has shape %v; PyTorch has none of this name and shape", e.name, e.tensor.Shape())
			}
			e.replace(p)
			found++
		}
		for name := range in {
			if strings.HasPrefix(name, "weight_") || strings.HasPrefix(name, "bias_") {
				found--
			}
		}
		if found != 0 {
			t.Fatalf("PyTorch has %d parameters more", -found)
		}
	}
	embedding := &Embedding{Weight: in["embedding"], Padding: -1}
	lengths, pass := c.Ints("lengths", 1), Training(1)
	switch x := in["input"]; c.Op() {
	case "rnn":
		l := NewRNN(NewInit(1), features, hidden, o...)
		l.ReLU = c.Has("nonlinearity")
		adopt(l)
		if embedding.Weight != nil {
			y, h := l.RunIDs(pass, embedding, x, in["h0"], lengths)
			return map[string]*tensor.Tensor{"output": y, "hn": h}
		}
		y, h := l.Run(pass, x, in["h0"], lengths)
		return map[string]*tensor.Tensor{"output": y, "hn": h}
	case "gru":
		l := NewGRU(NewInit(1), features, hidden, o...)
		adopt(l)
		if embedding.Weight != nil {
			y, h := l.RunIDs(pass, embedding, x, in["h0"], lengths)
			return map[string]*tensor.Tensor{"output": y, "hn": h}
		}
		y, h := l.Run(pass, x, in["h0"], lengths)
		return map[string]*tensor.Tensor{"output": y, "hn": h}
	case "lstm":
		l := NewLSTM(NewInit(1), features, hidden, o...)
		adopt(l)
		start := LSTMState{in["h0"], in["c0"]}
		if embedding.Weight != nil {
			y, s := l.RunIDs(pass, embedding, x, start, lengths)
			return map[string]*tensor.Tensor{"output": y, "hn": s.H, "cn": s.C}
		}
		y, s := l.Run(pass, x, start, lengths)
		return map[string]*tensor.Tensor{"output": y, "hn": s.H, "cn": s.C}
	}
	t.Fatal("no layer is compared with this case")
	return nil
}

func TestSequenceLayersEqualPyTorch(t *testing.T) {
	f, err := fixtures.Load("sequences")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			in := goldenInputs(c)
			var out map[string]*tensor.Tensor
			if c.Op() == "embedding_bag" {
				l := &EmbeddingBag{in["weight"], c.Int("padding_idx", -1), tensor.BagMode(c.String("mode", ""))}
				y := (*tensor.Tensor)(nil)
				if factors := in["factors"]; factors != nil {
					y = l.RunWeighted(Training(1), in["input"], in["offsets"], factors)
				} else {
					y = l.Run(Training(1), in["input"], in["offsets"])
				}
				out = map[string]*tensor.Tensor{"output": y}
			} else {
				out = recurrentOutputs(t, c, in)
			}
			for name, want := range c.Outputs {
				checkGolden(t, name, out[name], want)
			}
			checkGoldenGrads(t, c, in, out)
		})
	}
}

// A sequence cut into pieces gives what the whole gives, when the states go
// from piece to piece: this is how text is generated.
func TestStatesCarryOn(t *testing.T) {
	init, c := NewInit(3), Inference()
	x := tensor.NewRand(1).Normal(0, 1, 5, 2, 3)
	lstm := NewLSTM(init, 3, 4, NumLayers(2))
	whole, last := lstm.Run(c, x, LSTMState{}, nil)
	var state LSTMState
	var pieces []*tensor.Tensor
	for s := range 5 {
		var y *tensor.Tensor
		y, state = lstm.Run(c, x.Narrow(0, s, 1), state, nil)
		pieces = append(pieces, y)
	}
	near(t, "LSTM step by step", tensor.Concat(0, pieces...), whole, 1e-6)
	near(t, "last state", state.H, last.H, 1e-6)
	near(t, "last cells", state.C, last.C, 1e-6)

	gru := NewGRU(init, 3, 4)
	whole = gru.Forward(c, x)
	first, h := gru.Run(c, x.Narrow(0, 0, 2), nil, nil)
	rest, _ := gru.Run(c, x.Narrow(0, 2, 3), h, nil)
	near(t, "GRU in two pieces", tensor.Concat(0, first, rest), whole, 1e-6)
}

// What lies behind the end of a sequence can be anything.
func TestPaddingIsNotRead(t *testing.T) {
	l := NewGRU(NewInit(1), 2, 3, Bidirectional())
	x := tensor.NewRand(1).Normal(0, 1, 4, 2, 2)
	spoiled := x.Keep()
	v := tensor.MutableData[float32](spoiled)
	v[(3*2+0)*2] = float32(nan()) // the last step of the first sequence
	lengths := []int{3, 4}
	y, h := l.Run(Training(1), spoiled, nil, lengths)
	want, wantH := l.Run(Training(1), x, nil, lengths)
	near(t, "output", y, want, 0)
	near(t, "states", h, wantH, 0)
	for i, g := range tensor.Grad(y.Sum(), Parameters(l)) {
		if !slices.Equal(g.Shape(), Parameters(l)[i].Shape()) || g.IsNaN().Any().Bools()[0] {
			t.Errorf("the gradient of %s is %v", Parameters(l)[i].Name(), g)
		}
	}
	for _, at := range []int{0, 5} {
		if v := y.Select(0, 3).Select(0, 0).Float64s()[at]; v != 0 {
			t.Errorf("the output behind the end is %v", v)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }

func TestDropoutIsBetweenRecurrentLayersOnly(t *testing.T) {
	x := tensor.NewRand(1).Normal(0, 1, 3, 2, 4)
	one, two := NewRNN(NewInit(1), 4, 5, DropoutBetween(0.5)), NewRNN(NewInit(1), 4, 5, NumLayers(2), DropoutBetween(0.5))
	near(t, "one layer", one.Forward(Training(1), x), one.Forward(Inference(), x), 0)
	if a, b := two.Forward(Training(1), x).Float64s(), two.Forward(Inference(), x).Float64s(); slices.Equal(a, b) {
		t.Error("two layers drop nothing in training")
	}
	near(t, "evaluation", two.Forward(Evaluation(), x), two.Forward(Inference(), x), 0)
}

// Dropped weights are the same for all steps and sequences of a call.
func TestWeightDropoutIsOfTheWeightsBetweenUnits(t *testing.T) {
	x := tensor.NewRand(1).Normal(0, 1, 3, 1, 4).Expand(3, 2, 4)
	for _, l := range []Module{NewRNN(NewInit(1), 4, 5, WeightDropout(0.5)), NewGRU(NewInit(1), 4, 5, WeightDropout(0.5)), NewLSTM(NewInit(1), 4, 5, WeightDropout(0.5))} {
		trained, used := l.Forward(Training(1), x), l.Forward(Inference(), x)
		near(t, "first step, which hears nothing of before", trained.Select(0, 0), used.Select(0, 0), 1e-6)
		near(t, "two equal sequences", trained.Select(1, 0), trained.Select(1, 1), 1e-6)
		near(t, "evaluation", l.Forward(Evaluation(), x), used, 0)
		if slices.Equal(trained.Float64s(), used.Float64s()) {
			t.Errorf("%T drops nothing in training", l)
		}
	}
	if e := useErrorOf(t, func() { NewGRU(NewInit(1), 3, 2, WeightDropout(1)) }); !strings.Contains(fmt.Sprint(e), "dropout 0 and 1") {
		t.Error(e)
	}
}

func TestRecurrentSummary(t *testing.T) {
	l := NewLSTM(NewInit(1), 3, 4, NumLayers(2), Bidirectional())
	s := Summarize(l, tensor.NewRand(1).Normal(0, 1, 5, 2, 3))
	want := 2*(16*(3+4)+32) + 2*(16*(8+4)+32)
	if s.Parameters != want || !slices.Equal(s.Output, []int{5, 2, 8}) || len(s.Rows) != 1 || s.Rows[0].Kind != "LSTM" || s.Rows[0].Parameters != want {
		t.Errorf("the summary is\n%v\nwant one LSTM with %d parameters", s, want)
	}
	// Products with inputs and states; the cells add a little.
	if least := int64(2 * 10 * 2 * 16 * (3 + 4 + 8 + 4)); s.FLOPs < least || s.FLOPs > least*5/4 {
		t.Errorf("%d operations, want a little more than %d", s.FLOPs, least)
	}
}

func TestRecurrentMisfits(t *testing.T) {
	init, c := NewInit(1), Training(1)
	l := NewLSTM(init, 3, 4)
	x := tensor.Ones(5, 2, 3)
	for want, f := range map[string]func(){
		"LSTM: needs (T, B, 3)":                      func() { l.Forward(c, tensor.Ones(5, 3)) },
		"LSTM: needs ids (T, B)":                     func() { l.RunIDs(c, NewEmbedding(init, 5, 3), tensor.Ones(9).To(tensor.Int64), LSTMState{}, nil) },
		"with BatchFirst (B, T, 3)":                  func() { l.Forward(c, tensor.Ones(5, 2, 4)) },
		"(layers*directions, B, hidden) = (1, 2, 4)": func() { l.Run(c, x, LSTMState{H: tensor.Ones(2, 4)}, nil) },
		"length 6 is outside 1 to 5":                 func() { l.Run(c, x, LSTMState{}, []int{6, 1}) },
		"length 0 is outside 1 to 5":                 func() { l.Run(c, x, LSTMState{}, []int{0, 1}) },
		"3 lengths were given for 2 sequences":       func() { l.Run(c, x, LSTMState{}, []int{1, 1, 1}) },
		"the embedding must be 3 wide":               func() { l.RunIDs(c, NewEmbedding(init, 5, 2), tensor.Ones(2, 2).To(tensor.Int64), LSTMState{}, nil) },
	} {
		if e := shapeErrorOf(t, f); !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e.Error(), want)
		}
	}
	if e := useErrorOf(t, func() { NewGRU(init, 3, 0) }); !strings.Contains(e.Error(), "NewGRU") {
		t.Error(e)
	}
	if e := useErrorOf(t, func() { NewRNN(init, 3, 2, NumLayers(0)) }); !strings.Contains(e.Error(), "0 layers") {
		t.Error(e)
	}
	if e := useErrorOf(t, func() { NewGRU(init, 3, 2, DropoutBetween(1)) }); !strings.Contains(fmt.Sprint(e), "dropout 1") {
		t.Error(e)
	}
}
