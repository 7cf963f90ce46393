package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
)

// Algorithm is an optimizer's rule with its settings, not yet bound to
// parameters. The constructors, such as [Adam], give every setting but the
// learning rate PyTorch's default; the methods return a copy with one changed:
//
//	optim.Adam(3e-4).Betas(0.9, 0.98).Eps(1e-9)
//
// A setting that is out of range, or that the rule does not have, is reported
// by Check, and makes [New] panic.
type Algorithm struct {
	rule     *rule
	settings settings
	err      *Error // the first setting that the rule does not have
}

// settings are the numbers of all rules; each uses some.
type settings struct {
	lr              float64
	momentum        float64
	dampening       float64
	beta1, beta2    float64
	rho             float64
	eps             float64
	weightDecay     float64
	l1              float64
	lrDecay         float64
	initial         float64
	momentumDecay   float64
	nesterov        bool
	centered        bool
	keepsVelocity   bool // was given a momentum, which may become zero later
	decoupled       bool // the weight decay
	keepsLargest    bool // AMSGrad
	decoupledByName bool // AdamW: decoupled whatever the setting is called
}

// rule is what a family of optimizers knows about itself.
type rule struct {
	name     string
	accepts  []string                           // settings beyond the rate and those that all have
	state    func(s *settings) []string         // PyTorch's names of the tensors kept for a parameter
	number   string                             // name of a number kept for a parameter, or empty
	single   func(b *bound[float32]) updater    // binds the rule to a parameter
	double   func(b *bound[float64]) updater    // the same in float64
	momentum func(s *settings) (field *float64) // what a schedule of the momentum changes, or nil
}

// updater is a rule bound to one parameter. begin is called once a step, then
// update for all chunks, several at once.
type updater interface {
	begin()
	update(lo, hi int)
}

// LR sets the learning rate.
func (a Algorithm) LR(lr float64) Algorithm {
	a.settings.lr = lr
	return a
}

// WeightDecay sets the factor of an L2 penalty: d times the parameter is added
// to the gradient. For [AdamW] and [LAMB], whose decay is decoupled from the
// gradient, it sets that one.
func (a Algorithm) WeightDecay(d float64) Algorithm {
	a.settings.weightDecay, a.settings.decoupled = d, a.settings.decoupledByName
	return a
}

// DecoupledWeightDecay shrinks the parameter by lr*d in every step instead of
// changing the gradient (Loshchilov and Hutter, arXiv 1711.05101). The Adam
// family has it.
func (a Algorithm) DecoupledWeightDecay(d float64) Algorithm {
	a = a.having("DecoupledWeightDecay")
	a.settings.weightDecay, a.settings.decoupled = d, true
	return a
}

// L1 sets the factor of an L1 penalty: c times the sign of the parameter is
// added to the gradient.
func (a Algorithm) L1(c float64) Algorithm {
	a.settings.l1 = c
	return a
}

// Momentum sets how much of the last step goes into the next.
func (a Algorithm) Momentum(mu float64) Algorithm {
	a = a.having("Momentum")
	a.settings.momentum, a.settings.keepsVelocity = mu, mu != 0
	return a
}

// Dampening sets the share of the gradient that is kept out of the velocity.
func (a Algorithm) Dampening(d float64) Algorithm {
	a = a.having("Dampening")
	a.settings.dampening = d
	return a
}

// Nesterov looks ahead along the velocity before it takes the step.
func (a Algorithm) Nesterov() Algorithm {
	a = a.having("Nesterov")
	a.settings.nesterov = true
	return a
}

// Betas sets how slowly the running means of the gradient and of its square
// forget, each in [0, 1).
func (a Algorithm) Betas(beta1, beta2 float64) Algorithm {
	a = a.having("Betas")
	a.settings.beta1, a.settings.beta2 = beta1, beta2
	return a
}

// Rho sets how slowly the running mean of the squared gradient forgets, in
// [0, 1). PyTorch calls it alpha for RMSprop.
func (a Algorithm) Rho(rho float64) Algorithm {
	a = a.having("Rho")
	a.settings.rho = rho
	return a
}

// Eps sets what is added to a denominator to keep it from zero.
func (a Algorithm) Eps(eps float64) Algorithm {
	a = a.having("Eps")
	a.settings.eps = eps
	return a
}

