package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hadal-ml/hadal/data"
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
