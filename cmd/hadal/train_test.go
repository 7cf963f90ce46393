package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/recipes"
)

// modelBytes returns the model file of a run.
func modelBytes(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, recipes.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sameModel(t *testing.T, a, b string) {
	t.Helper()
	if !bytes.Equal(modelBytes(t, a), modelBytes(t, b)) {
		t.Errorf("%s and %s differ", filepath.Join(a, recipes.ModelFile), filepath.Join(b, recipes.ModelFile))
	}
}

func TestARunLeavesACompleteFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "lenet", "--limit", "200", "--batch", "50", "--epochs", "2", "--seed", "7", "--out", dir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "epoch 1/2  loss ") || !strings.Contains(lines[2], "images/s  lr ") ||
		!strings.HasPrefix(lines[3], "Test accuracy ") || !strings.HasSuffix(lines[3], "everything is in "+dir+".") {
		t.Errorf("a line before, one for each epoch and a sentence were expected:\n%s", out)
	}
	for _, name := range []string{"model.safetensors", "config.json", "metrics.jsonl", "result.json", "curves.png", "confusion.png", "mistakes.png", "filters.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, recipes.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var result map[string]any
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"recipe", "seed", "epochs", "parameters", "test_accuracy", "test_errors", "train_seconds", "images_per_second", "threads", "isa", "precision", "version"} {
		if _, ok := result[key]; !ok {
			t.Errorf("result.json has no %q", key)
		}
	}
	if result["seed"] != 7.0 || result["epochs"] != 2.0 || result["recipe"] != "lenet" {
		t.Errorf("result.json: %v", result)
	}

	// A run that has reached its end has nothing left to learn.
	before := modelBytes(t, dir)
	mustRun(t, "train", "--resume", dir, "--quiet", "--pictures=false")
	if !bytes.Equal(modelBytes(t, dir), before) {
		t.Error("going on with a finished run has changed its model")
	}
}

func TestAnEnsembleLeavesACompleteFolderToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "mnist-best", "--limit", "20", "--epochs", "1", "--quiet", "--out", dir)
	for _, name := range []string{"model.safetensors", "metrics.jsonl", "result.json", "curves.png", "confusion.png", "mistakes.png", "filters.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if out := mustRun(t, "eval", dir); !strings.Contains(out, "the same as in result.json") {
		t.Errorf("%s", out)
	}
	if out := mustRun(t, "summary", dir); !strings.Contains(out, "5 such networks") {
		t.Errorf("%s", out)
	}
}

func TestNeitherResumeNorThreadsChangeABit(t *testing.T) {
	for _, recipe := range []string{"mnist", "deepconvnet"} { // batch normalisation and augmentation; dropout
		dir := t.TempDir()
		straight, resumed := filepath.Join(dir, "straight"), filepath.Join(dir, "resumed")
		flags := []string{"train", recipe, "--limit", "60", "--batch", "20", "--seed", "3", "--quiet", "--pictures=false"}
		mustRun(t, append(flags, "--epochs", "5", "--threads", "1", "--out", straight)...)
		mustRun(t, append(flags, "--epochs", "2", "--threads", "2", "--out", resumed)...)
		mustRun(t, "train", "--resume", resumed, "--epochs", "3", "--threads", "2", "--quiet", "--pictures=false")
		sameModel(t, straight, resumed)
	}
}

// TestAHoldOutIsSaidEverywhere that a score stands, so that nobody takes it for
// that of the test set.
func TestAHoldOutIsSaidEverywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "mlp", "--limit", "200", "--holdout", "50", "--epochs", "1", "--pictures=false", "--out", dir)
	for _, want := range []string{"150 training samples, 50 held-out samples", "  held-out ", "\nHeld-out accuracy ", " of 50 wrong"} {
		if !strings.Contains(out, want) {
			t.Errorf("training does not say %q:\n%s", want, out)
		}
	}
	if out := mustRun(t, "eval", dir); !strings.Contains(out, "Held-out accuracy ") || !strings.Contains(out, "the same as in result.json") {
		t.Errorf("eval says\n%s", out)
	}
	for _, out := range []string{mustRun(t, "eval", dir, "--json"), mustRun(t, "train", "--resume", dir, "--json", "--pictures=false")} {
		if strings.Contains(out, `"test_`) || !strings.Contains(out, `"held_out_accuracy"`) {
			t.Errorf("a program reads\n%s", out)
		}
	}
	expectFailure(t, exitFailure, []string{"--holdout"}, "train", "--resume", dir, "--holdout", "60", "--quiet")
}

