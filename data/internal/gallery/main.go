// Command gallery draws what each transform of package data does to some
// digits:
//
//	go run ./data/internal/gallery -out docs/transforms.png
//
// The same seed gives the same picture.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/hadal-ml/hadal/data"
	"github.com/hadal-ml/hadal/datasets/mnist"
	"github.com/hadal-ml/hadal/internal/rng"
	"github.com/hadal-ml/hadal/metrics/plot"
)

func main() {
	out := flag.String("out", "transforms.png", "file to write, .png or .svg")
	seed := flag.Uint64("seed", 1, "of the random amounts")
	flag.Parse()
	if err := run(*out, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}

// row is one line of the picture.
type row struct {
	caption   string
	transform data.Transform
	colour    bool
}

const columns = 10

func run(out string, seed uint64) error {
	grey := data.Limit(mnist.Train(), columns)
	colour, err := paint(grey)
	if err != nil {
		return err
	}
	// The light of ten digits varies much less than that of photographs, so
	// its change is exaggerated here; 0.1 is usual.
	light, err := data.FitPCAColor(colour, 3)
	if err != nil {
		return err
	}
	mean, std, err := data.MeanStd(colour)
	if err != nil {
		return err
	}
	rows := []row{
		{"original", data.Compose(), false},
		{"Mirror()", data.Mirror(), false},
		{"RandomCrop(20, 20)", data.RandomCrop(20, 20), false},
		{"PadCrop(4)", data.PadCrop(4), false},
		{"Rotate(25)", data.Rotate(25), false},
		{"Shear(25)", data.Shear(25), false},
		{"Zoom(0.4)", data.Zoom(0.4), false},
		{"Translate(4)", data.Translate(4), false},
		{"Elastic(1.5, 4)", data.Elastic(1.5, 4), false},
		{"Warp (all of them)", data.Warp{Rotate: 12, Shear: 10, Zoom: 0.15, Translate: 2, Elastic: 0.8, Smoothness: 4}, false},
		{"original", data.Compose(), true},
		{"ColorShift", data.ColorShift{Brightness: 0.25, Contrast: 0.4, Saturation: 0.8}, true},
		{"PCAColor", light, true},
		// Deviations from -2 to 2 are mapped to what a picture can show.
		{"Normalize, -2 to 2", data.Compose(data.Normalize(mean, std), data.Normalize(same(-2), same(4))), true},
		{"Cutout(10)", data.Cutout(10), true},
	}
	var images []plot.Image
	var captions []string
	for k, r := range rows {
		ds := grey
		if r.colour {
			ds = colour
		}
		shape := ds.InputShape()
		for s, err := range data.Samples(ds) {
			if err != nil {
				return err
			}
			src := data.Image{C: shape[0], H: shape[1], W: shape[2], Pix: s.X}
			to, err := r.transform.OutputShape(src.C, src.H, src.W)
			if err != nil {
				return err
			}
			dst := data.NewImage(to[0], to[1], to[2])
			r.transform.Apply(dst, src, rng.New(seed).Split(uint64(k)).Split(uint64(s.Index)).Stream())
			images = append(images, plot.Image{Channels: dst.C, Height: dst.H, Width: dst.W, Pixels: dst.Pix})
			caption := ""
			if s.Index == 0 {
				caption = r.caption
			}
			captions = append(captions, caption)
		}
	}
	figure, err := plot.Images(images, captions, "The transforms of package data, each with ten random amounts", columns)
	if err != nil {
		return err
	}
	return figure.Save(out)
}

func same(v float32) []float32 { return []float32{v, v, v} }

// paint returns the digits as coloured ink on paper of another colour.
func paint(ds data.Dataset) (data.Dataset, error) {
	palette := [][3]float32{
		{0.80, 0.25, 0.20}, {0.20, 0.45, 0.70}, {0.85, 0.65, 0.25}, {0.25, 0.55, 0.35}, {0.50, 0.35, 0.60},
	}
	var pixels []float32
	var classes []int64
	shape := ds.InputShape()
	for s, err := range data.Samples(ds) {
		if err != nil {
			return nil, err
		}
		ink, paper := palette[s.Index%len(palette)], palette[(s.Index+3)%len(palette)]
		for c := range 3 {
			for _, v := range s.X {
				pixels = append(pixels, v*ink[c]+(1-v)*(0.5+0.4*paper[c]))
			}
		}
		classes = append(classes, s.Y.Class)
	}
	return data.FromClasses(pixels, []int{3, shape[1], shape[2]}, classes, ds.Classes())
}
