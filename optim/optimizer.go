package optim

import (
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/tensor"
)

// chunk is how many elements a worker updates at a time. Adam then touches
// 256 KiB of float32, which fits the second-level cache of one core.
const chunk = 16 << 10

// Optimizer is an [Algorithm] bound to parameters. It is not safe for use by
// several goroutines at once.
type Optimizer struct {
	groups []*group
	params []*parameter
	spans  []span
	grain  int // spans handed to a worker at a time
	lr     float64
	steps  int
	// scheduled says that SetMomentum was called, so that the momentum is part
	// of the state.
	scheduled bool
	each      func(worker, lo, hi int) // made once, so that a step allocates nothing for it
	pass      func(p *parameter, lo, hi int)
}

// group is a set of parameters with settings of their own.
type group struct {
	algorithm Algorithm
	settings  settings
	scale     float64 // its rate over that of the optimizer
}

// span is a chunk of one parameter.
type span struct {
	p      *parameter
	lo, hi int
}

// Group is a set of parameters and the rule and settings they are updated with.
type Group struct {
	Params    []*tensor.Tensor
	Algorithm Algorithm
}

// New binds a to parameters: leaves of float32 or float64. Those that do not
// require a gradient, or have none, are left alone by Step. New panics with an
// [*Error] when a setting of a is out of range, when there is no parameter, or
// when one is listed twice.
func New(a Algorithm, params []*tensor.Tensor) *Optimizer {
	return NewGroups(Group{params, a})
}

// NewGroups is New with settings for each group. The rates keep their
// proportions: LR and SetLR speak of that of the first group, and the others
// follow.
func NewGroups(groups ...Group) *Optimizer {
	o := &Optimizer{}
	names := newNames()
	for i, g := range groups {
		if err := g.Algorithm.Check(); err != nil {
			panic(err)
		}
		own := &group{algorithm: g.Algorithm, settings: g.Algorithm.settings, scale: 1}
		if i == 0 {
			o.lr = own.settings.lr
		} else if own.settings.lr != o.lr {
			if o.lr == 0 {
				panic(errorf("the first group has a learning rate of 0, so that of group %d is in no proportion to it; give the first group the rate to start from", i))
			}
			own.scale = own.settings.lr / o.lr
		}
		o.groups = append(o.groups, own)
		for _, t := range g.Params {
			name := names.add(t)
			if !t.IsLeaf() {
				panic(errorf("%s was computed from others; only leaves can be optimized", name))
			}
			o.add(newParameter(t, name, g.Algorithm.rule, &own.settings))
		}
	}
	if len(o.params) == 0 {
		panic(errorf("there are no parameters to optimize"))
	}
	o.SetLR(o.lr)
	// A worker gets about a chunk of elements at a time, so that a model of
	// many small parameters is not cut finer than one large parameter.
	o.grain = max(1, min(len(o.spans), len(o.spans)*chunk/max(1, o.elements())))
	o.each = func(_, lo, hi int) {
		for _, s := range o.spans[lo:hi] {
			if s.p.active {
				o.pass(s.p, s.lo, s.hi)
			}
		}
	}
	return o
}

// add cuts a parameter into spans.
func (o *Optimizer) add(p *parameter) {
	o.params = append(o.params, p)
	for lo := 0; lo < p.tensor.Len(); lo += chunk {
		o.spans = append(o.spans, span{p, lo, min(lo+chunk, p.tensor.Len())})
	}
}

func (o *Optimizer) elements() (n int) {
	for _, p := range o.params {
		n += p.tensor.Len()
	}
	return n
}

// Step updates the parameters and clears their gradients, whose memory stays,
// so that the next Backward starts from nothing. A parameter that has no
// gradient, or requires none, is left alone and counts no step.
func (o *Optimizer) Step() {
	o.steps++
	second := false
	for _, p := range o.params {
		if p.begin() {
			_, two := p.update.(twoPass)
			second = second || two
		}
	}
	o.run(firstPass)
	if second {
		for _, p := range o.params {
			if u, ok := p.update.(twoPass); ok && p.active {
				u.between()
			}
		}
		o.run(secondPass)
	}
	for _, p := range o.params {
		if p.active {
			p.tensor.ClearGrad()
		}
	}
}

// run calls pass for every span of the parameters that take part.
func (o *Optimizer) run(pass func(p *parameter, lo, hi int)) {
	o.pass = pass
	par.ForWorker(len(o.spans), o.grain, o.each)
}

func firstPass(p *parameter, lo, hi int) { p.update.update(lo, hi) }

func secondPass(p *parameter, lo, hi int) {
	if u, ok := p.update.(twoPass); ok {
		u.finish(lo, hi)
	}
}

// twoPass is an updater whose step depends on all of the parameter: between is
// called after all updates, then finish for all chunks.
type twoPass interface {
	between()
	finish(lo, hi int)
}

// ZeroGrad clears the gradients without a step, as after a batch that is to be
// skipped.
func (o *Optimizer) ZeroGrad() {
	for _, p := range o.params {
		p.tensor.ClearGrad()
	}
}

// Params returns the parameters in the order they were given.
func (o *Optimizer) Params() []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(o.params))
	for i, p := range o.params {
		list[i] = p.tensor
	}
	return list
}

// Steps returns how often Step was called.
func (o *Optimizer) Steps() int { return o.steps }

// LR returns the learning rate, that of the first group.
func (o *Optimizer) LR() float64 { return o.lr }

// SetLR sets the learning rate of the first group; the other groups keep their
// proportions to it. It panics with an [*Error] when lr is negative, infinite
// or NaN.
func (o *Optimizer) SetLR(lr float64) {
	if err := checkRate(lr); err != nil {
		panic(err)
	}
	o.lr = lr
	for _, g := range o.groups {
		g.settings.lr = lr * g.scale
	}
}

// Momentum returns the momentum of the first group that has one, which in the
// Adam family is the first beta, and whether there is such a group.
func (o *Optimizer) Momentum() (mu float64, ok bool) {
	for _, g := range o.groups {
		if field := g.momentum(&g.settings); field != nil {
			return *field, true
		}
	}
	return 0, false
}

// SetMomentum sets the momentum, or first beta, of all groups that have one,
// as a one-cycle schedule does. It panics with an [*Error] when mu is not in
// [0, 1) or no group has one.
func (o *Optimizer) SetMomentum(mu float64) {
	if !(mu >= 0 && mu < 1) {
		panic(errorf("the momentum is %g; it must be in [0, 1)", mu))
	}
	if _, ok := o.Momentum(); !ok {
		panic(errorf("%s has no momentum to set", o.groups[0].algorithm.Name()))
	}
	o.scheduled = true
	for _, g := range o.groups {
		if field := g.momentum(&g.settings); field != nil {
			*field = mu
		}
	}
}

// resetMomentum undoes SetMomentum.
func (o *Optimizer) resetMomentum() {
	o.scheduled = false
	for _, g := range o.groups {
		if field := g.momentum(&g.settings); field != nil {
			*field = *g.momentum(&g.algorithm.settings)
		}
	}
}

// momentum returns the field of s that is the momentum of the group's rule, or
// nil.
func (g *group) momentum(s *settings) *float64 {
	if g.algorithm.rule.momentum == nil {
		return nil
	}
	return g.algorithm.rule.momentum(s)
}
