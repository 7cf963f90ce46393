//go:build (amd64 || arm64) && !noasm

package par

// pause tells the processor n times, n > 0, that this is a waiting loop, so
// that it saves power and leaves its execution units to the sibling thread.
//
//go:noescape
func pause(n uint32)
