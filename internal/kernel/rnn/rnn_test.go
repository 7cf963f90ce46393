package rnn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

// draw makes n numbers that both element types hold exactly.
func draw[T gemm.Float](seed uint64, n int, scale float64) []T {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]T, n)
	for i := range x {
		x[i] = T(float32(scale * r.NormFloat64()))
	}
	return x
}

// everything is what one pass and its gradient compute.
type everything[T gemm.Float] struct {
	pass Pass[T]
	grad Gradient[T]
}

func (e *everything[T]) slices() map[string][]T {
	return map[string][]T{"output": e.pass.Output, "hn": e.pass.HN, "cn": e.pass.CN, "input gradient": e.grad.Input,
		"weight gradient": e.grad.Weight, "bias gradient": e.grad.Bias, "h0 gradient": e.grad.H0, "c0 gradient": e.grad.C0}
}

// shape is a size of a net and the steps it runs.
type shape struct {
	name   string
	hidden int
	batch  int
	steps  Steps
}

// lengths are the steps of sequences of falling lengths.
func lengths(reverse bool, lists ...[]int) Steps {
	list := slices.Concat(lists...)
	var s Steps
	first := 0
	for t := range list[0] {
		n := 0
		for n < len(list) && list[n] > t {
			n++
		}
		s.Rows, s.First = append(s.Rows, n), append(s.First, first)
		first += n
	}
	if reverse {
		for i, j := 0, len(s.Rows)-1; i < j; i, j = i+1, j-1 {
			s.Rows[i], s.Rows[j] = s.Rows[j], s.Rows[i]
			s.First[i], s.First[j] = s.First[j], s.First[i]
		}
	}
	return s
}

// shapes reach every way to multiply: not packed, narrow and wide panels,
// several panels and several tasks, of rows and of units, each with something
// left over.
func shapes() []shape {
	return []shape{
		{"one row", 5, 1, Uniform(1, 1, false)},
		{"low", 70, 3, Uniform(4, 3, false)},
		{"wide", 45, 9, Uniform(3, 9, true)},
		{"tasks", 200, 20, Uniform(3, 20, false)},
		{"many tasks", 300, 64, Uniform(2, 64, true)},
		{"few rows of many units", 400, 4, Uniform(1, 4, false)},
		{"lengths", 260, 17, lengths(false, slices.Repeat([]int{3}, 9), slices.Repeat([]int{2}, 8))},
		{"lengths in reverse", 260, 17, lengths(true, slices.Repeat([]int{3}, 9), slices.Repeat([]int{1}, 8))},
		{"a last step of no rows", 260, 17, Steps{Rows: []int{17, 0}, First: []int{0, 17}}},
		{"lengths in tasks of rows", 45, 40, lengths(false, slices.Repeat([]int{4}, 7), slices.Repeat([]int{2}, 20), slices.Repeat([]int{1}, 13))},
		{"the same in reverse", 45, 48, lengths(true, slices.Repeat([]int{4}, 17), slices.Repeat([]int{2}, 31))},
	}
}

func runAll[T gemm.Float](cell Cell, s shape, kept bool) *everything[T] {
	n := &Net[T]{Cell: cell, Hidden: s.hidden}
	w, total, h, states := n.width(), s.steps.total(), s.hidden, s.batch*s.hidden
	n.Weight, n.Bias = draw[T](1, w*h, 1/math.Sqrt(float64(h))), draw[T](2, w, 0.3)
	e := &everything[T]{}
	e.pass = Pass[T]{Steps: s.steps, Batch: s.batch, Input: draw[T](3, total*w, 1), H0: draw[T](4, states, 0.5),
		Output: make([]T, total*h), HN: make([]T, states)}
	e.grad = Gradient[T]{Output: draw[T](6, total*h, 1), HN: draw[T](7, states, 1),
		Input: make([]T, total*w), Weight: make([]T, w*h), Bias: make([]T, w), H0: make([]T, states)}
	if cell == LSTM {
		e.pass.C0, e.pass.CN = draw[T](5, states, 0.5), make([]T, states)
		e.grad.CN, e.grad.C0 = draw[T](8, states, 1), make([]T, states)
	}
	if kept && cell.Gates() > 1 {
		e.pass.Gates, e.pass.Inner = make([]T, total*w), make([]T, total*h)
	}
	n.Forward(&e.pass)
	if kept || cell.Gates() == 1 {
		n.Backward(&e.pass, &e.grad)
	}
	return e
}

