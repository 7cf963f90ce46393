// Package bench times one fixed set of workloads, kernels and whole steps, in
// the form that other libraries are measured in too, so that both can stand in
// one table. It is what `hadal bench` runs.
package bench

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hadal-ml/hadal/internal/kernel/bf16"
	"github.com/hadal-ml/hadal/internal/kernel/gemm"
	"github.com/hadal-ml/hadal/internal/par"
)

// Workload is one thing that is timed.
type Workload struct {
	Name string
	// Prepare returns what is run again and again, and the floating-point
	// operations of one run (0: not counted).
	Prepare func() (run func(), flops float64)
}

// Figure is what one workload gave. Its JSON form is that of the peers'.
type Figure struct {
	Peer        string  `json:"peer"`
	Version     string  `json:"version"`
	Workload    string  `json:"workload"`
	Threads     int     `json:"threads"`
	Mode        string  `json:"mode"`
	MedianMS    float64 `json:"median_ms"`
	MinMS       float64 `json:"min_ms"`
	Runs        int     `json:"runs"`
	PeakRSSMB   int     `json:"peak_rss_mb"`
	ISA         string  `json:"isa"`
	GFLOPS      float64 `json:"gflops,omitempty"`
	ShareOfPeak float64 `json:"share_of_peak,omitempty"`
}

// Peaks are what the machine can do, measured in the same run.
type Peaks struct {
	FMA    float64 // GFLOP/s of one core, in float32
	BF16   float64 // the same in bfloat16; 0 unless that is the mode
	Memory float64 // GB/s of all threads
}

// MeasurePeaks measures the machine for about a second.
func MeasurePeaks() Peaks {
	p := Peaks{FMA: gemm.PeakFMA(300 * time.Millisecond), Memory: gemm.PeakMemory(300 * time.Millisecond)}
	if mode == modeBF16 {
		p.BF16 = bf16.Peak(300 * time.Millisecond)
	}
	return p
}

// Select returns the workloads whose names match a regular expression.
func Select(only string) ([]Workload, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression: %v", only, err)
	}
	var out []Workload
	for _, w := range workloads() {
		if match.MatchString(w.Name) {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no workload matches %q; hadal bench --list shows them", only)
	}
	return out, nil
}

// Measure runs a workload for about the given time, at least five times after
// three that do not count.
func (w Workload) Measure(budget time.Duration, version string) Figure {
	run, flops := w.Prepare()
	for range 3 {
		run()
	}
	var times, shares []float64
	start, lastPeak := time.Now(), time.Time{}
	for len(times) < 5 || time.Since(start) < budget && len(times) < 2000 {
		t := time.Now()
		run()
		elapsed := time.Since(t)
		times = append(times, float64(elapsed.Nanoseconds())/1e6)
		// The clock of a core falls under vector load and recovers within
		// milliseconds, so a share is taken of the peak right after the run.
		if flops > 0 && time.Since(lastPeak) > peakEvery {
			peak := corePeak() * float64(par.Threads())
			shares = append(shares, flops/elapsed.Seconds()/1e9/peak)
			lastPeak = time.Now()
		}
	}
	slices.Sort(times)
	f := Figure{Peer: "hadal", Version: version, Workload: w.Name, Threads: par.Threads(), Mode: mode,
		MedianMS: median(times), MinMS: times[0], Runs: len(times), PeakRSSMB: peakRSS(), ISA: isa()}
	if flops > 0 {
		slices.Sort(shares)
		f.GFLOPS, f.ShareOfPeak = flops/f.MedianMS/1e6, median(shares)
	}
	return f
}

// The peak is measured this long, and not more often than that.
const (
	peakTime  = 3 * time.Millisecond
	peakEvery = 30 * time.Millisecond
)

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
