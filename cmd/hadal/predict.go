package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/cmd/hadal/internal/digit"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/tensor"
)

// prediction is what a network says of one picture.
type prediction struct {
	File        string      `json:"file"`
	Class       string      `json:"class"`
	Probability float64     `json:"probability"`
	Classes     []candidate `json:"classes"` // all of them, the most probable first
	pixels      []float32
}

type candidate struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

// runnersUp is how many further classes the table shows.
const runnersUp = 2

func newPredict() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "predict RUN PICTURE...",
		Short: "Let a trained network read pictures",
		Long: "Let the network of a run read pictures: PNG, JPEG, GIF, BMP, TIFF or WebP of any size,\n" +
			"dark on light or light on dark, one digit a picture. The ink is found, scaled and\n" +
			"centred as in MNIST.",
		Example:           "  hadal predict runs/mnist-20261122-101500 seven.png photo.jpg\n  hadal predict runs/third *.png --json",
		Args:              between(2, 1<<20),
		ValidArgsFunction: completeRunThenFiles,
	}
	asJSON := jsonFlag(cmd)
	show := cmd.Flags().Bool("show", false, "also print what the network sees of each picture")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		run, err := recipes.Open(args[0])
		if err != nil {
			return err
		}
		predictions, err := predict(run, args[1:])
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, predictions)
		}
		t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "FILE\tCLASS\tPROBABILITY\tRUNNERS-UP")
		for _, p := range predictions {
			var others []string
			for _, c := range p.Classes[1:min(1+runnersUp, len(p.Classes))] {
				others = append(others, c.Class+" "+words.Percent(c.Probability))
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.File, p.Class, words.Percent(p.Probability), strings.Join(others, ", "))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		if *show {
			for _, p := range predictions {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%s\n%s", p.File, sketch(p.pixels))
			}
		}
		return nil
	}
	return cmd
}

// predict reads the pictures and lets the network of the run read them. One
// that cannot be read is an error before anything is said about the others.
func predict(run *recipes.Run, files []string) ([]prediction, error) {
	in := run.Recipe.Input
	if in == nil || !in.Digit {
		return nil, fmt.Errorf("%s is a run of %s, which does not read pictures; use a run of mnist", run.Dir, run.Recipe.Name)
	}
	judge, err := run.Judge()
	if err != nil {
		return nil, err
	}
	names := judge.Classes()
	out := make([]prediction, len(files))
	for i, file := range files {
		img, err := digit.Read(file)
		if err != nil {
			return nil, err
		}
		pixels, err := digit.Prepare(img)
		if err != nil {
			return nil, fmt.Errorf("%s %w", file, err)
		}
		x := tensor.FromSlice(pixels, 1, in.Channels, in.Height, in.Width)
		p := prediction{File: file, pixels: pixels}
		for class, v := range run.Model.Forward(nn.Inference(), x).Softmax(-1).Float64s() {
			if math.IsNaN(v) {
				return nil, errNotFinite(run.Dir)
			}
			p.Classes = append(p.Classes, candidate{names[class], v})
		}
		slices.SortStableFunc(p.Classes, func(a, b candidate) int {
			switch {
			case a.Probability > b.Probability:
				return -1
			case a.Probability < b.Probability:
				return 1
			}
			return 0
		})
		p.Class, p.Probability = p.Classes[0].Class, p.Classes[0].Probability
		out[i] = p
	}
	return out, nil
}

// sketch draws a digit with characters, one for two rows of pixels' width.
func sketch(pixels []float32) string {
	const shades = " .:-=+*#%@"
	var b strings.Builder
	for i, v := range pixels {
		c := shades[min(int(v*float32(len(shades))), len(shades)-1)]
		b.WriteByte(c)
		b.WriteByte(c) // a character is about half as wide as high
		if (i+1)%digit.Side == 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
