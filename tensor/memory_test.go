package tensor

import (
	"errors"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/mem"
)

// TestTheLastPassGivesTheSameGradients compares, for every operation, with a
// pass that keeps its tape. An operation whose entry forgets a value that its
// gradient reads fails here: that value is gone.
func TestTheLastPassGivesTheSameGradients(t *testing.T) {
	eachSample(t, func(t *testing.T, op *Op, s Sample) {
		if op.Grad == nil {
			return
		}
		gradients := func(once bool) (all [][]uint64) {
			scope := NewScope()
			defer scope.Release()
			leaves := track(s)
			in := make([]*Tensor, len(leaves))
			for i, x := range leaves {
				if x != nil { // operands that are results, which a pass may give back
					v := scope.View(x)
					if x.tracked {
						v.RequireGrad()
					}
					leaves[i], in[i] = v, apply(opCopy, denseLike(x.shape, x.stride), v)
				}
			}
			y := weighted(op, slices.Clone(applyAll(op, s.Attr, in...)))
			if !y.RequiresGrad() {
				return nil
			}
			if once {
				y.BackwardOnce()
			} else {
				y.Backward()
			}
			for _, x := range leaves {
				if x != nil && x.Grad() != nil {
					all = append(all, bits(x.Grad()))
				}
			}
			return all
		}
		if err := panicOf(func() { gradients(true) }); err != nil {
			t.Fatal(err)
		}
		if kept, once := gradients(false), gradients(true); !slices.EqualFunc(kept, once, slices.Equal[[]uint64]) {
			t.Errorf("the gradients are %v, and %v when the pass is the last", kept, once)
		}
	})
}

// chain returns a step of two linear layers in a scope: a result in the middle
// and the loss.
func chain(scope *Scope, w *Tensor) (hidden, loss *Tensor) {
	hidden = Linear(scope.View(FromSlice([]float64{1, -2, 3, 0.5}, 2, 2)), w, nil).Tanh()
	return hidden, Linear(hidden, w, nil).Square().Mean()
}

func TestWhatTheLastPassLeaves(t *testing.T) {
	scope, w := NewScope(), FromSlice([]float64{0.3, -0.1, 0.2, 0.7}, 2, 2).RequireGrad()
	hidden, loss := chain(scope, w)
	want := hidden.Float64s()
	loss.BackwardOnce(hidden)
	floats(t, "a result that was named", hidden, want...)
	if loss.Item() <= 0 {
		t.Errorf("the loss is %v after the pass", loss.Item())
	}
	scope.Release()

	hidden, loss = chain(scope, w)
	view := hidden.Reshape(4)
	loss.BackwardOnce()
	for name, f := range map[string]func(){"a result": func() { hidden.Float64s() }, "a view of one": func() { view.Sum() }} {
		var use *UseError
		if err := panicOf(f); !errors.As(err, &use) || !strings.Contains(use.Reason, "name it in BackwardOnce") {
			t.Errorf("%s that the pass gave back: %v, want a UseError that says so", name, err)
		}
	}
	for name, f := range map[string]func(){
		"Backward": loss.Backward, "BackwardOnce": func() { loss.BackwardOnce() }, "Grad": func() { Grad(loss, []*Tensor{w}) },
		"a second loss": func() { hidden.Detach(); loss.MulScalar(2).Backward() }, "Tape": func() { Tape(loss) },
	} {
		var use *UseError
		if err := panicOf(f); !errors.As(err, &use) || !strings.Contains(use.Reason, "given this tape back") {
			t.Errorf("%s over a tape that was given back: %v, want a UseError that says so", name, err)
		}
	}
	scope.Release()
}

// TestAStepNeedsNoNewMemory repeats a step whose tensors have a megabyte and
// asks the allocator of the process, and the pool, what that took.
func TestAStepNeedsNoNewMemory(t *testing.T) {
	const rows, width, steps = 1024, 256, 20
	scope, w, x := NewScope(), NewRand(1).Normal(0, 0.05, width, width).RequireGrad(), NewRand(2).Normal(0, 1, rows, width)
	step := func() {
		y := Linear(Linear(scope.View(x), w, nil).Tanh(), w, nil)
		y.Square().Mean().BackwardOnce(y)
		w.ClearGrad()
		scope.Release()
	}
	allocated := func() uint64 {
		m := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(m)
		return m[0].Value.Uint64()
	}
	step()
	step()
	live, held, before := mem.Default.Live(), mem.Default.Held()+mem.IdleArenas(), allocated()
	for range steps {
		step()
	}
	// A step makes some twenty megabytes of tensors, and tens of kilobytes of
	// shapes, records and lists.
	if now := allocated() - before; now > steps<<20 {
		t.Errorf("%d steps allocated %d bytes", steps, now)
	}
	if now := mem.Default.Held() + mem.IdleArenas(); now != held {
		t.Errorf("%d steps took %d bytes for tensors", steps, now-held)
	}
	if now := mem.Default.Live(); now != live {
		t.Errorf("%d bytes were not given back", now-live)
	}
}

// TestGradientsNeedTheMemoryOfAFewLayers walks back along a chain of layers and
// along one eight times as long: what the pass holds must not grow with it.
func TestGradientsNeedTheMemoryOfAFewLayers(t *testing.T) {
	w := NewRand(1).Normal(0, 0.1, 64, 64).RequireGrad()
	held := func(layers int) int {
		for mem.IdleArenas() > 0 { // so that the pass begins with none
			defer mem.TakeArena().Release()
		}
		x := NewRand(2).Normal(0, 1, 512, 64)
		for range layers {
			x = Linear(x, w, nil).Tanh()
		}
		x.Mean().Backward()
		return mem.IdleArenas()
	}
	if short, long := held(8), held(64); long > 2*short {
		t.Errorf("the gradients of 8 layers hold %d bytes, those of 64 layers %d", short, long)
	}
}
