package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/format/safetensors"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/train"
)

// asCommand makes the test program behave as hadal itself, for the tests that
// need a process of their own.
const asCommand = "HADAL_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// hadal runs the command in this process.
func hadal(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return out.String(), errs.String(), code
}

// mustRun runs the command and fails the test when it fails.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := hadal(args...)
	if code != exitSuccess || stderr != "" {
		t.Fatalf("hadal %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// process is the command as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// tinyRun trains a small network on a few digits into a new folder.
func tinyRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	out := mustRun(t, "train", "mlp", "--limit", "200", "--epochs", "1", "--quiet", "--pictures=false", "--out", dir)
	if strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "Test accuracy ") {
		t.Errorf("--quiet printed more than one sentence: %q", out)
	}
	return dir
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func truncateToHalf(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// expectFailure runs the command and checks that it prints one sentence with
// all the wanted words to stderr, and nothing like a stack trace.
func expectFailure(t *testing.T, code int, want []string, args ...string) {
	t.Helper()
	_, stderr, got := hadal(args...)
	line := "hadal " + strings.Join(args, " ")
	if got != code {
		t.Errorf("%s: exit code %d, want %d\n%s", line, got, code, stderr)
	}
	if !strings.HasPrefix(stderr, "hadal: ") || strings.Count(stderr, "\n") != 1 || strings.Contains(stderr, "goroutine") {
		t.Errorf("%s: not one sentence: %q", line, stderr)
	}
	for _, w := range want {
		if !strings.Contains(stderr, w) {
			t.Errorf("%s: %q does not say %q", line, stderr, w)
		}
	}
}

func TestWrongUsageIsExitCode2(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"nonsense", `no command "nonsense"`},
		{"trian mnist", `did you mean "train"`},
		{"data lis", `did you mean "list"`},
		{"--nonsense", "unknown flag"},
		{"version now", "one argument too many"},
		{"train", "hadal train NAME"},
		{"train mlp lenet", "one argument too many"},
		{"train mlp --nonsense", "hadal train --help"},
		{"train mlp --epochs 0", "--epochs 0"},
		{"train mlp --epochs -3", "--epochs -3"},
		{"train mlp --epochs 99999999999", "1000000"},
		{"train mlp --epochs many", `invalid argument "many" for "--epochs" flag: a whole number is needed; see hadal train --help`},
		{"train mlp --epochs 99999999999999999999", `"--epochs" flag: the number is too large; see`},
		{"train mlp --lr fast", `"--lr" flag: a number is needed; see`},
		{"train mlp --quiet=no", `flag: true or false is needed; see`},
		{"train mlp --batch 0", "--batch 0"},
		{"train mlp --lr NaN", "--lr NaN"},
		{"train mlp --lr Inf", "--lr +Inf"},
		{"train mlp --lr 0", "--lr 0"},
		{"train mlp --lr -0.1", "positive"},
		{"train mlp --seed -1", `"--seed" flag: a whole number, 0 or more, is needed; see`},
		{"train mlp --limit 0", "--limit 0"},
		{"train mlp --limit -5", "--limit -5"},
		{"train mlp --holdout 0", "--holdout 0"},
		{"train mlp --holdout -5", "test set"},
		{"train mlp --threads 0", "--threads 0"},
		{"train mlp --threads 100000", "1024"},
		{"train mlp --precision f8", "f32"},
		{"train mlp --quiet --json", "exclude"},
		{"train --resume here --out there", "leave --out away"},
		{"train --resume=", "folder of a run"},
		{"predict", "hadal predict RUN FILE..."},
		{"predict run", "hadal predict RUN FILE..."},
		{"eval", "hadal eval RUN"},
		{"summary", "hadal summary RECIPE|RUN"},
		{"inspect", "hadal inspect FILE"},
		{"inspect a b", "one argument too many"},
		{"data get", "hadal data get NAME"},
		{"completion tcsh", `no command "completion tcsh"`},
		{"help trian", `did you mean "train"`},
		{"help data lis", `no command "data lis"`},
		{"bench --threads 100000", "1024"},
	} {
		expectFailure(t, exitUsage, []string{c.want}, strings.Fields(c.args)...)
	}
}

