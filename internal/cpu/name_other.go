//go:build !darwin && (!amd64 || noasm)

package cpu

import "runtime"

// Name returns what the maker calls the processor, or the architecture when
// that is not known.
func Name() string { return runtime.GOARCH }
