package language

import (
	"context"
	"fmt"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// TransformerRecipe is a small GPT on the text that the recurrent networks read.
var TransformerRecipe = recipe.Recipe{
	Name: "transformer-lm", Summary: "A language model of characters: a small GPT writes like Shakespeare",
	Source: "Radford et al., Improving Language Understanding by Generative Pre-Training, 2018", Data: "tiny-shakespeare",
	Expect: "validation loss in nats a character: at most 1.50", Minutes: 8,
	Epochs: gptPasses, BatchSize: 16, Rate: 2e-3,
	Heeds: recipe.Heeds{Limit: true, Precision: true, Full: true},
	Train: trainTransformer, Open: openTransformer,
}

const (
	gptPasses = 8   // windows as long as so many texts; the length of the schedule
	gptWarmup = 200 // steps in which the rate grows
	gptDecay  = 0.1 // of weights, not of biases and scales
)

func trainTransformer(ctx context.Context, s *recipe.Session) error {
	text, err := load(s)
	if err != nil {
		return err
	}
	sizes, dropout, passes := GPTSizes{Layers: 4, Width: 192, Heads: 4, Context: 128}, 0.0, gptPasses
	if s.Full { // so large that it would learn the text by heart without dropout, and longer: an epoch is four passes
		sizes, dropout, passes = GPTSizes{Layers: 6, Width: 384, Heads: 6, Context: 256}, 0.2, 4*passes
		s.Epochs *= 4
	}
	return fitTransformer(ctx, s, text, sizes, dropout, passes)
}

// fitTransformer reads windows from anywhere in the text. All places of a window
// are predicted at once: none sees those behind it. The schedule is as long as
// so many passes.
func fitTransformer(ctx context.Context, s *recipe.Session, text *corpus, sizes GPTSizes, dropout float64, passes int) error {
	sizes.Context = min(sizes.Context, len(text.train)-1)
	m := NewGPT(nn.NewInit(s.Seed), sizes, text.Len(), dropout)
	params := nn.Parameters(m)
	var weights, others []*tensor.Tensor
	for _, p := range params {
		if p.NDim() > 1 {
			weights = append(weights, p)
		} else {
			others = append(others, p)
		}
	}
	rule := optim.AdamW(s.Rate).Betas(0.9, 0.99)
	opt := optim.NewGroups(optim.Group{Params: weights, Algorithm: rule.WeightDecay(gptDecay)}, optim.Group{Params: others, Algorithm: rule.WeightDecay(0)})
	perPass := max(1, len(text.train)/(s.BatchSize*sizes.Context))
	schedule := gptSchedule(passes * perPass)
	scope := s.Scope()
	steps := s.Epochs * perPass
	err := s.Run(ctx, recipe.Loop{Steps: steps, State: map[string]any{"model": m, "adamw": opt}, Step: func(i int) ([]recipe.Value, error) {
		defer scope.Release()
		ids, next := windows(text.train, s.BatchSize, sizes.Context, s.Seed, i)
		loss := nn.CrossEntropy(m.Forward(trainingContext(s.Seed, i), scope.View(ids)), next)
		loss.BackwardOnce()
		optim.ClipNorm(params, 1)
		opt.SetLR(s.Rate * schedule.At(i+1))
		opt.Step()
		return watched(loss.Item(), i+1, steps, func() float64 { return m.loss(text.validation, 8) }), nil
	}})
	if err != nil {
		return err
	}
	if err := finish(s, m, text.Vocabulary, sizes, m.loss(text.validation, 1)); err != nil {
		return err
	}
	return m.picture(s, text)
}

// gptSchedule grows for some steps and then falls along half a cosine to a
// fiftieth at the last of so many, where it stays: a training may be longer than
// its schedule.
func gptSchedule(steps int) optim.Schedule {
	fall := max(1, steps-gptWarmup)
	return optim.LinearWarmup(gptWarmup, 0, optim.Hold(fall, optim.Cosine(fall, 0.02)))
}

// windows returns stretches of a text, drawn for a step: characters (batch,
// length) and those that come next, (batch*length).
func windows(ids []int64, batch, length int, seed uint64, step int) (x, next *tensor.Tensor) {
	random := random(seed, "windows", step)
	var xs, ys []int64
	for range batch {
		at := random.IntN(len(ids) - length)
		xs, ys = append(xs, ids[at:at+length]...), append(ys, ids[at+1:at+length+1]...)
	}
	return tensor.FromSlice(xs, batch, length), tensor.FromSlice(ys)
}

// openTransformer reads a finished run, to generate text with.
func openTransformer(dir string) (any, error) {
	var sizes GPTSizes
	weights, v, err := stored(dir, &sizes)
	if err != nil {
		return nil, err
	}
	m := NewGPT(nn.NewInit(0), sizes, v.Len(), 0)
	if err := nn.LoadState(m, weights); err != nil {
		return nil, fmt.Errorf("%s does not fit: %w", dir, err)
	}
	return &generator{v, func() reader { return &gptReader{model: m} }}, nil
}
