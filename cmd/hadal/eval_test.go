package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestSeveralRunsAreAveraged(t *testing.T) {
	dir := t.TempDir()
	one, two, other := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "other")
	flags := []string{"--limit", "200", "--batch", "20", "--epochs", "2", "--quiet", "--pictures=false", "--out"}
	mustRun(t, append(append([]string{"train", "mlp", "--seed", "1"}, flags...), one)...)
	mustRun(t, append(append([]string{"train", "lenet", "--seed", "2"}, flags...), two)...)
	mustRun(t, "train", "logistic", "--epochs", "1", "--quiet", "--pictures=false", "--out", other)

	out := mustRun(t, "eval", one, two)
	for _, want := range []string{"TEST ACCURACY", one + "  mlp", two + "  lenet", "\naverage", " of 200"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	type score struct {
		Run      string
		Accuracy float64 `json:"test_accuracy"`
		Loss     float64 `json:"test_loss"`
	}
	var both struct {
		Runs    []score
		Average score
	}
	if err := json.Unmarshal([]byte(mustRun(t, "eval", one, two, "--json")), &both); err != nil {
		t.Fatal(err)
	}
	// By Jensen's inequality the loss of mean probabilities is at most the mean loss.
	if len(both.Runs) != 2 || !(both.Average.Loss <= (both.Runs[0].Loss+both.Runs[1].Loss)/2) || !(both.Average.Accuracy > 0) {
		t.Errorf("%+v", both)
	}
	var alone score
	if err := json.Unmarshal([]byte(mustRun(t, "eval", two, "--json")), &alone); err != nil || alone != both.Runs[1] {
		t.Errorf("alone %+v, among others %+v (%v)", alone, both.Runs[1], err)
	}
	expectFailure(t, exitFailure, []string{"mnist", "breast-cancer", "averaged"}, "eval", one, other)
	expectFailure(t, exitFailure, []string{"named twice"}, "eval", one, one)
	expectFailure(t, exitFailure, []string{"not the folder of a run"}, "eval", one, dir)
}

func TestARunSaysWhatItStartsFrom(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	flags := []string{"train", "lenet", "--limit", "60", "--epochs", "1", "--pictures=false"}
	mustRun(t, append(flags, "--quiet", "--out", from)...)
	out := mustRun(t, append(flags, "--out", filepath.Join(dir, "a"), "--init", from, "--fresh", "fc3", "--freeze", "conv*")...)
	for _, want := range []string{"8 of 10 tensors loaded from " + filepath.Join(from, "model.safetensors"), "\n  not fc3.bias: it is to begin anew\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	out = mustRun(t, append(flags, "--out", filepath.Join(dir, "b"), "--init", filepath.Join(from, "model.safetensors"), "--json")...)
	var first struct {
		Kind    string
		Loaded  []string
		Skipped []string
	}
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first); err != nil || first.Kind != "init" || len(first.Loaded) != 10 || first.Skipped == nil {
		t.Errorf("%+v, %v:\n%s", first, err, out)
	}
	out = mustRun(t, append(flags, "--out", filepath.Join(dir, "c"), "--init", from, "--quiet")...)
	if strings.Contains(out, "loaded") {
		t.Errorf("--quiet is not:\n%s", out)
	}
	for args, want := range map[string]string{
		"train lenet --init=": "--init runs/mnist", "train lenet --freeze=": "--freeze", "train lenet --fresh out": "give --init too",
	} {
		expectFailure(t, exitUsage, []string{want}, strings.Fields(args)...)
	}
}
