//go:build !amd64 || noasm

package conv

// winogradInput is winogradInputGeneric.
func winogradInput(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	winogradInputGeneric(dst, component, tile, src, row, pixel, tiles)
}

// winogradOutput is winogradOutputGeneric.
func winogradOutput(dst []float32, row, pixel int, src []float32, component, tile int, bias, plus []float32, least float32, tiles int) {
	winogradOutputGeneric(dst, row, pixel, src, component, tile, bias, plus, least, tiles)
}

// winogradFilter is winogradFilterGeneric.
func winogradFilter(dst []float32, component int, src []float32, weight, n int) {
	winogradFilterGeneric(dst, component, src, weight, n)
}

// winogradGradInput is winogradGradInputGeneric.
func winogradGradInput(dst []float32, component, tile int, src []float32, row, pixel, tiles int) {
	winogradGradInputGeneric(dst, component, tile, src, row, pixel, tiles)
}

// winogradFilterGrad is winogradFilterGradGeneric.
func winogradFilterGrad(dst []float32, weight int, src []float32, component, n int) {
	winogradFilterGradGeneric(dst, weight, src, component, n)
}
