package gemm

import (
	"testing"
	"time"

	"github.com/hadal-ml/hadal/internal/cpu"
)

func TestPeaksArePositive(t *testing.T) {
	each(t, func(t *testing.T) {
		if rate := PeakFMA(time.Millisecond); !(rate > 0) {
			t.Errorf("%v: %v GFLOP/s", cpu.Active(), rate)
		}
	})
	if rate := PeakMemory(time.Millisecond); !(rate > 0) {
		t.Errorf("%v GB/s", rate)
	}
}

func TestMedian(t *testing.T) {
	runs := 0
	if rate := median(0, func() float64 { runs++; return 1e12 }); !(rate > 0) || runs != 3 {
		t.Errorf("rate %v after %d runs; want a positive one after three", rate, runs)
	}
}
