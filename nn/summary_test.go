package nn

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// convNet has what a summary must tell apart: layers, operations of its own,
// layers that are values, and a fused ReLU.
type convNet struct {
	Conv1    *Conv2d
	Norm     *BatchNorm2d
	Features Sequential
	Scale    *tensor.Tensor
	Out      *Linear
}

func newConvNet(init *Init) *convNet {
	return &convNet{
		Conv1: NewConv2d(init, 1, 4, 5, Padding(2)),
		Norm:  NewBatchNorm2d(4),
		Features: Sequential{
			NewConv2d(init, 4, 8, 3, Stride(2), NoBias()), ReLU{},
			NewConv2d(init, 8, 8, 3, Dilation(2)), ReLU{}, MaxPool2d{Kernel: 2},
			NewGroupNorm(2, 8), Dropout{0.5},
		},
		Scale: tensor.Ones(8, 1, 1).RequireGrad(),
		Out:   NewLinear(init, 8*4*4, 10),
	}
}

func (m *convNet) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor { // (B, 1, 28, 28)
	x = m.Norm.ForwardReLU(c, m.Conv1.Forward(c, x)) // (B, 4, 28, 28)
	x = m.Features.Forward(c, x).Mul(m.Scale)        // (B, 8, 4, 4)
	return m.Out.Forward(c, x.Flatten(1))            // (B, 10)
}

func TestSummaryTellsWhatEveryLayerDid(t *testing.T) {
	m := newConvNet(NewInit(1))
	if n, err := Freeze(m, "conv1.*"); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	before := State(m)
	s := Summarize(m, tensor.Zeros(2, 1, 28, 28))
	type row struct {
		path, kind string
		output     string
		params     int
		field      [2]int
	}
	want := []row{
		{"conv1", "Conv2d", "(2, 4, 28, 28)", 104, [2]int{5, 5}},
		{"norm", "BatchNorm2d", "(2, 4, 28, 28)", 8, [2]int{5, 5}},
		{"features.0", "Conv2d", "(2, 8, 13, 13)", 288, [2]int{7, 7}},
		{"features.1", "ReLU", "(2, 8, 13, 13)", 0, [2]int{7, 7}},
		{"features.2", "Conv2d", "(2, 8, 9, 9)", 584, [2]int{15, 15}}, // 7 + 2*2*2
		{"features.3", "ReLU", "(2, 8, 9, 9)", 0, [2]int{15, 15}},
		{"features.4", "MaxPool2d", "(2, 8, 4, 4)", 0, [2]int{17, 17}},
		{"features.5", "GroupNorm", "(2, 8, 4, 4)", 16, [2]int{17, 17}},
		{"features.6", "Dropout", "(2, 8, 4, 4)", 0, [2]int{17, 17}},
		{"scale", "mul", "(2, 8, 4, 4)", 8, [2]int{17, 17}},
		{"", "reshape", "(2, 128)", 0, [2]int{}},
		{"out", "Linear", "(2, 10)", 1290, [2]int{}},
	}
	var got []row
	params, flops := 0, int64(0)
	for _, r := range s.Rows {
		got = append(got, row{r.Path, r.Kind, tensor.ShapeString(r.Output), r.Parameters, r.ReceptiveField})
		params, flops = params+r.Parameters, flops+r.FLOPs
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("rows\n%v\nwant\n%v", got, want)
	}
	if s.Parameters != params || s.Parameters != CountParameters(m) || s.Frozen != 104 {
		t.Errorf("%d parameters of which %d are frozen; the rows have %d", s.Parameters, s.Frozen, params)
	}
	if conv := s.Rows[0].FLOPs; conv != 2*2*28*28*4*25 {
		t.Errorf("the first convolution has %d FLOPs", conv)
	}
	if flops > s.FLOPs || float64(flops) < 0.98*float64(s.FLOPs) {
		t.Errorf("%d FLOPs in all, %d in the rows", s.FLOPs, flops)
	}
	if m.Conv1.Weight.RequiresGrad() || !m.Out.Weight.RequiresGrad() {
		t.Error("the summary changed what is frozen")
	}
	for i, p := range State(m) {
		if p != before[i] {
			t.Error("the summary changed the state")
		}
	}
	if m.Norm.NumBatchesTracked.Item() != 0 {
		t.Error("the summary moved the running statistics")
	}
	if text := s.String(); !strings.Contains(text, "15 x 15") || !strings.Contains(text, "features.4") || !strings.HasPrefix(strings.Split(text, "\n")[13], "total") {
		t.Errorf("the table is\n%s", text)
	}
}

