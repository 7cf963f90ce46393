package optim

import (
	"math"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// adamDefaults are the settings that the Adam family shares.
func adamDefaults(lr float64) settings {
	return settings{lr: lr, beta1: 0.9, beta2: 0.999, eps: 1e-8}
}

var adamRule = adamNamed("Adam")

func adamNamed(name string) *rule {
	return &rule{
		name:    name,
		accepts: []string{"Betas", "Eps", "DecoupledWeightDecay"},
		state: func(s *settings) []string {
			if s.keepsLargest {
				return []string{"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}
			}
			return firstAndSecondMoment(s)
		},
		single:   newAdam[float32],
		double:   newAdam[float64],
		momentum: firstBeta,
	}
}

func firstAndSecondMoment(*settings) []string { return []string{"exp_avg", "exp_avg_sq"} }

func firstBeta(s *settings) *float64 { return &s.beta1 }

// Adam steps along the running mean of the gradient over the root of the
// running mean of its square (Kingma and Ba, arXiv 1412.6980). Betas 0.9 and
// 0.999, eps 1e-8.
func Adam(lr float64) Algorithm {
	return Algorithm{rule: adamRule, settings: adamDefaults(lr)}
}

var amsgradRule = adamNamed("AMSGrad")

// AMSGrad is [Adam] over the largest mean square so far, so that the rate of a
// parameter never grows (Reddi et al., arXiv 1904.09237).
func AMSGrad(lr float64) Algorithm {
	s := adamDefaults(lr)
	s.keepsLargest = true
	return Algorithm{rule: amsgradRule, settings: s}
}

var adamWRule = adamNamed("AdamW")

// AdamW is [Adam] with decoupled weight decay, 0.01 unless set (Loshchilov and
// Hutter, arXiv 1711.05101).
func AdamW(lr float64) Algorithm {
	s := adamDefaults(lr)
	s.weightDecay, s.decoupled, s.decoupledByName = 0.01, true, true
	return Algorithm{rule: adamWRule, settings: s}
}

type adam[T vec.Float] struct {
	*bound[T]
	scalars vec.AdamSettings
}

func newAdam[T vec.Float](b *bound[T]) updater { return &adam[T]{bound: b} }

func (u *adam[T]) begin() { u.scalars = u.adamScalars() }

func (u *adam[T]) update(lo, hi int) {
	vec.Adam(u.values(lo, hi), u.gradient(lo, hi), u.keptAt(0, lo, hi), u.keptAt(1, lo, hi), u.keptAt(2, lo, hi), u.scalars)
}

// adamScalars are the scalars of a step of any rule of the family. The
// corrections undo that the running means started from zero.
func (p *parameter) adamScalars() vec.AdamSettings {
	s, t := p.settings, float64(p.steps)
	return vec.AdamSettings{LR: s.lr, Beta1: s.beta1, Beta2: s.beta2, Eps: s.eps, WeightDecay: s.weightDecay, Decoupled: s.decoupled,
		Correction1: 1 - math.Pow(s.beta1, t), Correction2: 1 - math.Pow(s.beta2, t)}
}
