package dqn

import (
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/tensor"
)

// Transitions are n steps: what was seen, what was done, and what came of it.
type Transitions struct {
	Before   *tensor.Tensor // (n, observations) float32
	Action   *tensor.Tensor // (n) int64
	Reward   *tensor.Tensor // (n) float32
	After    *tensor.Tensor // (n, observations) float32
	Terminal *tensor.Tensor // (n) float32: 1 where the episode was over for good, else 0
}

// Memory holds the latest transitions. Samples drawn from it at random are
// nearly independent of each other, which the steps of an episode are not, and
// each is learned from many times (Lin 1992; Mnih et al. 2015). It is made of
// tensors, so that a checkpoint keeps it as it keeps a model.
type Memory struct {
	Transitions
	Count *tensor.Tensor // () int64: transitions ever added
}

// NewMemory returns an empty memory.
func NewMemory(capacity int) *Memory {
	return &Memory{
		Transitions{
			Before: tensor.Zeros(capacity, observations), Action: tensor.Full(0, tensor.Int64, capacity), Reward: tensor.Zeros(capacity),
			After: tensor.Zeros(capacity, observations), Terminal: tensor.Zeros(capacity),
		}, tensor.Scalar(0, tensor.Int64),
	}
}

// Len is the number of transitions that can be drawn.
func (m *Memory) Len() int { return min(max(0, int(m.Count.Item())), m.Action.Len()) }

// Add remembers a transition, in the place of the oldest when there is no room.
func (m *Memory) Add(before CartPole, action int, reward float32, after CartPole, terminated bool) {
	count := tensor.MutableData[int64](m.Count)
	i := int(uint64(count[0]) % uint64(m.Action.Len())) // in range whatever a checkpoint said
	count[0]++
	before.Observe(tensor.MutableData[float32](m.Before)[i*observations:])
	after.Observe(tensor.MutableData[float32](m.After)[i*observations:])
	tensor.MutableData[int64](m.Action)[i] = int64(action)
	tensor.MutableData[float32](m.Reward)[i] = reward
	terminal := float32(0)
	if terminated {
		terminal = 1
	}
	tensor.MutableData[float32](m.Terminal)[i] = terminal
}

// Sample draws n transitions, with replacement, into the scope.
func (m *Memory) Sample(scope *tensor.Scope, n int, random *rng.Stream) *Transitions {
	rows := make([]int64, n)
	for i := range rows {
		rows[i] = int64(random.IntN(m.Len()))
	}
	index := tensor.FromSlice(rows, n)
	draw := func(t *tensor.Tensor) *tensor.Tensor { return scope.View(t).IndexSelect(0, index) }
	return &Transitions{draw(m.Before), draw(m.Action), draw(m.Reward), draw(m.After), draw(m.Terminal)}
}
