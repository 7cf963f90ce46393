package digits

import (
	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/train"
)

// BestRecipe trains what the book names for going past 99.38%: augmentation,
// learning-rate decay, and an ensemble, here of wider Quick networks.
var BestRecipe = recipe.Recipe{
	Name: "mnist-best", Summary: "An ensemble with augmentation and learning-rate decay reads digits",
	Source: "Saitoh, Deep Learning from Scratch, ch. 8.1.2",
	Data:   "mnist", Expect: "99.6% of the test digits", Minutes: 16,
	Epochs: 10, BatchSize: 125, Rate: 1e-2, Members: 5,
	Load:  load,
	New:   func(init *nn.Init) nn.Module { return NewQuick(init, 32) },
	Input: input,
	Configure: func(cfg *train.Config, rate float64, steps int) {
		cfg.Optimizer = optim.AdamW(rate)
		cfg.Schedule = optim.NewOneCycle(steps)
		cfg.Transform = data.Warp{Rotate: 10, Shear: 6, Zoom: 0.1, Translate: 2}
	},
}
