package vec

import (
	"fmt"
	"math"
)

// expSub sets dst[i] = exp(x[i]-shift) and returns the sum.
func expSub[T Float](dst, x []T, shift T) float64 {
	var sum float64
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		sum += expSubBlock(dst[lo:hi], x[lo:hi], shift)
	}
	return sum
}

func expSubBlock[T Float](dst, x []T, shift T) (sum float64) {
	if isFloat32[T]() {
		if sum, ok := expSubKernel(ptr(dst), ptr(x), float32(shift), len(x)); ok {
			return float64(sum)
		}
	}
	for i, v := range x {
		e := math.Exp(float64(v) - float64(shift))
		dst[i] = T(e)
		sum += e
	}
	return sum
}

// sumExpSub returns the sum of exp(x[i]-shift).
func sumExpSub[T Float](x []T, shift T) float64 {
	var sum float64
	for lo := 0; lo < len(x); lo += block {
		sum += sumExpSubBlock(x[lo:min(lo+block, len(x))], shift)
	}
	return sum
}

func sumExpSubBlock[T Float](x []T, shift T) (sum float64) {
	if isFloat32[T]() {
		if sum, ok := sumExpSubKernel(ptr(x), float32(shift), len(x)); ok {
			return float64(sum)
		}
	}
	for _, v := range x {
		sum += math.Exp(float64(v) - float64(shift))
	}
	return sum
}

// SoftmaxRows sets each row of dst to exp(x)/sum(exp(x)) of the row of x. The
// greatest element is subtracted first, so that nothing overflows. Matrices
// are as in [AddRow].
func SoftmaxRows[T Float](dst, x []T, rows, cols, stride int) {
	matrix("SoftmaxRows", len(x), rows, cols, stride)
	matrix("SoftmaxRows", len(dst), rows, cols, stride)
	if cols == 0 {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		sum := expSub(d, row, MaxValue(row))
		MulScalar(d, d, T(1/sum))
	}
}

// LogSoftmaxRows sets each row of dst to x - log(sum(exp(x))).
func LogSoftmaxRows[T Float](dst, x []T, rows, cols, stride int) {
	matrix("LogSoftmaxRows", len(x), rows, cols, stride)
	matrix("LogSoftmaxRows", len(dst), rows, cols, stride)
	if cols == 0 {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		m := MaxValue(row)
		logSum := T(math.Log(sumExpSub(row, m)))
		// Two steps: x-m is exact or nearly so, while m+logSum rounds to the
		// magnitude of m.
		SubScalar(d, row, m)
		SubScalar(d, d, logSum)
	}
}

// SoftmaxGradRows sets each row of dst to y*(gy - sum(gy*y)), y the output of
// SoftmaxRows.
func SoftmaxGradRows[T Float](dst, gy, y []T, rows, cols, stride int) {
	matrix("SoftmaxGradRows", len(dst), rows, cols, stride)
	matrix("SoftmaxGradRows", len(gy), rows, cols, stride)
	matrix("SoftmaxGradRows", len(y), rows, cols, stride)
	for i := range rows {
		d, g, row := dst[i*stride:][:cols], gy[i*stride:][:cols], y[i*stride:][:cols]
		softmaxGrad(d, g, row, T(Dot(g, row)))
	}
}

// softmaxGrad sets dst = y*(gy-dot).
func softmaxGrad[T Float](dst, gy, y []T, dot T) {
	if isFloat32[T]() && softmaxGradKernel(ptr(dst), ptr(gy), ptr(y), float32(dot), len(dst)) {
		return
	}
	for j, v := range y {
		dst[j] = v * (gy[j] - dot)
	}
}

// LogSoftmaxGradRows sets each row of dst to gy - exp(y)*sum(gy), y the output
// of LogSoftmaxRows.
func LogSoftmaxGradRows[T Float](dst, gy, y []T, rows, cols, stride int) {
	matrix("LogSoftmaxGradRows", len(dst), rows, cols, stride)
	matrix("LogSoftmaxGradRows", len(gy), rows, cols, stride)
	matrix("LogSoftmaxGradRows", len(y), rows, cols, stride)
	for i := range rows {
		d, g, row := dst[i*stride:][:cols], gy[i*stride:][:cols], y[i*stride:][:cols]
		logSoftmaxGrad(d, g, row, T(Sum(g)))
	}
}

// logSoftmaxGrad sets dst = gy - exp(y)*sum.
func logSoftmaxGrad[T Float](dst, gy, y []T, sum T) {
	if isFloat32[T]() && logSoftmaxGradKernel(ptr(dst), ptr(gy), ptr(y), float32(sum), len(dst)) {
		return
	}
	for j, v := range y {
		dst[j] = gy[j] - T(math.Exp(float64(v)))*sum
	}
}

// SoftmaxCrossEntropyRows computes, for each row of logits, the cross-entropy
// with the class labels[i] into loss[i]. What the gradient needs of the row's
// softmax stands in scale[2*i], the greatest logit m, and scale[2*i+1], the sum
// of exp(x-m): the softmax itself, as large as the logits, is not written. With
// smoothing s the target is 1-s+s/cols at the label and s/cols elsewhere
// (Szegedy et al., arXiv 1512.00567). A label equal to ignore gives loss 0; any
// other label outside [0, cols) panics.
func SoftmaxCrossEntropyRows[T Float](loss, scale, logits []T, labels []int64, rows, cols, stride int, ignore int64, smoothing T) {
	const op = "SoftmaxCrossEntropyRows"
	matrix(op, len(logits), rows, cols, stride)
	sameLengths(op, rows, len(loss), len(labels))
	sameLength(op, 2*rows, len(scale))
	for i := range rows {
		row, label := logits[i*stride:][:cols], labels[i]
		if label == ignore {
			loss[i], scale[2*i], scale[2*i+1] = 0, 0, 1
			continue
		}
		checkLabel(op, label, cols)
		m := MaxValue(row)
		sum := sumExpSub(row, m)
		hit := float64(row[label]) - float64(m)
		if s := float64(smoothing); s != 0 {
			hit = (1-s)*hit + s*(Sum(row)/float64(cols)-float64(m))
		}
		loss[i], scale[2*i], scale[2*i+1] = T(math.Log(sum)-hit), m, T(sum)
	}
}

// SoftmaxCrossEntropyGradRows sets each row of dst to gy[i]*(softmax - target),
// the gradient of SoftmaxCrossEntropyRows with respect to the logits when gy[i]
// is the gradient of loss[i]. A row whose label is ignore becomes zero.
func SoftmaxCrossEntropyGradRows[T Float](dst, logits, scale []T, labels []int64, gy []T, rows, cols, stride int, ignore int64, smoothing T) {
	const op = "SoftmaxCrossEntropyGradRows"
	matrix(op, len(dst), rows, cols, stride)
	matrix(op, len(logits), rows, cols, stride)
	sameLengths(op, rows, len(gy), len(labels))
	sameLength(op, 2*rows, len(scale))
	for i := range rows {
		d, label := dst[i*stride:][:cols], labels[i]
		if label == ignore {
			Fill(d, 0)
			continue
		}
		checkLabel(op, label, cols)
		expSub(d, logits[i*stride:][:cols], scale[2*i])
		ScaleShift(d, d, gy[i]/scale[2*i+1], -gy[i]*smoothing/T(cols))
		d[label] -= gy[i] * (1 - smoothing)
	}
}

func checkLabel(op string, label int64, cols int) {
	if label < 0 || label >= int64(cols) {
		panic(fmt.Sprintf("vec.%s: label %d is outside the %d classes", op, label, cols))
	}
}
