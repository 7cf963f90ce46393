package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
)

func TestLab(t *testing.T) {
	t.Chdir(t.TempDir())
	if out := mustRun(t, "lab"); strings.Count(out, "\n") != 8 || !strings.Contains(out, "lr-range") {
		t.Errorf("the list is\n%s", out)
	}
	out := mustRun(t, "lab", "vanishing", "--quick", "--seed", "2", "--threads", "2", "--out", "grad.png")
	if !strings.Contains(out, "first_to_last_sigmoid, Xavier_40") || !strings.Contains(out, "grad.png") {
		t.Errorf("it prints\n%s", out)
	}
	var found struct {
		Experiment, Picture, Caption string
		Figures                      map[string]*float64
	}
	if err := json.Unmarshal([]byte(mustRun(t, "lab", "vanishing", "--quick", "--seed", "2", "--json")), &found); err != nil {
		t.Fatal(err)
	}
	if found.Experiment != "vanishing" || found.Picture != "lab-vanishing.png" || found.Caption == "" || found.Figures["first_to_last_tanh, Xavier_5"] == nil {
		t.Errorf("it says %+v", found)
	}
	a, errA := os.ReadFile("grad.png")
	b, errB := os.ReadFile("lab-vanishing.png")
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the same seed drew two pictures (%v, %v)", errA, errB)
	}
}

func TestLabFindsMistakesBeforeItWorks(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"lab init --out picture.jpg":         ".png or .svg",
		"lab init --out nowhere/picture.png": "no folder nowhere",
		"lab init --threads 0":               "--threads 0",
		"lab init overfitting":               "one argument too many",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(args), &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, %q", args, code, stderr.String())
		}
	}
	expectFailure(t, exitFailure, []string{"vanishing"}, "lab", "alchemy")
}

func TestAnExperimentThatIsStoppedSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	stopped, stop := context.WithCancel(t.Context())
	stop()
	root := newRoot(io.Discard, io.Discard)
	root.SetArgs([]string{"lab", "search", "--quick"})
	err := root.ExecuteContext(stopped)
	if code := fail(io.Discard, err); code != exitInterrupted || !strings.Contains(err.Error(), "nothing of it is kept") {
		t.Errorf("exit code %d, %v", code, err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("it left %v (%v)", left, err)
	}
}
