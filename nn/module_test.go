package nn

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

func names(tensors []*tensor.Tensor) string {
	var out []string
	for _, t := range tensors {
		out = append(out, t.Name())
	}
	return strings.Join(out, " ")
}

// shapes has every kind of field that a model can have.
type shapes struct {
	FC1       *Linear
	LayerNorm *LayerNorm `nn:"ln"`
	Blocks    []struct{ Conv *Conv2d }
	ByName    map[string]*Linear
	Any       Module
	None      *Linear
	Hidden    *Linear        `nn:"-"`
	Steps     *tensor.Tensor `nn:",buffer"`
	Table     []float64
	inside    *Linear
	Embedded
}

// Embedded adds its fields to the model that embeds it.
type Embedded struct{ HTTPScale *tensor.Tensor }

func newShapes() *shapes {
	init := NewInit(1)
	return &shapes{
		FC1: NewLinear(init, 2, 2), LayerNorm: NewLayerNorm(2, NoBias()),
		Blocks: []struct{ Conv *Conv2d }{{NewConv2d(init, 1, 1, 1)}, {NewConv2d(init, 1, 1, 1, NoBias())}},
		ByName: map[string]*Linear{"b": NewLinear(init, 1, 1, NoBias()), "a": NewLinear(init, 1, 1, NoBias())},
		Any:    NewPReLU(1), Hidden: NewLinear(init, 9, 9), inside: NewLinear(init, 9, 9),
		Steps: tensor.Ones(1), Table: []float64{1}, Embedded: Embedded{tensor.Ones(3).RequireGrad()},
	}
}

func TestParametersAreNamedAfterTheirFields(t *testing.T) {
	m := newShapes()
	const learned = "fc1.weight fc1.bias ln.weight blocks.0.conv.weight blocks.0.conv.bias blocks.1.conv.weight by_name.a.weight by_name.b.weight any.weight"
	if got := names(Parameters(m)); got != learned+" http_scale" {
		t.Errorf("parameters %s", got)
	}
	if got := names(State(m)); got != learned+" steps http_scale" {
		t.Errorf("state %s", got)
	}
	if got := CountParameters(m); got != 4+2+2+1+1+1+1+1+1+3 {
		t.Errorf("%d parameters", got)
	}
	if m.inside.Weight.Name() != "" || m.Hidden.Weight.Name() != "" {
		t.Error("a field that is left out was named")
	}
}

func TestBatchNormHasTheNamesOfPyTorch(t *testing.T) {
	if got := names(State(NewBatchNorm2d(3))); got != "weight bias running_mean running_var num_batches_tracked" {
		t.Errorf("state %s", got)
	}
	if got := names(Parameters(NewBatchNorm1d(3))); got != "weight bias" {
		t.Errorf("parameters %s", got)
	}
}

func TestATiedWeightIsOneParameter(t *testing.T) {
	init := NewInit(1)
	m := &struct {
		Words *Embedding
		Out   *Linear
	}{NewEmbedding(init, 3, 2), NewLinear(init, 2, 3, NoBias())}
	m.Out.Weight = m.Words.Weight
	if got := names(Parameters(m)); got != "words.weight" {
		t.Errorf("parameters %s", got)
	}
	To(m, tensor.Float64)
	if m.Out.Weight != m.Words.Weight || m.Out.Weight.DType() != tensor.Float64 {
		t.Error("a conversion unties the weights or leaves them")
	}
}

func TestToConvertsFloatsAndKeepsTheRest(t *testing.T) {
	m := &struct{ Norm *BatchNorm2d }{NewBatchNorm2d(2)}
	m.Norm.Bias.SetRequiresGrad(false)
	m.Norm.RunningVar.Fill(3)
	To(m, tensor.Float64)
	n := m.Norm
	if n.Weight.DType() != tensor.Float64 || n.RunningVar.DType() != tensor.Float64 || n.NumBatchesTracked.DType() != tensor.Int64 {
		t.Error("types", n.Weight.DType(), n.RunningVar.DType(), n.NumBatchesTracked.DType())
	}
	if !n.Weight.RequiresGrad() || n.Bias.RequiresGrad() || n.RunningMean.RequiresGrad() || n.RunningVar.At(1) != 3 || n.Weight.Name() != "norm.weight" {
		t.Error("what is frozen, a value or a name changed")
	}
	if e := useErrorOf(t, func() { To(*NewLinear(NewInit(1), 1, 1), tensor.Float64) }); !strings.Contains(e.Reason, "pointer") {
		t.Error(e)
	}
}

