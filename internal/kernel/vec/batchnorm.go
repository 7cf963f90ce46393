package vec

// The gradient of batch normalisation (Ioffe and Szegedy, arXiv 1502.03167) in
// channels-last layout, in two passes: sums over the batch, then the gradient
// of the input from gy, x and those sums. Matrices are as in [AddRow], and sums
// are added up as in [SumRows].
//
// With a ReLU behind the normalisation the gradient flows where its result was
// positive. The result need not be read again for that: x*scale + shift is the
// same number as in [MulAddRow].

// scaled is x*scale + shift, in one rounding more than the assembly. The
// conversion keeps every compiler from fusing it in one place and not in another.
func scaled[T Float](x, scale, shift T) T { return T(x*scale) + shift }

// BatchNormGradSums adds, for each column j, the sum over i of gy[i][j] to
// sumGy[j] and of gy[i][j]*(x[i][j]-mean[j]) to sumGyCentred[j].
func BatchNormGradSums[T Float](sumGy, sumGyCentred []float64, gy, x, mean []T, rows, cols, stride int) {
	checkBatchNormSums("BatchNormGradSums", sumGy, sumGyCentred, gy, x, mean, rows, cols, stride)
	eachBlock(rows, cols, func(row, col, rows, cols int) {
		at := row*stride + col
		addBatchNormGradSums(sumGy[col:][:cols], sumGyCentred[col:][:cols], gy[at:], x[at:], mean[col:], rows, stride)
	})
}

func addBatchNormGradSums[T Float](sumGy, sumGyCentred []float64, gy, x, mean []T, rows, stride int) {
	if isFloat32[T]() {
		var part, centred [columnChunk]float32
		if inStrips(rows, len(sumGy), func(row, rows int) bool {
			at := row * stride
			return batchNormGradSumsKernel(&part[0], &centred[0], ptr(gy[at:]), ptr(x[at:]), ptr(mean), rows, len(sumGy), stride)
		}) {
			addTo(sumGy, part[:])
			addTo(sumGyCentred, centred[:])
			return
		}
	}
	for i := range rows {
		g := gy[i*stride:][:len(sumGy)]
		for j, v := range x[i*stride:][:len(sumGy)] {
			addGradient(sumGy, sumGyCentred, j, g[j], v, mean[j])
		}
	}
}

// BatchNormReLUGradSums is [BatchNormGradSums] with gy counting only where
// x*scale + shift is positive.
func BatchNormReLUGradSums[T Float](sumGy, sumGyCentred []float64, gy, x, mean, scale, shift []T, rows, cols, stride int) {
	checkBatchNormSums("BatchNormReLUGradSums", sumGy, sumGyCentred, gy, x, mean, rows, cols, stride)
	sameLengths("BatchNormReLUGradSums", cols, len(scale), len(shift))
	eachBlock(rows, cols, func(row, col, rows, cols int) {
		at := row*stride + col
		addBatchNormReLUGradSums(sumGy[col:][:cols], sumGyCentred[col:][:cols], gy[at:], x[at:], mean[col:], scale[col:], shift[col:], rows, stride)
	})
}

func addBatchNormReLUGradSums[T Float](sumGy, sumGyCentred []float64, gy, x, mean, scale, shift []T, rows, stride int) {
	if isFloat32[T]() {
		var part, centred [columnChunk]float32
		if inStrips(rows, len(sumGy), func(row, rows int) bool {
			at := row * stride
			return batchNormReLUGradSumsKernel(&part[0], &centred[0], ptr(gy[at:]), ptr(x[at:]), ptr(mean), ptr(scale), ptr(shift), rows, len(sumGy), stride)
		}) {
			addTo(sumGy, part[:])
			addTo(sumGyCentred, centred[:])
			return
		}
	}
	for i := range rows {
		g := gy[i*stride:][:len(sumGy)]
		for j, v := range x[i*stride:][:len(sumGy)] {
			if scaled(v, scale[j], shift[j]) > 0 {
				addGradient(sumGy, sumGyCentred, j, g[j], v, mean[j])
			}
		}
	}
}

// BatchNormAddReLUGradSums sets dst to gy where y is positive, else 0, and adds
// up the sums of [BatchNormGradSums] with that: the ReLU of a sum that batch
// normalisation is a part of, whose gradient the other part needs too.
func BatchNormAddReLUGradSums[T Float](dst []T, sumGy, sumGyCentred []float64, gy, y, x, mean []T, rows, cols, stride int) {
	checkBatchNormSums("BatchNormAddReLUGradSums", sumGy, sumGyCentred, gy, x, mean, rows, cols, stride)
	matrix("BatchNormAddReLUGradSums", len(dst), rows, cols, stride)
	matrix("BatchNormAddReLUGradSums", len(y), rows, cols, stride)
	eachBlock(rows, cols, func(row, col, rows, cols int) {
		at := row*stride + col
		addBatchNormAddReLUGradSums(dst[at:], sumGy[col:][:cols], sumGyCentred[col:][:cols], gy[at:], y[at:], x[at:], mean[col:], rows, stride)
	})
}

