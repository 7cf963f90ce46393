// Package tensor is the n-dimensional array that remembers how it was made:
// element types, shapes, the closed set of operations, and the gradients that
// follow from them. It knows nothing of layers, models or training.
//
// # What must always hold
//
//   - A Tensor's shape never changes; operations return new tensors. A view
//     (Reshape where possible, Permute, Slice, ...) shares its elements.
//   - Every operation has one entry in the op table ([Ops]): shape rule,
//     kernel, gradient, cost, sample inputs. Generic tests loop over it.
//   - An operation on a tracked tensor is recorded in its result. The record
//     is the tape: [Tensor.Backward] walks it once, in reverse.
//   - Gradients are made of operations, so they have gradients themselves.
//   - Shapes that do not fit panic with a [*ShapeError].
//   - Results depend on the inputs alone, never on the number of threads.
//
// Broadcasting, reductions, NaN and empty tensors follow NumPy and PyTorch.
// Integer division truncates toward zero as Go's does; division of an integer
// by zero panics.
//
// Images are (N, C, H, W) to the caller and may lie channels-last in memory;
// operations keep the layout they are given.
package tensor
