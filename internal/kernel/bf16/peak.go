package bf16

import (
	"slices"
	"time"
	"unsafe"

	"github.com/hadal-ml/hadal/internal/cpu"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
)

// Peak measures for about d how many GFLOP/s (10⁹ multiplications and additions a
// second) one core reaches in bfloat16 when nothing but multiplications of
// registers is asked of it; without AMX it is that of float32.
func Peak(d time.Duration) float64 {
	if cpu.ActiveMatrix() != cpu.AMX {
		return gemm.PeakFMA(d)
	}
	const rounds = 4096
	// Four tiles of numbers near one, of all digits.
	var data [4 * tileBytes / 2]uint16
	for i := range data {
		data[i] = 0x3f80 | uint16(i*2654435761>>12&0x807f)
	}
	var j job
	j.shape(tileRows, panel)
	const operations = 2 * rounds * 4 * tileRows * tileRows * tileDepth
	var rates []float64
	for start := time.Now(); time.Since(start) < d || len(rates) < 3; {
		t := time.Now()
		peakAMX(unsafe.Pointer(&j.config), unsafe.Pointer(&data), rounds)
		rates = append(rates, operations/float64(max(1, time.Since(t).Nanoseconds())))
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}