// sharedNet uses a layer twice and one value layer more often than it has it.
type sharedNet struct {
	Act  Tanh
	Both *Linear
}

func (m *sharedNet) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Act.Forward(c, m.Both.Forward(c, x))
	return m.Act.Forward(c, m.Both.Forward(c, x))
}

func TestSummaryCountsASharedLayerOnce(t *testing.T) {
	s := Summarize(&sharedNet{Both: NewLinear(NewInit(1), 3, 3)}, tensor.Ones(1, 3))
	if len(s.Rows) != 4 || s.Rows[0].Parameters != 12 || s.Rows[2].Parameters != 0 || s.Rows[2].Path != "both" || s.Rows[3].Path != "act" {
		t.Errorf("rows %+v", s.Rows)
	}
	if s.Rows[0].FLOPs != s.Rows[2].FLOPs {
		t.Error("both uses of a layer cost the same")
	}
	if s.Rows[0].ReceptiveField != [2]int{} {
		t.Error("a network without windows has no receptive field")
	}
}

// flatNet drops what it has just flattened, and its own input.
type flatNet struct {
	Noise, Drop, More Dropout
	Out               *Linear
}

func (m *flatNet) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Noise.Forward(c, x)
	x = m.More.Forward(c, m.Drop.Forward(c, x.Flatten(1)))
	return m.Out.Forward(c, x)
}

// TestSummaryListsDropoutWhereItStands though at rest it returns its input.
func TestSummaryListsDropoutWhereItStands(t *testing.T) {
	s := Summarize(&flatNet{Dropout{0.1}, Dropout{0.2}, Dropout{0.3}, NewLinear(NewInit(1), 12, 2)}, tensor.Ones(1, 3, 2, 2))
	var rows []string
	for _, r := range s.Rows {
		rows = append(rows, r.Path+" "+r.Kind+" "+tensor.ShapeString(r.Output))
	}
	want := []string{"noise Dropout (1, 3, 2, 2)", " reshape (1, 12)", "drop Dropout (1, 12)", "more Dropout (1, 12)", "out Linear (1, 2)"}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("the rows are %q, want %q", rows, want)
	}
}

// wordNet looks words up and slides over them.
type wordNet struct {
	Words *Embedding
	Conv  *Conv1d
}

func (m *wordNet) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Conv.Forward(c, m.Words.Forward(c, x).Transpose(1, 2))
}

func TestSummaryTakesIds(t *testing.T) {
	init := NewInit(1)
	s := Summarize(&wordNet{NewEmbedding(init, 5, 4), NewConv1d(init, 4, 2, 3)}, tensor.FromSlice([]int64{1, 2, 3, 4}, 1, 4))
	var paths []string
	for _, r := range s.Rows {
		paths = append(paths, r.Path+"/"+r.Kind)
	}
	if got := strings.Join(paths, " "); got != "words/Embedding /permute conv/Conv1d" {
		t.Errorf("rows %s", got)
	}
}

func TestSummaryOfAResidualNetwork(t *testing.T) {
	init := NewInit(1)
	m := &Sequential{
		Residual{Body: Sequential{NewConv2d(init, 2, 2, 3, Padding(1)), ReLU{}, NewConv2d(init, 2, 2, 3, Padding(1))}},
		Residual{Body: NewConv2d(init, 2, 4, 3, Stride(2), Padding(1)), Shortcut: NewConv2d(init, 2, 4, 1, Stride(2))},
		AdaptiveAvgPool2d{1, 1}, Flatten{},
	}
	s := Summarize(m, tensor.Ones(1, 2, 7, 7))
	var got []string
	for _, r := range s.Rows {
		got = append(got, r.Path+"/"+r.Kind)
	}
	want := "0.body.0/Conv2d 0.body.1/ReLU 0.body.2/Conv2d /add 1.body/Conv2d 1.shortcut/Conv2d /add 2/AdaptiveAvgPool2d 3/Flatten"
	if strings.Join(got, " ") != want {
		t.Errorf("rows %v\nwant %s", got, want)
	}
	if s.Rows[6].ReceptiveField != [2]int{7, 7} {
		t.Errorf("the sum sees %v, want the larger of both sides, 7 x 7", s.Rows[6].ReceptiveField)
	}
}
