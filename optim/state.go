package optim

import (
	"maps"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// Keys of what is stored once for an optimizer. The keys of a parameter have
// its name and a dot before them.
const (
	keySteps    = "steps"
	keyLR       = "lr"
	keyMomentum = "momentum"
	keyStep     = "step"
)

// State returns copies of everything that is needed to go on bit for bit as if
// there had been no interruption, as tensors that a safetensors file can hold:
// "steps" (int64, a scalar), "lr" and, where SetMomentum was called, "momentum"
// (float64), and for every parameter that was updated its "NAME.step" and the
// rule's tensors under PyTorch's names, such as "conv1.weight.exp_avg". The
// parameters themselves are not part of it, nor are the settings that are not
// scheduled.
func (o *Optimizer) State() map[string]*tensor.Tensor {
	s := map[string]*tensor.Tensor{
		keySteps: tensor.Scalar(float64(o.steps), tensor.Int64),
		keyLR:    tensor.Scalar(o.lr, tensor.Float64),
	}
	if o.scheduled {
		mu, _ := o.Momentum()
		s[keyMomentum] = tensor.Scalar(mu, tensor.Float64)
	}
	for _, p := range o.params {
		if p.steps == 0 {
			continue
		}
		s[p.key(keyStep)] = tensor.Scalar(float64(p.steps), tensor.Int64)
		if p.rule.number != "" {
			s[p.key(p.rule.number)] = tensor.Scalar(p.number, tensor.Float64)
		}
		for i, name := range p.rule.state(p.settings) {
			s[p.key(name)] = p.state[i].Keep()
		}
	}
	return s
}

func (p *parameter) key(name string) string { return p.name + "." + name }

// LoadState takes back what State returned, from an optimizer with the same
// rule and the same names and shapes of parameters. It copies. When something
// is missing, left over or does not fit, the error names it and nothing has
// changed.
func (o *Optimizer) LoadState(state map[string]*tensor.Tensor) error {
	r := stateReader{state: maps.Clone(state)}
	steps, lr := r.count(keySteps), r.number(keyLR)
	var mu float64
	_, scheduled := r.state[keyMomentum]
	if _, ok := o.Momentum(); ok && scheduled {
		mu = r.number(keyMomentum)
	}
	loaded := make([]loadedParameter, len(o.params))
	for i, p := range o.params {
		loaded[i] = r.parameter(p)
	}
	r.nothingLeft(o.groups[0].algorithm.Name() + " with these parameters")
	if r.err == nil {
		r.err = checkRate(lr)
	}
	if r.err == nil && !(mu >= 0 && mu < 1) {
		r.fail("the state has a momentum of %g; it must be in [0, 1)", mu)
	}
	if r.err != nil {
		return r.err
	}
	o.steps = steps
	o.SetLR(lr)
	o.resetMomentum()
	if scheduled {
		o.SetMomentum(mu)
	}
	for i, p := range o.params {
		p.restore(loaded[i])
	}
	return nil
}

// loadedParameter is what a state says about one parameter.
type loadedParameter struct {
	steps  int
	number float64
	state  []*tensor.Tensor
}

// restore makes the parameter what was loaded; no steps means a fresh one.
func (p *parameter) restore(l loadedParameter) {
	p.steps, p.number = l.steps, l.number
	p.state = nil
	if l.steps == 0 {
		return
	}
	p.start()
	for i, t := range l.state {
		p.state[i].CopyFrom(t)
	}
}

// stateReader takes entries out of a state and keeps the first error.
type stateReader struct {
	state map[string]*tensor.Tensor
	err   error
}

func (r *stateReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = errorf(format, args...)
	}
}

func (r *stateReader) take(key string) *tensor.Tensor {
	t := r.state[key]
	if t == nil {
		r.fail("the state has no %s; it was saved from another rule or other parameters", key)
	}
	delete(r.state, key)
	return t
}

// like reads a tensor with the element type and shape of p.
func (r *stateReader) like(key string, p *tensor.Tensor) *tensor.Tensor {
	t := r.take(key)
	if t != nil && (t.DType() != p.DType() || !slices.Equal(t.Shape(), p.Shape())) {
		r.fail("%s in the state is %v %s, the parameter %v %s", key,
			t.DType(), tensor.ShapeString(t.Shape()), p.DType(), tensor.ShapeString(p.Shape()))
	}
	return t
}

// nothingLeft fails when there are entries that nobody took.
func (r *stateReader) nothingLeft(owner string) {
	for _, key := range slices.Sorted(maps.Keys(r.state)) {
		r.fail("the state has %s, which %s does not keep; load it into what it was saved from", key, owner)
	}
}

// number reads a float64 scalar.
func (r *stateReader) number(key string) float64 {
	t := r.take(key)
	if t == nil {
		return 0
	}
	if t.DType() != tensor.Float64 || t.Len() != 1 {
		r.fail("%s in the state is %v %s; it must be one float64", key, t.DType(), tensor.ShapeString(t.Shape()))
		return 0
	}
	return t.Item()
}

// count reads an int64 scalar that is not negative.
func (r *stateReader) count(key string) int {
	t := r.take(key)
	if t == nil {
		return 0
	}
	if t.DType() != tensor.Int64 || t.Len() != 1 {
		r.fail("%s in the state is %v %s; it must be one int64", key, t.DType(), tensor.ShapeString(t.Shape()))
		return 0
	}
	n := t.Int64s()[0]
	if n < 0 {
		r.fail("%s in the state is %d; a number of steps cannot be negative", key, n)
	}
	return int(n)
}

// parameter reads what the state has about p. A parameter that was never
// updated is not in it.
func (r *stateReader) parameter(p *parameter) loadedParameter {
	l := loadedParameter{number: 1}
	if r.state[p.key(keyStep)] == nil {
		return l
	}
	l.steps = r.count(p.key(keyStep))
	if p.rule.number != "" {
		l.number = r.number(p.key(p.rule.number))
		if !(l.number >= 0 && l.number <= 1) { // a product of momenta
			r.fail("%s in the state is %g; it must be in [0, 1]", p.key(p.rule.number), l.number)
		}
	}
	for _, name := range p.rule.state(p.settings) {
		l.state = append(l.state, r.like(p.key(name), p.tensor))
	}
	return l
}
