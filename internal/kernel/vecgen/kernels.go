package main

// kernels describes every kernel once. Names and signatures are those of the
// Go functions; the unroll factor is the number of vectors in flight.
func kernels() []*kernel {
	var all []*kernel
	all = append(all, arithmeticKernels()...)
	all = append(all, functionKernels()...)
	all = append(all, gradientKernels()...)
	all = append(all, reductionKernels()...)
	all = append(all, rowKernels()...)
	all = append(all, optimizerKernels()...)
	all = append(all, conversionKernels()...)
	all = append(all, dropoutKernel())
	all = append(all, transformerKernels()...)
	all = append(all, recurrentKernels()...)
	return all
}

// binary is dst = f(a, b).
func binary(name string, f func(k *kernel, a, b *value) *value) *kernel {
	return define(name+"(dst, a, b *float32, n int)", overSlice, 4, func(k *kernel) {
		k.store("dst", f(k, k.load("a"), k.load("b")))
	})
}

// withScalar is dst = f(x, s).
func withScalar(name string, f func(k *kernel, x, s *value) *value) *kernel {
	return define(name+"(dst, x *float32, s float32, n int)", overSlice, 4, func(k *kernel) {
		k.store("dst", f(k, k.load("x"), k.param("s")))
	})
}

// unary is dst = f(x).
func unary(name string, unroll int, f func(k *kernel, x *value) *value) *kernel {
	return define(name+"(dst, x *float32, n int)", overSlice, unroll, func(k *kernel) {
		k.store("dst", f(k, k.load("x")))
	})
}

// gradient is dst = gy*f(x), with x the input or the output of the function.
func gradient(name string, unroll int, f func(k *kernel, x *value) *value) *kernel {
	return define(name+"(dst, gy, x *float32, n int)", overSlice, unroll, func(k *kernel) {
		x := k.load("x")
		k.store("dst", k.mul(k.load("gy"), f(k, x)))
	})
}

func arithmeticKernels() []*kernel {
	return []*kernel{
		binary("add", (*kernel).add),
		binary("sub", (*kernel).sub),
		binary("mul", (*kernel).mul),
		binary("div", (*kernel).div),
		binary("max", func(k *kernel, a, b *value) *value { return k.op(opMax, a, b) }),
		binary("min", func(k *kernel, a, b *value) *value { return k.op(opMin, a, b) }),
		withScalar("addScalar", (*kernel).add),
		withScalar("rsubScalar", func(k *kernel, x, s *value) *value { return k.sub(s, x) }),
		withScalar("mulScalar", (*kernel).mul),
		withScalar("divScalar", (*kernel).div),
		withScalar("rdivScalar", func(k *kernel, x, s *value) *value { return k.div(s, x) }),
		withScalar("maxScalar", func(k *kernel, x, s *value) *value { return k.op(opMax, x, s) }),
		withScalar("minScalar", func(k *kernel, x, s *value) *value { return k.op(opMin, x, s) }),
		define("axpy(dst, x *float32, alpha float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.fma(k.load("x"), k.param("alpha"), k.load("dst")))
		}),
		define("scaleAdd(dst, a, b *float32, alpha, beta float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.fma(k.load("a"), k.param("alpha"), k.mul(k.load("b"), k.param("beta"))))
		}),
		define("scaleShift(dst, x *float32, scale, shift float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.fma(k.load("x"), k.param("scale"), k.param("shift")))
		}),
		define("fill(dst *float32, s float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.param("s"))
		}),
		unary("neg", 4, (*kernel).neg),
		unary("abs", 4, (*kernel).abs),
		unary("sqrt", 4, (*kernel).sqrt),
		unary("square", 4, func(k *kernel, x *value) *value { return k.mul(x, x) }),
	}
}

