package photos

import (
	"github.com/hadal-ml/hadal/models"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// ResNet20Recipe trains the smallest network of the residual networks' paper.
// A quarter of the paper's epochs are enough with a learning rate that rises
// and falls once; --full trains as the paper did, 64,000 updates in three steps.
var ResNet20Recipe = recipe.Recipe{
	Name: "cifar-resnet20", Summary: "A residual network of 20 layers tells ten kinds of things on photographs",
	Source: "He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, section 4.2",
	Data:   "cifar-10", Expect: "91.2% of the test photographs; the paper, with --full: 91.25%", Minutes: 42,
	Epochs: 40, BatchSize: 128, Rate: 0.2,
	Load:  loadCIFAR,
	New:   func(init *nn.Init) nn.Module { return ofCIFAR(models.NewResNet20(init, 3, classes)) },
	Input: colour,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		oneCycle(cfg, rate, steps)
		cfg.Transform = shifted
	},
	Full: &recipe.Setting{
		Epochs: 164, BatchSize: 128, Rate: 0.1, // 64,000 updates are 163.7 epochs
		Configure: func(cfg *train.Config, rate float64, _ int) {
			cfg.Optimizer = optim.Momentum(rate, 0.9).WeightDecay(1e-4)
			cfg.Schedule = optim.MultiStep(0.1, 32_000, 48_000)
			cfg.Transform = shifted
		},
	},
}

// oneCycle is stochastic gradient descent with Nesterov's momentum and a
// learning rate that rises to its peak and falls to nothing (Smith and Topin,
// arXiv 1708.07120). The weight decay is five times the residual networks'
// paper's: before batch normalisation it decides, with the rate, how fast the
// direction of a weight turns (van Laarhoven, arXiv 1706.05350), and a short
// training has to turn it faster.
func oneCycle(cfg *train.Config, rate float64, steps int) {
	const momentum = 0.9
	cfg.Optimizer = optim.Nesterov(rate, momentum).WeightDecay(5e-4)
	cycle := optim.NewOneCycle(steps)
	cycle.LeastMomentum, cycle.MostMomentum = momentum, momentum
	cfg.Schedule = cycle
}
