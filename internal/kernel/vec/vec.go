// Package vec holds the serial vector kernels: element-wise operations,
// reductions, softmax, normalisation and optimizer updates on slices. It is
// not a tensor library: it knows no shapes beyond rows and columns, allocates
// nothing, and starts no goroutine; callers cut the work.
//
// Every function is generic over float32 and float64. The Go loop in its body
// is the portable version and the oracle of the tests. On float32 slices it is
// replaced, when the processor allows, by assembly that vecgen writes from one
// description per kernel; [cpu.Active] says which set is in use.
//
// The destination may be the very same slice as an input, but must not overlap
// one otherwise. What an element becomes depends on its operands alone, never
// on its position or on the length of the slice ([Dropout] is about positions
// and the exception). NaN, infinities and subnormal numbers go through
// unharmed. Lengths that do not fit are a mistake in the caller and panic.
//
// Reductions add in an order that depends on the length alone. They are the
// same on every run and for any number of threads, but not on every
// instruction set, because wider vectors have more lanes.
//
// The greatest errors of the float32 assembly, in units in the last place over
// all magnitudes (go test -run Accuracy -v): Exp 1.0, Log 0.8, Tanh 2.5, Erf
// 2.7, Sigmoid 2.2, SiLU 3.1, Softplus 1.7, ELU 1.7, GELU 5.7; GELUTanh 5 for
// results of 1/16 and more, and the same absolute error below. Everything that
// is a single IEEE operation is rounded correctly.
package vec

import (
	"fmt"
	"unsafe"
)

//go:generate go run ../vecgen -out .

// Float is the set of element types that the kernels compute in.
type Float interface{ float32 | float64 }

// isFloat32 reports whether T is float32, the only type with assembly. The
// compiler folds it in each instance.
func isFloat32[T Float]() bool {
	var zero T
	return unsafe.Sizeof(zero) == 4
}

// ptr is the address of the first element as the assembly wants it. It must
// only be used when isFloat32[T]().
func ptr[T Float](x []T) *float32 {
	return (*float32)(unsafe.Pointer(unsafe.SliceData(x)))
}

// sameLength panics unless b has n elements.
func sameLength(op string, n, b int) {
	if n != b {
		panic(fmt.Sprintf("vec.%s: lengths %d and %d differ", op, n, b))
	}
}

// sameLengths panics unless a and b have n elements.
func sameLengths(op string, n, a, b int) {
	if n != a || n != b {
		panic(fmt.Sprintf("vec.%s: lengths %d, %d and %d differ", op, n, a, b))
	}
}

// matrix panics unless a slice of n elements holds rows rows of cols elements,
// each stride after the last.
func matrix(op string, n, rows, cols, stride int) {
	if rows < 0 || cols < 0 || stride < cols || rows > 0 && n < (rows-1)*stride+cols {
		panic(fmt.Sprintf("vec.%s: %d elements do not hold %d rows of %d columns with stride %d", op, n, rows, cols, stride))
	}
}

// atLeast panics unless a slice of n elements holds want of them.
func atLeast(op, name string, n, want int) {
	if n < want {
		panic(fmt.Sprintf("vec.%s: %s has %d elements, needs %d", op, name, n, want))
	}
}