func functionKernels() []*kernel {
	return []*kernel{
		unary("exp", 2, (*kernel).exp),
		unary("log", 2, (*kernel).log),
		unary("tanh", 2, (*kernel).tanh),
		unary("erf", 1, (*kernel).erf),
		unary("sigmoid", 2, (*kernel).sigmoid),
		unary("relu", 4, (*kernel).relu),
		unary("gelu", 1, func(k *kernel, x *value) *value {
			phi, _ := k.normal(x)
			return k.mul(x, phi)
		}),
		unary("geluTanh", 1, func(k *kernel, x *value) *value {
			return k.mul(x, k.sigmoid(k.geluInner(x)))
		}),
		unary("silu", 2, func(k *kernel, x *value) *value { return k.mul(x, k.sigmoid(x)) }),
		unary("softplus", 1, (*kernel).softplus),
		define("leakyReLU(dst, x *float32, slope float32, n int)", overSlice, 4, func(k *kernel) {
			x := k.load("x")
			k.store("dst", k.choose(k.less(k.num(0), x), x, k.mul(x, k.param("slope"))))
		}),
		define("elu(dst, x *float32, alpha float32, n int)", overSlice, 2, func(k *kernel) {
			x := k.load("x")
			negative := k.mul(k.expMinusOne(k.op(opMinOf, k.num(0), x)), k.param("alpha"))
			k.store("dst", k.choose(k.less(k.num(0), x), x, negative))
		}),
	}
}

// geluInner is 2*sqrt(2/pi)*(x + 0.044715*x³), twice the argument of the tanh.
func (k *kernel) geluInner(x *value) *value {
	cubic := k.fma(k.mul(x, x), k.num(2*0.79788456080286535588*0.044715), k.num(2*0.79788456080286535588))
	return k.mul(cubic, x)
}

func gradientKernels() []*kernel {
	return []*kernel{
		define("reluGrad(dst, gy, y *float32, n int)", overSlice, 4, func(k *kernel) {
			positive := k.less(k.num(0), k.load("y"))
			k.store("dst", k.op(opKeep, positive, k.load("gy")))
		}),
		define("leakyReLUGrad(dst, gy, x *float32, slope float32, n int)", overSlice, 4, func(k *kernel) {
			gy := k.load("gy")
			k.store("dst", k.choose(k.less(k.num(0), k.load("x")), gy, k.mul(gy, k.param("slope"))))
		}),
		define("eluGrad(dst, gy, y *float32, alpha float32, n int)", overSlice, 4, func(k *kernel) {
			gy, y := k.load("gy"), k.load("y")
			k.store("dst", k.choose(k.less(k.num(0), y), gy, k.mul(gy, k.add(y, k.param("alpha")))))
		}),
		gradient("sigmoidGrad", 4, func(k *kernel, y *value) *value { return k.mul(y, k.sub(k.num(1), y)) }),
		gradient("tanhGrad", 4, func(k *kernel, y *value) *value { return k.fnma(y, y, k.num(1)) }),
		gradient("softplusGrad", 2, (*kernel).sigmoid),
		gradient("geluGrad", 1, func(k *kernel, x *value) *value {
			phi, e := k.normal(x)
			return k.fma(k.mul(x, k.num(0.39894228040143267794)), e, phi)
		}),
		gradient("geluTanhGrad", 1, func(k *kernel, x *value) *value {
			// Beyond 20 the slope is 0 or 1; the clamp keeps the square finite.
			x = k.op(opMinOf, k.num(20), x)
			x = k.op(opMaxOf, k.num(-20), x)
			const inner = 2 * 0.79788456080286535588
			slope := k.mul(x, k.fma(k.mul(x, x), k.num(3*inner*0.044715), k.num(inner)))
			return k.sigmoidSlope(k.geluInner(x), slope)
		}),
		gradient("siluGrad", 1, func(k *kernel, x *value) *value { return k.sigmoidSlope(x, x) }),
	}
}

// sigmoidSlope is s + rise*s*(1-s) with s = sigmoid(u). 1-s is computed as
// sigmoid(-u) would be, without cancellation.
func (k *kernel) sigmoidSlope(u, rise *value) *value {
	e := k.exp(k.op(opOr, u, k.bits(1<<31)))
	one := k.num(1)
	r := k.div(one, k.add(e, one))
	small := k.mul(e, r)
	s := k.choose(k.less(u, k.num(0)), small, r)
	return k.fma(k.mul(rise, small), r, s)
}

