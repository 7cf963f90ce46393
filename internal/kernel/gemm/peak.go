package gemm

import (
	"runtime"
	"slices"
	"time"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/mem"
	"github.com/hadal-ml/hadal/internal/par"
)

// peakSums is the number of vectors that one round of the measuring loop
// multiplies and adds; the generator has the same number.
const peakSums = 12

// PeakFMA measures for about d how many GFLOP/s (10⁹ multiplications and
// additions a second, in float32) one core reaches with the active instruction
// set when nothing but multiply-adds on registers is asked of it. It is the
// ceiling that figures of kernels are shares of.
//
// It is the median of many short runs. A core lowers its clock under the load of
// kernels that also move data, by a tenth on the machine this was written on, and
// raises it again within some milliseconds; for a fair share measure a few
// milliseconds of peak right after each run of the kernel.
func PeakFMA(d time.Duration) float64 {
	const rounds = 50000
	isa := cpu.Active()
	lanes := max(1, shapesOf[isa].width)
	return median(d, func() float64 {
		peak(isa, rounds)
		return 2 * rounds * peakSums * float64(lanes)
	})
}

// PeakMemory measures for about d how many GB/s (10⁹ bytes a second, read and
// written together) the threads of package par move when they copy blocks much
// larger than the caches of a core. It takes 256 MiB while it runs.
func PeakMemory(d time.Duration) float64 {
	const size, chunk = 32 << 20, 1 << 20 // elements
	from, to := mem.Bytes(size*sizeofFloat), mem.Bytes(size*sizeofFloat)
	for i := 0; i < len(from); i += 1 << 10 {
		from[i] = 1 // memory that was never written is not there yet
	}
	copy(to, from)
	return median(d, func() float64 {
		par.For(len(from), chunk*sizeofFloat, func(lo, hi int) { copy(to[lo:hi], from[lo:hi]) })
		return 2 * size * sizeofFloat
	})
}

// median runs work for about d, at least three times, and returns the median of
// what it says it did, per nanosecond.
func median(d time.Duration, work func() float64) float64 {
	var rates []float64
	for start := time.Now(); time.Since(start) < d || len(rates) < 3; {
		t := time.Now()
		amount := work()
		rates = append(rates, amount/float64(max(1, time.Since(t).Nanoseconds())))
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}

// peakGeneric is the measuring loop in plain Go, one element at a time.
func peakGeneric(n int) {
	x, y := float32(0.5), float32(n)
	var s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 float32
	for range n {
		s0 = s0*x + y
		s1 = s1*x + y
		s2 = s2*x + y
		s3 = s3*x + y
		s4 = s4*x + y
		s5 = s5*x + y
		s6 = s6*x + y
		s7 = s7*x + y
		s8 = s8*x + y
		s9 = s9*x + y
		s10 = s10*x + y
		s11 = s11*x + y
	}
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11)
}