// Centered divides by the spread of the gradient about its running mean
// (Graves, arXiv 1308.0850).
func (a Algorithm) Centered() Algorithm {
	a = a.having("Centered")
	a.settings.centered = true
	return a
}

// LRDecay divides the rate by 1 + d*(t-1) at step t.
func (a Algorithm) LRDecay(d float64) Algorithm {
	a = a.having("LRDecay")
	a.settings.lrDecay = d
	return a
}

// InitialAccumulator sets where the sum of squared gradients starts.
func (a Algorithm) InitialAccumulator(v float64) Algorithm {
	a = a.having("InitialAccumulator")
	a.settings.initial = v
	return a
}

// MomentumDecay sets psi, the speed at which the momentum of [NAdam] grows to
// beta1.
func (a Algorithm) MomentumDecay(psi float64) Algorithm {
	a = a.having("MomentumDecay")
	a.settings.momentumDecay = psi
	return a
}

// having notes a setting that the rule does not have.
func (a Algorithm) having(setting string) Algorithm {
	if a.err == nil && a.rule != nil && !slices.Contains(a.rule.accepts, setting) {
		a.err = errorf("%s has no setting %s", a.rule.name, setting)
	}
	return a
}

// Name returns the rule's name, such as "AdamW".
func (a Algorithm) Name() string {
	if a.rule == nil {
		return "none"
	}
	return a.rule.name
}

// String returns the name and the settings that are in use, such as
// "AdamW(lr 0.001, betas 0.9 0.999, eps 1e-08, decoupled weight decay 0.01)".
func (a Algorithm) String() string {
	s := a.settings
	parts := []string{fmt.Sprintf("lr %g", s.lr)}
	if a.rule != nil && slices.Contains(a.rule.accepts, "Betas") {
		parts = append(parts, fmt.Sprintf("betas %g %g", s.beta1, s.beta2))
	}
	decay := "weight decay"
	if s.decoupled {
		decay = "decoupled " + decay
	}
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"momentum", s.momentum}, {"dampening", s.dampening}, {"rho", s.rho}, {"eps", s.eps}, {decay, s.weightDecay}, {"L1", s.l1},
		{"lr decay", s.lrDecay}, {"initial accumulator", s.initial}, {"momentum decay", s.momentumDecay},
	} {
		if p.value != 0 {
			parts = append(parts, fmt.Sprintf("%s %g", p.name, p.value))
		}
	}
	if s.nesterov {
		parts = append(parts, "Nesterov")
	}
	if s.centered {
		parts = append(parts, "centered")
	}
	return a.Name() + "(" + strings.Join(parts, ", ") + ")"
}

// Check returns an [Error] that says which setting is out of range or not one
// of the rule's, or nil.
func (a Algorithm) Check() error {
	if a.rule == nil {
		return errorf("no algorithm was chosen; take one such as Adam(1e-3)")
	}
	if a.err != nil {
		return a.err
	}
	s := a.settings
	if err := checkRate(s.lr); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value float64
		limit float64
	}{
		{"momentum", s.momentum, 1}, {"first beta", s.beta1, 1}, {"second beta", s.beta2, 1}, {"rho", s.rho, 1}, {"dampening", s.dampening, 1},
		{"eps", s.eps, math.Inf(1)}, {"weight decay", s.weightDecay, math.Inf(1)}, {"L1 factor", s.l1, math.Inf(1)},
		{"decay of the rate", s.lrDecay, math.Inf(1)}, {"initial accumulator", s.initial, math.Inf(1)}, {"momentum decay", s.momentumDecay, math.Inf(1)},
	} {
		if !(f.value >= 0 && f.value < f.limit) {
			return errorf("the %s of %s is %g; it must be in [0, %g)", f.name, a.Name(), f.value, f.limit)
		}
	}
	if s.nesterov && (s.momentum == 0 || s.dampening != 0) {
		return errorf("Nesterov's method needs a momentum and no dampening; they are %g and %g", s.momentum, s.dampening)
	}
	return nil
}

func checkRate(lr float64) error {
	if !(lr >= 0 && lr <= math.MaxFloat64) {
		return errorf("the learning rate is %g; it must be a number, not negative and not infinite", lr)
	}
	return nil
}

// sign is -1, 0 or 1.
func sign[T vec.Float](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
