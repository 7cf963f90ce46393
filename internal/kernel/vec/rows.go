package vec

// A matrix in this file is rows rows of cols contiguous elements; row i begins
// at element i*stride. All matrices of one call share the stride. A vector has
// one element per column.

// AddRow sets dst[i][j] = x[i][j] + b[j], and takes ReLU of it if relu is set.
func AddRow[T Float](dst, x, b []T, rows, cols, stride int, relu bool) {
	matrix("AddRow", len(x), rows, cols, stride)
	matrix("AddRow", len(dst), rows, cols, stride)
	sameLength("AddRow", cols, len(b))
	if isFloat32[T]() && rows > 0 && addRow(ptr(dst), ptr(x), ptr(b), rows, cols, stride, relu) {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		for j, v := range row {
			v += b[j]
			if relu {
				v = max(v, 0)
			}
			d[j] = v
		}
	}
}

// addRow picks among the kernels of [AddRow].
func addRow(dst, x, b *float32, rows, cols, stride int, relu bool) bool {
	if relu {
		return addRowReLUKernel(dst, x, b, rows, cols, stride)
	}
	return addRowKernel(dst, x, b, rows, cols, stride)
}

// MulAddRow sets dst[i][j] = x[i][j]*scale[j] + shift[j] + residual[i][j], and
// takes ReLU of it if relu is set: batch normalisation in channels-last
// layout. A nil residual counts as zero.
func MulAddRow[T Float](dst, x, scale, shift, residual []T, rows, cols, stride int, relu bool) {
	matrix("MulAddRow", len(x), rows, cols, stride)
	matrix("MulAddRow", len(dst), rows, cols, stride)
	sameLengths("MulAddRow", cols, len(scale), len(shift))
	if residual != nil {
		matrix("MulAddRow", len(residual), rows, cols, stride)
	}
	if isFloat32[T]() && rows > 0 && mulAddRow(ptr(dst), ptr(x), ptr(scale), ptr(shift), ptr(residual), rows, cols, stride, relu) {
		return
	}
	for i := range rows {
		d, row := dst[i*stride:][:cols], x[i*stride:][:cols]
		for j, v := range row {
			v = scaled(v, scale[j], shift[j])
			if residual != nil {
				v += residual[i*stride+j]
			}
			if relu {
				v = max(v, 0)
			}
			d[j] = v
		}
	}
}

// mulAddRow picks among the kernels of [MulAddRow].
func mulAddRow(dst, x, scale, shift, residual *float32, rows, cols, stride int, relu bool) bool {
	switch {
	case residual == nil && relu:
		return mulAddRowReLUKernel(dst, x, scale, shift, rows, cols, stride)
	case residual == nil:
		return mulAddRowKernel(dst, x, scale, shift, rows, cols, stride)
	case relu:
		return mulAddRowResidualReLUKernel(dst, x, scale, shift, residual, rows, cols, stride)
	}
	return mulAddRowResidualKernel(dst, x, scale, shift, residual, rows, cols, stride)
}
