package dqn

import (
	"context"
	"slices"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// epochs is also the length of the schedules of exploration and learning rate.
const epochs = 50

// Recipe trains double DQN on CartPole. An epoch is a thousand steps of the
// environment.
var Recipe = recipe.Recipe{
	Name: "dqn", Summary: "A Q-network learns by trial and error to balance a pole",
	Source: "Mnih et al., Human-level control through deep reinforcement learning, Nature 518, 2015; van Hasselt, Guez and Silver, Deep reinforcement learning with double Q-learning, arXiv 1509.06461",
	Data:   "made by the recipe", Expect: "a mean return of at least 475, of 500", Minutes: 0.3,
	Epochs: epochs, BatchSize: 64, Rate: 1e-3,
	Train: run,
}

const (
	stepsPerEpoch   = 1000
	updatesPerEpoch = stepsPerEpoch / stepsPerUpdate

	trials    = 50  // episodes after each epoch, by which the best network is chosen
	evaluated = 100 // other episodes, that the result is the mean of
	latest    = 20  // episodes that the mean in the progress line is of
)

func run(ctx context.Context, s *recipe.Session) error {
	a := newAgent(s.Seed, s.Rate)
	before := NewQNetwork(nn.NewInit(s.Seed), hidden) // the same weights, which stay as they are
	const scheduled = epochs * updatesPerEpoch
	epsilon := optim.Linear(1, leastEpsilon, explorationShare*scheduled)
	rate := optim.Linear(1, 0, scheduled)
	key := rng.New(s.Seed).SplitString("training")
	scope := tensor.NewScope()

	err := s.Run(ctx, recipe.Loop{Steps: s.Epochs * updatesPerEpoch, State: a.state(), Step: func(i int) ([]recipe.Value, error) {
		random := key.Split(uint64(i)).Stream()
		for range stepsPerUpdate {
			a.act(scope, epsilon.At(i), random)
		}
		recent := a.play.Returns[max(0, len(a.play.Returns)-latest):]
		values := []recipe.Value{{Name: "return", Value: mean(recent)}, {Name: "epsilon", Value: epsilon.At(i)}}
		if a.memory.Len() >= warmUp {
			a.adam.SetLR(s.Rate * rate.At(i))
			values = append(values, recipe.Value{Name: "loss", Value: a.learn(scope, s.BatchSize, random)})
		}
		// In between the target network stands still, so that the aim does not move
		// with every shot.
		if (i+1)%copyEvery == 0 {
			copyWeights(a.target, a.online)
		}
		if (i+1)%updatesPerEpoch == 0 {
			values = append(values, recipe.Value{Name: "greedy_return", Value: a.trial(s.Seed)})
		}
		return values, nil
	}})
	if err != nil {
		return err
	}
	returns := Evaluate(a.best, evaluated, rng.New(s.Seed).SplitString("evaluation"))
	s.Metric("mean_return", mean(returns))
	s.Metric("least_return", float64(slices.Min(returns)))
	s.Metric("training_episodes", float64(len(a.play.Returns)))
	s.Conclude("mean return %.1f of %d in %d new episodes, the shortest %d, after %d episodes of training", mean(returns), longest, evaluated, slices.Min(returns), len(a.play.Returns))
	if err := s.Save("", a.best); err != nil {
		return err
	}
	at, found, err := s.Curve("greedy_return")
	if err != nil {
		return err
	}
	f, err := plotReturns(a.play.Returns, at, found)
	if err := s.Picture("returns.png", f, err); err != nil {
		return err
	}
	f, err = plotValues(a.best)
	if err := s.Picture("value.png", f, err); err != nil {
		return err
	}
	return film(s.Path("episode.gif"), watch(before, s.Seed), watch(a.best, s.Seed))
}
