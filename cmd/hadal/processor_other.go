//go:build !linux && !darwin

package main

import (
	"os"
	"runtime"
)

// processorName is the processor as its maker calls it.
func processorName() string {
	if name := os.Getenv("PROCESSOR_IDENTIFIER"); name != "" { // Windows
		return name
	}
	return runtime.GOARCH
}
