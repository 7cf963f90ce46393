package optim

import (
	"fmt"

	"github.com/hadal-ml/hadal/tensor"
)

// names gives every parameter the name under which its state is stored.
type names struct {
	tensors map[*tensor.Tensor]bool
	taken   map[string]bool
}

func newNames() names { return names{map[*tensor.Tensor]bool{}, map[string]bool{}} }

// add returns the name of t, or "parameter N" when it has none. It panics when
// t cannot be updated in place, or it or its name was added before.
func (n names) add(t *tensor.Tensor) string {
	name := fmt.Sprintf("parameter %d", len(n.tensors))
	if t == nil {
		panic(errorf("%s is nil", name))
	}
	if t.Name() != "" {
		name = t.Name()
	}
	switch {
	case t.DType() != tensor.Float32 && t.DType() != tensor.Float64:
		panic(errorf("%s is %v; only float32 and float64 parameters can be updated", name, t.DType()))
	case !tensor.SameLayout(t, t):
		panic(errorf("the elements of %s have gaps; take the tensor it is a view of, or a contiguous copy", name))
	case n.tensors[t]:
		panic(errorf("%s is listed twice", name))
	case n.taken[name]:
		panic(errorf("two parameters have the name %s; give them different ones with SetName", name))
	}
	n.tensors[t], n.taken[name] = true, true
	return name
}
