package nn

import (
	"reflect"

	"github.com/hadal-ml/hadal/tensor"
)

// To turns the floating-point tensors of a model into another type, in place:
// float64 for gradient checks. Names, tied weights and what is frozen stay.
// The tensors are new ones, so an optimizer must be made afterwards. The model
// must be given by pointer.
func To(model any, d tensor.DType) {
	for _, e := range walk(model) {
		if !e.tensor.DType().IsFloat() || e.tensor.DType() == d {
			continue
		}
		t := e.tensor.Detach().To(d).SetName(e.name)
		t.SetRequiresGrad(e.tensor.RequiresGrad())
		e.replace(t)
	}
}

// replace puts t wherever the model holds the tensor.
func (e entry) replace(t *tensor.Tensor) {
	for _, place := range e.places {
		if !place.CanSet() {
			panic(&tensor.UseError{Op: "nn.To", Reason: "the tensor " + e.name + " cannot be replaced: give the model by pointer, and keep its layers in maps and interfaces as pointers"})
		}
		place.Set(reflect.ValueOf(t))
	}
}
