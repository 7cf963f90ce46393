package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/internal/rng"
)

// operands are those of one problem, dense as (Batch, Heads, rows, width).
type operands[T gemm.Float] struct {
	p               *Problem
	q, k, v, y      []T
	lse             []T
	gy, gq, gk, gv  []T
	mask            Mask[T]
	rowGap, headGap int // elements between rows and heads that are not theirs
}

func (o *operands[T]) heads(data []T, rows, width int) Heads[T] {
	row := width + o.rowGap
	head := rows*row + o.headGap
	return Heads[T]{data, o.p.Heads * head, head, row}
}

func newOperands[T gemm.Float](p *Problem, rowGap, headGap int) *operands[T] {
	o := &operands[T]{p: p, rowGap: rowGap, headGap: headGap}
	stream := rng.New(uint64(p.Queries*1000 + p.Keys)).Stream()
	draw := func(rows, width int) []T {
		out := make([]T, p.Batch*p.Heads*(rows*(width+rowGap)+headGap))
		for i := range out {
			out[i] = T(float32(stream.Normal()))
		}
		return out
	}
	o.q, o.gq = draw(p.Queries, p.Width), draw(p.Queries, p.Width)
	o.k, o.gk = draw(p.Keys, p.Width), draw(p.Keys, p.Width)
	o.v, o.gv = draw(p.Keys, p.ValueWidth), draw(p.Keys, p.ValueWidth)
	o.y, o.gy = draw(p.Queries, p.ValueWidth), draw(p.Queries, p.ValueWidth)
	o.lse = make([]T, p.Batch*p.Heads*p.Queries)
	return o
}

func (o *operands[T]) run() {
	p := o.p
	q, k, v := o.heads(o.q, p.Queries, p.Width), o.heads(o.k, p.Keys, p.Width), o.heads(o.v, p.Keys, p.ValueWidth)
	y := o.heads(o.y, p.Queries, p.ValueWidth)
	Forward(p, q, k, v, o.mask, y, o.lse)
	Backward(p, q, k, v, o.mask, y, o.lse, o.heads(o.gy, p.Queries, p.ValueWidth),
		o.heads(o.gq, p.Queries, p.Width), o.heads(o.gk, p.Keys, p.Width), o.heads(o.gv, p.Keys, p.ValueWidth))
}

// naive computes output and gradients of one head with the whole matrix.
func naive(p *Problem, visible func(t, s int) bool, q, k, v, gy [][]float64) (y, gq, gk, gv [][]float64) {
	zeros := func(rows, width int) [][]float64 {
		m := make([][]float64, rows)
		for i := range m {
			m[i] = make([]float64, width)
		}
		return m
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	add := func(dst, x []float64, s float64) {
		for i := range dst {
			dst[i] += s * x[i]
		}
	}
	y, gq = zeros(p.Queries, p.ValueWidth), zeros(p.Queries, p.Width)
	gk, gv = zeros(p.Keys, p.Width), zeros(p.Keys, p.ValueWidth)
	for t := range p.Queries {
		w := make([]float64, p.Keys)
		greatest, total := math.Inf(-1), 0.0
		for s := range w {
			w[s] = math.Inf(-1)
			if visible(t, s) {
				w[s] = p.Scale * dot(q[t], k[s])
			}
			greatest = max(greatest, w[s])
		}
		if math.IsInf(greatest, -1) {
			continue
		}
		for s := range w {
			w[s] = math.Exp(w[s] - greatest)
			total += w[s]
		}
		mean := 0.0
		for s := range w {
			w[s] /= total
			add(y[t], v[s], w[s])
			mean += w[s] * dot(gy[t], v[s])
		}
		for s := range w {
			add(gv[s], gy[t], w[s])
			g := p.Scale * w[s] * (dot(gy[t], v[s]) - mean)
			add(gq[t], k[s], g)
			add(gk[s], q[t], g)
		}
	}
	return y, gq, gk, gv
}

// rows are the rows of one head as float64.
func rows[T gemm.Float](x Heads[T], b, h, n, width int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, width)
		for j, v := range x.at(b, h, i)[:width] {
			out[i][j] = float64(v)
		}
	}
	return out
}

