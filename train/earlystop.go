package train

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// EarlyStopping ends training when the validation loss (the training loss
// without validation data) has not fallen by minDelta for patience epochs, and
// puts the weights of the best epoch back (Prechelt 1998). A resumed run goes
// on counting; a best epoch from before it cannot be put back, but is in the
// file of [SaveBest].
func EarlyStopping(patience int, minDelta float64) Callback {
	var best float64
	var since int
	var weights []*tensor.Tensor
	// better takes note of an epoch and reports whether it is the best so far.
	better := func(e Epoch) bool {
		since++
		if !(e.monitored() < best-minDelta) {
			return false
		}
		best, since = e.monitored(), 0
		return true
	}
	return Hooks{
		OnStart: func(s *State) error {
			best, since, weights = math.Inf(1), 0, nil
			for _, e := range s.History {
				better(e)
			}
			return nil
		},
		OnEpoch: func(s *State) error {
			if better(s.History[len(s.History)-1]) {
				weights = weights[:0]
				return s.averaged(func() error {
					for _, t := range nn.State(s.Model) {
						weights = append(weights, t.Keep())
					}
					return nil
				})
			}
			if since >= patience {
				s.Stop(fmt.Sprintf("the loss %.4g was not beaten for %d epochs", best, since))
			}
			return nil
		},
		OnEnd: func(s *State) error {
			if weights == nil || s.Interrupted {
				return nil
			}
			for i, t := range nn.State(s.Model) {
				t.CopyFrom(weights[i])
			}
			return nil
		}}
}
