package vec

// Sums over the rows of a matrix, one for each column. Matrices are as in
// [AddRow].
//
// A kernel adds up blockRows rows of columnChunk columns in float32, in
// accumulators that the next block continues in float64. The order of
// additions depends on rows and cols alone.
const (
	blockRows   = 256
	columnChunk = 256
)

// eachBlock calls visit for blocks of rows and columns that cover the matrix,
// all rows of a column before the next columns.
func eachBlock(rows, cols int, visit func(row, col, rows, cols int)) {
	for col := 0; col < cols; col += columnChunk {
		for row := 0; row < rows; row += blockRows {
			visit(row, col, min(blockRows, rows-row), min(columnChunk, cols-col))
		}
	}
}

// SumRows adds the sum over i of x[i][j] to dst[j]: the gradient of a bias.
func SumRows[T Float](dst, x []T, rows, cols, stride int) {
	matrix("SumRows", len(x), rows, cols, stride)
	sameLength("SumRows", cols, len(dst))
	var total [columnChunk]float64
	eachBlock(rows, cols, func(row, col, blockRows, cols int) {
		if row == 0 {
			clear(total[:])
		}
		addColumnSums(total[:cols], x[row*stride+col:], blockRows, stride)
		if row+blockRows == rows {
			for j, s := range total[:cols] {
				dst[col+j] += T(s)
			}
		}
	})
}

// addColumnSums adds the sums of the columns of one block to sum.
func addColumnSums[T Float](sum []float64, x []T, rows, stride int) {
	if isFloat32[T]() {
		var part [columnChunk]float32
		if columnSumsKernel(&part[0], ptr(x), rows, len(sum), stride) {
			addTo(sum, part[:])
			return
		}
	}
	for i := range rows {
		for j, v := range x[i*stride:][:len(sum)] {
			sum[j] += float64(v)
		}
	}
}

// addTo adds the first len(sum) elements of part to sum.
func addTo(sum []float64, part []float32) {
	for j := range sum {
		sum[j] += float64(part[j])
	}
}

// ColumnMoments adds, for each column j, the sum over i of x[i][j]-shift[j] to
// sum[j] and of its square to sumSquares[j]. With a shift near the mean (any
// row of x will do) the variance sumSquares/n - (sum/n)² does not cancel; the
// mean is shift + sum/n.
func ColumnMoments[T Float](sum, sumSquares []float64, x, shift []T, rows, cols, stride int) {
	matrix("ColumnMoments", len(x), rows, cols, stride)
	sameLengths("ColumnMoments", cols, len(sum), len(sumSquares))
	sameLength("ColumnMoments", cols, len(shift))
	eachBlock(rows, cols, func(row, col, rows, cols int) {
		addColumnMoments(sum[col:][:cols], sumSquares[col:][:cols], x[row*stride+col:], shift[col:], rows, stride)
	})
}

func addColumnMoments[T Float](sum, sumSquares []float64, x, shift []T, rows, stride int) {
	if isFloat32[T]() {
		var part, squares [columnChunk]float32
		if columnMomentsKernel(&part[0], &squares[0], ptr(x), ptr(shift), rows, len(sum), stride) {
			addTo(sum, part[:])
			addTo(sumSquares, squares[:])
			return
		}
	}
	for i := range rows {
		for j, v := range x[i*stride:][:len(sum)] {
			d := float64(v) - float64(shift[j])
			sum[j] += d
			sumSquares[j] += d * d
		}
	}
}

// BatchNormGradSums adds, for each column j, the sum over i of gy[i][j] to
// sumGy[j] and of gy[i][j]*xhat[i][j] to sumGyXhat[j], where
// xhat = (x-mean)*rstd (Ioffe and Szegedy, arXiv 1502.03167). The sums are the
// gradients of shift and scale.
func BatchNormGradSums[T Float](sumGy, sumGyXhat []float64, gy, x, mean, rstd []T, rows, cols, stride int) {
	matrix("BatchNormGradSums", len(x), rows, cols, stride)
	matrix("BatchNormGradSums", len(gy), rows, cols, stride)
	sameLengths("BatchNormGradSums", cols, len(sumGy), len(sumGyXhat))
	sameLengths("BatchNormGradSums", cols, len(mean), len(rstd))
	eachBlock(rows, cols, func(row, col, rows, cols int) {
		at := row*stride + col
		addBatchNormGradSums(sumGy[col:][:cols], sumGyXhat[col:][:cols], gy[at:], x[at:], mean[col:], rstd[col:], rows, stride)
	})
}

func addBatchNormGradSums[T Float](sumGy, sumGyXhat []float64, gy, x, mean, rstd []T, rows, stride int) {
	if isFloat32[T]() {
		var part, hat [columnChunk]float32
		if batchNormGradSumsKernel(&part[0], &hat[0], ptr(gy), ptr(x), ptr(mean), ptr(rstd), rows, len(sumGy), stride) {
			addTo(sumGy, part[:])
			addTo(sumGyXhat, hat[:])
			return
		}
	}
	for i := range rows {
		g := gy[i*stride:][:len(sumGy)]
		for j, v := range x[i*stride:][:len(sumGy)] {
			sumGy[j] += float64(g[j])
			sumGyXhat[j] += float64(g[j]) * (float64(v) - float64(mean[j])) * float64(rstd[j])
		}
	}
}
