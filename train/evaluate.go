package train

import (
	"errors"
	"fmt"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/tensor"
)

// Evaluation is what a model makes of a data set.
type Evaluation struct {
	Loss          float64
	Accuracy      float64   // of classes
	Predicted     []int     // class with the largest score, sample by sample
	True          []int     // class it should have been
	Probabilities []float32 // softmax of the scores, (samples, classes)
	Samples       int
}

// Evaluate runs a model over a data set in order, in float32. loss may be nil.
func Evaluate(model any, ds data.Dataset, loss nn.Loss) (e *Evaluation, err error) {
	return EvaluateIn(F32, model, ds, loss)
}

// EvaluateIn is Evaluate in a precision: that which a model was trained in.
func EvaluateIn(p Precision, model any, ds data.Dataset, loss nn.Loss) (e *Evaluation, err error) {
	defer recoverTo(&err)
	if err := p.Check(); err != nil {
		return nil, err
	}
	m, ok := model.(nn.Module)
	if !ok {
		return nil, fmt.Errorf("%T is not an nn.Module", model)
	}
	if ds.Len() == 0 {
		return nil, errors.New("there is nothing to evaluate: the data set is empty")
	}
	loader, err := data.NewLoader(ds, data.LoaderConfig{BatchSize: min(evalBatch, ds.Len())})
	if err != nil {
		return nil, err
	}
	isClassification := len(ds.TargetShape()) == 0
	out := &Evaluation{}
	v, err := evaluate(p, m.Forward, loss, loader, isClassification, out)
	if err != nil {
		return nil, err
	}
	out.Loss, out.Accuracy, out.Samples = v.Loss, v.Accuracy, ds.Len()
	return out, nil
}

// evaluate measures loss and accuracy; detail, unless nil, takes what is said
// of each sample.
func evaluate(p Precision, forward func(*nn.Context, *tensor.Tensor) *tensor.Tensor, loss nn.Loss, loader *data.Loader, classes bool, detail *Evaluation) (Evaluation, error) {
	scope := p.In(tensor.NewInferenceScope())
	var total sums
	for batch := range loader.Epoch(0) {
		y := forward(nn.Inference(), scope.View(batch.X))
		n := len(batch.Index)
		if loss != nil {
			total.Loss += loss(y, batch.Y).Item() * float64(n)
		}
		total.Seen += n
		if classes && isScores(y, n) {
			total.Correct += countCorrect(y, batch.Y)
			if detail != nil {
				detail.add(y, batch.Y)
			}
		}
		scope.Release()
	}
	if err := loader.Err(); err != nil {
		return Evaluation{}, err
	}
	seen := float64(max(total.Seen, 1))
	return Evaluation{Loss: total.Loss / seen, Accuracy: float64(total.Correct) / seen, Samples: total.Seen}, nil
}

func (e *Evaluation) add(logits, classes *tensor.Tensor) {
	p := logits.Softmax(-1).Float32s()
	n := logits.Dim(-1)
	e.Probabilities = append(e.Probabilities, p...)
	for i, c := range classes.Int64s() {
		e.Predicted = append(e.Predicted, largest(p[i*n:(i+1)*n]))
		e.True = append(e.True, int(c))
	}
}

// isScores reports whether a prediction holds a score for each class of each
// sample, (samples, classes); a single number has no largest.
func isScores(y *tensor.Tensor, samples int) bool {
	return y.NDim() == 2 && y.Dim(0) == samples && y.Dim(1) > 1
}

// countCorrect counts the rows of scores whose largest is at the class.
func countCorrect(scores, classes *tensor.Tensor) int {
	n := scores.Dim(-1)
	s, right := scores.Float32s(), 0
	for i, c := range classes.Int64s() {
		if largest(s[i*n:(i+1)*n]) == int(c) {
			right++
		}
	}
	return right
}

func largest(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}
