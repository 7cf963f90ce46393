package train

import (
	"fmt"
	"math"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// EarlyStopping ends training when the validation loss (the training loss
// without validation data) has not fallen by minDelta for patience epochs, and
// puts the weights of the best epoch back (Prechelt 1998).
func EarlyStopping(patience int, minDelta float64) Callback {
	best, since := math.Inf(1), 0
	var weights []*tensor.Tensor
	return Hooks{
		OnEpoch: func(s *State) error {
			e := s.History[len(s.History)-1]
			if e.monitored() < best-minDelta {
				best, since = e.monitored(), 0
				weights = weights[:0]
				return s.averaged(func() error {
					for _, t := range nn.State(s.Model) {
						weights = append(weights, t.Keep())
					}
					return nil
				})
			}
			if since++; since >= patience {
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
