package breastcancer

import (
	"fmt"
	"math"
	"testing"

	"github.com/hadal-ml/hadal/data"
)

// The ranges and class counts are those of the data set's own description.
func TestContentAgreesWithItsDescription(t *testing.T) {
	set := Load()
	if set.Len() != Len || set.InputShape()[0] != Features || len(FeatureNames()) != Features {
		t.Fatalf("%d samples of %v", set.Len(), set.InputShape())
	}
	low, high := make([]float64, Features), make([]float64, Features)
	for j := range low {
		low[j], high[j] = math.Inf(1), math.Inf(-1)
	}
	counts := map[int64]int{}
	x, y := make([]float32, Features), data.Target{}
	for i := range set.Len() {
		if err := set.Read(i, x, &y); err != nil {
			t.Fatal(err)
		}
		counts[y.Class]++
		for j, v := range x {
			low[j], high[j] = min(low[j], float64(v)), max(high[j], float64(v))
		}
	}
	if counts[Malignant] != 212 || counts[Benign] != 357 {
		t.Errorf("class counts %v, want 212 malignant and 357 benign", counts)
	}
	for _, c := range []struct {
		feature   string
		low, high float64
	}{
		{"mean radius", 6.981, 28.11},
		{"mean texture", 9.71, 39.28},
		{"mean area", 143.5, 2501},
		{"standard error of radius", 0.112, 2.873},
		{"standard error of area", 6.802, 542.2},
		{"worst perimeter", 50.41, 251.2},
		{"worst fractal dimension", 0.055, 0.208},
	} {
		for j, name := range FeatureNames() {
			if name != c.feature {
				continue
			}
			if math.Abs(low[j]-c.low) > 6e-4 || math.Abs(high[j]-c.high) > 6e-4 {
				t.Errorf("%s ranges from %g to %g, want %g to %g", name, low[j], high[j], c.low, c.high)
			}
		}
	}
	if set.Classes()[Malignant] != "malignant" || set.Classes()[Benign] != "benign" {
		t.Errorf("classes are %v", set.Classes())
	}
}

func TestBrokenFilesAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty":           "",
		"short header":    "1,2\n1,2,0\n",
		"sample count":    "2,2,a,b\n1,2,0\n",
		"feature count":   "1,2,a,b\n1,2,3,0\n",
		"no number":       "1,2,a,b\n1,x,0\n",
		"no class":        "1,2,a,b\n1,2,x\n",
		"class too large": "1,2,a,b\n1,2,2\n",
		"quote":           "1,2,a,b\n\"1,2,1\n",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2,2,a,b\n1,2,0\n3,4,1\n")
	f.Add("1,1,a,b\n-1e5,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parse(text)
		if err != nil {
			return
		}
		if 2*set.Len() > len(text) {
			t.Fatalf("%d samples from %d bytes", set.Len(), len(text))
		}
	})
}

func ExampleLoad() {
	set := Load()
	x, y := make([]float32, Features), data.Target{}
	if err := set.Read(0, x, &y); err != nil {
		panic(err)
	}
	fmt.Println(set.Len(), FeatureNames()[0], x[0], set.Classes()[y.Class])
	// Output: 569 mean radius 17.99 malignant
}
