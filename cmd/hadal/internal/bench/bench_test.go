package bench

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSelect(t *testing.T) {
	all, err := Select("")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, w := range all {
		if seen[w.Name] {
			t.Errorf("%s stands twice", w.Name)
		}
		seen[w.Name] = true
	}
	if some, err := Select("^gemm-(128|256)$"); err != nil || len(some) != 2 {
		t.Errorf("two products were asked for, got %d and %v", len(some), err)
	}
	for _, bad := range []string{"no such workload", "("} {
		if _, err := Select(bad); err == nil {
			t.Errorf("%q gave no error", bad)
		}
	}
}

func TestFiguresHaveThePeersForm(t *testing.T) {
	small, err := Select("^(gemm-128|conv-mnist-first-(forward|backward)|train-mlp-4-128-128-2-b64-adam|infer-mlp-784-50-10-b1)$")
	if err != nil || len(small) != 5 {
		t.Fatalf("%d workloads, %v", len(small), err)
	}
	for _, w := range small {
		f := w.Measure(time.Millisecond, "test")
		if f.Workload != w.Name || f.Runs < 5 || !(f.MinMS > 0) || f.MedianMS < f.MinMS {
			t.Errorf("%+v", f)
		}
		if counted := strings.HasPrefix(w.Name, "gemm") || strings.HasPrefix(w.Name, "conv"); counted != (f.GFLOPS > 0 && f.ShareOfPeak > 0) {
			t.Errorf("%s has %g GFLOP/s", w.Name, f.GFLOPS)
		}
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"peer", "version", "workload", "threads", "mode", "median_ms", "min_ms", "runs", "peak_rss_mb", "isa"} {
			if !strings.Contains(string(text), `"`+key+`"`) {
				t.Errorf("%s lacks %s", text, key)
			}
		}
	}
}

func TestNetworksRun(t *testing.T) {
	some, err := Select("^train-(lenet5|mnist-cnn|resnet20)")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range some {
		run, _ := w.Prepare()
		run()
	}
}
