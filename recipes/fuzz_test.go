package recipes

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzConfig reads hostile configurations. What is accepted must make sense,
// and be written and read again as the same.
func FuzzConfig(f *testing.F) {
	good, err := json.Marshal(Config{Recipe: "mnist-best", Epochs: 2, ScheduleEpochs: 3, BatchSize: 4, LearningRate: 0.5, Members: 5, HoldOut: 6, Full: true, Init: "runs/a", Fresh: "out", Freeze: "conv*,norm*", Precision: "f32"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("2"), []byte("-2"), 1))
	f.Add(bytes.Replace(good, []byte("2"), []byte("9223372036854775808"), 1))
	f.Add(bytes.Replace(good, []byte(`"recipe"`), []byte(`"RECIPE"`), 1))
	f.Add([]byte(`{"recipe":"mlp","recipe":"lenet"}`))
	f.Add([]byte(`null`))
	f.Add(bytes.Repeat([]byte(`[`), 20_000))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, r, err := parseConfig(text)
		if err != nil {
			if len(err.Error()) > 1000+len(text) {
				t.Errorf("%d bytes of input gave %d bytes of error", len(text), len(err.Error()))
			}
			return
		}
		if r.Name != c.Recipe || c.Members < 1 || c.Members > maxMembers || c.Epochs < 1 || c.Epochs > MaxEpochs || c.ScheduleEpochs < 1 || c.ScheduleEpochs > MaxEpochs || c.BatchSize > MaxBatch ||
			c.BatchSize < 1 || !(c.LearningRate > 0) || c.Limit < 0 || c.HoldOut < 0 {
			t.Errorf("%+v was accepted", c)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, _, err := parseConfig(again); err != nil || back != c {
			t.Errorf("%s was read as %+v, %v", again, back, err)
		}
	})
}

// FuzzResult reads hostile results, which are only shown.
func FuzzResult(f *testing.F) {
	for _, r := range []Result{
		{Recipe: "mlp", Seed: 1, Epochs: 2, Measured: Measured{On: "test set", TestScore: &TestScore{0.5, 3, 6, 0.25}}, MemberAccuracy: []float64{0.5, 1}},
		{Measured: Measured{HeldOutScore: &HeldOutScore{1, 0, 6, 1e-300}}},
	} {
		text, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"test_errors":1,"held_out_errors":2}`))
	f.Add([]byte(`{"test_accuracy":1e999}`))
	f.Add([]byte(`{"member_accuracy":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseResult(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseResult(again)
		if err != nil || back.Score() != r.Score() || back.Name() != r.Name() || !slices.Equal(back.MemberAccuracy, r.MemberAccuracy) {
			t.Errorf("%s was read as %+v, %v", again, back, err)
		}
	})
}

func TestLargeFilesAreNotReadToTheirEnd(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{ConfigFile, ResultFile} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(1 << 40); err != nil { // takes no room on the disk
			t.Fatal(err)
		}
		f.Close()
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "larger than any") {
		t.Errorf("Open gave %v", err)
	}
	if _, err := ReadResult(dir); err == nil || !strings.Contains(err.Error(), "larger than any") {
		t.Errorf("ReadResult gave %v", err)
	}
}
