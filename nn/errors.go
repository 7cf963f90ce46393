package nn

import (
	"strings"

	"github.com/hadal-ml/hadal/tensor"
)

// misfit panics with a ShapeError of a layer: what it wants, and the operands
// it got. The path comes from the first operand that a walk has named.
func misfit(op, want string, operands ...*tensor.Tensor) {
	e := &tensor.ShapeError{Op: op, Want: want}
	for _, t := range operands {
		desc := tensor.ShapeString(t.Shape())
		if t.DType() != tensor.Float32 {
			desc += " " + t.DType().String()
		}
		if name := t.Name(); name != "" {
			desc = name + " " + desc
			if i := strings.LastIndexByte(name, '.'); i > 0 && e.Path == "" {
				e.Path = name[:i]
			}
		}
		e.Operands = append(e.Operands, desc)
	}
	panic(e)
}
