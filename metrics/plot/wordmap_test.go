package plot

import (
	"bytes"
	"image/png"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

func TestWordMap(t *testing.T) {
	f, err := WordMap([]Words{
		{Name: "people", Words: []string{"man", "woman"}, At: [][2]float64{{0, 0}, {0.01, 0}}},
		{Words: []string{"monday"}, At: [][2]float64{{1, 1}}},
	}, "words", "and their places")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(&b); err != nil || img.Bounds().Dx() != 1200 || img.Bounds().Dy() != 800 {
		t.Errorf("%v, %v", img.Bounds(), err)
	}
	if _, err := WordMap([]Words{{Words: []string{"a"}}}, "", ""); err == nil {
		t.Error("a word without a place was drawn")
	}
	if _, err := WordMap(nil, "", ""); err == nil {
		t.Error("a map of no words was drawn")
	}
}

func TestWordsMakeRoomForEachOther(t *testing.T) {
	box := draw.New(vgimg.New(400, 300))
	var taken []vg.Rectangle
	for range 8 { // eight words at one place
		_, area := freePlace(taken, box, vg.Point{X: 200, Y: 150}, 40)
		for _, other := range taken {
			if area.Max.X > other.Min.X && other.Max.X > area.Min.X && area.Max.Y > other.Min.Y && other.Max.Y > area.Min.Y {
				t.Errorf("%v stands on %v", area, other)
			}
		}
		taken = append(taken, area)
	}
	if corner, area := freePlace(nil, box, vg.Point{X: 399, Y: 150}, 40); area.Max.X > 400 || corner != area.Min {
		t.Errorf("a word at the right edge stands at %v", area)
	}
}
