package plot_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hadal-ml/hadal/metrics/plot"
)

func ExampleCurves() {
	figure, err := plot.Curves(plot.Run{
		Name:        "lenet",
		Note:        "seed 1",
		TrainLoss:   []float64{0.41, 0.12, 0.08},
		ValLoss:     []float64{0.15, 0.09, 0.07},
		ValAccuracy: []float64{0.951, 0.974, 0.981},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	folder, err := os.MkdirTemp("", "curves")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	if err := figure.Save(filepath.Join(folder, "curves.png")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(figure.Size())
	// Output: 1440 960
}

func ExampleLines() {
	figure, err := plot.Lines(plot.Chart{
		Title:  "Learning-rate range test",
		XLabel: "learning rate", YLabel: "loss", LogX: true,
		Series: []plot.Series{{X: []float64{1e-4, 1e-3, 1e-2, 1e-1}, Y: []float64{2.3, 1.9, 0.8, 4.1}}},
		Marks:  []plot.Mark{{X: 3e-3, Label: "suggested 0.003"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(figure.Size())
	// Output: 1200 800
}