// oracle runs one row after the other, as the package comment has it.
func oracle(cell Cell, s shape) (output []float64) {
	n := &Net[float64]{Cell: cell, Hidden: s.hidden}
	w, h := n.width(), s.hidden
	weight, bias := draw[float64](1, w*h, 1/math.Sqrt(float64(h))), draw[float64](2, w, 0.3)
	input := draw[float64](3, s.steps.total()*w, 1)
	state, cells := draw[float64](4, s.batch*h, 0.5), draw[float64](5, s.batch*h, 0.5)
	output = make([]float64, s.steps.total()*h)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for i, first := range s.steps.First {
		for b := range s.steps.Rows[i] {
			x, before, next := input[(first+b)*w:][:w], state[b*h:][:h], output[(first+b)*h:][:h]
			back := make([]float64, w)
			for j := range back {
				back[j] = bias[j]
				for p, v := range before {
					back[j] += v * weight[j*h+p]
				}
			}
			for j := range next {
				sum := func(gate int) float64 { return x[gate*h+j] + back[gate*h+j] }
				switch cell {
				case Tanh:
					next[j] = math.Tanh(sum(0))
				case ReLU:
					next[j] = max(sum(0), 0)
				case LSTM:
					c := &cells[b*h+j]
					*c = sigmoid(sum(1))*(*c) + sigmoid(sum(0))*math.Tanh(sum(2))
					next[j] = sigmoid(sum(3)) * math.Tanh(*c)
				case GRU:
					candidate := math.Tanh(x[2*h+j] + sigmoid(sum(0))*back[2*h+j])
					z := sigmoid(sum(1))
					next[j] = (1-z)*candidate + z*before[j]
				}
			}
			copy(before, next)
		}
	}
	return output
}

var cells = map[string]Cell{"tanh": Tanh, "relu": ReLU, "lstm": LSTM, "gru": GRU}

func near[T gemm.Float](t *testing.T, what string, got []T, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	for i, v := range want {
		if !(math.Abs(float64(got[i])-v) <= tolerance*scale) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], v)
		}
	}
}

func TestForwardFollowsTheEquations(t *testing.T) {
	for name, cell := range cells {
		for _, s := range shapes() {
			near(t, name+" "+s.name, runAll[float64](cell, s, true).pass.Output, oracle(cell, s), 1e-12)
		}
	}
}

// The float64 path, which the gradient checks of package tensor hold against
// differences, is the oracle of the float32 path on every instruction set.
func TestSingleEqualsDouble(t *testing.T) {
	for _, isa := range cpu.Supported() {
		t.Run(isa.String(), func(t *testing.T) {
			defer cpu.Force(isa)()
			for name, cell := range cells {
				for _, s := range shapes() {
					want := runAll[float64](cell, s, true).slices()
					for what, got := range runAll[float32](cell, s, true).slices() {
						near(t, fmt.Sprintf("%s %s: %s", name, s.name, what), got, want[what], 3e-5)
					}
				}
			}
		})
	}
}

func TestNotKeepingGatesChangesNothing(t *testing.T) {
	for name, cell := range cells {
		for _, s := range shapes() {
			kept, not := runAll[float32](cell, s, true).slices(), runAll[float32](cell, s, false).slices()
			for _, what := range []string{"output", "hn", "cn"} {
				same(t, fmt.Sprintf("%s %s: %s", name, s.name, what), not[what], kept[what])
			}
		}
	}
}

// The states before each step are rows of the output, or else gathered: a
// sequence that never runs makes the difference, and none in the gradients.
func TestGatheringStatesChangesLittle(t *testing.T) {
	for name, cell := range cells {
		for _, steps := range []Steps{Uniform(1, 9, false), Uniform(4, 9, false), Uniform(4, 9, true)} {
			uniform := runAll[float64](cell, shape{"", 70, 9, steps}, true)
			gathered := runAll[float64](cell, shape{"", 70, 10, steps}, true)
			near(t, name+": weight gradient", gathered.grad.Weight, uniform.grad.Weight, 1e-12)
			near(t, name+": bias gradient", gathered.grad.Bias, uniform.grad.Bias, 1e-12)
		}
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	for name, cell := range cells {
		for _, s := range shapes() {
			par.SetThreads(1)
			want := runAll[float32](cell, s, true).slices()
			par.SetThreads(5)
			for what, got := range runAll[float32](cell, s, true).slices() {
				same(t, fmt.Sprintf("%s %s: %s", name, s.name, what), got, want[what])
			}
		}
	}
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestSlicesThatDoNotFitPanic(t *testing.T) {
	for name, spoil := range map[string]func(n *Net[float32], p *Pass[float32]){
		"weight": func(n *Net[float32], p *Pass[float32]) { n.Weight = n.Weight[1:] },
		"bias":   func(n *Net[float32], p *Pass[float32]) { n.Bias = make([]float32, 1) },
		"output": func(n *Net[float32], p *Pass[float32]) { p.Output = p.Output[1:] },
		"states": func(n *Net[float32], p *Pass[float32]) { p.H0 = make([]float32, 1) },
		"steps":  func(n *Net[float32], p *Pass[float32]) { p.Steps.First[1] = 5 },
		"batch":  func(n *Net[float32], p *Pass[float32]) { p.Steps.Rows[0], p.Steps.Rows[1] = 3, 1 },
	} {
		n := &Net[float32]{Cell: Tanh, Hidden: 2, Weight: make([]float32, 4)}
		p := &Pass[float32]{Steps: Uniform(2, 2, false), Batch: 2, Input: make([]float32, 8), Output: make([]float32, 8), HN: make([]float32, 4)}
		spoil(n, p)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			n.Forward(p)
		}()
	}
}