func TestWhatCannotBeDoneIsExitCode1(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "file", "not an array")
	writeFile(t, "array.npy", "\x93NUMPY\x01\x00\x46\x00")
	writeFile(t, "hole.safetensors", "\x02\x00\x00\x00\x00\x00\x00\x00{}123")
	writeFile(t, "zip.npz", "PK\x03\x04 and no more")
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"train mnits", `did you mean "mnist"`},
		{"train something-else", "there are: mnist"},
		{"train mlp --limit 50 --batch 51", "--batch 50 or less"},
		{"train mlp --limit 50 --holdout 50", "--holdout 49 or less"},
		{"train mlp --out file/run --limit 50", "--out"},
		{"train mlp --out file --limit 50", "--out"},
		{"train --resume nowhere", "nowhere is not the folder of a run"},
		{"train --resume folder", "folder is not the folder of a run"},
		{"eval nowhere", "not the folder of a run"},
		{"predict nowhere picture.png", "not the folder of a run"},
		{"summary mnits", `did you mean "mnist"`},
		{"summary folder", "not the folder of a run"},
		{"summary line", "hadal inspect RUN"},
		{"summary char-lstm", "has no summary"},
		{"inspect nowhere", "no such file"},
		{"inspect folder", "name a file in it"},
		{"inspect file", ".safetensors, .npy or .npz"},
		{"inspect array.npy", "truncated"},
		{"inspect hole.safetensors", "the tensors end at byte 0"},
		{"inspect zip.npz", "not a usable .npz file"},
		{"data get nothing", "no data set"},
		{"data path nothing", "no data set"},
		{"data path mnist", "part of the program"},
	} {
		expectFailure(t, exitFailure, []string{c.want}, strings.Fields(c.args)...)
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) != 5 {
		t.Errorf("a mistake left something behind: %v, %v", left, err)
	}
}

func TestDamagedRunsAreNamedInASentence(t *testing.T) {
	whole := tinyRun(t)
	damage := func(change func(dir string)) string {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		change(dir)
		return dir
	}
	config := func(old, replacement string) string {
		return damage(func(dir string) {
			path := filepath.Join(dir, "config.json")
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("%s has no %q: %v", path, old, err)
			}
			writeFile(t, path, strings.Replace(string(text), old, replacement, 1))
		})
	}
	model := damage(func(dir string) { truncateToHalf(t, filepath.Join(dir, "model.safetensors")) })
	checkpoint := damage(func(dir string) { truncateToHalf(t, filepath.Join(dir, "checkpoint.safetensors")) })
	notFinite := damage(func(dir string) {
		path := filepath.Join(dir, "model.safetensors")
		f, err := safetensors.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Tensors {
			for k := range f.Tensors[i].Data {
				f.Tensors[i].Data[k] = 0xff // NaN
			}
		}
		if err := safetensors.WriteFile(path, f); err != nil {
			t.Fatal(err)
		}
	})
	seven := filepath.Join(t.TempDir(), "seven.png")
	picture(t, seven, 0)
	text := filepath.Join(t.TempDir(), "text.png")
	writeFile(t, text, "a picture of nothing")

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"eval", model}, "truncated"},
		{[]string{"summary", model}, "truncated"},
		{[]string{"predict", model, text}, "truncated"},
		{[]string{"eval", notFinite, "--json"}, "not finite"},
		{[]string{"predict", notFinite, seven}, "not finite"},
		{[]string{"inspect", filepath.Join(model, "model.safetensors")}, "truncated"},
		{[]string{"train", "--resume", checkpoint, "--epochs", "1", "--quiet"}, "truncated"},
		{[]string{"eval", damage(func(dir string) { os.Remove(filepath.Join(dir, "model.safetensors")) })}, "hadal train --resume"},
		{[]string{"eval", damage(func(dir string) { writeFile(t, filepath.Join(dir, "result.json"), "{") })}, "result.json"},
		{[]string{"eval", damage(func(dir string) { writeFile(t, filepath.Join(dir, "config.json"), "\x00\x00") })}, "config.json"},
		{[]string{"eval", config(`"mlp"`, `"mpl"`)}, `did you mean "mlp"`},
		{[]string{"eval", config(`"mlp"`, `"lenet"`)}, "does not fit the model"},
		{[]string{"eval", config(`"members": 1`, `"members": 1000000000`)}, "damaged"},
		{[]string{"train", "--resume", config(`"batch_size": 100`, `"batch_size": 900`), "--quiet"}, "--batch 200"},
		{[]string{"train", "--resume", config(`"batch_size": 100`, `"batch_size": -1`), "--quiet"}, "damaged"},
		{[]string{"train", "--resume", config(`"seed": 0`, `"seed": 1`), "--quiet"}, "would not be the same run"},
		{[]string{"train", "--resume", config(`"schedule_epochs": 12`, `"schedule_epochs": 9000000000000000000`), "--epochs", "1", "--quiet"}, "damaged"},
		{[]string{"train", "lenet", "--resume", whole, "--quiet"}, "is a run of mlp"},
		{[]string{"train", "--resume", whole, "--lr", "0.5", "--quiet"}, "leave --batch, --lr"},
		{[]string{"train", "mlp", "--out", whole, "--quiet"}, "already holds a run"},
		{[]string{"predict", whole, text}, "is not a picture"},
		{[]string{"predict", whole, filepath.Join(whole, "none.png")}, "no such file"},
		{[]string{"predict", whole, whole}, "is a folder"},
	} {
		expectFailure(t, exitFailure, []string{c.want}, c.args...)
	}
	if out := mustRun(t, "eval", whole); !strings.Contains(out, "the same as in result.json") {
		t.Errorf("the attempts changed the run:\n%s", out)
	}
}