func TestFreezePatterns(t *testing.T) {
	m := newShapes()
	learned := func() string {
		var out []string
		for _, p := range Parameters(m) {
			if p.RequiresGrad() {
				out = append(out, p.Name())
			}
		}
		return strings.Join(out, " ")
	}
	if n, err := Freeze(m, "blocks"); n != 3 || err != nil {
		t.Errorf("froze %d, %v", n, err)
	}
	if n, err := Freeze(m, "fc1.weight"); n != 1 || err != nil {
		t.Errorf("froze %d, %v", n, err)
	}
	if got := learned(); got != "fc1.bias ln.weight by_name.a.weight by_name.b.weight any.weight http_scale" {
		t.Errorf("still learned: %s", got)
	}
	if n, err := Unfreeze(m, "blocks.1"); n != 1 || err != nil {
		t.Errorf("thawed %d, %v", n, err)
	}
	if n, err := Unfreeze(m, "b*.*.conv.bias"); n != 1 || err != nil {
		t.Errorf("thawed %d, %v", n, err)
	}
	if n, err := Freeze(m, "block"); n != 0 || err != nil {
		t.Errorf("froze %d, %v", n, err)
	}
	if _, err := Freeze(m, "a[.b"); err == nil || !strings.Contains(err.Error(), `"a[.b"`) {
		t.Errorf("a bad pattern: %v", err)
	}
	FrozenWeight := m.FC1.Weight
	m.FC1.Forward(Training(1), tensor.Ones(1, 2)).Sum().Backward()
	if FrozenWeight.Grad() != nil || m.FC1.Bias.Grad() == nil {
		t.Error("a frozen weight has a gradient, or a learned bias none")
	}
}

func stateOf(model any) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for _, t := range State(model) {
		out[t.Name()] = t.Keep()
	}
	return out
}

func TestLoadStateNamesTheProblemAndChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(state map[string]*tensor.Tensor)
		want  []string
	}{
		"missing":   {func(s map[string]*tensor.Tensor) { delete(s, "out.bias") }, []string{`"out.bias"`, "(10,)"}},
		"left over": {func(s map[string]*tensor.Tensor) { s["head.weight"] = tensor.Ones(1) }, []string{`"head.weight"`}},
		"shape":     {func(s map[string]*tensor.Tensor) { s["scale"] = tensor.Ones(8, 1) }, []string{`"scale"`, "(8, 1)", "(8, 1, 1)"}},
	} {
		m, from := newConvNet(NewInit(1)), stateOf(newConvNet(NewInit(2)))
		before := stateOf(m)
		c.spoil(from)
		err := LoadState(m, from)
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not name %s", name, err, want)
			}
		}
		for key, now := range stateOf(m) {
			near(t, name+" "+key, now, before[key], 0)
		}
	}
}

func TestSaveAndLoadAreARoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	a, b := newConvNet(NewInit(1)), newConvNet(NewInit(2))
	x := tensor.NewRand(1).Normal(0, 1, 2, 1, 28, 28)
	a.Forward(Training(1), x) // moves the running statistics
	if err := Save(path, a, map[string]string{"epoch": "3"}); err != nil {
		t.Fatal(err)
	}
	if err := Load(path, b); err != nil {
		t.Fatal(err)
	}
	near(t, "output", b.Forward(Inference(), x), a.Forward(Inference(), x), 0)
	if b.Norm.NumBatchesTracked.Item() != 1 {
		t.Error("the number of batches was not loaded")
	}
	_, metadata, err := LoadTensors(path)
	if err != nil || metadata["epoch"] != "3" {
		t.Errorf("metadata %v, %v", metadata, err)
	}
	err = Load(path, NewLinear(NewInit(1), 2, 2))
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), `"weight"`) {
		t.Errorf("a model that does not fit: %v", err)
	}
	if err := os.WriteFile(path, []byte("no weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	if Load(path, b) == nil || Load(filepath.Join(t.TempDir(), "missing"), b) == nil {
		t.Error("a damaged or missing file is no error")
	}
}

