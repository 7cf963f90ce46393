package tensor

import (
	"errors"
	"math"
	"testing"
)

// TestAbsurdSizesAreShapeErrors rather than the end of the program.
func TestAbsurdSizesAreShapeErrors(t *testing.T) {
	inf := math.Inf(1)
	for name, f := range map[string]func(){
		"arange, tiny step":       func() { Arange(0, 1, 1e-300, Float32) },
		"arange, many":            func() { Arange(0, 1e15, 1, Float32) },
		"arange, more than int":   func() { Arange(0, 1e30, 1, Int64) },
		"arange, infinite stop":   func() { Arange(0, inf, 1, Float64) },
		"arange, infinite start":  func() { Arange(-inf, 0, 1, Float64) },
		"arange, both infinite":   func() { Arange(-inf, inf, 1, Float64) },
		"arange, overflowing":     func() { Arange(-math.MaxFloat64, math.MaxFloat64, 1, Float64) },
		"arange, not a number":    func() { Arange(0, math.NaN(), 1, Float64) },
		"arange, infinity by inf": func() { Arange(0, inf, inf, Float64) },
		"arange, no step":         func() { Arange(0, 1, 0, Float64) },
		"linspace, negative":      func() { Linspace(0, 1, -1) },
		"linspace, many":          func() { Linspace(0, 1, math.MaxInt) },
		"linspace, too many":      func() { Linspace(0, 1, 1<<40) },
		"eye, negative":           func() { Eye(-1) },
		"perm, negative":          func() { NewRand(1).Perm(-1) },
	} {
		func() {
			defer func() {
				err, ok := recover().(error)
				var shape *ShapeError
				if !ok || !errors.As(err, &shape) {
					t.Errorf("%s: %v is no *ShapeError", name, err)
				}
			}()
			f()
		}()
	}
}

func TestRangesThatAreEmpty(t *testing.T) {
	for name, x := range map[string]*Tensor{
		"backwards": Arange(1, 0, 1, Float32), "nothing": Arange(3, 3, 1, Int64), "far backwards": Arange(math.Inf(1), 0, 1, Float64),
		"linspace": Linspace(0, 1, 0), "perm": NewRand(1).Perm(0), "eye": Eye(0),
	} {
		if x.Len() != 0 {
			t.Errorf("%s has %d elements", name, x.Len())
		}
	}
}
