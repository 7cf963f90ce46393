//go:build !unix

package bench

import "runtime"

// peakRSS is what the Go runtime took from the system so far, in MiB: the
// nearest there is without a call of the system's own.
func peakRSS() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys >> 20)
}
