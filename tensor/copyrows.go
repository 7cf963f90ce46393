package tensor

import "github.com/hadal-ml/hadal/internal/par"

// copyRows copies rows of neighbouring elements from one stride to another and
// reports whether that is what the loop is: channels that are joined, cut off or
// padded in images that lie channels-last. The rows are short and there are many,
// so nothing is done for a row but the copy.
func copyRows[T Element](l loop, dst, src []T) bool {
	if len(l.shape) != 2 || l.stride[0][1] != 1 || l.stride[1][1] != 1 {
		return false
	}
	n, to, from := l.shape[1], l.stride[0][0], l.stride[1][0]
	par.For(l.shape[0], max(1, chunkElements/n), func(lo, hi int) {
		d, s := dst[lo*to:], src[lo*from:]
		for range hi - lo - 1 {
			copy(d[:n], s[:n])
			d, s = d[to:], s[from:]
		}
		copy(d[:n], s[:n])
	})
	return true
}

// fillRun writes one value to neighbouring elements: copying what is already
// there, twice as much each time, runs at the speed of memory for any type.
func fillRun[T Element](run []T, v T) {
	if len(run) == 0 {
		return
	}
	run[0] = v
	for done := 1; done < len(run); done *= 2 {
		copy(run[done:], run[:done])
	}
}