func addBatchNormAddReLUGradSums[T Float](dst []T, sumGy, sumGyCentred []float64, gy, y, x, mean []T, rows, stride int) {
	if isFloat32[T]() {
		var part, centred [columnChunk]float32
		if inStrips(rows, len(sumGy), func(row, rows int) bool {
			at := row * stride
			return batchNormAddReLUGradSumsKernel(ptr(dst[at:]), &part[0], &centred[0], ptr(gy[at:]), ptr(y[at:]), ptr(x[at:]), ptr(mean), rows, len(sumGy), stride)
		}) {
			addTo(sumGy, part[:])
			addTo(sumGyCentred, centred[:])
			return
		}
	}
	for i := range rows {
		d, result := dst[i*stride:][:len(sumGy)], y[i*stride:][:len(sumGy)]
		g := gy[i*stride:][:len(sumGy)]
		for j, v := range x[i*stride:][:len(sumGy)] {
			passed := T(0)
			if result[j] > 0 {
				passed = g[j]
			}
			d[j] = passed
			addGradient(sumGy, sumGyCentred, j, passed, v, mean[j])
		}
	}
}

func addGradient[T Float](sumGy, sumGyCentred []float64, j int, g, x, mean T) {
	sumGy[j] += float64(g)
	sumGyCentred[j] += float64(g) * (float64(x) - float64(mean))
}

// BatchNormGrad sets dst = gy*scale + (x-mean)*slope + offset in each column. It
// is the gradient of batch normalisation with respect to its input x when scale
// is gamma*rstd, slope is -scale*rstd² times the mean of gy*(x-mean) over the
// batch, and offset is -scale times the mean of gy.
func BatchNormGrad[T Float](dst, gy, x, mean, scale, slope, offset []T, rows, cols, stride int) {
	checkBatchNormGrad("BatchNormGrad", dst, gy, x, mean, scale, rows, cols, stride)
	sameLengths("BatchNormGrad", cols, len(slope), len(offset))
	if isFloat32[T]() && rows > 0 && batchNormGradKernel(ptr(dst), ptr(gy), ptr(x), ptr(mean), ptr(scale), ptr(slope), ptr(offset), rows, cols, stride) {
		return
	}
	for i := range rows {
		d, g := dst[i*stride:][:cols], gy[i*stride:][:cols]
		for j, v := range x[i*stride:][:cols] {
			d[j] = g[j]*scale[j] + (v-mean[j])*slope[j] + offset[j]
		}
	}
}

// BatchNormReLUGrad is [BatchNormGrad] with gy counting only where
// x*scale + shift is positive.
func BatchNormReLUGrad[T Float](dst, gy, x, mean, scale, shift, slope, offset []T, rows, cols, stride int) {
	checkBatchNormGrad("BatchNormReLUGrad", dst, gy, x, mean, scale, rows, cols, stride)
	sameLengths("BatchNormReLUGrad", cols, len(slope), len(offset))
	sameLength("BatchNormReLUGrad", cols, len(shift))
	if isFloat32[T]() && rows > 0 && batchNormReLUGradKernel(ptr(dst), ptr(gy), ptr(x), ptr(mean), ptr(scale), ptr(shift), ptr(slope), ptr(offset), rows, cols, stride) {
		return
	}
	for i := range rows {
		d, g := dst[i*stride:][:cols], gy[i*stride:][:cols]
		for j, v := range x[i*stride:][:cols] {
			passed := T(0)
			if scaled(v, scale[j], shift[j]) > 0 {
				passed = g[j]
			}
			d[j] = passed*scale[j] + (v-mean[j])*slope[j] + offset[j]
		}
	}
}

func checkBatchNormSums[T Float](op string, sumGy, sumGyCentred []float64, gy, x, mean []T, rows, cols, stride int) {
	matrix(op, len(x), rows, cols, stride)
	matrix(op, len(gy), rows, cols, stride)
	sameLengths(op, cols, len(sumGy), len(sumGyCentred))
	sameLength(op, cols, len(mean))
}

func checkBatchNormGrad[T Float](op string, dst, gy, x, mean, scale []T, rows, cols, stride int) {
	matrix(op, len(dst), rows, cols, stride)
	matrix(op, len(gy), rows, cols, stride)
	matrix(op, len(x), rows, cols, stride)
	sameLengths(op, cols, len(mean), len(scale))
}