func TestSaveTensorsKeepsEveryType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.safetensors")
	saved := map[string]*tensor.Tensor{}
	for d := range dtypeNames {
		saved["part."+d.String()] = tensor.FromSlice([]float64{0, 1, 1, 0}, 2, 2).To(d)
	}
	if err := SaveTensors(path, saved, nil); err != nil {
		t.Fatal(err)
	}
	loaded, _, err := LoadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	part := WithPrefix(loaded, "part.")
	if len(part) != len(dtypeNames) || len(WithPrefix(loaded, "other.")) != 0 {
		t.Errorf("%d tensors with the prefix", len(part))
	}
	for d := range dtypeNames {
		got := part[d.String()]
		if got.DType() != d || !slices.Equal(got.Float64s(), []float64{0, 1, 1, 0}) {
			t.Errorf("%v came back as %v %v", d, got.DType(), got.Float64s())
		}
	}
}

// torchNet is the network of testdata/make_torch_net.py.
type torchNet struct {
	Conv1  *Conv2d
	BN1    *BatchNorm2d
	Blocks []Sequential
	FC     *Linear
}

func (m *torchNet) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { // (B, 2, 7, 7)
	x = m.BN1.ForwardReLU(c, m.Conv1.Forward(c, x)) // (B, 4, 7, 7)
	for _, block := range m.Blocks {
		x = block.Forward(c, x) // (B, 4, 3, 3), (B, 4, 1, 1)
	}
	return m.FC.Forward(c, x.Flatten(1)) // (B, 3)
}

func TestAFileOfPyTorchGivesPyTorchsOutput(t *testing.T) {
	all, metadata, err := LoadTensors("testdata/torch_net.safetensors")
	if err != nil || metadata["torch"] == "" {
		t.Fatal(metadata, err)
	}
	test := WithPrefix(all, "test.")
	delete(all, "test.input")
	delete(all, "test.output")
	init := NewInit(1)
	block := func() Sequential { return Sequential{NewConv2d(init, 4, 4, 3, Stride(2)), ReLU{}} }
	m := &torchNet{NewConv2d(init, 2, 4, 3, Padding(1), NoBias()), NewBatchNorm2d(4), []Sequential{block(), block()}, NewLinear(init, 4, 3)}
	if err := LoadState(m, all); err != nil {
		t.Fatal(err)
	}
	if m.BN1.NumBatchesTracked.Item() != 3 || len(State(m)) != len(all) {
		t.Error("the state is not all there")
	}
	near(t, "inference", m.Forward(Inference(), test["input"]), test["output"], 1e-6)
	near(t, "evaluation", m.Forward(Evaluation(), test["input"]), test["output"], 1e-6)
}

