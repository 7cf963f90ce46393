package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/train"
)

// picture writes test digit i, seven times larger and dark on light, and
// returns what it shows.
func picture(t *testing.T, path string, i int) int {
	t.Helper()
	var target data.Target
	pixels := make([]float32, mnist.Side*mnist.Side)
	if err := mnist.Test().Read(i, pixels, &target); err != nil {
		t.Fatal(err)
	}
	const larger = 7
	img := image.NewGray(image.Rect(0, 0, larger*mnist.Side, larger*mnist.Side))
	for k := range img.Pix {
		x, y := k%img.Stride/larger, k/img.Stride/larger
		img.Pix[k] = 255 - uint8(255*pixels[y*mnist.Side+x]+0.5)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return int(target.Class)
}

func TestPicturesAreReadAsWellAsTheDigitsTheyShow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "mlp", "--limit", "6000", "--epochs", "4", "--quiet", "--pictures=false", "--out", dir)
	run, err := recipes.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	direct, err := train.Evaluate(run.Model, data.Limit(mnist.Test(), n), nn.CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"predict", dir, "--json"}
	truth := make([]int, n)
	folder := t.TempDir()
	for i := range n {
		path := filepath.Join(folder, fmt.Sprintf("%03d.png", i))
		truth[i] = picture(t, path, i)
		args = append(args, path)
	}
	var predictions []prediction
	if err := json.Unmarshal([]byte(mustRun(t, args...)), &predictions); err != nil {
		t.Fatal(err)
	}
	right, sum := 0, 0.0
	for i, p := range predictions {
		if p.Class == strconv.Itoa(truth[i]) {
			right++
		}
		if len(p.Classes) != 10 || p.Classes[0].Class != p.Class || p.Classes[0].Probability < p.Classes[1].Probability {
			t.Errorf("%+v", p)
		}
		for _, c := range p.Classes {
			sum += c.Probability / n
		}
	}
	if accuracy := float64(right) / n; accuracy < 0.95*direct.Accuracy || direct.Accuracy < 0.7 {
		t.Errorf("%s of the pictures were read rightly, %s of the digits themselves", words.Percent(accuracy), words.Percent(direct.Accuracy))
	}
	if sum < 0.999 || sum > 1.001 {
		t.Errorf("the probabilities sum to %v", sum)
	}

	out := mustRun(t, "predict", dir, args[3], args[4], "--show")
	lines := strings.Split(out, "\n")
	if !strings.HasPrefix(lines[0], "FILE") || !strings.Contains(lines[1], "000.png  "+predictions[0].Class+" ") || strings.Count(out, "\n") < 3+2*mnist.Side {
		t.Errorf("the table:\n%s", out)
	}
}

// tarSet puts files made by code where the store looks for the one tar file of a
// real set.
func tarSet(t *testing.T, name string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(datasets.DirEnv, dir)
	set, err := datasets.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, set.Name), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, set.Name, set.Files[0].Name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := tar.NewWriter(file)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if err := os.Truncate(path, set.Bytes()); err != nil { // zeros behind the end mark are nothing
		t.Fatal(err)
	}
}

// madeMails are mails of two kinds, no two alike.
func madeMails(n int) map[string]string {
	letters := func(i int) string { return string([]rune{rune('a' + i/26%26), rune('a' + i%26)}) }
	mails := map[string]string{}
	for i := range n {
		group, about := "easy_ham", "compiler kernel patch"
		if i%2 == 1 {
			group, about = "spam", "money winner offer"
		}
		mails[fmt.Sprintf("%s/%05d", group, i)] = fmt.Sprintf("Subject: %s\n\n%s %s %s %s %s\n", letters(i), letters(3*i), about, letters(5*i), letters(7*i), about)
	}
	return mails
}

func TestTextsAreRead(t *testing.T) {
	tarSet(t, "spamassassin", madeMails(300))
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, "train", "sentiment", "--lr", "1e-2", "--quiet", "--out", dir)
	folder := t.TempDir()
	files := []string{filepath.Join(folder, "ham.txt"), filepath.Join(folder, "spam.txt")}
	os.WriteFile(files[0], []byte("Subject: help\n\nthe patch of the kernel breaks the compiler"), 0o644)
	os.WriteFile(files[1], []byte("winner take the money of this offer"), 0o644)
	var predictions []prediction
	if err := json.Unmarshal([]byte(mustRun(t, "predict", dir, files[0], files[1], "--json")), &predictions); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"ham", "spam"} {
		if p := predictions[i]; p.Class != want || p.File != files[i] || len(p.Classes) != 2 || p.Probability != p.Classes[0].Probability {
			t.Errorf("%+v", p)
		}
	}
	expectFailure(t, exitUsage, []string{"--show is for pictures"}, "predict", dir, files[0], "--show")
	expectFailure(t, exitFailure, []string{"no such file"}, "predict", dir, filepath.Join(folder, "none"))
	expectFailure(t, exitFailure, []string{"is a folder"}, "predict", dir, folder)
	digit := filepath.Join(folder, "digit.png")
	picture(t, digit, 0)
	expectFailure(t, exitFailure, []string{digit, "give a text"}, "predict", dir, digit)
	if err := os.Truncate(files[0], maxText+1); err != nil {
		t.Fatal(err)
	}
	expectFailure(t, exitFailure, []string{"no text that a network reads"}, "predict", dir, files[0])
}

// fromFile makes a file the standard input.
func fromFile(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = was; f.Close() })
}

func TestAPictureMayComeFromStdin(t *testing.T) {
	dir, path := tinyRun(t), filepath.Join(t.TempDir(), "digit.png")
	picture(t, path, 3)
	want := strings.ReplaceAll(mustRun(t, "predict", dir, path, "--json"), path, "-")
	fromFile(t, path)
	if got := mustRun(t, "predict", dir, "-", "--json"); got != want {
		t.Errorf("from stdin %s, from the file %s", got, want)
	}
	expectFailure(t, exitFailure, []string{"the standard input is empty"}, "predict", dir, "-")
}
