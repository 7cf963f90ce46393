package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// processorName is the processor as its maker calls it.
func processorName() string {
	if name, err := unix.Sysctl("machdep.cpu.brand_string"); err == nil {
		return name
	}
	return runtime.GOARCH
}