func TestGradientsOfWholeNetworks(t *testing.T) {
	init := NewInit(2)
	norm := NewBatchNorm2d(3)
	norm.RunningMean.Fill(0.2)
	norm.RunningVar.Fill(1.7)
	for name, c := range map[string]struct {
		model   Sequential
		shape   []int
		classes int
	}{
		"convolutional": {Sequential{NewConv2d(init, 2, 3, 3, Padding(1)), norm, SiLU{}, AvgPool2d{Kernel: 2},
			Dropout{0.5}, NewConvTranspose2d(init, 3, 2, 2), NewGroupNorm(1, 2), Tanh{}, Flatten{}, NewLinear(init, 18, 4)}, []int{2, 2, 4, 4}, 4},
		"perceptron": {Sequential{NewLinear(init, 5, 6), NewLayerNorm(6), GELU{}, Residual{Body: NewLinear(init, 6, 6)}, SELU{}, NewLinear(init, 6, 3)}, []int{4, 5}, 3},
		"sequence":   {Sequential{NewConv1d(init, 2, 4, 3, Padding(1)), NewBatchNorm1d(4), Softplus{}, NewPReLU(4), GlobalAvgPool{}, NewLinear(init, 4, 3)}, []int{3, 2, 6}, 3},
	} {
		m := &c.model
		To(m, tensor.Float64)
		x := tensor.NewRand(5).Normal(0, 1, c.shape...).To(tensor.Float64)
		classes := make([]int64, c.shape[0])
		for i := range classes {
			classes[i] = int64(i % c.classes)
		}
		y := tensor.FromSlice(classes)
		loss := func(context func() *Context) func([]*tensor.Tensor) *tensor.Tensor {
			return func([]*tensor.Tensor) *tensor.Tensor { return CrossEntropy(m.Forward(context(), x), y) }
		}
		worst, err := tensor.GradCheck(loss(Evaluation), Parameters(m))
		if err != nil || worst == 0 {
			t.Errorf("%s: %v, %v", name, worst, err)
		}
	}
}

// TestGradCheckRefusesDropout of every kind, also where each call drops the
// same, and where no gradient flows through what is dropped.
func TestGradCheckRefusesDropout(t *testing.T) {
	init := NewInit(1)
	image, features := tensor.Full(1, tensor.Float64, 2, 3, 4, 4), tensor.Full(1, tensor.Float64, 4, 3)
	for name, c := range map[string]struct {
		m *Sequential
		x *tensor.Tensor
	}{
		"elements":          {&Sequential{NewLinear(init, 3, 20), Dropout{0.5}, NewLinear(init, 20, 1)}, features},
		"elements of input": {&Sequential{Dropout{0.1}, NewLinear(init, 3, 1)}, features},
		"channels":          {&Sequential{NewConv2d(init, 3, 2, 3), Dropout2d{0.5}, Tanh{}}, image},
		"channels of input": {&Sequential{Dropout2d{0.1}, Flatten{}, NewLinear(init, 48, 1)}, image},
	} {
		To(c.m, tensor.Float64)
		seed := uint64(0)
		for kind, context := range map[string]func() *Context{
			"fixed seed": func() *Context { return Training(1) },
			"new seeds":  func() *Context { seed++; return Training(seed) },
		} {
			_, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return c.m.Forward(context(), c.x).Sum() }, Parameters(c.m))
			if err == nil || !strings.Contains(err.Error(), "turn dropout off") {
				t.Errorf("%s, %s: GradCheck gave %v", name, kind, err)
			}
		}
		if _, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return c.m.Forward(Evaluation(), c.x).Square().Sum() }, Parameters(c.m)); err != nil {
			t.Errorf("%s, off: GradCheck gave %v", name, err)
		}
	}
}

func TestTwoTensorsOfOneNamePanic(t *testing.T) {
	init := NewInit(1)
	m := &struct{ FC1, Fc1 *Linear }{NewLinear(init, 2, 2), NewLinear(init, 2, 2)}
	if e := useErrorOf(t, func() { Parameters(m) }); !strings.Contains(e.Error(), `"fc1.weight"`) {
		t.Error(e)
	}
	m.Fc1 = m.FC1 // is tied
	if n := len(Parameters(m)); n != 2 {
		t.Errorf("%d parameters", n)
	}
}

func TestNumberedFields(t *testing.T) {
	init := NewInit(1)
	m := struct {
		Layers []*Linear `nn:"layer%d"`
	}{[]*Linear{NewLinear(init, 2, 2, NoBias()), NewLinear(init, 2, 2, NoBias())}}
	if got := Parameters(&m); len(got) != 2 || got[0].Name() != "layer1.weight" || got[1].Name() != "layer2.weight" {
		t.Errorf("parameters %v", got)
	}
}