func reductionKernels() []*kernel {
	return []*kernel{
		define("sum(x *float32, n int) float32", overSlice, 4, func(k *kernel) { k.total("ret", k.load("x")) }),
		define("sumAbs(x *float32, n int) float32", overSlice, 4, func(k *kernel) { k.total("ret", k.abs(k.load("x"))) }),
		define("sumSquares(x *float32, n int) float32", overSlice, 4, func(k *kernel) {
			k.totalProduct("ret", k.load("x"), k.load("x"))
		}),
		define("dot(a, b *float32, n int) float32", overSlice, 4, func(k *kernel) {
			k.totalProduct("ret", k.load("a"), k.load("b"))
		}),
		define("maxValue(x *float32, n int) float32", overSlice, 4, func(k *kernel) { k.greatest("ret", k.load("x")) }),
		define("minValue(x *float32, n int) float32", overSlice, 4, func(k *kernel) { k.least("ret", k.load("x")) }),
		define("shiftedMoments(x *float32, shift float32, n int) (sum, squares float32)", overSlice, 2, func(k *kernel) {
			d := k.sub(k.load("x"), k.param("shift"))
			k.total("sum", d)
			k.totalProduct("squares", d, d)
		}),
		define("expSub(dst, x *float32, shift float32, n int) float32", overSlice, 2, func(k *kernel) {
			e := k.exp(k.sub(k.load("x"), k.param("shift")))
			k.store("dst", e)
			k.total("ret", e)
		}),
		define("sumExpSub(x *float32, shift float32, n int) float32", overSlice, 2, func(k *kernel) {
			k.total("ret", k.exp(k.sub(k.load("x"), k.param("shift"))))
		}),
		define("layerNormGradSums(gy, x, gamma *float32, mean, rstd float32, n int) (sum, sumXhat float32)", overSlice, 2, func(k *kernel) {
			k.gradSums(k.mul(k.load("gy"), k.load("gamma")))
		}),
		define("standardizeGradSums(gy, x *float32, mean, rstd float32, n int) (sum, sumXhat float32)", overSlice, 2, func(k *kernel) {
			k.gradSums(k.load("gy"))
		}),
	}
}

// xhat is (x-mean)*rstd.
func (k *kernel) xhat() *value {
	return k.mul(k.sub(k.load("x"), k.param("mean")), k.param("rstd"))
}

// gradSums adds up g and g*xhat.
func (k *kernel) gradSums(g *value) {
	k.total("sum", g)
	k.totalProduct("sumXhat", g, k.xhat())
}

// standardizeGrad is rstd*(g - meanG - xhat*meanGXhat).
func (k *kernel) standardizeGrad(g *value) *value {
	g = k.fnma(k.xhat(), k.param("meanGXhat"), k.sub(g, k.param("meanG")))
	return k.mul(g, k.param("rstd"))
}

// withReLU describes a kernel twice, without and with a ReLU on its result.
func withReLU(name, signature string, s shape, unroll int, f func(k *kernel) *value) []*kernel {
	return []*kernel{
		define(name+signature, s, unroll, func(k *kernel) { k.store("dst", f(k)) }),
		define(name+"ReLU"+signature, s, unroll, func(k *kernel) { k.store("dst", k.relu(f(k))) }),
	}
}

