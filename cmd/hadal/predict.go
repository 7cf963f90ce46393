package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/cmd/hadal/internal/digit"
	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// prediction is what a network says of one picture or text.
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
		Use:   "predict RUN FILE...",
		Short: "Let a trained network read pictures or texts",
		Long: "Let the network of a run read pictures: PNG, JPEG, GIF, BMP, TIFF or WebP of any size,\n" +
			"dark on light or light on dark, one digit a picture. The ink is found, scaled and\n" +
			"centred as in MNIST. The network of sentiment reads texts: mails with or without\n" +
			"headers, one a file. - is the standard input.",
		Example:           "  hadal predict runs/mnist-20261122-101500 seven.png photo.jpg\n  hadal predict runs/third *.png --json\n  hadal predict runs/sentiment mail.txt\n  echo \"you won\" | hadal predict runs/sentiment -",
		Args:              between(2, 1<<20),
		ValidArgsFunction: completeRunThenFiles,
	}
	asJSON := jsonFlag(cmd)
	show := cmd.Flags().Bool("show", false, "also print what the network sees of each picture")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := recipes.RecipeOf(args[0])
		if err != nil {
			return err
		}
		var predictions []prediction
		if r.Train != nil {
			if *show {
				return usageErrorf("--show is for pictures: %s reads texts", r.Name)
			}
			predictions, err = predictTexts(args[0], args[1:], cmd.InOrStdin())
		} else {
			predictions, err = predictPictures(args[0], args[1:], cmd.InOrStdin())
		}
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

// predictPictures reads the pictures and lets the network of a run read them.
// One that cannot be read is an error before anything is said about the others.
func predictPictures(dir string, files []string, stdin io.Reader) ([]prediction, error) {
	run, err := recipes.Open(dir)
	if err != nil {
		return nil, err
	}
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
		pixels, err := readDigit(file, stdin)
		if err != nil {
			return nil, err
		}
		x := tensor.FromSlice(pixels, 1, in.Channels, in.Height, in.Width)
		p, err := ranked(dir, file, names, run.Model.Forward(nn.Inference(), x).Softmax(-1).Float64s())
		if err != nil {
			return nil, err
		}
		p.pixels = pixels
		out[i] = p
	}
	return out, nil
}

// readDigit reads a picture as the networks want it; "-" is stdin.
func readDigit(file string, stdin io.Reader) ([]float32, error) {
	var img image.Image
	var err error
	if file != "-" {
		img, err = digit.Read(file)
	} else if img, err = digit.ReadFrom(stdin); err != nil {
		err = fmt.Errorf("the standard input %w", err)
	}
	if err != nil {
		return nil, err
	}
	pixels, err := digit.Prepare(img)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return pixels, nil
}

// maxText bounds a text to read: the longest mails have a few megabytes.
const maxText = 16 << 20

// predictTexts lets the network of a run read texts; "-" is stdin.
func predictTexts(dir string, files []string, stdin io.Reader) ([]prediction, error) {
	model, err := recipes.OpenAs[recipe.TextClassifier](dir, "read pictures or texts")
	if err != nil {
		return nil, err
	}
	out := make([]prediction, len(files))
	for i, file := range files {
		text, err := readText(file, stdin)
		if err != nil {
			return nil, err
		}
		if out[i], err = ranked(dir, file, model.Classes(), model.Classify(text)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readText(file string, stdin io.Reader) ([]byte, error) {
	source := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a folder: name the texts in it", file)
		}
		source = f
	}
	text, err := io.ReadAll(io.LimitReader(source, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%s has more than %d MiB: it is no text that a network reads", file, maxText>>20)
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, fmt.Errorf("%s holds zero bytes, as pictures and programs do: give a text, in UTF-8", file)
	}
	return text, nil
}

// ranked makes a prediction of the probabilities of the classes.
func ranked(dir, file string, names []string, probabilities []float64) (prediction, error) {
	p := prediction{File: file}
	for class, v := range probabilities {
		if math.IsNaN(v) {
			return p, errNotFinite(dir)
		}
		p.Classes = append(p.Classes, candidate{names[class], v})
	}
	slices.SortStableFunc(p.Classes, func(a, b candidate) int { return cmp.Compare(b.Probability, a.Probability) })
	p.Class, p.Probability = p.Classes[0].Class, p.Classes[0].Probability
	return p, nil
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
