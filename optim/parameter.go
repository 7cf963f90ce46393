package optim

import (
	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/tensor"
)

// maxState is the largest number of tensors a rule keeps for a parameter.
const maxState = 3

// parameter is one tensor under an optimizer and what is kept for it.
type parameter struct {
	tensor   *tensor.Tensor
	name     string
	rule     *rule
	settings *settings // of its group
	steps    int       // updates it has had
	state    []*tensor.Tensor
	number   float64 // kept by the rules that have one

	binding binding
	update  updater
	active  bool // takes part in the step that runs
}

// binding is a *bound of either element type.
type binding interface {
	load(gradient *tensor.Tensor)
}

// bound is a parameter as its rule sees it: slices of one element type in
// memory order. They are looked up anew in every step, because a gradient may
// be another tensor each time.
type bound[T vec.Float] struct {
	*parameter
	p, g        []T
	kept        [maxState][]T // in the order of the rule's state; nil where it keeps none
	regularized []T           // gradient with L1 penalty, where one is set
}

// newParameter binds a rule to a tensor. Its state is made at its first step,
// so that frozen parameters cost nothing.
func newParameter(t *tensor.Tensor, name string, r *rule, s *settings) *parameter {
	p := &parameter{tensor: t, name: name, rule: r, settings: s, number: 1}
	if t.DType() == tensor.Float64 {
		b := &bound[float64]{parameter: p}
		p.binding, p.update = b, r.double(b)
		return p
	}
	b := &bound[float32]{parameter: p}
	p.binding, p.update = b, r.single(b)
	return p
}

// start makes the state, in the layout of the parameter.
func (p *parameter) start() {
	for range p.rule.state(p.settings) {
		t := p.tensor.Keep()
		t.Fill(p.settings.initial)
		p.state = append(p.state, t)
	}
}

// begin prepares a step and reports whether there is one to take.
func (p *parameter) begin() bool {
	g := p.tensor.Grad()
	if p.active = g != nil && p.tensor.RequiresGrad(); !p.active {
		return false
	}
	if p.state == nil {
		p.start()
	}
	p.steps++
	p.binding.load(ownGradient(p.tensor))
	p.update.begin()
	return true
}

// load looks up the slices.
func (b *bound[T]) load(gradient *tensor.Tensor) {
	b.p, b.g = tensor.MutableData[T](b.tensor), tensor.Data[T](gradient)
	for i, t := range b.state {
		b.kept[i] = tensor.MutableData[T](t)
	}
	if b.settings.l1 != 0 && b.regularized == nil {
		b.regularized = make([]T, len(b.p))
	}
}

// values returns a chunk of the parameter.
func (b *bound[T]) values(lo, hi int) []T { return b.p[lo:hi] }

// keptAt returns a chunk of state i, or nil where the rule does not keep it.
func (b *bound[T]) keptAt(i, lo, hi int) []T {
	if b.kept[i] == nil {
		return nil
	}
	return b.kept[i][lo:hi]
}

// gradient returns a chunk of the gradient with the L1 penalty.
func (b *bound[T]) gradient(lo, hi int) []T {
	if b.settings.l1 == 0 {
		return b.g[lo:hi]
	}
	out, l1 := b.regularized[lo:hi], T(b.settings.l1)
	p := b.p[lo:hi]
	for i, g := range b.g[lo:hi] {
		out[i] = g + l1*sign(p[i])
	}
	return out
}

// ownGradient returns the gradient of p in p's element type and layout.
// Backward makes it so; a gradient that was set by hand is replaced by a copy.
func ownGradient(p *tensor.Tensor) *tensor.Tensor {
	g := p.Grad()
	if g.DType() == p.DType() && tensor.SameLayout(p, g) {
		return g
	}
	like := p.Keep()
	like.CopyFrom(g)
	p.SetGrad(like)
	return like
}
