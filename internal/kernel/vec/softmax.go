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
// with the class labels[i] into loss[i] and the softmax into the row of prob.
// With smoothing s the target is 1-s+s/cols at the label and s/cols elsewhere
// (Szegedy et al., arXiv 1512.00567). A label equal to ignore gives loss 0; any
// other label outside [0, cols) panics.
func SoftmaxCrossEntropyRows[T Float](loss, prob, logits []T, labels []int64, rows, cols, stride int, ignore int64, smoothing T) {
	const op = "SoftmaxCrossEntropyRows"
	matrix(op, len(logits), rows, cols, stride)
	matrix(op, len(prob), rows, cols, stride)
	sameLengths(op, rows, len(loss), len(labels))
	for i := range rows {
		p, row := prob[i*stride:][:cols], logits[i*stride:][:cols]
		label := labels[i]
		if label != ignore {
			checkLabel(op, label, cols)
		} else if cols == 0 {
			loss[i] = 0
			continue
		}
		m := MaxValue(row)
		// The sum over the logits is taken before prob, which may be the same
		// memory, is written; so is the logit of the label.
		var meanLogit float64
		if smoothing != 0 {
			meanLogit = Sum(row) / float64(cols)
		}
		var target float64
		if label != ignore {
			target = float64(row[label])
		}
		sum := expSub(p, row, m)
		MulScalar(p, p, T(1/sum))
		if label == ignore {
			loss[i] = 0
			continue
		}
		s := float64(smoothing)
		hit := target - float64(m)
		if s != 0 {
			hit = (1-s)*hit + s*(meanLogit-float64(m))
		}
		loss[i] = T(math.Log(sum) - hit)
	}
}

// SoftmaxCrossEntropyGradRows sets each row of dst to
// scale[i]*(prob - target), the gradient of SoftmaxCrossEntropyRows with
// respect to the logits when scale[i] is the gradient of loss[i]. A row whose
// label is ignore becomes zero.
func SoftmaxCrossEntropyGradRows[T Float](dst, prob []T, labels []int64, scale []T, rows, cols, stride int, ignore int64, smoothing T) {
	const op = "SoftmaxCrossEntropyGradRows"
	matrix(op, len(dst), rows, cols, stride)
	matrix(op, len(prob), rows, cols, stride)
	sameLengths(op, rows, len(scale), len(labels))
	for i := range rows {
		d, p := dst[i*stride:][:cols], prob[i*stride:][:cols]
		label := labels[i]
		if label == ignore {
			Fill(d, 0)
			continue
		}
		checkLabel(op, label, cols)
		g := scale[i]
		ScaleShift(d, p, g, -g*smoothing/T(cols))
		d[label] -= g * (1 - smoothing)
	}
}

func checkLabel(op string, label int64, cols int) {
	if label < 0 || label >= int64(cols) {
		panic(fmt.Sprintf("vec.%s: label %d is outside the %d classes", op, label, cols))
	}
}
