package vec

// Sums over the rows of a matrix, one for each column. Matrices are as in
// [AddRow].
//
// Blocks of blockRows rows of columnChunk columns are added up in float32, and
// then in float64. The order of additions depends on rows and cols alone.
//
// A kernel goes down all its rows with a few columns in registers, then comes
// back for the next columns. It is given so few rows at a time that it finds
// them in the first-level cache when it comes back: memory is read as it lies.
const (
	blockRows     = 256
	columnChunk   = 512
	stripElements = 4 << 10
)

// inStrips calls a kernel for strips of the rows of a block and reports whether
// there was one.
func inStrips(rows, cols int, kernel func(row, rows int) bool) bool {
	step := max(stripElements/cols, 1)
	for row := 0; row < rows; row += step {
		if !kernel(row, min(step, rows-row)) {
			return false
		}
	}
	return true
}

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
		if inStrips(rows, len(sum), func(row, rows int) bool {
			return columnSumsKernel(&part[0], ptr(x[row*stride:]), rows, len(sum), stride)
		}) {
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
		if inStrips(rows, len(sum), func(row, rows int) bool {
			return columnMomentsKernel(&part[0], &squares[0], ptr(x[row*stride:]), ptr(shift), rows, len(sum), stride)
		}) {
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
