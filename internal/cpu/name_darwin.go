//go:build !amd64 || noasm

package cpu

import (
	"runtime"
	"syscall"
)

// Name returns what the maker calls the processor, or the architecture when
// that is not known.
func Name() string {
	if name, err := syscall.Sysctl("machdep.cpu.brand_string"); err == nil && name != "" {
		return name
	}
	return runtime.GOARCH
}
