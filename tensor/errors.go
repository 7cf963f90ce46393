package tensor

import (
	"fmt"
	"strings"
)

// ShapeError is what an operation panics with when its operands do not fit.
// It names the operation, the operands with their names and shapes, and what
// would have fitted.
type ShapeError struct {
	Op       string   // operation, as in the op table
	Path     string   // layer, such as "Conv1"; empty when not known
	Operands []string // "weight Conv1.Weight (16, 1, 3, 3) float32"
	Want     string   // the rule that was broken, in words
}

func (e *ShapeError) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Path != "" {
		fmt.Fprintf(&b, " in %s", e.Path)
	}
	fmt.Fprintf(&b, ": %s", e.Want)
	if len(e.Operands) > 0 {
		fmt.Fprintf(&b, "; got %s", strings.Join(e.Operands, " and "))
	}
	return b.String()
}

// UseError is what an operation panics with when a tensor can no longer be
// used: its step is over, or its elements were overwritten since the tape
// recorded them.
type UseError struct {
	Op     string
	Reason string
}

func (e *UseError) Error() string { return e.Op + ": " + e.Reason }

// misfit panics with a ShapeError about the operands of op.
func misfit(op string, in []*Tensor, format string, args ...any) {
	e := &ShapeError{Op: op, Want: fmt.Sprintf(format, args...)}
	for _, t := range in {
		if t == nil {
			continue
		}
		desc := ShapeString(t.shape)
		if t.dtype != Float32 {
			desc += " " + t.dtype.String()
		}
		if t.name != "" {
			desc = t.name + " " + desc
			if i := strings.LastIndexByte(t.name, '.'); i > 0 && e.Path == "" {
				e.Path = t.name[:i]
			}
		}
		e.Operands = append(e.Operands, desc)
	}
	panic(e)
}
