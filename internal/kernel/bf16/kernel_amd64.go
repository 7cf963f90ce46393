//go:build !noasm

package bf16

import "unsafe"

//go:generate go run ../asmgen/bf16 -dir .

// runAMX needs all of the job's indices to be checked.
//
//go:noescape
func runAMX(j *job)

// dots computes height rows of a tile, at most dotRows, of which the first ones of
// A, of the sums to begin with and of C are given. It needs all of the job's
// indices to be checked.
//
//go:noescape
func dots(j *job, a, from, c unsafe.Pointer, height int)

//go:noescape
func peakDots(data unsafe.Pointer, n int)

//go:noescape
func peakAMX(config, data unsafe.Pointer, n int)

//go:noescape
func rows(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

//go:noescape
func rowsTransposed(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

//go:noescape
func pairs(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

//go:noescape
func pairsTransposed(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

//go:noescape
func halfPairs(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

//go:noescape
func halfPairsTransposed(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int)

// roundRows rounds rows of n float32; strides are bytes.
//
//go:noescape
func roundRows(dst, src unsafe.Pointer, dstRow, srcRow, rows, n int)

// convertRows rounds blocks of sixteen rows of 32 float32 to tiles of sixteen rows
// of sixteen pairs, and transposes these when asked to. Strides are bytes.
func convertRows(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	if transpose {
		rowsTransposed(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	} else {
		rows(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	}
}

// convertPairs rounds blocks of 32 rows of sixteen float32 to tiles in which row i
// holds pairs of one element each of rows 2i and 2i+1, and transposes these when
// asked to.
func convertPairs(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	if transpose {
		pairsTransposed(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	} else {
		pairs(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	}
}

// pairUp is convertPairs for rows of bfloat16.
func pairUp(dst, src unsafe.Pointer, dstRow, srcRow, dstBlock, srcBlock, blocks int, transpose bool) {
	if transpose {
		halfPairsTransposed(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	} else {
		halfPairs(dst, src, dstRow, srcRow, dstBlock, srcBlock, blocks)
	}
}