func TestTheSeedDecides(t *testing.T) {
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	flags := []string{"train", "mlp", "--limit", "20", "--epochs", "1", "--quiet", "--pictures=false"}
	mustRun(t, append(flags, "--seed", "1", "--out", one)...)
	mustRun(t, append(flags, "--seed", "2", "--out", other)...)
	if bytes.Equal(modelBytes(t, one), modelBytes(t, other)) {
		t.Error("two seeds gave the same model")
	}
}

// longTraining takes far longer than any test waits for it.
func longTraining(dir string) []string {
	return []string{"train", "mlp", "--limit", "1000", "--batch", "20", "--epochs", "2000", "--out", dir}
}

func TestAnInterruptedRunSavesAndCanBeResumed(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has no way to send Ctrl-C to one process
	}
	dir := filepath.Join(t.TempDir(), "run")
	cmd := process(t, longTraining(dir)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "epoch    3/") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if s := stderr.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "hadal train --resume "+dir) {
		t.Errorf("%q", s)
	}

	// Going on from the middle of an epoch gives the bits of a run that was
	// never interrupted.
	history := savedProgress(t, dir)
	setEpochs(t, dir, history.Epoch+2)
	mustRun(t, "train", "--resume", dir, "--quiet", "--pictures=false")
	straight := filepath.Join(t.TempDir(), "run")
	mustRun(t, append(longTraining(straight), "--quiet", "--pictures=false", "--epochs", jsonText(t, history.Epoch+2))...)
	sameModel(t, straight, dir)
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// saved is what a checkpoint says of where it is.
type saved struct{ Epoch, Step int }

// savedProgress reads the checkpoint of a run, which must be whole.
func savedProgress(t *testing.T, dir string) saved {
	t.Helper()
	f, err := safetensors.ReadFile(filepath.Join(dir, recipes.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	var s saved
	if err := json.Unmarshal([]byte(f.Metadata["progress"]), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// setEpochs changes how long a run is meant to be.
func setEpochs(t *testing.T, dir string, epochs int) {
	t.Helper()
	path := filepath.Join(dir, recipes.ConfigFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c recipes.Config
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	c.Epochs = epochs
	writeFile(t, path, jsonText(t, c))
}

// TestAKillAtAnyMomentLosesNoCheckpoint kills real processes at random moments.
// Whenever it happens, what is on disk must load, and what is trained from
// there must have the bits of a run that nobody killed.
func TestAKillAtAnyMomentLosesNoCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	args := longTraining(dir)
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for range 6 {
		cmd := process(t, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, recipes.ModelFile)); err == nil || time.Now().After(deadline) {
				break // the first model is there: from now on anything may be being written
			}
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // returns the kill as an error
		savedProgress(t, dir)
		if _, err := recipes.Open(dir); err != nil {
			t.Fatal(err)
		}
		args = []string{"train", "--resume", dir}
	}
	epochs := savedProgress(t, dir).Epoch + 1
	setEpochs(t, dir, epochs)
	mustRun(t, "train", "--resume", dir, "--quiet", "--pictures=false")
	straight := filepath.Join(t.TempDir(), "run")
	mustRun(t, append(longTraining(straight), "--quiet", "--pictures=false", "--epochs", jsonText(t, epochs))...)
	sameModel(t, straight, dir)

	metrics := func(dir string) int {
		text, err := os.ReadFile(filepath.Join(dir, recipes.MetricsFile))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	if a, b := metrics(straight), metrics(dir); a != b {
		t.Errorf("the killed run has %d lines of metrics, the other %d", b, a)
	}
}
