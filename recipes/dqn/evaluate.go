package dqn

import (
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/tensor"
)

// Evaluate plays episodes without exploration, side by side, and returns how
// many steps each lasted. The key decides how they begin.
func Evaluate(m *QNetwork, episodes int, key rng.Key) []int {
	poles, number := make([]CartPole, episodes), make([]int, episodes)
	for i := range poles {
		poles[i], number[i] = NewCartPole(key.Split(uint64(i)).Stream()), i
	}
	returns := make([]int, episodes)
	scope := tensor.NewInferenceScope()
	for len(poles) > 0 {
		chosen := m.Greedy(scope, poles)
		going := 0
		for i := range poles {
			if terminated, truncated := poles[i].Step(int(chosen[i])); terminated || truncated {
				returns[number[i]] = poles[i].Steps
				continue
			}
			poles[going], number[going] = poles[i], number[i]
			going++
		}
		poles = poles[:going]
	}
	return returns
}

// watch plays one episode without exploration and returns all of its states,
// from the first to that in which it ended.
func watch(m *QNetwork, seed uint64) []CartPole {
	pole := NewCartPole(rng.New(seed).SplitString("watch").Stream())
	states := []CartPole{pole}
	scope := tensor.NewInferenceScope()
	for {
		terminated, truncated := pole.Step(int(m.Greedy(scope, states[len(states)-1:])[0]))
		states = append(states, pole)
		if terminated || truncated {
			return states
		}
	}
}

func mean(list []int) float64 {
	sum := 0
	for _, v := range list {
		sum += v
	}
	return float64(sum) / float64(max(1, len(list)))
}