func compare[T gemm.Float](t *testing.T, o *operands[T], visible func(t, s int) bool, limit float64) {
	t.Helper()
	o.run()
	p := o.p
	for b := range p.Batch {
		for h := range p.Heads {
			part := func(data []T, n, width int) [][]float64 { return rows(o.heads(data, n, width), b, h, n, width) }
			y, gq, gk, gv := naive(p, visible, part(o.q, p.Queries, p.Width), part(o.k, p.Keys, p.Width), part(o.v, p.Keys, p.ValueWidth), part(o.gy, p.Queries, p.ValueWidth))
			for _, c := range []struct {
				name      string
				got, want [][]float64
			}{{"output", part(o.y, p.Queries, p.ValueWidth), y}, {"gradient of the queries", part(o.gq, p.Queries, p.Width), gq},
				{"gradient of the keys", part(o.gk, p.Keys, p.Width), gk}, {"gradient of the values", part(o.gv, p.Keys, p.ValueWidth), gv}} {
				for i, row := range c.want {
					for j, w := range row {
						if g := c.got[i][j]; !(math.Abs(g-w) <= limit*max(1, math.Abs(w))) {
							t.Fatalf("%s, sample %d, head %d: (%d, %d) is %g, want %g", c.name, b, h, i, j, g, w)
						}
					}
				}
			}
		}
	}
}

var problems = []Problem{
	{Batch: 2, Heads: 3, Queries: 1, Keys: 1, Width: 1, ValueWidth: 1},
	{Batch: 1, Heads: 2, Queries: 1, Keys: 70, Width: 16, ValueWidth: 16},
	{Batch: 2, Heads: 2, Queries: 7, Keys: 5, Width: 3, ValueWidth: 4},
	{Batch: 1, Heads: 1, Queries: 33, Keys: 65, Width: 8, ValueWidth: 24},
	{Batch: 1, Heads: 2, Queries: 300, Keys: 300, Width: 16, ValueWidth: 16},
	{Batch: 1, Heads: 1, Queries: 40, Keys: 600, Width: 17, ValueWidth: 9},
	{Batch: 4, Heads: 4, Queries: 290, Keys: 20, Width: 4, ValueWidth: 4}, // one task a head in the gradient
	{Batch: 1, Heads: 1, Queries: 3, Keys: 0, Width: 4, ValueWidth: 4},
	{Batch: 1, Heads: 1, Queries: 0, Keys: 3, Width: 4, ValueWidth: 4},
}

func TestAttentionIsWhatItsDefinitionSays(t *testing.T) {
	for _, base := range problems {
		for _, causal := range []bool{false, true} {
			for _, past := range []int{0, 3, 400} {
				if past > 0 && !causal {
					continue
				}
				p := base
				p.Causal, p.Past, p.Scale = causal, past, 0.4
				t.Run(fmt.Sprintf("%dx%d/%dx%d/causal=%v/past=%d", p.Batch, p.Heads, p.Queries, p.Keys, causal, past), func(t *testing.T) {
					visible := func(t, s int) bool { return !causal || s <= t+past }
					compare(t, newOperands[float32](&p, 0, 0), visible, 2e-5)
					compare(t, newOperands[float64](&p, 0, 0), visible, 1e-12)
					compare(t, newOperands[float32](&p, 5, 3), visible, 2e-5)
				})
			}
		}
	}
}

func TestMasks(t *testing.T) {
	p := &Problem{Batch: 2, Heads: 2, Queries: 37, Keys: 300, Width: 8, ValueWidth: 8, Scale: -0.3}
	hidden := make([]bool, p.Queries*p.Keys)
	add := make([]float32, len(hidden))
	stream := rng.New(1).Stream()
	for i := range hidden {
		t, s := i/p.Keys, i%p.Keys
		hidden[i] = stream.Bernoulli(0.5) || t == 5 || t%3 == 0 && s < 256 // some see nothing, some only the last keys
		if hidden[i] {
			add[i] = float32(math.Inf(-1))
		}
	}
	visible := make([]bool, len(hidden))
	for i, h := range hidden {
		visible[i] = !h
	}
	see := func(t, s int) bool { return visible[t*p.Keys+s] }
	o := newOperands[float32](p, 0, 0)
	o.mask = Mask[float32]{Visible: visible, Row: p.Keys, Key: 1}
	compare(t, o, see, 2e-5)
	for h := range p.Batch * p.Heads {
		if got := o.lse[h*p.Queries+5]; !math.IsInf(float64(got), 1) {
			t.Errorf("a query that sees nothing has lse %g", got)
		}
	}
	o.mask = Mask[float32]{Add: add, Row: p.Keys, Key: 1}
	compare(t, o, see, 2e-5)
	turned := make([]float32, len(add))
	for i, a := range add {
		turned[i%p.Keys*p.Queries+i/p.Keys] = a
	}
	o.mask = Mask[float32]{Add: turned, Row: 1, Key: p.Queries}
	compare(t, o, see, 2e-5)
}

