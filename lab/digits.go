package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// digits are images of handwritten digits and which ones they are.
type digits struct {
	x *tensor.Tensor // (n, 784) in 0..1
	y *tensor.Tensor // (n) int64
}

const (
	pixels  = mnist.Side * mnist.Side
	classes = 10
)

// some returns n of MNIST's training images, from the given one on. The test
// images have no part in any experiment.
func some(first, n int) digits {
	images := mnist.Train()
	x, y := make([]float32, n*pixels), make([]int64, n)
	for i := range n {
		y[i] = int64(images.Label(first + i))
		for j, b := range images.Bytes(first + i) {
			x[i*pixels+j] = float32(b) / 255
		}
	}
	return digits{tensor.FromSlice(x, n, pixels), tensor.FromSlice(y, n)}
}

// batch draws n digits at random, with replacement, into a scope.
func (d digits) batch(scope *tensor.Scope, random *rng.Stream, n int) (x, y *tensor.Tensor) {
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = int64(random.IntN(d.y.Len()))
	}
	index := tensor.FromSlice(rows, n)
	return scope.View(d.x).IndexSelect(0, index), scope.View(d.y).IndexSelect(0, index)
}

// units is how many of them each hidden layer has, in all experiments.
const units = 100

// perceptron returns a network that maps digits (B, 784) to logits (B, 10) through
// some hidden layers of 100 units. Each is linear, followed by what behind returns;
// biases begin at zero.
func perceptron(init *nn.Init, hidden int, weights nn.Initializer, behind func() []nn.Module) nn.Module {
	linear := func(inputs, outputs int) nn.Module {
		return nn.NewLinear(init, inputs, outputs, nn.WithInit(weights), nn.WithBiasInit(nn.Zeros))
	}
	net, inputs := nn.Sequential{}, pixels
	for range hidden {
		net = append(append(net, linear(inputs, units)), behind()...)
		inputs = units
	}
	return append(net, linear(inputs, classes))
}

// justReLU is what stands behind the linear layers of a plain perceptron.
func justReLU() []nn.Module { return []nn.Module{nn.ReLU{}} }

// fiveLayers is the book's network for comparisons on digits: four hidden layers,
// which make learning a little harder than one would.
func fiveLayers(init *nn.Init, weights nn.Initializer) nn.Module {
	return perceptron(init, 4, weights, justReLU)
}

// descend trains a network by some steps of gradient descent, each on a batch of
// random digits, and calls watch with the number of steps done and the loss before
// the last one; training ends early where watch says so. watch may be nil.
func descend(ctx context.Context, model nn.Module, opt *optim.Optimizer, d digits, steps, batchSize int, key rng.Key, watch func(done int, loss float64) (goOn bool)) error {
	scope := tensor.NewScope()
	for i := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		random := key.Split(uint64(i)).Stream()
		x, y := d.batch(scope, random, batchSize)
		loss := nn.CrossEntropy(model.Forward(nn.Training(random.Uint64()), x), y)
		loss.BackwardOnce()
		opt.Step()
		value := loss.Item()
		scope.Release()
		if watch != nil && !watch(i+1, value) {
			return nil
		}
	}
	return nil
}

// losses is descend for those who want to see the loss of every step.
func losses(ctx context.Context, model nn.Module, a optim.Algorithm, d digits, steps, batchSize int, key rng.Key) ([]float64, error) {
	var all []float64
	err := descend(ctx, model, optim.New(a, nn.Parameters(model)), d, steps, batchSize, key, func(_ int, loss float64) bool {
		all = append(all, loss)
		return true
	})
	return all, err
}

// measure returns the loss of a network and its share of right answers.
func measure(model nn.Module, d digits) (loss, accuracy float64) {
	scope := tensor.NewInferenceScope()
	defer scope.Release()
	scores := model.Forward(nn.Inference(), scope.View(d.x))
	right := scores.ArgMax(1).Equal(d.y).CountNonzero().Item()
	return nn.CrossEntropy(scores, d.y).Item(), right / float64(d.y.Len())
}

// smooth is the mean of each value and those at most reach before it.
func smooth(values []float64, reach int) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		lo, sum := max(0, i-reach), 0.0
		for _, v := range values[lo : i+1] {
			sum += v
		}
		out[i] = sum / float64(i+1-lo)
	}
	return out
}

// inWords writes a loss, which may have left the numbers.
func inWords(loss float64) string {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return "infinite"
	}
	return fmt.Sprintf("%.3g", loss)
}

// last is the last of some values.
func last(values []float64) float64 { return values[len(values)-1] }

// countFrom1 is 1, 2, ..., n.
func countFrom1(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i + 1)
	}
	return x
}