func rowKernels() []*kernel {
	var all []*kernel
	all = append(all, withReLU("addRow", "(dst, x, b *float32, rows, cols, stride int)", overRows, 4, func(k *kernel) *value {
		return k.add(k.load("x"), k.column("b"))
	})...)
	all = append(all, withReLU("mulAddRow", "(dst, x, scale, shift *float32, rows, cols, stride int)", overRows, 4, func(k *kernel) *value {
		return k.fma(k.load("x"), k.column("scale"), k.column("shift"))
	})...)
	all = append(all, withReLU("mulAddRowResidual", "(dst, x, scale, shift, residual *float32, rows, cols, stride int)", overRows, 4, func(k *kernel) *value {
		return k.add(k.fma(k.load("x"), k.column("scale"), k.column("shift")), k.load("residual"))
	})...)
	return append(all,
		define("columnSums(sum, x *float32, rows, cols, stride int)", overColumns, 4, func(k *kernel) {
			k.total("sum", k.load("x"))
		}),
		define("columnMoments(sum, squares, x, shift *float32, rows, cols, stride int)", overColumns, 4, func(k *kernel) {
			d := k.sub(k.load("x"), k.column("shift"))
			k.total("sum", d)
			k.totalProduct("squares", d, d)
		}),
		define("batchNormGradSums(sumGy, sumGyCentred, gy, x, mean *float32, rows, cols, stride int)", overColumns, 4, func(k *kernel) {
			k.batchNormGradSums(k.load("gy"))
		}),
		define("batchNormReLUGradSums(sumGy, sumGyCentred, gy, x, mean, scale, shift *float32, rows, cols, stride int)", overColumns, 4, func(k *kernel) {
			k.batchNormGradSums(k.batchNormReLUMask(k.load("gy")))
		}),
		define("batchNormAddReLUGradSums(dst, sumGy, sumGyCentred, gy, y, x, mean *float32, rows, cols, stride int)", overColumns, 4, func(k *kernel) {
			gy := k.op(opKeep, k.less(k.num(0), k.load("y")), k.load("gy"))
			k.store("dst", gy)
			k.batchNormGradSums(gy)
		}),
		define("batchNormGrad(dst, gy, x, mean, scale, slope, offset *float32, rows, cols, stride int)", overRows, 4, func(k *kernel) {
			k.batchNormGrad(k.load("gy"))
		}),
		define("batchNormReLUGrad(dst, gy, x, mean, scale, shift, slope, offset *float32, rows, cols, stride int)", overRows, 4, func(k *kernel) {
			k.batchNormGrad(k.batchNormReLUMask(k.load("gy")))
		}),
		define("softmaxGrad(dst, gy, y *float32, dot float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.mul(k.load("y"), k.sub(k.load("gy"), k.param("dot"))))
		}),
		define("logSoftmaxGrad(dst, gy, y *float32, sum float32, n int)", overSlice, 2, func(k *kernel) {
			k.store("dst", k.fnma(k.exp(k.load("y")), k.param("sum"), k.load("gy")))
		}),
		define("layerNorm(dst, x, gamma, beta *float32, mean, rstd float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.fma(k.xhat(), k.load("gamma"), k.load("beta")))
		}),
		define("standardize(dst, x *float32, mean, rstd float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.xhat())
		}),
		define("layerNormGrad(dst, gy, x, gamma *float32, mean, rstd, meanG, meanGXhat float32, n int)", overSlice, 2, func(k *kernel) {
			k.store("dst", k.standardizeGrad(k.mul(k.load("gy"), k.load("gamma"))))
		}),
		define("standardizeGrad(dst, gy, x *float32, mean, rstd, meanG, meanGXhat float32, n int)", overSlice, 2, func(k *kernel) {
			k.store("dst", k.standardizeGrad(k.load("gy")))
		}),
		define("layerNormGradGamma(dgamma, gy, x *float32, mean, rstd float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dgamma", k.fma(k.load("gy"), k.xhat(), k.load("dgamma")))
		}),
	)
}

// batchNormReLUMask is gy where x*scale + shift, which the forward pass
// computed with the same instruction, was positive.
func (k *kernel) batchNormReLUMask(gy *value) *value {
	y := k.fma(k.load("x"), k.column("scale"), k.column("shift"))
	return k.op(opKeep, k.less(k.num(0), y), gy)
}

// batchNormGradSums adds up gy and gy*(x-mean).
func (k *kernel) batchNormGradSums(gy *value) {
	k.total("sumGy", gy)
	k.totalProduct("sumGyCentred", gy, k.sub(k.load("x"), k.column("mean")))
}

// batchNormGrad is gy*scale + (x-mean)*slope + offset.
func (k *kernel) batchNormGrad(gy *value) {
	fromX := k.fma(k.sub(k.load("x"), k.column("mean")), k.column("slope"), k.column("offset"))
	k.store("dst", k.fma(gy, k.column("scale"), fromX))
}

// decayed is g + decay*p, the gradient with L2 regularisation.
func (k *kernel) decayed() *value {
	return k.fma(k.load("p"), k.param("decay"), k.load("grad"))
}

// moments updates m, the running mean of d, and v, that of d².
func (k *kernel) moments(d *value) (m, v *value) {
	old := k.load("m")
	m = k.fma(k.sub(d, old), k.param("gain1"), old)
	v = k.runningSquare("v", d, "beta2", "gain2")
	k.store("m", m)
	k.store("v", v)
	return m, v
}

// runningSquare is keep*state + gain*d².
func (k *kernel) runningSquare(state string, d *value, keep, gain string) *value {
	return k.fma(k.mul(d, k.param(gain)), d, k.mul(k.load(state), k.param(keep)))
}

