package models

import (
	"encoding/json"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// networks are those that torchvision.json knows.
var networks = map[string]func() nn.Module{
	"lenet":              func() nn.Module { return NewLeNet(nn.NewInit(0), 10) },
	"alexnet":            func() nn.Module { return NewAlexNet(nn.NewInit(0), 1000) },
	"vgg16":              func() nn.Module { return NewVGG16(nn.NewInit(0), 1000) },
	"googlenet":          func() nn.Module { return NewGoogLeNet(nn.NewInit(0), 1000) },
	"resnet18":           func() nn.Module { return NewResNet18(nn.NewInit(0), 1000) },
	"resnet34":           func() nn.Module { return NewResNet34(nn.NewInit(0), 1000) },
	"resnet50":           func() nn.Module { return NewResNet50(nn.NewInit(0), 1000) },
	"densenet121":        func() nn.Module { return NewDenseNet121(nn.NewInit(0), 1000) },
	"resnet20":           func() nn.Module { return NewResNet20(nn.NewInit(0), 3, 10) },
	"resnet56":           func() nn.Module { return NewResNet56(nn.NewInit(0), 3, 10) },
	"densenet-bc-100-12": func() nn.Module { return NewDenseNetBC(nn.NewInit(0), 100, 12, 10) },
}

// fact is what torchvision.json says of one network.
type fact struct {
	Parameters int
	Input      []int
	Logits     []float64        // the first ones
	Scale      float64          // the largest logit's size
	State      map[string][]int // shapes of the state dict
}

func facts(t *testing.T) map[string]fact {
	t.Helper()
	text, err := os.ReadFile("testdata/torchvision.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]fact
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fill writes f of numbers in [-0.5, 0.5) that depend on the name and the place
// alone, as make_torchvision.py does.
func fill(x []float32, name string, f func(u float64) float64) {
	start := crc32.ChecksumIEEE([]byte(name))
	par.For(len(x), 1<<16, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			h := uint32(i)*2654435761 + start
			h ^= h >> 16
			h *= 0x45d9f3b
			h ^= h >> 16
			x[i] = float32(f(float64(h)/(1<<32) - 0.5))
		}
	})
}

// fillState gives every tensor of a model its fixed value.
func fillState(m nn.Module) {
	for _, t := range nn.State(m) {
		name, shape := t.Name(), t.Shape()
		if strings.HasSuffix(name, "num_batches_tracked") {
			continue
		}
		f := func(u float64) float64 {
			return u * math.Sqrt(12) * math.Sqrt(2/float64(tensor.NumElements(shape[1:])))
		}
		switch {
		case strings.HasSuffix(name, "running_var"):
			f = func(u float64) float64 { return 1 + 0.5*u }
		case strings.HasSuffix(name, "running_mean"):
			f = func(u float64) float64 { return 0.2 * u }
		case len(shape) == 1 && strings.HasSuffix(name, "bias"):
			f = func(u float64) float64 { return 0.1 * u }
		case len(shape) == 1:
			f = func(u float64) float64 { return 1 + 0.2*u }
		}
		fill(tensor.MutableData[float32](t), name, f)
	}
}

func TestNetworksAreTorchvisions(t *testing.T) {
	known := facts(t)
	if len(known) != len(networks) {
		t.Fatalf("%d networks are known, %d tested", len(known), len(networks))
	}
	for name, want := range known {
		t.Run(name, func(t *testing.T) {
			m := networks[name]()
			if got := nn.CountParameters(m); got != want.Parameters {
				t.Errorf("%d parameters, torch has %d", got, want.Parameters)
			}
			state := nn.State(m)
			if len(state) != len(want.State) {
				t.Errorf("%d tensors, torch has %d", len(state), len(want.State))
			}
			for _, s := range state {
				if shape, ok := want.State[s.Name()]; !ok || !slices.Equal(shape, s.Shape()) {
					t.Fatalf("%s has shape %v, torch's %v (%v)", s.Name(), s.Shape(), shape, ok)
				}
			}
			fillState(m)
			x := tensor.Zeros(append([]int{1}, want.Input...)...)
			fill(tensor.MutableData[float32](x), "input", func(u float64) float64 { return 4 * u })
			y := tensor.Data[float32](m.Forward(nn.Inference(), x).Contiguous())
			for i, w := range want.Logits {
				if math.Abs(float64(y[i])-w) > 1e-4*want.Scale {
					t.Errorf("logit %d is %g, torch's %g", i, y[i], w)
				}
			}
		})
	}
}

func TestADenseNetOfAnotherDepthIsAMistake(t *testing.T) {
	for _, depth := range []int{4, 20, 101} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "multiple of 6") {
					t.Errorf("depth %d: %q", depth, said)
				}
			}()
			NewDenseNetBC(nn.NewInit(0), depth, 12, 10)
		}()
	}
}

func TestParametersOfSmallNetworks(t *testing.T) {
	for name, c := range map[string]struct {
		network nn.Module
		want    int
	}{
		"DenseNet":  {NewDenseNetSmall(nn.NewInit(0), 10), 237_450},
		"GoogLeNet": {NewGoogLeNetSmall(nn.NewInit(0), 10), 377_818},
		"VGG-16":    {NewVGG16Small(nn.NewInit(0), 10), 14_728_266},
	} {
		if n := nn.CountParameters(c.network); n != c.want {
			t.Errorf("the small %s has %d parameters, want %d", name, n, c.want)
		}
	}
}

// Every network that is small enough learns: a few steps on one batch reduce the
// loss, and every parameter gets a gradient.
func TestSmallNetworksLearn(t *testing.T) {
	for name, m := range map[string]nn.Module{
		"resnet20":    NewResNet20(nn.NewInit(1), 3, 10),
		"vgg":         NewVGGSmall(nn.NewInit(1), []int{8, 0, 16, 0, 16, 0, 16, 0, 16, 0}, 10),
		"densenet-bc": NewDenseNetBC(nn.NewInit(1), 16, 4, 10),
	} {
		t.Run(name, func(t *testing.T) {
			x := tensor.Zeros(8, 3, 32, 32)
			fill(tensor.MutableData[float32](x), "x", func(u float64) float64 { return 4 * u })
			y := tensor.FromSlice([]int64{0, 1, 2, 3, 4, 5, 6, 7}, 8)
			var first, last float64
			for step := range 20 {
				loss := nn.CrossEntropy(m.Forward(nn.Training(uint64(step)), x), y)
				loss.Backward()
				last = loss.Item()
				if step == 0 {
					first = last
				}
				for _, p := range nn.Parameters(m) {
					g := p.Grad()
					if g == nil || step == 0 && g.Abs().Sum().Item() == 0 {
						t.Fatalf("%s has no gradient", p.Name())
					}
					data, slope := tensor.MutableData[float32](p), tensor.Data[float32](g.Contiguous())
					for i := range data {
						data[i] -= 0.03 * slope[i]
					}
					p.ClearGrad()
				}
			}
			if !(last < 0.95*first) {
				t.Errorf("the loss went from %g to %g", first, last)
			}
		})
	}
}
