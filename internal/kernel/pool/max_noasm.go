//go:build noasm || !amd64

package pool

// maxRun reports that it did nothing.
func (s Shape) maxRun(row, j0, j1 int, x, y []float32, arg []uint8) bool { return false }

// maxGradRun reports that it did nothing.
func (s Shape) maxGradRun(row, outRow, kh, j0, j1 int, gx, gy []float32, arg []uint8, fresh bool) bool {
	return false
}