func optimizerKernels() []*kernel {
	const adam = "decay, shrink, gain1, beta2, gain2, step, root, eps float32, n int)"
	return []*kernel{
		define("sgd(p, grad *float32, lr, decay, l1 float32, n int)", overSlice, 2, func(k *kernel) {
			d := k.regularised()
			k.store("p", k.fnma(d, k.param("lr"), k.load("p")))
		}),
		define("sgdMomentum(p, grad, velocity *float32, lr, decay, l1, keep, gain, ofGradient, ofVelocity float32, n int)", overSlice, 2, func(k *kernel) {
			d := k.regularised()
			v := k.fma(d, k.param("gain"), k.mul(k.load("velocity"), k.param("keep")))
			k.store("velocity", v)
			d = k.fma(v, k.param("ofVelocity"), k.mul(d, k.param("ofGradient")))
			k.store("p", k.fnma(d, k.param("lr"), k.load("p")))
		}),
		define("adam(p, grad, m, v *float32, "+adam, overSlice, 1, func(k *kernel) {
			m, v := k.moments(k.decayed())
			k.adamStep(m, v)
		}),
		define("amsgrad(p, grad, m, v, vMax *float32, "+adam, overSlice, 1, func(k *kernel) {
			m, v := k.moments(k.decayed())
			v = k.op(opMax, k.load("vMax"), v)
			k.store("vMax", v)
			k.adamStep(m, v)
		}),
		define("adagrad(p, grad, sum *float32, decay, lr, eps float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			sum := k.fma(d, d, k.load("sum"))
			k.store("sum", sum)
			k.store("p", k.sub(k.load("p"), k.div(k.mul(d, k.param("lr")), k.add(k.sqrt(sum), k.param("eps")))))
		}),
		define("rmsprop(p, grad, square *float32, decay, lr, alpha, gain, eps float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			square := k.runningSquare("square", d, "alpha", "gain")
			k.store("square", square)
			k.store("p", k.fnma(k.div(d, k.add(k.sqrt(square), k.param("eps"))), k.param("lr"), k.load("p")))
		}),
		define("rmspropMomentum(p, grad, square, velocity *float32, decay, lr, alpha, gain, eps, momentum float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			square := k.runningSquare("square", d, "alpha", "gain")
			k.store("square", square)
			k.rmspropVelocity(d, square)
		}),
		define("rmspropCentered(p, grad, square, mean *float32, decay, lr, alpha, gain, eps float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			spread := k.variance(d)
			k.store("p", k.fnma(k.div(d, k.add(k.sqrt(spread), k.param("eps"))), k.param("lr"), k.load("p")))
		}),
		define("rmspropCenteredMomentum(p, grad, square, mean, velocity *float32, decay, lr, alpha, gain, eps, momentum float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			k.rmspropVelocity(d, k.variance(d))
		}),
		define("adadelta(p, grad, square, delta *float32, decay, lr, rho, gain, eps float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			square := k.runningSquare("square", d, "rho", "gain")
			k.store("square", square)
			eps := k.param("eps")
			u := k.mul(k.div(k.sqrt(k.add(k.load("delta"), eps)), k.sqrt(k.add(square, eps))), d)
			k.store("delta", k.runningSquare("delta", u, "rho", "gain"))
			k.store("p", k.fnma(u, k.param("lr"), k.load("p")))
		}),
		define("adamax(p, grad, m, u *float32, decay, gain1, beta2, step, eps float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			old := k.load("m")
			m := k.fma(k.sub(d, old), k.param("gain1"), old)
			k.store("m", m)
			u := k.op(opMax, k.mul(k.load("u"), k.param("beta2")), k.add(k.abs(d), k.param("eps")))
			k.store("u", u)
			k.store("p", k.sub(k.load("p"), k.div(k.mul(m, k.param("step")), u)))
		}),
		define("nadam(p, grad, m, v *float32, decay, shrink, gain1, beta2, gain2, root, eps, stepG, stepM float32, n int)", overSlice, 1, func(k *kernel) {
			d := k.decayed()
			m, v := k.moments(d)
			denominator := k.fma(k.sqrt(v), k.param("root"), k.param("eps"))
			p := k.mul(k.load("p"), k.param("shrink"))
			p = k.sub(p, k.div(k.mul(d, k.param("stepG")), denominator))
			k.store("p", k.sub(p, k.div(k.mul(m, k.param("stepM")), denominator)))
		}),
		define("radam(p, grad, m, v *float32, decay, shrink, gain1, beta2, gain2, fixed, adaptive, eps float32, n int)", overSlice, 1, func(k *kernel) {
			m, v := k.moments(k.decayed())
			rate := k.add(k.param("fixed"), k.div(k.param("adaptive"), k.add(k.sqrt(v), k.param("eps"))))
			k.shrinkAndSubtract(k.mul(m, rate))
		}),
		define("lambDirection(u, p, grad, m, v *float32, decay, gain1, beta2, gain2, unbias, root, eps float32, n int)", overSlice, 1, func(k *kernel) {
			m, v := k.moments(k.load("grad"))
			u := k.div(k.mul(m, k.param("unbias")), k.fma(k.sqrt(v), k.param("root"), k.param("eps")))
			k.store("u", k.fma(k.load("p"), k.param("decay"), u))
		}),
	}
}

