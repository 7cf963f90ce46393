package recipes

import (
	"math"

	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Ensemble is several networks for one task; it averages what they say.
type Ensemble struct {
	Members []nn.Module
}

// Forward maps an input to the logarithm of the mean of the members'
// probabilities (B, classes), which softmax turns into that mean again.
func (e *Ensemble) Forward(c *nn.Context, x *tensor.Tensor) *tensor.Tensor {
	var mean *tensor.Tensor
	for _, m := range e.Members {
		p := m.Forward(c, x).Softmax(-1)
		if mean == nil {
			mean = p
			continue
		}
		mean = mean.Add(p)
	}
	return mean.Log().AddScalar(-math.Log(float64(len(e.Members))))
}
