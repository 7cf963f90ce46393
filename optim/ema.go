package optim

import (
	"maps"
	"slices"

	"github.com/hadal-ml/hadal/internal/kernel/vec"
	"github.com/hadal-ml/hadal/internal/par"
	"github.com/hadal-ml/hadal/tensor"
)

// EMA is an exponential moving average of weights, which often predicts better
// than the weights themselves (Polyak and Juditsky, 1992):
//
//	ema := optim.NewEMA(parameters, 0.999)
//	for ... {
//		opt.Step()
//		ema.Update()
//	}
//	ema.Swap() // the model now has the averages
type EMA struct {
	params  []*tensor.Tensor
	names   []string
	average []*tensor.Tensor
	decay   float64
	updates int
	swapped bool
}

// NewEMA starts an average of float32 or float64 tensors, trained or not, such
// as the running means of batch normalisation. It panics with an [*Error] when
// decay is not in [0, 1), when there is no tensor, or when one is listed twice.
func NewEMA(params []*tensor.Tensor, decay float64) *EMA {
	if !(decay >= 0 && decay < 1) {
		panic(errorf("the decay of an average of weights is %g; it must be in [0, 1)", decay))
	}
	if len(params) == 0 {
		panic(errorf("there are no parameters to average"))
	}
	e := &EMA{params: slices.Clone(params), decay: decay}
	names := newNames()
	for _, p := range params {
		e.names = append(e.names, names.add(p))
		e.average = append(e.average, p.Keep())
	}
	return e
}

// Update moves the average to decay*average + (1-decay)*parameters. The first
// one copies the parameters, as PyTorch's AveragedModel does. It panics with an
// [*Error] while the averages are swapped in.
func (e *EMA) Update() {
	if e.swapped {
		panic(errorf("the averages are in the place of the parameters; call Swap before the next Update"))
	}
	e.updates++
	keep := e.decay
	if e.updates == 1 {
		keep = 0
	}
	for i, p := range e.params {
		if p.DType() == tensor.Float64 {
			blend(tensor.MutableData[float64](e.average[i]), tensor.Data[float64](p), keep)
		} else {
			blend(tensor.MutableData[float32](e.average[i]), tensor.Data[float32](p), keep)
		}
	}
}

func blend[T vec.Float](average, p []T, keep float64) {
	if keep == 0 {
		copy(average, p) // 0*average would keep a NaN
		return
	}
	// In this form rounding pulls nothing toward zero, as it would where
	// keep and 1-keep are rounded apart.
	par.For(len(p), chunk, func(lo, hi int) {
		var difference [512]T
		for ; lo < hi; lo += len(difference) {
			end := min(lo+len(difference), hi)
			d := difference[:end-lo]
			vec.Sub(d, p[lo:end], average[lo:end])
			vec.Axpy(average[lo:end], T(1-keep), d)
		}
	})
}

// Swap exchanges the parameters with the averages; a second call puts them
// back, bit for bit.
func (e *EMA) Swap() {
	e.swapped = !e.swapped
	for i, p := range e.params {
		if p.DType() == tensor.Float64 {
			exchange(tensor.MutableData[float64](e.average[i]), tensor.MutableData[float64](p))
		} else {
			exchange(tensor.MutableData[float32](e.average[i]), tensor.MutableData[float32](p))
		}
	}
}

func exchange[T vec.Float](a, b []T) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// Updates returns how often Update was called.
func (e *EMA) Updates() int { return e.updates }

// State returns copies of the averages by the names of their parameters, and
// "updates" (int64, a scalar). It panics with an [*Error] while the averages
// are swapped in.
func (e *EMA) State() map[string]*tensor.Tensor {
	if e.swapped {
		panic(errorf("the averages are in the place of the parameters; call Swap before State"))
	}
	s := map[string]*tensor.Tensor{keyUpdates: tensor.Scalar(float64(e.updates), tensor.Int64)}
	for i, t := range e.average {
		s[averageKey(e.names[i])] = t.Keep()
	}
	return s
}

const keyUpdates = "updates"

func averageKey(name string) string { return name + ".average" }

// LoadState takes back what State returned. It copies. When something is
// missing, left over or does not fit, or the averages are swapped in, the error
// says so and nothing has changed.
func (e *EMA) LoadState(state map[string]*tensor.Tensor) error {
	if e.swapped {
		return errorf("the averages are in the place of the parameters; call Swap before LoadState")
	}
	r := stateReader{state: maps.Clone(state)}
	updates := r.count(keyUpdates)
	loaded := make([]*tensor.Tensor, len(e.params))
	for i, p := range e.params {
		loaded[i] = r.like(averageKey(e.names[i]), p)
	}
	r.nothingLeft("this average of weights")
	if r.err != nil {
		return r.err
	}
	e.updates = updates
	for i, t := range loaded {
		e.average[i].CopyFrom(t)
	}
	return nil
}
