package nn

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// CrossEntropy is the mean cross-entropy of softmax(logits) with the targets, in
// nats: logits (N, C) or (N, C, d1, ...) with int64 classes (N) or (N, d1, ...),
// or with probabilities of the shape of the logits. Class -100 is left out: the
// mean is over the others, and NaN when there are none, as in PyTorch. A class
// outside the range panics with its row.
func CrossEntropy(logits, target *tensor.Tensor) *tensor.Tensor {
	return crossEntropy(logits, target, crossEntropyDefaults)
}

var crossEntropyDefaults = lossOptions{ignore: -100}

// CrossEntropyWith is [CrossEntropy] with settings: Weight (of classes),
// LabelSmoothing, IgnoreIndex (not with probabilities), Reduce.
func CrossEntropyWith(list ...LossOption) Loss {
	o := buildLoss("CrossEntropy", crossEntropyDefaults, list, "Weight", "LabelSmoothing", "IgnoreIndex")
	return func(logits, target *tensor.Tensor) *tensor.Tensor { return crossEntropy(logits, target, o) }
}

func crossEntropy(logits, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	const op = "cross_entropy"
	if target.DType().IsFloat() {
		return crossEntropyOfProbabilities(logits, target, o)
	}
	rows, classes := classRows(op, logits, target, o)
	if o.weight == nil {
		counted, kept := o.counted(classes)
		losses := tensor.SoftmaxCrossEntropy(rows, kept, tensor.CrossEntropyOptions{IgnoreIndex: ignored, LabelSmoothing: o.smoothing})
		return o.reduceRows(losses, float64(counted), target)
	}
	logp := rows.LogSoftmax(1)
	losses, total := o.pick(logp, classes)
	if o.smoothing > 0 {
		uniform := logp.Mul(o.weight).Sum(1).MulScalar(-o.smoothing / float64(rows.Dim(1)))
		uniform = tensor.Where(classes.NotEqual(tensor.Scalar(float64(o.ignore), tensor.Int64)), uniform, tensor.Scalar(0, uniform.DType()))
		losses = losses.MulScalar(1 - o.smoothing).Add(uniform)
	}
	return o.reduceRows(losses, total, target)
}

// ignored is the class that stands for a row that does not count.
const ignored = -100

// counted counts the rows whose class is not ignored, and returns the classes
// with the ignored ones marked.
func (o lossOptions) counted(classes *tensor.Tensor) (int, *tensor.Tensor) {
	n := 0
	for _, class := range tensor.Data[int64](classes) {
		if class != o.ignore {
			n++
		}
	}
	if o.ignore != ignored && n < classes.Len() {
		at := classes.Equal(tensor.Scalar(float64(o.ignore), tensor.Int64))
		classes = tensor.Where(at, tensor.Scalar(ignored, tensor.Int64), classes)
	}
	return n, classes
}

// crossEntropyOfProbabilities takes targets of the logits' shape.
func crossEntropyOfProbabilities(logits, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	const op = "cross_entropy"
	sameShape(op, logits, target)
	if logits.NDim() < 2 {
		misfit(op, "needs logits (N, C, ...)", logits, target)
	}
	if o.ignore != crossEntropyDefaults.ignore {
		panic(&tensor.UseError{Op: op, Reason: fmt.Sprintf("class %d is to be left out, but the targets are probabilities and not classes", o.ignore)})
	}
	classes := logits.Dim(1)
	if o.smoothing > 0 {
		target = target.MulScalar(1 - o.smoothing).AddScalar(o.smoothing / float64(classes))
	}
	terms := logits.LogSoftmax(1).Mul(target)
	if o.weight != nil {
		checkClassWeight(op, o.weight, classes)
		shape := make([]int, logits.NDim()-1)
		for i := range shape {
			shape[i] = 1
		}
		shape[0] = classes
		terms = terms.Mul(o.weight.Reshape(shape...))
	}
	return o.reduce(terms.Sum(1).Neg())
}

// NLL is the mean negative log-likelihood: log-probabilities (N, C) or
// (N, C, d1, ...) with int64 classes (N) or (N, d1, ...). Class -100 is left
// out, as in [CrossEntropy]. A class outside the range panics with its row.
func NLL(logProbabilities, classes *tensor.Tensor) *tensor.Tensor {
	return nll(logProbabilities, classes, crossEntropyDefaults)
}

// NLLWith is [NLL] with settings: Weight (of classes), IgnoreIndex, Reduce.
func NLLWith(list ...LossOption) Loss {
	o := buildLoss("NLL", crossEntropyDefaults, list, "Weight", "IgnoreIndex")
	return func(logProbabilities, classes *tensor.Tensor) *tensor.Tensor {
		return nll(logProbabilities, classes, o)
	}
}

func nll(logProbabilities, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	rows, classes := classRows("nll", logProbabilities, target, o)
	losses, total := o.pick(rows, classes)
	return o.reduceRows(losses, total, target)
}

