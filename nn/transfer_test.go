package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// block has a normalisation that learns and one that has nothing to learn.
type block struct {
	Conv  *Conv2d
	BN    *BatchNorm2d
	Plain *BatchNorm2d
	FC    *Linear
}

func newBlock(seed uint64, classes int) *block {
	init := NewInit(seed)
	return &block{NewConv2d(init, 1, 3, 3), NewBatchNorm2d(3), NewBatchNorm2d(3, NoAffine()), NewLinear(init, 3, classes)}
}

func (m *block) Forward(c *Context, x *tensor.Tensor) *tensor.Tensor {
	x = m.Plain.Forward(c, m.BN.ForwardReLU(c, m.Conv.Forward(c, x)))
	return m.FC.Forward(c, x.Mean(2, 3))
}

func TestWhatFitsIsLoadedAndTheRestIsNamed(t *testing.T) {
	from, to := newBlock(1, 5), newBlock(2, 7)
	from.BN.RunningVar.Fill(4)
	state := stateOf(from)
	delete(state, "bn.bias")
	state["head.weight"] = tensor.Ones(2)
	untouched := fmt.Sprint(to.FC.Weight.Float64s())
	loaded, skipped, err := LoadFitting(to, state)
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded) != 9 || !slices.IsSorted(loaded) || !slices.Contains(loaded, "bn.running_var") {
		t.Errorf("loaded %q", loaded)
	}
	if fmt.Sprint(to.Conv.Weight.Float64s()) != fmt.Sprint(from.Conv.Weight.Float64s()) || to.BN.RunningVar.At(2) != 4 {
		t.Error("the convolution or the running variance is not that of the weights")
	}
	if fmt.Sprint(to.FC.Weight.Float64s()) != untouched {
		t.Error("a tensor of another shape was changed")
	}
	said := fmt.Sprint(skipped)
	for _, want := range []string{"{bn.bias the weights have none of that name}", "{fc.weight the weights' has shape (5, 3), the model's (7, 3)}", "{head.weight the model has none of that name}", "{fc.bias "} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing is said of %s: %s", want, said)
		}
	}
	if len(skipped) != 4 {
		t.Errorf("%d tensors are named, want 4: %s", len(skipped), said)
	}
}

func TestWhatBeginsAnewIsNotLoaded(t *testing.T) {
	from, to := newBlock(1, 5), newBlock(2, 5)
	before := fmt.Sprint(to.FC.Weight.Float64s(), to.BN.RunningVar.Float64s())
	from.BN.RunningVar.Fill(4)
	loaded, skipped, err := LoadFitting(to, stateOf(from), "fc", "bn.running_*")
	if err != nil || before != fmt.Sprint(to.FC.Weight.Float64s(), to.BN.RunningVar.Float64s()) {
		t.Errorf("the last layer or the running variance was loaded (%v)", err)
	}
	if len(loaded) != 8 || len(skipped) != 4 || skipped[2] != (Skipped{"fc.bias", "it is to begin anew"}) {
		t.Errorf("loaded %q, skipped %q", loaded, skipped)
	}
	if _, _, err := LoadFitting(to, stateOf(from), "fc", "nope*"); err == nil || !strings.Contains(err.Error(), `"nope*" matches no tensor`) {
		t.Errorf("a pattern that matches nothing gave %v", err)
	}
	if _, _, err := LoadFitting(to, stateOf(from), "a[.b"); err == nil || !strings.Contains(err.Error(), `"a[.b"`) {
		t.Errorf("a bad pattern: %v", err)
	}
}

func TestAFrozenNormalisationStaysPut(t *testing.T) {
	for pattern, want := range map[string][2]bool{ // whether BN and Plain are frozen
		"bn": {true, false}, "bn.*": {true, false}, "*": {true, true}, "plain": {false, true}, "bn.weight": {false, false}, "conv": {false, false},
	} {
		m := newBlock(1, 2)
		if _, err := Freeze(m, pattern); err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{m.BN.Frozen, m.Plain.Frozen}; got != want {
			t.Errorf("%q freezes %v, want %v", pattern, got, want)
		}
		mean, variance := fmt.Sprint(m.BN.RunningMean.Float64s()), fmt.Sprint(m.BN.RunningVar.Float64s())
		x := tensor.NewRand(3).Normal(1, 2, 4, 1, 6, 6)
		m.Forward(Training(1), x)
		moved := mean != fmt.Sprint(m.BN.RunningMean.Float64s()) || variance != fmt.Sprint(m.BN.RunningVar.Float64s()) || m.BN.NumBatchesTracked.Item() != 0
		if moved == want[0] {
			t.Errorf("%q: the running statistics moved: %t", pattern, moved)
		}
		if _, err := Unfreeze(m, pattern); err != nil || m.BN.Frozen || m.Plain.Frozen {
			t.Errorf("%q: still frozen after Unfreeze (%v)", pattern, err)
		}
	}
	m := newBlock(1, 2)
	for _, pattern := range []string{"bn.weight", "bn.bias"} { // one after the other, until nothing is left to learn
		if _, err := Freeze(m, pattern); err != nil {
			t.Fatal(err)
		}
	}
	if !m.BN.Frozen {
		t.Error("the normalisation has nothing left to learn and is not frozen")
	}
}

// TestGradientsPassAFrozenNormalisation on their way to layers before it.
func TestGradientsPassAFrozenNormalisation(t *testing.T) {
	m := newBlock(1, 2)
	if _, err := Freeze(m, "*"); err != nil {
		t.Fatal(err)
	}
	if _, err := Unfreeze(m, "conv"); err != nil {
		t.Fatal(err)
	}
	To(m, tensor.Float64)
	x := tensor.NewRand(3).Normal(1, 2, 2, 1, 4, 4).To(tensor.Float64)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor { return m.Forward(Training(1), x).Square().Sum() },
		[]*tensor.Tensor{m.Conv.Weight, m.Conv.Bias}); err != nil {
		t.Errorf("%g: %v", d, err)
	}
	if m.BN.Weight.Grad() != nil || m.FC.Weight.Grad() != nil {
		t.Error("a frozen parameter has a gradient")
	}
}
