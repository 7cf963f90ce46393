// Package pool reduces and enlarges channels-last images: max and average
// pooling, adaptive pooling, nearest and bilinear up-sampling, each with its
// gradient. It is not a layer: it works on dense buffers and knows no tensors.
//
// Every function cuts its work along rows of what it writes, so each element is
// summed by one goroutine in one order, and results do not depend on the number
// of threads.
package pool

// Float is the set of element types.
type Float interface{ float32 | float64 }

// Index is how the winner of a max-pooling window is remembered: its position
// within the window, row by row. uint8 does for windows up to 256 positions
// (see [Shape.IndexFitsUint8]).
type Index interface{ uint8 | int32 }
