package nn

import (
	"fmt"
	"slices"

	"github.com/hadal-ml/hadal/tensor"
)

// Every loss comes twice: as a function with PyTorch's defaults, CrossEntropy,
// and with settings, CrossEntropyWith(LabelSmoothing(0.1)).

// Loss maps predictions and targets to a scalar, unless [Reduce] says
// otherwise.
type Loss func(prediction, target *tensor.Tensor) *tensor.Tensor

// Loss3 is a loss of three tensors, such as two inputs and whether they are
// alike.
type Loss3 func(a, b, c *tensor.Tensor) *tensor.Tensor

// LossOption changes a loss. An option that means nothing to a loss panics.
type LossOption struct {
	name  string
	apply func(o *lossOptions)
}

type lossOptions struct {
	reduction         Reduction
	weight            *tensor.Tensor
	posWeight         *tensor.Tensor
	ignore            int64
	smoothing         float64
	margin, threshold float64
	power             float64
	swap, logTarget   bool
}

// Reduction is how the losses of a batch become the result.
type Reduction int

const (
	ReduceMean      Reduction = iota // their mean; with class weights, the weighted mean
	ReduceSum                        // their sum
	ReduceNone                       // the losses themselves
	ReduceBatchMean                  // of KLDiv: their sum over the size of the batch, as the definition has it
)

// Reduce sets the reduction, otherwise ReduceMean.
func Reduce(r Reduction) LossOption {
	return LossOption{"Reduce", func(o *lossOptions) { o.reduction = r }}
}

// Weight scales each class (C), or for binary cross-entropies each element.
func Weight(w *tensor.Tensor) LossOption {
	return LossOption{"Weight", func(o *lossOptions) { o.weight = w }}
}

// PosWeight scales the loss of positive examples.
func PosWeight(w *tensor.Tensor) LossOption {
	return LossOption{"PosWeight", func(o *lossOptions) { o.posWeight = w }}
}

// IgnoreIndex leaves out the rows of a class, otherwise -100.
func IgnoreIndex(class int) LossOption {
	return LossOption{"IgnoreIndex", func(o *lossOptions) { o.ignore = int64(class) }}
}

// LabelSmoothing spreads a share in [0, 1) of each target over all classes
// (Szegedy et al., arXiv 1512.00567).
func LabelSmoothing(share float64) LossOption {
	return LossOption{"LabelSmoothing", func(o *lossOptions) { o.smoothing = share }}
}

// Margin sets the distance that a margin loss asks for.
func Margin(m float64) LossOption {
	return LossOption{"Margin", func(o *lossOptions) { o.margin = m }}
}

// Threshold sets where Huber and SmoothL1 turn from a parabola into a line;
// PyTorch calls it delta and beta.
func Threshold(t float64) LossOption {
	return LossOption{"Threshold", func(o *lossOptions) { o.threshold = t }}
}

// Power sets the exponent: of the distance of TripletMargin, of each term of
// MultiMargin.
func Power(p float64) LossOption {
	return LossOption{"Power", func(o *lossOptions) { o.power = p }}
}

// Swap measures the negative of TripletMargin from the anchor or the positive,
// whichever is nearer (Balntas et al., BMVC 2016).
func Swap() LossOption { return LossOption{"Swap", func(o *lossOptions) { o.swap = true }} }

// LogTarget says that the targets of KLDiv are logarithms too.
func LogTarget() LossOption {
	return LossOption{"LogTarget", func(o *lossOptions) { o.logTarget = true }}
}

// buildLoss applies options, of which Reduce and the named ones are allowed.
func buildLoss(loss string, defaults lossOptions, list []LossOption, allowed ...string) lossOptions {
	o := defaults
	for _, opt := range list {
		if opt.name != "Reduce" && !slices.Contains(allowed, opt.name) {
			panic(&tensor.UseError{Op: "nn." + loss, Reason: "the loss does not take the option " + opt.name})
		}
		opt.apply(&o)
	}
	if o.reduction == ReduceBatchMean && loss != "KLDiv" {
		panic(&tensor.UseError{Op: "nn." + loss, Reason: "only KLDiv has the reduction ReduceBatchMean"})
	}
	if !(o.smoothing >= 0 && o.smoothing < 1) {
		panic(&tensor.UseError{Op: "nn." + loss, Reason: fmt.Sprintf("a label smoothing of %v is outside [0, 1)", o.smoothing)})
	}
	return o
}

// reduce turns the losses of all elements into the result.
func (o lossOptions) reduce(losses *tensor.Tensor) *tensor.Tensor {
	switch o.reduction {
	case ReduceMean:
		return losses.Mean()
	case ReduceSum:
		return losses.Sum()
	case ReduceBatchMean:
		return losses.Sum().MulScalar(1 / float64(losses.Dim(0)))
	}
	return losses
}

// sameShape panics unless all tensors have the shape of the first: broadcasting
// a (N, 1) against a (N) is never what a loss means.
func sameShape(loss string, tensors ...*tensor.Tensor) {
	for _, t := range tensors[1:] {
		if !slices.Equal(t.Shape(), tensors[0].Shape()) {
			misfit(loss, "the shapes must be equal", tensors...)
		}
	}
}

// signs returns targets, which must be 1 or -1, as the type of like.
func signs(loss string, target, like *tensor.Tensor) *tensor.Tensor {
	for i, v := range target.Float64s() {
		if v != 1 && v != -1 {
			panic(badTarget(loss, i, v, "1 or -1"))
		}
	}
	return target.To(like.DType())
}

func badTarget(loss string, row int, v float64, want string) *tensor.UseError {
	return &tensor.UseError{Op: loss, Reason: fmt.Sprintf("the target in row %d is %v, it must be %s", row, v, want)}
}

// hinge is max(x, 0), the part of a margin that is violated.
func hinge(x *tensor.Tensor) *tensor.Tensor { return x.ReLU() }
