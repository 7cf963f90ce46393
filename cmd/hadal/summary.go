package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hadal-ml/hadal/internal/words"
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/recipes"
	"github.com/hadal-ml/hadal/recipes/recipe"
	"github.com/hadal-ml/hadal/tensor"
)

// layerRow is what hadal summary says of one layer.
type layerRow struct {
	Path           string `json:"path"`
	Kind           string `json:"kind"`
	Output         []int  `json:"output"` // with a batch of 1
	Parameters     int    `json:"parameters"`
	FLOPs          int64  `json:"flops"`
	ReceptiveField []int  `json:"receptive_field,omitempty"` // height, width
}

// modelSummary is what hadal summary says of a model.
type modelSummary struct {
	Recipe     string     `json:"recipe"`
	Members    int        `json:"members"` // of an ensemble; the rest is about one of them
	Input      []int      `json:"input"`
	Output     []int      `json:"output"`
	Layers     []layerRow `json:"layers"`
	Parameters int        `json:"parameters"`
	FLOPs      int64      `json:"flops"` // of one input, forward
}

func newSummary() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "summary RECIPE|RUN",
		Short: "Print the layers of a model",
		Long: "Print the layers of a classifier with the shape of their output for one input, their\n" +
			"parameters, the floating-point operations of a forward pass (a multiplication and\n" +
			"an addition are two), and how much of the input one output sees.",
		Example:           "  hadal summary deepconvnet\n  hadal summary runs/third --json",
		Args:              between(1, 1),
		ValidArgsFunction: completeRecipeOrRun,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := summarize(args[0])
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, s)
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s, input %s\n\n", s.Recipe, tensor.ShapeString(s.Input))
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "LAYER\tKIND\tOUTPUT\tPARAMETERS\tFLOPS\tRECEPTIVE FIELD")
		for _, l := range s.Layers {
			field := "-"
			if l.ReceptiveField != nil {
				field = fmt.Sprintf("%d x %d", l.ReceptiveField[0], l.ReceptiveField[1])
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", orDash(l.Path), l.Kind, tensor.ShapeString(l.Output), words.Thousands(l.Parameters), words.Thousands(l.FLOPs), field)
		}
		fmt.Fprintf(t, "total\t\t%s\t%s\t%s\t\n", tensor.ShapeString(s.Output), words.Thousands(s.Parameters), words.Thousands(s.FLOPs))
		if err := t.Flush(); err != nil {
			return err
		}
		if s.Members > 1 {
			fmt.Fprintf(out, "\n%d such networks are trained and averaged: %s parameters in all.\n", s.Members, words.Thousands(s.Members*s.Parameters))
		}
		return nil
	}
	return cmd
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// summarize describes the model of a recipe or a run.
func summarize(name string) (*modelSummary, error) {
	r, model, members, err := recipeOrRun(name)
	if err != nil {
		return nil, err
	}
	_, test, err := r.Load()
	if err != nil {
		return nil, err
	}
	input := tensor.Zeros(append([]int{1}, test.InputShape()...)...)
	of := nn.Summarize(model, input)
	s := &modelSummary{Recipe: r.Name, Members: members, Input: of.Input, Output: of.Output, Parameters: of.Parameters, FLOPs: of.FLOPs}
	for _, row := range of.Rows {
		l := layerRow{Path: row.Path, Kind: row.Kind, Output: row.Output, Parameters: row.Parameters, FLOPs: row.FLOPs}
		if row.ReceptiveField != [2]int{} {
			l.ReceptiveField = row.ReceptiveField[:]
		}
		s.Layers = append(s.Layers, l)
	}
	return s, nil
}

// recipeOrRun finds the model that a name means, and how many like it there
// are. The name of a recipe goes before a folder of the same name.
func recipeOrRun(name string) (r recipe.Recipe, model nn.Module, members int, err error) {
	r, err = recipes.Find(name)
	if err == nil {
		if r.Train != nil {
			return r, nil, 0, errNoSummary(r, filepath.Join("RUN", recipes.ModelFile))
		}
		return r, r.New(nn.NewInit(0)), max(r.Members, 1), nil
	}
	if _, missing := os.Stat(name); errors.Is(missing, os.ErrNotExist) {
		return r, nil, 0, fmt.Errorf("%w; nor is there a run folder of this name", err)
	}
	if r, err = recipes.RecipeOf(name); err != nil {
		return r, nil, 0, err
	}
	if r.Train != nil {
		return r, nil, 0, errNoSummary(r, filepath.Join(name, recipes.ModelFile))
	}
	run, err := recipes.Open(name)
	if err != nil {
		return r, nil, 0, err
	}
	if e, ok := run.Model.(*recipes.Ensemble); ok {
		return run.Recipe, e.Members[0], len(e.Members), nil
	}
	return run.Recipe, run.Model, 1, nil
}

// errNoSummary is about a recipe that makes its networks while it trains.
func errNoSummary(r recipe.Recipe, model string) error {
	return fmt.Errorf("%s trains in its own way and has no summary, only classifiers have; hadal inspect %s lists the parameters of a run", r.Name, model)
}
