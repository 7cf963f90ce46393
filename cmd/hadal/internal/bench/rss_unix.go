//go:build unix

package bench

import (
	"runtime"
	"syscall"
)

// peakRSS is the most memory that the process had resident so far, in MiB.
func peakRSS() int {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" { // bytes there, KiB elsewhere
		return int(u.Maxrss >> 20)
	}
	return int(u.Maxrss >> 10)
}
