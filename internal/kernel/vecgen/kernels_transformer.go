package main

// transformerKernels are the element-wise steps of blocked attention, between
// one matrix product and the next, and the first pass over a row of the
// gradient of layer normalisation.
func transformerKernels() []*kernel {
	return []*kernel{
		define("expScaleShift(dst, x *float32, scale, shift float32, n int) float32", overSlice, 2, func(k *kernel) {
			e := k.exp(k.fma(k.load("x"), k.param("scale"), k.param("shift")))
			k.store("dst", e)
			k.total("ret", e)
		}),
		define("softmaxGradScaled(dst, gy, y *float32, dot, scale float32, n int)", overSlice, 4, func(k *kernel) {
			k.store("dst", k.mul(k.mul(k.load("y"), k.param("scale")), k.sub(k.load("gy"), k.param("dot"))))
		}),
		define("layerNormGradRow(dgamma, dbeta, gy, x, gamma *float32, mean, rstd float32, n int) (sum, sumXhat float32)", overSlice, 2, func(k *kernel) {
			gy, xhat := k.load("gy"), k.xhat()
			k.store("dgamma", k.fma(gy, xhat, k.load("dgamma")))
			k.store("dbeta", k.add(gy, k.load("dbeta")))
			g := k.mul(gy, k.load("gamma"))
			k.total("sum", g)
			k.totalProduct("sumXhat", g, xhat)
		}),
	}
}
