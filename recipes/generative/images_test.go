package generative

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hadal-ml/hadal/tensor"
)

// readPicture reads a PNG of grey pixels.
func readPicture(t *testing.T, path string) *image.Gray {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return picture.(*image.Gray)
}

func TestMosaic(t *testing.T) {
	m := mosaic{height: 1, width: 2, columns: 2, scale: 3}
	m.add(tensor.FromSlice([]float32{1, 0, 0, 0.2}, 2, 2))
	m.images = append(m.images, nil)
	m.add(tensor.FromSlice([]float32{7, -7}, 1, 2)) // beyond ink and paper
	path := filepath.Join(t.TempDir(), "mosaic.png")
	if err := m.save(path); err != nil {
		t.Fatal(err)
	}
	picture := readPicture(t, path)
	if got, want := picture.Bounds(), image.Rect(0, 0, 2*6+2, 2*3+2); got != want {
		t.Fatalf("a picture of %v, want %v", got, want)
	}
	const ink, paper, pale = 0, 255, 204
	for _, at := range []struct {
		x, y int
		want uint8
	}{
		{0, 0, ink}, {2, 2, ink}, {3, 0, paper}, {8, 0, paper}, {11, 0, pale}, {13, 2, pale}, // the first row
		{6, 1, paper}, {0, 3, paper}, // between images
		{0, 5, paper}, {5, 7, paper}, {8, 5, ink}, {11, 7, paper}, // a gap, and what is cut off
	} {
		if got := picture.At(at.x, at.y).(color.Gray).Y; got != at.want {
			t.Errorf("pixel (%d, %d) is %d, want %d", at.x, at.y, got, at.want)
		}
	}
	if err := m.save(filepath.Join(t.TempDir(), "none", "mosaic.png")); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

// TestMapPutsImagesWhereTheirCodesLie: to the right of those with a smaller first
// value, above those with a smaller second one, and no two on one place.
func TestMapPutsImagesWhereTheirCodesLie(t *testing.T) {
	codes := tensor.FromSlice([]float32{-1, -1, 1, 1, 0.99, 0.99, 0, 0}, 4, 2)
	images := tensor.FromSlice([]float32{0.2, 0.4, 0.6, 0.8}, 4, 1)
	path := filepath.Join(t.TempDir(), "map.png")
	if err := drawMap(path, codes, images, []int{1, 1, 1}); err != nil {
		t.Fatal(err)
	}
	picture := readPicture(t, path)
	found := map[image.Point]uint8{}
	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			if v := picture.GrayAt(x, y).Y; v != 255 {
				found[image.Pt(x, y)] = v
			}
		}
	}
	// 30 places a side, 3 pixels apart. The two outermost codes: the lower end
	// belongs to the map, the upper one is outside.
	want := map[image.Point]uint8{{X: 0, Y: 87}: 204, {X: 87, Y: 0}: 102, {X: 45, Y: 42}: 51}
	if len(found) != len(want) {
		t.Fatalf("there are images at %v, want %v", found, want)
	}
	for at, v := range want {
		if found[at] != v {
			t.Errorf("there are images at %v, want %v", found, want)
		}
	}
}

func TestGridOfEqualShares(t *testing.T) {
	const side = 4
	grid := gaussianGrid(side)
	if !slices.Equal(grid.Shape(), []int{side * side, 2}) {
		t.Fatalf("shape %v", grid.Shape())
	}
	below := func(z float64) float64 { return (1 + math.Erf(z/math.Sqrt2)) / 2 } // of the standard normal distribution
	for i := range side * side {
		column, row := i%side, i/side
		across, up := below(grid.At(i, 0)), below(grid.At(i, 1))
		if math.Abs(across-(float64(column)+0.5)/side) > 1e-6 || math.Abs(up-(float64(side-1-row)+0.5)/side) > 1e-6 {
			t.Errorf("point %d has shares of %g to its left and %g below", i, across, up)
		}
	}
}

func TestOneOfEach(t *testing.T) {
	got, err := oneOfEach(bars(t, 6, 4, 1))
	if err != nil || !slices.Equal(got, []int64{0, 1}) {
		t.Errorf("the first of each class are %v (%v)", got, err)
	}
	got, err = oneOfEach(bars(t, 1, 4, 1))
	if err != nil || !slices.Equal(got, []int64{0}) {
		t.Errorf("where a class has none, %v (%v)", got, err)
	}
}

// TestReconstructionsOfFewDigits: a quick look at less than a row of them.
func TestReconstructionsOfFewDigits(t *testing.T) {
	s := session(t, 1)
	s.BatchSize = 3
	if err := trainVAE(t.Context(), s, bars(t, 3, 8, 1), bars(t, 3, 8, 2)); err != nil {
		t.Fatal(err)
	}
	if got, want := readPicture(t, s.Path("reconstructions.png")).Bounds(), image.Rect(0, 0, 3*18-2, 2*18-2); got != want {
		t.Errorf("a picture of %v, want %v", got, want)
	}
}

func TestMeasuringFallsOnLinesOfTheMetricsFile(t *testing.T) {
	for perEpoch, want := range map[int]int{1: 10, 14: 10, 15: 20, 468: 470} {
		if got := measureEvery(perEpoch); got != want {
			t.Errorf("with %d steps an epoch every %d steps, want %d", perEpoch, got, want)
		}
	}
}
