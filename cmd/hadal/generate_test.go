package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/datasets"
)

// shakespeareStandIn puts a text as long as tiny Shakespeare into a store of its own.
func shakespeareStandIn(t *testing.T) {
	t.Helper()
	t.Setenv(datasets.DirEnv, t.TempDir())
	set, err := datasets.Find("tiny-shakespeare")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(os.Getenv(datasets.DirEnv), set.Name)
	const verse = "ROMEO:\nBut soft, what light?\n\n"
	text := strings.Repeat(verse, int(set.Bytes())/len(verse)+1)[:set.Bytes()]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, set.Files[0].Name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGenerate(t *testing.T) {
	shakespeareStandIn(t)
	run := filepath.Join(t.TempDir(), "run")
	if out := mustRun(t, "train", "char-rnn", "--limit", "400", "--epochs", "1", "--out", run, "--quiet"); !strings.Contains(out, "nats a character") {
		t.Errorf("training ends with %q", out)
	}
	out := mustRun(t, "generate", run, "--prompt", "ROMEO:", "--tokens", "30", "--seed", "7")
	if !strings.HasPrefix(out, "ROMEO:") || len(out) != len("ROMEO:")+30+1 || !strings.HasSuffix(out, "\n") {
		t.Errorf("it wrote %q", out)
	}
	var spoken struct{ Prompt, Text string }
	if err := json.Unmarshal([]byte(mustRun(t, "generate", run, "--prompt", "ROMEO:", "--tokens", "30", "--seed", "7", "--json")), &spoken); err != nil {
		t.Fatal(err)
	}
	if spoken.Prompt+spoken.Text+"\n" != out {
		t.Errorf("as JSON it wrote %+v, else %q", spoken, out)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--prompt", "Zürich"}, exitFailure, "the prompt cannot be read: 'Z' is not among the"},
		{[]string{"--prompt", ""}, exitUsage, "--prompt is empty"},
		{[]string{"--tokens", "0"}, exitUsage, "--tokens 0"},
		{[]string{"--temperature", "-1"}, exitUsage, "--temperature -1"},
		{[]string{"--temperature", "NaN"}, exitUsage, "--temperature NaN"},
	} {
		stdout, stderr, code := hadal(append([]string{"generate", run}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q and %q", c.args, code, stderr, stdout)
		}
	}
	if _, stderr, code := hadal("generate", t.TempDir()); code != exitFailure || !strings.Contains(stderr, "is not the folder of a run") {
		t.Errorf("no run: exit code %d, %q", code, stderr)
	}
}
