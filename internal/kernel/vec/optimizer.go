package vec

import "math"

// Each optimizer update is one pass over the parameters p, their gradients g
// and the optimizer's state, all of the same length. p and the state change; g
// does not. The formulas and their defaults are those of PyTorch's
// torch.optim; the papers are named with each. State starts as zeros.
//
// Settings are float64 so that derived coefficients such as 1-Beta2 are
// rounded to T once.

// SGDSettings are the scalars of one [SGD] step.
type SGDSettings struct {
	LR          float64
	Momentum    float64
	Dampening   float64
	WeightDecay float64 // L2: adds WeightDecay*p to the gradient
	L1          float64 // adds L1*sign(p) to the gradient
	Nesterov    bool
	First       bool // first step: the velocity becomes the gradient, undamped
}

// SGD is stochastic gradient descent with momentum (Sutskever et al., 2013).
// velocity may be nil when Momentum is 0.
func SGD[T Float](p, g, velocity []T, s SGDSettings) {
	sameLength("SGD", len(p), len(g))
	lr, decay, l1 := T(s.LR), T(s.WeightDecay), T(s.L1)
	if velocity == nil || s.Momentum == 0 {
		if isFloat32[T]() && sgdKernel(ptr(p), ptr(g), float32(lr), float32(decay), float32(l1), len(p)) {
			return
		}
		for i, w := range p {
			p[i] = w - lr*(g[i]+decay*w+l1*sign(w))
		}
		return
	}
	sameLength("SGD", len(p), len(velocity))
	keep, gain := T(s.Momentum), T(1-s.Dampening)
	if s.First {
		keep, gain = 0, 1
	}
	var ofGradient, ofVelocity T = 0, 1
	if s.Nesterov {
		ofGradient, ofVelocity = 1, T(s.Momentum)
	}
	if isFloat32[T]() && sgdMomentumKernel(ptr(p), ptr(g), ptr(velocity), float32(lr), float32(decay), float32(l1), float32(keep), float32(gain), float32(ofGradient), float32(ofVelocity), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + decay*w + l1*sign(w)
		v := keep*velocity[i] + gain*d
		velocity[i] = v
		p[i] = w - lr*(ofGradient*d+ofVelocity*v)
	}
}

// sign is -1, 0 or 1.
func sign[T Float](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// AdamSettings are the scalars of one [Adam] step. Correction1 and Correction2
// are 1-Beta1^t and 1-Beta2^t at step t, counted from 1.
type AdamSettings struct {
	LR                       float64
	Beta1, Beta2             float64
	Eps                      float64
	WeightDecay              float64
	Decoupled                bool // AdamW: shrink p directly
	Correction1, Correction2 float64
}

// l2 and shrink split a weight decay into what is added to the gradient and
// what p is multiplied by.
func (s AdamSettings) l2() float64 {
	if s.Decoupled {
		return 0
	}
	return s.WeightDecay
}

func (s AdamSettings) shrink() float64 {
	if s.Decoupled {
		return 1 - s.LR*s.WeightDecay
	}
	return 1
}

// Adam is Adam (Kingma and Ba, arXiv 1412.6980), AdamW (Loshchilov and Hutter,
// arXiv 1711.05101) when Decoupled is set, and AMSGrad (Reddi et al., arXiv
// 1904.09237) when vMax is not nil. m and v are the moments.
func Adam[T Float](p, g, m, v, vMax []T, s AdamSettings) {
	sameLength("Adam", len(p), len(g))
	sameLengths("Adam", len(p), len(m), len(v))
	if vMax != nil {
		sameLength("Adam", len(p), len(vMax))
	}
	l2, shrink := T(s.l2()), T(s.shrink())
	gain1, beta2, gain2 := T(1-s.Beta1), T(s.Beta2), T(1-s.Beta2)
	step, root, eps := T(s.LR/s.Correction1), T(1/math.Sqrt(s.Correction2)), T(s.Eps)
	if isFloat32[T]() && vMax != nil && amsgradKernel(ptr(p), ptr(g), ptr(m), ptr(v), ptr(vMax), float32(l2), float32(shrink), float32(gain1), float32(beta2), float32(gain2), float32(step), float32(root), float32(eps), len(p)) {
		return
	}
	if isFloat32[T]() && vMax == nil && adamKernel(ptr(p), ptr(g), ptr(m), ptr(v), float32(l2), float32(shrink), float32(gain1), float32(beta2), float32(gain2), float32(step), float32(root), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + l2*w
		w *= shrink
		m[i] += gain1 * (d - m[i])
		v[i] = beta2*v[i] + gain2*d*d
		second := v[i]
		if vMax != nil {
			second = max(vMax[i], second)
			vMax[i] = second
		}
		p[i] = w - step*m[i]/(sqrt(second)*root+eps)
	}
}

func sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }

