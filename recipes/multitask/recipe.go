package multitask

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// epochs is also the length of the learning-rate schedule.
const epochs = 30

// Recipe compares, for several numbers of labelled images and several draws of
// them.
var Recipe = recipe.Recipe{
	Name: "multitask", Summary: "One network with two heads, for digits and for closed loops, beside two networks",
	Source: "Caruana, Multitask learning, Machine Learning 28, 1997",
	Data:   "mnist, a few hundred images of it", Expect: "what sharing brings for 250 to 2,000 labelled images, as a picture", Minutes: 5,
	Epochs: epochs, BatchSize: 50, Rate: 1e-3,
	Heeds: recipe.Heeds{Limit: true, HoldOut: true, Precision: true},
	Train: run,
}

// What is compared.
var (
	sizes = []int{250, 500, 1000, 2000} // numbers of labelled images
	kinds = []Tasks{{Digit: true, Loop: true}, {Digit: true}, {Loop: true}}
)

const (
	repeats       = 5  // draws of images and of initial weights
	stepsPerEpoch = 20 // of every network, whatever its number of images: a pass over 1,000
)

// rival is one of the networks that are compared.
type rival struct {
	repeat, size int
	labelled     *tensor.Tensor // (size): the images it learns from
	tasks        Tasks
	network      *Network
	adam         *optim.Optimizer
}

// examples are images and the digits that they show.
type examples struct {
	images *tensor.Tensor // (n, 1, 28, 28)
	digits *tensor.Tensor // (n), int64
}

// at returns the examples with those numbers (k), int64.
func (e examples) at(which *tensor.Tensor) examples {
	return examples{e.images.IndexSelect(0, which), e.digits.IndexSelect(0, which)}
}

// read reads a whole data set.
func read(ds data.Dataset) (examples, error) {
	shape := ds.InputShape()
	size := data.Size(shape)
	images, digits := make([]float32, ds.Len()*size), make([]int64, ds.Len())
	for i := range digits {
		var target data.Target
		if err := ds.Read(i, images[i*size:(i+1)*size], &target); err != nil {
			return examples{}, err
		}
		digits[i] = target.Class
	}
	return examples{tensor.FromSlice(images, append([]int{ds.Len()}, shape...)...), tensor.FromSlice(digits)}, nil
}

func run(ctx context.Context, s *recipe.Session) error {
	learn, judge, err := s.Sets(mnist.Train(), mnist.Test())
	if err != nil {
		return err
	}
	if learn.Len() < sizes[0] {
		return fmt.Errorf("multitask compares networks that learn from %d images and more, and there are %d: use a larger --limit or a smaller --holdout", sizes[0], learn.Len())
	}
	learned, err := read(learn)
	if err != nil {
		return err
	}
	tested, err := read(judge)
	if err != nil {
		return err
	}
	return compare(ctx, s, learned, tested)
}

// compare trains all networks side by side: a step is an update of each.
func compare(ctx context.Context, s *recipe.Session, learned, tested examples) error {
	random := tensor.NewRand(s.Seed)
	rivals, state := newRivals(s, random, learned.digits.Len())
	const scheduled = epochs * stepsPerEpoch
	decay := optim.Hold(scheduled, optim.Cosine(scheduled, 0))
	scope := s.Scope()
	err := s.Run(ctx, recipe.Loop{Steps: s.Epochs * stepsPerEpoch, State: state, Step: func(step int) ([]recipe.Value, error) {
		var total float64
		for _, r := range rivals {
			batch := learned.at(r.batch(random, step, s.BatchSize))
			r.adam.SetLR(s.Rate * decay.At(step))
			loss := r.network.Loss(nn.Training(0), scope.View(batch.images), batch.digits)
			loss.BackwardOnce()
			r.adam.Step()
			total += loss.Item()
			scope.Release()
		}
		return []recipe.Value{{Name: "mean_loss", Value: total / float64(len(rivals))}}, nil
	}})
	if err != nil {
		return err
	}
	return report(s, measure(rivals, tested), rivals)
}

// newRivals returns the networks and the state of the loop. The networks of a
// repeat begin with the same trunk, whatever they learn and from how much. Their
// images are the first of a random order of all, so that more include the fewer.
func newRivals(s *recipe.Session, random *tensor.Rand, available int) (rivals []rival, state map[string]any) {
	state = map[string]any{}
	for repeat := range repeats {
		order := random.Split(fmt.Sprintf("repeat %d", repeat)).Perm(available)
		for _, size := range sizes {
			if size > available {
				continue
			}
			for k, tasks := range kinds {
				m := New(nn.NewInit(s.Seed+uint64(repeat)), tasks)
				r := rival{repeat, size, order.Narrow(0, 0, size), tasks, m, optim.New(optim.Adam(s.Rate), nn.Parameters(m))}
				rivals = append(rivals, r)
				name := fmt.Sprintf("repeat%d.images%d.kind%d", repeat, size, k)
				state["net."+name], state["adam."+name] = m, r.adam
			}
		}
	}
	return rivals, state
}

// batch returns which images a step learns from: networks of one repeat and size
// see the same ones in the same order.
func (r rival) batch(random *tensor.Rand, step, size int) *tensor.Tensor {
	perEpoch := max(1, r.size/size)
	order := random.Split(fmt.Sprintf("repeat %d, images %d, epoch %d", r.repeat, r.size, step/perEpoch)).Perm(r.size)
	return r.labelled.IndexSelect(0, order.Narrow(0, step%perEpoch*size, min(size, r.size)))
}

// score is how many of the test images a network got wrong, as shares.
type score struct {
	digit, loop float64 // NaN where the network has no such head
	loopByDigit float64 // loops told from the digit that was read
}

// measure tests all networks.
func measure(rivals []rival, tested examples) []score {
	const part = 500 // images at a time
	scope := tensor.NewInferenceScope()
	scores := make([]score, len(rivals))
	n := tested.digits.Len()
	shown := tested.digits.Int64s()
	for i, r := range rivals {
		wrongDigits, wrongLoops, wrongByDigit := 0, 0, 0
		for first := 0; first < n; first += part {
			k := min(part, n-first)
			digits, loops := r.network.Forward(nn.Inference(), scope.View(tested.images.Narrow(0, first, k)))
			if digits != nil {
				for j, d := range digits.ArgMax(1).Int64s() {
					if d != shown[first+j] {
						wrongDigits++
					}
					if closed[d] != closed[shown[first+j]] {
						wrongByDigit++
					}
				}
			}
			if loops != nil {
				for j, z := range loops.Float32s() {
					if (z > 0) != closed[shown[first+j]] {
						wrongLoops++
					}
				}
			}
			scope.Release()
		}
		scores[i] = score{math.NaN(), math.NaN(), math.NaN()}
		if r.tasks.Digit {
			scores[i].digit, scores[i].loopByDigit = float64(wrongDigits)/float64(n), float64(wrongByDigit)/float64(n)
		}
		if r.tasks.Loop {
			scores[i].loop = float64(wrongLoops) / float64(n)
		}
	}
	return scores
}