// classRows turns scores (N, C, d1, ...) and classes (N, d1, ...) into rows
// (M, C) and (M), and checks the classes.
func classRows(op string, scores, target *tensor.Tensor, o lossOptions) (rows, classes *tensor.Tensor) {
	shape := scores.Shape()
	ok := len(shape) >= 2 && target.NDim() == len(shape)-1 && target.Dim(0) == shape[0]
	for i := 2; ok && i < len(shape); i++ {
		ok = target.Dim(i-1) == shape[i]
	}
	if !ok || target.DType().IsFloat() {
		misfit(op, "needs scores (N, C, ...) and int64 classes (N, ...)", scores, target)
	}
	rows = scores
	if len(shape) > 2 {
		order := append([]int{0}, axesFrom(2, len(shape))...)
		rows = scores.Permute(append(order, 1)...).Reshape(-1, shape[1])
	}
	classes = target.To(tensor.Int64).Contiguous().Reshape(-1)
	checkClasses(op, classes, shape[1], o.ignore)
	if o.weight != nil {
		checkClassWeight(op, o.weight, shape[1])
	}
	return rows, classes
}

func axesFrom(first, n int) []int {
	var axes []int
	for i := first; i < n; i++ {
		axes = append(axes, i)
	}
	return axes
}

func checkClasses(op string, classes *tensor.Tensor, n int, ignore int64) {
	for i, class := range tensor.Data[int64](classes) {
		if class != ignore && (class < 0 || class >= int64(n)) {
			misfit(op, fmt.Sprintf("class %d in row %d is outside the %d classes 0 to %d", class, i, n, n-1), classes)
		}
	}
}

func checkClassWeight(op string, weight *tensor.Tensor, classes int) {
	if weight.NDim() != 1 || weight.Len() != classes {
		misfit(op, fmt.Sprintf("the class weights must have the shape (%d)", classes), weight)
	}
}

// pick returns minus each row's element of its class, times the weight of the
// class, and the sum of these weights. Ignored rows give 0.
func (o lossOptions) pick(rows, classes *tensor.Tensor) (losses *tensor.Tensor, total float64) {
	n := rows.Dim(1)
	chosen := make([]bool, rows.Len())
	weights := make([]float64, classes.Len())
	var ofClass []float64
	if o.weight != nil {
		ofClass = o.weight.Float64s()
	}
	for i, class := range tensor.Data[int64](classes) {
		if class == o.ignore {
			continue
		}
		chosen[i*n+int(class)] = true
		weights[i] = 1
		if ofClass != nil {
			weights[i] = ofClass[class]
		}
		total += weights[i]
	}
	// Where, not a product with 0: an element that is not chosen may be -Inf.
	picked := tensor.Where(tensor.FromSlice(chosen, rows.Shape()...), rows, tensor.Scalar(0, rows.DType())).Sum(1)
	return picked.Neg().Mul(tensor.FromSlice(weights).To(rows.DType())), total
}

// reduceRows reduces the losses of rows; total is what a mean divides by.
func (o lossOptions) reduceRows(losses *tensor.Tensor, total float64, target *tensor.Tensor) *tensor.Tensor {
	switch o.reduction {
	case ReduceMean:
		return losses.Sum().MulScalar(1 / total)
	case ReduceSum:
		return losses.Sum()
	}
	return losses.Reshape(target.Shape()...)
}

// MultiMargin is the multi-class hinge loss of scores (N, C) with int64 classes
// (N): the mean over rows of sum over i != y of max(0, margin - x[y] + x[i])^p / C
// (Crammer and Singer 2001), with margin 1 and p 1.
func MultiMargin(scores, classes *tensor.Tensor) *tensor.Tensor {
	return multiMargin(scores, classes, multiMarginDefaults)
}

var multiMarginDefaults = lossOptions{margin: 1, power: 1, ignore: noClass}

// MultiMarginWith is [MultiMargin] with settings: Margin, Power (1 or 2),
// Weight (of classes), Reduce.
func MultiMarginWith(list ...LossOption) Loss {
	o := buildLoss("MultiMargin", multiMarginDefaults, list, "Margin", "Power", "Weight")
	if o.power != 1 && o.power != 2 {
		panic(&tensor.UseError{Op: "nn.MultiMargin", Reason: "the power must be 1 or 2"})
	}
	return func(scores, classes *tensor.Tensor) *tensor.Tensor { return multiMargin(scores, classes, o) }
}

func multiMargin(scores, target *tensor.Tensor, o lossOptions) *tensor.Tensor {
	if scores.NDim() != 2 {
		misfit("multi_margin", "needs scores (N, C) and int64 classes (N)", scores, target)
	}
	rows, classes := classRows("multi_margin", scores, target, o)
	n := rows.Dim(1)
	weights := make([]float64, rows.Len()) // of each term: none for the class itself
	var ofClass []float64
	if o.weight != nil {
		ofClass = o.weight.Float64s()
	}
	for i, class := range tensor.Data[int64](classes) {
		for j := range n {
			switch {
			case j == int(class):
			case ofClass != nil:
				weights[i*n+j] = ofClass[class] / float64(n)
			default:
				weights[i*n+j] = 1 / float64(n)
			}
		}
	}
	own, _ := lossOptions{ignore: noClass}.pick(rows, classes) // minus the score of the class
	terms := hinge(rows.Add(own.Unsqueeze(1)).AddScalar(o.margin))
	if o.power == 2 {
		terms = terms.Square()
	}
	return o.reduce(terms.Mul(tensor.FromSlice(weights, rows.Shape()...).To(rows.DType())).Sum(1))
}

// noClass is a class that no target can have.
const noClass = -1 << 63