// TestEveryRecipeHasASummaryOrSaysWhy asks for all of them where no data set is.
func TestEveryRecipeHasASummaryOrSaysWhy(t *testing.T) {
	t.Setenv("HADAL_DATA", t.TempDir())
	for _, r := range recipes.All() {
		out, stderr, code := hadal("summary", r.Name)
		known := code == exitSuccess && strings.Contains(out, "RECEPTIVE FIELD")
		if r.Train != nil {
			known = code == exitFailure && strings.Contains(stderr, "hadal inspect")
		}
		if !known && !strings.Contains(stderr, "hadal data get") {
			t.Errorf("hadal summary %s: exit code %d\n%s%s", r.Name, code, out, stderr)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "line", "--quiet", "--out", dir)
	expectFailure(t, exitFailure, []string{"hadal inspect " + filepath.Join(dir, "model.safetensors")}, "summary", dir)
}

func TestALossThatExplodesIsASentence(t *testing.T) {
	expectFailure(t, exitFailure, []string{"the loss became", "smaller learning rate"},
		"train", "mlp", "--limit", "200", "--batch", "20", "--lr", "1e30", "--quiet", "--out", filepath.Join(t.TempDir(), "run"))
}

func TestAModelThatOnlyReadsNumbersRefusesPictures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "logistic", "--epochs", "2", "--quiet", "--pictures=false", "--out", dir)
	expectFailure(t, exitFailure, []string{"does not read pictures"}, "predict", dir, "picture.png")
	if out := mustRun(t, "eval", dir); !strings.Contains(out, "malignant") {
		t.Errorf("the report has no class names:\n%s", out)
	}
}

func TestAnUnknownInstructionSetIsExitCode2(t *testing.T) {
	cmd := process(t, "version")
	cmd.Env = append(cmd.Env, "HADAL_ISA=mmx")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != exitUsage {
		t.Errorf("%v", err)
	}
	if s := stderr.String(); !strings.HasPrefix(s, "hadal: ") || !strings.Contains(s, "mmx") || !strings.Contains(s, "generic") {
		t.Errorf("%q", s)
	}
}

// fullDisk refuses every byte.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"recipes"}, {"recipes", "--json"}, {"--help"}} {
		var stderr bytes.Buffer
		if code := run(args, fullDisk{}, &stderr); code != exitFailure || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
}

// commands calls f with every command that people can see.
func commands(f func(*cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		f(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(io.Discard, io.Discard))
}

func TestEveryCommandHasHelpWithAnExampleThatParses(t *testing.T) {
	commands(func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		help := mustRun(t, append(slices.Clone(path), "--help")...)
		if c.Short == "" || c.Example == "" || !strings.Contains(help, c.Example) {
			t.Errorf("%s: the help lacks a description or an example:\n%s", c.CommandPath(), help)
		}
		for line := range strings.Lines(c.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "    ") // what follows explains
			_, call, ok := strings.Cut(line, "hadal ")
			if !ok {
				t.Errorf("%s: the example %q does not call hadal", c.CommandPath(), line)
				continue
			}
			call, _, _ = strings.Cut(strings.TrimRight(call, ")"), " |")
			call, _, _ = strings.Cut(call, " >")
			named, rest, err := newRoot(io.Discard, io.Discard).Find(strings.Fields(call))
			if err == nil {
				err = named.ParseFlags(rest)
			}
			if err == nil {
				err = named.ValidateArgs(named.Flags().Args())
			}
			if err != nil {
				t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
			}
		}
	})
}

// keys collects the names of all fields of a JSON value.
func keys(v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			into[k] = true
			keys(e, into)
		}
	case []any:
		for _, e := range v {
			keys(e, into)
		}
	}
}

func TestJSONHasStableSnakeCaseKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HADAL_DATA", t.TempDir())
	if out := mustRun(t, "train", "mlp", "--limit", "200", "--epochs", "1", "--json", "--pictures=false", "--out", "run"); strings.Count(out, "\n") != 2 {
		t.Fatalf("one epoch and a result are not two lines:\n%s", out)
	}
	picture(t, "digit.png", 0)
	for _, c := range []struct {
		args string
		want []string
	}{
		{"version", []string{"version", "go", "isa", "processor", "threads"}},
		{"recipes", []string{"name", "summary", "source", "data", "expect", "minutes", "epochs", "batch_size", "learning_rate"}},
		{"summary lenet", []string{"layers", "kind", "output", "parameters", "flops", "receptive_field"}},
		{"summary run", []string{"layers", "parameters", "flops"}},
		{"inspect run/model.safetensors --stats", []string{"format", "tensors", "dtype", "shape", "bytes", "min", "max", "mean", "not_finite"}},
		{"eval run", []string{"test_accuracy", "test_errors", "test_loss", "report", "precision", "recall", "same_as_result"}},
		{"predict run digit.png", []string{"file", "class", "probability", "classes"}},
		{"data list", []string{"name", "bytes", "sha256", "embedded", "license"}},
		{"data get mnist", []string{"name", "path", "embedded"}},
	} {
		var v any
		out := mustRun(t, append(strings.Fields(c.args), "--json")...)
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%s: %v\n%s", c.args, err, out)
			continue
		}
		found := map[string]bool{}
		keys(v, found)
		for _, k := range c.want {
			if !found[k] {
				t.Errorf("%s has no key %q", c.args, k)
			}
		}
		for k := range found {
			if !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(k) && k != "" {
				t.Errorf("%s has the key %q", c.args, k)
			}
		}
	}
}

func TestCompletionKnowsRecipesRunsAndDataSets(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, run := range []string{"first", "second"} {
		if err := os.MkdirAll(filepath.Join("runs", run), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join("runs", "first", "config.json"), "{}")
	for _, c := range []struct{ args, want, not string }{
		{"train m", "mnist-best\t", "first"},
		{"train --resume ", "runs/first\n", "runs/second"},
		{"eval r", "runs/first\n", "mnist"},
		{"predict r", "runs/first\n", "mnist"},
		{"summary l", "lenet\t", "line"},
		{"data get c", "cifar-10\t", "runs"},
		{"", "inspect\t", "mnist\t"},
	} {
		out, _, _ := hadal(append([]string{"__complete"}, strings.Split(c.args, " ")...)...)
		if out = filepath.ToSlash(out); !strings.Contains(out, c.want) || strings.Contains(out, c.not) {
			t.Errorf("completion of %q:\n%s", c.args, out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := mustRun(t, "completion", shell); len(out) < 1000 || !strings.Contains(out, "hadal") {
			t.Errorf("the script for %s is %d bytes long", shell, len(out))
		}
	}
}

func TestDataGetTakesASetFromAFolder(t *testing.T) {
	t.Setenv("HADAL_DATA", t.TempDir())
	expectFailure(t, exitFailure, []string{"hadal data get tiny-shakespeare"}, "data", "path", "tiny-shakespeare")
	from := t.TempDir()
	expectFailure(t, exitFailure, []string{"input.txt"}, "data", "get", "tiny-shakespeare", "--from", from)
	writeFile(t, filepath.Join(from, "input.txt"), "To be, or not to be")
	expectFailure(t, exitFailure, []string{"does not hold what tiny-shakespeare needs", "SHA-256"}, "data", "get", "tiny-shakespeare", "--from", from)
	if out := mustRun(t, "data", "get", "breast-cancer"); !strings.Contains(out, "part of the program") {
		t.Errorf("%q", out)
	}
}

func TestAFailureToSaveOutweighsTheInterruption(t *testing.T) {
	interrupted := fmt.Errorf("%w in epoch 1", train.ErrInterrupted)
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{interrupted, true},
		{errors.Join(interrupted, nil), true},
		{errors.Join(interrupted, errors.New("no space left")), false},
		{errors.New("no space left"), false},
	} {
		if wasInterrupted(c.err) != c.want {
			t.Errorf("%v counts as an interruption: %v", c.err, !c.want)
		}
	}
	var stderr bytes.Buffer
	if code := fail(&stderr, withoutInterruption{errors.Join(interrupted, errors.New("no space left"))}); code != exitFailure || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