// RMSpropSettings are the scalars of one [RMSprop] step.
type RMSpropSettings struct {
	LR, Alpha, Eps, WeightDecay, Momentum float64
}

// RMSprop is the method of Tieleman and Hinton's lecture 6.5 (2012). square is
// the running mean of g². The variant is centered (Graves, arXiv 1308.0850)
// when mean, the running mean of g, is not nil, and has momentum when velocity
// is not nil.
func RMSprop[T Float](p, g, square, mean, velocity []T, s RMSpropSettings) {
	sameLengths("RMSprop", len(p), len(g), len(square))
	for _, x := range [][]T{mean, velocity} {
		if x != nil {
			sameLength("RMSprop", len(p), len(x))
		}
	}
	lr, alpha, gain, eps := T(s.LR), T(s.Alpha), T(1-s.Alpha), T(s.Eps)
	decay, momentum := T(s.WeightDecay), T(s.Momentum)
	if isFloat32[T]() && mean == nil && velocity == nil && rmspropKernel(ptr(p), ptr(g), ptr(square), float32(decay), float32(lr), float32(alpha), float32(gain), float32(eps), len(p)) {
		return
	}
	if isFloat32[T]() && mean == nil && velocity != nil && rmspropMomentumKernel(ptr(p), ptr(g), ptr(square), ptr(velocity), float32(decay), float32(lr), float32(alpha), float32(gain), float32(eps), float32(momentum), len(p)) {
		return
	}
	if isFloat32[T]() && mean != nil && velocity != nil && rmspropCenteredMomentumKernel(ptr(p), ptr(g), ptr(square), ptr(mean), ptr(velocity), float32(decay), float32(lr), float32(alpha), float32(gain), float32(eps), float32(momentum), len(p)) {
		return
	}
	if isFloat32[T]() && mean != nil && velocity == nil && rmspropCenteredKernel(ptr(p), ptr(g), ptr(square), ptr(mean), float32(decay), float32(lr), float32(alpha), float32(gain), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + decay*w
		square[i] = alpha*square[i] + gain*d*d
		spread := square[i]
		if mean != nil {
			mean[i] += gain * (d - mean[i])
			spread -= mean[i] * mean[i]
		}
		step := d / (sqrt(spread) + eps)
		if velocity != nil {
			step += momentum * velocity[i]
			velocity[i] = step
		}
		p[i] = w - lr*step
	}
}

// AdagradSettings are the scalars of one [Adagrad] step. LR is the decayed
// rate, lr/(1+(t-1)*decay) at step t.
type AdagradSettings struct {
	LR, Eps, WeightDecay float64
}

// Adagrad is the method of Duchi et al. (JMLR 12, 2011). sum is the running
// sum of g².
func Adagrad[T Float](p, g, sum []T, s AdagradSettings) {
	sameLengths("Adagrad", len(p), len(g), len(sum))
	lr, eps, decay := T(s.LR), T(s.Eps), T(s.WeightDecay)
	if isFloat32[T]() && adagradKernel(ptr(p), ptr(g), ptr(sum), float32(decay), float32(lr), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + decay*w
		sum[i] += d * d
		p[i] = w - lr*d/(sqrt(sum[i])+eps)
	}
}

// AdadeltaSettings are the scalars of one [Adadelta] step.
type AdadeltaSettings struct {
	LR, Rho, Eps, WeightDecay float64
}

// Adadelta is the method of Zeiler (arXiv 1212.5701). square and delta are the
// running means of g² and of the squared updates.
func Adadelta[T Float](p, g, square, delta []T, s AdadeltaSettings) {
	sameLength("Adadelta", len(p), len(g))
	sameLengths("Adadelta", len(p), len(square), len(delta))
	lr, rho, gain, eps, decay := T(s.LR), T(s.Rho), T(1-s.Rho), T(s.Eps), T(s.WeightDecay)
	if isFloat32[T]() && adadeltaKernel(ptr(p), ptr(g), ptr(square), ptr(delta), float32(decay), float32(lr), float32(rho), float32(gain), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + decay*w
		square[i] = rho*square[i] + gain*d*d
		u := sqrt(delta[i]+eps) / sqrt(square[i]+eps) * d
		delta[i] = rho*delta[i] + gain*u*u
		p[i] = w - lr*u
	}
}

// Adamax is the infinity-norm variant of Adam (arXiv 1412.6980, section 7). m
// is the first moment and u the norm. Decoupled and Correction2 are not used.
func Adamax[T Float](p, g, m, u []T, s AdamSettings) {
	sameLength("Adamax", len(p), len(g))
	sameLengths("Adamax", len(p), len(m), len(u))
	gain1, beta2, eps, decay := T(1-s.Beta1), T(s.Beta2), T(s.Eps), T(s.WeightDecay)
	step := T(s.LR / s.Correction1)
	if isFloat32[T]() && adamaxKernel(ptr(p), ptr(g), ptr(m), ptr(u), float32(decay), float32(gain1), float32(beta2), float32(step), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + decay*w
		m[i] += gain1 * (d - m[i])
		u[i] = max(beta2*u[i], T(math.Abs(float64(d)))+eps)
		p[i] = w - step*m[i]/u[i]
	}
}