// Dropout keeps about as many weights as it says, the same in both directions:
// with values of one and no scores to tell keys apart, an output is the share
// of the weights that were kept.
func TestDropout(t *testing.T) {
	p := &Problem{Batch: 1, Heads: 2, Queries: 50, Keys: 301, Width: 4, ValueWidth: 4, Dropout: 0.25, Key: 5, Nonce: 6}
	o := newOperands[float32](p, 0, 0)
	for i := range o.v {
		o.v[i] = 1
	}
	for i := range o.gy {
		o.gy[i] = 1
	}
	o.run()
	sum := 0.0
	for i, y := range o.y {
		sum += float64(y)
		if kept := float64(y) * 0.75 * 301; math.Abs(kept-math.Round(kept)) > 1e-2 {
			t.Fatalf("output %d is %g, not a number of kept weights", i, y)
		}
	}
	if mean := sum / float64(len(o.y)); math.Abs(mean-1) > 0.01 {
		t.Errorf("the mean output is %g, not near 1", mean)
	}
	outputs, values := 0.0, 0.0
	for _, y := range o.y {
		outputs += float64(y)
	}
	for _, g := range o.gv {
		values += float64(g)
	}
	if math.Abs(outputs-values) > 1e-3*outputs {
		t.Errorf("the outputs add up to %g, the gradients of the values to %g", outputs, values)
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	old := par.Threads()
	t.Cleanup(func() { par.SetThreads(old) })
	for _, base := range problems {
		base.Scale, base.Causal, base.Dropout = 0.5, true, 0.1
		var first *operands[float32]
		for _, threads := range []int{1, 5} {
			par.SetThreads(threads)
			o := newOperands[float32](&base, 0, 0)
			o.run()
			if first == nil {
				first = o
			} else if !slices.Equal(o.y, first.y) || !slices.Equal(o.gq, first.gq) || !slices.Equal(o.gk, first.gk) || !slices.Equal(o.gv, first.gv) {
				t.Errorf("%d queries and %d keys: one thread and %d differ", base.Queries, base.Keys, threads)
			}
		}
	}
}

func TestWrongSizesPanic(t *testing.T) {
	p := &Problem{Batch: 1, Heads: 1, Queries: 4, Keys: 4, Width: 4, ValueWidth: 4, Scale: 1}
	for name, spoil := range map[string]func(o *operands[float32]){
		"query": func(o *operands[float32]) { o.q = o.q[:15] },
		"value": func(o *operands[float32]) { o.v = o.v[:3] },
		"y":     func(o *operands[float32]) { o.y = nil },
		"gk":    func(o *operands[float32]) { o.gk = o.gk[:1] },
	} {
		o := newOperands[float32](p, 0, 0)
		spoil(o)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: nothing panicked", name)
				}
			}()
			o.run()
		}()
	}
}

// The workload of a small language model: 16 sequences of 128, 4 heads of 64.
func BenchmarkCausal(b *testing.B) {
	p := &Problem{Batch: 16, Heads: 4, Queries: 128, Keys: 128, Width: 64, ValueWidth: 64, Scale: 0.125, Causal: true}
	o := newOperands[float32](p, 0, 0)
	q, k, v := o.heads(o.q, 128, 64), o.heads(o.k, 128, 64), o.heads(o.v, 128, 64)
	y, gy := o.heads(o.y, 128, 64), o.heads(o.gy, 128, 64)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			Forward(p, q, k, v, Mask[float32]{}, y, o.lse)
		}
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			Backward(p, q, k, v, Mask[float32]{}, y, o.lse, gy, o.heads(o.gq, 128, 64), o.heads(o.gk, 128, 64), o.heads(o.gv, 128, 64))
		}
	})
}
