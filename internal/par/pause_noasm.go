//go:build (!amd64 && !arm64) || noasm

package par

// pause does nothing: plain Go has no way to tell the processor that it waits.
func pause(n uint32) {}
