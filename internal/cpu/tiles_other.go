//go:build amd64 && !linux && !noasm

package cpu

// allowTiles reports that nobody knows how to ask this system for tile registers.
func allowTiles() bool { return false }
