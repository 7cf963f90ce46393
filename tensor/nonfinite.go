package tensor

import (
	"fmt"
	"math"
	"strings"
)

// FirstNonFinite looks along the tape of y for the first value that is NaN or
// infinite, and says in words which operation of which layer made it, or which
// leaf brought it. It returns "" when every value is finite.
func FirstNonFinite(y *Tensor) string {
	for _, n := range tape("first non-finite", []*Tensor{y}) {
		layer := ""
		for _, t := range n.call.In {
			if t == nil {
				continue
			}
			if t.name != "" && layer == "" {
				layer = t.name
				if i := strings.LastIndexByte(layer, '.'); i > 0 {
					layer = layer[:i]
				}
			}
			if t.node == nil && t.dtype.IsFloat() && !allFinite(t) {
				if t.name != "" {
					return "the parameter " + t.name
				}
				return fmt.Sprintf("the input %s of %s", ShapeString(t.shape), n.call.Op.Name)
			}
		}
		for _, t := range n.call.Out {
			if t.dtype.IsFloat() && !allFinite(t) {
				if layer != "" {
					return fmt.Sprintf("%s in %s", n.call.Op.Name, layer)
				}
				return n.call.Op.Name
			}
		}
	}
	return ""
}

func allFinite(t *Tensor) bool {
	for _, v := range t.Float64s() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
