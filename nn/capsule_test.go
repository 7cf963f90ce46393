package nn

import (
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/fixtures"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/tensor"
)

func TestCapsulesEqualPyTorch(t *testing.T) {
	f, err := fixtures.Load("capsules")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]func(c fixtures.Case, in map[string]*tensor.Tensor) *tensor.Tensor{
		"squash": func(c fixtures.Case, in map[string]*tensor.Tensor) *tensor.Tensor {
			return Squash(in["input"], c.Int("dim", 0))
		},
		"primary_capsules": func(c fixtures.Case, in map[string]*tensor.Tensor) *tensor.Tensor {
			w, stride := in["weight"], c.Int("stride", 1)
			conv := &Conv2d{w, in["bias"], tensor.ConvOptions{Stride: [2]int{stride, stride}}}
			return (&PrimaryCapsules{conv, c.Int("size", 0)}).Forward(Training(1), in["input"])
		},
		"capsules": func(c fixtures.Case, in map[string]*tensor.Tensor) *tensor.Tensor {
			return (&Capsules{in["weight"], c.Int("iterations", 0)}).Forward(Training(1), in["input"])
		},
		"capsule_margin": func(c fixtures.Case, in map[string]*tensor.Tensor) *tensor.Tensor {
			return CapsuleMargin(in["input"], in["target"])
		},
	}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if run[c.Op()] == nil {
				t.Fatal("nothing is compared with this case")
			}
			in := goldenInputs(c)
			y := run[c.Op()](c, in)
			checkGolden(t, "output", y, c.Outputs["output"])
			checkGoldenGrads(t, c, in, map[string]*tensor.Tensor{"output": y})
		})
	}
}

// A network of capsules: gradients go through the routing, all three iterations.
func TestGradientsGoThroughTheRouting(t *testing.T) {
	init := NewInit(1)
	primary := NewPrimaryCapsules(init, 2, 3, 4, 3, Stride(2))
	above := NewCapsules(init, 3*2*2, 4, 5, 3, WithInit(Normal(0, 0.5)))
	To(primary, tensor.Float64)
	To(above, tensor.Float64)
	x := tensor.NewSampler(1).Normal(2, 2, 5, 6).RequireGrad()
	classes := tensor.FromSlice([]int64{4, 0})
	in := append([]*tensor.Tensor{x}, append(Parameters(primary), Parameters(above)...)...)
	if d, err := tensor.GradCheck(func([]*tensor.Tensor) *tensor.Tensor {
		v := above.Forward(Training(1), primary.Forward(Training(1), x)) // (2, 5, 3)
		return CapsuleMargin(v.Norm(2, 2), classes).Add(v.Sum())
	}, in); err != nil {
		t.Errorf("%g: %v", d, err)
	}
}

func TestSquashKeepsDirectionsAndShortensBelowOne(t *testing.T) {
	s := tensor.FromSlice([]float32{3, 4, 0.03, 0.04, 0, 0, 3e4, 4e4}, 4, 2)
	want := tensor.FromSlice([]float32{0.6 * 25 / 26, 0.8 * 25 / 26, 0.6 * 0.0025 / 1.0025, 0.8 * 0.0025 / 1.0025, 0, 0, 0.6, 0.8}, 4, 2)
	near(t, "squashed", Squash(s, 1), want, 1e-6)
	near(t, "along the other axis", Squash(s.T(), 0), want.T(), 1e-6)
	zero := tensor.Zeros(2, 3).RequireGrad()
	near(t, "gradient at zero", tensor.Grad(Squash(zero, 1).Sum(), []*tensor.Tensor{zero})[0], tensor.Zeros(2, 3), 0)
}

// Nine capsules that predict the same pose for the first capsule above and
// anything for the second win with the first, and more with each iteration.
func TestAgreementAttractsCoupling(t *testing.T) {
	l := NewCapsules(NewInit(1), 9, 2, 2, 2)
	w, r := l.Weight, tensor.NewRand(3)
	u := r.Normal(0, 1, 1, 9, 2)
	w.CopyFrom(r.Normal(0, 0.3, 2, 2, 2, 9))
	for i := range 9 { // W_0i u_i = (1, 1) for all i
		square := u.At(0, i, 0)*u.At(0, i, 0) + u.At(0, i, 1)*u.At(0, i, 1)
		for k := range 2 {
			w.SetIndex(tensor.Full(u.At(0, i, k)/square, tensor.Float32, 2), tensor.Int(0), tensor.All, tensor.Int(k), tensor.Int(i))
		}
	}
	var before float64
	for iterations := 1; iterations <= 4; iterations++ {
		l.Iterations = iterations
		lengths := l.Forward(Inference(), u).Norm(2, 2)
		if lengths.At(0, 0) <= before || lengths.At(0, 0) < lengths.At(0, 1) {
			t.Errorf("after %d iterations the lengths are %v; the first was %v before", iterations, lengths.Float64s(), before)
		}
		before = lengths.At(0, 0)
	}
}

func TestCapsuleMarginByHand(t *testing.T) {
	lengths := tensor.FromSlice([]float32{0.95, 0.05, 0.3, 0.2, 0.4, 0.1}, 2, 3)
	// Row 0, class 0: only 0.3 is too long. Row 1, class 0: 0.7 are missing, 0.4 is too long.
	want := (0.5*0.2*0.2 + 0.7*0.7 + 0.5*0.3*0.3) / 2
	near(t, "loss", CapsuleMargin(lengths, tensor.FromSlice([]int64{0, 0})), tensor.Scalar(want, tensor.Float32), 1e-6)
}

func TestCapsulesGiveTheSameBitsOnAnyNumberOfThreads(t *testing.T) {
	before := par.Threads()
	defer par.SetThreads(before)
	run := func(threads int) []float64 {
		par.SetThreads(threads)
		l := NewCapsules(NewInit(1), 96, 8, 10, 16)
		x := tensor.NewRand(2).Normal(0, 0.3, 20, 96, 8).RequireGrad()
		v := l.Forward(Training(1), x)
		g := tensor.Grad(v.Norm(2, 2).Sum(), []*tensor.Tensor{x, l.Weight})
		return slices.Concat(v.Float64s(), g[0].Float64s(), g[1].Float64s())
	}
	if !slices.Equal(run(1), run(2)) {
		t.Error("two threads give other bits than one")
	}
}

func TestCapsuleMisfits(t *testing.T) {
	l := NewCapsules(NewInit(1), 6, 4, 3, 5)
	for want, f := range map[string]func(){
		"needs capsules (N, 6, 4)": func() { l.Forward(Inference(), tensor.Ones(2, 4, 6)) },
		"needs lengths (N, C)":     func() { CapsuleMargin(tensor.Ones(2, 3, 4), tensor.FromSlice([]int64{0, 0})) },
		"class 3 in row 1":         func() { CapsuleMargin(tensor.Ones(2, 3), tensor.FromSlice([]int64{0, 3})) },
	} {
		if e := shapeErrorOf(t, f); !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e, want)
		}
	}
	for want, f := range map[string]func(){
		"0 iterations":      func() { (&Capsules{Weight: l.Weight}).Forward(Inference(), tensor.Ones(2, 6, 4)) },
		"0 types":           func() { NewPrimaryCapsules(NewInit(1), 3, 0, 8, 9) },
		"must be positive":  func() { NewCapsules(NewInit(1), 6, 4, 0, 5) },
		"the option NoBias": func() { NewCapsules(NewInit(1), 6, 4, 3, 5, NoBias()) },
	} {
		if e := useErrorOf(t, f); !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e, want)
		}
	}
}
