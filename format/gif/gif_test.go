package gif_test

import (
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hadal-ml/hadal/format/gif"
)

var greys = color.Palette{color.Gray{0}, color.Gray{128}, color.Gray{255}}

// squares are frames with a grey square that moves to the right over white.
func squares(n int) []image.Image {
	var frames []image.Image
	for i := range n {
		m := image.NewGray(image.Rect(10, 20, 50, 40)) // frames need not begin at the origin
		for j := range m.Pix {
			m.Pix[j] = 250
		}
		for y := range 5 {
			for x := range 5 {
				m.SetGray(12+3*i+x, 24+y, color.Gray{120})
			}
		}
		frames = append(frames, m)
	}
	return frames
}

func TestFramesComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gif")
	frames := squares(4)
	frames = append(frames, frames[3]) // one in which nothing changes
	if err := gif.WriteFile(path, frames, greys, 40*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := stdgif.DecodeAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Image) != 5 || a.Config.Width != 40 || a.Config.Height != 20 || a.LoopCount != 0 {
		t.Fatalf("%d frames of %d x %d, loop %d", len(a.Image), a.Config.Width, a.Config.Height, a.LoopCount)
	}
	canvas := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for i, part := range a.Image {
		if a.Delay[i] != 4 || i > 0 && part.Rect.Dx()*part.Rect.Dy() > 8*5 {
			t.Errorf("frame %d is shown for %d hundredths and holds %v", i, a.Delay[i], part.Rect)
		}
		for y := part.Rect.Min.Y; y < part.Rect.Max.Y; y++ {
			for x := part.Rect.Min.X; x < part.Rect.Max.X; x++ {
				canvas.Set(x, y, part.At(x, y))
			}
		}
		for y := range 20 {
			for x := range 40 {
				want := greys[2]
				if frames[i].At(10+x, 20+y) == (color.Gray{120}) {
					want = greys[1]
				}
				if r, _, _, _ := want.RGBA(); canvas.RGBAAt(x, y).R != uint8(r>>8) {
					t.Fatalf("frame %d at (%d, %d) is %v, not %v", i, x, y, canvas.At(x, y), want)
				}
			}
		}
	}
}

func TestImpossibleAnimationsAreErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gif")
	for want, err := range map[string]error{
		"no frames": gif.WriteFile(path, nil, greys, 0),
		"same size": gif.WriteFile(path, append(squares(1), image.NewGray(image.Rect(0, 0, 3, 3))), greys, 0),
		"palette":   gif.WriteFile(path, squares(1), make(color.Palette, 257), 0),
		"delay":     gif.WriteFile(path, squares(1), greys, -time.Second),
		"sides":     gif.WriteFile(path, []image.Image{image.NewGray(image.Rectangle{})}, greys, 0),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, which does not say %q", err, want)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "gif")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	night, day := image.NewUniform(color.Black), image.NewUniform(color.White)
	frames := make([]image.Image, 0, 2)
	for _, sky := range []image.Image{night, day} {
		frame := image.NewGray(image.Rect(0, 0, 8, 8))
		for i := range frame.Pix {
			frame.Set(i%8, i/8, sky.At(0, 0))
		}
		frames = append(frames, frame)
	}
	err = gif.WriteFile(filepath.Join(dir, "days.gif"), frames, color.Palette{color.Black, color.White}, time.Second)
	fmt.Println(err)
	// Output: <nil>
}
