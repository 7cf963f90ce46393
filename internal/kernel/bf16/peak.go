package bf16

import (
	"slices"
	"time"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// peakSums is the number of vectors that one round of the measuring loop adds to;
// the generator has the same number.
const peakSums = 24

// Peak measures for about d how many GFLOP/s (10⁹ multiplications and additions a
// second) one core reaches in bfloat16 when nothing but multiplications of
// registers is asked of it; without instructions for it, it is that of float32.
func Peak(d time.Duration) float64 {
	if !hasKernels() {
		return gemm.PeakFMA(d)
	}
	// Four tiles of numbers near one, of all digits.
	var data [4 * tileBytes / 2]uint16
	for i := range data {
		data[i] = 0x3f80 | uint16(i*2654435761>>12&0x807f)
	}
	var j job
	j.shape(tileRows, panel)
	rounds, each := 4096, 4*tileRows*tileRows*tileDepth // multiplications a round
	work := func() { peakAMX(unsafe.Pointer(&j.config), unsafe.Pointer(&data), rounds) }
	if cpu.ActiveMatrix() == cpu.AVX512BF16 {
		rounds, each = 20000, peakSums*tileDepth
		work = func() { peakDots(unsafe.Pointer(&data), rounds) }
	}
	var rates []float64
	for start := time.Now(); time.Since(start) < d || len(rates) < 3; {
		t := time.Now()
		work()
		rates = append(rates, float64(2*rounds*each)/float64(max(1, time.Since(t).Nanoseconds())))
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}