// regularised is g + decay*p + l1*sign(p).
func (k *kernel) regularised() *value {
	p := k.load("p")
	l1 := k.op(opXor, k.param("l1"), k.op(opAnd, p, k.bits(1<<31)))
	l1 = k.choose(k.op(opEqual, p, k.num(0)), k.num(0), l1)
	return k.add(k.decayed(), l1)
}

// adamStep is p = p*shrink - step*m/(sqrt(v)*root + eps).
func (k *kernel) adamStep(m, v *value) {
	k.shrinkAndSubtract(k.div(k.mul(m, k.param("step")), k.fma(k.sqrt(v), k.param("root"), k.param("eps"))))
}

func (k *kernel) shrinkAndSubtract(u *value) {
	k.store("p", k.sub(k.mul(k.load("p"), k.param("shrink")), u))
}

// variance updates the running means of d and d² and returns the variance.
func (k *kernel) variance(d *value) *value {
	square := k.runningSquare("square", d, "alpha", "gain")
	k.store("square", square)
	old := k.load("mean")
	mean := k.fma(k.sub(d, old), k.param("gain"), old)
	k.store("mean", mean)
	return k.fnma(mean, mean, square)
}

func (k *kernel) rmspropVelocity(d, square *value) {
	v := k.fma(k.load("velocity"), k.param("momentum"), k.div(d, k.add(k.sqrt(square), k.param("eps"))))
	k.store("velocity", v)
	k.store("p", k.fnma(v, k.param("lr"), k.load("p")))
}

func conversionKernels() []*kernel {
	return []*kernel{
		define("toBFloat16(dst *uint16, x *float32, n int)", overSlice, 2, func(k *kernel) {
			x := k.load("x")
			odd := k.op(opAnd, k.shift(opShiftRight, x, 16), k.bits(1))
			rounded := k.op(opIntAdd, x, k.op(opIntAdd, odd, k.bits(0x7fff)))
			quiet := k.op(opOr, x, k.bits(0x400000))
			number := k.op(opEqual, x, x)
			k.store("dst", k.shift(opShiftRight, k.choose(number, rounded, quiet), 16))
		}),
		define("fromBFloat16(dst *float32, x *uint16, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.shift(opShiftLeft, k.load("x"), 16))
		}),
		define("toFloat16(dst *uint16, x *float32, n int)", overSlice, 4, func(k *kernel) {
			k.storeHalf("dst", k.load("x"))
		}),
		define("fromFloat16(dst *float32, x *uint16, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.loadHalf("x"))
		}),
		define("fromUint8(dst *float32, x *uint8, scale, shift float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.fma(k.op(opToFloat, k.load("x")), k.param("scale"), k.param("shift")))
		}),
	}
}

// dropoutKernel is dst = x*scale where the random word of the element is at
// least threshold, else 0. Four elements share a block of Philox4x32-10, whose
// four words of state lie side by side: then one multiplication of words 0 and
// 2 gives both products of a round, lo0 hi0 lo1 hi1, and their reverse is in
// the order of the next state, hi1 lo1 hi0 lo0. n must be a multiple of 16.
//
// schedule holds the state of four blocks, then the keys of the ten rounds, each
// in words 0 and 2 of four.
func dropoutKernel() *kernel {
	return define("dropout(dst, x *float32, schedule *uint32, threshold uint32, scale float32, n int)", overSlice, 2, func(k *kernel) {
		counter := k.carriedFrom("schedule", 0)
		multipliers := k.pattern([4]uint32{0xD2511F53, 0, 0xCD9E8D57, 0})
		state := counter
		for round := range 10 {
			products := k.op(opReverse, k.op(opMulEven, state, multipliers))
			odd := k.op(opXor, k.op(opOddWord, state), k.patternAt("schedule", 16+4*round))
			state = k.op(opXor, products, odd)
		}
		k.op(opCount, counter)
		kept := k.op(opNotBelow, state, k.param("threshold"))
		k.store("dst", k.op(opKeep, kept, k.mul(k.load("x"), k.param("scale"))))
	})
}
