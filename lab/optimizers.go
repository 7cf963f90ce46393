package lab

import (
	"context"
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/metrics/plot"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// optimizers shows how the rules go down the same slopes. In a bowl that is
// twenty times as steep one way as the other, the gradient points across the
// valley and hardly along it. Momentum adds up what the steps have in common and
// lets the rest cancel; AdaGrad, RMSProp and Adam divide each direction by how
// steep it has been.
var optimizers = Experiment{
	Name: "optimizers", Summary: "SGD, momentum, Nesterov, AdaGrad, RMSProp and Adam: paths in a bowl, off a saddle, and on MNIST",
	Source:  "Saitoh, Deep Learning from Scratch, ch. 6.1; Dauphin et al., arXiv 1406.2572 (saddles)",
	Seconds: 10, Run: runOptimizers,
}

// rule is an optimizer with its rate in the plane and its rate on digits.
type rule struct {
	name   string
	plane  optim.Algorithm
	digits optim.Algorithm
}

var rules = []rule{
	{"SGD", optim.SGD(0.95), optim.SGD(0.01)},
	{"Momentum", optim.Momentum(0.1, 0.9), optim.Momentum(0.01, 0.9)},
	{"Nesterov", optim.Nesterov(0.1, 0.9), optim.Nesterov(0.01, 0.9)},
	{"AdaGrad", optim.Adagrad(1.5), optim.Adagrad(0.01)},
	{"RMSProp", optim.RMSprop(0.25).Rho(0.9), optim.RMSprop(0.001)},
	{"Adam", optim.Adam(0.3), optim.Adam(0.001)},
}

// surface is f(x, y) = a x² + b y².
type surface struct{ a, b float64 }

var (
	bowl   = surface{1. / 20, 1}        // the book's
	saddle = surface{1. / 20, -1. / 20} // rises in x and falls in y
)

// at is the height of a place.
func (s surface) at(x, y float64) float64 { return s.a*x*x + s.b*y*y }

// of is the same of a point (2) that an optimizer moves.
func (s surface) of(p *tensor.Tensor) *tensor.Tensor {
	return p.Square().Mul(tensor.FromSlice([]float64{s.a, s.b}, 2)).Sum()
}

// path is where a rule goes on a surface, the start included.
func path(a optim.Algorithm, on surface, start [2]float64, steps int) (x, y []float64) {
	p := tensor.FromSlice(start[:], 2).RequireGrad()
	opt := optim.New(a, []*tensor.Tensor{p})
	x, y = []float64{start[0]}, []float64{start[1]}
	for range steps {
		on.of(p).Backward()
		opt.Step()
		x, y = append(x, p.At(0)), append(y, p.At(1))
	}
	return x, y
}

func runOptimizers(ctx context.Context, s Settings) (*Report, error) {
	r := &Report{}
	const valleySteps, saddleSteps = 30, 60
	xs, ys := [2]float64{-8, 8}, [2]float64{-4, 4}
	heights := plot.Sample(bowl.at, xs, ys, 81, 61)
	levels := []float64{0.1, 0.4, 0.9, 1.6, 2.5, 4, 6, 9, 12, 16}

	var bowls []plot.Part
	var saddles, curves []plot.Series
	steps := s.amount(2000, 100)
	d := some(0, s.amount(60000, 2000))
	for i, rule := range rules {
		if err := s.progress(ctx, i, len(rules), rule.name); err != nil {
			return nil, err
		}
		px, py := path(rule.plane, bowl, [2]float64{-7, 2}, valleySteps)
		r.add(bowl.at(last(px), last(py)), "bowl_%s", rule.name)
		bowls = append(bowls, plot.Field{Title: rule.name, X: xs, Y: ys, Values: heights, Columns: 81, Rows: 61, Levels: levels,
			Paths: []plot.Series{{Name: fmt.Sprintf("rate %g, %d steps", rate(rule.plane), valleySteps), X: px, Y: py}}})

		_, sy := path(rule.plane, saddle, [2]float64{-7, 1e-3}, saddleSteps)
		r.add(stepsTo(sy, 1), "saddle_%s", rule.name)
		for k := range sy {
			sy[k] = math.Abs(sy[k])
		}
		saddles = append(saddles, plot.Series{Name: rule.name, Y: sy})

		found, err := losses(ctx, fiveLayers(nn.NewInit(s.Seed), nn.HeNormal), rule.digits, d, steps, 128, s.key("optimizers"))
		if err != nil {
			return nil, err
		}
		curve := smooth(found, steps/40)
		r.add(last(curve), "mnist_loss_%s", rule.name)
		curves = append(curves, plot.Series{Name: rule.name, X: countFrom1(steps), Y: curve})
	}
	r.Caption = fmt.Sprintf("Bowl f = x²/20 + y², thirty steps from (-7, 2): SGD jumps from side to side and ends at f = %.2g, momentum rolls past and back, AdaGrad, RMSProp and Adam head along the valley (%.2g, %.2g, %.2g). "+
		"Saddle f = (x² - y²)/20, from (-7, 0.001), the rates as in the bowl: near the ridge the gradient is nearly nothing, and what divides by its size gets away first. "+
		"MNIST, five layers, the same weights and batches for all: after %d steps of 128 digits the loss is %.3f with SGD (rate 0.01), %.3f with momentum, %.3f with AdaGrad, %.3f with Adam. Which rule wins depends on the rates, which were not tuned.",
		r.Get("bowl_SGD"), r.Get("bowl_AdaGrad"), r.Get("bowl_RMSProp"), r.Get("bowl_Adam"), steps,
		r.Get("mnist_loss_SGD"), r.Get("mnist_loss_Momentum"), r.Get("mnist_loss_AdaGrad"), r.Get("mnist_loss_Adam"))
	return r.draw(plot.Board{
		Title: "optimizers: six ways down", Rows: [][]plot.Part{bowls[:3], bowls[3:], {
			plot.Chart{Title: "Leaving a saddle: distance from the ridge", XLabel: "step", LogY: true, Series: saddles},
			plot.Chart{Title: fmt.Sprintf("MNIST: training loss, mean of %d steps", steps/40+1), XLabel: "step", LogY: true, Series: curves},
		}},
		Heights: []float64{1, 1, 1.5}, Height: 1500,
	})
}

// stepsTo is how many steps it took to get so far from zero, infinite if they
// never did.
func stepsTo(values []float64, distance float64) float64 {
	for i, v := range values {
		if math.Abs(v) >= distance {
			return float64(i)
		}
	}
	return math.Inf(1)
}

// rate is the learning rate of a rule.
func rate(a optim.Algorithm) float64 {
	return optim.New(a, []*tensor.Tensor{tensor.Zeros(1).RequireGrad()}).LR()
}
