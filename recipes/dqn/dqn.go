// Package dqn has the recipe of a network that learns by trial and error to
// balance a pole: deep Q-learning. It is not a library of environments or of
// algorithms of reinforcement learning.
package dqn

import (
	"fmt"

	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// QNetwork tells for each action how much reward is still to come, discounted,
// when it is taken now and the best ones ever after: the action value Q(s, a).
type QNetwork struct {
	FC1, FC2, Out *nn.Linear
}

// NewQNetwork returns a network with two hidden layers.
func NewQNetwork(init *nn.Init, hidden int) *QNetwork {
	return &QNetwork{
		nn.NewLinear(init, observations, hidden),
		nn.NewLinear(init, hidden, hidden),
		nn.NewLinear(init, hidden, actions),
	}
}

// Forward maps states (B, observations) to action values (B, actions).
func (m *QNetwork) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	return m.Out.Forward(c, m.FC2.ForwardReLU(c, m.FC1.ForwardReLU(c, x)))
}

// Greedy returns the action of the largest value for each of some poles. What it
// needs of memory the scope gives, and gets back.
func (m *QNetwork) Greedy(scope *tensor.Scope, poles []CartPole) []int64 {
	defer scope.Release()
	return m.Forward(nn.Inference(), scope.View(observe(poles))).ArgMax(1).Int64s()
}

// observe is what is seen of some poles: (len(poles), observations).
func observe(poles []CartPole) *tensor.Tensor {
	x := make([]float32, len(poles)*observations)
	for i := range poles {
		poles[i].Observe(x[i*observations:])
	}
	return tensor.FromSlice(x, len(poles), observations)
}

// Settings that a recipe has no name for.
const (
	hidden   = 128
	capacity = 50_000 // transitions in the memory
	warmUp   = 1000   // of them, before the first update

	discount = 0.99 // of what a step later is worth: in 70 steps, a half
	// reward of each step. With ten times as much, the errors of the values lie
	// beyond the threshold of the Huber loss for most of the training, and the
	// network follows what it should say too slowly.
	reward = 0.1

	stepsPerUpdate = 2
	copyEvery      = 50 // updates from one copy to the target network to the next

	explorationShare = 0.2  // of the training, in which epsilon falls from 1
	leastEpsilon     = 0.05 // to this
)

// agent is what learns, and all that its steps change.
type agent struct {
	online, target *QNetwork
	best           *QNetwork // the online network when it played best
	adam           *optim.Optimizer
	memory         *Memory
	play           play
}

// play is the episode in progress, and what came of the others.
type play struct {
	Pole    CartPole
	Returns []int   // steps that each finished episode lasted
	Best    float64 // mean return of the best network in its trial
}

// Check tells whether what a checkpoint says can have happened.
func (p *play) Check() error {
	for _, steps := range append([]int{p.Pole.Steps + 1}, p.Returns...) {
		if steps < 1 || steps > longest {
			return fmt.Errorf("an episode of %d steps", steps)
		}
	}
	if p.Best < 0 || p.Best > longest { // no later network could ever be the best
		return fmt.Errorf("a mean return of %g steps", p.Best)
	}
	return nil
}

func newAgent(seed uint64, rate float64) *agent {
	network := func() *QNetwork { return NewQNetwork(nn.NewInit(seed), hidden) } // the same weights each time
	a := &agent{online: network(), target: network(), best: network(), memory: NewMemory(capacity)}
	a.adam = optim.New(optim.Adam(rate), nn.Parameters(a.online))
	return a
}

// state is what a checkpoint keeps.
func (a *agent) state() map[string]any {
	return map[string]any{"online": a.online, "target": a.target, "best": a.best, "adam": a.adam, "memory": a.memory, "play": recipe.Plain{Value: &a.play}}
}

// act takes one step in the environment and remembers it: with probability
// epsilon any action, else the best as far as the network knows. When an episode
// is over, the next begins.
func (a *agent) act(scope *tensor.Scope, epsilon float64, random *rng.Stream) {
	pole := &a.play.Pole
	if pole.Steps == 0 {
		*pole = NewCartPole(random)
	}
	action := random.IntN(actions)
	if !random.Bernoulli(epsilon) {
		action = int(a.online.Greedy(scope, []CartPole{*pole})[0])
	}
	before := *pole
	terminated, truncated := pole.Step(action)
	a.memory.Add(before, action, reward, *pole, terminated)
	if terminated || truncated {
		a.play.Returns = append(a.play.Returns, pole.Steps)
		*pole = CartPole{}
	}
}

// learn makes one update from a batch of the memory and returns the loss.
func (a *agent) learn(scope *tensor.Scope, batchSize int, random *rng.Stream) float64 {
	defer scope.Release()
	loss := doubleDQNLoss(a.online, a.target, a.memory.Sample(scope, batchSize, random))
	loss.BackwardOnce()
	a.adam.Step()
	return loss.Item()
}

// doubleDQNLoss is the Huber loss of Bellman's equation: the value of an action
// is its reward plus the discounted value of the best action afterwards, if the
// episode goes on. The largest of several noisy values is too large on average;
// so one network chooses the action, and another, which has no part in the noise
// of the first, says its value (van Hasselt et al., equation 4). No gradient
// flows through what is aimed at.
func doubleDQNLoss(online, target *QNetwork, b *Transitions) *tensor.Tensor {
	value := pick(online.Forward(nn.Training(0), b.Before), b.Action) // (B)

	best := online.Forward(nn.Inference(), b.After).ArgMax(1)
	later := pick(target.Forward(nn.Inference(), b.After), best)
	goesOn := b.Terminal.Neg().AddScalar(1)
	return nn.Huber(value, b.Reward.Add(later.Mul(goesOn).MulScalar(discount)))
}

// pick takes the value of one action from each row: (B, actions) and (B) give (B).
func pick(values, action *tensor.Tensor) *tensor.Tensor {
	n := action.Len()
	return values.Gather(1, action.Reshape(n, 1)).Reshape(n)
}

// trial lets the network play without exploration and keeps it if it never
// played better. What DQN has learned it may also forget; how well a network
// plays is found out on episodes of their own, which have no part in learning and
// none in the result.
func (a *agent) trial(seed uint64) float64 {
	found := mean(Evaluate(a.online, trials, rng.New(seed).SplitString("trial")))
	if found >= a.play.Best {
		a.play.Best = found
		copyWeights(a.best, a.online)
	}
	return found
}

// copyWeights makes one network say what another says now.
func copyWeights(to, from *QNetwork) {
	source := nn.Parameters(from)
	for i, t := range nn.Parameters(to) {
		t.CopyFrom(source[i])
	}
}