// NAdamSettings are the scalars of one [NAdam] step. With the momentum schedule
// mu_t = Beta1*(1 - 0.96^(t*decay)/2), GradientStep is
// LR*(1-mu_t)/(1-mu_1*...*mu_t) and MomentStep is
// LR*mu_{t+1}/(1-mu_1*...*mu_{t+1}). Correction1 of Adam is not used.
type NAdamSettings struct {
	Adam                     AdamSettings
	GradientStep, MomentStep float64
}

// NAdam is Adam with Nesterov momentum (Dozat, ICLR workshop 2016).
func NAdam[T Float](p, g, m, v []T, s NAdamSettings) {
	sameLength("NAdam", len(p), len(g))
	sameLengths("NAdam", len(p), len(m), len(v))
	a := s.Adam
	l2, shrink := T(a.l2()), T(a.shrink())
	gain1, beta2, gain2 := T(1-a.Beta1), T(a.Beta2), T(1-a.Beta2)
	root, eps := T(1/math.Sqrt(a.Correction2)), T(a.Eps)
	stepG, stepM := T(s.GradientStep), T(s.MomentStep)
	if isFloat32[T]() && nadamKernel(ptr(p), ptr(g), ptr(m), ptr(v), float32(l2), float32(shrink), float32(gain1), float32(beta2), float32(gain2), float32(root), float32(eps), float32(stepG), float32(stepM), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + l2*w
		w *= shrink
		m[i] += gain1 * (d - m[i])
		v[i] = beta2*v[i] + gain2*d*d
		denominator := sqrt(v[i])*root + eps
		p[i] = w - stepG*d/denominator - stepM*m[i]/denominator
	}
}

// RAdamSettings are the scalars of one [RAdam] step. Rectify is the variance
// rectification r_t, or 0 while the length of the average is at most 5, when
// the step is that of SGD with momentum.
type RAdamSettings struct {
	Adam    AdamSettings
	Rectify float64
}

// RAdam is rectified Adam (Liu et al., arXiv 1908.03265).
func RAdam[T Float](p, g, m, v []T, s RAdamSettings) {
	sameLength("RAdam", len(p), len(g))
	sameLengths("RAdam", len(p), len(m), len(v))
	a := s.Adam
	l2, shrink := T(a.l2()), T(a.shrink())
	gain1, beta2, gain2 := T(1-a.Beta1), T(a.Beta2), T(1-a.Beta2)
	// The step is m*(fixed + adaptive/(sqrt(v)+eps)), of which one is zero.
	fixed, adaptive := T(a.LR/a.Correction1), T(0)
	if s.Rectify > 0 {
		fixed, adaptive = 0, T(a.LR/a.Correction1*s.Rectify*math.Sqrt(a.Correction2))
	}
	eps := T(a.Eps)
	if isFloat32[T]() && radamKernel(ptr(p), ptr(g), ptr(m), ptr(v), float32(l2), float32(shrink), float32(gain1), float32(beta2), float32(gain2), float32(fixed), float32(adaptive), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i] + l2*w
		w *= shrink
		m[i] += gain1 * (d - m[i])
		v[i] = beta2*v[i] + gain2*d*d
		p[i] = w - m[i]*(fixed+adaptive/(sqrt(v[i])+eps))
	}
}

// LambDirection is the first phase of LAMB (You et al., arXiv 1904.00962): it
// updates the moments and sets u = m̂/(sqrt(v̂)+eps) + WeightDecay*p. The caller
// then takes p -= LR * |p|/|u| * u over the whole layer. LR and Decoupled are
// not used.
func LambDirection[T Float](u, p, g, m, v []T, s AdamSettings) {
	sameLengths("LambDirection", len(p), len(g), len(u))
	sameLengths("LambDirection", len(p), len(m), len(v))
	gain1, beta2, gain2 := T(1-s.Beta1), T(s.Beta2), T(1-s.Beta2)
	unbias, root, eps := T(1/s.Correction1), T(1/math.Sqrt(s.Correction2)), T(s.Eps)
	decay := T(s.WeightDecay)
	if isFloat32[T]() && lambDirectionKernel(ptr(u), ptr(p), ptr(g), ptr(m), ptr(v), float32(decay), float32(gain1), float32(beta2), float32(gain2), float32(unbias), float32(root), float32(eps), len(p)) {
		return
	}
	for i, w := range p {
		d := g[i]
		m[i] += gain1 * (d - m[i])
		v[i] = beta2*v[i] + gain2*d*d
		u[i] = m[i]*unbias/(sqrt(v[i])*root+eps) + decay*w
	}
}
