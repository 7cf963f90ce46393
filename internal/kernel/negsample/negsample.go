// Package negsample holds the two kernels of learning vectors with negative
// sampling: scores of pairs of vectors, and steps along them. It is no trainer:
// which words are pairs, and what the factors of a step are, is its caller's to
// say.
//
// Vectors are rows of two tables, found by number. A call works on a part of
// [Part] elements of each: two goroutines that work on different parts of the
// same vectors do not meet, not even in a cache line when the tables are aligned
// and Part is a whole number of lines.
//
// Results depend on the operands alone, but not on every instruction set in the
// same way, because wider vectors add in another order.
package negsample

import "fmt"

// Part is how many elements of a vector a call works on.
const Part = 48

// Scores writes the product of each vector that is read with each one that is
// scored: dst[q*len(scored)+j] = in[reads[q]] · out[scored[j]], over one part.
// Row r of a table begins at element r*stride; the part is the first of what is
// given of a row.
func Scores(dst, in, out []float32, stride int, reads, scored []int32) {
	check("Scores", len(dst), in, out, stride, reads, scored)
	if len(reads) == 0 || len(scored) == 0 || scoresKernel(dst, in, out, stride, reads, scored) {
		return
	}
	for q, r := range reads {
		x := in[int(r)*stride:][:Part]
		for j, s := range scored {
			y := out[int(s)*stride:][:Part]
			var sum [8]float32 // so that the sums do not wait for each other
			for k := 0; k < Part; k += 8 {
				for l := range 8 {
					sum[l] += x[k+l] * y[k+l]
				}
			}
			dst[q*len(scored)+j] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]))
		}
	}
}

// maxScored bounds the rows that a step may change in out.
const maxScored = 8

// Update adds to one part of each vector what its partners give it, each times
// the factor of the pair, factors[q*len(scored)+j]:
//
//	out[scored[j]] += sum over q of factor * in[reads[q]]
//	in[reads[q]] += sum over j of factor * out[scored[j]]
//
// The vectors of out are as they were before the call in both lines. Those of
// in are as they were in the first; a row that is read twice is changed by the
// first reading before the second.
func Update(factors, in, out []float32, stride int, reads, scored []int32) {
	check("Update", len(factors), in, out, stride, reads, scored)
	if len(scored) > maxScored {
		panic(fmt.Sprintf("negsample.Update: %d vectors are scored; at most %d can be", len(scored), maxScored))
	}
	var changes [maxScored * Part]float32
	if len(reads) == 0 || len(scored) == 0 || updateKernel(factors, in, out, &changes, stride, reads, scored) {
		return
	}
	for q, r := range reads {
		x := in[int(r)*stride:][:Part]
		for j := range scored {
			f, change := factors[q*len(scored)+j], changes[j*Part:][:Part]
			for k, v := range x {
				change[k] += f * v
			}
		}
	}
	for q, r := range reads {
		x := in[int(r)*stride:][:Part]
		for j, s := range scored {
			f, y := factors[q*len(scored)+j], out[int(s)*stride:][:Part]
			for k, v := range y {
				x[k] += f * v
			}
		}
	}
	for j, s := range scored {
		y := out[int(s)*stride:][:Part]
		for k, v := range changes[j*Part:][:Part] {
			y[k] += v
		}
	}
}

// check panics unless every row is in its table and there is a number for each pair.
func check(op string, pairs int, in, out []float32, stride int, reads, scored []int32) {
	if pairs < len(reads)*len(scored) {
		panic(fmt.Sprintf("negsample.%s: %d numbers for %d pairs", op, pairs, len(reads)*len(scored)))
	}
	for _, r := range reads {
		if r < 0 || int(r)*stride+Part > len(in) {
			panic(fmt.Sprintf("negsample.%s: row %d with stride %d is outside a table of %d elements", op, r, stride, len(in)))
		}
	}
	for _, r := range scored {
		if r < 0 || int(r)*stride+Part > len(out) {
			panic(fmt.Sprintf("negsample.%s: row %d with stride %d is outside a table of %d elements", op, r, stride, len(out)))
		}
	}
}
